/* SPDX-License-Identifier: MIT
 * The pickle machine: every opcode, what it refuses, and what a watcher sees.
 */
#include "tests/test.h"

#include "base/file.h"
#include "formats/pickle.h"

#define FIXTURES "fixtures/pickle/"

struct world {
	struct arena a;
	struct pickle p;
	char seen[256]; /* opcodes and offsets, as text */
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
start(struct world *w)
{
	*w = (struct world){0};
	arena_init(&w->a, (size_t)64 << 20);
	w->p = (struct pickle){.arena = &w->a, .see = see, .ctx = w};
}

/* The tree as Python would print it, about; shared parts again and again. */
static void print(struct buf *, const struct pickle_node *, unsigned);

static void
print_items(struct buf *b, const struct pickle_node *n, const char *ends,
    unsigned depth)
{
	buf_append(b, ends, 1);
	for (size_t i = 0; i < n->n; i++) {
		if (i != 0)
			buf_puts(b,
			    n->kind == PICKLE_DICT && i % 2 != 0 ? ":" : ",");
		print(b, n->item[i], depth + 1);
	}
	buf_append(b, ends + 1, 1);
}

static void
print_call(struct buf *b, const struct pickle_call *c, unsigned depth)
{
	print(b, c->callee, depth + 1);
	print(b, c->args, depth + 1);
	if (c->kwargs != NULL)
		print(b, c->kwargs, depth + 1);
	if (c->state != NULL) {
		buf_puts(b, "|");
		print(b, c->state, depth + 1);
	}
	if (c->list != NULL)
		print(b, c->list, depth + 1);
	if (c->dict != NULL)
		print(b, c->dict, depth + 1);
}

static void
print_text(struct buf *b, struct slice s, const char *quote)
{
	buf_puts(b, quote);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] >= ' ' && s.ptr[i] <= '~')
			buf_u8(b, s.ptr[i]);
		else
			buf_printf(b, "\\x%02x", s.ptr[i]);
	buf_puts(b, "'");
}

static void
print(struct buf *b, const struct pickle_node *n, unsigned depth)
{
	static const char *const ends[] = {[PICKLE_TUPLE] = "()",
	    [PICKLE_LIST] = "[]",
	    [PICKLE_SET] = "{}",
	    [PICKLE_FROZENSET] = "<>",
	    [PICKLE_DICT] = "{}"};

	if (depth > 5) {
		buf_puts(b, "...");
		return;
	}
	switch ((enum pickle_kind)n->kind) {
	case PICKLE_NONE:
		buf_puts(b, "None");
		break;
	case PICKLE_BOOL:
		buf_puts(b, n->i != 0 ? "True" : "False");
		break;
	case PICKLE_INT:
		if (n->big)
			print_text(b, n->text, "big'");
		else
			buf_printf(b, "%" PRId64, n->i);
		break;
	case PICKLE_FLOAT:
		buf_printf(b, "%g", n->f);
		break;
	case PICKLE_STR:
	case PICKLE_BYTES:
		print_text(b, n->text, n->kind == PICKLE_STR ? "'" : "b'");
		break;
	case PICKLE_TUPLE:
	case PICKLE_LIST:
	case PICKLE_SET:
	case PICKLE_FROZENSET:
	case PICKLE_DICT:
		print_items(b, n, ends[n->kind], depth);
		break;
	case PICKLE_GLOBAL:
		print_text(b, n->name->module, "");
		print_text(b, n->name->name, ".");
		break;
	case PICKLE_CALL:
		print_call(b, n->call, depth);
		break;
	case PICKLE_PERSID:
		buf_puts(b, "#");
		print(b, n->item[0], depth + 1);
		break;
	case PICKLE_EXT:
		buf_printf(b, "ext%" PRId64, n->i);
		break;
	case PICKLE_BUFFER:
		buf_puts(b, "buffer");
		break;
	}
}

