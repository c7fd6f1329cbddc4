/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tf.h"

#include "audit/check_arch.h"
#include "audit/check_arch_tf_part.h"
#include "base/limits.h"

#define FEW     4    /* places that are said of one kind */
#define IMAGE   4    /* rank */
#define UNKNOWN 4096 /* numbers of a variable that is an argument */

struct look {
	const struct check_file *f;
	struct arena arena;
	struct check_arch_tf_body top, *function;
	size_t nfunction;
	struct map by_name;
	size_t left; /* nodes to follow */
	size_t seen[CHECK_ARCH_ODD + 1];
	struct err e;
};

static bool
next(struct rd *r, struct onnx_wire *w)
{
	struct err ignored;

	return onnx_wire_next(r, w, &ignored) > 0;
}

/* --- what is said -------------------------------------------------------- */

/*
 * Of a graph that may be a detector's or be trained by, and of a function whose
 * inputs nobody names, only what no layer had a part in is said, when it is
 * put in place of what all of them have made.
 */
static bool
counts(const struct check_arch_flow *w, const struct check_arch_node *n,
    enum check_arch_suspicion s, size_t in, bool strict)
{
	if (s == CHECK_ARCH_NOTHING)
		return false;
	/* a phase of training decides, not the image */
	if (s == CHECK_ARCH_ODD && (strcmp(n->op, "If") == 0) && n->nin != 0 &&
	    w->state[n->in[0]].level != CHECK_ARCH_DATA)
		return false;
	if (!strict)
		return true;
	return s == CHECK_ARCH_GATE && w->state[in].most == 0 &&
	       w->state[n->out[0]].most == w->most;
}

static void
judge(struct look *k, struct check_arch_tf_lower *l, bool strict)
{
	struct check_arch_graph *g = &l->g;
	struct check_arch_flow w;

	if (l->pixels)
		g->image = MAX(g->image, (size_t)IMAGE);
	for (size_t i = 0; g->ninput == 0 && i < l->ntext; i++)
		check_arch_tf_append(
		    l, &g->other, &g->nother, &l->other_room, l->text[i]);
	if (l->full || check_arch_flow_init(&w, g, &k->arena, &k->e) != 0) {
		l->full = true;
		return;
	}
	/* without a layer there is no result; numbers beside token numbers and
	 * masks are compared to make masks */
	if (w.most == 0 ||
	    (g->ninput != 0 && g->nother != 0 && g->image != IMAGE))
		return;
	/* only those that have a part in what comes out */
	for (size_t i = 0; i < l->nopen; i++)
		strict = strict || w.state[l->open[i]].live;
	for (size_t i = 0; i < g->nnode; i++) {
		size_t in;
		enum check_arch_suspicion s =
		    check_arch_flow_judge(&w, &g->node[i], &in);

		if (counts(&w, &g->node[i], s, in, strict) &&
		    k->seen[s]++ < FEW)
			check_arch_say(k->f, &w, &g->node[i], s, in);
	}
}

/* --- the graph ----------------------------------------------------------- */

/* TensorInfo: name = 1, tensor_shape = 3 (dim = 2) */
static void
output(struct check_arch_tf_lower *l, const struct check_arch_tf_body *b,
    const struct check_arch_tf_out *out, struct rd info)
{
	struct rd shape = onnx_wire_last(info, 3);
	size_t v =
	    check_arch_tf_resolve(b, out, NULL, 0, onnx_wire_last(info, 1));
	struct onnx_wire w;
	size_t rank = 0;

	if (v == SIZE_MAX)
		return;
	check_arch_tf_append(
	    l, &l->g.output, &l->g.noutput, &l->output_room, v);
	while (next(&shape, &w))
		rank += w.number == 2 && rank < UINT8_MAX;
	l->g.rank = MAX(l->g.rank, rank);
}

/* signature_def = 5: a map to SignatureDef: outputs = 2, a map to TensorInfo */
static void
signatures(struct check_arch_tf_lower *l, const struct check_arch_tf_body *b,
    const struct check_arch_tf_out *out, struct rd meta)
{
	struct onnx_wire w, x;

	while (next(&meta, &w)) {
		struct rd sig;

		if (w.number != 5 || w.type != ONNX_WIRE_BYTES)
			continue;
		sig = onnx_wire_last(w.body, 2);
		while (next(&sig, &x))
			if (x.number == 2 && x.type == ONNX_WIRE_BYTES)
				output(l, b, out, onnx_wire_last(x.body, 2));
	}
}

/* What no node takes is what comes out. */
static void
ends(struct check_arch_tf_lower *l)
{
	struct check_arch_graph *g = &l->g;
	bool *used = arena_alloc(l->arena, g->nvalue + 1, sizeof(*used));

	if (used == NULL) {
		l->full = true;
		return;
	}
	for (size_t i = 0; i < g->nnode; i++)
		for (size_t k = 0; k < g->node[i].nin; k++)
			used[g->node[i].in[k]] = true;
	for (size_t i = 0; i < g->nnode; i++)
		if (!used[g->node[i].out[0]])
			check_arch_tf_append(l, &g->output, &g->noutput,
			    &l->output_room, g->node[i].out[0]);
}

static void
begin(struct look *k, struct check_arch_tf_lower *l)
{
	check_arch_tf_lower_init(l, &k->arena, k->left);
	l->function = k->function;
	l->nfunction = k->nfunction;
	l->by_name = &k->by_name;
}

