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

/* Parts of a data set, the preferred first: unseen images tell most. */
enum part {
	TEST,
	VALIDATION,
	WHOLE,
	TRAIN,
	PARTS
};

static const char *const names[SLOTS][PARTS][7] = {
    {
	{"x_test", "test_x", "test_images", "images_test", "test_data"},
	{"x_val", "val_x", "val_images", "x_valid"},
	{"images", "x", "data", "image", "imgs", "arr_0"},
	{"x_train", "train_x", "train_images", "images_train", "train_data"},
    },
    {
	{"y_test", "test_y", "test_labels", "labels_test", "test_label"},
	{"y_val", "val_y", "val_labels", "y_valid"},
	{"labels", "y", "targets", "label", "target", "arr_1"},
	{"y_train", "train_y", "train_labels", "labels_train", "train_label"},
    }};

struct npz {
	struct buf bytes[SLOTS];
	char name[SLOTS][64];
	enum part part[SLOTS]; /* where there is a name */
	size_t passed;         /* images or labels of other parts */
	int at;                /* the slot being filled, or SLOTS */
};

static bool
is_member(const char *path, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(path, name, n) == 0 &&
	       strcasecmp(path + n, ".npy") == 0;
}

static int
slot_of(const char *path, enum part *part)
{
	for (int s = 0; s < SLOTS; s++)
		for (int p = 0; p < PARTS; p++)
			for (size_t i = 0; names[s][p][i] != NULL; i++)
				if (is_member(path, names[s][p][i])) {
					*part = (enum part)p;
					return s;
				}
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

/* Of several parts the first in order is kept. */
static int
on_open(void *ctx, const char *path, struct err *e)
{
	struct npz *z = ctx;
	enum part part = WHOLE;
	int s = slot_of(path, &part);

	z->at = SLOTS;
	if (s == SLOTS)
		return 0;
	if (z->name[s][0] != '\0' && z->part[s] == part)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "npz: both '%s' and '%s'", z->name[s], path);
	z->passed += z->name[s][0] != '\0';
	if (z->name[s][0] != '\0' && z->part[s] < part)
		return 0;
	buf_free(&z->bytes[s]);
	z->bytes[s] = (struct buf){0};
	snprintf(z->name[s], sizeof(z->name[0]), "%s", path);
	z->part[s] = part;
	z->at = s;
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

/* Images and labels are of one part of the data. */
static int
check_parts(const struct npz *z, struct err *e)
{
	if (z->name[IMAGES][0] == '\0')
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "npz: no member named images, x, data, x_test, x_train "
		    "or the like");
	if (z->name[LABELS][0] != '\0' && z->part[IMAGES] != z->part[LABELS])
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "npz: images '%s', but labels '%s'", z->name[IMAGES],
		    z->name[LABELS]);
	return 0;
}

int
npz_parse(struct rd r, struct dataset *d, struct err *e)
{
	struct npz z = {.at = SLOTS};
	int rc = read_zip(r, &z, e);

	if (rc == 0)
		rc = check_parts(&z, e);
	if (rc == 0)
		rc = parse_images(&z, d, e);
	if (rc == 0 && z.name[LABELS][0] != '\0')
		rc = parse_labels(&z, d, e);
	else if (rc == 0)
		dataset_say(d, "no member is named labels, y, targets or the "
			       "like: images without labels");
	if (rc == 0 && z.passed != 0)
		dataset_say(d, "%.60s is what was read", z.name[IMAGES]);
	buf_free(&z.bytes[IMAGES]);
	buf_free(&z.bytes[LABELS]);
	return rc;
}
