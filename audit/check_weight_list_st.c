/* SPDX-License-Identifier: MIT
 * safetensors and GGUF ("gguf.md" of ggml), read as far as it goes: an entry
 * that does not fit into the file is left out, no other is lost by it.
 */
#include "audit/check_weight_list.h"
#include "base/json.h"
#include "base/limits.h"

/* --- safetensors --------------------------------------------------------- */

/* In safetensors and ggml, plain numbers have the same names. */
static enum dtype
named_type(const char *s)
{
	static const struct {
		const char *name;
		enum dtype dtype;
	} types[] = {{"F32", DTYPE_F32}, {"F64", DTYPE_F64}, {"F16", DTYPE_F16},
	    {"BF16", DTYPE_BF16}, {"I64", DTYPE_I64}, {"I32", DTYPE_I32},
	    {"I16", DTYPE_I16}, {"I8", DTYPE_I8}, {"U8", DTYPE_U8}};

	for (size_t i = 0; s != NULL && i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, s) == 0)
			return types[i].dtype;
	return DTYPE_COUNT;
}

/* The shape, when it is one and makes up just these bytes. */
static bool
take_shape(const json_t *shape, struct tensor *t)
{
	uint64_t n;

	t->rank = json_array_size(shape);
	if (t->dtype == DTYPE_COUNT || t->rank > MODEL_MAX_RANK)
		return false;
	for (size_t i = 0; i < t->rank; i++) {
		json_int_t d = json_integer_value(json_array_get(shape, i));

		t->dim[i] = d < 0 ? 0 : (uint64_t)d;
	}
	return tensor_elements(t, &n) && n * dtype_width(t->dtype) == t->size;
}

static void
take_entry(struct check_weight_list *l, const char *key, const json_t *entry,
    struct rd data)
{
	const json_t *place = json_object_get(entry, "data_offsets");
	json_int_t begin = json_integer_value(json_array_get(place, 0));
	json_int_t end = json_integer_value(json_array_get(place, 1));
	struct tensor t = {.dtype = named_type(json_string_value(
			       json_object_get(entry, "dtype")))};
	struct slice s;

	if (json_array_size(place) != 2 || begin < 0 || end <= begin ||
	    rd_skip(&data, (uint64_t)begin) != 0 ||
	    rd_bytes(&data, (uint64_t)(end - begin), &s) != 0)
		return;
	t.name = arena_strdup(&l->arena, key, strlen(key));
	t.data = s.ptr;
	t.size = s.len;
	if (t.name == NULL)
		l->full = true;
	else if (take_shape(json_object_get(entry, "shape"), &t))
		check_weight_list_add(l, &t);
	else
		check_weight_list_bytes(l, t.name, s);
}

void
check_weight_list_safetensors(struct check_weight_list *l, struct rd r)
{
	json_t *head, *entry;
	const char *key;
	struct slice s;
	uint64_t len;

	if (rd_u64le(&r, &len) != 0 || rd_bytes(&r, len, &s) != 0)
		return;
	head = json_loadb((const char *)s.ptr, s.len, JSON_ALLOW_NUL, NULL);
	if (head == NULL)
		return;
	r = rd_mem(r.base + r.off, rd_left(&r));
	json_object_foreach(head, key, entry)
	{
		if (strcmp(key, "__metadata__") != 0)
			take_entry(l, key, entry, r);
	}
	json_decref(head);
}

/* --- GGUF ---------------------------------------------------------------- */

static const struct {
	uint32_t number;
	const char *name;
	uint64_t block, bytes;
} ggml[] = {
#define GGUF_TYPE(number, name, block, bytes) {number, name, block, bytes},
#include "audit/check_gguf_type.def"
#undef GGUF_TYPE
};

static int
gguf_text(struct rd *r, struct slice *s)
{
	uint64_t n;
	int rc = rd_u64le(r, &n);

	return rc != 0 ? rc : rd_bytes(r, n, s);
}

