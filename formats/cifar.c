/* SPDX-License-Identifier: MIT */
#include "formats/cifar.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/tree.h"
#include "formats/cifar_pickle.h"

#include <unistd.h>

#define SIDE  32
#define PLANE (SIDE * SIDE)
#define IMAGE (3 * PLANE)

struct form {
	const char *file;  /* of the test images */
	const char *names; /* of the classes */
	const char *key;   /* pickles: of the list of names; NULL: binary */
	size_t labels;     /* binary: bytes of labels, the last one counts */
	size_t classes;
};

static const struct form forms[] = {
    {"test_batch.bin", "batches.meta.txt", NULL, 1, 10},
    {"test.bin", "fine_label_names.txt", NULL, 2, 100},
    {"test_batch", "batches.meta", "label_names", 0, 10},
    {"test", "meta", "fine_label_names", 0, 100},
};

static int
map_in(int folder, const char *name, struct file_map *m, struct err *e)
{
	int fd = tree_open(folder, name, e), rc;

	if (fd < 0)
		return fd;
	if ((rc = file_map_fd(fd, name, LIMIT_DATASET_BYTES, m, e)) != 0)
		err_in(e, name);
	close(fd);
	return rc;
}

static bool
is_file(int folder, const char *name)
{
	struct err e;
	struct stat st;
	int fd = tree_open(folder, name, &e);
	bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	if (fd >= 0)
		close(fd);
	return is;
}

/* "test" alone is any file; without names the test batch of CIFAR-10 is not. */
static const struct form *
form_of(int folder)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (is_file(folder, forms[i].file) &&
		    (forms[i].classes == 10 || is_file(folder, forms[i].names)))
			return &forms[i];
	return NULL;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
}

/* Room for n images and their labels. */
static int
begin(struct dataset *d, size_t n, size_t classes, uint8_t **pixel,
    int32_t **label, struct err *e)
{
	if (n == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "no images");
	if (n > LIMIT_IMAGES)
		return full(e);
	*pixel = arena_alloc(&d->arena, n, IMAGE);
	*label = arena_alloc(&d->arena, n, sizeof(**label));
	if (*pixel == NULL || *label == NULL)
		return full(e);
	d->n = n;
	d->h = d->w = SIDE;
	d->c = 3;
	d->u8 = *pixel;
	d->label = *label;
	d->classes = classes;
	return 0;
}

/* Planes into pixels. */
static void
weave(const uint8_t *from, uint8_t *to)
{
	for (size_t i = 0; i < PLANE; i++)
		for (size_t c = 0; c < 3; c++)
			*to++ = from[c * PLANE + i];
}

static int
take_label(int64_t v, size_t i, size_t classes, uint64_t at, int32_t *out,
    struct err *e)
{
	if (v < 0 || (uint64_t)v >= classes)
		return err_set(e, ERR_FORMAT, at,
		    "cifar: label %zu is %" PRId64 " of %zu classes", i, v,
		    classes);
	*out = (int32_t)v;
	return 0;
}

static int
read_records(struct rd r, size_t nlabel, size_t classes, struct dataset *d,
    struct err *e)
{
	size_t record = nlabel + IMAGE, n = r.len / record;
	uint8_t *pixel;
	int32_t *label;
	int rc;

	if (r.len % record != 0)
		return err_set(e, ERR_TRUNCATED, r.start + r.len,
		    "cifar: %zu bytes are no whole number of records of %zu",
		    r.len, record);
	if ((rc = begin(d, n, classes, &pixel, &label, e)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = rd_pos(&r) + nlabel - 1;
		struct slice s;

		if ((rc = rd_bytes(&r, record, &s)) != 0 ||
		    (rc = take_label(
			 s.ptr[nlabel - 1], i, classes, at, &label[i], e)) != 0)
			return rc;
		weave(s.ptr + nlabel, pixel + i * IMAGE);
	}
	return 0;
}

static int
read_pickle(struct rd r, size_t classes, struct dataset *d, struct err *e)
{
	struct cifar_pickle p;
	uint8_t *pixel;
	int32_t *label;
	int rc;

	if ((rc = cifar_pickle_open(&p, r, IMAGE, e)) != 0 ||
	    (rc = begin(d, p.n, classes, &pixel, &label, e)) != 0)
		goto out;
	for (size_t i = 0; i < p.n && rc == 0; i++) {
		int64_t v = cifar_pickle_label(&p, i);

		rc = take_label(v, i, classes, ERR_NOWHERE, &label[i], e);
		weave(p.pixels.ptr + i * IMAGE, pixel + i * IMAGE);
	}
out:
	cifar_pickle_close(&p);
	return rc;
}

static int
name_class(struct dataset *d, size_t i, struct slice s, struct err *e)
{
	if (s.len == 0 || s.len > LIMIT_NAME ||
	    memchr(s.ptr, '\0', s.len) != NULL ||
	    !text_utf8_valid((const char *)s.ptr, s.len))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "name %zu is no name (empty, long or not UTF-8)", i);
	d->name[i] = arena_strdup(&d->arena, (const char *)s.ptr, s.len);
	return d->name[i] != NULL ? 0 : full(e);
}