/* --- good ones ----------------------------------------------------------- */

struct row {
	const char *name, *prints, *seen;
};

#define PLAIN "[None,True,False,0,-1,255,65535,2147483648,-9223372036854775808,"

static const struct row rows[] = {
    {"good-protocol-0", PLAIN "big'1267650600228229401496703205376',1.5,", ""},
    {"good-protocol-1", PLAIN "big'1267650600228229401496703205376',1.5,", ""},
    {"good-protocol-2",
	PLAIN "big'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
	      "\\x00\\x10',1.5,'text',",
	""},
    {"good-protocol-3",
	PLAIN "big'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
	      "\\x00\\x10',1.5,'text','\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80',"
	      "b'bytes',(),(1),(1,2),(1,2,3),(1,2,3,4),[],[1,2],{},{'a':1,2:'b'"
	      "},builtins'.set'([1,2]),builtins'.frozenset'([3]),collections'."
	      "OrderedDict'(){'a':1},builtins'.complex'(1,2),builtins'.range'("
	      "0,3,1),builtins'.bytearray'(b'ab'),['again'],['again']]",
	""},
    {"good-protocol-4",
	PLAIN "big'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
	      "\\x00\\x10',1.5,'text','\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80',"
	      "b'bytes',(),(1),(1,2),(1,2,3),(1,2,3,4),[],[1,2],{},{'a':1,2:'b'"
	      "},{1,2},<3>,",
	""},
    {"good-protocol-5", PLAIN, ""},
    {"good-inst", "collections'.OrderedDict'(1,2)", "INST@7 "},
    {"good-obj", "builtins'.complex'(1,2)", "GLOBAL@1 OBJ@25 "},
    {"good-text",
	"['aA\\x0a'\\','x\\xe2\\x82\\xac\\\\',"
	"big'12345678901234567890',0.001,['aA",
	""},
    {"good-old", "('\\xff\\xfe','z')", ""},
    {"good-ext", "(ext1,ext258,ext16777219)", "EXT1@2 EXT2@4 EXT4@7 "},
    {"good-persid", "(#'name',#'a')", "PERSID@1 BINPERSID@13 "},
    {"good-buffers", "(buffer,buffer)", ""},
    {"good-pops", "(True)", ""},
    {"good-newobj-ex", "m'.C'(){}", "STACK_GLOBAL@8 NEWOBJ_EX@11 "},
    {"good-wide", "(-8388608,b'ab',b'c','\\xc3\\xa9','\\xc3\\xa9')", ""},
    {"good-object", "m'.C'()|{'a':1}", "GLOBAL@2 NEWOBJ@8 BUILD@8 "},
    {"good-cycle", "[[[[[[...]]]]]]", ""},
};

static void
good(const struct row *row, struct rd r, bool lean)
{
	const struct pickle_node *root;
	struct buf b = {0};
	struct world w;
	struct err e = {0};

	start(&w);
	w.p.lean = lean;
	assert_ok(pickle_read(&w.p, &r, &root, &e), &e);
	assert_int_equal(rd_left(&r), 0);
	print(&b, root, 0);
	if (strncmp(buf_str(&b), row->prints, strlen(row->prints)) != 0)
		fail_msg("%s", buf_str(&b));
	if (*row->seen != '\0')
		assert_string_equal(w.seen, row->seen);
	buf_free(&b);
	arena_release(&w.a);
}

/* None has more than a lean reader keeps. */
static void
test_good(void **state)
{
	const struct row *row = *state;
	struct file_map f;
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), FIXTURES "%s.pkl", row->name);
	assert_ok(file_map(path, 1 << 20, &f, &e), &e);
	good(row, rd_mem(f.ptr, f.len), false);
	good(row, rd_mem(f.ptr, f.len), true);
	file_unmap(&f);
}