/* Bytes of a value type that has a fixed size; 0: text, array, unknown. */
static uint64_t
gguf_width(uint32_t type)
{
	static const uint8_t width[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

	return type < ARRAY_LEN(width) ? width[type] : 0;
}

static int
gguf_array(struct rd *r)
{
	struct slice s;
	uint32_t type;
	uint64_t n, size;

	if (rd_u32le(r, &type) != 0 || rd_u64le(r, &n) != 0)
		return ERR_TRUNCATED;
	if (gguf_width(type) != 0)
		return ckd_mul(&size, n, gguf_width(type)) ? ERR_FORMAT
							   : rd_skip(r, size);
	/* arrays of arrays are in the specification, not in any file */
	for (uint64_t i = 0; type == 8 && i < n; i++)
		if (gguf_text(r, &s) != 0)
			return ERR_TRUNCATED;
	return type == 8 ? 0 : ERR_FORMAT;
}

/* A key and its value; the alignment is the one that matters. */
static int
gguf_pair(struct rd *r, uint32_t *align)
{
	static const char key[] = "general.alignment";
	struct slice name, s;
	uint32_t type;

	if (gguf_text(r, &name) != 0 || rd_u32le(r, &type) != 0)
		return ERR_TRUNCATED;
	if (type == 4 && name.len == sizeof(key) - 1 &&
	    memcmp(name.ptr, key, name.len) == 0)
		return rd_u32le(r, align);
	if (type == 8)
		return gguf_text(r, &s);
	if (type == 9)
		return gguf_array(r);
	return gguf_width(type) != 0 ? rd_skip(r, gguf_width(type))
				     : ERR_FORMAT;
}

struct gguf_tensor {
	struct slice name;
	uint32_t rank, type;
	uint64_t dim[4], at, n;
};

static int
gguf_info(struct rd *r, struct gguf_tensor *t)
{
	t->n = 1;
	if (gguf_text(r, &t->name) != 0 || rd_u32le(r, &t->rank) != 0 ||
	    t->rank > ARRAY_LEN(t->dim))
		return ERR_FORMAT;
	for (uint32_t i = 0; i < t->rank; i++)
		if (rd_u64le(r, &t->dim[i]) != 0 ||
		    ckd_mul(&t->n, t->n, t->dim[i]))
			return ERR_FORMAT;
	return rd_u32le(r, &t->type) != 0 || rd_u64le(r, &t->at) != 0
		   ? ERR_TRUNCATED
		   : 0;
}

static void
gguf_take(
    struct check_weight_list *l, const struct gguf_tensor *g, struct rd data)
{
	struct tensor t = {.dtype = DTYPE_COUNT, .rank = g->rank};
	uint64_t block = 1, bytes = 1, size;
	struct slice s;

	for (size_t i = 0; i < ARRAY_LEN(ggml); i++) {
		if (ggml[i].number != g->type)
			continue;
		block = ggml[i].block;
		bytes = ggml[i].bytes;
		t.dtype = named_type(ggml[i].name);
	}
	if (ckd_mul(&size, g->n / block, bytes) || rd_skip(&data, g->at) != 0 ||
	    rd_bytes(&data, size, &s) != 0 || size == 0)
		return;
	t.name = arena_strdup(&l->arena, (const char *)g->name.ptr,
	    MIN(g->name.len, (size_t)LIMIT_NAME));
	if (t.name == NULL) {
		l->full = true;
		return;
	}
	/* the first dimension is the densest */
	for (uint32_t i = 0; i < g->rank; i++)
		t.dim[i] = g->dim[g->rank - 1 - i];
	t.data = s.ptr;
	t.size = s.len;
	if (t.dtype == DTYPE_COUNT || !tensor_elements(&t, &size))
		check_weight_list_bytes(l, t.name, s);
	else
		check_weight_list_add(l, &t);
}

void
check_weight_list_gguf(struct check_weight_list *l, struct rd r)
{
	struct gguf_tensor *t;
	uint32_t align = 32;
	uint64_t n, pairs, i;

	if (rd_skip(&r, 8) != 0 || rd_u64le(&r, &n) != 0 ||
	    rd_u64le(&r, &pairs) != 0)
		return;
	if (n > LIMIT_TENSORS) {
		l->full = true;
		return;
	}
	for (i = 0; i < pairs; i++)
		if (gguf_pair(&r, &align) != 0)
			return;
	t = arena_alloc(&l->arena, (size_t)n + 1, sizeof(*t));
	if (t == NULL || align == 0) {
		l->full = l->full || t == NULL;
		return;
	}
	for (i = 0; i < n; i++)
		if (gguf_info(&r, &t[i]) != 0)
			return;
	if (rd_skip(&r, (align - r.off % align) % align) != 0)
		return;
	r = rd_mem(r.base + r.off, rd_left(&r));
	for (i = 0; i < n; i++)
		gguf_take(l, &t[i], r);
}
