/* SPDX-License-Identifier: MIT
 * Field numbers are those of onnx.proto.
 */
#include "formats/onnx_write.h"

#include "base/limits.h"
#include "base/tool.h"
#include "formats/onnx_file.h"

#define OPSET 17
#define IR    8

/* --- protobuf ------------------------------------------------------------ */

static void
put_tag(struct buf *b, uint32_t number, unsigned type)
{
	buf_varint(b, (uint64_t)number << 3 | type);
}

static void
put_int(struct buf *b, uint32_t number, int64_t v)
{
	put_tag(b, number, 0);
	buf_varint(b, (uint64_t)v);
}

static void
put_real(struct buf *b, uint32_t number, double v)
{
	float f = (float)v;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	put_tag(b, number, 5);
	buf_u32le(b, bits);
}

static void
put_bytes(struct buf *b, uint32_t number, const void *p, size_t len)
{
	put_tag(b, number, 2);
	buf_varint(b, len);
	buf_append(b, p, len);
}

static void
put_text(struct buf *b, uint32_t number, const char *s)
{
	put_bytes(b, number, s, strlen(s));
}

/* A finished message into its parent; the message is released. */
static void
put_message(struct buf *b, uint32_t number, struct buf *message)
{
	put_bytes(b, number, message->ptr, message->len);
	buf_free(message);
}

/* --- attributes ---------------------------------------------------------- */

static void
put_attr(struct buf *node, const struct attr *at)
{
	struct buf b = {0};

	put_text(&b, 1, at->name);
	switch (at->kind) {
	case ATTR_INT:
		put_int(&b, 3, at->i);
		put_int(&b, 20, ONNX_INT);
		break;
	case ATTR_REAL:
		put_real(&b, 2, at->f);
		put_int(&b, 20, ONNX_FLOAT);
		break;
	case ATTR_TEXT:
		put_text(&b, 4, at->s);
		put_int(&b, 20, ONNX_STRING);
		break;
	case ATTR_INTS:
		for (size_t i = 0; i < at->n; i++)
			put_int(&b, 8, at->ints[i]);
		put_int(&b, 20, ONNX_INTS);
		break;
	case ATTR_REALS:
		for (size_t i = 0; i < at->n; i++)
			put_real(&b, 7, at->reals[i]);
		put_int(&b, 20, ONNX_FLOATS);
		break;
	}
	put_message(node, 5, &b);
}

/* --- attributes that operator set 17 has as inputs ----------------------- */

/*
 * input: where it goes; real: as f32 (else i64); scalar: rank 0.  drop: it is
 * an attribute in later operator sets only and must say nothing new.
 */
static const struct side {
	const char *op, *attr;
	size_t input;
	bool real, scalar;
} side_table[] = {
    {"Clip", "min", 1, true, true},
    {"Clip", "max", 2, true, true},
    {"Expand", "shape", 1, false, false},
    {"Pad", "pads", 1, false, false},
    {"Pad", "value", 2, true, true},
    {"ReduceSum", "axes", 1, false, false},
    {"Reshape", "shape", 1, false, false},
    {"Resize", "roi", 1, true, false},
    {"Resize", "scales", 2, true, false},
    {"Resize", "sizes", 3, false, false},
    {"Slice", "starts", 1, false, false},
    {"Slice", "ends", 2, false, false},
    {"Slice", "axes", 3, false, false},
    {"Slice", "steps", 4, false, false},
    {"Split", "split", 1, false, false},
    {"Squeeze", "axes", 1, false, false},
    {"Tile", "repeats", 1, false, false},
    {"Unsqueeze", "axes", 1, false, false},
};

static const struct side *
find_side(const char *op, const char *attr)
{
	for (size_t i = 0; i < ARRAY_LEN(side_table); i++)
		if (strcmp(side_table[i].op, op) == 0 &&
		    strcmp(side_table[i].attr, attr) == 0)
			return &side_table[i];
	return NULL;
}

