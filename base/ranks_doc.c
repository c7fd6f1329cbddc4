/* SPDX-License-Identifier: MIT */
#include "base/ranks_doc.h"

#include "base/limits.h"
#include "base/ranks.h"

int
ranks_doc_read(
    const char *path, const char *schema, json_t **out, struct err *e)
{
	struct file_map m;
	int rc;

	*out = NULL;
	if ((rc = ranks_map_file(path, LIMIT_DOCUMENT, &m, e)) != 0)
		return rc;
	if ((rc = doc_parse(m.ptr, m.len, schema, out, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

void
ranks_doc_run(json_t *run)
{
	struct ranks_traffic t = ranks_traffic();
	json_t *j;

	if (ranks_count() == 1)
		return;
	j = json_object();
	json_put(j, "count", json_integer((json_int_t)ranks_count()));
	json_put(j, "exchanges", json_integer((json_int_t)t.calls));
	json_put(j, "bytes", json_integer((json_int_t)t.bytes));
	json_put(j, "seconds", json_number(t.seconds));
	json_put(run, "ranks", j);
}
