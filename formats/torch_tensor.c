/* SPDX-License-Identifier: MIT */
#include "formats/torch_tensor.h"

#include "base/limits.h"
#include "formats/torch_zip.h"

#define WRAPPERS 8 /* Parameter of a subclass of Tensor is 2 */

/* --- names --------------------------------------------------------------- */

struct type {
	const char *storage, *dtype;
	enum dtype is;
};

static const struct type types[] = {
    {"FloatStorage", "float32", DTYPE_F32},
    {"DoubleStorage", "float64", DTYPE_F64},
    {"HalfStorage", "float16", DTYPE_F16},
    {"BFloat16Storage", "bfloat16", DTYPE_BF16},
    {"LongStorage", "int64", DTYPE_I64},
    {"IntStorage", "int32", DTYPE_I32},
    {"ShortStorage", "int16", DTYPE_I16},
    {"CharStorage", "int8", DTYPE_I8},
    {"ByteStorage", "uint8", DTYPE_U8},
    {"BoolStorage", "bool", DTYPE_BOOL},
    {"UntypedStorage", "", DTYPE_U8},
};

static bool
same(struct slice s, const char *text)
{
	return s.len == strlen(text) && s.len != 0 &&
	       memcmp(s.ptr, text, s.len) == 0;
}

enum dtype
torch_tensor_dtype(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (same(name, types[i].storage) || same(name, types[i].dtype))
			return types[i].is;
	return DTYPE_COUNT;
}

static int
bad(struct err *e, const struct pickle_node *n, const char *name,
    const char *what)
{
	return err_set(e, ERR_FORMAT, n != NULL ? n->at : ERR_NOWHERE,
	    "torch: tensor '%.100s': %s", name, what);
}

/* --- views --------------------------------------------------------------- */

/* Elements from the first to behind the last. */
static bool
extent(const struct tensor *t, uint64_t offset, const uint64_t *stride,
    uint64_t *out)
{
	uint64_t last = 0, part;

	for (size_t i = 0; i < t->rank; i++) {
		if (t->dim[i] == 0) {
			*out = offset;
			return true;
		}
		if (ckd_mul(&part, t->dim[i] - 1, stride[i]) ||
		    ckd_add(&last, last, part))
			return false;
	}
	return !ckd_add(out, last, offset) && !ckd_add(out, *out, (uint64_t)1);
}

/* Strides in bytes, unless they are those of rows one after the other. */
static int
take_strides(
    struct torch *t, const uint64_t *stride, struct tensor *out, struct err *e)
{
	uint64_t dense = 1, width = dtype_width(out->dtype), *mine;
	bool plain = true;

	for (size_t i = out->rank; i-- > 0; dense *= out->dim[i])
		if (out->dim[i] != 1 && stride[i] != dense)
			plain = false;
	out->stride = NULL;
	if (plain || out->size == 0)
		return 0;
	mine = arena_alloc(t->arena, out->rank, sizeof(*mine));
	if (mine == NULL)
		return torch_full(e);
	for (size_t i = 0; i < out->rank; i++)
		mine[i] = out->dim[i] == 1 ? 0 : stride[i] * width;
	out->stride = mine;
	return 0;
}

int
torch_tensor_view(struct torch *t, const struct torch_storage *s,
    uint64_t offset, const uint64_t *stride, struct tensor *out, struct err *e)
{
	uint64_t n, end, width = dtype_width(s->dtype);

	out->dtype = s->dtype;
	if (!tensor_elements(out, &n))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "torch: tensor '%.100s' is too large", out->name);
	if (!extent(out, offset, stride, &end) || end > s->bytes.len / width)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: tensor '%.100s' leaves its storage of %" PRIu64
		    " elements",
		    out->name, (uint64_t)s->bytes.len / width);
	out->size = (size_t)(n * width);
	out->data = s->bytes.ptr + offset * width;
	/* views of the same bytes over and over, or with strides of 0 */
	if (out->size > t->bytes)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "torch: tensors of many times the size of the file");
	t->bytes -= out->size;
	return take_strides(t, stride, out, e);
}

/* --- storages ------------------------------------------------------------ */

/* ('storage', class, key, location, elements[, view]) */
static int
storage(struct torch *t, const struct pickle_node *n, const char *name,
    struct torch_storage *out, struct err *e)
{
	const struct pickle_node *id =
	    pickle_is(n, PICKLE_PERSID) ? n->item[0] : NULL;
	const struct pickle_node *type = pickle_item(id, 1);
	const struct pickle_node *key = pickle_item(id, 2);
	int64_t elements;
	uint64_t size;
	int rc;

