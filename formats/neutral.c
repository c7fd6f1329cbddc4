/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "formats/neutral.h"

#include "base/json.h"
#include "base/limits.h"
#include "formats/format.h"
#include "formats/member.h"
#include "formats/patch.h"
#include "formats/safetensors.h"

#define NEUTRAL_KEY    "assay.model"
#define NEUTRAL_SCHEMA "assay-model/1"

/* --- reading ------------------------------------------------------------- */

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

static int
dup_str(struct arena *a, const json_t *j, const char *path, const char **out,
    struct err *e)
{
	const char *s;
	int rc;

	if ((rc = json_get_str(j, path, &s, e)) != 0)
		return rc;
	if (strlen(s) > LIMIT_NAME)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "'%s' is too long", path);
	*out = arena_strdup(a, s, strlen(s));
	return *out != NULL ? 0 : full(e);
}

static int
parse_list_of(struct arena *a, const json_t *j, const char *path, size_t most,
    const char ***out, size_t *n, struct err *e)
{
	const json_t *list;
	int rc;

	if ((rc = json_get_array(j, path, &list, e)) != 0)
		return rc;
	*n = json_array_size(list);
	if (*n > most)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "'%s' has %zu names", path, *n);
	if ((*out = arena_alloc(a, *n + 1, sizeof(**out))) == NULL)
		return full(e);
	for (size_t i = 0; i < *n; i++)
		if ((rc = dup_str(
			 a, json_array_get(list, i), "", &(*out)[i], e)) != 0)
			return err_wrap(e, "'%s'", path);
	return 0;
}

static int
parse_names(struct arena *a, const json_t *j, const char *path,
    const char ***out, size_t *n, struct err *e)
{
	return parse_list_of(a, j, path, LIMIT_NODE_ARITY, out, n, e);
}

static int
parse_attr_list(
    struct arena *a, const json_t *v, struct attr *at, struct err *e)
{
	size_t n = json_array_size(v);
	int64_t *ints;
	double *reals;
	bool whole = true;

	if (n > LIMIT_ATTR_INTS)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "attribute '%s' has %zu values", at->name, n);
	ints = arena_alloc(a, n + 1, sizeof(*ints));
	reals = arena_alloc(a, n + 1, sizeof(*reals));
	if (ints == NULL || reals == NULL)
		return full(e);
	for (size_t i = 0; i < n; i++) {
		const json_t *x = json_array_get(v, i);

		if (!json_is_number(x))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "attribute '%s' is not a list of numbers",
			    at->name);
		whole = whole && json_is_integer(x);
		ints[i] = json_integer_value(x);
		reals[i] = json_number_value(x);
	}
	at->kind = whole ? ATTR_INTS : ATTR_REALS;
	at->ints = ints;
	at->reals = reals;
	at->n = n;
	return 0;
}

static int
parse_attr(struct arena *a, const char *key, const json_t *v, struct attr *at,
    struct err *e)
{
	if ((at->name = arena_strdup(a, key, strlen(key))) == NULL)
		return full(e);
	if (json_is_array(v))
		return parse_attr_list(a, v, at, e);
	if (json_is_string(v)) {
		at->kind = ATTR_TEXT;
		return dup_str(a, v, "", &at->s, e);
	}
	if (!json_is_number(v))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "attribute '%s' is neither number nor text", key);
	at->kind = json_is_integer(v) ? ATTR_INT : ATTR_REAL;
	at->i = json_integer_value(v);
	at->f = json_number_value(v);
	return 0;
}

static int
parse_node(struct arena *a, const json_t *j, struct node *n, struct err *e)
{
	const json_t *attrs;
	const char *key;
	json_t *v;
	int rc;

	if ((rc = dup_str(a, j, "op", &n->op, e)) != 0 ||
	    (rc = dup_str(a, j, "name", &n->name, e)) != 0 ||
	    (rc = parse_names(a, j, "inputs", &n->in, &n->nin, e)) != 0 ||
	    (rc = parse_names(a, j, "outputs", &n->out, &n->nout, e)) != 0 ||
	    (rc = json_get_object(j, "attrs", &attrs, e)) != 0)
		return rc;
	if (json_object_size(attrs) > LIMIT_NODE_ATTRS)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "%zu attributes",
		    json_object_size(attrs));
	n->attr = arena_alloc(a, json_object_size(attrs) + 1, sizeof(*n->attr));
	if (n->attr == NULL)
		return full(e);
	json_object_foreach((json_t *)(uintptr_t)attrs, key, v)
	{
		if ((rc = parse_attr(a, key, v, &n->attr[n->nattr], e)) != 0)
			return rc;
		n->nattr++;
	}
	return 0;
}

