/* SPDX-License-Identifier: MIT
 * For audit/check_jinja.c: templates that change what is said, and loops that
 * no conversation needs.
 */
#ifndef AUDIT_CHECK_JINJA_CHANGE_H
#define AUDIT_CHECK_JINJA_CHANGE_H

#include "base/base.h"
#include "formats/jinja.h"

/* The first of n tokens that replaces words of a message by others, or puts an
 * address there; NULL: there is none. */
const struct jinja_token *check_jinja_change(
    const struct jinja_token *, size_t n);

/* The first loop that, with those around it, goes on more often than Jinja's
 * sandbox lets one range() (MAX_RANGE); NULL: there is none. */
const struct jinja_token *check_jinja_change_loop(
    const struct jinja_token *, size_t n);

/* message.content, message['content']: of tokens [i, end). */
bool check_jinja_change_is_content(
    const struct jinja_token *, size_t i, size_t end);

#endif
