/* SPDX-License-Identifier: MIT
 * The few lines with which an audit ends, from the documents of its case.
 */
#ifndef AUDIT_SUMMARY_H
#define AUDIT_SUMMARY_H

#include "base/base.h"

struct summary {
	const char *dir, *bundle;     /* the case; what was audited */
	const char *model, *purified; /* file names; "" when there is none */
	bool reported;
};

/* On stdout.  A document that is absent is left out. */
void summary_print(const struct summary *);

#endif
