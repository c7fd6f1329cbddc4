/* SPDX-License-Identifier: MIT
 * What assay-report says of the report that it made.
 */
#ifndef REPORT_BRIEF_H
#define REPORT_BRIEF_H

#include "report/keys.h"

#include "base/json.h"

struct brief {
	const json_t *statement;
	const char *out;        /* where the report is */
	const struct keys *pub; /* of whoever signs; or NULL */
	bool is_signed;         /* by now */
};

/* To stdout: a document, or two lines for people. */
void brief_json(const struct brief *);
void brief_print(const struct brief *);

#endif
