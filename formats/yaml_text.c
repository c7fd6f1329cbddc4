/* SPDX-License-Identifier: MIT */
#include "formats/yaml_text.h"

#include "base/arena.h"
#include "base/limits.h"
#include "formats/yaml_events.h"

#define KEYS_CAP (2 * (size_t)LIMIT_CONFIG_FILE)

/* An open mapping or sequence, owned by what it stands in. */
struct level {
	json_t *node;
	const char *key; /* of a mapping that waits for its value; or NULL */
};

struct reader {
	struct arena keys;
	json_t *root;
	struct level level[LIMIT_CONFIG_DEPTH];
	size_t depth, values;
};

static int
fail(const yaml_event_t *ev, int code, const char *what, struct err *e)
{
	return err_set(e, code, ev->start_mark.index, "yaml: %s", what);
}

/* A value or an element; v is stolen. */
static int
place(struct reader *r, const yaml_event_t *ev, json_t *v, struct err *e)
{
	struct level *at = r->depth != 0 ? &r->level[r->depth - 1] : NULL;

	if (at == NULL) {
		r->root = v;
	} else if (json_is_array(at->node)) {
		json_add(at->node, v);
	} else if (at->key != NULL) {
		json_put(at->node, at->key, v);
		at->key = NULL;
	} else {
		json_decref(v);
		return fail(ev, ERR_FORMAT, "a key is no scalar", e);
	}
	if (++r->values > LIMIT_CONFIG_VALUES)
		return fail(ev, ERR_LIMIT, "too many values", e);
	return 0;
}

static int
open_level(struct reader *r, const yaml_event_t *ev, json_t *v, struct err *e)
{
	int rc;

	if (r->depth == LIMIT_CONFIG_DEPTH) {
		json_decref(v);
		return fail(ev, ERR_LIMIT, "nested too deeply", e);
	}
	if ((rc = place(r, ev, v, e)) == 0)
		r->level[r->depth++] = (struct level){v, NULL};
	return rc;
}

static int
scalar(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	struct level *at = r->depth != 0 ? &r->level[r->depth - 1] : NULL;
	const char *text = (const char *)ev->data.scalar.value;
	size_t n = ev->data.scalar.length;

	if (strlen(text) != n)
		return fail(ev, ERR_FORMAT, "a zero byte in a scalar", e);
	if (at == NULL || json_is_array(at->node) || at->key != NULL)
		return place(r, ev, json_text(text), e);
	if (json_object_get(at->node, text) != NULL)
		return fail(ev, ERR_FORMAT, "a key is there twice", e);
	if (strcmp(text, "<<") == 0)
		return fail(ev, ERR_FORMAT, "a merge key", e);
	at->key = arena_strdup(&r->keys, text, n);
	return at->key != NULL ? 0 : fail(ev, ERR_LIMIT, "too many keys", e);
}

static int
take(void *ctx, const yaml_event_t *ev, struct err *e)
{
	struct reader *r = ctx;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return scalar(r, ev, e);
	case YAML_MAPPING_START_EVENT:
		return open_level(r, ev, json_object(), e);
	case YAML_SEQUENCE_START_EVENT:
		return open_level(r, ev, json_array(), e);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return fail(ev, ERR_FORMAT, "an alias", e);
	case YAML_DOCUMENT_START_EVENT:
		return r->root == NULL
			   ? 0
			   : fail(ev, ERR_FORMAT, "a second document", e);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	default:
		return 0;
	}
}

int
yaml_text_read(struct rd in, json_t **out, struct err *e)
{
	struct reader r = {.root = NULL};
	int rc;

	*out = NULL;
	arena_init(&r.keys, KEYS_CAP);
	rc = yaml_events(in, take, &r, e);
	if (rc == 0 && r.root == NULL)
		rc = err_set(e, ERR_FORMAT, 0, "yaml: no document");
	arena_release(&r.keys);
	if (rc != 0)
		json_decref(r.root);
	else
		*out = r.root;
	return rc;
}
