/* SPDX-License-Identifier: MIT
 * WebDataset shards: tar files, also compressed, in which the consecutive
 * members of a sample share their name up to the first dot of the last part:
 * n0001.jpg and n0001.cls (a number) or n0001.json (its "label" or "cls").
 * libarchive streams them by the rules of bundle.h: twice, first the labels,
 * then the images.
 */
#ifndef FORMATS_WEBDATASET_H
#define FORMATS_WEBDATASET_H

#include "base/rd.h"
#include "formats/fit.h"

/* A tar file, or a name that promises one. */
bool webdataset_probe(const char *path, struct rd);
/* Whether all files of a folder, and at least one, are tar files. */
bool webdataset_folder_probe(int folder);

/* Shards in this order; d is empty, its arena initialised. */
int webdataset_parse(const struct rd *shard, size_t n, const struct fit_shape *,
    struct dataset *d, struct err *) MUST_USE;
int webdataset_folder(int folder, const struct fit_shape *, struct dataset *,
    struct err *) MUST_USE;

#endif