/* Several, one after the other: each with a memo of its own. */
static void
test_two(void **state)
{
	static const char bytes[] = "I1\np7\n.g7\n.";
	struct rd r = rd_mem(bytes, sizeof(bytes) - 1);
	const struct pickle_node *root;
	struct world w;
	struct err e = {0};
	int64_t v;

	(void)state;
	start(&w);
	assert_ok(pickle_read(&w.p, &r, &root, &e), &e);
	assert_true(pickle_int(root, &v) && v == 1);
	assert_int_equal(r.off, 7);
	assert_int_equal(pickle_read(&w.p, &r, &root, &e), ERR_FORMAT);
	assert_int_equal(e.off, 7);
	arena_release(&w.a);
}

static void
test_looking(void **state)
{
	static const char bytes[] = "\x80\x02}(X\1\0\0\0aK\1X\1\0\0\0aK\2X\1\0"
				    "\0\0b(K\5lu.";
	struct rd r = rd_mem(bytes, sizeof(bytes) - 1);
	const struct pickle_node *root;
	struct world w;
	struct err e = {0};
	int64_t v;

	(void)state;
	start(&w);
	assert_ok(pickle_read(&w.p, &r, &root, &e), &e);
	assert_true(pickle_int(pickle_get(root, "a"), &v) && v == 2);
	assert_true(pickle_int(pickle_item(pickle_get(root, "b"), 0), &v));
	assert_int_equal(v, 5);
	assert_null(pickle_item(pickle_get(root, "b"), 1));
	assert_null(pickle_get(root, "c"));
	assert_null(pickle_get(NULL, "c"));
	assert_false(pickle_is_text(root, "a"));
	arena_release(&w.a);
}

/* Memo numbers of any size take memory for what is kept, not for the number. */
static void
test_memo(void **state)
{
	struct buf b = {0};
	const struct pickle_node *root;
	struct world w;
	struct err e = {0};
	struct rd r;

	(void)state;
	buf_puts(&b, "]");
	for (uint32_t i = 0; i < 3000; i++) {
		buf_u8(&b, 'K');
		buf_u8(&b, (uint8_t)i);
		buf_u8(&b, 'r');
		buf_u32le(&b, i * 1431655u);
		buf_u8(&b, 'a');
	}
	for (uint32_t i = 0; i < 3000; i++) {
		buf_u8(&b, 'j');
		buf_u32le(&b, i * 1431655u);
		buf_u8(&b, 'a');
	}
	buf_puts(&b, ".");
	r = rd_mem(b.ptr, b.len);
	start(&w);
	assert_ok(pickle_read(&w.p, &r, &root, &e), &e);
	assert_int_equal(root->n, 6000);
	for (size_t i = 0; i < 3000; i++)
		assert_ptr_equal(root->item[i], root->item[3000 + i]);
	arena_release(&w.a);
	buf_free(&b);
}

/* --- looking ahead ------------------------------------------------------- */

#define MANY 20000

/* ([0, 1, ...], every number put, then `end`) */
static void
numbers(struct buf *b, const char *end, size_t len)
{
	buf_puts(b, "(]\x94(");
	for (uint32_t i = 1; i <= MANY; i++) {
		buf_u8(b, 'J');
		buf_u32le(b, i);
		buf_u8(b, 0x94);
	}
	buf_u8(b, 'e');
	buf_append(b, end, len);
}

static int
read_lean(struct world *w, struct buf *b, const struct pickle_node **root,
    struct err *e)
{
	struct rd r = rd_mem(b->ptr, b->len);
	int rc;

	start(w);
	w->p.lean = true;
	rc = pickle_read(&w->p, &r, root, e);
	if (rc == 0)
		assert_int_equal(rd_left(&r), 0);
	return rc;
}

/* What is not asked for goes, what is asked for in whatever way stays, and
 * what is made in between does not take its place. */
