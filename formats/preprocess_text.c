/* SPDX-License-Identifier: MIT */
#include "formats/preprocess_text.h"

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

static bool
none(const char *v)
{
	return strcmp(v, "none") == 0;
}

/* "224" or "224x256": one or two sides; their number, or 0. */
static size_t
read_sides(const char *v, uint32_t side[2])
{
	const char *x = strchr(v, 'x');
	size_t len = x != NULL ? (size_t)(x - v) : strlen(v);
	char first[16];
	uint64_t a, b = 0;

	if (len >= sizeof(first))
		return 0;
	memcpy(first, v, len);
	first[len] = '\0';
	if (!text_parse_u64(first, LIMIT_IMAGE_SIDE, &a) || a == 0)
		return 0;
	if (x != NULL &&
	    (!text_parse_u64(x + 1, LIMIT_IMAGE_SIDE, &b) || b == 0))
		return 0;
	side[0] = (uint32_t)a;
	side[1] = (uint32_t)b;
	return x != NULL ? 2 : 1;
}

static bool
read_resize(struct preprocess *p, const char *v)
{
	uint32_t side[2] = {0};
	size_t n = none(v) ? 0 : read_sides(v, side);

	if (n == 0 && !none(v))
		return false;
	p->resize = n == 0   ? RESIZE_UNKNOWN
		    : n == 1 ? RESIZE_SHORTEST
			     : RESIZE_EXACT;
	p->height = side[0];
	p->width = n == 1 ? side[0] : side[1];
	return true;
}

static bool
read_crop(struct preprocess *p, const char *v)
{
	uint32_t side[2] = {0};
	size_t n = none(v) ? 0 : read_sides(v, side);

	if (n == 0 && !none(v))
		return false;
	p->crop_height = side[0];
	p->crop_width = n == 1 ? side[0] : side[1];
	return true;
}

static bool
read_centre(struct preprocess *p, const char *v)
{
	for (int i = CENTRE_TORCHVISION; i <= CENTRE_TRANSFORMERS_FAST; i++) {
		p->centre = (enum preprocess_centre)i;
		if (strcmp(v, preprocess_centre_name(p->centre)) == 0)
			return true;
	}
	return false;
}

static bool
read_filter(struct preprocess *p, const char *v)
{
	for (int i = FILTER_NEAREST; i <= FILTER_HAMMING; i++) {
		p->filter = (enum preprocess_filter)i;
		if (strcmp(v, preprocess_filter_name(p->filter)) == 0)
			return true;
	}
	return false;
}

static bool
read_order(struct preprocess *p, const char *v)
{
	p->bgr = strcmp(v, "bgr") == 0;
	return p->bgr || strcmp(v, "rgb") == 0;
}

/* "0.5" or "1/255". */
static bool
read_number(char *s, double *out)
{
	char *slash = strchr(s, '/');
	double below = 1.0;

	if (slash != NULL) {
		*slash = '\0';
		if (!text_parse_double(slash + 1, -1e6, 1e6, &below) ||
		    below == 0.0)
			return false;
	}
	if (!text_parse_double(s, -1e6, 1e6, out))
		return false;
	*out /= below;
	return true;
}

static int
read_list(
    const char *text, double out[PREPROCESS_CHANNELS], size_t *n, struct err *e)
{
	*n = 0;
	if (none(text))
		return 0;
	for (;; ++*n) {
		size_t len = strcspn(text, ",:");
		char one[64];

		if (*n == PREPROCESS_CHANNELS)
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "more than %d values", PREPROCESS_CHANNELS);
		if (len < sizeof(one)) {
			memcpy(one, text, len);
			one[len] = '\0';
		}
		if (len >= sizeof(one) || !read_number(one, &out[*n]))
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "'%.*s' is no number", (int)MIN(len, 40), text);
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	++*n;
	return 0;
}

static bool
read_mean(struct preprocess *p, const char *v)
{
	struct err e;

	return read_list(v, p->mean, &p->nmean, &e) == 0;
}

static bool
read_std(struct preprocess *p, const char *v)
{
	struct err e;

	return read_list(v, p->std, &p->nstd, &e) == 0;
}

static const struct {
	const char *key;
	bool (*read)(struct preprocess *, const char *value);
} keys[] = {
    {"resize", read_resize},
    {"filter", read_filter},
    {"crop", read_crop},
    {"centre", read_centre},
    {"mean", read_mean},
    {"std", read_std},
    {"order", read_order},
};

static int
read_part(struct preprocess *p, char *part, struct err *e)
{
	char *value = strchr(part, '=');
	size_t i = 0;

	if (value != NULL)
		*value++ = '\0';
	while (value != NULL && i < ARRAY_LEN(keys) &&
	       strcmp(keys[i].key, part) != 0)
		i++;
	if (value == NULL || i == ARRAY_LEN(keys))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "preprocessing is no '%.40s': resize, filter, crop, "
		    "centre, mean, std or order, each with =",
		    part);
	if (!keys[i].read(p, value))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "preprocessing: %s is no '%.60s'", part, value);
	return 0;
}

