/* SPDX-License-Identifier: MIT */
#include "formats/safetensors.h"

#include "base/json.h"
#include "base/limits.h"

/* The specification's names; types that we cannot hold are refused. */
static const struct {
	const char *name;
	enum dtype dtype;
} type_table[] = {
    {"F32", DTYPE_F32},
    {"F64", DTYPE_F64},
    {"F16", DTYPE_F16},
    {"BF16", DTYPE_BF16},
    {"I64", DTYPE_I64},
    {"I32", DTYPE_I32},
    {"I16", DTYPE_I16},
    {"I8", DTYPE_I8},
    {"U8", DTYPE_U8},
    {"BOOL", DTYPE_BOOL},
};

static int
entry_type(const json_t *entry, struct tensor *t, struct err *e)
{
	const char *name;
	int rc;

	if ((rc = json_get_str(entry, "dtype", &name, e)) != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(type_table); i++) {
		if (strcmp(type_table[i].name, name) == 0) {
			t->dtype = type_table[i].dtype;
			return 0;
		}
	}
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE, "dtype '%s'", name);
}

static int
entry_shape(const json_t *entry, struct tensor *t, struct err *e)
{
	const json_t *shape;
	uint64_t n;
	int rc;

	if ((rc = json_get_array(entry, "shape", &shape, e)) != 0)
		return rc;
	if (json_array_size(shape) > MODEL_MAX_RANK)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "rank %zu",
		    json_array_size(shape));
	t->rank = json_array_size(shape);
	for (size_t i = 0; i < t->rank; i++) {
		const json_t *d = json_array_get(shape, i);

		if (!json_is_integer(d) || json_integer_value(d) < 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'shape' is not a list of sizes");
		t->dim[i] = (uint64_t)json_integer_value(d);
	}
	if (!tensor_elements(t, &n))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "shape too large");
	t->size = n * dtype_width(t->dtype);
	return 0;
}

/* data_offsets: where it begins; its length must be what the shape says. */
static int
entry_place(
    const json_t *entry, const struct tensor *t, uint64_t *begin, struct err *e)
{
	const json_t *place;
	int64_t b, end;
	int rc;

	if ((rc = json_get_array(entry, "data_offsets", &place, e)) != 0 ||
	    (rc = json_get_int(place, "0", 0, INT64_MAX, &b, e)) != 0 ||
	    (rc = json_get_int(place, "1", b, INT64_MAX, &end, e)) != 0)
		return rc;
	if (json_array_size(place) != 2 || (uint64_t)(end - b) != t->size)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%" PRId64 " bytes at data_offsets, the shape needs %zu",
		    end - b, t->size);
	*begin = (uint64_t)b;
	return 0;
}

struct placed {
	uint64_t begin;
	struct tensor tensor;
};

static int
by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	/* empty tensors lie in front of the one that begins there */
	if (x->tensor.size != y->tensor.size)
		return x->tensor.size < y->tensor.size ? -1 : 1;
	return strcmp(x->tensor.name, y->tensor.name);
}

static int
parse_entries(const json_t *head, struct arena *a, struct placed *p, size_t *n,
    struct err *e)
{
	const char *key;
	json_t *entry;

	json_object_foreach((json_t *)(uintptr_t)head, key, entry)
	{
		struct placed *q = &p[*n];
		int rc;

		if (strcmp(key, "__metadata__") == 0)
			continue;
		if (strlen(key) > LIMIT_NAME ||
		    (q->tensor.name = arena_strdup(a, key, strlen(key))) ==
			NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "tensor name too long");
		if ((rc = entry_type(entry, &q->tensor, e)) != 0 ||
		    (rc = entry_shape(entry, &q->tensor, e)) != 0 ||
		    (rc = entry_place(entry, &q->tensor, &q->begin, e)) != 0)
			return err_wrap(e, "tensor '%s'", key);
		(*n)++;
	}
	return 0;
}

static int
place_all(struct rd *r, struct placed *p, size_t n, struct safetensors *st,
    struct err *e)
{
	uint64_t at = 0;

	qsort(p, n, sizeof(*p), by_place);
	for (size_t i = 0; i < n; i++) {
		struct slice s;

		if (p[i].begin != at)
			return err_set(e, ERR_FORMAT, rd_pos(r),
			    "tensor '%s' begins at %" PRIu64
			    " of the data, not at %" PRIu64,
			    p[i].tensor.name, p[i].begin, at);
		if (rd_bytes(r, p[i].tensor.size, &s) != 0)
			return err_set(e, ERR_TRUNCATED, rd_pos(r),
			    "tensor '%s' ends after the file",
			    p[i].tensor.name);
		st->tensor[i] = p[i].tensor;
		st->tensor[i].data = s.ptr;
		at += s.len;
	}
	if (rd_left(r) != 0)
		return err_set(e, ERR_FORMAT, rd_pos(r),
		    "%zu bytes after the last tensor", rd_left(r));
	st->ntensor = n;
	return 0;
}

static int
take_metadata(const json_t *head, struct safetensors *st, struct err *e)
{
	json_t *meta = json_object_get(head, "__metadata__"), *v;
	const char *key;

	if (meta == NULL) {
		st->metadata = json_object();
		return 0;
	}
	if (!json_is_object(meta))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "__metadata__ is not an object");
	json_object_foreach(
	    meta, key, v) if (!json_is_string(v)) return err_set(e, ERR_FORMAT,
	    ERR_NOWHERE, "__metadata__ '%s' is not a string", key);
	st->metadata = json_incref(meta);
	return 0;
}