static void
test_ahead(void **state)
{
	static const char end[] = "j\x10\x27\0\0g15000\nh\7"
				  "(J\1\2\3\4K\1K\2K\3K\4K\5l0j\x20\x4e\0\0t.";
	static const int64_t want[] = {10000, 15000, 7, MANY};
	const struct pickle_node *root;
	struct buf b = {0};
	struct world w;
	struct err e = {0};
	int64_t v;

	(void)state;
	numbers(&b, end, sizeof(end) - 1);
	assert_ok(read_lean(&w, &b, &root, &e), &e);
	assert_int_equal(root->n, 1 + ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(pickle_int(pickle_item(root, 1 + i), &v));
		assert_int_equal(v, want[i]);
	}
	/* all stand on the stack once */
	assert_in_range(w.p.nodes, MANY, MANY + 256);
	arena_release(&w.a);
	buf_free(&b);
}

/* A row of lists, each put and each part put: memory is one's. */
static void
test_forget(void **state)
{
	static const char *const ends[] = {
	    "ah\2.", "aX\x11\0\0\0" PICKLE_ARRAY "0h\2.", "a\xff."};
	static const size_t len[] = {4, 27, 3};
	const struct pickle_node *root;
	struct err e = {0};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
		struct buf b = {0};
		struct world w;
		int rc;

		buf_puts(&b, "]");
		for (uint32_t i = 0; i < MANY; i++)
			buf_puts(&b, "]\x94(K\1\x94K\2\x94K\3\x94"
				     "ea");
		buf_puts(&b, "N");
		buf_append(&b, ends[k], len[k]);
		rc = read_lean(&w, &b, &root, &e);
		assert_int_equal(rc, k == 2 ? ERR_FORMAT : 0);
		/* not when arrays may follow or the end is not known */
		if (k == 0)
			assert_in_range(w.p.nodes, 4096, 8192);
		else
			assert_in_range(w.p.nodes, 4 * MANY, 5 * MANY);
		arena_release(&w.a);
		buf_free(&b);
	}
}

static void
see_skip(void *ctx, uint8_t op, const struct pickle_node *n)
{
	(void)op;
	(void)n;
	((struct world *)ctx)->p.skip = 1;
}

/* What follows an array was not foreseen. */
static void
test_skip(void **state)
{
	static const char end[] = "cm\nn\nNt.";
	const struct pickle_node *root;
	struct buf b = {0};
	struct world w;
	struct err e = {0};
	struct rd r;

	(void)state;
	numbers(&b, end, sizeof(end) - 1);
	start(&w);
	w.p.lean = true;
	w.p.see = see_skip;
	r = rd_mem(b.ptr, b.len);
	assert_int_equal(pickle_read(&w.p, &r, &root, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "plain text"));
	arena_release(&w.a);
	buf_free(&b);
}

/* --- bad ones ------------------------------------------------------------ */

struct bad_row {
	const char *name, *bytes;
	size_t len;
	int rc;
	uint64_t off;
	const char *says;
};

#define BAD(name, bytes, rc, off, says)                                        \
	{                                                                      \
		"bad/" name, bytes, sizeof(bytes) - 1, rc, off, says           \
	}

