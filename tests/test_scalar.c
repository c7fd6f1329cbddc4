/* SPDX-License-Identifier: MIT
 * Whole numbers of numpy in pickles: numpy 1.24's own bytes.
 */
#include "tests/test.h"

#include "formats/pickle_scalar.h"

#define BYTES(s) s, sizeof(s) - 1

struct row {
	const char *name, *bytes;
	size_t len;
	bool is;
	int64_t value;
};

static const struct row rows[] = {
    {"int64, protocol 2",
	BYTES("\200\002cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000i8q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bc_codecs\012encode\012q"
	      "\007X\020\000\000\000\303\276\303\277\303\277\303\277"
	      "\303\277\303\277\303\277\303\277q\010X\006\000\000\000la"
	      "tin1q\011\206q\012Rq\013\206q\014Rq\015."),
	true, -2},
    {"uint8, protocol 2",
	BYTES("\200\002cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000u1q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000|q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bc_codecs\012encode\012q"
	      "\007X\002\000\000\000\303\210q\010X\006\000\000\000latin"
	      "1q\011\206q\012Rq\013\206q\014Rq\015."),
	true, 200},
    {"int16, protocol 4",
	BYTES("\200\004\225c\000\000\000\000\000\000\000\214\025numpy.c"
	      "ore.multiarray\224\214\006scalar\224\223\224\214\005nump"
	      "y\224\214\005dtype\224\223\224\214\002i2\224\211\210\207"
	      "\224R\224(K\003\214\001<\224NNNJ\377\377\377\377J\377"
	      "\377\377\377K\000t\224bC\002\324\376\224\206\224R\224."),
	true, -300},
    {"bool, protocol 0",
	BYTES("cnumpy.core.multiarray\012scalar\012p0\012(cnumpy\012dty"
	      "pe\012p1\012(Vb1\012p2\012I00\012I01\012tp3\012Rp4\012(I"
	      "3\012V|\012p5\012NNNI-1\012I-1\012I0\012tp6\012bc_codecs"
	      "\012encode\012p7\012(V\001\012p8\012Vlatin1\012p9\012tp1"
	      "0\012Rp11\012tp12\012Rp13\012."),
	true, 1},
    {"int32, protocol 3",
	BYTES("\200\003cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000i4q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bC\004p\021\001\000q\007"
	      "\206q\010Rq\011."),
	true, 70000},
    {"int32, big-endian",
	BYTES("\200\003cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000i4q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000>q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bC\004\000\001\021pq\007"
	      "\206q\010Rq\011."),
	true, 70000},
    {"int32 of three bytes",
	BYTES("\200\003cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000i4q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bC\003abcq\007\206q\010R"
	      "q\011."),
	false, 0},
    {"uint64 that is too large",
	BYTES("\200\002cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000u8q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bc_codecs\012encode\012q"
	      "\007X\011\000\000\000\000\000\000\000\000\000\000\302"
	      "\200q\010X\006\000\000\000latin1q\011\206q\012Rq\013\206"
	      "q\014Rq\015."),
	false, 0},
    {"float64",
	BYTES("\200\002cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000f8q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNJ\377\377\377"
	      "\377J\377\377\377\377K\000tq\006bc_codecs\012encode\012q"
	      "\007X\010\000\000\000\000\000\000\000\000\000\010@q\010X"
	      "\006\000\000\000latin1q\011\206q\012Rq\013\206q\014Rq"
	      "\015."),
	false, 0},
    {"text",
	BYTES("\200\002cnumpy.core.multiarray\012scalar\012q\000cnumpy"
	      "\012dtype\012q\001X\002\000\000\000U2q\002\211\210\207q"
	      "\003Rq\004(K\003X\001\000\000\000<q\005NNNK\010K\004K"
	      "\010tq\006bc_codecs\012encode\012q\007X\010\000\000\000a"
	      "\000\000\000b\000\000\000q\010X\006\000\000\000latin1q"
	      "\011\206q\012Rq\013\206q\014Rq\015."),
	false, 0},
    {"no numpy", BYTES("\200\002K\007."), true, 7},
};

static void
test_scalar(void **state)
{
	const struct row *row = *state;
	struct rd r = rd_mem(row->bytes, row->len);
	const struct pickle_node *root;
	struct pickle p = {0};
	struct arena a;
	struct err e = {0};
	int64_t v;

	arena_init(&a, 1 << 20);
	p.arena = &a;
	assert_ok(pickle_read(&p, &r, &root, &e), &e);
	assert_int_equal(pickle_scalar_int(root, &v), row->is);
	if (row->is)
		assert_int_equal(v, row->value);
	arena_release(&a);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest)ROW(test_scalar, rows[i]);
	return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
