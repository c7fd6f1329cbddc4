/* SPDX-License-Identifier: MIT
 * Jinja templates: what reaches from the values that a template is given into
 * Python, and from there anywhere (CVE-2024-34359).  Chat templates run when a
 * tokenizer is used, in some loaders without a sandbox.
 */
#ifndef AUDIT_CHECK_JINJA_H
#define AUDIT_CHECK_JINJA_H

#include "audit/check.h"

/* How surely somebody takes the text for a template. */
enum check_jinja_role {
	JINJA_IN_TEXT,  /* it is some text: only what is an attack for sure */
	JINJA_IN_VALUE, /* a string of a configuration */
	JINJA_PERHAPS,  /* its name says template, of one language or another */
	JINJA_TEMPLATE, /* it is said to be one */
};

/* `off`: of the text within the file, ERR_NOWHERE when it is not known. */
void check_jinja_text(const struct check_file *, enum check_jinja_role,
    const char *s, size_t len, uint64_t off);

#endif
