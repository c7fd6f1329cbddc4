/* SPDX-License-Identifier: MIT
 * The loop for big pickles (formats/pickle_fast.c) against the opcodes one by
 * one, and numbers in text.
 */
#include "formats/pickle_text.h"

#include "tests/test.h"

struct world {
	struct arena a;
	struct pickle p;
	const struct pickle_node *root;
	struct err e;
	int rc;
	char seen[512];
};

static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct world *w = ctx;
	size_t len = strlen(w->seen);

	snprintf(w->seen + len, sizeof(w->seen) - len, "%s@%u ",
	    pickle_opcode(op), (unsigned)n->at);
}

static void
odd(void *ctx, uint64_t at, const char *what)
{
	struct world *w = ctx;
	size_t len = strlen(w->seen);

	snprintf(w->seen + len, sizeof(w->seen) - len, "%s@%u ", what,
	    (unsigned)at);
}

static void
read_as(struct world *w, struct slice s, bool lean, bool watched)
{
	struct rd r = rd_mem(s.ptr, s.len);

	*w = (struct world){0};
	arena_init(&w->a, (size_t)1 << 20);
	w->p = (struct pickle){.arena = &w->a, .see = see, .ctx = w};
	w->p.odd = watched ? odd : NULL;
	w->p.lean = lean;
	w->rc = pickle_read(&w->p, &r, &w->root, &w->e);
}

/* --- trees ---------------------------------------------------------------- */

static void same(const struct pickle_node *, const struct pickle_node *);

static void
same_part(const struct pickle_node *a, const struct pickle_node *b)
{
	assert_int_equal(a != NULL, b != NULL);
	if (a != NULL)
		same(a, b);
}

static void
same_text(struct slice a, struct slice b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.ptr, b.ptr, a.len);
}

static void
same_call(const struct pickle_call *a, const struct pickle_call *b)
{
	same(a->callee, b->callee);
	same(a->args, b->args);
	same_part(a->kwargs, b->kwargs);
	same_part(a->state, b->state);
	same_part(a->list, b->list);
	same_part(a->dict, b->dict);
	assert_int_equal(a->builds, b->builds);
}

static void
same(const struct pickle_node *a, const struct pickle_node *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->at, b->at);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->big, b->big);
	assert_int_equal(a->hooks, b->hooks);
	if (a->kind == PICKLE_STR || a->kind == PICKLE_BYTES || a->big)
		same_text(a->text, b->text);
	else if (a->kind <= PICKLE_FLOAT)
		assert_int_equal(a->i, b->i);
	else if (a->kind <= PICKLE_DICT)
		for (size_t i = 0; i < a->n; i++)
			same(a->item[i], b->item[i]);
	else if (a->kind == PICKLE_CALL)
		same_call(a->call, b->call);
	else if (a->kind == PICKLE_GLOBAL)
		same_text(a->name->name, b->name->name);
}

/* --- the loop ------------------------------------------------------------- */

#define FAST(bytes)                                                            \
	{                                                                      \
		(const uint8_t *)(bytes "NNNNNNNNN000000000."),                \
		    sizeof(bytes) - 1 + 19                                     \
	}

/* Far enough from the end for the loop, right or wrong. */
static const struct slice fast[] = {
    FAST("(K\1\x85K\2K\3\x86K\4K\5K\6\x87)t"),
    FAST("(cm\nn\n\x85NN\x87t"), /* a name in a tuple */
    FAST("(\x86"),
    FAST("\x87"),
    FAST("(N\x86"),
    FAST("K\1(K\2\x86"), /* not below the mark */
    FAST("(C\2\xff\xfeU\1\xffX\2\0\0\0\xc3\xa9\x8c\2\xc3\xa9t"),
    FAST("(C\x30"), /* longer than the file */
    FAST("X\x30\0\0\0"),
    FAST("X\0\0\0\x80"),
    FAST("U\x30"),
    FAST("(\x8a\0\x8a\1\xff\x8a\3\1\2\x83\x8a\x08\1\2\3\4\5\6\7\x80t"),
    FAST("\x8a\x09\1\2\3\4\5\6\7\x08\x09"),
    FAST("\x8a\x40"),
    FAST("cm\nn\n)R}b\x94h\0\x81"),
    FAST("]K\1a(K\2K\3e}K\1K\2s(NNu0"),
    FAST("I08\n"),
    FAST("I-\n"),
    FAST("u"),
    FAST("\xfe"),
    FAST("\x95\x0f\0\0\0\0\0\0\0(K\1K\2K\3K\4\x86NNNt"),
};

/* What it does is what the opcodes do one by one. */
static void
test_fast(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(fast); i++) {
		struct world one, loop;

		read_as(&one, fast[i / 2], false, i % 2 != 0);
		read_as(&loop, fast[i / 2], true, i % 2 != 0);
		assert_int_equal(one.rc, loop.rc);
		assert_int_equal(one.e.off, loop.e.off);
		assert_string_equal(one.e.msg, loop.e.msg);
		assert_string_equal(one.seen, loop.seen);
		if (one.rc == 0)
			same(one.root, loop.root);
		arena_release(&one.a);
		arena_release(&loop.a);
	}
}

/* --- numbers in text ------------------------------------------------------ */

struct number {
	const char *text;
	bool is_long, good, big;
	int64_t v;
};

/* As int(text, 0) of C, and of long ones in decimal. */
static const struct number numbers[] = {
    {"0", false, true, false, 0},
    {"-0", false, true, false, 0},
    {"-12", false, true, false, -12},
    {"7", true, true, false, 7},
    {"007L", true, true, false, 7},
    {"017", false, true, false, 15},
    {"-017", false, true, false, -15},
    {"0x1f", false, true, false, 31},
    {" 5", false, true, false, 5},
    {"5 ", false, true, false, 5},
    {"+5", false, true, false, 5},
    {"999999999999999999", false, true, false, 999999999999999999},
    {"-999999999999999999", false, true, false, -999999999999999999},
    {"9223372036854775807", false, true, false, INT64_MAX},
    {"99999999999999999999", false, true, true, 0},
    {"08", false, false, false, 0},
    {"-", false, false, false, 0},
    {"", false, false, false, 0},
    {"1x", false, false, false, 0},
    {"--1", false, false, false, 0},
};

static void
test_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct number *x = &numbers[i];
		struct slice s = {(const uint8_t *)x->text, strlen(x->text)};
		struct pickle_node n = {.kind = PICKLE_INT};

		assert_int_equal(pickle_text_int(s, x->is_long, &n), x->good);
		if (!x->good)
			continue;
		assert_int_equal(n.big, x->big);
		if (!x->big)
			assert_int_equal(n.i, x->v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fast),
	    cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests_name("pickle_fast", tests, NULL, NULL);
}
