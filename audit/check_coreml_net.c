/* SPDX-License-Identifier: MIT
 * Field numbers are those of Model.proto, FeatureTypes.proto and NeuralNetwork.proto
 * (coremltools/mlmodel/format).
 */
#include "audit/check_coreml_net.h"

#include "base/limits.h"
#include "base/map.h"
#include "formats/onnx_wire.h"

enum {
	CONVOLUTION = 100,
	INNER_PRODUCT = 140,
	BRANCH = 605,
	LOOP = 615
};

struct walk {
	const struct check_file *f;
	struct arena arena;
	struct map blobs, layers;
	unsigned depth;
	bool over; /* it was said, or there is no room for more names */
};

static void
fault(struct walk *w, struct rd in, struct rd name, const char *what)
{
	if (!w->over)
		check_short(w->f, FINDING_MODEL_INVALID, in.start,
		    "coreml: '%.*s' %s", (int)MIN(name.len, 80),
		    name.len != 0 ? (const char *)name.base : "", what);
	w->over = true;
}

/* False: it was there. */
static bool
put(struct walk *w, struct map *m, struct rd name)
{
	const char *key = arena_strdup(
	    &w->arena, name.len != 0 ? (const char *)name.base : "", name.len);
	int rc = key != NULL ? map_put(m, key, 1) : ERR_LIMIT;

	w->over = w->over || rc < 0;
	return rc != 0;
}

static bool
has(const struct walk *w, struct rd name)
{
	return name.len == 0 || map_get_n(&w->blobs, (const char *)name.base,
				    name.len) != SIZE_MAX;
}

/* --- weights ------------------------------------------------------------- */

/* WeightParams: floatValue = 1, float16Value = 2; 0: kept in another way, or none */
static size_t
count(struct rd params)
{
	size_t n = 0;
	struct err ignored;

	if (onnx_wire_repeated(
		params, 1, ONNX_WIRE_FIXED32, NULL, 0, &n, &ignored) != 0)
		return 0;
	return n != 0 ? n : onnx_wire_last(params, 2).len / 2;
}

static void
compare(struct walk *w, struct rd in, struct rd name, struct rd params,
    uint64_t want)
{
	size_t n = count(params);

	if (n != 0 && n != want)
		fault(
		    w, in, name, "has another number of weights than it says");
}

/* inputChannels = 1, outputChannels = 2, weights = 20, bias = 21 */
static void
inner_product(struct walk *w, struct rd r, struct rd name)
{
	uint64_t out = onnx_wire_number(r, 2, 0), n;

	if (ckd_mul(&n, onnx_wire_number(r, 1, 0), out))
		n = 0;
	compare(w, r, name, onnx_wire_last(r, 20), n);
	compare(w, r, name, onnx_wire_last(r, 21), out);
}

/* outputChannels = 1, kernelChannels = 2, kernelSize = 20 (3 x 3 by default),
 * isDeconvolution = 60, weights = 90, bias = 91 */
static void
convolution(struct walk *w, struct rd r, struct rd name)
{
	uint64_t out = onnx_wire_number(r, 1, 0), n;
	uint8_t size[2 * 8] = {3, [8] = 3};
	size_t sizes = 0;
	struct err e;

	if (onnx_wire_number(r, 60, 0) != 0 ||
	    onnx_wire_repeated(r, 20, ONNX_WIRE_VARINT, NULL, 0, &sizes, &e) !=
		0 ||
	    (sizes != 0 && sizes != 2) ||
	    (sizes == 2 && onnx_wire_repeated(r, 20, ONNX_WIRE_VARINT, size, 8,
			       &sizes, &e) != 0))
		return;
	n = out;
	if (ckd_mul(&n, n, onnx_wire_number(r, 2, 0)))
		n = 0;
	for (size_t i = 0; i < 2; i++) {
		struct rd one = rd_mem(size + 8 * i, 8);
		uint64_t v = 0;

		if (rd_u64le(&one, &v) != 0 || ckd_mul(&n, n, v))
			n = 0;
	}
	compare(w, r, name, onnx_wire_last(r, 90), n);
	compare(w, r, name, onnx_wire_last(r, 91), out);
}

