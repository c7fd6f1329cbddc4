/* SPDX-License-Identifier: MIT
 * Images of noise, CLASS classes in turn: what the suites of assay-plant's
 * modules work on.
 */
#ifndef TESTS_PLANT_WORLD_H
#define TESTS_PLANT_WORLD_H

#include "tests/test.h"

#include "base/rng.h"
#include "formats/dataset.h"

#define IMAGES 400
#define SIDE   8
#define PIXELS (SIDE * SIDE)
#define CLASS  4

struct world {
	struct arena arena;
	struct dataset data;
	uint8_t pixel[IMAGES * PIXELS];
	int32_t label[IMAGES];
};

static inline int
plant_setup(void **state)
{
	static struct world w;
	struct rng r;

	w = (struct world){0};
	arena_init(&w.arena, (size_t)1 << 24);
	rng_init(&r, 1, 1);
	for (size_t i = 0; i < sizeof(w.pixel); i++)
		w.pixel[i] = (uint8_t)rng_below(&r, 256);
	for (size_t i = 0; i < IMAGES; i++)
		w.label[i] = (int32_t)(i % CLASS);
	w.data = (struct dataset){.n = IMAGES,
	    .h = SIDE,
	    .w = SIDE,
	    .c = 1,
	    .u8 = w.pixel,
	    .label = w.label,
	    .classes = CLASS};
	*state = &w;
	return 0;
}

static inline int
plant_teardown(void **state)
{
	struct world *w = *state;

	arena_release(&w->arena);
	return 0;
}

#endif
