/* SPDX-License-Identifier: MIT
 * Field numbers are those of onnx.proto (ModelProto, GraphProto, NodeProto,
 * AttributeProto, ValueInfoProto, TypeProto, TensorShapeProto).
 */
#include "formats/onnx_file.h"

#include "base/limits.h"
#include "formats/onnx_branch.h"
#include "formats/onnx_function.h"
#include "formats/onnx_once.h"
#include "formats/onnx_sequence.h"
#include "formats/onnx_wire.h"

static int
full(uint64_t at, struct err *e)
{
	return err_set(e, ERR_LIMIT, at, "onnx: model too large");
}

/* An array in the arena for every occurrence of a field, and its length. */
int
onnx_file_room(struct rd body, uint32_t number, size_t max, size_t size,
    struct arena *a, void **out, struct err *e)
{
	size_t n;
	int rc;

	if ((rc = onnx_wire_count(body, number, &n, e)) != 0)
		return rc;
	if (n > max)
		return err_set(e, ERR_LIMIT, rd_pos(&body),
		    "onnx: %zu times field %" PRIu32 ", the limit is %zu", n,
		    number, max);
	*out = arena_alloc(a, n + 1, size);
	return *out != NULL ? 0 : full(rd_pos(&body), e);
}

/*
 * What is only not supported is kept in *later, the first of it, and reading goes on:
 * who asks what a graph does, and not for its numbers, sees all of it.
 */
static int
beyond(int rc, struct err *later, const struct err *e)
{
	if (rc != ERR_UNSUPPORTED)
		return rc;
	if (later->code == 0)
		*later = *e;
	return 0;
}

/* --- AttributeProto ------------------------------------------------------ */

static double
float_bits(uint64_t bits)
{
	uint32_t raw = (uint32_t)bits;
	float v;

	memcpy(&v, &raw, sizeof(v));
	return (double)v;
}

/* floats 7 and ints 8: whichever the type says. */
static int
attr_list(struct onnx_attr *x, struct arena *a, struct err *e)
{
	bool real = x->type == ONNX_FLOATS;
	uint32_t number = real ? 7 : 8;
	enum onnx_wire_type wire = real ? ONNX_WIRE_FIXED32 : ONNX_WIRE_VARINT;
	uint8_t *raw;
	int rc;

	rc = onnx_wire_repeated(x->body, number, wire, NULL, 8, &x->n, e);
	if (rc != 0)
		return rc;
	raw = arena_alloc(a, x->n + 1, 8);
	x->ints = arena_alloc(a, x->n + 1, sizeof(*x->ints));
	x->reals = arena_alloc(a, x->n + 1, sizeof(*x->reals));
	if (raw == NULL || x->ints == NULL || x->reals == NULL)
		return full(x->at, e);
	rc = onnx_wire_repeated(x->body, number, wire, raw, 8, &x->n, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < x->n; i++) {
		uint64_t v = 0;

		for (size_t k = 8; k-- > 0;)
			v = v << 8 | raw[8 * i + k];
		x->ints[i] = (int64_t)v;
		x->reals[i] = real ? float_bits(v) : (double)(int64_t)v;
	}
	return 0;
}

static int
attr_field(const struct onnx_wire *f, struct arena *a, struct onnx_attr *x,
    uint32_t *seen, struct err *e)
{
	int rc;

	switch (f->number) {
	case 1:
		return onnx_once_text(seen, f, a, &x->name, e);
	case 2: /* f */
		if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
		    (rc = onnx_wire_want(f, ONNX_WIRE_FIXED32, e)) != 0)
			return rc;
		x->f = float_bits(f->value);
		return 0;
	case 3:
		return onnx_once_int(seen, f, &x->i, e);
	case 4: /* s: bytes that need not be text (checked where it is used) */
		if ((rc = onnx_once_bytes(seen, f, e)) != 0)
			return rc;
		if (onnx_tensor_text(&f->body, a, &x->s, e) != 0)
			x->s = NULL;
		return 0;
	case 5: /* t */
		if ((rc = onnx_once_bytes(seen, f, e)) != 0)
			return rc;
		if ((x->t = arena_alloc(a, 1, sizeof(*x->t))) == NULL)
			return full(f->at, e);
		return onnx_tensor_parse(f->body, a, x->t, e);
	case 6: /* g */
	case 11:
		x->type = ONNX_GRAPH;
		return 0;
	case 20:
		if (x->type == ONNX_GRAPH)
			return 0;
		return onnx_once_int(seen, f, &x->type, e);
	case 21: /* ref_attr_name */
		return onnx_once_text(seen, f, a, &x->ref, e);
	default:
		return 0;
	}
}

