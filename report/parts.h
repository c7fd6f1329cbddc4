/* SPDX-License-Identifier: MIT
 * Models of several files in documents: an input or output with a list
 * "files", whose "sha256" is the dirHash of that list.  One without a list is
 * one file.
 */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H

#include "report/subject.h"

/*
 * The list of an input that has one, and *found; it must agree with
 * `digest`, the input's sha256.  ERR_FORMAT.  Release when found.
 */
int parts_read(const json_t *input, const struct digest *digest,
    struct subject *, bool *found, struct err *) MUST_USE;

/*
 * Whether all the parts lie among these files, in one folder; *folder: its
 * path ("." for the top), in the arena of `files`.
 */
bool parts_among(
    const struct subject *parts, struct subject *files, const char **folder);

#endif
