/* SPDX-License-Identifier: MIT */
#include "formats/npz.h"

#include "base/file.h"
#include "base/limits.h"
#include "formats/array.h"
#include "formats/bundle.h"
#include "formats/npy.h"

#include <strings.h>

enum {
	IMAGES,
	LABELS,
	SLOTS
};

static const char *const names[SLOTS][6] = {
    {"images.npy", "x.npy", "x_test.npy", "x_train.npy", "data.npy"},
    {"labels.npy", "y.npy", "y_test.npy", "y_train.npy", "targets.npy"}};

struct npz {
	struct buf bytes[SLOTS];
	char name[SLOTS][64];
	int at; /* the slot being filled, or SLOTS */
};

static int
slot_of(const char *path)
{
	for (int s = 0; s < SLOTS; s++)
		for (size_t i = 0; names[s][i] != NULL; i++)
			if (strcasecmp(path, names[s][i]) == 0)
				return s;
	return SLOTS;
}

static int
on_folder(void *ctx, const char *path, struct err *e)
{
	(void)ctx;
	(void)path;
	(void)e;
	return 0;
}

static int
on_open(void *ctx, const char *path, struct err *e)
{
	struct npz *z = ctx;

	z->at = slot_of(path);
	if (z->at == SLOTS)
		return 0;
	if (z->name[z->at][0] != '\0')
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "npz: both '%s' and '%s'", z->name[z->at], path);
	snprintf(z->name[z->at], sizeof(z->name[0]), "%s", path);
	return 0;
}

static int
on_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct npz *z = ctx;

	(void)e;
	if (z->at != SLOTS)
		buf_append(&z->bytes[z->at], p, len);
	return 0;
}

static int
on_close(void *ctx, bool keep, struct err *e)
{
	(void)ctx;
	(void)keep;
	(void)e;
	return 0;
}

/* Anything odd about the zip is an error here, not a finding. */
static int
read_zip(struct rd r, struct npz *z, struct err *e)
{
	const struct bundle_sink sink = {
	    z, on_folder, on_open, on_write, on_close, NULL, NULL};
	struct bundle_limits limits = {.entries = 1000,
	    .bytes = LIMIT_DATASET_BYTES,
	    .member = LIMIT_DATASET_BYTES,
	    .ratio = 2000,
	    .name = LIMIT_MEMBER_NAME};

	return bundle_strict(&limits, &sink, r, "npz", e);
}

/* The images stay where they are, which the data set then owns. */
static int
parse_images(struct npz *z, struct dataset *d, struct err *e)
{
	struct array a;
	int rc;

	d->keep = z->bytes[IMAGES];
	z->bytes[IMAGES] = (struct buf){0}; /* transferred */
	rc = npy_parse(rd_mem(d->keep.ptr, d->keep.len), &a, e);
	if (rc == 0)
		rc = array_images(&a, d, e);
	return rc != 0 ? err_wrap(e, "%s", z->name[IMAGES]) : 0;
}

static int
parse_labels(struct npz *z, struct dataset *d, struct err *e)
{
	const struct buf *b = &z->bytes[LABELS];
	struct array a;
	int rc;

	if ((rc = npy_parse(rd_mem(b->ptr, b->len), &a, e)) == 0)
		rc = array_labels(&a, d, e);
	return rc != 0 ? err_wrap(e, "%s", z->name[LABELS]) : 0;
}

bool
npz_probe(struct rd r)
{
	return r.len >= 4 && memcmp(r.base, "PK\3\4", 4) == 0;
}

int
npz_parse(struct rd r, struct dataset *d, struct err *e)
{
	struct npz z = {.at = SLOTS};
	int rc = read_zip(r, &z, e);

	if (rc == 0 && z.name[IMAGES][0] == '\0')
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "npz: no member named images, x, x_test, x_train or data");
	if (rc == 0)
		rc = parse_images(&z, d, e);
	if (rc == 0 && z.name[LABELS][0] != '\0')
		rc = parse_labels(&z, d, e);
	buf_free(&z.bytes[IMAGES]);
	buf_free(&z.bytes[LABELS]);
	return rc;
}
