/* SPDX-License-Identifier: MIT
 * Graphs that nobody would train end in a message that names the node, soon.
 * A row is one node; its inputs are written "x" (the image, 3 x 8 x 8),
 * "f:2,3" (floats of that shape, "f:" a scalar), "i:2,3" (these integers),
 * "r:2,3" (these, as reals), "s:2" (one, of rank 0), "c:2,3" (a constant of
 * that shape that is computed), "-" (absent); attributes "name=1,2", "name=text" or "name=+1" (no list).
 */
#include "tests/test.h"

#include "engine/blas.h"
#include "engine/net.h"
#include "formats/build.h"
#include "formats/onnx.h"

#include <stdlib.h>

#define SIDE 8
#define MOST 64 /* numbers in a list */

struct row {
	const char *op, *in, *attr;
	const char *says; /* part of the message */
};

static const struct row rows[] = {
#include "tests/test_hostile.def"
};

/* --- rows ---------------------------------------------------------------- */

static size_t
numbers(const char *s, int64_t *v)
{
	size_t n = 0;

	while (*s != '\0') {
		char *end;

		assert_true(n < MOST);
		v[n++] = (int64_t)strtoll(s, &end, 0);
		assert_true(end != s);
		s = *end == ',' ? end + 1 : end;
	}
	return n;
}

static void
add_ints(
    struct model *m, const char *name, size_t rank, size_t n, const int64_t *v)
{
	struct tensor *t = &m->tensor[m->ntensor++];
	int64_t *data = arena_alloc(&m->arena, n + 1, sizeof(*data));

	assert_non_null(data);
	memcpy(data, v, n * sizeof(*data));
	*t = (struct tensor){.name = arena_printf(&m->arena, "%s", name),
	    .dtype = DTYPE_I64,
	    .rank = rank,
	    .dim = {n},
	    .data = (const void *)data,
	    .size = n * sizeof(*data)};
}

/* The name of what an input of a row stands for. */
static const char *
input(struct model *m, const char *what, size_t i)
{
	const char *name = arena_printf(&m->arena, "in%zu", i);
	const char *shape = arena_printf(&m->arena, "shape%zu", i);
	size_t dim[MOST] = {0}, n;
	int64_t v[MOST];
	float *real;

	if (*what == 'x' || *what == '-')
		return *what == 'x' ? "image" : "";
	n = numbers(what + 2, v);
	switch (*what) {
	case 'f':
		for (size_t k = 0; k < n; k++)
			dim[k] = (size_t)v[k];
		build_tensor(m, name, n, dim);
		break;
	case 'r':
		real = build_tensor(m, name, 1, &n);
		for (size_t k = 0; k < n; k++)
			real[k] = (float)v[k];
		break;
	case 'i':
	case 's':
		add_ints(m, name, *what == 'i', n, v);
		break;
	default:
		add_ints(m, shape, 1, n, v);
		build_node(m, "ConstantOfShape", name, &shape, 1);
		break;
	}
	return name;
}

/* "name=value": integers in a list, one integer after '+', or text. */
static void
attribute(struct model *m, const char *a)
{
	const char *value = strchr(a, '=') + 1;
	struct node *n = &m->node[m->nnode - 1];
	const char *name;
	int64_t v[MOST];

	name = arena_printf(&m->arena, "%.*s", (int)(value - 1 - a), a);
	if (*value == '+')
		build_int(m, name, strtoll(value + 1, NULL, 0));
	else if (strchr("0123456789", value[*value == '-']) != NULL)
		build_ints(m, name, numbers(value, v), v);
	else
		n->attr[n->nattr++] =
		    (struct attr){.name = name, .kind = ATTR_TEXT, .s = value};
}

/* The next word of *s in the arena, NULL at the end. */
static const char *
word(struct model *m, const char **s)
{
	const char *from = *s + strspn(*s, " ");
	size_t n = strcspn(from, " ");

	*s = from + n;
	return n != 0 ? arena_printf(&m->arena, "%.*s", (int)n, from) : NULL;
}

static void
assert_refused(const struct model *m, const char *says)
{
	struct err e = {0};
	struct net net;
	int rc = model_check(m, &e);

	if (rc == 0 && (rc = net_build(&net, m, 0, 0, 0, &e)) == 0) {
		net_release(&net);
		fail_msg("it was accepted, expected: %s", says);
	}
	assert_true(
	    rc == ERR_FORMAT || rc == ERR_LIMIT || rc == ERR_UNSUPPORTED);
	if (strstr(e.msg, says) == NULL)
		fail_msg("'%s', expected '%s'", e.msg, says);
}

static void
test_node(void **state)
{
	const struct row *row = *state;
	const char *in[MOST], *s = row->in, *w;
	struct model m;
	size_t n = 0;

	build_begin(&m, SIDE, SIDE, 3);
	for (; (w = word(&m, &s)) != NULL; n++)
		in[n] = input(&m, w, n);
	build_node(&m, row->op, "y", in, n);
	for (s = row->attr; (w = word(&m, &s)) != NULL;)
		attribute(&m, w);
	m.output = "y";
	assert_refused(&m, row->says);
	model_release(&m);
}

