/* SPDX-License-Identifier: MIT */
#include "report/overview.h"

#include "report/compare.h"
#include "report/envelope.h"
#include "report/index.h"

#include "base/file.h"
#include "base/tool.h"

int
overview_compare(const char *before, const char *after, bool as_json)
{
	json_t *was = NULL, *is = NULL, *diff;
	struct err e = {0};
	int status;

	if (envelope_statement(before, &was, &e) != 0 ||
	    envelope_statement(after, &is, &e) != 0) {
		json_decref(was);
		return tool_fail(&e);
	}
	diff = compare_statements(was, is);
	if (as_json)
		json_print(diff);
	else
		compare_print(diff);
	status = compare_worse(diff) ? TOOL_FLAGGED : TOOL_PASSED;
	json_decref(diff);
	json_decref(was);
	json_decref(is);
	return status;
}

static int
write_index(const json_t *index, const char *dir, struct err *e)
{
	struct buf html = {0}, json = {0};
	char path[1200];
	int rc;

	index_html(index, &html);
	json_pretty(index, &json);
	if ((rc = file_mkdir(dir, e)) == 0 &&
	    (rc = file_join(path, sizeof(path), dir, "index.html", e)) == 0 &&
	    (rc = file_write(path, html.ptr, html.len, e)) == 0 &&
	    (rc = file_join(path, sizeof(path), dir, "index.json", e)) == 0)
		rc = file_write(path, json.ptr, json.len, e);
	buf_free(&html);
	buf_free(&json);
	return rc;
}

/* A report that cannot be read is said, and the others are listed. */
int
overview_list(
    const char *const *report, size_t n, const char *dir, bool as_json)
{
	json_t *index = index_new();
	struct err e;
	int status = TOOL_PASSED;

	for (size_t i = 0; i < n; i++) {
		json_t *statement = NULL;

		e = (struct err){0};
		if (envelope_statement(report[i], &statement, &e) != 0) {
			tool_fail(&e);
			status = TOOL_INCOMPLETE;
			continue;
		}
		index_add(index, report[i], statement);
		json_decref(statement);
	}
	e = (struct err){0};
	index_sort(index);
	if (as_json)
		json_print(index);
	else
		index_print(index);
	if (dir != NULL && write_index(index, dir, &e) != 0)
		status = tool_fail(&e);
	json_decref(index);
	return status;
}
