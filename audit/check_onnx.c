/* SPDX-License-Identifier: MIT
 * ONNX: what a model would have its runtime open, load or call.  Every graph,
 * also those in attributes, functions and training information; field numbers
 * are those of onnx.proto (1.19).
 */
#include "audit/check.h"

#include "audit/check_note.h"
#include "audit/check_onnx_cost.h"
#include "audit/check_onnx_op.h"
#include "audit/check_onnx_order.h"
#include "audit/check_onnx_text.h"
#include "audit/check_path.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "formats/onnx_file.h"
#include "formats/onnx_probe.h"
#include "formats/onnx_wire.h"

#include <sys/stat.h>
#include <unistd.h>

struct walk {
	const struct check_file *f;
	struct arena *arena;
	struct err *e;
	struct map said;      /* "domain:op" that was reported */
	struct map beside;    /* files of weights, to their sizes */
	struct map functions; /* "domain:name" of the model's own */
	unsigned depth;
	bool full; /* a name was too long, or there were too many */
};

typedef int visit(struct walk *, const struct onnx_wire *);

/* All fields of a message; what is broken in one does not hide the others. */
static int
fields(struct walk *w, struct rd r, visit *fn)
{
	struct onnx_wire f;
	int rc, first = 0;

	while ((rc = onnx_wire_next(&r, &f, w->e)) > 0) {
		int in = fn(w, &f);

		if (in < 0 && first == 0)
			first = in;
	}
	/* cut off: what is left of the last one may still hold something */
	if (rc < 0 && f.type == ONNX_WIRE_BYTES && rd_left(&r) != 0 &&
	    rd_sub(&r, rd_left(&r), &f.body) == 0)
		fn(w, &f);
	return first != 0 ? first : rc;
}

/* Names that are not kept are all alike, and as no name at all: one could pass
 * for another, and a domain for ONNX's own. */
static const char *
copy(struct walk *w, struct rd r)
{
	const char *s = r.len <= LIMIT_NAME ? arena_strdup(w->arena,
						  (const char *)r.base, r.len)
					    : NULL;

	w->full = w->full || s == NULL;
	return s != NULL ? s : "";
}

/* "domain:name", where "ai.onnx" is "". */
static const char *
full_name(struct walk *w, struct rd domain, struct rd name)
{
	char *s;

	if (rd_is(domain, "ai.onnx"))
		domain.len = 0;
	if (domain.len > LIMIT_NAME || name.len > LIMIT_NAME ||
	    (s = arena_alloc(w->arena, domain.len + name.len + 2, 1)) == NULL) {
		w->full = true;
		return "";
	}
	if (domain.len != 0)
		memcpy(s, domain.base, domain.len);
	s[domain.len] = ':';
	if (name.len != 0)
		memcpy(s + domain.len + 1, name.base, name.len);
	return s;
}

/* --- tensors ------------------------------------------------------------- */

#define UNKNOWN_SIZE (SIZE_MAX - 1)

static size_t
size_of(const struct check_sink *s, const char *path)
{
	int fd = s->near != NULL ? s->near(s->beside_ctx, 0, path) : -1;
	size_t size = UNKNOWN_SIZE;
	struct stat st;

	if (fd < 0)
		return size;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		size = (size_t)st.st_size;
	close(fd);
	return size;
}

/* The size of a file of weights that was looked at too.  Of a model within
 * something, what stands beside it is not known. */
static size_t
beside(struct walk *w, const char *path, uint64_t at)
{
	const struct check_sink *s = w->f->sink;
	size_t size;

	if (s->beside == NULL || w->f->depth != 0)
		return UNKNOWN_SIZE;
	if ((size = map_get(&w->beside, path)) != SIZE_MAX)
		return size;
	size = UNKNOWN_SIZE;
	if (!s->beside(s->beside_ctx, path))
		check_short(w->f, FINDING_ONNX_MISSING, at, "'%.200s'", path);
	else
		size = size_of(s, path);
	if (map_put(&w->beside, path, size) < 0)
		w->full = true;
	return size;
}

/* What is no number, or too large a one, is as if it were the largest. */
static uint64_t
decimal(struct walk *w, struct rd r)
{
	uint64_t v;

	return text_parse_u64(copy(w, r), INT64_MAX, &v) ? v : UINT64_MAX;
}

/* external_data = 13: a number of that name, or 0 */
static uint64_t
external(struct walk *w, struct rd tensor, const char *key)
{
	struct onnx_wire f;
	uint64_t v = 0;

	while (onnx_wire_step(&tensor, &f))
		if (f.number == 13 && f.type == ONNX_WIRE_BYTES &&
		    rd_is(onnx_wire_last(f.body, 1), key))
			v = decimal(w, onnx_wire_last(f.body, 2));
	return v;
}