	*out = (struct torch_storage){0};
	if (!pickle_is_text(pickle_item(id, 0), "storage") ||
	    !pickle_is(type, PICKLE_GLOBAL) || !pickle_is(key, PICKLE_STR) ||
	    !pickle_int(pickle_item(id, 4), &elements) || elements < 0)
		return bad(e, n, name, "its storage is not named as such");
	out->key = key->text;
	out->dtype = torch_tensor_dtype(type->name->name);
	if (out->dtype == DTYPE_COUNT)
		return err_set(e, ERR_UNSUPPORTED, n->at,
		    "torch: tensor '%.100s' is of a %.*s", name,
		    (int)MIN(type->name->name.len, 60),
		    (const char *)type->name->name.ptr);
	if (ckd_mul(&size, (uint64_t)elements, dtype_width(out->dtype)))
		return bad(e, n, name, "its storage is too large");
	if (t->is_zip) {
		rc = torch_zip_storage(t, out->key, &out->bytes, e);
	} else {
		char text[64];
		size_t at = SIZE_MAX;

		if (out->key.len < sizeof(text)) {
			memcpy(text, out->key.ptr, out->key.len);
			text[out->key.len] = '\0';
			at = map_get(&t->by_key, text);
		}
		rc = at == SIZE_MAX ? bad(e, n, name, "it has no storage") : 0;
		if (rc == 0)
			out->bytes = t->storage[at].bytes;
	}
	if (rc != 0)
		return rc;
	if (out->bytes.len < size)
		return err_set(e, ERR_TRUNCATED, n->at,
		    "torch: tensor '%.100s': a storage of %" PRIu64
		    " bytes, %zu are there",
		    name, size, out->bytes.len);
	out->bytes.len = (size_t)size;
	return 0;
}

/* Streams of old: a storage may be a part of another, (key, offset, elements)
 * in its elements. */
static int
take_part(const struct pickle_node *n, const char *name,
    struct torch_storage *s, struct err *e)
{
	const struct pickle_node *view = pickle_item(n->item[0], 5);
	uint64_t width = dtype_width(s->dtype);
	int64_t offset, elements;

	if (view == NULL || pickle_is(view, PICKLE_NONE))
		return 0;
	if (!pickle_int(pickle_item(view, 1), &offset) || offset < 0 ||
	    !pickle_int(pickle_item(view, 2), &elements) || elements < 0 ||
	    (uint64_t)offset > s->bytes.len / width ||
	    (uint64_t)elements > s->bytes.len / width - (uint64_t)offset)
		return bad(e, n, name, "a part of a storage that leaves it");
	s->bytes.ptr += (uint64_t)offset * width;
	s->bytes.len = (size_t)((uint64_t)elements * width);
	return 0;
}

/* --- calls --------------------------------------------------------------- */

/* A list of sizes: a tuple, or torch.Size of one. */
static int
sizes(const struct pickle_node *n, uint64_t *out, size_t *rank)
{
	int64_t v;

	if (pickle_calls(n, "torch", "Size"))
		n = pickle_item(n->call->args, 0);
	if (!pickle_is(n, PICKLE_TUPLE) && !pickle_is(n, PICKLE_LIST))
		return ERR_FORMAT;
	*rank = n->n;
	if (n->n > MODEL_MAX_RANK)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < n->n; i++) {
		if (!pickle_int(n->item[i], &v) || v < 0)
			return ERR_FORMAT;
		out[i] = (uint64_t)v;
	}
	return 0;
}

/* What a call is of, once Parameters and subclasses are taken off. */
static bool
unwrap(const struct pickle_node *n, const struct pickle_node **callee,
    const struct pickle_node **args)
{
	for (int i = 0; i < WRAPPERS; i++) {
		if (pickle_calls(n, "torch._utils", "_rebuild_parameter") ||
		    pickle_calls(
			n, "torch._utils", "_rebuild_parameter_with_state")) {
			n = pickle_item(n->call->args, 0);
		} else if (pickle_calls(
			       n, "torch._tensor", "_rebuild_from_type_v2")) {
			*callee = pickle_item(n->call->args, 0);
			*args = pickle_item(n->call->args, 2);
			return pickle_is(*callee, PICKLE_GLOBAL);
		} else {
			break;
		}
	}
	if (!pickle_is(n, PICKLE_CALL) ||
	    !pickle_is(n->call->callee, PICKLE_GLOBAL))
		return false;
	*callee = n->call->callee;
	*args = n->call->args;
	return true;
}

