/* SPDX-License-Identifier: MIT
 * TensorProto: dims 1, data_type 2, float_data 4, int32_data 5, int64_data 7,
 * name 8, raw_data 9, double_data 10, external_data 13, data_location 14.
 */
#include "formats/onnx_tensor.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_wire.h"

/* TensorProto.DataType, and the typed field that may carry it. */
static const struct {
	int64_t type;
	enum dtype dtype;
	uint32_t field;
	enum onnx_wire_type wire;
} type_table[] = {
    {1, DTYPE_F32, 4, ONNX_WIRE_FIXED32},
    {2, DTYPE_U8, 5, ONNX_WIRE_VARINT},
    {3, DTYPE_I8, 5, ONNX_WIRE_VARINT},
    {5, DTYPE_I16, 5, ONNX_WIRE_VARINT},
    {6, DTYPE_I32, 5, ONNX_WIRE_VARINT},
    {7, DTYPE_I64, 7, ONNX_WIRE_VARINT},
    {9, DTYPE_BOOL, 5, ONNX_WIRE_VARINT},
    {10, DTYPE_F16, 5, ONNX_WIRE_VARINT},
    {11, DTYPE_F64, 10, ONNX_WIRE_FIXED64},
    {16, DTYPE_BF16, 5, ONNX_WIRE_VARINT},
};
static_assert(ARRAY_LEN(type_table) == DTYPE_COUNT, "one row per dtype");

enum dtype
onnx_tensor_dtype(int64_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(type_table); i++)
		if (type_table[i].type == type)
			return type_table[i].dtype;
	return DTYPE_COUNT;
}

int64_t
onnx_tensor_type(enum dtype d)
{
	for (size_t i = 0; i < ARRAY_LEN(type_table); i++)
		if (type_table[i].dtype == d)
			return type_table[i].type;
	BUG("dtype");
}

int
onnx_tensor_text(
    const struct rd *body, struct arena *a, const char **out, struct err *e)
{
	const char *s = (const char *)body->base;

	if (body->len > LIMIT_NAME)
		return err_set(e, ERR_LIMIT, body->start,
		    "onnx: a name of %zu bytes", body->len);
	if (body->len == 0) {
		*out = "";
		return 0;
	}
	if (!text_utf8_valid(s, body->len) ||
	    memchr(s, '\0', body->len) != NULL)
		return err_set(e, ERR_FORMAT, body->start,
		    "onnx: a name that is not text");
	if ((*out = arena_strdup(a, s, body->len)) == NULL)
		return err_set(
		    e, ERR_LIMIT, body->start, "onnx: model too large");
	return 0;
}

struct parts {
	struct rd raw;
	bool has_raw;
	bool entries, external; /* external_data, data_location */
	bool typed;             /* any of the typed data fields */
	size_t elements;
};

static int
take_field(const struct onnx_wire *f, struct arena *a, struct onnx_tensor *x,
    struct parts *p, uint32_t *seen, struct err *e)
{
	int rc = 0;

	switch (f->number) {
	case 2: /* data_type */
		if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
		    (rc = onnx_wire_want(f, ONNX_WIRE_VARINT, e)) != 0)
			return rc;
		x->type = (int64_t)f->value;
		return 0;
	case 8: /* name */
		if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
		    (rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		return onnx_tensor_text(&f->body, a, &x->t.name, e);
	case 9: /* raw_data */
		if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
		    (rc = onnx_wire_want(f, ONNX_WIRE_BYTES, e)) != 0)
			return rc;
		p->raw = f->body;
		p->has_raw = true;
		return 0;
	case 13: /* external_data */
		p->entries = true;
		return 0;
	case 14: /* data_location */
		if ((rc = onnx_wire_once(seen, f, e)) != 0 ||
		    (rc = onnx_wire_want(f, ONNX_WIRE_VARINT, e)) != 0)
			return rc;
		p->external = f->value == 1;
		return 0;
	case 4:
	case 5:
	case 6:
	case 7:
	case 10:
	case 11:
		p->typed = true;
		return 0;
	default:
		return 0;
	}
}