#define SIDE_MAX 5

struct writer {
	const struct model *m;
	struct arena arena;
	struct map names;
	struct tensor *extra; /* initialisers made of attributes */
	size_t nextra;
	enum dtype real; /* the float type that the weights have */
	struct buf node; /* the node messages, field 1 of the graph */
	struct err *e;
};

static int
full(struct writer *w)
{
	return err_set(
	    w->e, ERR_LIMIT, ERR_NOWHERE, "onnx: too many constants");
}

/* A constant for an attribute, under a name that nothing has. */
static int
make_side(struct writer *w, const struct attr *at, const struct side *side,
    const char **name)
{
	size_t n = side->scalar ? 1 : at->n;
	struct tensor *t = &w->extra[w->nextra];
	struct buf b = {0};
	uint8_t *data;
	int rc = 0;

	for (size_t k = w->nextra; rc == 0; k += w->nextra + 1) {
		char *s = arena_printf(&w->arena, "assay.const.%zu", k);

		if ((rc = map_put(&w->names, s, 0)) < 0)
			return full(w);
		*name = s;
	}
	for (size_t i = 0; i < n; i++) {
		double v = at->kind == ATTR_INTS ? (double)at->ints[i]
			   : side->scalar        ? at->f
						 : at->reals[i];
		float f = (float)v;
		uint32_t bits;

		memcpy(&bits, &f, sizeof(bits));
		if (side->real)
			buf_u32le(&b, bits);
		else
			buf_u64le(&b, (uint64_t)at->ints[i]);
	}
	data = arena_alloc(&w->arena, b.len + 1, 1);
	if (data != NULL && b.len != 0)
		memcpy(data, b.ptr, b.len);
	*t = (struct tensor){.name = *name,
	    .dtype = side->real ? DTYPE_F32 : DTYPE_I64,
	    .rank = side->scalar ? 0 : 1,
	    .dim = {n},
	    .data = data,
	    .size = b.len};
	buf_free(&b);
	if (data == NULL)
		return full(w);
	w->nextra++;
	return 0;
}

static int
unsupported(struct writer *w, const struct node *n, const char *attr)
{
	return err_set(w->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "onnx: node '%s' (%s): operator set %d cannot express '%s'",
	    n->name, n->op, OPSET, attr);
}

/* Whether the attribute says what the operator set means without it. */
static bool
is_silent(const struct node *n, const struct attr *at)
{
	if (strcmp(n->op, "AveragePool") != 0 ||
	    strcmp(at->name, "dilations") != 0)
		return false;
	for (size_t i = 0; i < at->n; i++)
		if (at->ints[i] != 1)
			return false;
	return true;
}

/* value and dtype of ConstantOfShape are one tensor. */
static int
put_filling(struct writer *w, const struct node *n, struct buf *b)
{
	const struct attr *d = node_attr(n, "dtype");
	enum dtype type =
	    d != NULL && d->kind == ATTR_TEXT ? dtype_parse(d->s) : DTYPE_F32;
	double v = node_real(n, "value", 0.0);
	bool whole = v >= -0x1p53 && v <= 0x1p53;
	struct buf t = {0}, at = {0};
	int64_t one = 1;

	if (type != DTYPE_F32 && type != DTYPE_I64 && type != DTYPE_I32 &&
	    type != DTYPE_BOOL)
		return unsupported(w, n, "dtype");
	put_int(&t, 1, one);
	put_int(&t, 2, onnx_tensor_type(type));
	if (type == DTYPE_F32)
		put_real(&t, 4, v);
	else
		put_int(&t, type == DTYPE_I64 ? 7 : 5, whole ? (int64_t)v : 0);
	put_text(&at, 1, "value");
	put_message(&at, 5, &t);
	put_int(&at, 20, ONNX_TENSOR);
	put_message(b, 5, &at);
	return 0;
}

