/* SPDX-License-Identifier: MIT */
#include "formats/listing.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/tree.h"
#include "formats/classes.h"
#include "formats/gather.h"

#include <unistd.h>

#define LIST_ARENA ((size_t)2 << 30)
#define IMAGE_FILE ((uint64_t)256 << 20)

static size_t
count(const struct buf *b)
{
	return b->len / sizeof(char *);
}

static const char *
item(const struct buf *b, size_t i)
{
	const char *s;

	memcpy(&s, b->ptr + i * sizeof(s), sizeof(s));
	return s;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE,
	    "more than %d classes or %d images", LIMIT_CLASSES, LIMIT_IMAGES);
}

void
listing_init(struct listing *l)
{
	*l = (struct listing){0};
	arena_init(&l->arena, LIST_ARENA);
	map_init(&l->known, &l->arena);
}

void
listing_release(struct listing *l)
{
	buf_free(&l->images);
	buf_free(&l->labels);
	buf_free(&l->classes);
	arena_release(&l->arena);
}

int
listing_class(struct listing *l, const char *name, size_t len, int32_t *out,
    struct err *e)
{
	const char *s = arena_strdup(&l->arena, name, len);
	size_t n = count(&l->classes);
	int rc = s != NULL ? map_put(&l->known, s, n) : ERR_LIMIT;

	if (rc < 0 || (rc == 1 && n >= LIMIT_CLASSES))
		return full(e);
	if (rc == 1)
		buf_append(&l->classes, &s, sizeof(s));
	*out = (int32_t)map_get(&l->known, s);
	return 0;
}

int
listing_image(struct listing *l, const char *path, int32_t label, struct err *e)
{
	const char *s = arena_strdup(&l->arena, path, strlen(path));

	if (s == NULL || count(&l->images) >= LIMIT_IMAGES)
		return full(e);
	buf_append(&l->images, &s, sizeof(s));
	buf_append(&l->labels, &label, sizeof(label));
	return 0;
}

static int
read_image(int root, const char *path, struct gather *g, struct err *e)
{
	struct file_map m;
	int fd, rc;

	if ((fd = tree_open(root, path, e)) < 0)
		return fd;
	if ((rc = file_map_fd(fd, path, IMAGE_FILE, &m, e)) == 0) {
		if ((rc = gather_add(g, rd_mem(m.ptr, m.len), e)) != 0)
			err_in(e, path);
		file_unmap(&m);
	}
	close(fd);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in byte order, labels by it. */
static int
number(struct listing *l, struct dataset *d, struct err *e)
{
	size_t k = count(&l->classes);
	int32_t *label = arena_alloc(&d->arena, d->n, sizeof(*label));
	size_t *place = arena_alloc(&l->arena, k + 1, sizeof(*place));

	d->name = arena_alloc(&d->arena, k + 1, sizeof(*d->name));
	if (label == NULL || place == NULL || d->name == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	memcpy(label, l->labels.ptr, d->n * sizeof(*label));
	qsort(l->classes.ptr, k, sizeof(char *), by_name);
	for (size_t i = 0; i < k; i++) {
		const char *s = item(&l->classes, i);

		place[map_get(&l->known, s)] = i;
		d->name[i] = arena_strdup(&d->arena, s, strlen(s));
		if (d->name[i] == NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	}
	for (size_t i = 0; i < d->n; i++)
		label[i] = (int32_t)place[label[i]];
	d->label = label;
	d->classes = k;
	return 0;
}

/* Numbers as names: where torchvision would count differently, that is said. */
static void
take_numbers(struct dataset *d)
{
	size_t k = d->classes, moved = 0;
	const char *first = k > 0 ? d->name[0] : "";

	if (!classes_number(d))
		return;
	for (size_t i = 0, at = 0; i < d->classes; i++)
		if (d->name[i][0] != '\0')
			moved += at++ != i;
	if (moved != 0 || strcmp(d->name[0], first) != 0)
		dataset_say(d,
		    "the names of the classes are numbers, %zu of 0 to %zu: "
		    "they are the labels",
		    k, d->classes - 1);
	else if (k > 10 && d->name[1][1] == '\0')
		dataset_say(d,
		    "the names of the classes are numbers and the labels: 10 "
		    "comes after 9 (sorted as text it would follow 1)");
}

int
listing_read(struct listing *l, int root, const struct fit_shape *fit,
    struct dataset *d, struct err *e)
{
	size_t n = count(&l->images);
	struct gather g;
	int rc = 0;

	gather_begin(&g, d, fit, n);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_image(root, item(&l->images, i), &g, e);
	if (rc != 0 || (rc = number(l, d, e)) != 0)
		return rc;
	take_numbers(d);
	return 0;
}
