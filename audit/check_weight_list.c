/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_list.h"

#include "base/limits.h"
#include "formats/hdf5_data.h"
#include "formats/hdf5_group.h"
#include "formats/hdf5_object.h"
#include "formats/npy.h"
#include "formats/onnx_file.h"
#include "formats/onnx_probe.h"
#include "formats/tflite_file.h"
#include "formats/torch_stream.h"
#include "formats/torch_tar.h"
#include "formats/torch_zip.h"

/* Bytes that all tensors may have: tied ones show the same twice, compressed
 * ones are more than the file; but no hundred thousand views of all of it. */
#define TIMES 4
#define SLACK ((uint64_t)64 << 20)

bool
check_weight_list_add(struct check_weight_list *l, const struct tensor *t)
{
	if (l->n == LIMIT_TENSORS || t->size > l->left) {
		l->full = true;
		return false;
	}
	l->left -= t->size;
	if (l->n == l->room) {
		size_t room = l->room != 0 ? 2 * l->room : 64;
		struct tensor *more =
		    arena_alloc(&l->arena, room, sizeof(*more));

		if (more == NULL) {
			l->full = true;
			return false;
		}
		if (l->n != 0)
			memcpy(more, l->tensor, l->n * sizeof(*more));
		l->tensor = more;
		l->room = room;
	}
	l->tensor[l->n++] = *t;
	return true;
}

bool
check_weight_list_bytes(
    struct check_weight_list *l, const char *name, struct slice s)
{
	struct tensor t = {.name = name,
	    .dtype = DTYPE_U8,
	    .rank = 1,
	    .dim = {s.len},
	    .data = s.ptr,
	    .size = s.len};

	return check_weight_list_add(l, &t);
}

/* --- NPY ----------------------------------------------------------------- */

static const struct {
	char kind;
	size_t width;
	enum dtype dtype;
} array_types[] = {
    {'f', 2, DTYPE_F16},
    {'f', 4, DTYPE_F32},
    {'f', 8, DTYPE_F64},
    {'i', 1, DTYPE_I8},
    {'i', 2, DTYPE_I16},
    {'i', 4, DTYPE_I32},
    {'i', 8, DTYPE_I64},
    {'u', 1, DTYPE_U8},
};

/* Numbers that a file has the other way round, turned. */
static const uint8_t *
turned(struct check_weight_list *l, const struct array *a, size_t size)
{
	uint8_t *out = arena_alloc(&l->arena, size, 1);

	for (size_t i = 0; out != NULL && i + a->width <= size; i += a->width)
		for (size_t k = 0; k < a->width; k++)
			out[i + k] = a->data.base[i + a->width - 1 - k];
	return out;
}

void
check_weight_list_array(struct check_weight_list *l, struct rd r)
{
	struct tensor t = {.name = "array", .dtype = DTYPE_U8};
	struct err e = {0};
	struct array a;

	if (npy_parse_weights(r, &a, &e) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(array_types); i++)
		if (array_types[i].kind == a.kind &&
		    array_types[i].width == a.width)
			t.dtype = array_types[i].dtype;
	t.size = a.count * a.width;
	t.data = a.big && a.width > 1 ? turned(l, &a, t.size) : a.data.base;
	if (t.data == NULL) {
		l->full = true;
		return;
	}
	t.rank = a.rank;
	memcpy(t.dim, a.dim, sizeof(t.dim));
	if (dtype_width(t.dtype) != a.width)
		check_weight_list_bytes(
		    l, t.name, (struct slice){t.data, t.size});
	else
		check_weight_list_add(l, &t);
}

/* --- HDF5 ---------------------------------------------------------------- */

