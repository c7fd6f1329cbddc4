/* SPDX-License-Identifier: MIT */
#include "report/outcome.h"

#include "base/tool.h"

#include <stdarg.h>

void
outcome_problem(struct outcome *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tool_warn("%s", text);
	json_add(o->problems, json_text(text));
	o->failed = true;
}

void
outcome_judge(struct outcome *o, const struct err *e)
{
	char line[1100];

	err_text(e, line, sizeof(line));
	if (e->code != ERR_FORMAT && e->code != ERR_TRUNCATED) {
		tool_fail(e);
		json_add(o->problems, json_text(line));
		o->incomplete = true;
		return;
	}
	outcome_problem(o, "%s", line);
}

int
outcome_digest(
    const json_t *j, const char *path, const struct digest *want, struct err *e)
{
	struct digest have;
	const char *hex;
	int rc = json_get_str(j, path, &hex, e);

	if (rc == 0 &&
	    (!digest_parse(hex, &have) || !digest_equal(&have, want)))
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%s is not the digest of what it covers", path);
	return rc;
}
