/* SPDX-License-Identifier: MIT */
#include "audit/inspect_file.h"

#include "audit/check.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "formats/layout.h"

#include <unistd.h>

/* A folder that is a model by what is in it. */
static json_t *
look_folder(const struct inspect_entry *one)
{
	json_t *doc = json_object();
	const struct layout *l = NULL;
	struct source s;
	struct err e;
	int fd = inspect_list_open(one, &e);

	/* one that cannot be opened: what walks it says so */
	if (fd >= 0) {
		source_init(&s, NULL, "", fd);
		l = layout_find(&s);
		source_release(&s);
		close(fd);
	}
	json_put(doc, "layout",
	    l != NULL && !l->loose ? json_text(l->name) : json_null());
	return doc;
}

static json_t *
describe(const char *path, const struct digest *d, uint64_t size,
    const struct identify_bids *bids, const struct check_sink *sink)
{
	json_t *f = json_object(), *list = json_array();
	char hex[DIGEST_HEX];
	bool model = false;

	for (size_t i = 0; i < bids->n; i++) {
		json_add(list, json_text(bids->bid[i]->name));
		model = model || bids->bid[i]->kind == KIND_MODEL;
	}
	digest_hex(d, hex);
	json_put(f, "path", json_text(path));
	json_put(f, "sha256", json_text(hex));
	json_put(f, "size", json_integer((json_int_t)size));
	json_put(f, "format",
	    json_text(bids->best != NULL ? bids->best->name : "unknown"));
	json_put(f, "model", json_boolean(model));
	json_put(f, "bids", list);
	json_put(f, "analysed", json_boolean(sink->analysed));
	json_put(f, "complete", json_boolean(sink->complete));
	if (sink->twin != NULL)
		json_put(f, "same_weights", json_text(sink->twin));
	return f;
}

json_t *
inspect_file_unread(
    const struct inspect_entry *one, enum finding_id finding, const char *why)
{
	json_t *doc = json_object(), *findings = json_array();

	json_add(
	    findings, finding_json(finding, one->path, ERR_NOWHERE, "%s", why));
	json_put(doc, "findings", findings);
	json_put(doc, "complete", json_false());
	return doc;
}

static bool
beside(const void *ctx, const char *path)
{
	return inspect_list_beside(ctx, path);
}

static int
near(const void *ctx, unsigned up, const char *path)
{
	struct err ignored;

	return inspect_list_near(ctx, up, path, &ignored);
}

static json_t *
look_bytes(const struct inspect_entry *one, const struct file_map *m,
    const struct check_weight_list *reference)
{
	json_t *doc = json_object();
	struct check_sink sink = {.findings = json_array(),
	    .complete = true,
	    .beside = beside,
	    .near = near,
	    .beside_ctx = one,
	    .reference = reference};
	struct identify_bids bids;
	struct digest d;

	digest_mem(m->ptr, m->len, &d);
	check_bytes(&sink, one->path, rd_mem(m->ptr, m->len), &bids);
	json_put(doc, "file", describe(one->path, &d, m->len, &bids, &sink));
	json_put(doc, "findings", sink.findings);
	json_put(doc, "complete", json_boolean(sink.complete));
	return doc;
}

static json_t *
look_file(
    const struct inspect_entry *one, const struct check_weight_list *reference)
{
	struct err e = {0};
	struct file_map m;
	json_t *doc;
	int fd = inspect_list_open(one, &e);

	if (fd < 0)
		return inspect_file_unread(one, FINDING_FILE_UNREADABLE, e.msg);
	if (file_map_fd(fd, one->path, LIMIT_MODEL_FILE, &m, &e) == 0) {
		doc = look_bytes(one, &m, reference);
		file_unmap(&m);
	} else {
		doc = inspect_file_unread(one, FINDING_FILE_UNREADABLE, e.msg);
	}
	close(fd);
	return doc;
}

void
inspect_file_look(const struct inspect_entry *one,
    const struct check_weight_list *reference, struct buf *out)
{
	json_t *doc;

	switch (one->kind) {
	case INSPECT_FOLDER:
		doc = look_folder(one);
		break;
	case INSPECT_FILE:
		doc = look_file(one, reference);
		break;
	case INSPECT_AWAY:
		doc = inspect_file_unread(one, FINDING_FILE_LINK, one->why);
		break;
	case INSPECT_NOT:
	case INSPECT_STOP:
	default:
		doc =
		    inspect_file_unread(one, FINDING_FILE_UNREADABLE, one->why);
		break;
	}
	json_pretty(doc, out);
	json_decref(doc);
}
