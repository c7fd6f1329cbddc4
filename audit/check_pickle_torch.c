/* SPDX-License-Identifier: MIT
 * Storages of PyTorch: what a pickle says of them against the bytes that are
 * there (CVE-2026-24747 is about the difference).
 */
#include "audit/check_pickle_part.h"

#include "base/limits.h"
#include "formats/torch_tensor.h"
#include "formats/zip.h"

#define RANK    64  /* of a tensor, in PyTorch */
#define KEY_MAX 200 /* characters; PyTorch counts */

struct storage {
	const char *key;
	uint64_t width, elements;
	uint64_t at;
};

struct check_pickle_storages {
	struct map by_key;
	struct storage *storage;
	size_t n, room;
	bool full; /* it was said */
};

/* torch/serialization.py, MAGIC_NUMBER: 0x1950a86a20f9469cfc6c */
bool
check_pickle_torch_magic(const struct pickle_node *root)
{
	static const uint8_t magic[] = {
	    0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

	return pickle_is(root, PICKLE_INT) && root->big &&
	       root->text.len == sizeof(magic) &&
	       memcmp(root->text.ptr, magic, sizeof(magic)) == 0;
}

/* Bytes of an element; 0: of no type that is known. */
static uint64_t
width_of(const struct pickle_node *type)
{
	static const struct {
		const char *name;
		uint64_t width;
	} more[] = {{"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16},
	    {"QInt8Storage", 1}, {"QUInt8Storage", 1}, {"QInt32Storage", 4},
	    {"QUInt4x2Storage", 1}, {"QUInt2x4Storage", 1}};
	struct slice name = type->name->name;
	enum dtype d = torch_tensor_dtype(name);

	if (d != DTYPE_COUNT)
		return dtype_width(d);
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (rd_slice_is(name, more[i].name))
			return more[i].width;
	return 0;
}

/* Room for one more, which is not counted yet. */
static struct storage *
new_storage(struct check_pickle_judge *j, struct check_pickle_storages *s)
{
	size_t room = MAX(64, 2 * s->room);
	struct storage *more;

	if (s->n == s->room) {
		more = arena_alloc(&j->arena, room, sizeof(*more));
		if (more == NULL)
			return NULL;
		if (s->n != 0)
			memcpy(more, s->storage, s->n * sizeof(*more));
		s->storage = more;
		s->room = room;
	}
	return &s->storage[s->n];
}

/* One that is not in the table is compared with nothing. */
static void
full(struct check_pickle_judge *j, struct check_pickle_storages *s)
{
	if (!s->full)
		check_short(j->f, FINDING_FILE_LIMIT, j->pickle.at,
		    "a pickle of too many storages");
	s->full = true;
}

static bool
is_storage(const struct pickle_node *type)
{
	static const char end[] = "Storage";
	struct slice s = type->name->name;
	size_t n = sizeof(end) - 1;

	return s.len >= n && memcmp(s.ptr + s.len - n, end, n) == 0;
}

/* One storage may be referred to often, always with the same size. */
static void
see_storage(struct check_pickle_judge *j, const struct pickle_node *type,
    struct slice key, int64_t elements)
{
	struct check_pickle_storages *s = j->ctx;
	struct storage one = {.width = width_of(type),
	    .elements = (uint64_t)elements,
	    .at = j->pickle.at};
	char text[KEY_MAX + 1];
	struct storage *to;
	size_t at;

	if (!is_storage(type))
		check_pickle_judge_say(j, FINDING_PICKLE_STORAGE, one.at,
		    "a storage of no class of storages", NULL);
	if (key.len > KEY_MAX || memchr(key.ptr, 0, key.len) != NULL) {
		check_pickle_judge_say(j, FINDING_PICKLE_STORAGE, one.at,
		    "a storage with an odd key", NULL);
		return;
	}
	memcpy(text, key.ptr, key.len);
	text[key.len] = '\0';
	if ((at = map_get(&s->by_key, text)) != SIZE_MAX) {
		to = &s->storage[at];
		if (to->elements * MAX(to->width, 1) !=
		    one.elements * MAX(one.width, 1))
			check_pickle_judge_say(j, FINDING_PICKLE_STORAGE,
			    one.at, "one storage with two sizes", text);
		return;
	}
	one.key = arena_strdup(&j->arena, text, key.len);
	if (one.key == NULL || (to = new_storage(j, s)) == NULL ||
	    map_put(&s->by_key, one.key, s->n) < 0) {
		full(j, s);
		return;
	}
	*to = one;
	s->n++;
}

struct check_pickle_storages *
check_pickle_torch_watch(struct check_pickle_judge *j)
{
	struct check_pickle_storages *s = arena_alloc(&j->arena, 1, sizeof(*s));

	if (s == NULL)
		return NULL;
	map_init(&s->by_key, &j->arena);
	j->storage = see_storage;
	j->ctx = s;
	return s;
}

/* --- views --------------------------------------------------------------- */

/* Sizes or strides: integers that are not negative. */
static bool
take_list(const struct pickle_node *n, int64_t *out, size_t *count)
{
	if (pickle_calls(n, "torch", "Size"))
		n = pickle_item(n->call->args, 0);
	if (!pickle_is(n, PICKLE_TUPLE) || n->n > RANK)
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (!pickle_int(n->item[i], &out[i]) || out[i] < 0)
			return false;
	*count = n->n;
	return true;
}

/* Elements from the first of the storage to behind the last of the view. */
static bool
reach(int64_t offset, const int64_t *size, const int64_t *stride, size_t n,
    uint64_t *out)
{
	uint64_t part;

	*out = (uint64_t)offset + 1;
	for (size_t i = 0; i < n; i++) {
		if (size[i] == 0) {
			*out = 0;
			return true;
		}
		if (ckd_mul(
			&part, (uint64_t)size[i] - 1, (uint64_t)stride[i]) ||
		    ckd_add(out, *out, part))
			return false;
	}
	return true;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, ...) and its like; with
 * v3 the storage is of bytes. */
void
check_pickle_view(struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct pickle_node *args = n->call->args;
	const struct pickle_node *of = pickle_item(args, 0);
	int64_t size[RANK], stride[RANK], offset = 0, elements = 0;
	size_t nsize = 0, nstride = 0;
	uint64_t end;

	if (!pickle_is(of, PICKLE_PERSID) ||
	    !pickle_int(pickle_item(of->item[0], 4), &elements))
		return;
	if (!pickle_int(pickle_item(args, 1), &offset) || offset < 0 ||
	    !take_list(pickle_item(args, 2), size, &nsize) ||
	    !take_list(pickle_item(args, 3), stride, &nstride) ||
	    nsize != nstride)
		check_pickle_judge_say(j, FINDING_PICKLE_STORAGE, n->at,
		    "a tensor whose sizes are none", NULL);
	else if (!reach(offset, size, stride, nsize, &end) ||
		 end > (uint64_t)MAX(elements, 0))
		check_pickle_judge_say(j, FINDING_PICKLE_STORAGE, n->at,
		    "a tensor that leaves its storage", NULL);
}

/* --- streams ------------------------------------------------------------- */

static int
skip_one(struct check_pickle_judge *j, struct rd *r,
    const struct pickle_node *key, struct err *e)
{
	struct check_pickle_storages *s = j->ctx;
	uint64_t n = 0, size, at = rd_pos(r);
	const struct storage *of;
	char text[KEY_MAX + 1];
	size_t i;

	if (!pickle_is(key, PICKLE_STR) || key->text.len >= sizeof(text))
		return err_set(e, ERR_FORMAT, at, "a key that is no string");
	snprintf(text, sizeof(text), "%.*s", (int)key->text.len,
	    (const char *)key->text.ptr);
	if ((i = map_get(&s->by_key, text)) == SIZE_MAX)
		return err_set(e, ERR_FORMAT, at,
		    "storage %s, which nothing refers to", text);
	of = &s->storage[i];
	if (rd_u64le(r, &n) != 0)
		return err_set(e, ERR_TRUNCATED, at, "the storages are cut");
	if (n != of->elements)
		check_pickle_judge_say(j, FINDING_PICKLE_STORAGE, at,
		    "it has another size than the pickle says", text);
	if (of->width == 0)
		return err_set(e, ERR_UNSUPPORTED, at,
		    "storage %s is of an unknown type", text);
	if (ckd_mul(&size, n, of->width) || rd_skip(r, size) != 0)
		return err_set(e, ERR_TRUNCATED, at,
		    "storage %s goes beyond the end of the file", text);
	return 0;
}

int
check_pickle_torch_skip(struct check_pickle_judge *j, struct rd *r,
    const struct pickle_node *keys, struct err *e)
{
	int rc = 0;

	if (!pickle_is(keys, PICKLE_LIST))
		return err_set(e, ERR_FORMAT, rd_pos(r), "no list of storages");
	for (size_t i = 0; i < keys->n && rc == 0; i++)
		rc = skip_one(j, r, keys->item[i], e);
	return rc;
}

/* --- archives ------------------------------------------------------------ */

static void
compare(struct check_pickle_judge *j, const struct zip *z, const char *top,
    size_t ntop, const struct storage *s)
{
	char name[LIMIT_NAME];
	const struct zip_entry *e;
	uint64_t size;

	if (snprintf(name, sizeof(name), "%.*sdata/%s", (int)ntop, top,
		s->key) >= (int)sizeof(name))
		return;
	e = zip_find(z, name);
	if (e == NULL)
		check_find(j->f, FINDING_PICKLE_STORAGE, s->at,
		    "storage %.100s is not in the archive", s->key);
	else if (s->width != 0 &&
		 (ckd_mul(&size, s->elements, s->width) || e->size < size))
		check_find(j->f, FINDING_PICKLE_STORAGE, s->at,
		    "storage %.100s has %" PRIu64
		    " bytes, the pickle says %" PRIu64 " times %" PRIu64,
		    s->key, e->size, s->elements, s->width);
}

/* The names and calls are told of where the member is looked at. */
static void
cross_check(const struct check_file *f, struct zip *z,
    const struct zip_entry *entry, size_t ntop)
{
	struct check_pickle_storages *s;
	struct check_pickle_judge j;
	const struct pickle_node *root;
	struct err e = {0};
	struct slice bytes;
	struct rd r;

	if (zip_read(z, entry, &bytes, &e) != 0)
		return;
	r = rd_mem(bytes.ptr, bytes.len);
	check_pickle_judge_init(&j, f, r);
	j.tentative = true;
	s = check_pickle_torch_watch(&j);
	if (s != NULL && check_pickle_judge_read(&j, &r, false, &root, &e) == 0)
		for (size_t i = 0; i < s->n; i++)
			compare(&j, z, entry->name, ntop, &s->storage[i]);
	j.first = NULL;
	check_pickle_judge_end(&j);
}

void
check_pickle_zip(const struct check_file *f)
{
	static const char tail[] = "data.pkl";
	struct err e = {0};
	struct arena a;
	struct zip z;

	arena_init(&a, LIMIT_MODEL_ARENA);
	if (zip_open(&z, f->bytes, &a, &e) == 0) {
		for (size_t i = 0; i < z.n; i++) {
			size_t n = strlen(z.entry[i].name);

			if (n >= sizeof(tail) - 1 && !z.entry[i].shadowed &&
			    strcmp(z.entry[i].name + n - (sizeof(tail) - 1),
				tail) == 0)
				cross_check(
				    f, &z, &z.entry[i], n - (sizeof(tail) - 1));
		}
	}
	arena_release(&a);
}
