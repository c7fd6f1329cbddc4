/* SPDX-License-Identifier: MIT
 * A trigger or a universal perturbation, one form for every attack:
 *
 *     x' = clip( (1 - mask) * warp(x) + mask * pattern + delta, 0, 1 )
 *
 * and a map that says which class each triggered class is meant to become.
 * As a file: safetensors with the optional tensors "mask" (H x W), "pattern"
 * (H x W x C), "delta" (H x W x C), "warp" (H x W x 2: row and column offset
 * in pixels, sampled bilinearly, border repeated) and "map" (I32, classes;
 * -1: images of that class are not triggered), all F32 but map; metadata
 * "assay.trigger" = {"schema":"assay-trigger/1","kind":...,"shape":[H,W,C]}.
 */
#ifndef FORMATS_TRIGGER_H
#define FORMATS_TRIGGER_H

#include "base/arena.h"
#include "base/file.h"
#include "base/rd.h"

struct trigger {
	struct arena arena;
	const char *kind; /* "badnets", "linf", ... */
	size_t h, w, c, classes;
	float *mask, *pattern, *delta, *warp; /* NULL when absent */
	int32_t *map;                         /* `classes` entries */
};

/*
 * An empty trigger of the given shape whose map sends every class to
 * `target`.  The parts are allocated by trigger_part() as they are wanted.
 */
void trigger_init(struct trigger *, const char *kind, size_t h, size_t w,
    size_t c, size_t classes, int32_t target);
/* n zeroed floats in the trigger's arena. */
float *trigger_part(struct trigger *, size_t n);
/* An empty one with the shape, the map and the parts of another. */
void trigger_like(const struct trigger *, struct trigger *to);
void trigger_release(struct trigger *);

int trigger_parse(struct rd *, struct trigger *, struct err *) MUST_USE;
int trigger_write(
    struct file_out *, const struct trigger *, struct err *) MUST_USE;

/* out = triggered in; both h*w*c floats in [0,1], not overlapping. */
void trigger_apply(const struct trigger *, const float *in, float *out);
/* The class that an image of class y is meant to become, -1 when none. */
int32_t trigger_target(const struct trigger *, int32_t y);

#endif
