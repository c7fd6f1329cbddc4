/* SPDX-License-Identifier: MIT */
#include "formats/keras_call.h"

#include "base/limits.h"
#include "base/text.h"

#define NESTING 8 /* of arguments */

struct reader {
	struct keras_layer *m;
	const struct map *names;
	int version;
	struct arena *a;
	struct err *e;
	/* the call that is read, and whose */
	const struct keras_layer *of;
	struct keras_call *call;
	size_t room;
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
}

static int
bad(const struct reader *r, const char *what)
{
	return keras_config_bad(r->of, r->e, "%s", what);
}

static bool
is_input(const struct keras_layer *l)
{
	return strcmp(l->class, "InputLayer") == 0;
}

/* --- references ---------------------------------------------------------- */

/*
 * A nested functional model has had one call before it became a layer, which
 * counts (functional.py, get_config: kept_nodes), in Keras 2 also a
 * sequential one that begins with its input.
 */
static int64_t
first_call(const struct reader *r, const struct keras_layer *l)
{
	if (!l->model)
		return 0;
	if (!l->sequential)
		return 1;
	return r->version < 3 && is_input(&l->child[0]) ? 1 : 0;
}

/* ["name", call, tensor] */
static int
reference(const struct reader *r, const json_t *j, struct keras_ref *out)
{
	const char *name = json_string_value(json_array_get(j, 0));
	const json_t *call = json_array_get(j, 1), *t = json_array_get(j, 2);
	size_t child = name != NULL ? map_get(r->names, name) : SIZE_MAX;
	const struct keras_layer *l;
	int64_t i;

	if (name == NULL || !json_is_integer(call) || !json_is_integer(t))
		return bad(r, "a reference that is no name, call and tensor");
	if (child == SIZE_MAX)
		return keras_config_bad(
		    r->of, r->e, "takes '%.60s', which is not there", name);
	if (json_integer_value(t) != 0)
		return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: layer '%.60s' takes another output of '%.60s' than "
		    "the first",
		    r->of->path, name);
	l = &r->m->child[child];
	i = json_integer_value(call);
	/* with one call there is no doubt, whoever counted */
	i = l->ncall == 1 && (i == 0 || i == 1) ? 0 : i - first_call(r, l);
	if (i < 0 || (uint64_t)i >= l->ncall)
		return keras_config_bad(r->of, r->e,
		    "takes a call of '%.60s' that is not there", name);
	*out = (struct keras_ref){.child = child, .call = (size_t)i};
	return 0;
}

static int
push(struct reader *r, struct keras_ref ref)
{
	struct keras_call *c = r->call;
	struct keras_ref *more;

	if (c->nin == LIMIT_NODE_ARITY)
		return bad(r, "too many inputs");
	if (c->nin == r->room) {
		r->room = MAX(4, 2 * r->room);
		if ((more = arena_alloc(r->a, r->room, sizeof(*more))) == NULL)
			return full(r->e);
		if (c->nin != 0)
			memcpy(more, c->in, c->nin * sizeof(*more));
		c->in = more;
	}
	c->in[c->nin++] = ref;
	return 0;
}

static int
push_reference(struct reader *r, const json_t *j)
{
	struct keras_ref ref;
	int rc = reference(r, j, &ref);

	return rc != 0 ? rc : push(r, ref);
}

static int
push_number(struct reader *r, const json_t *j)
{
	return push(r, (struct keras_ref){.child = KERAS_CONFIG_NUMBER,
			   .number = json_number_value(j)});
}

/* A list of numbers, as it is or as NumPy's: {"class_name": "__numpy__",
 * "config": {"value": [...]}}; else NULL. */
static const json_t *
numbers(const json_t *j)
{
	static const char *const boxes[] = {"__numpy__", "__tensor__"};
	const char *class = json_string_value(json_object_get(j, "class_name"));

	if (class != NULL && text_is_one_of(class, boxes, ARRAY_LEN(boxes)))
		j = json_object_get(json_object_get(j, "config"), "value");
	if (json_array_size(j) == 0)
		return NULL;
	for (size_t i = 0; i < json_array_size(j); i++)
		if (!json_is_number(json_array_get(j, i)))
			return NULL;
	return j;
}

static int
push_list(struct reader *r, const json_t *list)
{
	return push(
	    r, (struct keras_ref){.child = KERAS_CONFIG_LIST, .list = list});
}

/* What stands in brackets: a list, or {"class_name": "__tuple__", "items":
 * [...]}, or one thing. */
static int
brackets(struct reader *r, const json_t *j)
{
	const char *class = json_string_value(json_object_get(j, "class_name"));

	if (class != NULL && strcmp(class, "__tuple__") == 0)
		j = json_object_get(j, "items");
	if (!json_is_array(j))
		return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: layer '%.60s' takes a part of an unknown form",
		    r->of->path);
	r->call->slice = j;
	return 0;
}

