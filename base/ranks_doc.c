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