/* Files from before IR 2 do not say the type: it is that of what is there. */
static int64_t
guess_type(const struct onnx_attr *x, uint32_t seen)
{
	if ((seen & 1 << 2) != 0)
		return ONNX_FLOAT;
	if ((seen & 1 << 3) != 0)
		return ONNX_INT;
	if ((seen & 1 << 4) != 0)
		return ONNX_STRING;
	return x->t != NULL ? ONNX_TENSOR : ONNX_INTS;
}

int
onnx_file_attribute(
    struct rd body, struct arena *a, struct onnx_attr *x, struct err *e)
{
	struct onnx_wire f;
	struct rd r = body;
	uint32_t seen = 0;
	int rc;

	*x = (struct onnx_attr){
	    .name = "", .s = "", .body = body, .at = rd_pos(&body)};
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		if ((rc = attr_field(&f, a, x, &seen, e)) != 0)
			return rc;
	if (rc != 0)
		return rc;
	if (x->ref != NULL) /* a value is the caller's */
		return 0;
	if (x->type == 0)
		x->type = guess_type(x, seen);
	if (x->type == ONNX_TENSOR && x->t == NULL)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: attribute '%s' has no tensor", x->name);
	if (x->type == ONNX_STRING && x->s == NULL)
		return err_set(e, ERR_UNSUPPORTED, x->at,
		    "onnx: attribute '%s' is not text", x->name);
	if (x->type == ONNX_FLOATS || x->type == ONNX_INTS)
		return attr_list(x, a, e);
	return 0;
}

/* --- NodeProto ----------------------------------------------------------- */