static int
take_dims(struct rd body, struct tensor *t, uint64_t at, struct err *e)
{
	uint8_t raw[8 * MODEL_MAX_RANK];
	size_t n;
	uint64_t count;
	int rc;

	rc = onnx_wire_repeated(body, 1, ONNX_WIRE_VARINT, NULL, 8, &n, e);
	if (rc != 0)
		return rc;
	if (n > MODEL_MAX_RANK)
		return err_set(e, ERR_UNSUPPORTED, at,
		    "onnx: tensor '%s' has rank %zu", t->name, n);
	rc = onnx_wire_repeated(body, 1, ONNX_WIRE_VARINT, raw, 8, &n, e);
	if (rc != 0)
		return rc;
	t->rank = n;
	for (size_t i = 0; i < n; i++) {
		struct rd r = rd_mem(raw + 8 * i, 8);

		if (rd_u64le(&r, &t->dim[i]) != 0)
			BUG("eight bytes");
		if (t->dim[i] > INT64_MAX)
			return err_set(e, ERR_FORMAT, at,
			    "onnx: tensor '%s' has a negative dimension",
			    t->name);
	}
	if (!tensor_elements(t, &count))
		return err_set(e, ERR_LIMIT, at,
		    "onnx: tensor '%s' is too large", t->name);
	return 0;
}

/* The values of the typed field, converted to plain bytes in the arena. */
static int
take_typed(struct arena *a, struct onnx_tensor *x, struct err *e)
{
	size_t width = dtype_width(x->t.dtype), row = 0, n;
	uint64_t want;
	uint8_t *data;
	int rc;

	while (type_table[row].dtype != x->t.dtype)
		row++;
	rc = onnx_wire_repeated(x->body, type_table[row].field,
	    type_table[row].wire, NULL, width, &n, e);
	if (rc != 0)
		return rc;
	if (!tensor_elements(&x->t, &want))
		BUG("checked by take_dims");
	if (n != want)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' has %zu values for %" PRIu64 " elements",
		    x->t.name, n, want);
	if ((data = arena_alloc(a, n + 1, width)) == NULL)
		return err_set(e, ERR_LIMIT, x->at, "onnx: model too large");
	x->t.data = data;
	x->t.size = n * width;
	return onnx_wire_repeated(x->body, type_table[row].field,
	    type_table[row].wire, data, width, &n, e);
}

static int
take_raw(struct onnx_tensor *x, const struct parts *p, struct err *e)
{
	uint64_t n;

	if (p->typed)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' has its values twice", x->t.name);
	if (!tensor_elements(&x->t, &n))
		BUG("checked by take_dims");
	if (p->raw.len != n * dtype_width(x->t.dtype))
		return err_set(e, ERR_FORMAT, p->raw.start,
		    "onnx: tensor '%s' has %zu bytes for %" PRIu64
		    " elements of %s",
		    x->t.name, p->raw.len, n, dtype_name(x->t.dtype));
	x->t.data = p->raw.base;
	x->t.size = p->raw.len;
	return 0;
}

/*
 * data_location and external_data say it together: where only one does, or
 * values are here as well, two readers would see two tensors.
 */
static int
take_external(struct arena *a, struct onnx_tensor *x, const struct parts *p,
    struct err *e)
{
	x->t.dtype = DTYPE_COUNT;
	if (p->has_raw || p->typed)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' has its values twice", x->t.name);
	if (!p->external)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' has external data, but its "
		    "data_location is not external",
		    x->t.name);
	return onnx_external_parse(x->body, x->t.name, a, &x->external, e);
}

int
onnx_tensor_parse(
    struct rd body, struct arena *a, struct onnx_tensor *x, struct err *e)
{
	struct parts p = {0};
	struct onnx_wire f;
	struct rd r = body;
	uint32_t seen = 0;
	int rc;

	*x = (struct onnx_tensor){
	    .t.name = "", .body = body, .at = rd_pos(&body)};
	while ((rc = onnx_wire_next(&r, &f, e)) > 0)
		if ((rc = take_field(&f, a, x, &p, &seen, e)) != 0)
			return rc;
	if (rc != 0 || (rc = take_dims(body, &x->t, x->at, e)) != 0)
		return rc;
	if (p.entries || p.external)
		return take_external(a, x, &p, e);
	x->t.dtype = onnx_tensor_dtype(x->type);
	if (x->t.dtype == DTYPE_COUNT)
		return 0;
	return p.has_raw ? take_raw(x, &p, e) : take_typed(a, x, e);
}
