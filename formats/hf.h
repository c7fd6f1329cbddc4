/* SPDX-License-Identifier: MIT
 * What the families of Hugging Face's transformers (arch_hf_*.c) share: values
 * of config.json, which is as hostile as the weights, and layers that their
 * configurations choose.  Values that are absent or null are transformers'
 * defaults; what is out of bounds, or contradicts a tensor, fails the drawing
 * with ERR_FORMAT.  Nothing here loops as often as a configuration says.
 */
#ifndef FORMATS_HF_H
#define FORMATS_HF_H

#include "formats/draw.h"

/* Entries in a list of a configuration: stages, blocks. */
#define HF_LIST 64

/* Whether the configuration is of this model_type. */
bool hf_is(const json_t *config, const char *model_type);
/*
 * What match() of a family says: that of the configuration and a name that all
 * its models have; 0 when either differs.
 */
size_t hf_match(const struct weights *, const json_t *config,
    const char *model_type, const char *name);

/* Fail with ERR_FORMAT unless something failed before. */
void hf_bad(struct draw *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* These give `absent`, or any value within bounds, after a failure. */
int64_t hf_int(
    struct draw *, const char *key, int64_t absent, int64_t lo, int64_t hi);
double hf_real(
    struct draw *, const char *key, double absent, double lo, double hi);
bool hf_flag(struct draw *, const char *key, bool absent);
/* NULL when absent. */
const char *hf_text(struct draw *, const char *key);
/* A list of at most HF_LIST integers into *out, which has the defaults and *n
 * of them; untouched when absent. */
void hf_ints(
    struct draw *, const char *key, int64_t *out, size_t *n, int64_t hi);
/* 16, or [16, 16]: height and width. */
void hf_pair(
    struct draw *, const char *key, int64_t absent, int64_t hi, int64_t out[2]);
/* Above 0 and below 1. */
double hf_epsilon(struct draw *, const char *key, double absent);

/* The tensor has exactly these dimensions. */
void hf_dims(struct draw *, const char *module, const char *name, size_t rank,
    const int64_t *dim);
/* Layers "<base>.0" to "<base>.n-1" that have such a tensor. */
size_t hf_count(const struct draw *, const char *base, const char *tensor);

/*
 * Set the size of the image: what the files say of preprocessing, else
 * config's image_size; `fixed`: the weights fit image_size alone, and
 * preprocessing that says otherwise is an error.  out: height and width.
 */
void hf_image(struct draw *, int64_t absent, bool fixed, int64_t out[2]);

/* config's hidden_act; `absent`: its default. */
const char *hf_activation(
    struct draw *, const char *absent, const char *at, const char *x);

/*
 * A weight that is there and plays no part.  Only by its full name: one that
 * a layer might have been expected to use is never passed over.
 */
void hf_ignore(struct draw *, const char *module, const char *name);

/*
 * x W^T + b of `in` to `out` numbers.  Whether there is a bias is
 * configuration: transformers drops one too many without an error and makes
 * one up where it is missing, and so a file is refused that has it otherwise.
 */
const char *hf_linear(struct draw *, const char *module, const char *x,
    int64_t in, int64_t out, bool bias);
/* Norms over so many channels. */
const char *hf_layer_norm(struct draw *, const char *module, const char *x,
    int64_t width, double eps);
const char *hf_batch_norm(struct draw *, const char *module, const char *x,
    int64_t channels, double eps);
/* The last layer, on (N, in). */
const char *hf_classifier(
    struct draw *, const char *module, const char *x, int64_t in);

struct hf_window {
	int64_t stride, dilation, groups; /* 0 is 1 */
	int64_t before, after;            /* pads: top and left, the others */
	bool same;                        /* TensorFlow's SAME instead */
	bool bias;                        /* as for hf_linear() */
};

const char *hf_conv(
    struct draw *, const char *module, const char *x, struct hf_window);
/* x[:, from:from + 1] of (N, T, C), as (N, C). */
const char *hf_token(
    struct draw *, const char *at, const char *x, int64_t from);
/* x * c, and a name for c. */
const char *hf_scale(
    struct draw *, const char *at, const char *name, const char *x, double c);
/* Layer norm over the channels of (N, C, H, W). */
const char *hf_norm_2d(struct draw *, const char *module, const char *x,
    int64_t channels, double eps);

#endif