static void
walk(struct check_weight_list *l, struct hdf5 *h, uint64_t at, const char *path,
    unsigned depth)
{
	const struct hdf5_group *g;
	char name[1024]; /* longer paths are cut */
	struct err e = {0};

	if (depth > LIMIT_KERAS_GROUPS) {
		l->full = true;
		return;
	}
	if (hdf5_group_read(h, at, &g, &e) != 0)
		return;
	for (size_t i = 0; i < g->n && !l->full; i++) {
		const struct hdf5_link *k = &g->link[i];
		struct tensor t = {0};
		const char *inner;

		if (k->at == HDF5_NOWHERE)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", path,
		    *path != '\0' ? "/" : "", k->name);
		inner = arena_strdup(&l->arena, name, strlen(name));
		if (inner == NULL || hdf5_object_spend(h, 1, &e) != 0) {
			l->full = true;
			return;
		}
		if (hdf5_data_read(h, k->at, &t, &e) == 0) {
			t.name = inner;
			check_weight_list_add(l, &t);
		} else {
			walk(l, h, k->at, inner, depth + 1);
		}
	}
}

void
check_weight_list_hdf5(struct check_weight_list *l, struct rd r)
{
	struct err e = {0};
	struct hdf5 h;

	if (hdf5_open(&h, r, &l->arena, &e) == 0)
		walk(l, &h, h.root, "", 0);
}

/* --- TensorFlow Lite ----------------------------------------------------- */

void
check_weight_list_tflite(struct check_weight_list *l, struct rd r)
{
	struct tflite_file f = {0};
	struct err e = {0};

	if (tflite_file_parse(r, &l->arena, &f, &e) != 0)
		return;
	for (size_t i = 0; i < f.ntensor && !l->full; i++) {
		const struct tflite_tensor *x = &f.tensor[i];
		struct tensor t = {.name = x->name,
		    .dtype = tflite_file_dtype(x->type),
		    .rank = x->rank,
		    .data = x->data.ptr};
		uint64_t n;

		if (x->data.ptr == NULL)
			continue;
		memcpy(t.dim, x->dim, sizeof(t.dim));
		if (t.dtype != DTYPE_COUNT && tensor_elements(&t, &n) &&
		    n * dtype_width(t.dtype) == x->data.len) {
			t.size = x->data.len;
			check_weight_list_add(l, &t);
		} else {
			check_weight_list_bytes(l, x->name, x->data);
		}
	}
}

/* --- all of them --------------------------------------------------------- */

static bool
is_safetensors(struct rd r)
{
	struct slice s;
	uint64_t len;

	return rd_u64le(&r, &len) == 0 && len != 0 &&
	       len <= LIMIT_SAFETENSORS_HEADER && rd_bytes(&r, len, &s) == 0 &&
	       s.ptr[0] == '{';
}

static bool
is_torch(struct rd r)
{
	return torch_zip_probe(r) || torch_stream_probe(r) ||
	       torch_tar_probe(r);
}

static bool
is_onnx(struct rd r)
{
	return onnx_probe(r) != 0;
}

static bool
is_tflite(struct rd r)
{
	return r.len >= 8 && memcmp(r.base + 4, "TFL3", 4) == 0;
}

static bool
is_gguf(struct rd r)
{
	return r.len >= 4 && memcmp(r.base, "GGUF", 4) == 0;
}

void
check_weight_list_init(struct check_weight_list *l, struct rd r)
{
	static const struct {
		bool (*is)(struct rd);
		void (*read)(struct check_weight_list *, struct rd);
	} way[] = {
	    {is_safetensors, check_weight_list_safetensors},
	    {is_torch, check_weight_list_torch},
	    {is_onnx, check_weight_list_onnx},
	    {is_gguf, check_weight_list_gguf},
	    {npy_probe, check_weight_list_array},
	    {hdf5_probe, check_weight_list_hdf5},
	    {is_tflite, check_weight_list_tflite},
	};

	*l =
	    (struct check_weight_list){.left = SLACK + TIMES * (uint64_t)r.len};
	arena_init(&l->arena, LIMIT_MODEL_ARENA);
	for (size_t i = 0; i < ARRAY_LEN(way); i++)
		if (way[i].is(r))
			way[i].read(l, r);
}

void
check_weight_list_release(struct check_weight_list *l)
{
	arena_release(&l->arena);
}
