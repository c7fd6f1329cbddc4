/* SPDX-License-Identifier: MIT
 * CoreML: layers and models whose code an application has to bring, and models
 * in other files (coremltools/mlmodel/format/Model.proto, NeuralNetwork.proto).
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_arch.h"
#include "audit/check_coreml_net.h"
#include "audit/check_note.h"
#include "audit/check_path.h"
#include "base/limits.h"
#include "formats/onnx_wire.h"

struct walk {
	const struct check_file *f;
	struct err *e;
	unsigned depth;
	int rc; /* 0, or the first damage */
};

static bool
next(struct walk *w, struct rd *r, struct onnx_wire *f)
{
	struct err e = {.off = ERR_NOWHERE};
	int rc = onnx_wire_next(r, f, &e);

	if (rc < 0 && w->rc == 0) {
		*w->e = e;
		w->rc = rc;
	}
	return rc > 0;
}

/* CustomLayerParams and CustomModel: className = 10 */
static void
custom(struct walk *w, const struct onnx_wire *f, const char *what)
{
	struct rd name = onnx_wire_last(f->body, 10);

	check_find(w->f, FINDING_COREML_CUSTOM, f->at, "%s of class '%.*s'",
	    what, (int)MIN(name.len, 200),
	    name.len != 0 ? (const char *)name.base : "");
}

static void network(struct walk *, struct rd);

/* NeuralNetworkLayer: custom = 500, branch = 605, loop = 615 and the networks within,
 * which are their fields 1 and 2, 3 and 4; copy = 600 has none. */
static void
layer(struct walk *w, struct rd r)
{
	struct onnx_wire f, in;

	while (next(w, &r, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 500)
			custom(w, &f, "a layer");
		if (f.number != 600 && f.number != 605 && f.number != 615)
			continue;
		while (next(w, &f.body, &in))
			if (in.type == ONNX_WIRE_BYTES && in.number <= 5)
				network(w, in.body);
	}
}

/* NeuralNetwork and its kinds: layers = 1 */
static void
network(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	if (w->depth >= LIMIT_ONNX_DEPTH) {
		check_short(w->f, FINDING_FILE_LIMIT, r.start,
		    "networks more than %d deep", LIMIT_ONNX_DEPTH);
		return;
	}
	w->depth++;
	while (next(w, &r, &f))
		if (f.number == 1 && f.type == ONNX_WIRE_BYTES)
			layer(w, f.body);
	w->depth--;
}

static void
graph(struct walk *w, struct rd of, struct rd description, struct rd r)
{
	network(w, r);
	if (w->rc == 0)
		check_coreml_net(w->f, of, r);
	check_arch_network(w->f, description, r, false);
}

static void model(struct walk *, struct rd);

/* Pipeline: models = 1 */
static void
pipeline(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	while (next(w, &r, &f))
		if (f.number == 1 && f.type == ONNX_WIRE_BYTES)
			model(w, f.body);
}

/* PipelineClassifier and PipelineRegressor: pipeline = 1 */
static void
pipeline_of(struct walk *w, struct rd r)
{
	struct onnx_wire f;

	while (next(w, &r, &f))
		if (f.number == 1 && f.type == ONNX_WIRE_BYTES)
			pipeline(w, f.body);
}

/* ModelDescription: metadata = 100 (userDefined = 100: key = 1, value = 2) */
static void
notes(struct walk *w, struct rd description)
{
	struct rd metadata = onnx_wire_last(description, 100);
	struct onnx_wire f;
	char key[64];

	while (next(w, &metadata, &f)) {
		struct rd name;

		if (f.number != 100 || f.type != ONNX_WIRE_BYTES)
			continue;
		name = onnx_wire_last(f.body, 1);
		snprintf(key, sizeof(key), "%.*s", (int)MIN(name.len, 63),
		    name.len != 0 ? (const char *)name.base : "");
		check_note(w->f, key, onnx_wire_last(f.body, 2));
	}
}

/* Model: description = 2; which kind it is, is which field it has. */
static void
model(struct walk *w, struct rd r)
{
	struct rd all = r, description = onnx_wire_last(r, 2);
	struct onnx_wire f;

	if (w->depth >= LIMIT_ONNX_DEPTH) {
		check_short(w->f, FINDING_FILE_LIMIT, r.start,
		    "models more than %d deep", LIMIT_ONNX_DEPTH);
		return;
	}
	w->depth++;
	notes(w, description);
	while (next(w, &r, &f)) {
		if (f.type != ONNX_WIRE_BYTES)
			continue;
		if (f.number == 200 || f.number == 201)
			pipeline_of(w, f.body);
		else if (f.number == 202)
			pipeline(w, f.body);
		else if (f.number == 303 || f.number == 403 || f.number == 500)
			graph(w, all, description, f.body);
		else if (f.number == 502)
			check_arch_network(w->f, description, f.body, true);
		else if (f.number == 555)
			custom(w, &f, "a model");
		else if (f.number == 556)
			check_find(w->f, FINDING_COREML_CUSTOM, f.at,
			    "a model that is in another file");
	}
	w->depth--;
}

/*
 * BlobFileValue.fileName of a program (MIL.proto): a file beside the model, which
 * begins as "@model_path/" and goes on to the next field's tag.
 */
static void
blobs(const struct check_file *f)
{
	static const char begin[] = "@model_path/";
	const uint8_t *p = f->bytes.base, *end = p + f->bytes.len;

	while (p < end && (p = memmem(p, (size_t)(end - p), begin,
			       sizeof(begin) - 1)) != NULL) {
		const uint8_t *from = p + sizeof(begin) - 1, *to = from;
		const char *why;

		while (to < end && *to >= ' ' && *to < 0x7f)
			to++;
		why = check_path_escape(
		    (struct slice){from, (size_t)(to - from)});
		if (why != NULL)
			check_find(f, FINDING_CONFIG_PATH,
			    (uint64_t)(p - f->bytes.base),
			    "file of weights '%.*s' %s",
			    (int)MIN((size_t)(to - p), (size_t)200),
			    (const char *)p, why);
		p = to;
	}
}

void
check_coreml(const struct check_file *f)
{
	struct err e = {.off = ERR_NOWHERE};
	struct walk w = {.f = f, .e = &e};

	if (!check_is(f, "coreml"))
		return;
	check_knows(f);
	model(&w, f->bytes);
	blobs(f);
	if (w.rc != 0)
		check_short(f, FINDING_MODEL_INVALID, e.off, "%s", e.msg);
}
