/* SPDX-License-Identifier: MIT
 * YAML as PyYAML composes it: libyaml's events, tags resolved by their
 * handles, anchors followed by reference.  What PyYAML's loaders refuse
 * (a key that is a mapping) is taken, so that less is missed.
 */
#include "formats/conf.h"

#include "base/limits.h"
#include "base/map.h"
#include "formats/yaml_events.h"

/* An open mapping or sequence. */
struct level {
	struct level *up;
	struct conf *node;
	const char *key; /* of the value that comes; NULL: a key comes */
	size_t key_len;
	size_t members; /* of the node, so far */
};

struct reader {
	struct conf_doc *doc;
	struct level *top;
	struct map anchors; /* numbers of nodes, in anchored[] */
	const struct conf **anchored;
	size_t nanchor, cap, depth;
	size_t aliased; /* members of what aliases stand for */
};

static int
fail(const yaml_event_t *ev, int code, const char *what, struct err *e)
{
	return err_set(e, code, ev->start_mark.index, "yaml: %s", what);
}

static const char *
copy(struct reader *r, const yaml_char_t *s, size_t len)
{
	return arena_strdup(&r->doc->arena, (const char *)s, len);
}

static bool
mapping_wants_key(const struct reader *r)
{
	return r->top != NULL && r->top->node->kind == CONF_OBJECT &&
	       r->top->key == NULL;
}

/* A node where the next stands; a collection in place of a key has none. */
static struct conf *
add(struct reader *r, const yaml_event_t *ev, enum conf_kind kind)
{
	struct level *l = r->top;
	struct conf *n = conf_add(r->doc, l != NULL ? l->node : NULL, kind);

	if (n == NULL)
		return NULL;
	n->off = ev->start_mark.index;
	n->members = kind == CONF_STRING ? 1 : 0;
	if (l != NULL)
		l->members++;
	if (l == NULL || l->node->kind != CONF_OBJECT)
		return n;
	if (l->key == NULL) {
		l->key = ""; /* its value has no name */
		l->key_len = 0;
		return n;
	}
	n->key = l->key;
	n->key_len = l->key_len;
	l->key = NULL;
	return n;
}

/* A name that occurs again goes on meaning the first node. */
static bool
anchor(struct reader *r, const yaml_char_t *name, struct conf *n)
{
	const struct conf **more;

	if (name == NULL)
		return true;
	if (r->nanchor == r->cap) {
		size_t cap = r->cap != 0 ? r->cap * 2 : 64;

		more = arena_alloc(&r->doc->arena, cap, sizeof(*more));
		if (more == NULL)
			return false;
		if (r->nanchor != 0)
			memcpy(more, r->anchored, r->nanchor * sizeof(*more));
		r->anchored = more;
		r->cap = cap;
	}
	r->anchored[r->nanchor++] = n;
	name = (const yaml_char_t *)copy(r, name, strlen((const char *)name));
	return name != NULL &&
	       map_put(&r->anchors, (const char *)name, r->nanchor) >= 0;
}

static bool
tagged(struct reader *r, const yaml_char_t *tag, struct conf *n)
{
	if (tag == NULL)
		return true;
	n->tag = copy(r, tag, strlen((const char *)tag));
	return n->tag != NULL;
}

static int
scalar(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	const char *text =
	    copy(r, ev->data.scalar.value, ev->data.scalar.length);
	bool is_key = mapping_wants_key(r);
	struct conf *n;

	if (text == NULL)
		return fail(ev, ERR_LIMIT, "too many values", e);
	/* a key is a node of its own only when it may be more than text */
	if (is_key && ev->data.scalar.tag == NULL &&
	    ev->data.scalar.anchor == NULL) {
		r->top->key = text;
		r->top->key_len = ev->data.scalar.length;
		return 0;
	}
	if ((n = add(r, ev, CONF_STRING)) == NULL)
		return fail(ev, ERR_LIMIT, "too many values", e);
	n->text = text;
	n->len = ev->data.scalar.length;
	if (!tagged(r, ev->data.scalar.tag, n) ||
	    !anchor(r, ev->data.scalar.anchor, n))
		return fail(ev, ERR_LIMIT, "too many values", e);
	if (is_key) {
		r->top->key = text;
		r->top->key_len = n->len;
	}
	return 0;
}

static int
open_level(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	bool map = ev->type == YAML_MAPPING_START_EVENT;
	struct level *l = arena_alloc(&r->doc->arena, 1, sizeof(*l));
	struct conf *n = add(r, ev, map ? CONF_OBJECT : CONF_ARRAY);

	if (l == NULL || n == NULL ||
	    !tagged(r,
		map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag,
		n) ||
	    !anchor(r,
		map ? ev->data.mapping_start.anchor
		    : ev->data.sequence_start.anchor,
		n))
		return fail(ev, ERR_LIMIT, "too many values", e);
	if (++r->depth > LIMIT_YAML_DEPTH)
		return fail(ev, ERR_LIMIT, "nested too deeply", e);
	*l = (struct level){.up = r->top, .node = n};
	r->top = l;
	return 0;
}

/* What is counted of a node and of all within, aliases by what they stand for:
 * more than that is too much anyway. */
static size_t
sum(size_t a, size_t b)
{
	return MIN(a, LIMIT_YAML_ALIASED) + MIN(b, LIMIT_YAML_ALIASED);
}

/* The node at the top is complete. */
static void
close_level(struct reader *r)
{
	struct level *l = r->top;

	if (l == NULL)
		BUG("libyaml");
	l->node->members = 1 + l->members;
	r->top = l->up;
	if (l->up != NULL)
		l->up->members = sum(l->up->members, l->members);
	r->depth--;
}

static int
alias(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	size_t i = map_get(&r->anchors, (const char *)ev->data.alias.anchor);
	const struct conf *target;
	struct conf *n;
	size_t members;

	if (i == 0 || i > r->nanchor)
		return fail(ev, ERR_FORMAT, "an alias without anchor", e);
	if ((n = add(r, ev, CONF_ALIAS)) == NULL)
		return fail(ev, ERR_LIMIT, "too many values", e);
	target = r->anchored[i - 1];
	n->target = (struct conf *)(uintptr_t)target;
	/* of what it stands in itself, nobody knows yet */
	members =
	    target->members != 0 ? target->members : LIMIT_YAML_ALIASED / 16;
	r->aliased = sum(r->aliased, members);
	if (r->top != NULL)
		r->top->members = sum(r->top->members, members);
	return r->aliased <= LIMIT_YAML_ALIASED
		   ? 0
		   : fail(ev, ERR_LIMIT, "aliases stand for too much", e);
}

static int
take(void *ctx, const yaml_event_t *ev, struct err *e)
{
	struct reader *r = ctx;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return scalar(r, ev, e);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		return open_level(r, ev, e);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		close_level(r);
		return 0;
	case YAML_ALIAS_EVENT:
		return alias(r, ev, e);
	case YAML_DOCUMENT_START_EVENT:
		/* anchors are a document's own */
		map_init(&r->anchors, &r->doc->arena);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	default:
		return 0;
	}
}

int
conf_yaml(struct rd in, struct conf_doc *doc, struct err *e)
{
	struct reader r = {.doc = doc};

	*doc = (struct conf_doc){.yaml = true};
	arena_init(&doc->arena, LIMIT_CONF_ARENA);
	map_init(&r.anchors, &doc->arena);
	return yaml_events(in, take, &r, e);
}
