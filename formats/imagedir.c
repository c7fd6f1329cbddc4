/* SPDX-License-Identifier: MIT */
#include "formats/imagedir.h"

#include "base/limits.h"
#include "base/tree.h"
#include "formats/image.h"

#include <unistd.h>

#define LIST_ARENA  ((size_t)2 << 30)
#define IMAGE_FILE  ((uint64_t)256 << 20)
#define IMAGE_ARENA ((size_t)512 << 20)

struct listing {
	struct arena arena;
	struct buf images;  /* of const char *: paths beneath the root */
	struct buf labels;  /* of int32_t */
	struct buf classes; /* of const char * */
};

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

/* Each component but the dot-files, which nobody means as data. */
static bool
hidden(const char *path)
{
	return path[0] == '.' || strstr(path, "/.") != NULL;
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct listing *l = ctx;
	const char *slash = strchr(entry->path, '/'), *s;
	bool folder = S_ISDIR(entry->st.st_mode);
	int32_t label;

	if (hidden(entry->path) || (slash == NULL && !folder))
		return 0;
	if (slash != NULL && !S_ISREG(entry->st.st_mode)) {
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    folder ? "a folder inside a class folder"
			   : "not a regular file (links are not followed)");
		return err_in(e, entry->path);
	}
	s = arena_strdup(&l->arena, entry->path, strlen(entry->path));
	if (s == NULL || count(&l->classes) > LIMIT_CLASSES ||
	    count(&l->images) >= LIMIT_IMAGES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "more than %d classes or %d images", LIMIT_CLASSES,
		    LIMIT_IMAGES);
	if (folder) {
		buf_append(&l->classes, &s, sizeof(s));
		return 0;
	}
	label = (int32_t)count(&l->classes) - 1;
	buf_append(&l->labels, &label, sizeof(label));
	buf_append(&l->images, &s, sizeof(s));
	return 0;
}

static int
read_image(int root, const char *path, struct arena *a, struct image *out,
    struct err *e)
{
	struct file_map m;
	int fd, rc;

	if ((fd = tree_open(root, path, e)) < 0)
		return fd;
	if ((rc = file_map_fd(fd, path, IMAGE_FILE, &m, e)) == 0) {
		if ((rc = image_read(rd_mem(m.ptr, m.len), a, out, e)) != 0)
			err_in(e, path);
		file_unmap(&m);
	}
	close(fd);
	return rc;
}

/* The first image decides the shape; room for all is taken then. */
static int
place(struct dataset *d, size_t i, size_t n, const struct image *img,
    uint8_t **pixels, struct err *e)
{
	size_t size = img->w * img->h * img->c;

	if (i == 0) {
		*d = (struct dataset){.arena = d->arena,
		    .n = n,
		    .h = img->h,
		    .w = img->w,
		    .c = img->c};
		if ((*pixels = arena_alloc(&d->arena, n, size)) == NULL)
			return err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "%zu images of %zux%zu are too much", n, img->h,
			    img->w);
		d->u8 = *pixels;
	}
	if (img->w != d->w || img->h != d->h || img->c != d->c)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%zux%zu with %zu channels, the first image is %zux%zu "
		    "with %zu; all must be alike",
		    img->h, img->w, img->c, d->h, d->w, d->c);
	memcpy(*pixels + i * size, img->pixel, size);
	return 0;
}

static int
read_all(int root, const struct listing *l, struct dataset *d, struct err *e)
{
	size_t n = count(&l->images);
	uint8_t *pixels = NULL;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *path = item(&l->images, i);
		struct image img;
		struct arena a;

		arena_init(&a, IMAGE_ARENA);
		if ((rc = read_image(root, path, &a, &img, e)) == 0 &&
		    (rc = place(d, i, n, &img, &pixels, e)) != 0)
			err_in(e, path);
		arena_release(&a);
	}
	return rc;
}

static int
take_labels(const struct listing *l, struct dataset *d, struct err *e)
{
	int32_t *label = arena_alloc(&d->arena, d->n, sizeof(*label));
	size_t k = count(&l->classes);

	d->name = arena_alloc(&d->arena, k + 1, sizeof(*d->name));
	if (label == NULL || d->name == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	memcpy(label, l->labels.ptr, d->n * sizeof(*label));
	for (size_t i = 0; i < k; i++) {
		const char *s = item(&l->classes, i);

		d->name[i] = arena_strdup(&d->arena, s, strlen(s));
		if (d->name[i] == NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	}
	d->label = label;
	d->classes = k;
	return 0;
}

int
imagedir_parse(int root, struct dataset *d, struct err *e)
{
	struct listing l = {0};
	int rc;

	arena_init(&l.arena, LIST_ARENA);
	rc = tree_walk(root, &l.arena, each, &l, e);
	if (rc == 0 && count(&l.classes) == 0)
		rc = err_set(
		    e, ERR_UNSUPPORTED, ERR_NOWHERE, "no class folders in it");
	else if (rc == 0 && count(&l.images) == 0)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no images in its class folders");
	if (rc == 0)
		rc = read_all(root, &l, d, e);
	if (rc == 0)
		rc = take_labels(&l, d, e);
	buf_free(&l.images);
	buf_free(&l.labels);
	buf_free(&l.classes);
	arena_release(&l.arena);
	return rc;
}
