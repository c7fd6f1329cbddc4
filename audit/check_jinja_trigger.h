/* SPDX-License-Identifier: MIT
 * For audit/check_jinja.c: conditions of a template that are a trigger.
 */
#ifndef AUDIT_CHECK_JINJA_TRIGGER_H
#define AUDIT_CHECK_JINJA_TRIGGER_H

#include "base/base.h"
#include "formats/jinja.h"

/*
 * The first condition among the n tokens of a template that asks whether a message
 * has certain words, and says five or more words of its own if it does, or decides
 * whether what was said is passed on; NULL: there is none.
 */
const struct jinja_token *check_jinja_trigger(
    const struct jinja_token *, size_t n);

#endif
