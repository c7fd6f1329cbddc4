/* SPDX-License-Identifier: MIT
 * Names of classes as files beside a model have them.
 */
#ifndef FORMATS_LABEL_FILE_H
#define FORMATS_LABEL_FILE_H

#include "formats/source.h"

/*
 * {"0": "cat", "1": ["n02123045", "tabby"]}: every index from 0 on, once; of
 * several names the last.  ERR_FORMAT.
 */
int label_file_by_index(struct source *, const json_t *, struct err *) MUST_USE;

/* ["cat", "dog"]. */
int label_file_by_order(struct source *, const json_t *, struct err *) MUST_USE;

/* One name a line, as Triton has them; blank lines at the end do not count. */
int label_file_by_line(struct source *, struct rd, struct err *) MUST_USE;

#endif
