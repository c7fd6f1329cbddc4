/* SPDX-License-Identifier: MIT
 * transformers: image_processing_*.py and feature_extraction_*.py, versions
 * 4.6 to 4.50.  timm: data/transforms_factory.py of 1.0.
 */
#include "formats/hf_pre.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"

#include <math.h>

/* What an image becomes for a size, before a crop. */
enum growth {
	AS_SAID,
	BELOW_384, /* crop_pct below 384 */
	BY_PCT,    /* size / crop_pct */
	BY_256,    /* 256 / 224 of a shortest edge */
};

/* An image processor: what a configuration need not say. */
struct kind {
	const char *name; /* without "ImageProcessor", "FeatureExtractor" */
	bool shortest;    /* a plain size is that of the shorter side */
	enum growth growth;
	bool crop;
	uint32_t size, crop_size;
	enum preprocess_filter filter;
	double mean[3], std[3];
	bool twice; /* normalises by std once more (include_top) */
	bool bgr;
};

#define HALVES                                                                 \
	{.5, .5, .5},                                                          \
	{                                                                      \
		.5, .5, .5                                                     \
	}
#define CLIP                                                                   \
	{.48145466, .4578275, .40821073},                                      \
	{                                                                      \
		.26862954, .26130258, .27577711                                \
	}
#define USUAL false, false /* not twice, not BGR */
#define IMAGENET                                                               \
	{.485, .456, .406},                                                    \
	{                                                                      \
		.229, .224, .225                                               \
	}

static const struct kind kinds[] = {
    {"ViT", false, AS_SAID, false, 224, 0, FILTER_BILINEAR, HALVES, USUAL},
    {"DeiT", false, AS_SAID, true, 256, 224, FILTER_BICUBIC, HALVES, USUAL},
    {"Beit", false, AS_SAID, true, 256, 224, FILTER_BICUBIC, HALVES, USUAL},
    {"ConvNext", true, BELOW_384, false, 384, 0, FILTER_BILINEAR, HALVES,
	USUAL},
    {"MobileNetV1", true, AS_SAID, true, 256, 224, FILTER_BILINEAR, HALVES,
	USUAL},
    {"MobileNetV2", true, AS_SAID, true, 256, 224, FILTER_BILINEAR, HALVES,
	USUAL},
    {"MobileViT", true, AS_SAID, true, 224, 256, FILTER_BILINEAR, {0}, {0},
	false, true},
    {"EfficientNet", false, AS_SAID, false, 346, 289, FILTER_NEAREST, HALVES,
	true, false},
    {"Bit", true, AS_SAID, true, 224, 224, FILTER_BICUBIC, CLIP, USUAL},
    {"CLIP", true, AS_SAID, true, 224, 224, FILTER_BICUBIC, CLIP, USUAL},
    {"Levit", true, BY_256, true, 224, 224, FILTER_BICUBIC, IMAGENET, USUAL},
    {"PoolFormer", true, BY_PCT, true, 224, 224, FILTER_BICUBIC, IMAGENET,
	USUAL},
};

/* --- fields -------------------------------------------------------------- */

static const json_t *
value(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return v != NULL && !json_is_null(v) ? v : NULL;
}

static int
flag(const json_t *j, const char *key, bool absent, bool *out, struct err *e)
{
	const json_t *v = value(j, key);

	*out = v != NULL ? json_is_true(v) : absent;
	if (v == NULL || json_is_boolean(v))
		return 0;
	return err_set(
	    e, ERR_FORMAT, ERR_NOWHERE, "'%s' is neither true nor false", key);
}

static int
side(const json_t *v, const char *key, uint32_t *out, struct err *e)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 1 || n > LIMIT_IMAGE_SIDE)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is not within 1 to %d", key, LIMIT_IMAGE_SIDE);
	*out = (uint32_t)n;
	return 0;
}

static int
number(const json_t *j, const char *key, double absent, double lo, double hi,
    double *out, struct err *e)
{
	const json_t *v = value(j, key);

	*out = v != NULL ? json_number_value(v) : absent;
	if (v == NULL || (json_is_number(v) && *out >= lo && *out <= hi))
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "'%s' is not within %g to %g", key, lo, hi);
}

/* 224; [224, 224]; {"height": 224, "width": 224}; {"shortest_edge": 224}. */
static int
size(const json_t *j, const char *key, bool *shortest, uint32_t out[2],
    struct err *e)
{
	const json_t *v = value(j, key);
	const json_t *h = value(v, "height");
	const json_t *w = value(v, "width");
	const json_t *edge = value(v, "shortest_edge");
	int rc;

