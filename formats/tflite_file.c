/* SPDX-License-Identifier: MIT
 * Field numbers are those of tensorflow/lite/schema/schema.fbs (3c), counted
 * from 0 in each table.
 */
#include "formats/tflite_file.h"

#include "base/limits.h"
#include "base/text.h"

#define MODEL_VERSION 3
#define MANY_CODES    4096 /* BuiltinOperator has some 200 */

struct codes {
	int64_t *op;
	const char **custom;
	size_t n;
};

/*
 * What is copied is paid for: vectors and strings may be shared by any number
 * of tables, so that a small file could ask for gigabytes.
 */
struct budget {
	uint64_t left;
};

static void *
pay(struct flatbuf *f, struct budget *b, struct arena *a, size_t n, size_t size)
{
	uint64_t cost = (uint64_t)(n + 1) * size;
	void *p;

	if (f->rc != 0)
		return NULL;
	if (cost > b->left || (p = arena_alloc(a, n + 1, size)) == NULL) {
		flatbuf_fail(f, ERR_LIMIT, ERR_NOWHERE,
		    "more in its tables than a file of this size can have");
		return NULL;
	}
	b->left -= cost;
	return p;
}

/* --- lists and names ----------------------------------------------------- */

static int64_t *
ints(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *t, unsigned field, size_t width, size_t max,
    size_t *n)
{
	struct flatbuf_vector v = flatbuf_vector(f, t, field, width, max);
	int64_t *out = pay(f, b, a, v.n, sizeof(*out));

	*n = 0;
	if (out == NULL)
		return NULL;
	for (*n = 0; *n < v.n; ++*n)
		out[*n] = flatbuf_int_at(f, &v, *n);
	return out;
}

static double *
reals(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *t, unsigned field, size_t max, size_t *n)
{
	struct flatbuf_vector v = flatbuf_vector(f, t, field, 4, max);
	double *out = pay(f, b, a, v.n, sizeof(*out));

	*n = 0;
	if (out == NULL)
		return NULL;
	for (*n = 0; *n < v.n; ++*n)
		out[*n] = flatbuf_f32_at(f, &v, *n);
	return out;
}

static const char *
text(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *t, unsigned field)
{
	struct slice s = flatbuf_text(f, t, field, LIMIT_NAME);
	char *out = pay(f, b, a, s.len, 1);

	if (out == NULL)
		return "";
	if (s.len == 0)
		return out;
	if (!text_utf8_valid((const char *)s.ptr, s.len) ||
	    memchr(s.ptr, '\0', s.len) != NULL)
		flatbuf_fail(f, ERR_FORMAT, (uint64_t)(s.ptr - f->r.base),
		    "a name that is not text");
	memcpy(out, s.ptr, s.len);
	return out;
}

/* --- operator codes ------------------------------------------------------ */

/* OperatorCode: deprecated_builtin_code 0, custom_code 1, builtin_code 3 */
static void
read_codes(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *model, struct codes *c)
{
	struct flatbuf_vector v = flatbuf_vector(f, model, 1, 4, MANY_CODES);

	c->op = pay(f, b, a, v.n, sizeof(*c->op));
	c->custom = pay(f, b, a, v.n, sizeof(*c->custom));
	for (c->n = 0; f->rc == 0 && c->n < v.n; c->n++) {
		struct flatbuf_table t = flatbuf_item(f, &v, c->n);
		int64_t old = flatbuf_i8(f, &t, 0, 0);
		int64_t code = flatbuf_i32(f, &t, 3, 0);

		/* as GetBuiltinCode(): the field of old files is one byte */
		c->op[c->n] = MAX(old, code);
		c->custom[c->n] = text(f, b, a, &t, 1);
	}
}

/* --- buffers, tensors ---------------------------------------------------- */

enum dtype
tflite_file_dtype(int64_t type)
{
	switch (type) {
	case TFLITE_F32:
		return DTYPE_F32;
	case TFLITE_F16:
		return DTYPE_F16;
	case TFLITE_F64:
		return DTYPE_F64;
	case TFLITE_I64:
		return DTYPE_I64;
	case TFLITE_I32:
		return DTYPE_I32;
	case TFLITE_I16:
		return DTYPE_I16;
	case TFLITE_I8:
		return DTYPE_I8;
	case TFLITE_U8:
		return DTYPE_U8;
	case TFLITE_BOOL:
		return DTYPE_BOOL;
	default:
		return DTYPE_COUNT;
	}
}