/* Bytes that the file has not. */
static void
beyond(struct walk *w, struct rd tensor, size_t size)
{
	uint64_t offset = external(w, tensor, "offset"),
		 length = external(w, tensor, "length");

	if (size != UNKNOWN_SIZE && (offset > size || length > size - offset))
		check_short(w->f, FINDING_ONNX_BROKEN, tensor.start,
		    "tensor '%.100s' has %" PRIu64 " bytes at %" PRIu64
		    " of a file of %zu",
		    copy(w, onnx_wire_last(tensor, 8)), length, offset, size);
}

static void
location(struct walk *w, const struct onnx_wire *f, struct rd tensor)
{
	struct rd value = onnx_wire_last(f->body, 2);
	const char *why =
	    check_path_escape((struct slice){value.base, value.len});

	if (!rd_is(onnx_wire_last(f->body, 1), "location"))
		return;
	if (why == NULL) {
		beyond(w, tensor, beside(w, copy(w, value), f->at));
		return;
	}
	check_find(w->f, FINDING_ONNX_EXTERNAL, f->at,
	    "tensor '%.100s' is read from '%.200s', which %s",
	    copy(w, onnx_wire_last(tensor, 8)), copy(w, value), why);
}

/* dims = 1, packed or not: how many elements, or what is wrong with them */
static const char *
count(const struct onnx_wire *f, uint64_t *n)
{
	struct rd r = f->body;
	uint64_t d = f->value;

	if (f->type == ONNX_WIRE_VARINT)
		return d > INT64_MAX || ckd_mul(n, *n, d)
			   ? "more elements than 64 bits can count"
			   : NULL;
	if (f->type != ONNX_WIRE_BYTES)
		return "dims that are no numbers";
	while (rd_left(&r) != 0)
		if (rd_varint(&r, &d) != 0 || d > INT64_MAX ||
		    ckd_mul(n, *n, d))
			return "more elements than 64 bits can count";
	return NULL;
}

/* TensorProto.DataType of raw_data, in bits: 1 float to 23 float4e2m1; 0: no
 * number, or none of these */
static unsigned
bits_of(uint64_t type)
{
	static const uint8_t bits[] = {0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16,
	    64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4};

	return type < ARRAY_LEN(bits) ? bits[type] : 0;
}

#define STRING_HEAD 16 /* bytes; a shorter string holds nothing */
#define TYPES_MAX   31 /* no version of ONNX has more */

enum {
	COMPLEX64 = 14,
	COMPLEX128 = 15
};

/* `bytes`: of raw_data, or of the file outside; SIZE_MAX: in neither */
static const char *
misfit(uint64_t type, uint64_t n, uint64_t bytes)
{
	uint64_t bits;

	if (type == 0 || type > TYPES_MAX)
		return "an element type that ONNX does not have";
	if (bytes == SIZE_MAX || bits_of(type) == 0)
		return NULL;
	if (ckd_mul(&bits, n, bits_of(type)))
		return "more elements than 64 bits can count";
	return bits / 8 + (bits % 8 != 0 ? 1 : 0) != bytes
		   ? "another number of bytes than its shape"
		   : NULL;
}

/* float_data = 4, int32_data = 5, int64_data = 7, double_data = 10, uint64_data = 11:
 * where there are any, as many as its shape has, for two parts of a complex one and
 * for two of four bits one (onnx.proto, TensorProto). */
static const char *
mislisted(uint64_t type, uint64_t n, struct rd tensor)
{
	static const struct {
		uint32_t number;
		enum onnx_wire_type type;
	} lists[] = {{4, ONNX_WIRE_FIXED32}, {5, ONNX_WIRE_VARINT},
	    {7, ONNX_WIRE_VARINT}, {10, ONNX_WIRE_FIXED64},
	    {11, ONNX_WIRE_VARINT}};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		size_t got = 0;

		if (onnx_wire_repeated(tensor, lists[i].number, lists[i].type,
			NULL, 0, &got, &e) != 0 ||
		    got == 0)
			continue;
		if (bits_of(type) == 4)
			got *= 2;
		if (type == COMPLEX64 || type == COMPLEX128)
			got /= 2;
		return got != n && !(bits_of(type) == 4 && got == n + 1)
			   ? "another number of elements than its shape"
			   : NULL;
	}
	return NULL;
}

/* One of string_data, which may be any bytes: text has no control characters at
 * its beginning, and of labels there are as many as there are classes. */
static void
string(struct walk *w, const struct onnx_wire *f)
{
	char name[64];
	size_t i = 0;

	while (i < STRING_HEAD && i < f->body.len &&
	       (f->body.base[i] >= 0x20 || f->body.base[i] == '\t'))
		i++;
	if (f->body.len < STRING_HEAD ||
	    (i == STRING_HEAD && f->body.base[0] < 0x7f))
		return;
	snprintf(name, sizeof(name), "string at %" PRIu64, f->body.start);
	check_within(w->f, name, f->body);
}

