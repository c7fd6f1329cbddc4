/* SPDX-License-Identifier: MIT
 * What the samples of WebDataset shards are labelled by: numbers of classes,
 * names of classes, both, or the folders that they are in.
 */
#ifndef FORMATS_WEBDATASET_LABEL_H
#define FORMATS_WEBDATASET_LABEL_H

#include "base/map.h"
#include "formats/dataset.h"

struct webdataset_label {
	struct arena arena; /* of names */
	struct buf sample;  /* of struct webdataset_label_of */
	struct buf name;    /* of const char *: classes, in order of coming */
	struct map id;      /* name: index */
	bool flat;          /* a sample is in no folder */
};

void webdataset_label_begin(struct webdataset_label *);
void webdataset_label_end(struct webdataset_label *);
/* A sample whose key is path[0..len). */
int webdataset_label_sample(struct webdataset_label *, const char *path,
    size_t len, struct err *) MUST_USE;
/* Text of .cls (a number, or a name) or of .cls.txt, of the last sample. */
int webdataset_label_text(
    struct webdataset_label *, struct slice, struct err *) MUST_USE;
/* .json of the last sample: "label" or "cls", if it has one of these. */
int webdataset_label_json(
    struct webdataset_label *, struct slice, struct err *) MUST_USE;
/*
 * Labels and names of d, whose samples are those that came.  All have a label,
 * or none has.  Names without numbers are numbered in their order.
 */
int webdataset_label_put(
    const struct webdataset_label *, struct dataset *d, struct err *) MUST_USE;

#endif