/*
 * Buffer: data 0; offset 1 and size 2 where the bytes lie behind the
 * flatbuffer, in files beyond 2 GiB.
 */
static struct slice
buffer(struct flatbuf *f, const struct flatbuf_vector *buffers, uint64_t i)
{
	struct flatbuf_table t;
	struct flatbuf_vector v;
	uint64_t offset, size;

	if (f->rc == 0 && i >= buffers->n)
		flatbuf_fail(f, ERR_FORMAT, buffers->at,
		    "buffer %" PRIu64 " of %zu", i, buffers->n);
	t = flatbuf_item(f, buffers, f->rc == 0 ? (size_t)i : 0);
	v = flatbuf_vector(f, &t, 0, 1, SIZE_MAX);
	offset = flatbuf_u64(f, &t, 1, 0);
	size = flatbuf_u64(f, &t, 2, 0);
	if (f->rc != 0 || offset <= 1)
		return flatbuf_bytes(f, &v);
	if (v.n != 0)
		flatbuf_fail(f, ERR_FORMAT, t.at,
		    "buffer %" PRIu64 " is inside and behind the tables", i);
	else if (offset > f->r.len || size > f->r.len - offset)
		flatbuf_fail(f, ERR_TRUNCATED, t.at,
		    "buffer %" PRIu64 " has %" PRIu64 " bytes at %" PRIu64
		    " of %zu",
		    i, size, offset, f->r.len);
	if (f->rc != 0)
		return (struct slice){0};
	return (struct slice){f->r.base + offset, (size_t)size};
}

/* shape 0, shape_signature 7 */
static void
read_shape(
    struct flatbuf *f, const struct flatbuf_table *t, struct tflite_tensor *x)
{
	struct flatbuf_vector v = flatbuf_vector(f, t, 0, 4, LIMIT_NODE_ARITY);
	struct flatbuf_vector s = flatbuf_vector(f, t, 7, 4, LIMIT_NODE_ARITY);

	if (v.n > MODEL_MAX_RANK) {
		flatbuf_fail(f, ERR_UNSUPPORTED, x->at,
		    "tensor '%s' has rank %zu", x->name, v.n);
		return;
	}
	x->rank = v.n;
	for (size_t i = 0; i < v.n; i++) {
		int64_t d = flatbuf_int_at(f, &v, i);

		x->open[i] = s.n == v.n && flatbuf_int_at(f, &s, i) == -1;
		if (d < 0) {
			flatbuf_fail(f, ERR_FORMAT, x->at,
			    "tensor '%s' has a negative dimension", x->name);
			return;
		}
		x->dim[i] = (uint64_t)d;
	}
}

/* QuantizationParameters: scale 2, zero_point 3, quantized_dimension 6 */
static void
read_quantization(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *t, struct tflite_tensor *x)
{
	struct flatbuf_table q = flatbuf_table(f, t, 4);
	int64_t axis = flatbuf_i32(f, &q, 6, 0);

	if (q.at == 0)
		return;
	x->scale = reals(f, b, a, &q, 2, SIZE_MAX, &x->nscale);
	x->zero = ints(f, b, a, &q, 3, 8, SIZE_MAX, &x->nzero);
	if (x->nscale > 1 &&
	    (axis < 0 || (size_t)axis >= x->rank || x->dim[axis] != x->nscale))
		flatbuf_fail(f, ERR_FORMAT, x->at,
		    "tensor '%s' has %zu scales along axis %" PRId64, x->name,
		    x->nscale, axis);
	else if (x->nzero > 1 && x->nzero != x->nscale)
		flatbuf_fail(f, ERR_FORMAT, x->at,
		    "tensor '%s' has %zu scales and %zu zero points", x->name,
		    x->nscale, x->nzero);
	x->axis = x->nscale > 1 ? (size_t)axis : 0;
}

static void
check_size(struct flatbuf *f, const struct tflite_tensor *x)
{
	struct tensor t = {.rank = x->rank};
	enum dtype d = tflite_file_dtype(x->type);
	uint64_t n;

	memcpy(t.dim, x->dim, sizeof(t.dim));
	if (f->rc != 0 || x->data.len == 0 || d == DTYPE_COUNT || x->sparse)
		return;
	if (!tensor_elements(&t, &n))
		flatbuf_fail(
		    f, ERR_LIMIT, x->at, "tensor '%s' is too large", x->name);
	else if (n * dtype_width(d) != x->data.len)
		flatbuf_fail(f, ERR_FORMAT, x->at,
		    "tensor '%s' has %zu bytes for %" PRIu64 " elements of %s",
		    x->name, x->data.len, n, dtype_name(d));
}