static int
put_attrs(struct writer *w, const struct node *n, struct buf *b,
    const char **in, size_t *nin)
{
	bool filling = strcmp(n->op, "ConstantOfShape") == 0;
	int rc;

	if (strcmp(n->op, "GroupNormalization") == 0)
		return unsupported(w, n, n->op);

	for (size_t i = 0; i < n->nattr; i++) {
		const struct attr *at = &n->attr[i];
		const struct side *side = find_side(n->op, at->name);
		bool list = at->kind == ATTR_INTS || at->kind == ATTR_REALS;

		if (strcmp(n->op, "AveragePool") == 0 &&
		    strcmp(at->name, "dilations") == 0 && !is_silent(n, at))
			return unsupported(w, n, at->name);
		if (strcmp(n->op, "Pad") == 0 && strcmp(at->name, "axes") == 0)
			return unsupported(w, n, at->name);
		if (is_silent(n, at) || filling)
			continue;
		if (side == NULL) {
			put_attr(b, at);
			continue;
		}
		if (list == side->scalar ||
		    (!side->real && at->kind != ATTR_INTS) ||
		    at->kind == ATTR_TEXT || n->nin > side->input)
			return unsupported(w, n, at->name);
		if ((rc = make_side(w, at, side, &in[side->input])) != 0)
			return rc;
		*nin = MAX(*nin, side->input + 1);
	}
	return filling ? put_filling(w, n, b) : 0;
}

static int
put_node(struct writer *w, const struct node *n)
{
	const char *in[SIDE_MAX] = {"", "", "", "", ""};
	struct buf attrs = {0}, b = {0};
	size_t nin = n->nin;
	int rc = put_attrs(w, n, &attrs, in, &nin);

	for (size_t i = 0; rc == 0 && i < nin; i++)
		put_text(&b, 1, i < n->nin ? n->in[i] : in[i]);
	for (size_t i = 0; rc == 0 && i < n->nout; i++)
		put_text(&b, 2, n->out[i]);
	if (rc == 0) {
		if (*n->name != '\0')
			put_text(&b, 3, n->name);
		put_text(&b, 4, n->op);
		buf_append(&b, attrs.ptr, attrs.len);
		put_message(&w->node, 1, &b);
	}
	buf_free(&attrs);
	buf_free(&b);
	return rc;
}

/* --- inputs, outputs, initialisers --------------------------------------- */

/* ValueInfoProto; dimensions that are open get a name. */
static void
put_value(struct buf *graph, uint32_t number, const char *name, int64_t type,
    const int64_t *dim, const char *const *open, size_t rank)
{
	struct buf shape = {0}, tensor = {0}, t = {0}, b = {0};

	for (size_t i = 0; i < rank; i++) {
		struct buf d = {0};

		if (dim[i] >= 0)
			put_int(&d, 1, dim[i]);
		else
			put_text(&d, 2, open[i]);
		put_message(&shape, 1, &d);
	}
	put_int(&tensor, 1, type);
	put_message(&tensor, 2, &shape);
	put_message(&t, 1, &tensor);
	put_text(&b, 1, name);
	put_message(&b, 2, &t);
	put_message(graph, number, &b);
}

/* All of an initialiser (field 5 of the graph) but its bytes. */
static void
put_tensor_head(struct buf *out, const struct tensor *t)
{
	struct buf b = {0};

	for (size_t i = 0; i < t->rank; i++)
		put_int(&b, 1, (int64_t)t->dim[i]);
	put_int(&b, 2, onnx_tensor_type(t->dtype));
	put_text(&b, 8, t->name);
	put_tag(&b, 9, 2);
	buf_varint(&b, t->size);
	put_tag(out, 5, 2);
	buf_varint(out, b.len + t->size);
	buf_append(out, b.ptr, b.len);
	buf_free(&b);
}

static const struct tensor *
nth_tensor(const struct writer *w, size_t i)
{
	return i < w->m->ntensor ? &w->m->tensor[i]
				 : &w->extra[i - w->m->ntensor];
}

