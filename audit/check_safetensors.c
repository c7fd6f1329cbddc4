/* SPDX-License-Identifier: MIT
 * safetensors against its specification (README of the project, section
 * Format) and its reference reader (safetensors/src/tensor.rs, 0.6): what that
 * refuses is broken; what it reads though no writer makes it is odd.
 */
#include "audit/check.h"

#include "audit/check_note.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

#include <stdlib.h>

#define TEXT_LEAST 16

struct place {
	uint64_t begin, end;
	const char *name;
	bool bytes; /* one each */
};

struct head {
	const struct check_file *f;
	uint64_t data; /* bytes behind the header */
	struct place *place;
	size_t n;
};

/* enum Dtype, in bits */
static const struct {
	const char *name;
	unsigned bits;
} dtypes[] = {
    {"BOOL", 8},
    {"F4", 4},
    {"F6_E2M3", 6},
    {"F6_E3M2", 6},
    {"U8", 8},
    {"I8", 8},
    {"F8_E5M2", 8},
    {"F8_E4M3", 8},
    {"F8_E8M0", 8},
    {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8},
    {"I16", 16},
    {"U16", 16},
    {"F16", 16},
    {"BF16", 16},
    {"I32", 32},
    {"U32", 32},
    {"F32", 32},
    {"C64", 64},
    {"F64", 64},
    {"I64", 64},
    {"U64", 64},
};

#define BROKEN(h, name, ...)                                                   \
	check_find_tensor((h)->f, FINDING_SAFETENSORS_BROKEN, name, __VA_ARGS__)
#define ODD(h, name, ...)                                                      \
	check_find_tensor((h)->f, FINDING_SAFETENSORS_ODD, name, __VA_ARGS__)

/* --- one tensor ---------------------------------------------------------- */

static unsigned
bits_of(const json_t *dtype)
{
	const char *name = json_string_value(dtype);

	for (size_t i = 0; name != NULL && i < ARRAY_LEN(dtypes); i++)
		if (strcmp(dtypes[i].name, name) == 0)
			return dtypes[i].bits;
	return 0;
}

/* A usize of serde: an integer, not negative. */
static bool
whole(const json_t *v, uint64_t *out)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

/* NULL, or what is wrong with the shape or the size. */
static const char *
measure(const json_t *shape, unsigned bits, uint64_t *bytes)
{
	uint64_t n = 1, d;

	if (!json_is_array(shape))
		return "shape is no list";
	for (size_t i = 0; i < json_array_size(shape); i++)
		if (!whole(json_array_get(shape, i), &d))
			return "shape is no list of sizes";
		else if (ckd_mul(&n, n, d))
			return "shape is more than 64 bits can count";
	if (ckd_mul(&n, n, bits))
		return "shape is more than 64 bits can count";
	if (n % 8 != 0)
		return "it ends within a byte";
	*bytes = n / 8;
	return NULL;
}

static void
entry(struct head *h, const char *name, const json_t *v)
{
	const json_t *at = json_object_get(v, "data_offsets");
	unsigned bits = bits_of(json_object_get(v, "dtype"));
	struct place p = {.name = name};
	const char *bad;
	uint64_t bytes;

	if (!json_is_object(v)) {
		BROKEN(h, name, "the entry is no object");
		return;
	}
	/* tools that make a file for each tensor write there */
	if (strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL ||
	    name[0] == '/')
		check_find_tensor(h->f, FINDING_CONFIG_PATH, name,
		    "the name is a path that leads elsewhere");
	if (json_object_size(v) != 3)
		ODD(h, name, "the entry has other members than the format");
	if (bits == 0) {
		BROKEN(h, name, "no dtype of the format");
		return;
	}
	if (!json_is_array(at) || json_array_size(at) != 2 ||
	    !whole(json_array_get(at, 0), &p.begin) ||
	    !whole(json_array_get(at, 1), &p.end)) {
		BROKEN(h, name, "data_offsets are no two offsets");
		return;
	}
	p.bytes = bits == 8;
	h->place[h->n++] = p;
	bad = measure(json_object_get(v, "shape"), bits, &bytes);
	if (bad != NULL)
		BROKEN(h, name, "%s", bad);
	else if (p.end < p.begin || p.end - p.begin != bytes)
		BROKEN(h, name,
		    "data_offsets %" PRIu64 " to %" PRIu64
		    ", the shape needs %" PRIu64 " bytes",
		    p.begin, p.end, bytes);
}

/* --- all of them --------------------------------------------------------- */

static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static bool
is_text(const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] < ' ' && s[i] != '\n' && s[i] != '\t' &&
			s[i] != '\r') ||
		    s[i] >= 0x7f)
			return false;
	return true;
}

/* Whole tensors of bytes that are text, as some tools keep tokenizers and settings:
 * looked at as what they say, each byte of the file once. */
