/* SPDX-License-Identifier: MIT
 * What a verification has found so far.  Problems are said as they are found,
 * one line each, and kept for the result.
 */
#ifndef REPORT_OUTCOME_H
#define REPORT_OUTCOME_H

#include "report/trust.h"

#include "base/json.h"

struct outcome {
	bool failed;     /* something is not what was signed */
	bool incomplete; /* something could not be read */
	json_t *problems;
	json_t *statement;
	struct buf payload; /* its bytes */
	json_t *beside;     /* names in the report that nobody signed */
	struct trusted who;
	char dir[1024]; /* of the report */
};

void outcome_problem(struct outcome *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An error about content is a failed verification, any other is not. */
void outcome_judge(struct outcome *, const struct err *);
/* ERR_FORMAT unless the string at `path` is this digest. */
int outcome_digest(const json_t *, const char *path, const struct digest *,
    struct err *) MUST_USE;

#endif