/* One a line; exactly as many as classes. */
static int
read_lines(struct dataset *d, struct rd r, struct err *e)
{
	size_t i = 0;
	int rc;

	while (rd_left(&r) != 0) {
		const uint8_t *at = r.base + r.off;
		const uint8_t *end = memchr(at, '\n', rd_left(&r));
		size_t n = end != NULL ? (size_t)(end - at) : rd_left(&r);
		struct slice s = {at, n > 0 && at[n - 1] == '\r' ? n - 1 : n};

		r.off += n + (end != NULL);
		if (s.len == 0)
			continue;
		if (i == d->classes)
			return err_set(e, ERR_FORMAT, rd_pos(&r) - n,
			    "more than %zu names", d->classes);
		if ((rc = name_class(d, i++, s, e)) != 0)
			return rc;
	}
	if (i < d->classes)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "%zu names for %zu classes", i, d->classes);
	return 0;
}

static int
read_list(struct dataset *d, struct rd r, const char *key, struct err *e)
{
	struct cifar_pickle p;
	struct slice s;
	int rc = cifar_pickle_names(&p, r, key, d->classes, e);

	for (size_t i = 0; rc == 0 && i < d->classes; i++)
		if ((rc = cifar_pickle_name(&p, i, &s, e)) == 0)
			rc = name_class(d, i, s, e);
	cifar_pickle_close(&p);
	return rc;
}

static int
read_names(const struct form *f, int folder, struct dataset *d, struct err *e)
{
	struct file_map m;
	int rc;

	d->name = arena_alloc(&d->arena, d->classes, sizeof(*d->name));
	if (d->name == NULL)
		return full(e);
	if ((rc = map_in(folder, f->names, &m, e)) != 0)
		return rc;
	rc = f->key != NULL ? read_list(d, rd_mem(m.ptr, m.len), f->key, e)
			    : read_lines(d, rd_mem(m.ptr, m.len), e);
	file_unmap(&m);
	return rc != 0 ? err_in(e, f->names) : 0;
}

/* The folder that an archive of CIFAR has, in the one that it was unpacked in,
 * as torchvision.datasets expects it: its descriptor, or -1. */
static int
unpacked_in(int folder, const char **name)
{
	static const char *const names[] = {"cifar-10-batches-py",
	    "cifar-10-batches-bin", "cifar-100-python", "cifar-100-binary"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e;
		int fd = tree_folder(folder, names[i], &e);

		*name = names[i];
		if (fd >= 0 && form_of(fd) != NULL)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

bool
cifar_folder_probe(int folder)
{
	const char *name;
	int fd = form_of(folder) == NULL ? unpacked_in(folder, &name) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0 || form_of(folder) != NULL;
}

int
cifar_folder(int folder, struct dataset *d, struct err *e)
{
	const struct form *f = form_of(folder);
	const char *name;
	struct file_map m;
	int rc, inner = f == NULL ? unpacked_in(folder, &name) : -1;

	if (inner >= 0) {
		if ((rc = cifar_folder(inner, d, e)) == 0)
			dataset_say(d, "%s/ is what was read", name);
		close(inner);
		return rc;
	}
	if (f == NULL)
		return err_set(
		    e, ERR_UNSUPPORTED, ERR_NOWHERE, "no CIFAR in it");
	if ((rc = map_in(folder, f->file, &m, e)) != 0)
		return rc;
	rc = f->key != NULL
		 ? read_pickle(rd_mem(m.ptr, m.len), f->classes, d, e)
		 : read_records(
		       rd_mem(m.ptr, m.len), f->labels, f->classes, d, e);
	file_unmap(&m);
	if (rc != 0)
		return err_in(e, f->file);
	dataset_say(d, "%s is what was read", f->file);
	return is_file(folder, f->names) ? read_names(f, folder, d, e) : 0;
}

/* CIFAR-100 when only its records fit, or the first labels are no classes. */
static size_t
label_bytes(struct rd r)
{
	bool one = r.len % (1 + IMAGE) == 0, two = r.len % (2 + IMAGE) == 0;

	for (size_t i = 0; one && two && i < r.len; i += 1 + IMAGE)
		one = r.base[i] < 10;
	return one ? 1 : two ? 2 : 0;
}

/* The classes of a pickle by its name, 0 when it has none of these. */
static size_t
pickled_classes(const char *path, struct rd r)
{
	static const struct {
		const char *name;
		size_t classes;
	} files[] = {{"test_batch", 10}, {"data_batch_1", 10},
	    {"data_batch_2", 10}, {"data_batch_3", 10}, {"data_batch_4", 10},
	    {"data_batch_5", 10}, {"test", 100}, {"train", 100}};

	/* PROTO, or the dictionary with which protocol 0 begins */
	if (r.len < IMAGE || (r.base[0] != 0x80 && r.base[0] != '('))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (strcmp(file_base(path), files[i].name) == 0)
			return files[i].classes;
	return 0;
}

bool
cifar_probe(const char *path, struct rd r)
{
	return pickled_classes(path, r) != 0 ||
	       (text_ends_with(path, ".bin") && r.len > 0 &&
		   label_bytes(r) != 0);
}

int
cifar_parse(const char *path, struct rd r, struct dataset *d, struct err *e)
{
	size_t n = label_bytes(r), classes = pickled_classes(path, r);

	if (classes != 0)
		return read_pickle(r, classes, d, e);
	return read_records(r, n, n == 1 ? 10 : 100, d, e);
}
