/* SPDX-License-Identifier: MIT
 * What a suspect is compared with where no trusted references are given: an
 * earlier version (scan_previous), references grown from its graph
 * (scan_grow), nothing (scan_self).
 */
#ifndef AUDIT_SCAN_ARMS_H
#define AUDIT_SCAN_ARMS_H

#include "audit/scan.h"

/* The roles of suspect and earlier version exchanged. */
int scan_previous(struct scan *, struct err *) MUST_USE;
/* The smallest adjusted p of a class. */
double scan_exchange_p(const struct scan *, size_t t);

/* References grown by assay-grow; their paths join the options. */
int scan_grow(struct scan *, struct err *) MUST_USE;
/* Removes those that were grown for this run only. */
void scan_grow_end(struct scan *);

/* Margins alone need no images. */
int scan_margins(struct scan *, struct err *) MUST_USE;
int scan_self(struct scan *, struct err *) MUST_USE;
/* Their parts of the document. */
json_t *scan_exchange_json(const struct scan *, size_t g, size_t t);
json_t *scan_self_json(const struct scan *);

#endif