/* --- Keras 3: {"args": [...], "kwargs": {...}} --------------------------- */

static int
argument(struct reader *r, const json_t *j, unsigned depth)
{
	const char *class = json_string_value(json_object_get(j, "class_name"));
	int rc = 0;

	if (json_is_number(j))
		return push_number(r, j);
	if (numbers(j) != NULL)
		return push_list(r, numbers(j));
	if (json_is_array(j) && depth < NESTING) {
		for (size_t i = 0; i < json_array_size(j) && rc == 0; i++)
			rc = argument(r, json_array_get(j, i), depth + 1);
		return rc;
	}
	if (class != NULL && strcmp(class, "__keras_tensor__") == 0)
		return push_reference(
		    r, json_object_get(
			   json_object_get(j, "config"), "keras_history"));
	if (json_is_null(j) || json_is_boolean(j))
		return 0; /* a mask, "training" */
	return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "keras: layer '%.60s' takes something that is neither tensor nor "
	    "number",
	    r->of->path);
}

static const char *const attends[] = {"query", "value", "key"};

/* Whether the option is a tensor that attention takes by name. */
static bool
is_operand(const struct reader *r, const char *key)
{
	return strcmp(r->of->class, "MultiHeadAttention") == 0 &&
	       text_is_one_of(key, attends, ARRAY_LEN(attends));
}

/* These, in their order, behind those without a name. */
static int
operands(struct reader *r, const json_t *kwargs)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(attends) && rc == 0; i++) {
		const json_t *j = json_object_get(kwargs, attends[i]);

		if (j == NULL || json_is_null(j) || !is_operand(r, attends[i]))
			continue;
		if (r->call->nin != i)
			return bad(r, "operands that are there twice, or none");
		rc =
		    json_is_array(j) ? push_reference(r, j) : argument(r, j, 0);
	}
	return rc;
}

/* Options of a call that change what is computed. */
static int
options(struct reader *r, const json_t *kwargs)
{
	static const char *const off[] = {
	    "use_causal_mask", "return_attention_scores"};
	const char *key;
	const json_t *j;
	void *at;
	int rc;

	if ((rc = operands(r, kwargs)) != 0)
		return rc;
	if (kwargs != NULL && !json_is_object(kwargs))
		return bad(r, "options of a call that are no object");
	at = json_object_iter((json_t *)(uintptr_t)kwargs);
	for (; at != NULL;
	     at = json_object_iter_next((json_t *)(uintptr_t)kwargs, at)) {
		key = json_object_iter_key(at);
		j = json_object_iter_value(at);
		if (strcmp(key, "training") == 0) {
			r->call->training = json_is_true(j);
			continue;
		}
		if (json_is_null(j) || strcmp(key, "name") == 0 ||
		    strcmp(key, "mask") == 0 || is_operand(r, key) ||
		    (json_is_false(j) &&
			text_is_one_of(key, off, ARRAY_LEN(off))))
			continue;
		return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: layer '%.60s' is called with '%.40s'", r->of->path,
		    key);
	}
	return 0;
}

static int
call_new(struct reader *r, const json_t *j)
{
	const json_t *args = json_object_get(j, "args");
	int rc;

	if (strcmp(r->of->class, "ops/GetItem") == 0) {
		rc = argument(r, json_array_get(args, 0), 0);
		return rc != 0 ? rc : brackets(r, json_array_get(args, 1));
	}
	rc = argument(r, args, 0);
	return rc != 0 ? rc : options(r, json_object_get(j, "kwargs"));
}

/* --- Keras 2: [["name", call, tensor, {options}], ...] ------------------- */

/* "x + 3" has the number, or the other tensor, as the option "y", what is
 * added to channels as "bias", and x[...] what is in the brackets. */
static int
operand(struct reader *r, json_t *kwargs)
{
	const json_t *y = json_object_get(kwargs, "y");

	if (strcmp(r->of->class, "SlicingOpLambda") == 0)
		return brackets(r, json_object_get(kwargs, "slice_spec"));
	if (strcmp(r->of->class, "TFOpLambda") != 0)
		return options(r, kwargs);
	y = y != NULL ? y : json_object_get(kwargs, "bias");
	if (y == NULL)
		return options(r, kwargs);
	if (json_is_number(y))
		return push_number(r, y);
	if (numbers(y) != NULL)
		return push_list(r, numbers(y));
	return push_reference(r, y);
}

