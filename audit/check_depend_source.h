/* SPDX-License-Identifier: MIT
 * Where a requirement is fetched from, and whose that place is.
 */
#ifndef AUDIT_CHECK_DEPEND_SOURCE_H
#define AUDIT_CHECK_DEPEND_SOURCE_H

#include "base/base.h"
#include "base/finding.h"

struct check_depend_line {
	const char *s;
	size_t len;
	uint64_t off;
};

bool check_depend_line_has(const struct check_depend_line *, const char *word);
/* In letters of either case. */
bool check_depend_line_begins(
    const struct check_depend_line *, const char *word);

/* It begins with one of the addresses, which it is or lies below. */
bool check_depend_source_is_under(
    const struct check_depend_line *, const char *const *urls, size_t count);
/* An address (the line as a whole; the only one in the line) of the makers of
 * PyTorch, PyG, JAX and CUDA, where they tell people to install from. */
bool check_depend_source_usual_host(const struct check_depend_line *);
bool check_depend_source_usual_line(const struct check_depend_line *);
/* A repository of an account whose libraries everybody installs. */
bool check_depend_source_known(const struct check_depend_line *);
/* What is to be said of a requirement that has an address. */
enum finding_id check_depend_source(const struct check_depend_line *);

#endif
