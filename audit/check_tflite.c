/* SPDX-License-Identifier: MIT
 * TensorFlow Lite: operators that are not built in, TensorFlow's operators
 * within (Flex), and buffers in other files.  Field numbers are those of
 * tensorflow/lite/schema/schema.fbs (3c), counted from 0 in each table.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_path.h"
#include "audit/check_tf.h"
#include "audit/check_tflite_cost.h"
#include "audit/check_tflite_end.h"
#include "audit/check_tflite_sparse.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/flatbuf.h"

#define MANY_CODES     65536 /* each custom operator is one */
#define MANY_SUBGRAPHS 65536
#define VERSION        3
#define MOST_CODES     1000 /* built in are some 210, and a few are new each year */
#define CUSTOM         32 /* BuiltinOperator_CUSTOM */

static const char *const known[] = {
#define TFLITE_CUSTOM(name) name,
#include "audit/check_tflite.def"
#undef TFLITE_CUSTOM
};

struct walk {
	const struct check_file *f;
	struct flatbuf fb;
	struct flatbuf_vector codes;
	uint64_t work; /* operators that may still be looked at */
};

static bool
is_known(struct slice s)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == s.len &&
		    memcmp(known[i], s.ptr, s.len) == 0)
			return true;
	return false;
}

static bool
is_flex(struct slice s)
{
	return s.len > 4 && memcmp(s.ptr, "Flex", 4) == 0;
}

static void
say_tf(struct walk *w, struct slice op, uint64_t at)
{
	enum check_tf_class class = check_tf_op(op);

	/* without a graph around it, whatever names the file is an input */
	if (class != CHECK_TF_SAFE)
		check_find(w->f, check_tf_finding(class), at,
		    "operator '%.*s' of TensorFlow, which %s",
		    (int)MIN(op.len, 100), (const char *)op.ptr,
		    check_tf_text(class));
}

/* OperatorCode: deprecated_builtin_code 0, custom_code 1, builtin_code 3 */
static bool
is_custom(struct walk *w, const struct flatbuf_table *code)
{
	int64_t old = flatbuf_i8(&w->fb, code, 0, 0);
	int64_t new = flatbuf_i32(&w->fb, code, 3, 0);

	return MAX(old, new) == CUSTOM;
}