static int
parse_header(struct rd *r, json_t **head, struct err *e)
{
	struct slice s;
	uint64_t len;
	int rc;

	if (rd_u64le(r, &len) != 0)
		return err_set(e, ERR_TRUNCATED, rd_pos(r), "no header length");
	if (len > LIMIT_SAFETENSORS_HEADER)
		return err_set(
		    e, ERR_LIMIT, 0, "header of %" PRIu64 " bytes", len);
	if (rd_bytes(r, len, &s) != 0)
		return err_set(e, ERR_TRUNCATED, 0,
		    "header of %" PRIu64 " bytes in a file of %zu", len,
		    r->len);
	if (len == 0 || s.ptr[0] != '{')
		return err_set(e, ERR_FORMAT, 8, "header is not an object");
	if ((rc = json_read(s.ptr, s.len, head, e)) != 0)
		return rc;
	if (json_object_size(*head) <= LIMIT_TENSORS)
		return 0;
	return err_set(e, ERR_LIMIT, 8, "%zu tensors", json_object_size(*head));
}

int
safetensors_parse(
    struct rd *r, struct arena *a, struct safetensors *st, struct err *e)
{
	struct placed *p;
	json_t *head = NULL;
	size_t n;
	int rc;

	*st = (struct safetensors){0};
	if ((rc = parse_header(r, &head, e)) != 0)
		goto out;
	n = json_object_size(head) + 1;
	p = arena_alloc(a, n, sizeof(*p));
	st->tensor = arena_alloc(a, n, sizeof(*st->tensor));
	if (p == NULL || st->tensor == NULL) {
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
		goto out;
	}
	n = 0;
	if ((rc = parse_entries(head, a, p, &n, e)) != 0 ||
	    (rc = place_all(r, p, n, st, e)) != 0)
		goto out;
	rc = take_metadata(head, st, e);
out:
	json_decref(head);
	return rc;
}

void
safetensors_release(struct safetensors *st)
{
	json_decref(st->metadata);
	*st = (struct safetensors){0};
}

int
safetensors_meta(const struct safetensors *st, const char *key,
    const char **out, struct err *e)
{
	const json_t *v = json_object_get(st->metadata, key);

	if (v == NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "__metadata__ has no '%s'", key);
	*out = json_string_value(v);
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static int
by_width(const void *a, const void *b)
{
	const struct tensor *x = *(const struct tensor *const *)a;
	const struct tensor *y = *(const struct tensor *const *)b;
	size_t wx = dtype_width(x->dtype), wy = dtype_width(y->dtype);

	if (wx != wy)
		return wx > wy ? -1 : 1;
	return strcmp(x->name, y->name);
}

static json_t *
entry_json(const struct tensor *t, uint64_t at)
{
	json_t *entry = json_object(), *shape = json_array();
	json_t *place = json_array();

	for (size_t i = 0; i < ARRAY_LEN(type_table); i++)
		if (type_table[i].dtype == t->dtype)
			json_put(entry, "dtype", json_text(type_table[i].name));
	for (size_t i = 0; i < t->rank; i++)
		json_add(shape, json_integer((json_int_t)t->dim[i]));
	json_add(place, json_integer((json_int_t)at));
	json_add(place, json_integer((json_int_t)(at + t->size)));
	json_put(entry, "shape", shape);
	json_put(entry, "data_offsets", place);
	return entry;
}

static int
write_header(struct file_out *out, const struct tensor *const *order, size_t n,
    const json_t *metadata, struct err *e)
{
	json_t *head = json_object();
	struct buf b = {0};
	uint64_t at = 0, len;
	char *text;
	int rc;

	json_put(head, "__metadata__", json_deep_copy(metadata));
	for (size_t i = 0; i < n; i++) {
		json_put(head, order[i]->name, entry_json(order[i], at));
		at += order[i]->size;
	}
	if ((text = json_dumps(head, JSON_COMPACT)) == NULL)
		BUG("json_dumps");
	len = (strlen(text) + 7) & ~(uint64_t)7;
	buf_u64le(&b, len);
	buf_puts(&b, text);
	while (b.len < 8 + len)
		buf_u8(&b, ' ');
	rc = file_out_write(out, b.ptr, b.len, e);
	free(text);
	buf_free(&b);
	json_decref(head);
	return rc;
}

/* Row by row, whatever the order in memory. */
static int
write_tensor(struct file_out *out, const struct tensor *t, struct err *e)
{
	size_t width = dtype_width(t->dtype), used = 0;
	uint64_t n = t->size / width, row, step;
	uint8_t block[1 << 16];
	int rc = 0;

	if (t->stride == NULL)
		return file_out_write(out, t->data, t->size, e);
	row = t->rank > 0 ? t->dim[t->rank - 1] : 1;
	step = t->rank > 0 ? t->stride[t->rank - 1] : 0;
	for (uint64_t i = 0; i < n && rc == 0; i += row) {
		const uint8_t *from = t->data + tensor_offset(t, i);

		for (uint64_t k = 0; k < row && rc == 0; k++) {
			memcpy(block + used, from + k * step, width);
			used += width;
			if (used == sizeof(block)) {
				rc = file_out_write(out, block, used, e);
				used = 0;
			}
		}
	}
	return rc == 0 ? file_out_write(out, block, used, e) : rc;
}

int
safetensors_write(struct file_out *out, const struct tensor *t, size_t n,
    const json_t *metadata, struct err *e)
{
	const struct tensor **order;
	struct buf list = {0};
	int rc;

	for (size_t i = 0; i <= n; i++)
		buf_append(&list, &(const struct tensor *){t + i}, sizeof(t));
	order = (void *)list.ptr;
	qsort(order, n, sizeof(*order), by_width);
	rc = write_header(out, order, n, metadata, e);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = write_tensor(out, order[i], e);
	buf_free(&list);
	return rc;
}
