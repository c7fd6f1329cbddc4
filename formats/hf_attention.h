/* SPDX-License-Identifier: MIT
 * Multi-head self-attention and the two-layer perceptron, as transformers'
 * vision models name their weights: query, key, value; dense.
 */
#ifndef FORMATS_HF_ATTENTION_H
#define FORMATS_HF_ATTENTION_H

#include "formats/hf.h"

struct hf_attention {
	int64_t heads, width; /* of all heads together */
	bool query_bias, key_bias, value_bias;
	const char *bias; /* (heads, T, T) added to the scores; NULL: none */
	const char *mask; /* (windows, 1, T, T), the same; NULL: none */
	int64_t windows, tokens; /* of the mask */
};

/*
 * softmax(q k^T / sqrt(width / heads) + bias + mask) v of an x (B, T, width),
 * where B is the batch times the windows; `at` has query, key and value.
 */
const char *hf_attention(
    struct draw *, const struct hf_attention *, const char *at, const char *x);

/* "<at>.intermediate.dense", activation, "<at>.output.dense". */
const char *hf_attention_mlp(struct draw *, const char *at, const char *x,
    int64_t width, int64_t hidden);

/*
 * Rows of a table of biases, one for each pair of places in a grid, as
 * (heads, T, T): `index` is T x T integers that draw_integers() made.
 */
const char *hf_attention_bias(struct draw *, const char *module,
    const char *index, int64_t tokens, int64_t heads);
/*
 * The index of that table: (di + h - 1) (2 w - 1) + dj + w - 1 for the offset
 * (di, dj) of two places of the grid.  `special`: one token stands before the
 * grid, and its pairs have the last three rows.
 */
const char *hf_attention_index(
    struct draw *, const char *name, int64_t h, int64_t w, bool special);
/* A copy of it that a file may have must say the same. */
void hf_attention_same_index(struct draw *, const char *module,
    const char *name, int64_t h, int64_t w, bool special);

#endif