/* A name that no tensor before it has. */
static const char *
unique(struct flatbuf *f, struct budget *b, struct arena *a, struct map *names,
    const char *name, size_t i)
{
	size_t room = strlen(name) + 32;
	char *mine;
	int rc = *name != '\0' ? map_put(names, name, i) : 0;

	if (rc > 0)
		return name;
	if ((mine = pay(f, b, a, room, 1)) == NULL)
		return name;
	for (unsigned k = 0; rc == 0 && k < 8; k++) {
		snprintf(mine, room, "%s%.*s:%zu",
		    *name != '\0' ? name : "tensor", (int)k, "++++++++", i);
		rc = map_put(names, mine, i);
	}
	if (rc <= 0)
		flatbuf_fail(f, rc < 0 ? ERR_LIMIT : ERR_FORMAT, ERR_NOWHERE,
		    "no name for tensor %zu is left", i);
	return mine;
}

/* Tensor: type 1, buffer 2, name 3, sparsity 6 */
static void
read_tensors(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *graph, const struct flatbuf_vector *buffers,
    struct tflite_file *x)
{
	struct flatbuf_vector v = flatbuf_vector(f, graph, 0, 4, LIMIT_TENSORS);
	struct map names;

	map_init(&names, a);
	x->tensor = arena_alloc(a, v.n + 1, sizeof(*x->tensor));
	if (x->tensor == NULL)
		flatbuf_fail(f, ERR_LIMIT, v.at, "model too large");
	for (size_t i = 0; f->rc == 0 && i < v.n; i++) {
		struct flatbuf_table t = flatbuf_item(f, &v, i);
		struct tflite_tensor *y = &x->tensor[i];
		const char *name = text(f, b, a, &t, 3);

		*y = (struct tflite_tensor){.at = t.at};
		y->name = unique(f, b, a, &names, name, i);
		y->type = flatbuf_i8(f, &t, 1, 0);
		y->sparse = flatbuf_table(f, &t, 6).at != 0;
		y->data = buffer(f, buffers, flatbuf_u32(f, &t, 2, 0));
		read_shape(f, &t, y);
		if (f->rc == 0)
			read_quantization(f, b, a, &t, y);
		check_size(f, y);
		x->ntensor++;
	}
}

/* --- operators ----------------------------------------------------------- */

static const struct {
	const char *name;
	int64_t op, options;
} op_table[] = {
#define TFLITE_OP(name, code, options, fn) {#name, code, options},
#include "formats/tflite_op.def"
#undef TFLITE_OP
};

const char *
tflite_file_op(int64_t op, char *buf, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(op_table); i++)
		if (op_table[i].op == op)
			return op_table[i].name;
	snprintf(buf, size, "operator %" PRId64, op);
	return buf;
}

/*
 * builtin_options_type 3, builtin_options 4.  The runtime reads options of
 * another kind as if there were none; here they are an error.
 */
static void
read_options(
    struct flatbuf *f, const struct flatbuf_table *t, struct tflite_node *n)
{
	int64_t kind = flatbuf_i8(f, t, 3, 0) & 0xff;
	char buf[40];

	for (size_t i = 0; i < ARRAY_LEN(op_table) && kind != 0; i++)
		if (op_table[i].op == n->op && op_table[i].options != 0 &&
		    op_table[i].options != kind)
			flatbuf_fail(f, ERR_FORMAT, n->at,
			    "%s has options of kind %" PRId64 ", not %" PRId64,
			    tflite_file_op(n->op, buf, sizeof(buf)), kind,
			    op_table[i].options);
	if (kind != 0)
		n->options = flatbuf_table(f, t, 4);
}

static void
check_indices(struct flatbuf *f, const int64_t *v, size_t n, int64_t least,
    size_t ntensor, uint64_t at)
{
	for (size_t i = 0; f->rc == 0 && i < n; i++)
		if (v[i] < least || v[i] >= (int64_t)ntensor)
			flatbuf_fail(f, ERR_FORMAT, at,
			    "tensor %" PRId64 " of %zu", v[i], ntensor);
}

/* Operator: opcode_index 0, inputs 1, outputs 2 */
static void
read_nodes(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *graph, const struct codes *codes,
    struct tflite_file *x)
{
	struct flatbuf_vector v = flatbuf_vector(f, graph, 3, 4, LIMIT_NODES);

