/* SPDX-License-Identifier: MIT
 * Two nets for the suites of the methods of purification: one linear layer,
 * where everything has a closed form, and the net of fixtures/sau.
 */
#ifndef TESTS_METHOD_WORLD_H
#define TESTS_METHOD_WORLD_H

#include "tests/test.h"

#include "formats/dataset.h"
#include "purify/rounds.h"

/* The linear net: features (4 x 4 pixels), classes, images, batch. */
#define F 16
#define K 3
#define N 20
#define B 8
#define W (K * F + K) /* weights, then biases */

struct world {
	struct model model;
	struct file_map map[2];
	struct dataset data;
	struct purification p;
	float weight[W];
};

/* Set-up and teardown of a test; *state is a struct world. */
int setup_linear(void **state);
int setup_conv(void **state);
int teardown(void **state);

/* n things in the world's arena; n floats in [-scale, scale). */
void *need(struct world *, size_t n, size_t size);
void random_floats(float *to, size_t n, uint64_t seed, float scale);

/* A method with SGD, whose first step shows the gradient. */
void start_in(
    struct world *, const struct method *, size_t batch, enum batch_mode);
void start(struct world *, const struct method *, size_t batch);
/* Before the first round; a step on the first n images. */
void begin(struct world *);
struct method_terms step(struct world *, size_t n, double rate);

#endif