static void
code(struct walk *w, size_t i)
{
	struct flatbuf_table t = flatbuf_item(&w->fb, &w->codes, i);
	struct slice name = flatbuf_text(&w->fb, &t, 1, LIMIT_NAME);

	if (w->fb.rc != 0 || !is_custom(w, &t))
		return;
	if (is_flex(name)) {
		say_tf(w, (struct slice){name.ptr + 4, name.len - 4}, t.at);
		return;
	}
	check_find(w->f,
	    is_known(name) ? FINDING_TFLITE_KNOWN : FINDING_TFLITE_CUSTOM, t.at,
	    "custom operator '%.*s'", (int)MIN(name.len, 200),
	    name.len != 0 ? (const char *)name.ptr : "");
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* A number of protobuf's, also in more bytes than it needs; 0: it is none. */
static size_t
varint(struct slice s, size_t at, uint64_t *out)
{
	*out = 0;
	for (size_t n = 0; n < 10 && at + n < s.len; n++) {
		if (n < 9)
			*out |= (uint64_t)(s.ptr[at + n] & 0x7f) << 7 * n;
		if (s.ptr[at + n] < 0x80)
			return n + 1;
	}
	return 0;
}

/* A string that stands in the options says where to. */
static void
flex_streams(struct walk *w, struct slice s)
{
	const char *p = memmem(s.ptr, s.len, "file://", 7);

	if (p != NULL)
		check_find(w->f, FINDING_TF_WRITE,
		    (uint64_t)((const uint8_t *)p - w->f->bytes.base),
		    "an operator of TensorFlow is given a file's address");
	p = memmem(s.ptr, s.len, "grpc://", 7);
	if (p != NULL)
		check_find(w->f, FINDING_TF_NETWORK,
		    (uint64_t)((const uint8_t *)p - w->f->bytes.base),
		    "an operator of TensorFlow is given a server's address");
}

/*
 * What Flex runs is the NodeDef in its options, whatever the operator is
 * called: op = 2, a name.  Looked for as bytes, for the flexbuffer around it
 * says nothing more.
 */
static void
flex_options(struct walk *w, struct slice s)
{
	for (size_t i = 0; i + 2 < s.len; i++) {
		uint64_t tag, len;
		size_t n = varint(s, i, &tag), m;
		enum check_tf_class class;
		struct slice op;

		if (n == 0 || tag != 0x12 || (m = varint(s, i + n, &len)) == 0)
			continue;
		op.ptr = s.ptr + i + n + m;
		if (len < 3 || len > s.len - i - n - m || !is_letter(*op.ptr))
			continue;
		op.len = (size_t)len;
		class = check_tf_op(op);
		if (class != CHECK_TF_SAFE && class != CHECK_TF_UNKNOWN)
			say_tf(w, op, (uint64_t)(s.ptr - w->f->bytes.base) + i);
	}
	if (s.len != 0)
		flex_streams(w, s);
}

/* Operator: opcode_index 0, custom_options 5 */
static void
operator(struct walk *w, const struct flatbuf_table *t)
{
	uint64_t i = flatbuf_u32(&w->fb, t, 0, 0);
	struct flatbuf_vector v;
	struct flatbuf_table c;
	struct slice name;

	if (i >= w->codes.n) {
		flatbuf_fail(&w->fb, ERR_FORMAT, t->at,
		    "operator code %" PRIu64 " of %zu", i, w->codes.n);
		return;
	}
	c = flatbuf_item(&w->fb, &w->codes, (size_t)i);
	name = flatbuf_text(&w->fb, &c, 1, LIMIT_NAME);
	if (w->fb.rc != 0 || !is_flex(name))
		return;
	v = flatbuf_vector(&w->fb, t, 5, 1, SIZE_MAX);
	/* options may be shared by any number of operators */
	if (v.n > w->work) {
		flatbuf_fail(&w->fb, ERR_LIMIT, t->at,
		    "more options than the file has bytes");
		return;
	}
	w->work -= v.n;
	flex_options(w, flatbuf_bytes(&w->fb, &v));
}

/* SubGraph: operators 3 */
static void
subgraph(struct walk *w, const struct flatbuf_table *t)
{
	struct flatbuf_vector v =
	    flatbuf_vector(&w->fb, t, 3, 4, w->f->bytes.len);

	check_tflite_sparse(w->f, &w->fb, t, &w->work);
	for (size_t i = 0; i < v.n && w->fb.rc == 0; i++) {
		struct flatbuf_table op = flatbuf_item(&w->fb, &v, i);

		if (w->work-- == 0)
			flatbuf_fail(&w->fb, ERR_LIMIT, t->at,
			    "more operators than the file has bytes");
		else
			operator(w, &op);
	}
}

/* Buffer: data 0, offset 1, size 2: bytes behind the flatbuffer */
static void
buffer(struct walk *w, const struct flatbuf_table *t)
{
	uint64_t at = flatbuf_u64(&w->fb, t, 1, 0);
	uint64_t size = flatbuf_u64(&w->fb, t, 2, 0), len = w->f->bytes.len;

	flatbuf_vector(&w->fb, t, 0, 1, SIZE_MAX);
	/* 0 and 1 stand for none */
	if (at > 1 && (at > len || size > len - at))
		flatbuf_fail(&w->fb, ERR_TRUNCATED, t->at,
		    "a buffer of %" PRIu64 " bytes at %" PRIu64, size, at);
}

/* ExternalBufferGroup: name 0 */
static void
outside(struct walk *w, const struct flatbuf_table *t)
{
	struct slice s = flatbuf_text(&w->fb, t, 0, LIMIT_NAME);
	const char *why = check_path_escape(s);

	if (why != NULL)
		check_find(w->f, FINDING_TFLITE_OUTSIDE, t->at,
		    "buffers in '%.*s', which %s", (int)MIN(s.len, 200),
		    (const char *)s.ptr, why);
}

static void
each(struct walk *w, const struct flatbuf_table *t, unsigned field, size_t max,
    void (*fn)(struct walk *, const struct flatbuf_table *))
{
	struct flatbuf_vector v = flatbuf_vector(&w->fb, t, field, 4, max);

	for (size_t i = 0; i < v.n && w->fb.rc == 0; i++) {
		struct flatbuf_table item = flatbuf_item(&w->fb, &v, i);

		fn(w, &item);
	}
}

/* Model: operator_codes 1, subgraphs 2, buffers 4, external_buffer_groups 8 */
static void
model(struct walk *w, const struct flatbuf_table *t)
{
	w->codes = flatbuf_vector(&w->fb, t, 1, 4, MANY_CODES);
	for (size_t i = 0; i < w->codes.n && w->fb.rc == 0; i++)
		code(w, i);
	each(w, t, 8, MANY_CODES, outside);
	each(w, t, 2, MANY_SUBGRAPHS, subgraph);
	each(w, t, 4, LIMIT_TENSORS, buffer);
}

/* Model: version 0, metadata 6; Metadata: buffer 1; OperatorCode: builtin_code 3. */
static void
numbers(struct walk *w, const struct flatbuf_table *t)
{
	struct flatbuf_vector buffers =
	    flatbuf_vector(&w->fb, t, 4, 4, SIZE_MAX);
	struct flatbuf_vector notes = flatbuf_vector(&w->fb, t, 6, 4, SIZE_MAX);
	uint64_t version = flatbuf_u32(&w->fb, t, 0, 0);

	if (w->fb.rc == 0 && version != VERSION)
		flatbuf_fail(&w->fb, ERR_FORMAT, t->at,
		    "version %" PRIu64 " of the schema, which is none",
		    version);
	for (size_t i = 0; i < notes.n && w->fb.rc == 0; i++) {
		struct flatbuf_table note = flatbuf_item(&w->fb, &notes, i);

		if (flatbuf_u32(&w->fb, &note, 1, 0) >= MAX(buffers.n, 1))
			flatbuf_fail(&w->fb, ERR_FORMAT, note.at,
			    "metadata in a buffer that is not there");
	}
	for (size_t i = 0; i < w->codes.n && w->fb.rc == 0; i++) {
		struct flatbuf_table code = flatbuf_item(&w->fb, &w->codes, i);

		if (flatbuf_i32(&w->fb, &code, 3, 0) > MOST_CODES)
			flatbuf_fail(&w->fb, ERR_FORMAT, code.at,
			    "an operator that is none");
	}
}

void
check_tflite(const struct check_file *f)
{
	struct err e = {.off = ERR_NOWHERE};
	struct walk w = {.f = f, .work = f->bytes.len};
	struct flatbuf_table t;

	if (!check_is(f, "tflite") &&
	    (!text_ends_with(check_name_of(f), ".tflite") || f->bytes.len == 0))
		return;
	check_knows(f);
	t = flatbuf_root(&w.fb, f->bytes, "TFL3", "tflite", &e);
	model(&w, &t);
	numbers(&w, &t);
	if (w.fb.rc != 0)
		check_short(f,
		    e.code == ERR_LIMIT ? FINDING_FILE_LIMIT
					: FINDING_TFLITE_BROKEN,
		    e.off, "%s", e.msg);
	else
		check_tflite_end(f);
	check_tflite_cost(f, &w.fb, &t);
}
