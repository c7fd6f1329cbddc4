/* SPDX-License-Identifier: MIT */
#include "formats/webdataset_label.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

#define NONE (-1)

/* NONE where the shard does not say it. */
struct webdataset_label_of {
	int32_t number, name, folder;
};

void
webdataset_label_begin(struct webdataset_label *l)
{
	*l = (struct webdataset_label){0};
	arena_init(&l->arena, (size_t)256 << 20);
	map_init(&l->id, &l->arena);
}

void
webdataset_label_end(struct webdataset_label *l)
{
	buf_free(&l->sample);
	buf_free(&l->name);
	arena_release(&l->arena);
}

static struct webdataset_label_of *
nth(const struct webdataset_label *l, size_t i)
{
	return (struct webdataset_label_of *)(void *)l->sample.ptr + i;
}

static struct webdataset_label_of *
last(const struct webdataset_label *l)
{
	return nth(l, l->sample.len / sizeof(struct webdataset_label_of) - 1);
}

static const char *
name_of(const struct webdataset_label *l, size_t i)
{
	const char *s;

	memcpy(&s, l->name.ptr + i * sizeof(s), sizeof(s));
	return s;
}

/* The number of a name, in the order of their coming. */
static int
intern(struct webdataset_label *l, const char *s, size_t len, int32_t *out,
    struct err *e)
{
	size_t at = map_get_n(&l->id, s, len);
	const char *key;

	*out = (int32_t)at;
	if (at != SIZE_MAX)
		return 0;
	at = l->name.len / sizeof(key);
	if (at >= LIMIT_CLASSES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "more than %d names of classes", LIMIT_CLASSES);
	if ((key = arena_strdup(&l->arena, s, len)) == NULL ||
	    map_put(&l->id, key, at) < 0)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many names");
	buf_append(&l->name, &key, sizeof(key));
	*out = (int32_t)at;
	return 0;
}

int
webdataset_label_sample(
    struct webdataset_label *l, const char *path, size_t len, struct err *e)
{
	struct webdataset_label_of one = {NONE, NONE, NONE};
	size_t end = len, from;
	int rc = 0;

	while (end > 0 && path[end - 1] != '/')
		end--;
	l->flat = l->flat || end == 0;
	if (!l->flat) {
		from = --end;
		while (from > 0 && path[from - 1] != '/')
			from--;
		rc = intern(l, path + from, end - from, &one.folder, e);
		/* not a class of its own: this many are no folders of classes */
		if (rc != 0) {
			l->flat = true;
			one.folder = NONE;
		}
	}
	buf_append(&l->sample, &one, sizeof(one));
	return 0;
}

static int
set(int32_t *at, int32_t v, struct err *e)
{
	if (*at != NONE && *at != v)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "its label is another one than a member before it says");
	*at = v;
	return 0;
}

static int
take_number(struct webdataset_label *l, int64_t v, struct err *e)
{
	return set(&last(l)->number, (int32_t)v, e);
}

static int
take_name(struct webdataset_label *l, const char *s, size_t len, struct err *e)
{
	int32_t id;
	int rc;

	if (len == 0 || len > LIMIT_NAME || !text_utf8_valid(s, len) ||
	    memchr(s, '\0', len) != NULL || memchr(s, '\n', len) != NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "no number of a class, and no name of one");
	if ((rc = intern(l, s, len, &id, e)) != 0)
		return rc;
	return set(&last(l)->name, id, e);
}

/* "7", "-1" and "1.5" are numbers, of which only the first is a class. */
static bool
is_numeric(const char *s, size_t n)
{
	size_t i = n > 0 && (s[0] == '-' || s[0] == '+');
	bool digit = false;

	for (; i < n; i++) {
		if ((s[i] < '0' || s[i] > '9') && s[i] != '.')
			return false;
		digit = digit || s[i] != '.';
	}
	return digit;
}

int
webdataset_label_text(
    struct webdataset_label *l, struct slice in, struct err *e)
{
	const char *s = (const char *)in.ptr;
	size_t n = in.len;
	char text[24];
	uint64_t v;

	while (n > 0 && memchr(" \t\r\n", s[n - 1], 4) != NULL)
		n--;
	if (!is_numeric(s, n))
		return take_name(l, s, n, e);
	snprintf(text, sizeof(text), "%.*s", (int)MIN(n, 23), s);
	if (n > 23 || !text_parse_u64(text, LIMIT_CLASSES - 1, &v))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "no number of a class (0 to %d)", LIMIT_CLASSES - 1);
	return take_number(l, (int64_t)v, e);
}