int
preprocess_text_read(const char *text, struct preprocess *p, struct err *e)
{
	for (const char *end = text; *end != '\0'; text = end + 1) {
		size_t len = strcspn(text, ",");
		char part[128];
		int rc;

		end = text + len;
		if (len >= sizeof(part))
			return err_set(e, ERR_USAGE, ERR_NOWHERE,
			    "preprocessing: '%.40s...' is too long", text);
		memcpy(part, text, len);
		part[len] = '\0';
		if ((rc = read_part(p, part, e)) != 0)
			return rc;
	}
	return 0;
}

void
preprocess_text_write(const struct preprocess *p, char out[PREPROCESS_TEXT_MAX])
{
	const size_t size = PREPROCESS_TEXT_MAX;
	int n = 0;

	out[0] = '\0';
	if (p->resize == RESIZE_SHORTEST)
		n = snprintf(out, size, "resize=%" PRIu32, p->height);
	else if (p->resize == RESIZE_EXACT)
		n = snprintf(out, size, "resize=%" PRIu32 "x%" PRIu32,
		    p->height, p->width);
	if (n > 0 && p->filter != FILTER_UNKNOWN)
		n += snprintf(out + n, size - (size_t)n, ",filter=%s",
		    preprocess_filter_name(p->filter));
	if (p->crop_height != 0)
		n += snprintf(out + n, size - (size_t)n,
		    "%scrop=%" PRIu32 "x%" PRIu32, n > 0 ? "," : "",
		    p->crop_height, p->crop_width);
	if (p->crop_height != 0 && p->centre != CENTRE_TORCHVISION)
		snprintf(out + n, size - (size_t)n, ",centre=%s",
		    preprocess_centre_name(p->centre));
}

static void
merge(struct preprocess *p, const struct preprocess_wish *w)
{
	const struct preprocess *over = &w->over;

	if (over->resize != RESIZE_UNKNOWN) {
		p->resize = over->resize;
		p->height = over->height;
		p->width = over->width;
	}
	if (over->filter != FILTER_UNKNOWN)
		p->filter = over->filter;
	if (over->crop_height != 0) {
		p->crop_height = over->crop_height;
		p->crop_width = over->crop_width;
		p->centre = over->centre;
	}
	if (over->nmean != 0) {
		memcpy(p->mean, over->mean, sizeof(p->mean));
		p->nmean = over->nmean;
	}
	if (over->nstd != 0) {
		memcpy(p->std, over->std, sizeof(p->std));
		p->nstd = over->nstd;
	}
	if (w->order)
		p->bgr = over->bgr;
}

static int
read_file(struct preprocess_wish *w, const char *path, struct err *e)
{
	json_t *j;
	int rc = json_read_file(path, LIMIT_KEY_FILE, &j, e);

	if (rc != 0)
		return rc;
	if ((rc = preprocess_parse(j, &w->over, e)) != 0)
		err_in(e, path);
	w->over.from = "";
	w->order = json_object_get(j, "bgr") != NULL;
	json_decref(j);
	return rc;
}

static int
read_option(
    const char *name, const char *text, double *out, size_t *n, struct err *e)
{
	int rc = text != NULL ? read_list(text, out, n, e) : 0;

	return rc != 0 ? err_wrap(e, "--%s", name) : 0;
}

int
preprocess_text_open(struct preprocess_wish *w, const char *arg,
    const char *mean, const char *std, struct err *e)
{
	struct preprocess try = {.from = ""};
	int rc;

	*w = (struct preprocess_wish){
	    .over.from = "", .pixels = mean != NULL || std != NULL};
	w->given = arg != NULL || w->pixels;
	if ((rc = read_option("mean", mean, w->mean, &w->nmean, e)) != 0 ||
	    (rc = read_option("std", std, w->std, &w->nstd, e)) != 0 ||
	    arg == NULL)
		return rc;
	if (file_exists(arg) && !file_is_dir(arg))
		return read_file(w, arg, e);
	w->text = arg;
	return preprocess_text_read(arg, &try, e);
}

int
preprocess_text_apply(
    const struct preprocess_wish *w, struct preprocess *p, struct err *e)
{
	merge(p, w);
	if (w->pixels) {
		memcpy(p->mean, w->mean, sizeof(p->mean));
		memcpy(p->std, w->std, sizeof(p->std));
		p->nmean = w->nmean;
		p->nstd = w->nstd;
	}
	return w->text != NULL ? preprocess_text_read(w->text, p, e) : 0;
}