/* TensorProto: dims = 1, data_type = 2, string_data = 6, name = 8, raw_data = 9,
 * external_data = 13 (key = 1, value = 2) */
static int
tensor(struct walk *w, struct rd r)
{
	struct onnx_wire f;
	struct rd all = r;
	const char *bad = NULL, *why;
	uint64_t n = 1, type = 0, bytes = SIZE_MAX, outside;
	int rc;

	while ((rc = onnx_wire_next(&r, &f, w->e)) > 0) {
		if (f.number == 13 && f.type == ONNX_WIRE_BYTES)
			location(w, &f, all);
		else if (f.number == 1 && (why = count(&f, &n)) != NULL)
			bad = why;
		else if (f.number == 2)
			type = f.value;
		else if (f.number == 6 && f.type == ONNX_WIRE_BYTES)
			string(w, &f);
		else if (f.number == 9 && f.type == ONNX_WIRE_BYTES)
			bytes = f.body.len;
	}
	if ((outside = external(w, all, "length")) != 0)
		bytes = outside;
	bad = bad != NULL ? bad : misfit(type, n, bytes);
	bad = bad != NULL ? bad : mislisted(type, n, all);
	if (rc >= 0 && bad != NULL)
		check_short(w->f, FINDING_ONNX_BROKEN, all.start,
		    "tensor '%.100s' has %s", copy(w, onnx_wire_last(all, 8)),
		    bad);
	return rc;
}

/* SparseTensorProto: values = 1, indices = 2 */
static int
sparse(struct walk *w, const struct onnx_wire *f)
{
	return (f->number == 1 || f->number == 2) && f->type == ONNX_WIRE_BYTES
		   ? tensor(w, f->body)
		   : 0;
}

/* --- nodes --------------------------------------------------------------- */

static int graph(struct walk *, struct rd);

/* AttributeProto: t = 5, g = 6, tensors = 10, graphs = 11, sparse_tensor = 22,
 * sparse_tensors = 23 */
static int
attribute(struct walk *w, const struct onnx_wire *f)
{
	if (f->type != ONNX_WIRE_BYTES)
		return 0;
	switch (f->number) {
	case 5:
	case 10:
		return tensor(w, f->body);
	case 6:
	case 11:
		return graph(w, f->body);
	case 22:
	case 23:
		return fields(w, f->body, sparse);
	default:
		return 0;
	}
}

/* NodeProto: attribute = 5 (name = 1, s = 4); onnxruntime reads the compiled
 * part of an EPContext from the file that it names. */
static void
context(struct walk *w, struct rd node)
{
	struct onnx_wire f;
	struct err ignored;

	while (onnx_wire_next(&node, &f, &ignored) > 0) {
		struct rd path;
		const char *why;

		if (f.number != 5 || f.type != ONNX_WIRE_BYTES ||
		    !rd_is(onnx_wire_last(f.body, 1), "ep_cache_context"))
			continue;
		path = onnx_wire_last(f.body, 4);
		why = check_path_escape((struct slice){path.base, path.len});
		/* beyond a file name it is the context itself */
		if (why != NULL && path.len < LIMIT_NAME)
			check_find(w->f, FINDING_ONNX_EXTERNAL, f.at,
			    "EPContext reads '%.200s', which %s", copy(w, path),
			    why);
	}
}

static void
operator(struct walk *w, struct rd node)
{
	static const enum finding_id finding[] = {
	    [CHECK_ONNX_RUNTIME] = FINDING_ONNX_RUNTIME,
	    [CHECK_ONNX_LIBRARY] = FINDING_ONNX_LIBRARY,
	    [CHECK_ONNX_PYTHON] = FINDING_ONNX_PYTHON};
	struct rd op = onnx_wire_last(node, 4),
		  domain = onnx_wire_last(node, 7);
	enum check_onnx_origin origin =
	    check_onnx_op(copy(w, domain), copy(w, op));
	const char *name;
	int rc;

	if (origin == CHECK_ONNX_STANDARD)
		return;
	name = full_name(w, domain, op);
	if (map_get(&w->functions, name) != SIZE_MAX)
		return;
	if (rd_is(op, "EPContext"))
		context(w, node);
	if ((rc = map_put(&w->said, name, 1)) < 0)
		w->full = true;
	if (rc > 0)
		check_find(w->f, finding[origin], node.start,
		    "'%.100s' is of operator '%.100s' of '%.100s'",
		    copy(w, onnx_wire_last(node, 3)), copy(w, op),
		    domain.len != 0 ? copy(w, domain) : "ai.onnx");
}

