/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* fts */
#include "base/doc.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/tool.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>
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
	char hex[DIGEST_HEX];

	digest_hex(d, hex);
	json_put(in, "role", json_text(role));
	json_put(in, "name", json_text(file_base(path)));
	json_put(in, "sha256", json_text(hex));
	json_put(in, "size", json_integer((json_int_t)size));
	json_add(json_object_get(doc, "inputs"), in);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Digest over "<hex>  <relative name>\n" of each file, as dirHash does. */
static int
digest_tree(const char *path, struct digest *out, uint64_t *size, struct err *e)
{
	char *roots[] = {(char *)(uintptr_t)path, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	struct digest_ctx all;
	FTSENT *f;
	int rc = 0;

	if (fts == NULL) {
		err_sys(e, "cannot walk");
		return err_in(e, path);
	}
	digest_begin(&all);
	*size = 0;
	while (rc == 0 && (f = fts_read(fts)) != NULL) {
		char hex[DIGEST_HEX];
		struct digest d;
		uint64_t n;

		if (f->fts_info != FTS_F)
			continue;
		rc = digest_file(f->fts_path, LIMIT_MODEL_FILE, &d, &n, e);
		if (rc != 0)
			break;
		*size += n;
		digest_hex(&d, hex);
		digest_update(&all, hex, strlen(hex));
		digest_update(&all, "  ", 2);
		digest_update(&all, f->fts_path + strlen(path),
		    strlen(f->fts_path + strlen(path)));
		digest_update(&all, "\n", 1);
	}
	fts_close(fts);
	digest_end(&all, out);
	return rc;
}

int
doc_input_path(json_t *doc, const char *role, const char *path, struct err *e)
{
	struct digest d;
	uint64_t size;
	int rc;

	if (file_is_dir(path))
		rc = digest_tree(path, &d, &size, e);
	else
		rc = digest_file(path, LIMIT_MODEL_FILE, &d, &size, e);
	if (rc == 0)
		doc_input(doc, role, path, &d, size);
	return rc;
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
doc_read(const char *path, const char *schema, json_t **out, struct err *e)
{
	int rc;

	if ((rc = json_read_file(path, LIMIT_DOCUMENT, out, e)) != 0)
		return rc;
	if ((rc = check_head(*out, schema, e)) != 0) {
		err_in(e, path);
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}