static const struct bad_row bad_rows[] = {
    BAD("empty", "", ERR_TRUNCATED, 0, "pickle: the file ends before STOP"),
    BAD("stop", ".", ERR_FORMAT, 0, "pickle: STOP: the stack is empty"),
    BAD("opcode", "N\xfe.", ERR_FORMAT, 1, "pickle: no opcode is 0xfe"),
    BAD("protocol", "\x80\x06.", ERR_UNSUPPORTED, 0,
	"pickle: protocol 6, known are 0 to 5"),
    BAD("frame", "\x95\x05\0\0\0\0\0\0\0N.", ERR_TRUNCATED, 0,
	"pickle: FRAME: the file ends inside it"),
    BAD("below a mark", "N(0N(a.", ERR_FORMAT, 5,
	"pickle: APPEND: the stack is empty"),
    BAD("mark", "NNt.", ERR_FORMAT, 2, "pickle: TUPLE: there is no mark"),
    BAD("odd dict", "(NNNd.", ERR_FORMAT, 4,
	"pickle: DICT: a key without a value"),
    BAD("odd items", "}(Nu.", ERR_FORMAT, 3,
	"pickle: SETITEMS: a key without a value"),
    BAD("append to a tuple", ")Na.", ERR_FORMAT, 2,
	"pickle: APPEND: what is there takes none"),
    BAD("arguments", "NNR.", ERR_FORMAT, 2,
	"pickle: REDUCE: the arguments are no tuple"),
    BAD("name", "NN\x93.", ERR_FORMAT, 2,
	"pickle: STACK_GLOBAL: the name is no string"),
    BAD("no class", "(o.", ERR_FORMAT, 1, "pickle: OBJ: there is no class"),
    BAD("memo", "g12345678901234567890\n.", ERR_FORMAT, 0,
	"pickle: GET: not a number of a memo"),
    BAD("memo of nothing", "h\7.", ERR_FORMAT, 0,
	"pickle: BINGET: nothing was kept there"),
    BAD("put of nothing", "q\7.", ERR_FORMAT, 0,
	"pickle: BINPUT: the stack is empty"),
    BAD("int", "I1x\n.", ERR_FORMAT, 0, "pickle: INT: not written as such"),
    BAD("float", "F\n.", ERR_FORMAT, 0, "pickle: FLOAT: not written as such"),
    BAD("string", "S'a\n.", ERR_FORMAT, 0,
	"pickle: STRING: not written as such"),
    BAD("unicode", "V\\u12\n.", ERR_FORMAT, 0,
	"pickle: UNICODE: not written as such"),
    BAD("line", "I12", ERR_TRUNCATED, 0,
	"pickle: INT: the file ends inside it"),
    BAD("long", "\x8b\xff\xff\xff\x7f.", ERR_TRUNCATED, 0,
	"pickle: LONG4: the file ends inside it"),
    BAD("negative long", "\x8b\xff\xff\xff\xff.", ERR_FORMAT, 0,
	"pickle: LONG4: a negative length"),
    BAD("bytes", "\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", ERR_TRUNCATED, 0,
	"pickle: BINBYTES8: the file ends inside it"),
};

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct rd r = rd_mem(row->bytes, row->len);
	const struct pickle_node *root;
	struct world w;
	struct err e = {0};

	start(&w);
	assert_int_equal(pickle_read(&w.p, &r, &root, &e), row->rc);
	assert_string_equal(e.msg, row->says);
	assert_true(e.off == row->off);
	arena_release(&w.a);
}

/* What came before the damage has been seen. */
static void
test_seen_before_error(void **state)
{
	static const char bytes[] = "cos\nsystem\n(X\2\0\0\0lstR\xff";
	struct rd r = rd_mem(bytes, sizeof(bytes) - 1);
	const struct pickle_node *root;
	struct world w;
	struct err e = {0};

	(void)state;
	start(&w);
	assert_int_equal(pickle_read(&w.p, &r, &root, &e), ERR_FORMAT);
	assert_string_equal(w.seen, "GLOBAL@0 REDUCE@20 ");
	arena_release(&w.a);
}

int
main(void)
{
	const struct CMUnitTest single[] = {
	    cmocka_unit_test(test_two),
	    cmocka_unit_test(test_looking),
	    cmocka_unit_test(test_memo),
	    cmocka_unit_test(test_ahead),
	    cmocka_unit_test(test_forget),
	    cmocka_unit_test(test_skip),
	    cmocka_unit_test(test_seen_before_error),
	};
	struct CMUnitTest
	    tests[ARRAY_LEN(single) + ARRAY_LEN(rows) + ARRAY_LEN(bad_rows)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		tests[n++] = single[i];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_good, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	return cmocka_run_group_tests_name("pickle", tests, NULL, NULL);
}