/* --- layers -------------------------------------------------------------- */

static void layers(struct walk *, struct rd);

/* A network in a layer sees the blobs around it, and what it makes is seen there. */
static void
within(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	if (w->depth == LIMIT_ONNX_DEPTH)
		return;
	w->depth++;
	while (!w->over && onnx_wire_step(&r, &f))
		if (f.type == ONNX_WIRE_BYTES && f.number <= 5)
			layers(w, f.body);
	w->depth--;
}

/* NeuralNetworkLayer: name = 1, input = 2, output = 3 */
static void
layer(struct walk *w, struct rd r)
{
	struct rd name = onnx_wire_last(r, 1), in = r, out = r;
	struct onnx_wire f;

	if (name.len != 0 && !put(w, &w->layers, name))
		fault(w, r, name, "is the name of two layers");
	while (!w->over && onnx_wire_step(&in, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 2 && !has(w, f.body))
			fault(w, r, f.body, "is taken and was not made before");
		else if (f.number == INNER_PRODUCT)
			inner_product(w, f.body, name);
		else if (f.number == CONVOLUTION)
			convolution(w, f.body, name);
		else if (f.number == BRANCH || f.number == LOOP)
			within(w, f.body);
	}
	while (!w->over && onnx_wire_step(&out, &f))
		if (f.number == 3 && f.type == ONNX_WIRE_BYTES)
			(void)put(w, &w->blobs, f.body);
}

/* NeuralNetwork: layers = 1 */
static void
layers(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	while (!w->over && onnx_wire_step(&r, &f))
		if (f.number == 1 && f.type == ONNX_WIRE_BYTES)
			layer(w, f.body);
}

/* --- the description ----------------------------------------------------- */

/* FeatureDescription: name = 1, type = 3 (multiArrayType = 5 of shape = 1) */
static void
feature(struct walk *w, struct rd r)
{
	struct rd name = onnx_wire_last(r, 1);
	struct rd array = onnx_wire_last(onnx_wire_last(r, 3), 5);
	struct onnx_wire f;

	while (onnx_wire_step(&array, &f)) {
		uint64_t d = f.value;

		if (f.number != 1)
			continue;
		while (f.type == ONNX_WIRE_BYTES && rd_left(&f.body) != 0 &&
		       rd_varint(&f.body, &d) == 0 && d <= INT64_MAX)
			;
		if (f.type == ONNX_WIRE_VARINT || f.body.len != 0)
			if (d > INT64_MAX)
				fault(w, r, name, "has a negative size");
	}
}

/* ModelDescription: input = 1, output = 10, trainingInput = 50; that outputs are made
 * is not asked: a classifier's label and probabilities are no layer's. */
static void
description(struct walk *w, struct rd r, bool outputs)
{
	struct onnx_wire f;

	while (!w->over && onnx_wire_step(&r, &f)) {
		struct rd name;

		if (f.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(f.body, 1);
		if (!outputs && (f.number == 1 || f.number == 50)) {
			feature(w, f.body);
			(void)put(w, &w->blobs, name);
		}
		if (outputs && f.number == 10)
			feature(w, f.body);
	}
}

/* Model: description = 2, which protobuf merges where there are several */
static void
descriptions(struct walk *w, struct rd model, bool outputs)
{
	struct onnx_wire f;

	while (onnx_wire_step(&model, &f))
		if (f.number == 2 && f.type == ONNX_WIRE_BYTES)
			description(w, f.body, outputs);
}

void
check_coreml_net(const struct check_file *f, struct rd model, struct rd network)
{
	struct walk w = {.f = f};

	arena_init(&w.arena, LIMIT_TF_ARENA);
	map_init(&w.blobs, &w.arena);
	map_init(&w.layers, &w.arena);
	descriptions(&w, model, false);
	layers(&w, network);
	descriptions(&w, model, true);
	arena_release(&w.arena);
}
