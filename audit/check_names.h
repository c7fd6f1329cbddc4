/* SPDX-License-Identifier: MIT
 * The names, types and links of an archive's members, whatever kind it is of:
 * what would be written elsewhere, over one another, or would be no file.
 */
#ifndef AUDIT_CHECK_NAMES_H
#define AUDIT_CHECK_NAMES_H

#include "audit/check_tell.h"
#include "base/arena.h"
#include "base/map.h"

struct check_names {
	struct check_tell *tell;
	struct arena *arena; /* of the names */
	struct map exact, folded, links;
	bool full; /* it was said */
};

struct check_names_entry {
	const char *name; /* terminated, anything */
	const char *link; /* what it links to, or NULL */
	unsigned mode;    /* st_mode; type bits 0: a file */
	uint64_t at;      /* where it is said, or ERR_NOWHERE */
	bool coded;       /* bytes that are no UTF-8 may be of a code page */
};

void check_names_init(
    struct check_names *, struct check_tell *, struct arena *);
/* Judge one more member, also beside those before it. */
void check_names_add(struct check_names *, const struct check_names_entry *);
/* Only what the name says by itself. */
void check_names_judge(
    struct check_tell *, struct arena *, const struct check_names_entry *);

#endif
