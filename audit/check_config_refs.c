/* SPDX-License-Identifier: MIT
 * Arrays whose chunks are somewhere else: references of kerchunk (fsspec's
 * ReferenceFileSystem) and stores of TensorStore, in which Orbax and T5X keep
 * checkpoints.  Buckets and servers of data are what they are for; files of the
 * machine that reads them, and its cloud's own service, are not.
 */
#include "audit/check_config_part.h"

#include <string.h>

#define SHOWN 512

/* Of the machine: file:///..., /..., ~, up, and 169.254.169.254. */
static bool
is_machine(const struct conf *n)
{
	if (!conf_is_string(n))
		return false;
	if (conf_begins_with(n, "file:") || conf_begins_with(n, "local:") ||
	    conf_has(n, "://169.254.169.254") ||
	    conf_has(n, "://metadata.google.internal"))
		return true;
	return !conf_has(n, "://") && check_config_escapes(n);
}

static void
find(const struct check_file *f, const struct conf *n, const char *what)
{
	char shown[SHOWN];

	check_find(f, FINDING_CONFIG_PATH, n->off, "%s '%s'", what,
	    check_config_shown(n, shown, sizeof(shown)));
}

/* {"version": 1, "refs": {"x/0": ["file:///etc/passwd", 0, 16]}}; once. */
static void
kerchunk(const struct check_file *f, const struct conf *refs)
{
	for (const struct conf *n = refs->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);

		v = conf_is_array(v) ? conf_value(v->child) : NULL;
		if (v != NULL && is_machine(v)) {
			find(f, v, "a chunk is");
			return;
		}
	}
}

/* "kvstore": {"driver": "file", "path": ...}, {"driver": "http", "base_url": ...} */
static void
store(const struct check_file *f, const struct conf *n)
{
	const struct conf *path = conf_get(n, "path");
	const struct conf *url = conf_get(n, "base_url");

	if (conf_get(n, "driver") == NULL)
		return;
	if (conf_is_string(path) && is_machine(path))
		find(f, path, "a store is");
	if (conf_is_string(url) && is_machine(url))
		find(f, url, "a store is");
}

void
check_config_refs(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *refs = conf_get(d->root, "refs");

	if (conf_is_object(refs) && conf_get(d->root, "version") != NULL)
		kerchunk(f, refs);
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		if (n->key != NULL && conf_key_is(n, "kvstore"))
			store(f, conf_value(n));
}
