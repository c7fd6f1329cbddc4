/* SPDX-License-Identifier: MIT
 * Preprocessing as a user says it, key=value with commas between:
 *
 *   resize=256          the shorter side, as torchvision's Resize(256)
 *   resize=224x224      height and width; resize=none: not at all
 *   filter=bicubic      nearest, bilinear, bicubic, lanczos
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
/* "0.485,0.456,0.406" or with colons, also a/b; ERR_USAGE. */
int preprocess_text_list(const char *text, double out[PREPROCESS_CHANNELS],
    size_t *n, struct err *) MUST_USE;
/*
 * `over`, as far as it says something, in place of what p says.
 */
void preprocess_text_merge(struct preprocess *p, const struct preprocess *over);

#endif