static int
node_field(struct walk *w, const struct onnx_wire *f)
{
	return f->number == 5 && f->type == ONNX_WIRE_BYTES
		   ? fields(w, f->body, attribute)
		   : 0;
}

static int
node(struct walk *w, struct rd r)
{
	operator(w, r);
	return fields(w, r, node_field);
}

/* --- graphs -------------------------------------------------------------- */

/* GraphProto: node = 1, initializer = 5, sparse_initializer = 15 */
static int
graph_field(struct walk *w, const struct onnx_wire *f)
{
	if (f->type != ONNX_WIRE_BYTES)
		return 0;
	switch (f->number) {
	case 1:
		return node(w, f->body);
	case 5:
		return tensor(w, f->body);
	case 15:
		return fields(w, f->body, sparse);
	default:
		return 0;
	}
}

static int
graph(struct walk *w, struct rd r)
{
	int rc;

	if (w->depth >= LIMIT_ONNX_DEPTH)
		return err_set(w->e, ERR_LIMIT, r.start,
		    "graphs more than %d deep", LIMIT_ONNX_DEPTH);
	w->depth++;
	rc = fields(w, r, graph_field);
	w->depth--;
	check_onnx_cost(w->f, r);
	return rc;
}

/* TrainingInfoProto: initialization = 1, algorithm = 2 */
static int
training(struct walk *w, const struct onnx_wire *f)
{
	return (f->number == 1 || f->number == 2) && f->type == ONNX_WIRE_BYTES
		   ? graph(w, f->body)
		   : 0;
}

/* FunctionProto: node = 7, attribute_proto = 11 */
static int
function(struct walk *w, const struct onnx_wire *f)
{
	if (f->type != ONNX_WIRE_BYTES)
		return 0;
	if (f->number == 7)
		return node(w, f->body);
	return f->number == 11 ? fields(w, f->body, attribute) : 0;
}

/* --- the model ----------------------------------------------------------- */

/* A function of a name that ONNX has: which of the two a runtime takes is up
 * to the runtime, and a reader of the graph expects the standard one. */
static int
name_function(struct walk *w, const struct onnx_wire *f)
{
	struct rd name = onnx_wire_last(f->body, 1),
		  domain = onnx_wire_last(f->body, 10);

	if (f->number != 25 || f->type != ONNX_WIRE_BYTES)
		return 0;
	if (map_put(&w->functions, full_name(w, domain, name), 1) < 0)
		w->full = true;
	if (check_onnx_op(copy(w, domain), copy(w, name)) ==
	    CHECK_ONNX_STANDARD)
		check_find(w->f, FINDING_ONNX_FUNCTION, f->at,
		    "a function of its own '%.100s' of '%.100s'", copy(w, name),
		    domain.len != 0 ? copy(w, domain) : "ai.onnx");
	return 0;
}

/* ModelProto: doc_string = 6, graph = 7, metadata_props = 14, training_info = 20, functions = 25 */
static int
model_field(struct walk *w, const struct onnx_wire *f)
{
	if (f->type != ONNX_WIRE_BYTES)
		return 0;
	switch (f->number) {
	case 6: /* shown by viewers */
		check_note(w->f, "doc_string", f->body);
		return 0;
	case 7:
		return graph(w, f->body);
	case 14: /* StringStringEntryProto: key = 1, value = 2 */
		check_note(w->f, copy(w, onnx_wire_last(f->body, 1)),
		    onnx_wire_last(f->body, 2));
		return 0;
	case 20:
		return fields(w, f->body, training);
	case 25:
		return fields(w, f->body, function);
	default:
		return 0;
	}
}

void
check_onnx(const struct check_file *f)
{
	struct err e = {.off = ERR_NOWHERE};
	struct walk w = {.f = f, .e = &e};
	struct arena a;
	int rc, in;

	check_onnx_text(f);
	if (!check_is(f, "onnx") && onnx_probe(f->bytes) <= 0)
		return;
	check_knows(f);
	arena_init(&a, LIMIT_TF_ARENA);
	w.arena = &a;
	map_init(&w.said, &a);
	map_init(&w.functions, &a);
	map_init(&w.beside, &a);
	rc = fields(&w, f->bytes, name_function);
	in = fields(&w, f->bytes, model_field);
	rc = MIN(rc, in);
	if (w.full || (rc < 0 && e.code == ERR_LIMIT))
		check_short(f, FINDING_FILE_LIMIT, e.off, "%s",
		    w.full ? "names too long, or too many" : e.msg);
	else if (rc < 0)
		check_short(f, FINDING_ONNX_BROKEN, e.off, "%s", e.msg);
	else
		check_onnx_order(f);
	arena_release(&a);
}