static int
node_field(const struct onnx_wire *f, struct arena *a, struct onnx_node *x,
    uint32_t *seen, struct err *e)
{
	int rc;

	switch (f->number) {
	case 1:
		if ((rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		return onnx_tensor_text(&f->body, a, &x->in[x->nin++], e);
	case 2:
		if ((rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		return onnx_tensor_text(&f->body, a, &x->out[x->nout++], e);
	case 3:
		return onnx_once_text(seen, f, a, &x->name, e);
	case 4:
		return onnx_once_text(seen, f, a, &x->op, e);
	case 5:
		if ((rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		return onnx_file_attribute(f->body, a, &x->attr[x->nattr++], e);
	case 7:
		return onnx_once_text(seen, f, a, &x->domain, e);
	case 8:
		return onnx_once_text(seen, f, a, &x->overload, e);
	default:
		return 0;
	}
}

int
onnx_file_node(
    struct rd body, struct arena *a, struct onnx_node *x, struct err *e)
{
	struct err later = {0};
	struct onnx_wire f;
	struct rd r = body;
	void *in, *out, *attr;
	uint32_t seen = 0;
	int rc;

	*x = (struct onnx_node){.op = "",
	    .name = "",
	    .domain = "",
	    .overload = "",
	    .at = rd_pos(&body)};
	if ((rc = onnx_file_room(
		 body, 1, LIMIT_NODE_ARITY, sizeof(char *), a, &in, e)) != 0 ||
	    (rc = onnx_file_room(
		 body, 2, LIMIT_NODE_ARITY, sizeof(char *), a, &out, e)) != 0 ||
	    (rc = onnx_file_room(body, 5, LIMIT_NODE_ATTRS, sizeof(*x->attr), a,
		 &attr, e)) != 0)
		return rc;
	x->in = in;
	x->out = out;
	x->attr = attr;
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		if ((rc = beyond(node_field(&f, a, x, &seen, e), &later, e)) !=
		    0)
			return rc;
	for (size_t i = 0; rc == 0 && i < x->nattr; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(x->attr[i].name, x->attr[k].name) == 0)
				return err_set(e, ERR_FORMAT, x->attr[i].at,
				    "onnx: node '%s' has attribute '%s' twice",
				    x->name, x->attr[i].name);
	if (rc != 0 || later.code == 0)
		return rc;
	*e = later;
	return err_wrap(e, "node '%s' (%s)", x->name, x->op);
}

/* --- ValueInfoProto ------------------------------------------------------ */

static int
parse_dims(struct rd r, struct onnx_value *v, struct err *e)
{
	struct onnx_wire f, g;
	int rc;

	v->shaped = true;
	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		int64_t dim = -1;
		uint32_t seen = 0;

		if (f.number != 1)
			continue;
		if ((rc = onnx_wire_want(&f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		while ((rc = onnx_wire_next(&f.body, &g, e)) > 0)
			if (g.number == 1 &&
			    (rc = onnx_once_int(&seen, &g, &dim, e)) != 0)
				return rc;
		if (rc != 0)
			return rc;
		if (dim < -1)
			return err_set(e, ERR_FORMAT, f.at,
			    "onnx: '%s' has a negative dimension", v->name);
		if (v->rank < MODEL_MAX_RANK)
			v->dim[v->rank] = dim;
		v->rank++;
	}
	return rc;
}

/* TypeProto: tensor_type 1 { elem_type 1, shape 2 { dim 1 } } */
static int
parse_type(struct rd r, struct onnx_value *v, struct err *e)
{
	struct onnx_wire f, g;
	uint32_t seen = 0, inner = 0;
	int rc;

	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number != 1)
			continue;
		if ((rc = onnx_once_bytes(&seen, &f, e)) != 0)
			return rc;
		while ((rc = onnx_wire_next(&f.body, &g, e)) > 0) {
			if (g.number == 1)
				rc = onnx_once_int(&inner, &g, &v->type, e);
			else if (g.number == 2 &&
				 (rc = onnx_once_bytes(&inner, &g, e)) == 0)
				rc = parse_dims(g.body, v, e);
			else if (rc > 0)
				rc = 0;
			if (rc != 0)
				return rc;
		}
		if (rc != 0)
			return rc;
	}
	return rc;
}

static int
parse_value(struct rd r, struct arena *a, struct onnx_value *v, struct err *e)
{
	struct onnx_wire f;
	struct rd type = {0};
	uint32_t seen = 0;
	int rc;

	*v = (struct onnx_value){.name = "", .at = rd_pos(&r)};
	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number == 1)
			rc = onnx_once_text(&seen, &f, a, &v->name, e);
		else if (f.number == 2 &&
			 (rc = onnx_once_bytes(&seen, &f, e)) == 0)
			type = f.body;
		else if (rc > 0)
			rc = 0;
		if (rc != 0)
			return rc;
	}
	return rc != 0 ? rc : parse_type(type, v, e);
}

/* --- GraphProto ---------------------------------------------------------- */

static int
graph_field(const struct onnx_wire *f, struct arena *a, struct onnx_file *x,
    struct err *e)
{
	int rc;

	switch (f->number) {
	case 1:
	case 5:
	case 11:
	case 12:
	case 13:
	case 15:
		if ((rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		break;
	default:
		return 0;
	}
	if (f->number == 1)
		return onnx_file_node(f->body, a, &x->node[x->nnode++], e);
	if (f->number == 5)
		return onnx_tensor_parse(
		    f->body, a, &x->tensor[x->ntensor++], e);
	if (f->number == 11)
		return parse_value(f->body, a, &x->input[x->ninput++], e);
	if (f->number == 12)
		return parse_value(f->body, a, &x->output[x->noutput++], e);
	if (f->number == 13)
		return parse_value(f->body, a, &x->info[x->ninfo++], e);
	/* SparseTensorProto: values = 1, which has the name */
	if ((rc = onnx_tensor_parse(onnx_wire_last(f->body, 1), a,
		 &x->tensor[x->ntensor++], e)) != 0)
		return rc;
	return err_set(e, ERR_UNSUPPORTED, f->at, "onnx: a sparse initializer");
}

/* Sparse initialisers stand among the others. */
static int
sparse_room(struct rd body, struct arena *a, struct onnx_file *x, struct err *e)
{
	size_t dense, sparse;
	int rc;

	if ((rc = onnx_wire_count(body, 15, &sparse, e)) != 0 || sparse == 0)
		return rc;
	if ((rc = onnx_wire_count(body, 5, &dense, e)) != 0)
		return rc;
	if (sparse > LIMIT_TENSORS)
		return err_set(e, ERR_LIMIT, rd_pos(&body),
		    "onnx: %zu sparse initializers, the limit is %d", sparse,
		    LIMIT_TENSORS);
	x->tensor = arena_alloc(a, dense + sparse + 1, sizeof(*x->tensor));
	return x->tensor != NULL ? 0 : full(rd_pos(&body), e);
}

int
onnx_file_graph(
    struct rd body, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct err later = {0};
	struct rd r = body;
	struct onnx_wire f;
	void *p[5];
	static const struct {
		uint32_t number;
		size_t max, size;
	} part[] = {
	    {1, LIMIT_NODES, sizeof(*x->node)},
	    {5, LIMIT_TENSORS, sizeof(*x->tensor)},
	    {11, LIMIT_TENSORS, sizeof(*x->input)},
	    {12, LIMIT_NODE_ARITY, sizeof(*x->output)},
	    {13, 2 * LIMIT_NODES, sizeof(*x->info)},
	};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if ((rc = onnx_file_room(body, part[i].number, part[i].max,
			 part[i].size, a, &p[i], e)) != 0)
			return rc;
	x->node = p[0];
	x->tensor = p[1];
	x->input = p[2];
	x->output = p[3];
	x->info = p[4];
	if ((rc = sparse_room(body, a, x, e)) != 0)
		return rc;
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		if ((rc = beyond(graph_field(&f, a, x, e), &later, e)) != 0)
			return rc;
	if (rc == 0 && later.code != 0) {
		*e = later;
		return later.code;
	}
	return rc;
}

/* --- ModelProto ---------------------------------------------------------- */

/* OperatorSetIdProto: domain 1, version 2 */
int
onnx_file_opset(struct rd r, struct arena *a, int64_t *opset, struct err *e)
{
	const char *domain = "";
	int64_t version = 0;
	uint64_t at = rd_pos(&r);
	struct onnx_wire f;
	uint32_t seen = 0;
	int rc;

	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		rc = 0;
		if (f.number == 1)
			rc = onnx_once_text(&seen, &f, a, &domain, e);
		else if (f.number == 2)
			rc = onnx_once_int(&seen, &f, &version, e);
		if (rc != 0)
			return rc;
	}
	if (rc != 0 || (*domain != '\0' && strcmp(domain, "ai.onnx") != 0))
		return rc;
	if (*opset != 0 && *opset != version)
		return err_set(e, ERR_FORMAT, at,
		    "onnx: operator sets %" PRId64 " and %" PRId64, *opset,
		    version);
	*opset = version;
	return 0;
}

static int
model_field(const struct onnx_wire *f, struct arena *a, struct onnx_file *x,
    struct rd *graph, uint32_t *seen, struct err *e)
{
	int rc;

	switch (f->number) {
	case 1:
		return onnx_once_int(seen, f, &x->ir, e);
	case 2:
		return onnx_once_text(seen, f, a, &x->producer, e);
	case 3:
		return onnx_once_text(seen, f, a, &x->version, e);
	case 7:
		if ((rc = onnx_once_bytes(seen, f, e)) == 0)
			*graph = f->body;
		return rc;
	case 8:
		if ((rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		return onnx_file_opset(f->body, a, &x->opset, e);
	default:
		return 0;
	}
}

static int
parse_model(
    struct rd model, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct rd graph = {0}, r = model;
	struct err later = {0};
	struct onnx_wire f;
	uint32_t seen = 0;
	int rc;

	*x = (struct onnx_file){
	    .producer = "", .version = "", .size = rd_left(&r)};
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		if ((rc = model_field(&f, a, x, &graph, &seen, e)) != 0)
			return rc;
	if (rc != 0)
		return rc;
	if (graph.base == NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "onnx: there is no graph");
	if ((rc = beyond(onnx_file_graph(graph, a, x, e), &later, e)) != 0 ||
	    (rc = onnx_function_inline(model, a, x, e)) != 0 ||
	    (rc = onnx_branch_inline(a, x, e)) != 0)
		return rc;
	if (x->ir < 3 || x->ir > 10)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "onnx: IR version %" PRId64 ", known are 3 to 10", x->ir);
	if (later.code != 0) {
		*e = later;
		return later.code;
	}
	return onnx_sequence_join(a, x, e);
}

int
onnx_file_parse(
    struct rd r, struct arena *a, struct onnx_file *x, struct err *e)
{
	int rc = parse_model(r, a, x, e);

	return rc != 0 ? rc : onnx_external_open(x, NULL, e);
}

int
onnx_file_load(
    struct source *s, struct arena *a, struct onnx_file *x, struct err *e)
{
	int rc = parse_model(s->main, a, x, e);

	return rc != 0 ? rc : onnx_external_open(x, s, e);
}

const struct onnx_attr *
onnx_file_attr(const struct onnx_node *n, const char *name)
{
	for (size_t i = 0; i < n->nattr; i++)
		if (strcmp(n->attr[i].name, name) == 0)
			return &n->attr[i];
	return NULL;
}