static void
texts(const struct head *h)
{
	const uint8_t *data = h->f->bytes.base + (h->f->bytes.len - h->data);
	uint64_t at = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct place *p = &h->place[i];

		if (!p->bytes || p->begin < at || p->end > h->data ||
		    p->end < p->begin + TEXT_LEAST)
			continue;
		at = p->end;
		if (is_text(data + p->begin, (size_t)(p->end - p->begin)))
			check_note(h->f, p->name,
			    rd_mem(
				data + p->begin, (size_t)(p->end - p->begin)));
	}
}

/* One after the other, from the first byte to the last. */
static void
places(struct head *h)
{
	uint64_t at = 0;

	qsort(h->place, h->n, sizeof(*h->place), by_place);
	for (size_t i = 0; i < h->n; i++) {
		const struct place *p = &h->place[i];

		if (p->begin < at)
			BROKEN(h, p->name,
			    "shares %" PRIu64 " bytes with others",
			    MIN(at, p->end) - MIN(p->begin, p->end));
		else if (p->begin > at)
			BROKEN(h, p->name,
			    "%" PRIu64 " bytes in front of it are no tensor's",
			    p->begin - at);
		if (p->end > h->data)
			BROKEN(h, p->name, "ends after the file");
		at = MAX(at, p->end);
	}
	texts(h);
	if (at < h->data)
		check_find(h->f, FINDING_SAFETENSORS_BROKEN,
		    h->f->bytes.len - (h->data - at),
		    "%" PRIu64 " bytes behind the last tensor", h->data - at);
}

static void
metadata(struct head *h, const json_t *v)
{
	const char *key;
	json_t *text;

	if (!json_is_object(v)) {
		check_find(h->f, FINDING_SAFETENSORS_BROKEN, 8,
		    "__metadata__ is no object");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, text)
	{
		if (!json_is_string(text))
			check_find(h->f, FINDING_SAFETENSORS_BROKEN, 8,
			    "__metadata__ '%.200s' is no text", key);
		else
			check_note(h->f, key,
			    rd_mem(json_string_value(text),
				json_string_length(text)));
	}
}

static void
entries(struct head *h, const json_t *head)
{
	const char *name;
	struct arena a;
	json_t *v;

	if (json_object_size(head) > LIMIT_TENSORS) {
		check_short(h->f, FINDING_FILE_LIMIT, 8, "%zu tensors",
		    json_object_size(head));
		return;
	}
	arena_init(&a, (size_t)64 << 20);
	h->place =
	    arena_alloc(&a, json_object_size(head) + 1, sizeof(*h->place));
	if (h->place == NULL)
		BUG("an arena for LIMIT_TENSORS");
	json_object_foreach((json_t *)(uintptr_t)head, name, v)
	{
		if (strcmp(name, "__metadata__") == 0)
			metadata(h, v);
		else
			entry(h, name, v);
	}
	places(h);
	arena_release(&a);
}

/* --- the header ---------------------------------------------------------- */

static void
broken(const struct check_file *f, uint64_t at, const char *what)
{
	check_short(f, FINDING_SAFETENSORS_BROKEN, at, "%s", what);
}

/* The specification pads with spaces only; nothing else stands around. */
static void
padding(const struct check_file *f, struct slice s)
{
	size_t n = s.len;

	while (n > 0 && s.ptr[n - 1] == ' ')
		n--;
	if (n > 0 && s.ptr[n - 1] != '}')
		check_find(f, FINDING_SAFETENSORS_ODD, 8 + n,
		    "the header is padded with other bytes than spaces");
	else if (s.len - n > 64 && s.len - n > n)
		check_find(f, FINDING_SAFETENSORS_ODD, 8 + n,
		    "%zu spaces behind a header of %zu bytes", s.len - n, n);
}

static void
header(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct head h = {.f = f};
	struct err e = {.off = ERR_NOWHERE};
	struct slice s;
	uint64_t len;
	json_t *j = NULL;

	if (rd_u64le(&r, &len) != 0) {
		broken(f, 0, "no length of the header");
	} else if (len > LIMIT_SAFETENSORS_HEADER) {
		broken(f, 0, "a header of more than 100 MB");
	} else if (rd_bytes(&r, len, &s) != 0) {
		broken(f, 0, "the header ends after the file");
	} else if (len == 0 || s.ptr[0] != '{') {
		broken(f, 8, "the header does not begin with '{'");
	} else if (json_read(s.ptr, s.len, &j, &e) != 0) {
		check_short(f, FINDING_SAFETENSORS_BROKEN,
		    e.off != ERR_NOWHERE ? 8 + e.off : 8, "%s", e.msg);
	} else {
		h.data = rd_left(&r);
		padding(f, s);
		entries(&h, j);
	}
	json_decref(j);
}

void
check_safetensors(const struct check_file *f)
{
	if (!check_is(f, "safetensors") &&
	    !text_ends_with(check_name_of(f), ".safetensors"))
		return;
	check_knows(f);
	if (!check_is_pointer(f))
		header(f);
}