/* --- whole graphs -------------------------------------------------------- */

static void
test_names(void **state)
{
	const char *const b[] = {"b"}, *const x[] = {"image"};
	const size_t none[1] = {0};
	struct model m;

	(void)state;
	build_begin(&m, SIDE, SIDE, 3);
	m.output = "a";
	build_node(&m, "Relu", "a", b, 1);
	assert_refused(
	    &m, "node 'a' (Relu) uses 'b', which nothing before it defines");
	build_node(&m, "Relu", "b", (const char *const[]){"a"}, 1);
	assert_refused(
	    &m, "node 'a' (Relu) uses 'b', which nothing before it defines");
	model_release(&m);
	build_begin(&m, SIDE, SIDE, 3);
	m.output = "b";
	build_node(&m, "Relu", "b", x, 1);
	build_node(&m, "Relu", "b", x, 1);
	assert_refused(&m, "node output 'b': the name is defined twice");
	build_tensor(&m, "b", 0, none);
	assert_refused(&m, "node output 'b': the name is defined twice");
	m.output = "nothing";
	m.nnode = 0;
	assert_refused(&m, "the output 'nothing' is not defined");
	model_release(&m);
}

/* Sizes whose product is no size, or not that of the bytes. */
static void
test_tensors(void **state)
{
	const size_t dim[] = {6, 3, 3, 3};
	struct model m;

	(void)state;
	build_begin(&m, SIDE, SIDE, 3);
	m.output = "image";
	build_tensor(&m, "w", 4, dim);
	m.tensor[0].dim[0] = (uint64_t)1 << 33;
	assert_refused(&m, "tensor 'w' is too large");
	m.tensor[0].dim[1] = m.tensor[0].dim[2] = (uint64_t)1 << 62;
	assert_refused(&m, "tensor 'w' is too large");
	m.tensor[0].dim[0] = 0;
	assert_refused(&m, "tensor 'w'");
	m.tensor[0].dim[1] = m.tensor[0].dim[2] = 3;
	assert_refused(&m, "tensor 'w': 648 bytes for 0 elements of f32");
	m.tensor[0].rank = 99;
	assert_refused(&m, "tensor 'w' has rank 99");
	model_release(&m);
}

static void
chain(struct model *m, const char *op, size_t n)
{
	const char *in = "image";

	build_begin(m, SIDE, SIDE, 3);
	m->node = arena_alloc(&m->arena, n, sizeof(*m->node));
	assert_non_null(m->node);
	for (size_t i = 0; i < n; i++) {
		const char **io = arena_alloc(&m->arena, 2, sizeof(*io));

		assert_non_null(io);
		io[0] = in;
		io[1] = in = arena_printf(&m->arena, "n%zu", i);
		m->node[m->nnode++] = (struct node){.op = op,
		    .name = in,
		    .in = &io[0],
		    .out = &io[1],
		    .nin = 1,
		    .nout = 1};
	}
	m->output = in;
}

static void
test_many_nodes(void **state)
{
	struct model m;

	(void)state;
	chain(&m, "Relu", 1000000);
	assert_refused(&m, "0 tensors and 1000000 nodes");
	model_release(&m);
	chain(&m, "Relu", 200000);
	assert_refused(&m, "200000 nodes with 200000 inputs");
	model_release(&m);
	/* as many as may be: planned, and no classifier */
	chain(&m, "Sigmoid", 16384);
	assert_refused(
	    &m, "the output 'n16383' is not one row of logits an image");
	model_release(&m);
}

/* Node `name` of two inputs at most, the second of which may be NULL. */
static const char *
put(struct model *m, const char *op, const char *name, const char *a,
    const char *b)
{
	const char **io = arena_alloc(&m->arena, 3, sizeof(*io));

	assert_non_null(io);
	io[0] = a;
	io[1] = b;
	io[2] = name;
	m->node[m->nnode++] = (struct node){.op = op,
	    .name = name,
	    .in = io,
	    .out = &io[2],
	    .nin = b != NULL ? 2 : 1,
	    .nout = 1};
	return name;
}

static void
ints(struct model *m, const char *name, size_t n, const int64_t *v)
{
	struct node *last = &m->node[m->nnode - 1];
	struct attr *a = arena_alloc(&m->arena, 4, sizeof(*a));
	int64_t *list = arena_alloc(&m->arena, n, sizeof(*list));

	assert_true(a != NULL && list != NULL && last->nattr < 4);
	memcpy(list, v, n * sizeof(*v));
	if (last->nattr > 0)
		memcpy(a, last->attr, last->nattr * sizeof(*a));
	a[last->nattr++] = (struct attr){
	    .name = name, .kind = ATTR_INTS, .ints = list, .n = n};
	last->attr = a;
}

