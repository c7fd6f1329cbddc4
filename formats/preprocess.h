/* SPDX-License-Identifier: MIT
 * What happens to an image before a model sees it.  Size and crop are done to
 * the data (formats/resize.h); the order of channels, scale, mean and standard
 * deviation become leading nodes of the graph (formats/pixel.h), so that
 * gradients are those of pixels in [0,1].
 */
#ifndef FORMATS_PREPROCESS_H
#define FORMATS_PREPROCESS_H

#include "base/err.h"

#include <jansson.h>

#define PREPROCESS_CHANNELS 4

enum preprocess_resize {
	RESIZE_UNKNOWN,  /* nothing said */
	RESIZE_EXACT,    /* to height x width, whatever the shape was */
	RESIZE_SHORTEST, /* the shorter side to `height`, shape kept */
};

enum preprocess_filter {
	FILTER_UNKNOWN,
	FILTER_NEAREST,
	FILTER_BILINEAR, /* Pillow's: antialiased */
	FILTER_BICUBIC,
	FILTER_LANCZOS,
	FILTER_BOX,
	FILTER_HAMMING, /* the last */
};

/* Where a centre crop rounds to when an odd number of pixels is left out, or
 * added because the image is too small. */
enum preprocess_centre {
	CENTRE_TORCHVISION,       /* out in front: to even; added: down */
	CENTRE_TRANSFORMERS,      /* down; up (image_transforms.center_crop) */
	CENTRE_TRANSFORMERS_FAST, /* down; down (its torchvision backend) */
};

struct preprocess {
	enum preprocess_resize resize;
	enum preprocess_filter filter;
	uint32_t height, width;           /* of the resize */
	uint32_t crop_height, crop_width; /* centre crop after it; 0: none */
	enum preprocess_centre centre;    /* of the crop */
	bool bgr;                         /* the model takes blue, green, red */
	/* order, mean and std are nodes of the graph already (formats/pixel.h) */
	bool inside;
	/* the model takes (pixel - mean) / std of pixels in [0,1]; n of
	 * each: 0 (not given), 1, or one a channel in the model's order */
	double mean[PREPROCESS_CHANNELS], std[PREPROCESS_CHANNELS];
	size_t nmean, nstd;
	const char *from; /* "preprocessor_config.json", ...; "": unknown */
};

/* "torchvision", "transformers", "transformers-fast". */
const char *preprocess_centre_name(enum preprocess_centre);
/* "bilinear"; not of FILTER_UNKNOWN. */
const char *preprocess_filter_name(enum preprocess_filter);
/* {"resize":"shortest","height":256,...}; fields that are unknown are left
 * out.  A new reference. */
json_t *preprocess_json(const struct preprocess *);
/*
 * The reverse; `from` is borrowed from j, "" when it is absent.  ERR_FORMAT
 * names the field.
 */
int preprocess_parse(
    const json_t *j, struct preprocess *, struct err *) MUST_USE;

#endif
