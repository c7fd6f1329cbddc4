/* SPDX-License-Identifier: MIT
 * Arrays whose chunks are somewhere else: references of kerchunk (fsspec's
 * ReferenceFileSystem) and stores of TensorStore, in which Orbax and T5X keep
 * checkpoints.  Buckets and servers of data are what they are for; files of the
 * machine that reads them, and its cloud's own service, are not.  Also what DVC puts
 * where its file says, what a package of Core ML or the image of a container has, and
 * pickles that Kedro fetches.
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

/* {"tree_metadata": {"('w',)": {"key_metadata": [{"key": "/etc", ...}]}}}: the
 * folders below a checkpoint of Orbax in which an array lies; once. */
static void
orbax(const struct check_file *f, const struct conf *tree)
{
	for (const struct conf *n = tree->child; n != NULL; n = n->next) {
		const struct conf *keys =
		    conf_get(conf_value(n), "key_metadata");

		for (const struct conf *k = conf_is_array(keys) ? keys->child
								: NULL;
		     k != NULL; k = k->next) {
			const struct conf *key = conf_get(conf_value(k), "key");

			if (key != NULL && is_machine(key)) {
				find(f, key, "an array is");
				return;
			}
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

/* outs: [{md5: ..., path: ../../.ssh/authorized_keys}]: `dvc pull` writes there. */
static void
dvc(const struct check_file *f, const struct conf *outs)
{
	for (const struct conf *n = outs->child; n != NULL; n = n->next) {
		const struct conf *path = conf_get(n, "path");

		if (conf_is_string(path) && conf_get(n, "md5") != NULL &&
		    !conf_has(path, "://") && check_config_escapes(path)) {
			find(f, path, "an output is");
			return;
		}
	}
}

/* {type: pickle.PickleDataset, filepath: http://...}: catalog.yml */
static void
kedro(const struct check_file *f, const struct conf *n)
{
	const struct conf *type = conf_get(n, "type");
	const struct conf *path = conf_get(n, "filepath");

	if (conf_is_string(type) && conf_is_string(path) &&
	    (conf_has(type, "PickleDataset") ||
		conf_has(type, "PickleDataSet")) &&
	    (conf_begins_with(path, "http:") ||
		conf_begins_with(path, "https:") ||
		conf_begins_with(path, "ftp:")))
		find(f, path, "a pickle is");
}

/* "nemo:tokenizer.model": a file of the archive that the configuration is in. */
static void
nemo(const struct check_file *f, const struct conf *n)
{
	struct conf path = *n;

	if (!conf_begins_with(n, "nemo:"))
		return;
	path.text += 5;
	path.len -= 5;
	if (check_config_escapes(&path))
		find(f, n, "an artifact is");
}

/* Manifest.json of a package of Core ML: where in Data/ its items are. */
static void
package(const struct check_file *f, const struct conf *items)
{
	for (const struct conf *n = items->child; n != NULL; n = n->next) {
		const struct conf *path = conf_get(n, "path");

		if (conf_is_string(path) && check_config_escapes(path))
			find(f, path, "an item is");
	}
}

/* Layers of an image, {"layers": [{"digest": ..., "urls": [...]}]} (OCI, Descriptor),
 * [{"Layers": ["x/layer.tar"]}] (docker save): of the machine is none of them; once. */
static void
image(const struct check_file *f, const struct conf *layers)
{
	for (const struct conf *n = layers->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);
		const struct conf *urls = conf_get(v, "urls");

		if (is_machine(v) && (conf_ends_with(v, ".tar") ||
					 conf_ends_with(v, ".tar.gz") ||
					 conf_ends_with(v, ".tgz"))) {
			find(f, v, "a layer is");
			return;
		}
		if (!conf_is_array(urls) || conf_get(v, "digest") == NULL)
			continue;
		for (const struct conf *u = urls->child; u != NULL; u = u->next)
			if (is_machine(u)) {
				find(f, u, "a layer is");
				return;
			}
	}
}

void
check_config_refs(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *refs = conf_get(d->root, "refs");
	const struct conf *outs = conf_get(d->root, "outs");
	const struct conf *items = conf_get(d->root, "itemInfoEntries");
	const struct conf *tree = conf_get(d->root, "tree_metadata");

	if (conf_is_object(refs) && conf_get(d->root, "version") != NULL)
		kerchunk(f, refs);
	if (conf_is_object(items))
		package(f, items);
	if (conf_is_array(outs))
		dvc(f, outs);
	if (conf_is_object(tree))
		orbax(f, tree);
	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		if (n->key != NULL && conf_key_is(n, "kvstore"))
			store(f, conf_value(n));
		if (n->key != NULL && conf_is_array(n) &&
		    (conf_key_is(n, "layers") || conf_key_is(n, "Layers")))
			image(f, n);
		if (n->kind == CONF_OBJECT)
			kedro(f, n);
		if (n->kind == CONF_STRING)
			nemo(f, n);
	}
}
