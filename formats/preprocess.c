/* SPDX-License-Identifier: MIT */
#include "formats/preprocess.h"

#include "base/json.h"
#include "base/limits.h"

static const char *const resize_names[] = {
    [RESIZE_EXACT] = "exact",
    [RESIZE_SHORTEST] = "shortest",
};
static const char *const filter_names[] = {
    [FILTER_NEAREST] = "nearest",
    [FILTER_BILINEAR] = "bilinear",
    [FILTER_BICUBIC] = "bicubic",
    [FILTER_LANCZOS] = "lanczos",
    [FILTER_BOX] = "box",
    [FILTER_HAMMING] = "hamming",
};

const char *
preprocess_filter_name(enum preprocess_filter f)
{
	return filter_names[f];
}

static const char *const centre_names[] = {
    "torchvision", "transformers", "transformers-fast"};

const char *
preprocess_centre_name(enum preprocess_centre c)
{
	return centre_names[c];
}

static json_t *
list_json(const double *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_add(list, json_number(v[i]));
	return list;
}

json_t *
preprocess_json(const struct preprocess *p)
{
	json_t *j = json_object();

	json_put(j, "from", json_text(p->from != NULL ? p->from : ""));
	if (p->resize != RESIZE_UNKNOWN) {
		json_put(j, "resize", json_text(resize_names[p->resize]));
		json_put(j, "height", json_integer(p->height));
		json_put(j, "width", json_integer(p->width));
	}
	if (p->filter != FILTER_UNKNOWN)
		json_put(j, "filter", json_text(filter_names[p->filter]));
	if (p->crop_height != 0) {
		json_put(j, "crop_height", json_integer(p->crop_height));
		json_put(j, "crop_width", json_integer(p->crop_width));
		if (p->centre != CENTRE_TORCHVISION)
			json_put(
			    j, "centre", json_text(centre_names[p->centre]));
	}
	json_put(j, "bgr", json_boolean(p->bgr));
	if (p->inside)
		json_put(j, "inside", json_true());
	if (p->nmean != 0)
		json_put(j, "mean", list_json(p->mean, p->nmean));
	if (p->nstd != 0)
		json_put(j, "std", list_json(p->std, p->nstd));
	return j;
}

/* The index of the string at `key`, 0 when it is absent. */
static int
parse_name(const json_t *j, const char *key, const char *const *name, size_t n,
    size_t *out, struct err *e)
{
	const char *s;
	int rc;

	*out = 0;
	if (json_at(j, key) == NULL)
		return 0;
	if ((rc = json_get_str(j, key, &s, e)) != 0)
		return rc;
	for (*out = 1; *out < n; ++*out)
		if (strcmp(name[*out], s) == 0)
			return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "'%s' is '%.40s'", key, s);
}

static int
parse_side(const json_t *j, const char *key, uint32_t *out, struct err *e)
{
	int64_t v = 0;
	int rc = 0;

	if (json_at(j, key) != NULL)
		rc = json_get_int(j, key, 1, LIMIT_IMAGE_SIDE, &v, e);
	*out = (uint32_t)v;
	return rc;
}

static int
parse_list(
    const json_t *j, const char *key, double *out, size_t *n, struct err *e)
{
	const json_t *list;
	int rc;

	*n = 0;
	if (json_at(j, key) == NULL)
		return 0;
	if ((rc = json_get_array(j, key, &list, e)) != 0)
		return rc;
	if (json_array_size(list) > PREPROCESS_CHANNELS)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "'%s' has %zu values",
		    key, json_array_size(list));
	for (; *n < json_array_size(list); ++*n) {
		const json_t *v = json_array_get(list, *n);

		if (!json_is_number(v))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%s' is not a list of numbers", key);
		out[*n] = json_number_value(v);
	}
	return 0;
}

int
preprocess_parse(const json_t *j, struct preprocess *p, struct err *e)
{
	size_t resize, filter, centre;
	int rc;

	*p = (struct preprocess){.from = ""};
	if (json_at(j, "from") != NULL &&
	    (rc = json_get_str(j, "from", &p->from, e)) != 0)
		return rc;
	if ((rc = parse_name(j, "resize", resize_names, ARRAY_LEN(resize_names),
		 &resize, e)) != 0 ||
	    (rc = parse_name(j, "filter", filter_names, ARRAY_LEN(filter_names),
		 &filter, e)) != 0 ||
	    (rc = parse_name(j, "centre", centre_names, ARRAY_LEN(centre_names),
		 &centre, e)) != 0 ||
	    (rc = parse_side(j, "height", &p->height, e)) != 0 ||
	    (rc = parse_side(j, "width", &p->width, e)) != 0 ||
	    (rc = parse_side(j, "crop_height", &p->crop_height, e)) != 0 ||
	    (rc = parse_side(j, "crop_width", &p->crop_width, e)) != 0 ||
	    (rc = parse_list(j, "mean", p->mean, &p->nmean, e)) != 0 ||
	    (rc = parse_list(j, "std", p->std, &p->nstd, e)) != 0)
		return rc;
	if ((resize != RESIZE_UNKNOWN && p->height == 0) ||
	    (resize == RESIZE_EXACT && p->width == 0) ||
	    (p->crop_height == 0) != (p->crop_width == 0))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a resize or crop without its sides");
	p->resize = (enum preprocess_resize)resize;
	p->filter = (enum preprocess_filter)filter;
	p->centre = (enum preprocess_centre)centre;
	p->bgr = json_is_true(json_at(j, "bgr"));
	p->inside = json_is_true(json_at(j, "inside"));
	return 0;
}