	if (json_is_array(v) && json_array_size(v) == 2) {
		h = json_array_get(v, 0);
		w = json_array_get(v, 1);
	}
	if (edge != NULL && value(v, "longest_edge") != NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'%s' limits both edges", key);
	if (h != NULL && w != NULL) {
		*shortest = false;
		if ((rc = side(h, key, &out[0], e)) != 0)
			return rc;
		return side(w, key, &out[1], e);
	}
	if (edge != NULL)
		*shortest = true;
	if (!json_is_integer(v) && edge == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'%s' is neither a side, nor height and width, nor a "
		    "shortest edge",
		    key);
	rc = side(edge != NULL ? edge : v, key, &out[0], e);
	out[1] = out[0];
	return rc;
}

/* One number, or one for each channel. */
static int
list(const json_t *j, const char *key, double *out, size_t *n, struct err *e)
{
	const json_t *v = value(j, key);
	size_t count = json_is_array(v) ? json_array_size(v) : 1;

	if (v == NULL)
		return 0;
	if (count < 1 || count > PREPROCESS_CHANNELS)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' has %zu values", key, count);
	for (size_t i = 0; i < count; i++) {
		const json_t *x = json_is_array(v) ? json_array_get(v, i) : v;

		if (!json_is_number(x) || !(fabs(json_number_value(x)) < 1e6))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%s' is not a list of numbers", key);
		out[i] = json_number_value(x);
	}
	*n = count;
	return 0;
}

/* Pillow's numbers, or their names. */
static int
filter(const json_t *j, const char *key, enum preprocess_filter absent,
    enum preprocess_filter *out, struct err *e)
{
	static const struct {
		const char *name;
		enum preprocess_filter filter;
	} known[] = {{"nearest", FILTER_NEAREST}, {"lanczos", FILTER_LANCZOS},
	    {"bilinear", FILTER_BILINEAR}, {"bicubic", FILTER_BICUBIC},
	    {"box", FILTER_BOX}, {"hamming", FILTER_HAMMING}};
	const json_t *v = value(j, key);
	const char *s = json_string_value(v);
	json_int_t n = json_integer_value(v);

	*out = absent;
	if (v == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (s != NULL ? strcmp(s, known[i].name) != 0
			      : !json_is_integer(v) || n != (json_int_t)i)
			continue;
		*out = known[i].filter;
		return 0;
	}
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "'%s' is no filter that is known here", key);
}

/* --- transformers -------------------------------------------------------- */

/* NULL: another processor; its defaults are not known. */
static const struct kind *
kind_of(const json_t *j)
{
	static const char *const suffix[] = {"ImageProcessor",
	    "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"};
	const char *s = json_string_value(value(j, "image_processor_type"));

	if (s == NULL)
		s = json_string_value(value(j, "feature_extractor_type"));
	if (s == NULL)
		return &kinds[0]; /* before 4.21 nothing was said */
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].name);

		for (size_t k = 0; k < ARRAY_LEN(suffix); k++)
			if (strncmp(s, kinds[i].name, n) == 0 &&
			    strcmp(s + n, suffix[k]) == 0)
				return &kinds[i];
	}
	return NULL;
}

static enum preprocess_centre
centre_of(const json_t *j)
{
	const char *s = json_string_value(value(j, "image_processor_type"));

	return s != NULL && text_ends_with(s, "Fast") ? CENTRE_TRANSFORMERS_FAST
						      : CENTRE_TRANSFORMERS;
}

/* A side that is cropped from: what crop_pct leaves of it. */
static int
before_crop(uint32_t crop, double pct, uint32_t *out, struct err *e)
{
	double n = floor(crop / pct);

	if (!(n >= 1 && n <= LIMIT_IMAGE_SIDE))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'crop_pct' crops %" PRIu32 " pixels from %g", crop, n);
	*out = (uint32_t)n;
	return 0;
}

/* ConvNeXt: below 384 a larger image is cropped, from there on it is not. */
static int
crop_pct(const json_t *j, struct preprocess *p, struct err *e)
{
	double pct;
	int rc = number(j, "crop_pct", 224.0 / 256.0, 0.05, 4.0, &pct, e);

	if (rc != 0)
		return rc;
	if (p->height >= 384) {
		p->resize = RESIZE_EXACT;
		return 0;
	}
	p->crop_height = p->crop_width = p->height;
	if ((rc = before_crop(p->height, pct, &p->height, e)) != 0)
		return rc;
	p->width = p->height;
	return 0;
}

