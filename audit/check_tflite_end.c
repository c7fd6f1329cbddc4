/* SPDX-License-Identifier: MIT */
#include "audit/check_tflite_end.h"

#include "audit/check_tail.h"
#include "formats/flatbuf.h"

/* Tables of tensorflow/lite/schema/schema.fbs (3c). */
enum table {
	VALUE, /* none: a vector of numbers or a text */
	MODEL,
	CODE,
	GRAPH,
	TENSOR,
	QUANTIZATION,
	OPERATOR,
	OPTIONS,
	BUFFER,
	METADATA,
	SIGNATURE,
	MAP,
	TABLES
};

static const struct part {
	enum table in;
	unsigned field;
	enum table is;
	size_t width; /* of the elements of a vector; 0: one table */
} parts[] = {
    {MODEL, 1, CODE, 4},
    {MODEL, 2, GRAPH, 4},
    {MODEL, 3, VALUE, 1},
    {MODEL, 4, BUFFER, 4},
    {MODEL, 5, VALUE, 4},
    {MODEL, 6, METADATA, 4},
    {MODEL, 7, SIGNATURE, 4},
    {CODE, 1, VALUE, 1},
    {GRAPH, 0, TENSOR, 4},
    {GRAPH, 1, VALUE, 4},
    {GRAPH, 2, VALUE, 4},
    {GRAPH, 3, OPERATOR, 4},
    {GRAPH, 4, VALUE, 1},
    {TENSOR, 0, VALUE, 4},
    {TENSOR, 3, VALUE, 1},
    {TENSOR, 4, QUANTIZATION, 0},
    {TENSOR, 7, VALUE, 4},
    {QUANTIZATION, 0, VALUE, 4},
    {QUANTIZATION, 1, VALUE, 4},
    {QUANTIZATION, 2, VALUE, 4},
    {QUANTIZATION, 3, VALUE, 8},
    {OPERATOR, 1, VALUE, 4},
    {OPERATOR, 2, VALUE, 4},
    {OPERATOR, 4, OPTIONS, 0},
    {OPERATOR, 5, VALUE, 1},
    {OPERATOR, 7, VALUE, 1},
    {OPERATOR, 8, VALUE, 4},
    {BUFFER, 0, VALUE, 1},
    {METADATA, 0, VALUE, 1},
    {SIGNATURE, 0, MAP, 4},
    {SIGNATURE, 1, MAP, 4},
    {SIGNATURE, 2, VALUE, 1},
    {MAP, 0, VALUE, 1},
};

struct walk {
	struct flatbuf fb;
	uint64_t work; /* tables that may still be looked at */
	uint64_t end;  /* of what lies behind the flatbuffer */
};

static void table(struct walk *, const struct flatbuf_table *, enum table);

static void
part(struct walk *w, const struct flatbuf_table *t, const struct part *p)
{
	struct flatbuf_vector v;

	if (p->width == 0) {
		struct flatbuf_table in = flatbuf_table(&w->fb, t, p->field);

		table(w, &in, p->is);
		return;
	}
	v = flatbuf_vector(&w->fb, t, p->field, p->width, SIZE_MAX);
	for (size_t i = 0; p->is != VALUE && i < v.n && w->fb.rc == 0; i++) {
		struct flatbuf_table in = flatbuf_item(&w->fb, &v, i);

		table(w, &in, p->is);
	}
}

/* Buffer: offset 1, size 2; Operator: the same of its options, 9 and 10 */
static void
outside(struct walk *w, const struct flatbuf_table *t, unsigned at)
{
	uint64_t from = flatbuf_u64(&w->fb, t, at, 0);
	uint64_t size = flatbuf_u64(&w->fb, t, at + 1, 0), end;

	if (from > 1 && !ckd_add(&end, from, size))
		w->end = MAX(w->end, end);
}

/* Tables are nested as `parts` has them: five deep. */
static void
table(struct walk *w, const struct flatbuf_table *t, enum table is)
{
	if (t->at == 0 || w->fb.rc != 0)
		return;
	/* each has four bytes, but many places may refer to one */
	if (w->work-- == 0) {
		flatbuf_fail(&w->fb, ERR_LIMIT, t->at,
		    "more tables than the file has bytes");
		return;
	}
	if (is == BUFFER)
		outside(w, t, 1);
	else if (is == OPERATOR)
		outside(w, t, 9);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].in == is)
			part(w, t, &parts[i]);
}

void
check_tflite_end(const struct check_file *f)
{
	struct err e = {.off = ERR_NOWHERE};
	struct walk w = {.work = f->bytes.len};
	struct flatbuf_table t =
	    flatbuf_root(&w.fb, f->bytes, "TFL3", "tflite", &e);

	table(&w, &t, MODEL);
	/* of what is broken, check_tflite tells, and that there is no end */
	if (w.fb.rc == 0)
		check_tail_serious(f, MAX(w.end, (uint64_t)w.fb.end));
	else if (e.code == ERR_LIMIT)
		check_short(f, FINDING_FILE_LIMIT, e.off, "%s", e.msg);
	else
		check_short(f, FINDING_TFLITE_BROKEN, e.off, "%s", e.msg);
}