static void
put_values(struct writer *w, struct buf *b)
{
	static const char *const open[] = {"N", "C", "H", "W"};
	static const char *const wide[] = {"N", "classes"};
	const struct model *m = w->m;
	int64_t type = onnx_tensor_type(w->real);
	int64_t in[4], out[2] = {-1, -1};

	memcpy(in, m->shape, sizeof(in));
	in[0] = -1;
	if (m->classes != 0)
		out[1] = (int64_t)m->classes;
	put_value(b, 11, m->input, type, in, open, 4);
	put_value(b, 12, m->output, type, out, wide, 2);
}

static int
write_all(struct writer *w, struct file_out *out)
{
	size_t n = w->m->ntensor + w->nextra;
	struct buf head = {0}, values = {0}, opset = {0}, t = {0};
	uint64_t size;
	int rc;

	put_values(w, &values);
	size = w->node.len + values.len + 2 + strlen("assay");
	for (size_t i = 0; i < n; i++) {
		t.len = 0;
		put_tensor_head(&t, nth_tensor(w, i));
		size += t.len + nth_tensor(w, i)->size;
	}
	put_int(&head, 1, IR);
	put_text(&head, 2, "assay");
	put_text(&head, 3, tool_version);
	put_int(&opset, 2, OPSET);
	put_message(&head, 8, &opset);
	put_tag(&head, 7, 2);
	buf_varint(&head, size);
	buf_append(&head, w->node.ptr, w->node.len);
	put_text(&head, 2, "assay");
	rc = file_out_write(out, head.ptr, head.len, w->e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct tensor *x = nth_tensor(w, i);

		t.len = 0;
		put_tensor_head(&t, x);
		if ((rc = file_out_write(out, t.ptr, t.len, w->e)) == 0)
			rc = file_out_write(out, x->data, x->size, w->e);
	}
	if (rc == 0)
		rc = file_out_write(out, values.ptr, values.len, w->e);
	buf_free(&head);
	buf_free(&values);
	buf_free(&t);
	return rc;
}

static int
claim_names(struct writer *w)
{
	const struct model *m = w->m;
	bool ok = map_put(&w->names, m->input, 0) >= 0;

	for (size_t i = 0; i < m->ntensor; i++)
		ok = ok && map_put(&w->names, m->tensor[i].name, 0) >= 0;
	for (size_t i = 0; i < m->nnode; i++)
		for (size_t k = 0; k < m->node[i].nout; k++)
			ok =
			    ok && map_put(&w->names, m->node[i].out[k], 0) >= 0;
	return ok ? 0 : full(w);
}

/* The image has the type that the weights have, when that is one type. */
static enum dtype
real_type(const struct model *m)
{
	size_t half = 0, wide = 0, n = 0;

	for (size_t i = 0; i < m->ntensor; i++) {
		enum dtype d = m->tensor[i].dtype;

		n += d <= DTYPE_BF16;
		half += d == DTYPE_F16;
		wide += d == DTYPE_F64;
	}
	if (n > 0 && half == n)
		return DTYPE_F16;
	return n > 0 && wide == n ? DTYPE_F64 : DTYPE_F32;
}

int
onnx_write(struct file_out *out, const struct model *m, struct err *e)
{
	struct writer w = {.m = m, .e = e, .real = real_type(m)};
	size_t attrs = 0;
	int rc;

	for (size_t i = 0; i < m->nnode; i++)
		attrs += m->node[i].nattr;
	arena_init(&w.arena, (size_t)1 << 30);
	map_init(&w.names, &w.arena);
	w.extra = arena_alloc(&w.arena, attrs + 1, sizeof(*w.extra));
	rc = w.extra != NULL ? claim_names(&w) : full(&w);
	for (size_t i = 0; i < m->nnode && rc == 0; i++)
		rc = put_node(&w, &m->node[i]);
	if (rc == 0)
		rc = write_all(&w, out);
	buf_free(&w.node);
	arena_release(&w.arena);
	return rc;
}
