/* SPDX-License-Identifier: MIT
 * What check_secret.c and check_secret_text.c share.
 */
#ifndef AUDIT_CHECK_SECRET_PART_H
#define AUDIT_CHECK_SECRET_PART_H

#include "audit/check_tell.h"

/* A secret of len bytes at p, which is `at` in the file: never shown. */
void check_secret_tell(struct check_tell *, enum finding_id, const char *what,
    size_t at, const uint8_t *p, size_t len);
/* Of how many different bytes it is made. */
size_t check_secret_distinct(const uint8_t *, size_t len);
/* It has a word in it that those who write documentation use. */
bool check_secret_is_example(const uint8_t *, size_t len);

/* Keys, passwords and variables as only texts have them. */
void check_secret_text(struct check_tell *, struct rd);

#endif
