/* SPDX-License-Identifier: MIT
 * For audit/check_jinja.c: whether a template compiles, as far as its blocks tell.
 */
#ifndef AUDIT_CHECK_JINJA_SHAPE_H
#define AUDIT_CHECK_JINJA_SHAPE_H

#include "formats/jinja.h"

/*
 * The first token at which Jinja's parser gives up (jinja2/parser.py): a block that
 * is ended and not begun, or begun and not ended, an expression without anything in
 * it, a filter or an attribute without a name.  NULL: none of these, or none before a
 * statement that is not known, whose blocks nobody here can tell.
 */
const struct jinja_token *check_jinja_shape(const struct jinja_tokens *);

#endif