static void
end(struct look *k, struct check_arch_tf_lower *l, const char *name)
{
	k->left = l->left;
	if (l->full)
		check_short(k->f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "graph '%.80s' is too large to be followed", name);
}

static void
whole(struct look *k, struct rd meta)
{
	struct check_arch_tf_lower l;
	struct check_arch_tf_out *out;

	begin(k, &l);
	out = check_arch_tf_expand(&l, &k->top, NULL, 0, 0);
	if (out != NULL) {
		bool signs;

		signatures(&l, &k->top, out, meta);
		signs = l.g.noutput != 0;
		if (!signs)
			ends(&l);
		judge(k, &l, !signs && l.trained);
	}
	end(k, &l, "");
}

/* --- functions ----------------------------------------------------------- */

static void
argument(struct check_arch_tf_lower *l, size_t *v, uint64_t type)
{
	struct check_arch_graph *g = &l->g;

	*v = check_arch_tf_value(
	    l, "an argument", type == CHECK_ARCH_TF_RESOURCE ? UNKNOWN : 0);
	if (check_arch_tf_is_float(type))
		check_arch_tf_append(
		    l, &g->input, &g->ninput, &l->input_room, *v);
	else if (type == CHECK_ARCH_TF_STRING)
		check_arch_tf_append(l, &l->text, &l->ntext, &l->text_room, *v);
	else if (type != CHECK_ARCH_TF_RESOURCE)
		check_arch_tf_append(
		    l, &g->other, &g->nother, &l->other_room, *v);
}

static void
alone(struct look *k, struct check_arch_tf_body *b)
{
	size_t *arg = arena_alloc(&k->arena, b->narg + 1, sizeof(*arg));
	struct check_arch_tf_lower l;
	struct check_arch_tf_out *out;

	begin(k, &l);
	l.full = l.full || arg == NULL;
	for (size_t i = 0; i < b->narg && !l.full; i++)
		argument(&l, &arg[i], b->type[i]);
	out = l.full ? NULL : check_arch_tf_expand(&l, b, arg, b->narg, 0);
	for (size_t i = 0; i < b->nret && out != NULL; i++) {
		size_t v =
		    check_arch_tf_resolve(b, out, arg, b->narg, b->ret[i]);

		if (v != SIZE_MAX)
			check_arch_tf_append(
			    &l, &l.g.output, &l.g.noutput, &l.output_room, v);
	}
	if (out != NULL)
		judge(k, &l, true);
	end(k, &l, b->name);
}

/* All functions that a body's attributes and operators name. */
static void
mark_called(struct look *k, const struct check_arch_tf_body *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct rd r = b->node[i].body;
		struct onnx_wire w;
		size_t at = map_get(&k->by_name, b->node[i].op);

		if (at != SIZE_MAX)
			k->function[at].called = true;
		while (next(&r, &w)) {
			struct rd name;

			if (w.number != 5 || w.type != ONNX_WIRE_BYTES)
				continue;
			/* value = 2, func = 10, name = 1 */
			name = onnx_wire_last(
			    onnx_wire_last(onnx_wire_last(w.body, 2), 10), 1);
			at = check_arch_tf_find(&k->by_name, name);
			if (at != SIZE_MAX)
				k->function[at].called = true;
		}
	}
}

/* GraphDef: library = 2; FunctionDefLibrary: function = 1 */
static size_t
functions(struct look *k, struct rd graph, bool take)
{
	struct onnx_wire w, x;
	size_t n = 0;

	while (next(&graph, &w)) {
		struct rd lib = w.body;

		if (w.number != 2 || w.type != ONNX_WIRE_BYTES)
			continue;
		while (next(&lib, &x)) {
			struct check_arch_tf_body *b;

			if (x.number != 1 || x.type != ONNX_WIRE_BYTES)
				continue;
			if (!take) {
				n++;
				continue;
			}
			b = &k->function[n];
			if (check_arch_tf_body(
				b, x.body, true, &k->arena, &k->e) != 0 ||
			    map_put(&k->by_name, b->name, n) == ERR_LIMIT)
				return SIZE_MAX;
			n++;
		}
	}
	return n;
}

static bool
read_all(struct look *k, struct rd graph)
{
	map_init(&k->by_name, &k->arena);
	k->nfunction = functions(k, graph, false);
	k->function =
	    arena_alloc(&k->arena, k->nfunction + 1, sizeof(*k->function));
	return k->function != NULL && functions(k, graph, true) != SIZE_MAX &&
	       check_arch_tf_body(&k->top, graph, false, &k->arena, &k->e) == 0;
}

void
check_arch_tf(const struct check_file *f, struct rd graph, struct rd meta)
{
	struct look k = {.f = f, .left = LIMIT_TF_NODES};

	arena_init(&k.arena, LIMIT_TF_ARENA);
	if (!read_all(&k, graph)) {
		check_short(f, FINDING_FILE_LIMIT, k.e.off, "%s", k.e.msg);
		arena_release(&k.arena);
		return;
	}
	mark_called(&k, &k.top);
	for (size_t i = 0; i < k.nfunction; i++)
		mark_called(&k, &k.function[i]);
	whole(&k, meta);
	for (size_t i = 0; i < k.nfunction; i++)
		if (!k.function[i].called)
			alone(&k, &k.function[i]);
	arena_release(&k.arena);
}