bool
torch_tensor_is(const struct torch *t, const struct pickle_node *n)
{
	static const char prefix[] = "_rebuild_";
	const struct pickle_node *callee, *args;
	struct slice s;

	if (t->ntensor != 0 && pickle_is(n, PICKLE_PERSID))
		return true;
	if (!unwrap(n, &callee, &args))
		return false;
	s = callee->name->module;
	if (!same(s, "torch._utils") && !same(s, "torch._tensor"))
		return false;
	s = callee->name->name;
	return s.len > sizeof(prefix) - 1 &&
	       memcmp(s.ptr, prefix, sizeof(prefix) - 1) == 0;
}

/* Tensors of a tar are named themselves. */
static int
named(struct torch *t, const struct pickle_node *n, const char *name,
    struct tensor *out, struct err *e)
{
	const struct pickle_node *id = n->item[0];
	char text[64];
	int64_t v;
	size_t at = SIZE_MAX;

	if (pickle_int(id, &v)) {
		snprintf(text, sizeof(text), "%" PRId64, v);
		at = map_get(&t->tensor_by_key, text);
	} else if (pickle_is(id, PICKLE_STR) && id->text.len < sizeof(text)) {
		memcpy(text, id->text.ptr, id->text.len);
		text[id->text.len] = '\0';
		at = map_get(&t->tensor_by_key, text);
	}
	if (at == SIZE_MAX)
		return bad(e, n, name, "it is not in the file");
	*out = t->tensor[at];
	out->name = name;
	if (out->size > t->bytes)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "torch: tensors of many times the size of the file");
	t->bytes -= out->size;
	return 0;
}

static int
rebuild(struct torch *t, const struct pickle_node *args, bool typed,
    struct tensor *out, struct err *e)
{
	const struct pickle_node *dtype = pickle_item(args, 6);
	uint64_t stride[MODEL_MAX_RANK];
	struct torch_storage s;
	int64_t offset;
	size_t nstride;
	int rc;

	if (!pickle_int(pickle_item(args, 1), &offset) || offset < 0)
		return bad(e, args, out->name, "its offset is no number");
	if ((rc = sizes(pickle_item(args, 2), out->dim, &out->rank)) ==
	    ERR_UNSUPPORTED)
		return err_set(e, rc, args->at,
		    "torch: tensor '%.100s' has %zu dimensions", out->name,
		    out->rank);
	if (rc != 0 || sizes(pickle_item(args, 3), stride, &nstride) != 0 ||
	    nstride != out->rank)
		return bad(e, args, out->name, "sizes and strides do not fit");
	if ((rc = storage(t, pickle_item(args, 0), out->name, &s, e)) != 0 ||
	    (rc = take_part(pickle_item(args, 0), out->name, &s, e)) != 0)
		return rc;
	if (typed && (!pickle_is(dtype, PICKLE_GLOBAL) ||
			 (s.dtype = torch_tensor_dtype(dtype->name->name)) ==
			     DTYPE_COUNT))
		return err_set(e, ERR_UNSUPPORTED, args->at,
		    "torch: tensor '%.100s' is of an unknown type", out->name);
	return torch_tensor_view(t, &s, (uint64_t)offset, stride, out, e);
}

int
torch_tensor(struct torch *t, const struct pickle_node *n, const char *name,
    struct tensor *out, struct err *e)
{
	const struct pickle_node *callee, *args;

	*out = (struct tensor){.name = name};
	if (t->ntensor != 0 && pickle_is(n, PICKLE_PERSID))
		return named(t, n, name, out, e);
	if (!unwrap(n, &callee, &args))
		return bad(e, n, name, "it is not made as a tensor");
	if (pickle_is_global(callee, "torch._utils", "_rebuild_tensor") ||
	    pickle_is_global(callee, "torch._utils", "_rebuild_tensor_v2"))
		return rebuild(t, args, false, out, e);
	if (pickle_is_global(callee, "torch._utils", "_rebuild_tensor_v3"))
		return rebuild(t, args, true, out, e);
	if (pickle_is_global(callee, "torch._utils", "_rebuild_qtensor"))
		return err_set(e, ERR_UNSUPPORTED, n->at,
		    "torch: tensor '%.100s' is quantised: save the model "
		    "before quantisation, or export it as ONNX",
		    name);
	return err_set(e, ERR_UNSUPPORTED, n->at,
	    "torch: tensor '%.100s' is made by '%.*s'", name,
	    (int)MIN(callee->name->name.len, 60),
	    (const char *)callee->name->name.ptr);
}