/*
 * Buffers that lie in memory from the top down in the order in which they are
 * laid out, each above a larger one that is gone before the next; then as many
 * that have to look for a place behind all of them.
 */
static void
test_stairs(void **state)
{
	enum {
		STAIRS = 4000
	};
	const char *step[STAIRS], *v;
	struct err e = {0};
	struct net net;
	struct model m;

	(void)state;
	build_begin(&m, 4, 4, 1);
	m.node = arena_alloc(&m.arena, 4 * STAIRS + 2, sizeof(*m.node));
	assert_non_null(m.node);
	put(&m, "Flatten", "flat", "image", NULL);
	for (int64_t i = 0; i < STAIRS; i++) {
		put(&m, "Tile", arena_printf(&m.arena, "b%" PRId64, i), "flat",
		    NULL);
		ints(&m, "repeats", 2, (int64_t[]){1, STAIRS - i});
		step[i] =
		    put(&m, "Slice", arena_printf(&m.arena, "s%" PRId64, i),
			m.node[m.nnode - 1].name, NULL);
		ints(&m, "starts", 1, (int64_t[]){0});
		ints(&m, "ends", 1, (int64_t[]){16});
		ints(&m, "axes", 1, (int64_t[]){1});
	}
	v = "flat";
	for (size_t i = 0; i < STAIRS; i++)
		v = put(&m, "Neg", arena_printf(&m.arena, "f%zu", i), v, NULL);
	for (size_t i = 0; i < STAIRS; i++)
		v = put(
		    &m, "Add", arena_printf(&m.arena, "y%zu", i), v, step[i]);
	m.output = v;
	assert_ok(net_build(&net, &m, 0, 0, 0, &e), &e);
	net_release(&net);
	model_release(&m);
}

/* Each constant is allowed, not a thousand of them: gathering counts what it
 * could read, and so is quick to test. */
static void
test_many_constants(void **state)
{
	const char *in[2] = {"a", "zero"}, *size = "size";
	const int64_t dim[] = {4096, 4096}, zero[] = {0};
	struct model m;

	(void)state;
	build_begin(&m, SIDE, SIDE, 3);
	add_ints(&m, size, 1, 2, dim);
	add_ints(&m, "zero", 1, 1, zero);
	build_node(&m, "ConstantOfShape", "a", &size, 1);
	for (size_t i = 0; i < 1000; i++)
		build_node(&m, "Gather",
		    m.output = arena_printf(&m.arena, "g%zu", i), in, 2);
	assert_refused(&m, "node 'g126' (Gather): the constants take too long");
	model_release(&m);
}

/* --- ONNX files ---------------------------------------------------------- */

/* A message of n bytes in front of which its field and length are put. */
static size_t
wrap(uint8_t *p, size_t n, unsigned field)
{
	uint8_t head[12];
	size_t k = 0, left = n;

	head[k++] = (uint8_t)(field << 3 | 2);
	for (; left >= 0x80; left >>= 7)
		head[k++] = (uint8_t)(left | 0x80);
	head[k++] = (uint8_t)left;
	memmove(p + k, p, n);
	memcpy(p, head, k);
	return n + k;
}

/* `count` fields 1 in a graph, or as inputs of one node: too many. */
static void
test_onnx_counts(void **state)
{
	static const char *const says[] = {
	    "1000000 times field 1, the limit is 200000",
	    "100000 times field 1, the limit is 4096",
	};
	static const uint8_t head[] = {0x08, 8, 0x42, 2, 0x10, 18};
	static uint8_t file[1 << 22];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t count = i == 0 ? 1000000 : 100000, n = 0;
		struct err e = {0};
		struct model m;
		struct rd r;

		for (size_t k = 0; k < count; k++) {
			file[n++] = 1 << 3 | 2;
			file[n++] = 0;
		}
		if (i == 1) /* of a node of the graph */
			n = wrap(file, n, 1);
		n = wrap(file, n, 7);
		memmove(file + sizeof(head), file, n);
		memcpy(file, head, sizeof(head));
		r = rd_mem(file, n + sizeof(head));
		assert_int_equal(onnx_parse(&r, &m, &e), ERR_LIMIT);
		if (strstr(e.msg, says[i]) == NULL)
			fail_msg("'%s', expected '%s'", e.msg, says[i]);
	}
}

int
main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(rows) + 8] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_tensors),
	    cmocka_unit_test(test_many_nodes),
	    cmocka_unit_test(test_stairs),
	    cmocka_unit_test(test_many_constants),
	    cmocka_unit_test(test_onnx_counts),
	};
	static char name[ARRAY_LEN(rows)][160];
	struct err e = {0};
	size_t n = 6;

	if (blas_init(&e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(name[i], sizeof(name[i]), "%s %s %s", rows[i].op,
		    rows[i].in, rows[i].attr);
		tests[n++] = (struct CMUnitTest){name[i], test_node, NULL, NULL,
		    (void *)(uintptr_t)&rows[i]};
	}
	return _cmocka_run_group_tests("hostile", tests, n, NULL, NULL);
}