/* PoolFormer: more of the image, which is then cropped, unless that is null; of
 * a square size the shorter side is meant. */
static int
by_pct(const json_t *j, struct preprocess *p, struct err *e)
{
	double pct;
	int rc = number(j, "crop_pct", 0.9, 0.05, 4.0, &pct, e);

	if (json_is_null(json_object_get(j, "crop_pct")))
		return 0;
	if (p->height == p->width)
		p->resize = RESIZE_SHORTEST;
	if (rc == 0)
		rc = before_crop(p->height, pct, &p->height, e);
	return rc != 0 ? rc : before_crop(p->width, pct, &p->width, e);
}

static int
take_size(
    const json_t *j, const struct kind *k, struct preprocess *p, struct err *e)
{
	bool shortest = k->shortest, wanted;
	uint32_t v[2] = {k->size, k->size};
	int rc;

	if ((rc = flag(j, "do_resize", true, &wanted, e)) != 0 || !wanted)
		return rc;
	if (value(j, "size") != NULL &&
	    (rc = size(j, "size", &shortest, v, e)) != 0)
		return rc;
	if (v[0] == 0)
		return 0; /* no default is known */
	p->resize = shortest ? RESIZE_SHORTEST : RESIZE_EXACT;
	p->height = v[0];
	p->width = v[1];
	if (k->growth == BELOW_384 && shortest)
		return crop_pct(j, p, e);
	if (k->growth == BY_256 && shortest)
		p->height = p->width = (uint32_t)(256.0 / 224.0 * v[0]);
	return k->growth == BY_PCT ? by_pct(j, p, e) : 0;
}

static int
take_crop(
    const json_t *j, const struct kind *k, struct preprocess *p, struct err *e)
{
	uint32_t v[2] = {k->crop_size, k->crop_size};
	bool shortest = false, wanted;
	int rc;

	if (k->growth == BELOW_384)
		return 0; /* does not look at it */
	if ((rc = flag(j, "do_center_crop", k->crop, &wanted, e)) != 0 ||
	    !wanted)
		return rc;
	if (value(j, "crop_size") != NULL &&
	    (rc = size(j, "crop_size", &shortest, v, e)) != 0)
		return rc;
	if (shortest)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'crop_size' is a shortest edge");
	p->crop_height = v[0];
	p->crop_width = v[1];
	return 0;
}

/* What is added to a scaled pixel: EfficientNet's processor subtracts 1. */
static int
take_offset(const json_t *j, const struct kind *k, double scale, double *offset,
    struct err *e)
{
	bool wanted;
	int rc;

	*offset = 0.0;
	if ((rc = flag(j, "rescale_offset", false, &wanted, e)) != 0 ||
	    !wanted || !k->twice)
		return rc;
	/* older versions subtracted 127.5 before the scale: the same for 1 /
	 * 127.5 only */
	if (fabs(scale - 2.0) > 1e-3)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'rescale_offset' with a 'rescale_factor' for which "
		    "versions of transformers differ");
	*offset = -1.0;
	return 0;
}

static double
nth(const double *v, size_t n, size_t i, double absent)
{
	return n == 0 ? absent : v[n == 1 ? 0 : i];
}

/* (scale pixel + offset - mean) / std, as (pixel - m) / s. */
static int
combine(struct preprocess *p, double scale, double offset, bool twice,
    struct err *e)
{
	size_t n = MAX(MAX(p->nmean, p->nstd), 1);
	double m[PREPROCESS_CHANNELS], s[PREPROCESS_CHANNELS];

	if (p->nmean > 1 && p->nstd > 1 && p->nmean != p->nstd)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu means and %zu deviations", p->nmean, p->nstd);
	if (p->nmean == 0 && p->nstd == 0 && scale == 1.0 && offset == 0.0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		double std = nth(p->std, p->nstd, i, 1.0);

		if (!(std > 0.0))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "a standard deviation of %g", std);
		s[i] = (twice ? std * std : std) / scale;
		m[i] = (nth(p->mean, p->nmean, i, 0.0) - offset) / scale;
	}
	memcpy(p->mean, m, n * sizeof(*m));
	memcpy(p->std, s, n * sizeof(*s));
	p->nmean = p->nstd = n;
	return 0;
}

