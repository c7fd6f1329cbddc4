/* SPDX-License-Identifier: MIT */
#include "formats/data.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/cifar.h"
#include "formats/classes.h"
#include "formats/idx.h"
#include "formats/idx_folder.h"
#include "formats/imagedir.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/preprocess_text.h"
#include "formats/webdataset.h"

static bool
probe_imagedir(const struct data_source *s)
{
	return s->folder >= 0;
}

/* Errors name the file within the folder. */
static int
inside(const struct data_source *s, int rc, struct err *e)
{
	char path[sizeof(e->path)];

	if (rc != 0 && e->path[0] != '\0') {
		memcpy(path, e->path, sizeof(path));
		e->path[0] = '\0';
		if (file_join(e->path, sizeof(e->path), s->path, path, e) != 0)
			return rc;
	}
	return rc;
}

static int
load_imagedir(const struct data_source *s, struct dataset *d, struct err *e)
{
	return inside(s, imagedir_parse(s->folder, s->fit, d, e), e);
}

static bool
probe_shards(const struct data_source *s)
{
	return s->folder >= 0 && webdataset_folder_probe(s->folder);
}

static int
load_shards(const struct data_source *s, struct dataset *d, struct err *e)
{
	return inside(s, webdataset_folder(s->folder, s->fit, d, e), e);
}

static bool
probe_webdataset(const struct data_source *s)
{
	return webdataset_probe(s->path, s->images);
}

static int
load_webdataset(const struct data_source *s, struct dataset *d, struct err *e)
{
	return webdataset_parse(&s->images, 1, s->fit, d, e);
}

/* Images of arrays, all of one size, are fitted when all are there. */
static int
fit(const struct data_source *s, struct dataset *d, struct err *e)
{
	return s->fit != NULL ? fit_images(d, s->fit, e) : 0;
}

static bool
probe_cifar_folder(const struct data_source *s)
{
	return s->folder >= 0 && cifar_folder_probe(s->folder);
}

static int
load_cifar_folder(const struct data_source *s, struct dataset *d, struct err *e)
{
	int rc = cifar_folder(s->folder, d, e);

	return rc != 0 ? inside(s, rc, e) : fit(s, d, e);
}

static bool
probe_idx_folder(const struct data_source *s)
{
	return s->folder >= 0 && idx_folder_probe(s->folder);
}

static int
load_idx_folder(const struct data_source *s, struct dataset *d, struct err *e)
{
	int rc = idx_folder(s->folder, d, e);

	return rc != 0 ? inside(s, rc, e) : fit(s, d, e);
}

static bool
probe_cifar(const struct data_source *s)
{
	return cifar_probe(s->path, s->images);
}

static int
load_cifar(const struct data_source *s, struct dataset *d, struct err *e)
{
	int rc = cifar_parse(s->path, s->images, d, e);

	return rc != 0 ? rc : fit(s, d, e);
}

static bool
probe_npz(const struct data_source *s)
{
	return npz_probe(s->images);
}

static int
load_npz(const struct data_source *s, struct dataset *d, struct err *e)
{
	int rc = npz_parse(s->images, d, e);

	return rc != 0 ? rc : fit(s, d, e);
}

/* An array file, whichever of the two formats it is. */
static int
parse_array(struct rd r, const char *path, struct dataset *d, struct array *a,
    struct err *e)
{
	int rc =
	    npy_probe(r) ? npy_parse(r, a, e) : idx_parse(r, &d->arena, a, e);

	return rc != 0 ? err_in(e, path) : 0;
}

static int
load_arrays(const struct data_source *s, struct dataset *d, struct err *e)
{
	struct array images, labels;
	int rc;

	if ((rc = parse_array(s->images, s->path, d, &images, e)) != 0)
		return rc;
	if ((rc = array_images(&images, d, e)) != 0 || (rc = fit(s, d, e)) != 0)
		return err_in(e, s->path);
	if (s->label_path == NULL)
		return 0;
	rc = parse_array(s->labels, s->label_path, d, &labels, e);
	if (rc != 0)
		return rc;
	if (labels.rank != 0 && labels.dim[0] != d->n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu images in '%s' but %" PRIu64 " labels in '%s'", d->n,
		    file_base(s->path), labels.dim[0],
		    file_base(s->label_path));
	if ((rc = array_labels(&labels, d, e)) != 0)
		return err_in(e, s->label_path);
	return 0;
}

static bool
probe_npy(const struct data_source *s)
{
	return npy_probe(s->images);
}

static bool
probe_idx(const struct data_source *s)
{
	return idx_probe(s->images);
}

#define load_npy load_arrays
#define load_idx load_arrays