	x->node = arena_alloc(a, v.n + 1, sizeof(*x->node));
	if (x->node == NULL)
		flatbuf_fail(f, ERR_LIMIT, v.at, "model too large");
	for (size_t i = 0; f->rc == 0 && i < v.n; i++) {
		struct flatbuf_table t = flatbuf_item(f, &v, i);
		struct tflite_node *n = &x->node[i];
		uint64_t code = flatbuf_u32(f, &t, 0, 0);

		if (f->rc == 0 && code >= codes->n)
			flatbuf_fail(f, ERR_FORMAT, t.at,
			    "operator code %" PRIu64 " of %zu", code, codes->n);
		if (f->rc != 0)
			return;
		*n = (struct tflite_node){.op = codes->op[code],
		    .custom = codes->custom[code],
		    .at = t.at};
		n->in = ints(f, b, a, &t, 1, 4, LIMIT_NODE_ARITY, &n->nin);
		n->out = ints(f, b, a, &t, 2, 4, LIMIT_NODE_ARITY, &n->nout);
		check_indices(f, n->in, n->nin, -1, x->ntensor, t.at);
		check_indices(f, n->out, n->nout, 0, x->ntensor, t.at);
		read_options(f, &t, n);
		x->nnode++;
	}
}

/* --- the whole ----------------------------------------------------------- */

/* Metadata: name 0, buffer 1 */
static void
read_metadata(struct flatbuf *f, const struct flatbuf_table *model,
    const struct flatbuf_vector *buffers, struct tflite_file *x)
{
	struct flatbuf_vector v =
	    flatbuf_vector(f, model, 6, 4, LIMIT_NODE_ARITY);

	for (size_t i = 0; f->rc == 0 && i < v.n; i++) {
		struct flatbuf_table t = flatbuf_item(f, &v, i);
		struct slice s = flatbuf_text(f, &t, 0, LIMIT_NAME);

		if (s.len == 15 && memcmp(s.ptr, "TFLITE_METADATA", 15) == 0)
			x->metadata =
			    buffer(f, buffers, flatbuf_u32(f, &t, 1, 0));
	}
}

/* SubGraph: tensors 0, inputs 1, outputs 2, operators 3 */
static void
read_graph(struct flatbuf *f, struct budget *b, struct arena *a,
    const struct flatbuf_table *model, const struct flatbuf_vector *buffers,
    struct tflite_file *x)
{
	struct flatbuf_vector v =
	    flatbuf_vector(f, model, 2, 4, LIMIT_NODE_ARITY);
	struct flatbuf_table g;
	struct codes codes;

	if (f->rc == 0 && v.n == 0)
		flatbuf_fail(f, ERR_FORMAT, model->at, "there is no subgraph");
	g = flatbuf_item(f, &v, 0);
	x->subgraphs = v.n;
	read_codes(f, b, a, model, &codes);
	read_tensors(f, b, a, &g, buffers, x);
	x->input = ints(f, b, a, &g, 1, 4, LIMIT_NODE_ARITY, &x->ninput);
	x->output = ints(f, b, a, &g, 2, 4, LIMIT_NODE_ARITY, &x->noutput);
	check_indices(f, x->input, x->ninput, 0, x->ntensor, g.at);
	check_indices(f, x->output, x->noutput, 0, x->ntensor, g.at);
	if (f->rc == 0)
		read_nodes(f, b, a, &g, &codes, x);
}

int
tflite_file_parse(
    struct rd r, struct arena *a, struct tflite_file *x, struct err *e)
{
	struct flatbuf *f = &x->fb;
	struct budget b = {8 * (uint64_t)r.len + ((uint64_t)1 << 20)};
	struct flatbuf_table model;
	struct flatbuf_vector buffers;
	uint64_t version;

	*x = (struct tflite_file){.description = ""};
	model = flatbuf_root(f, r, "TFL3", "tflite", e);
	version = flatbuf_u32(f, &model, 0, 0);
	if (f->rc == 0 && version != MODEL_VERSION)
		flatbuf_fail(f, ERR_UNSUPPORTED, model.at,
		    "schema version %" PRIu64 ", known is %d", version,
		    MODEL_VERSION);
	buffers = flatbuf_vector(f, &model, 4, 4, 2 * LIMIT_TENSORS);
	read_graph(f, &b, a, &model, &buffers, x);
	x->description = text(f, &b, a, &model, 3);
	read_metadata(f, &model, &buffers, x);
	return f->rc;
}
