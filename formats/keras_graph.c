/* SPDX-License-Identifier: MIT
 * Only what the output needs is drawn, from its call backwards: a stack of
 * calls, not recursion, because a model may be as deep as its file is long.
 * Models inside of models do recurse; keras_config.c limits their depth.
 */
#include "formats/keras_graph.h"

#include "base/limits.h"
#include "formats/binary.h"
#include "formats/keras_class.h"

/* --- the calls of one model ---------------------------------------------- */

struct visit {
	size_t child, call;
	size_t next; /* input that is looked at next */
};

struct frame {
	struct keras *k;
	struct keras_layer *m;
	const struct keras_value *in; /* of the model */
	size_t nin;
	struct keras_value **done; /* by child and call; name NULL: not yet */
	bool **open;               /* is on the stack, its inputs above it */
	struct visit *stack;
	size_t depth;
};

static void model(struct keras *, struct keras_layer *,
    const struct keras_value *in, size_t nin, struct keras_value *out);

static void *
room(struct keras *k, size_t n, size_t size)
{
	void *p = k->d.rc == 0 ? arena_alloc(&k->d.m->arena, n, size) : NULL;

	if (p == NULL && k->d.rc == 0)
		k->d.rc = err_set(
		    k->d.e, ERR_LIMIT, ERR_NOWHERE, "keras: model too large");
	return p;
}

static void
begin(struct frame *f)
{
	size_t n = f->m->nchild, calls = 0;

	f->done = room(f->k, n + 1, sizeof(*f->done));
	f->open = room(f->k, n + 1, sizeof(*f->open));
	for (size_t i = 0; i < n && f->k->d.rc == 0; i++) {
		f->done[i] =
		    room(f->k, f->m->child[i].ncall + 1, sizeof(**f->done));
		f->open[i] =
		    room(f->k, f->m->child[i].ncall + 1, sizeof(**f->open));
		calls += f->m->child[i].ncall;
	}
	f->stack = room(f->k, calls + 1, sizeof(*f->stack));
	f->k->calls += calls;
	if (f->k->calls > LIMIT_NODES)
		keras_draw_refuse(
		    f->k, f->m, "more than %d calls of layers", LIMIT_NODES);
}

/*
 * Put the next input that is not there yet on the stack; false: all are.  What
 * is on the stack and not yet there waits for the one that asks now.
 */
static bool
wants(struct frame *f, struct visit *v, const struct keras_call *c)
{
	for (; v->next < c->nin && f->k->d.rc == 0; v->next++) {
		struct keras_ref r = c->in[v->next];

		if (r.child >= f->m->nchild || f->done[r.child][r.call].name)
			continue;
		if (f->open[r.child][r.call]) {
			keras_draw_bad(
			    f->k, &f->m->child[r.child], "is part of a cycle");
			return false;
		}
		f->open[r.child][r.call] = true;
		f->stack[f->depth++] =
		    (struct visit){.child = r.child, .call = r.call};
		return true;
	}
	return false;
}

static struct keras_value
value_of(struct frame *f, const struct keras_layer *l, struct keras_ref r)
{
	if (r.child == KERAS_CONFIG_NUMBER)
		return (struct keras_value){
		    .name = keras_draw_repeat(f->k, l, "number", 0, r.number),
		    .last = -1,
		    .number = r.number};
	if (r.child == KERAS_CONFIG_LIST)
		return (struct keras_value){.name = "",
		    .last = (int64_t)json_array_size(r.list),
		    .list = r.list};
	if (r.child == KERAS_CONFIG_IMAGE)
		return f->in[0];
	return f->done[r.child][r.call];
}

/* Input layer `child` is the model's input of that place. */
static struct keras_value
input_of(struct frame *f, size_t child)
{
	for (size_t i = 0; i < f->m->ninput; i++)
		if (f->m->input[i] == child && i < f->nin)
			return f->in[i];
	keras_draw_bad(f->k, &f->m->child[child], "is no input of its model");
	return (struct keras_value){.name = ""};
}

static void
layer(struct frame *f, struct keras_layer *l, const struct keras_call *c,
    struct keras_value *out)
{
	struct keras_value *in = room(f->k, c->nin + 1, sizeof(*in));