static int
call_old(struct reader *r, const json_t *j)
{
	bool single = json_is_string(json_array_get(j, 0));
	size_t n = single ? 1 : json_array_size(j);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const json_t *one = single ? j : json_array_get(j, i);

		if (!json_is_array(one))
			return bad(r, "a call of an unknown form");
		if ((rc = push_reference(r, one)) == 0)
			rc = operand(r, json_array_get(one, 3));
	}
	return rc;
}

/* --- the graph ----------------------------------------------------------- */

/* How often a layer is called must be known before calls are referred to. */
static int
count(struct reader *r, const json_t *layers)
{
	for (size_t i = 0; i < r->m->nchild; i++) {
		struct keras_layer *l = &r->m->child[i];
		const json_t *list =
		    json_object_get(json_array_get(layers, i), "inbound_nodes");

		r->of = l;
		if (list != NULL && !json_is_array(list))
			return bad(r, "inbound_nodes is no list");
		l->ncall = is_input(l) ? 1 : json_array_size(list);
		l->call = arena_alloc(r->a, l->ncall + 1, sizeof(*l->call));
		if (l->call == NULL)
			return full(r->e);
	}
	return 0;
}

static int
read_calls(struct reader *r, struct keras_layer *l, const json_t *list)
{
	int rc = 0;

	r->of = l;
	for (size_t i = 0; i < l->ncall && rc == 0; i++) {
		const json_t *j = json_array_get(list, i);

		r->call = &l->call[i];
		r->room = 0;
		if (json_is_object(j))
			rc = call_new(r, j);
		else if (json_is_array(j))
			rc = call_old(r, j);
		else
			rc = bad(r, "a call of an unknown form");
		if (rc == 0 && r->call->nin == 0)
			rc = bad(r, "a call without inputs");
	}
	return rc;
}

static int
add_input(struct reader *r, const json_t *j)
{
	struct keras_ref ref;
	int rc;

	if ((rc = reference(r, j, &ref)) != 0)
		return rc;
	if (!is_input(&r->m->child[ref.child]))
		return bad(r, "an input that is no InputLayer");
	r->m->input[r->m->ninput++] = ref.child;
	return 0;
}

/* One ["name", 0, 0], or a list of them. */
static int
ends(struct reader *r)
{
	const json_t *in = json_object_get(r->m->config, "input_layers");
	const json_t *out = json_object_get(r->m->config, "output_layers");
	size_t n = json_array_size(in);
	int rc = 0;

	r->of = r->m;
	r->m->input = arena_alloc(r->a, n + 1, sizeof(*r->m->input));
	if (r->m->input == NULL)
		return full(r->e);
	if (json_is_string(json_array_get(in, 0)))
		rc = add_input(r, in);
	else
		for (size_t i = 0; i < n && rc == 0; i++)
			rc = add_input(r, json_array_get(in, i));
	if (rc != 0)
		return rc;
	if (json_is_array(json_array_get(out, 0)) && json_array_size(out) == 1)
		out = json_array_get(out, 0);
	if (!json_is_string(json_array_get(out, 0)))
		return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "keras: model '%.60s' has not one output but %zu",
		    r->m->name, json_array_size(out));
	return reference(r, out, &r->m->output);
}

int
keras_call_graph(struct keras_layer *m, const json_t *layers,
    const struct map *names, int version, struct arena *a, struct err *e)
{
	struct reader r = {
	    .m = m, .names = names, .version = version, .a = a, .e = e};
	int rc;

	if ((rc = count(&r, layers)) != 0)
		return rc;
	for (size_t i = 0; i < m->nchild && rc == 0; i++)
		if (!is_input(&m->child[i]))
			rc = read_calls(&r, &m->child[i],
			    json_object_get(
				json_array_get(layers, i), "inbound_nodes"));
	return rc != 0 ? rc : ends(&r);
}

int
keras_call_chain(struct keras_layer *m, struct arena *a, struct err *e)
{
	for (size_t i = 0; i < m->nchild; i++) {
		struct keras_layer *l = &m->child[i];
		struct keras_call *c = arena_alloc(a, 1, sizeof(*c));
		struct keras_ref *in = arena_alloc(a, 1, sizeof(*in));

		if (c == NULL || in == NULL)
			return full(e);
		if (i > 0 && is_input(l))
			return keras_config_bad(
			    l, e, "an input in the midst of a model");
		in->child = i > 0 ? i - 1 : KERAS_CONFIG_IMAGE;
		*c = (struct keras_call){.in = in, .nin = 1};
		l->call = c;
		l->ncall = 1;
	}
	m->ninput = is_input(&m->child[0]) ? 1 : 0;
	if ((m->input = arena_alloc(a, 1, sizeof(*m->input))) == NULL)
		return full(e);
	m->output.child = m->nchild - 1;
	return 0;
}