int
webdataset_label_json(
    struct webdataset_label *l, struct slice in, struct err *e)
{
	static const char *const key[] = {"label", "cls"};
	json_t *j = NULL, *v = NULL;
	int64_t n;
	int rc = json_read((const char *)in.ptr, in.len, &j, e);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(key) && v == NULL; i++) {
		v = json_object_get(j, key[i]);
		if (v == NULL || json_is_null(v))
			v = NULL;
		else if (json_is_string(v))
			rc = webdataset_label_text(l,
			    (struct slice){
				(const uint8_t *)json_string_value(v),
				json_string_length(v)},
			    e);
		else if ((rc = json_get_int(
			      j, key[i], 0, LIMIT_CLASSES - 1, &n, e)) == 0)
			rc = take_number(l, n, e);
	}
	json_decref(j);
	return rc;
}

/* --- for all samples ------------------------------------------------------ */

struct ranked {
	const char *name;
	int32_t id;
};

static int
by_name(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The names that `which` gives the samples become classes in their order. */
static int
put_names(const struct webdataset_label *l, struct dataset *d, bool folders,
    int32_t *label, struct err *e)
{
	size_t n = l->name.len / sizeof(char *), k = 0;
	struct ranked *r = arena_alloc(&d->arena, n + 1, sizeof(*r));
	int32_t *to = arena_alloc(&d->arena, n + 1, sizeof(*to));

	if (r == NULL || to == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++) {
		const struct webdataset_label_of *s = nth(l, i);

		to[folders ? s->folder : s->name] = 1;
	}
	for (size_t i = 0; i < n; i++)
		if (to[i] != 0)
			r[k++] = (struct ranked){name_of(l, i), (int32_t)i};
	qsort(r, k, sizeof(*r), by_name);
	d->name = arena_alloc(&d->arena, k + 1, sizeof(*d->name));
	for (size_t i = 0; d->name != NULL && i < k; i++) {
		to[r[i].id] = (int32_t)i;
		d->name[i] =
		    arena_strdup(&d->arena, r[i].name, strlen(r[i].name));
	}
	if (d->name == NULL || (k != 0 && d->name[k - 1] == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++)
		label[i] = to[folders ? nth(l, i)->folder : nth(l, i)->name];
	d->label = label;
	d->classes = k;
	return 0;
}

/* Samples with numbers; names of these where samples have both. */
static int
put_numbers(const struct webdataset_label *l, struct dataset *d, int32_t *label,
    struct err *e)
{
	int32_t most = 0;

	for (size_t i = 0; i < d->n; i++) {
		label[i] = nth(l, i)->number;
		most = MAX(most, label[i]);
	}
	d->label = label;
	d->classes = (size_t)most + 1;
	if (nth(l, 0)->name == NONE)
		return 0;
	d->name = arena_alloc(&d->arena, d->classes, sizeof(*d->name));
	for (size_t i = 0; d->name != NULL && i < d->n; i++) {
		const char *have = d->name[label[i]], *s;

		if (nth(l, i)->name == NONE)
			continue;
		s = name_of(l, (size_t)nth(l, i)->name);
		if (have != NULL && strcmp(have, s) != 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "webdataset: class %d is '%.40s' and '%.40s'",
			    label[i], have, s);
		d->name[label[i]] = arena_strdup(&d->arena, s, strlen(s));
	}
	for (size_t i = 0; d->name != NULL && i < d->classes; i++)
		if (d->name[i] == NULL)
			d->name[i] = "";
	return d->name != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
}

int
webdataset_label_put(
    const struct webdataset_label *l, struct dataset *d, struct err *e)
{
	int32_t *label = arena_alloc(&d->arena, d->n, sizeof(*label));
	size_t numbers = 0, names = 0, folders = 0;

	if (label == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++) {
		numbers += nth(l, i)->number != NONE;
		names += nth(l, i)->name != NONE;
		folders += nth(l, i)->folder != nth(l, 0)->folder;
	}
	if (numbers == d->n)
		return put_numbers(l, d, label, e);
	if (names == d->n)
		return put_names(l, d, false, label, e);
	if (MAX(numbers, names) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "webdataset: %zu of %zu samples have no label",
		    d->n - MAX(numbers, names), d->n);
	if (l->flat || folders == 0)
		return 0;
	dataset_say(d, "the folders in the shard are the classes");
	return put_names(l, d, true, label, e);
}