	for (size_t i = 0; i < c->nin && f->k->d.rc == 0; i++)
		in[i] = value_of(f, l, c->in[i]);
	if (f->k->d.rc != 0)
		return;
	if (l->model) {
		model(f->k, l, in, c->nin, out);
		return;
	}
	if (c->nin < l->kind->least || c->nin > l->kind->most)
		keras_draw_bad(f->k, l, "%zu inputs", c->nin);
	for (size_t i = 0; i < c->nin; i++)
		if ((c->in[i].child == KERAS_CONFIG_NUMBER ||
			c->in[i].child == KERAS_CONFIG_LIST) &&
		    strncmp(l->class, "ops/", 4) != 0 &&
		    strcmp(l->class, "TFOpLambda") != 0)
			keras_draw_bad(f->k, l, "a number as an input");
	if (c->training && l->kind->var[0].name != NULL &&
	    strcmp(l->class, "BatchNormalization") == 0)
		keras_draw_refuse(f->k, l, "is called in training mode");
	if (f->k->d.rc != 0)
		return;
	f->k->slice = c->slice;
	l->kind->draw(f->k, l, in, c->nin, out);
	if (!l->kind->moves)
		keras_draw_pixels(f->k, false);
}

static void
call(struct frame *f, struct visit v, struct keras_value *out)
{
	struct keras_layer *l = &f->m->child[v.child];

	if (!l->model && strcmp(l->class, "InputLayer") == 0)
		*out = f->m->sequential ? f->in[0] : input_of(f, v.child);
	else
		layer(f, l, &l->call[v.call], out);
	if (out->name == NULL)
		out->name = "";
}

static void
model(struct keras *k, struct keras_layer *m, const struct keras_value *in,
    size_t nin, struct keras_value *out)
{
	struct frame f = {.k = k, .m = m, .in = in, .nin = nin};
	size_t want = m->sequential ? 1 : m->ninput;

	if (nin != want)
		keras_draw_bad(
		    k, m, "%zu inputs, its model has %zu", nin, want);
	begin(&f);
	if (k->d.rc != 0)
		return;
	f.open[m->output.child][m->output.call] = true;
	f.stack[f.depth++] =
	    (struct visit){.child = m->output.child, .call = m->output.call};
	while (f.depth > 0 && k->d.rc == 0) {
		struct visit *top = &f.stack[f.depth - 1], v = *top;
		struct keras_layer *l = &m->child[v.child];
		bool leaf = !l->model && strcmp(l->class, "InputLayer") == 0;

		if (!leaf && wants(&f, top, &l->call[v.call]))
			continue;
		if (k->d.rc == 0)
			call(&f, v, &f.done[v.child][v.call]);
		f.depth--;
	}
	*out = f.done[m->output.child][m->output.call];
}

/* --- the image ----------------------------------------------------------- */

/* The first data_format that a layer has. */
static const char *
find_format(const struct keras_layer *m)
{
	const char *found = NULL;

	for (size_t i = 0; i < m->nchild && found == NULL; i++)
		found = m->child[i].model ? find_format(&m->child[i])
					  : keras_config_text(&m->child[i],
						"data_format", NULL);
	return found;
}

static const json_t *
shape_in(const struct keras_layer *l)
{
	static const char *const key[] = {
	    "batch_shape", "batch_input_shape", "build_input_shape"};

	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		const json_t *j = json_object_get(l->config, key[i]);

		if (json_is_array(j))
			return j;
	}
	return NULL;
}

/* [null, height, width, channels] of the only input. */
static const json_t *
image_shape(struct keras *k)
{
	const struct keras_layer *m = k->root;
	const json_t *j;

	if (!m->sequential && m->ninput != 1) {
		keras_draw_refuse(
		    k, m, "%zu inputs could be the image", m->ninput);
		return NULL;
	}
	if (!m->sequential)
		return shape_in(&m->child[m->input[0]]);
	for (const struct keras_layer *l = m; l->model;) {
		const struct keras_layer *in = &l->child[0];

		if (!l->sequential && l->ninput != 0)
			in = &l->child[l->input[0]];
		if ((j = shape_in(in)) != NULL || (j = shape_in(l)) != NULL)
			return j;
		l = in;
	}
	return NULL;
}

static int64_t
side(struct keras *k, const json_t *shape, size_t i)
{
	const json_t *j = json_array_get(shape, i);
	int64_t n = json_is_integer(j) ? json_integer_value(j) : -1;

	if (json_is_integer(j) && (n < 1 || n > LIMIT_IMAGE_SIDE))
		keras_draw_bad(
		    k, k->root, "a side of %" PRId64 " in the input", n);
	return n;
}

/* Pictures of one channel may come without its axis. */
static struct keras_value
grey(struct keras *k, const json_t *shape)
{
	struct model *m = k->d.m;

	m->shape[1] = 1;
	m->shape[2] = side(k, shape, 1);
	m->shape[3] = side(k, shape, 2);
	return (struct keras_value){
	    .name = m->input, .rank = 4, .last = 1, .turned = true};
}