static bool
probe_neutral(const struct data_source *s)
{
	return s->images.len > 8 && s->images.base[8] == '{';
}

static int
load_neutral(const struct data_source *s, struct dataset *d, struct err *e)
{
	struct rd r = s->images;

	int rc;

	arena_release(&d->arena);
	rc = dataset_parse(&r, d, e);
	return rc != 0 ? rc : fit(s, d, e);
}

const struct data_format data_table[DATA_COUNT] = {
#define DATA(id, name, text) [DATA_##id] = {name, text, probe_##id, load_##id},
#include "formats/data.def"
#undef DATA
};

/* The name in one line, without the end of the line. */
static struct slice
line(struct rd *r)
{
	const uint8_t *at = r->base + r->off;
	const uint8_t *end = memchr(at, '\n', rd_left(r));
	size_t n = end != NULL ? (size_t)(end - at) : rd_left(r);
	struct slice s = {at, n};

	r->off += n + (end != NULL);
	if (s.len > 0 && s.ptr[s.len - 1] == '\r')
		s.len--;
	return s;
}

static int
read_names(struct dataset *d, struct rd r, const char ***out, size_t *count,
    struct err *e)
{
	size_t n = 0;
	const char **name;
	struct rd c;

	for (c = r; rd_left(&c) != 0; n++)
		(void)line(&c);
	if (n > LIMIT_CLASSES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "%zu names", n);
	name = arena_alloc(&d->arena, n + 1, sizeof(*name));
	for (size_t i = 0; name != NULL && i < n; i++) {
		uint64_t at = rd_pos(&r);
		struct slice s = line(&r);

		if (s.len == 0 || s.len > LIMIT_NAME ||
		    !text_utf8_valid((const char *)s.ptr, s.len) ||
		    memchr(s.ptr, '\0', s.len) != NULL)
			return err_set(e, ERR_FORMAT, at,
			    "line %zu is no name (empty, long or not UTF-8)",
			    i + 1);
		name[i] = arena_strdup(&d->arena, (const char *)s.ptr, s.len);
	}
	if (name == NULL || (n != 0 && name[n - 1] == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	*out = name;
	*count = n;
	return 0;
}

/* The order of the user's names decides where the data has names as well. */
static int
take_names(struct dataset *d, struct rd r, struct err *e)
{
	const char **name = NULL;
	size_t n = 0;
	int rc;

	if ((rc = read_names(d, r, &name, &n, e)) != 0)
		return rc;
	if (d->label != NULL && d->name != NULL) {
		rc = classes_match(d, name, n, "the names of --classes", e);
		if (rc == 0)
			dataset_say(d, "classes in the order of --classes");
		if (rc != CLASSES_NONE)
			return rc;
	}
	if (classes_named(d->name, d->classes)) {
		dataset_say(d,
		    "none of the classes ('%.40s', ...) is named in --classes: "
		    "they were renamed in the order of their names",
		    d->name[0]);
	}
	if (d->classes > n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu names for %zu classes", n, d->classes);
	d->name = name;
	d->classes = n;
	return 0;
}

/* What was done to the images, once for all. */
static void
say_fit(const struct data_source *s, struct dataset *d)
{
	char text[PREPROCESS_TEXT_MAX];

	if (s->fit == NULL || !fit_scales(s->fit))
		return;
	preprocess_text_write(&s->fit->pre, text);
	dataset_say(d, "images made %zux%zu by %s", d->h, d->w, text);
}

static int
no_names(struct dataset *d, struct err *e)
{
	if (d->name != NULL)
		return 0;
	d->name = arena_alloc(&d->arena, d->classes + 1, sizeof(*d->name));
	if (d->name == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->classes; i++)
		d->name[i] = "";
	return 0;
}

int
data_load(const struct data_source *s, const struct rd *names,
    struct dataset *d, struct err *e)
{
	size_t i = 0;
	int rc;

	*d = (struct dataset){0};
	while (i < DATA_COUNT && !data_table[i].probe(s))
		i++;
	if (i == DATA_COUNT) {
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no data set of a known form (a folder of class folders, "
		    "NPZ, NPY, IDX, CIFAR, WebDataset, neutral data)");
		return err_in(e, s->path);
	}
	arena_init(&d->arena, 2 * LIMIT_DATASET_BYTES);
	if ((rc = data_table[i].load(s, d, e)) != 0)
		err_in(e, s->path);
	else
		rc = names != NULL ? take_names(d, *names, e) : no_names(d, e);
	if (rc == 0)
		say_fit(s, d);
	else
		dataset_release(d);
	return rc;
}
