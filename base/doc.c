/* SPDX-License-Identifier: MIT */
#include "base/doc.h"

#include "base/dirhash.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/tool.h"

#include <time.h>

json_t *
doc_new(const char *schema)
{
	json_t *doc = json_object(), *tool = json_object();

	json_put(tool, "name", json_text(tool_name));
	json_put(tool, "version", json_text(tool_version));
	json_put(doc, "schema", json_text(schema));
	json_put(doc, "tool", tool);
	json_put(doc, "inputs", json_array());
	return doc;
}

void
doc_input(json_t *doc, const char *role, const char *path,
    const struct digest *d, uint64_t size)
{
	json_t *in = json_object();
	size_t n = strlen(path);
	char hex[DIGEST_HEX], name[512];

	digest_hex(d, hex);
	json_put(in, "role", json_text(role));
	/* "dir/" is "dir" */
	while (n > 1 && path[n - 1] == '/')
		n--;
	snprintf(name, sizeof(name), "%.*s", (int)n, path);
	json_put(
	    in, "name", json_text(file_base(n < sizeof(name) ? name : path)));
	json_put(in, "sha256", json_text(hex));
	json_put(in, "size", json_integer((json_int_t)size));
	json_add(json_object_get(doc, "inputs"), in);
}

int
doc_input_path(json_t *doc, const char *role, const char *path, struct err *e)
{
	struct digest d;
	uint64_t size;
	int rc;

	if (file_is_dir(path))
		rc = dirhash_dir(path, &d, &size, NULL, e);
	else
		rc = digest_file(path, LIMIT_MODEL_FILE, &d, &size, e);
	if (rc == 0)
		doc_input(doc, role, path, &d, size);
	return rc;
}

bool
doc_has_input(const json_t *doc, const char *role, const struct digest *want)
{
	const json_t *in;
	size_t i;

	json_array_foreach(json_at(doc, "inputs"), i, in)
	{
		const char *is = json_text_at(in, "role");
		const char *hex = json_text_at(in, "sha256");
		struct digest d;

		if (is != NULL && hex != NULL && strcmp(is, role) == 0 &&
		    digest_parse(hex, &d) && digest_equal(&d, want))
			return true;
	}
	return false;
}

json_t *
doc_run(int64_t started, double seconds, int threads)
{
	time_t when = (time_t)started;
	json_t *j = json_object();
	struct tm tm;
	char text[32];

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_put(j, "started", json_text(text));
	json_put(j, "seconds", json_number(seconds));
	json_put(j, "threads", json_integer(threads));
	return j;
}

static int
check_head(const json_t *doc, const char *schema, struct err *e)
{
	const char *have, *name;
	const json_t *inputs;
	int rc;

	if ((rc = json_get_str(doc, "schema", &have, e)) != 0)
		return rc;
	if (strcmp(have, schema) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "schema is '%s', expected '%s'", have, schema);
	if ((rc = json_get_str(doc, "tool.name", &name, e)) != 0 ||
	    (rc = json_get_str(doc, "tool.version", &name, e)) != 0)
		return rc;
	return json_get_array(doc, "inputs", &inputs, e);
}

int
doc_parse(const void *text, size_t len, const char *schema, json_t **out,
    struct err *e)
{
	int rc;

	*out = NULL;
	if ((rc = json_read(text, len, out, e)) != 0)
		return rc;
	if ((rc = check_head(*out, schema, e)) != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

int
doc_read(const char *path, const char *schema, json_t **out, struct err *e)
{
	struct file_map m;
	int rc;

	*out = NULL;
	if ((rc = file_map(path, LIMIT_DOCUMENT, &m, e)) != 0)
		return rc;
	if ((rc = doc_parse(m.ptr, m.len, schema, out, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}
