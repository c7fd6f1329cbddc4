/* SPDX-License-Identifier: MIT
 * Preprocessing as a user says it, key=value with commas between:
 *
 *   resize=256          the shorter side, as torchvision's Resize(256)
 *   resize=224x224      height and width; resize=none: not at all
 *   filter=bicubic      nearest, bilinear, bicubic, lanczos, box,
 *                       hamming
 *   crop=224            centre crop, also crop=HxW; crop=none
 *   mean=.485:.456:.406 std=.229:.224:.225 std=1/255 mean=none
 *   order=bgr           or rgb
 */
#ifndef FORMATS_PREPROCESS_TEXT_H
#define FORMATS_PREPROCESS_TEXT_H

#include "formats/preprocess.h"

#define PREPROCESS_TEXT_MAX 512

/* Change in p what the text says.  ERR_USAGE names the part. */
int preprocess_text_read(
    const char *text, struct preprocess *p, struct err *) MUST_USE;
/* What happens to the data (resize, filter, crop) as such a text; "" when
 * that is nothing. */
void preprocess_text_write(
    const struct preprocess *, char out[PREPROCESS_TEXT_MAX]);
/* What a user of a tool says, as `from` of a model. */
#define PREPROCESS_USER "the command line"

struct preprocess_wish {
	bool given;
	const char *text;       /* such a text, or NULL */
	struct preprocess over; /* of a file; `from` is "" */
	bool order;             /* it says which of BGR and RGB */
	/* --mean and --std, when either is there */
	bool pixels;
	double mean[PREPROCESS_CHANNELS], std[PREPROCESS_CHANNELS];
	size_t nmean, nstd;
};

/*
 * arg: such a text, or the name of a JSON file with the members of
 * preprocess_json(), or NULL.  mean, std: lists of numbers, or NULL.  ERR_USAGE
 * when a text is wrong.
 */
int preprocess_text_open(struct preprocess_wish *, const char *arg,
    const char *mean, const char *std, struct err *) MUST_USE;
/* Put it in the place of what p says. */
int preprocess_text_apply(const struct preprocess_wish *, struct preprocess *p,
    struct err *) MUST_USE;

#endif