static struct keras_value
image(struct keras *k, bool *squeeze)
{
	const json_t *shape = image_shape(k);
	const char *format = find_format(k->root);
	bool first = format != NULL && strcmp(format, "channels_first") == 0;
	size_t rank = json_array_size(shape);
	struct model *m = k->d.m;

	m->input = "image";
	m->shape[0] =
	    json_is_integer(json_array_get(shape, 0)) ? side(k, shape, 0) : -1;
	*squeeze = rank == 3;
	if (rank == 3)
		return grey(k, shape);
	if (rank != 4 && k->d.rc == 0)
		keras_draw_refuse(k, k->root,
		    rank == 0 ? "the shape of its input is nowhere"
			      : "its input of rank %zu is no image",
		    rank);
	m->shape[1] = side(k, shape, first ? 1 : 3);
	m->shape[2] = side(k, shape, first ? 2 : 1);
	m->shape[3] = side(k, shape, first ? 3 : 2);
	return (struct keras_value){.name = m->input,
	    .rank = 4,
	    .last = first ? m->shape[3] : m->shape[1],
	    .turned = !first};
}

/* --- the whole ----------------------------------------------------------- */

/*
 * A model that brings down pixels of 0 to 255 gets them from ours of 0 to 1.
 * The node is drawn before it is known whether it is needed, and dropped when
 * it is not.
 */
static struct keras_value
pixels(struct keras *k, struct keras_value x, bool squeeze)
{
	struct keras_layer *l = k->root;

	x.name = draw_binary(&k->d, "Mul", "pixels", x.name,
	    keras_draw_repeat(k, l, "bytes", 0, 255.0));
	if (squeeze) {
		x.name = draw_unary(&k->d, "Squeeze", "pixels", x.name);
		draw_ints(&k->d, "axes", 1, (int64_t[]){1});
		x = (struct keras_value){
		    .name = x.name, .rank = 3, .last = k->d.m->shape[3]};
	}
	return x;
}

/* Take the first node, and the number it uses, out again. */
static void
drop_pixels(struct model *m)
{
	const char *was = m->node[0].out[0];

	for (size_t i = 1; i < m->nnode; i++) {
		for (size_t j = 0; j < m->node[i].nin; j++)
			if (strcmp(m->node[i].in[j], was) == 0)
				m->node[i].in[j] = m->input;
		m->node[i - 1] = m->node[i];
	}
	m->nnode--;
	for (size_t i = 1; i < m->ntensor; i++)
		m->tensor[i - 1] = m->tensor[i];
	m->ntensor--;
	if (strcmp(m->output, was) == 0)
		m->output = m->input;
}

/* The softmax or sigmoid at the end: what goes into it are the logits. */
static const char *
cut(struct model *m)
{
	const struct node *n;

	if (m->nnode == 0)
		return "";
	n = &m->node[m->nnode - 1];
	if (strcmp(n->out[0], m->output) != 0 ||
	    (strcmp(n->op, "Softmax") != 0 &&
		strcmp(n->op, "LogSoftmax") != 0 &&
		strcmp(n->op, "Sigmoid") != 0))
		return "";
	m->output = n->in[0];
	m->nnode--;
	return n->op;
}

static void
describe(struct keras *k, const char *tail)
{
	struct model *m = k->d.m;

	m->note = draw_path(&k->d, "%s%s%s%s",
	    k->bytes ? "the file takes pixels of 0 to 255, which is drawn"
	    : k->rescaled
		? "the file's own rescaling takes pixels of 0 to 1"
		: "the file says nothing of its pixels: 0 to 1 unless "
		  "--preprocess says more",
	    k->d.m->shape[0] > 0 ? "; its batch is fixed" : "",
	    *tail != '\0' ? "; logits are the input of the final " : "", tail);
}

void
keras_graph_draw(struct keras *k)
{
	struct model *m = k->d.m;
	struct keras_value x, y = {.name = ""};
	const char *tail;
	bool squeeze = false;

	x = image(k, &squeeze);
	if (k->d.rc != 0)
		return;
	x = pixels(k, x, squeeze);
	model(k, k->root, &x, 1, &y);
	y = keras_draw_straight(k, k->root, y);
	if (y.rank != 2 && k->d.rc == 0) /* (N, 1, 1, classes) */
		y.name = draw_flatten(&k->d, "logits", y.name);
	if (k->d.rc != 0)
		return;
	m->output = y.name;
	tail = cut(m);
	if (!k->bytes)
		drop_pixels(m);
	m->classes = y.last > 0 ? (uint64_t)y.last : 0;
	if (m->classes > LIMIT_CLASSES)
		keras_draw_refuse(
		    k, k->root, "%" PRIu64 " classes", m->classes);
	describe(k, tail);
	if (k->d.rc == 0)
		k->d.rc =
		    binary_classes(m, *tail != '\0' ? tail : NULL, k->d.e);
}