static int
take_pixels(
    const json_t *j, const struct kind *k, struct preprocess *p, struct err *e)
{
	double scale = 1.0 / 255.0, offset;
	bool rescale, normal, top;
	int rc;

	if ((rc = flag(j, "do_rescale", true, &rescale, e)) != 0 ||
	    (rc = flag(j, "do_normalize", true, &normal, e)) != 0 ||
	    (rc = flag(j, "include_top", k->twice, &top, e)) != 0 ||
	    (rc = number(j, "rescale_factor", scale, 1e-6, 1e3, &scale, e)) !=
		0)
		return rc;
	/* pixels are within 0 to 1 here, within 0 to 255 there; what is 1 but
	 * for rounding is 1 */
	scale = rescale ? 255.0 * scale : 255.0;
	if (fabs(scale - 1.0) < 1e-4)
		scale = 1.0;
	if ((rc = take_offset(j, k, scale, &offset, e)) != 0)
		return rc;
	if (normal && k->std[0] > 0.0) {
		p->nmean = p->nstd = 3;
		memcpy(p->mean, k->mean, sizeof(k->mean));
		memcpy(p->std, k->std, sizeof(k->std));
	}
	if (normal && ((rc = list(j, "image_mean", p->mean, &p->nmean, e)) ||
			  (rc = list(j, "image_std", p->std, &p->nstd, e))))
		return rc;
	return combine(p, scale, offset, normal && k->twice && top, e);
}

int
hf_pre_processor(const json_t *j, struct preprocess *p, struct err *e)
{
	static const struct kind unknown = {.name = ""};
	const struct kind *k = kind_of(j);
	int rc;

	if (!json_is_object(j))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "is not an object");
	if (k == NULL)
		k = &unknown;
	*p = (struct preprocess){
	    .from = "preprocessor_config.json", .centre = centre_of(j)};
	if ((rc = take_size(j, k, p, e)) != 0 ||
	    (rc = take_crop(j, k, p, e)) != 0 ||
	    (rc = filter(j, "resample", k->filter, &p->filter, e)) != 0 ||
	    (rc = flag(j, "do_flip_channel_order", k->bgr, &p->bgr, e)) != 0)
		return rc;
	return take_pixels(j, k, p, e);
}

/* --- timm ---------------------------------------------------------------- */

/* input_size [3, 224, 224] is cropped out of input_size / crop_pct. */
static int
take_input(const json_t *j, struct preprocess *p, struct err *e)
{
	const json_t *v = value(j, "input_size");
	const char *mode = json_string_value(value(j, "crop_mode"));
	double pct;
	int rc;

	if (v == NULL)
		return 0;
	if (json_array_size(v) != 3)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'input_size' is not of three numbers");
	if ((rc = side(json_array_get(v, 1), "input_size", &p->crop_height,
		 e)) != 0 ||
	    (rc = side(
		 json_array_get(v, 2), "input_size", &p->crop_width, e)) != 0 ||
	    (rc = number(j, "crop_pct", 0.875, 0.05, 4.0, &pct, e)) != 0)
		return rc;
	if (mode != NULL && strcmp(mode, "center") != 0 &&
	    strcmp(mode, "squash") != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'crop_mode' is '%.40s'", mode);
	if ((rc = before_crop(p->crop_height, pct, &p->height, e)) != 0 ||
	    (rc = before_crop(p->crop_width, pct, &p->width, e)) != 0)
		return rc;
	p->resize = RESIZE_SHORTEST;
	if (mode != NULL && strcmp(mode, "squash") == 0)
		p->resize = RESIZE_EXACT;
	else if (p->height != p->width)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "'input_size' is not square");
	return 0;
}

int
hf_pre_timm(const json_t *j, struct preprocess *p, struct err *e)
{
	static const double mean[] = {.485, .456, .406};
	static const double std[] = {.229, .224, .225};
	const char *how = json_string_value(value(j, "interpolation"));
	int rc;

	/* timm/data/config.py, resolve_data_config() */
	*p = (struct preprocess){
	    .from = "pretrained_cfg", .nmean = 3, .nstd = 3};
	memcpy(p->mean, mean, sizeof(mean));
	memcpy(p->std, std, sizeof(std));
	if ((rc = take_input(j, p, e)) != 0 ||
	    (rc = list(j, "mean", p->mean, &p->nmean, e)) != 0 ||
	    (rc = list(j, "std", p->std, &p->nstd, e)) != 0)
		return rc;
	/* "random" is for training; then bilinear is as good as any */
	if (how != NULL && strcmp(how, "random") == 0)
		p->filter = FILTER_BILINEAR;
	else if ((rc = filter(
		      j, "interpolation", FILTER_BICUBIC, &p->filter, e)) != 0)
		return rc;
	return combine(p, 1.0, 0.0, false, e);
}