static int
parse_nodes(struct model *m, const json_t *j, struct err *e)
{
	const json_t *list;
	int rc;

	if ((rc = json_get_array(j, "nodes", &list, e)) != 0)
		return rc;
	if (json_array_size(list) > LIMIT_NODES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "%zu nodes",
		    json_array_size(list));
	m->node =
	    arena_alloc(&m->arena, json_array_size(list) + 1, sizeof(*m->node));
	if (m->node == NULL)
		return full(e);
	for (; m->nnode < json_array_size(list); m->nnode++) {
		rc = parse_node(&m->arena, json_array_get(list, m->nnode),
		    &m->node[m->nnode], e);
		if (rc != 0)
			return err_wrap(e, "node %zu", m->nnode);
	}
	return 0;
}

static int
parse_head(struct model *m, const json_t *j, struct err *e)
{
	struct arena *a = &m->arena;
	const char *schema;
	int64_t classes;
	int rc;

	if ((rc = json_get_str(j, "schema", &schema, e)) != 0)
		return rc;
	if (strcmp(schema, NEUTRAL_SCHEMA) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "schema '%s', expected '%s'", schema, NEUTRAL_SCHEMA);
	if ((rc = dup_str(a, j, "input.name", &m->input, e)) != 0 ||
	    (rc = dup_str(a, j, "output", &m->output, e)) != 0 ||
	    (rc = dup_str(a, j, "source.format", &m->format, e)) != 0 ||
	    (rc = dup_str(a, j, "source.producer", &m->producer, e)) != 0 ||
	    (rc = dup_str(a, j, "source.note", &m->note, e)) != 0 ||
	    (rc = json_get_int(j, "classes", 0, LIMIT_CLASSES, &classes, e)) !=
		0)
		return rc;
	m->classes = (uint64_t)classes;
	if (json_at(j, "source.fixed") != NULL &&
	    (rc = dup_str(a, j, "source.fixed", &m->fixed, e)) != 0)
		return rc;
	for (size_t i = 0; i < 4; i++) {
		char path[32];

		snprintf(path, sizeof(path), "input.shape.%zu", i);
		rc = json_get_int(
		    j, path, -1, LIMIT_IMAGE_SIDE, &m->shape[i], e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The names are opened by whoever wants to know what was read. */
static int
parse_files(struct model *m, const json_t *j, struct err *e)
{
	struct member safe;
	int rc;

	if (json_at(j, "source.files") == NULL)
		return 0;
	rc = parse_list_of(&m->arena, j, "source.files", LIMIT_SOURCE_FILES,
	    &m->file, &m->nfile, e);
	for (size_t i = 0; i < m->nfile && rc == 0; i++)
		if (member_check(m->file[i], &safe) != MEMBER_ACCEPTED ||
		    strcmp(safe.path, m->file[i]) != 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'source.files' has '%.64s'", m->file[i]);
	return rc;
}

/* What not every model has. */
static int
parse_extras(struct model *m, const json_t *j, struct err *e)
{
	const json_t *pre = json_object_get(j, "preprocess");
	const char *from;
	size_t n;
	int rc;

	if ((rc = parse_files(m, j, e)) != 0)
		return rc;
	if (json_object_get(j, "labels") != NULL) {
		rc = parse_list_of(
		    &m->arena, j, "labels", LIMIT_CLASSES, &m->label, &n, e);
		if (rc != 0)
			return rc;
		if (n != m->classes)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "%zu labels for %" PRIu64 " classes", n,
			    m->classes);
	}
	if (pre == NULL)
		return 0;
	if ((rc = preprocess_parse(pre, &m->preprocess, e)) != 0)
		return err_wrap(e, "preprocess");
	from = m->preprocess.from;
	m->preprocess.from = arena_strdup(&m->arena, from, strlen(from));
	return m->preprocess.from != NULL ? 0 : full(e);
}

int
neutral_parse(struct rd *r, struct model *m, struct err *e)
{
	struct safetensors st = {0};
	const char *text;
	json_t *j = NULL;
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	if ((rc = safetensors_parse(r, &m->arena, &st, e)) != 0 ||
	    (rc = safetensors_meta(&st, NEUTRAL_KEY, &text, e)) != 0 ||
	    (rc = json_read(text, strlen(text), &j, e)) != 0)
		goto out;
	m->tensor = st.tensor;
	m->ntensor = st.ntensor;
	if ((rc = parse_head(m, j, e)) != 0 ||
	    (rc = parse_extras(m, j, e)) != 0 ||
	    (rc = parse_nodes(m, j, e)) != 0)
		goto out;
	rc = model_check(m, e);
out:
	json_decref(j);
	safetensors_release(&st);
	if (rc != 0)
		model_release(m);
	return rc;
}

bool
neutral_probe(struct rd r)
{
	struct slice s;
	uint64_t len;

	/* metadata comes first in our files, so its key is near the start */
	return rd_u64le(&r, &len) == 0 && len <= LIMIT_SAFETENSORS_HEADER &&
	       rd_bytes(&r, len, &s) == 0 && len > 0 && s.ptr[0] == '{' &&
	       memmem(s.ptr, s.len, "\"" NEUTRAL_KEY "\"",
		   strlen(NEUTRAL_KEY) + 2) != NULL;
}

/* --- writing ------------------------------------------------------------- */

static json_t *
names_json(const char *const *name, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_text(name[i]));
	return list;
}

static json_t *
attr_json(const struct attr *at)
{
	json_t *list;

	switch (at->kind) {
	case ATTR_INT:
		return json_integer(at->i);
	case ATTR_REAL:
		return json_number(at->f);
	case ATTR_TEXT:
		return json_text(at->s);
	case ATTR_INTS:
	case ATTR_REALS:
		list = json_array();
		for (size_t i = 0; i < at->n; i++)
			json_add(list, at->kind == ATTR_INTS
					   ? json_integer(at->ints[i])
					   : json_number(at->reals[i]));
		return list;
	}
	BUG("attribute kind");
}

static json_t *
node_json(const struct node *n)
{
	json_t *j = json_object(), *attrs = json_object();

	for (size_t i = 0; i < n->nattr; i++)
		json_put(attrs, n->attr[i].name, attr_json(&n->attr[i]));
	json_put(j, "op", json_text(n->op));
	json_put(j, "name", json_text(n->name));
	json_put(j, "inputs", names_json((const char *const *)n->in, n->nin));
	json_put(
	    j, "outputs", names_json((const char *const *)n->out, n->nout));
	json_put(j, "attrs", attrs);
	return j;
}

static json_t *
model_json(const struct model *m)
{
	json_t *j = json_object(), *input = json_object();
	json_t *shape = json_array(), *source = json_object();
	json_t *nodes = json_array();

	for (size_t i = 0; i < 4; i++)
		json_add(shape, json_integer(m->shape[i]));
	json_put(input, "name", json_text(m->input));
	json_put(input, "shape", shape);
	json_put(source, "format", json_text(m->format));
	json_put(source, "producer", json_text(m->producer));
	json_put(source, "note", json_text(m->note));
	if (m->fixed != NULL)
		json_put(source, "fixed", json_text(m->fixed));
	if (m->nfile != 0)
		json_put(source, "files", names_json(m->file, m->nfile));
	for (size_t i = 0; i < m->nnode; i++)
		json_add(nodes, node_json(&m->node[i]));
	json_put(j, "schema", json_text(NEUTRAL_SCHEMA));
	json_put(j, "input", input);
	json_put(j, "output", json_text(m->output));
	json_put(j, "classes", json_integer((json_int_t)m->classes));
	json_put(j, "source", source);
	if (m->label != NULL)
		json_put(j, "labels", names_json(m->label, m->classes));
	if (*m->preprocess.from != '\0')
		json_put(j, "preprocess", preprocess_json(&m->preprocess));
	json_put(j, "nodes", nodes);
	return j;
}

int
neutral_write(struct file_out *out, const struct model *m, struct err *e)
{
	json_t *j = model_json(m), *meta = json_object();
	char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17));
	int rc;

	if (text == NULL)
		BUG("json_dumps");
	json_put(meta, "format", json_text("assay"));
	json_put(meta, NEUTRAL_KEY, json_text(text));
	rc = safetensors_write(out, m->tensor, m->ntensor, meta, e);
	free(text);
	json_decref(meta);
	json_decref(j);
	return rc;
}

/* --- the registry -------------------------------------------------------- */

static int
probe(struct rd r)
{
	return neutral_probe(r) ? 100 : 0;
}

static int
load(struct source *s, struct model *m, struct err *e)
{
	struct rd r = s->main;
	int rc = neutral_parse(&r, m, e);

	/* that was said of what it came from: here it is written back */
	if (rc == 0)
		m->fixed = NULL;
	return rc;
}

/* Weights of another neutral model of the same graph. */
static int
patch(struct source *original, const struct model *neutral, struct err *e)
{
	return patch_loaded(original, load, neutral, e);
}

const struct format format_neutral = {
    .name = "neutral",
    .summary = "neutral model of this suite (safetensors with a graph)",
    .probe = probe,
    .load = load,
    .patch = patch,
};
