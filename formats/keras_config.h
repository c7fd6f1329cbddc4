/* SPDX-License-Identifier: MIT
 * The configuration of a Keras model (config.json, or the attribute
 * model_config) as a tree of layers and the calls of each: what
 * keras/src/models/functional.py and sequential.py write, in the forms of
 * Keras 2 (inbound_nodes of nested lists) and Keras 3 (args with
 * __keras_tensor__).  Classes are looked up in our own table; nothing is
 * imported, and a class of another module is refused by name.
 *
 * All of it lives in the arena and in the JSON document, which must outlive it.
 */
#ifndef FORMATS_KERAS_CONFIG_H
#define FORMATS_KERAS_CONFIG_H

#include "base/map.h"
#include "formats/model.h"

#include <jansson.h>

#define KERAS_CONFIG_VARS   8
#define KERAS_CONFIG_IMAGE  SIZE_MAX       /* ref.child: the model's input */
#define KERAS_CONFIG_NUMBER (SIZE_MAX - 1) /* ref.child: a number */
#define KERAS_CONFIG_LIST   (SIZE_MAX - 2) /* ref.child: some */

/* What a call takes: the result of another one, a number, or a list. */
struct keras_ref {
	size_t child, call;
	double number;
	const json_t *list; /* numbers, at least one */
};

struct keras_call {
	struct keras_ref *in;
	size_t nin;
	bool training;       /* as if it were training */
	const json_t *slice; /* x[...]: what stands in the brackets, a list */
};

struct keras_layer {
	const char *class, *name;
	const char *path;     /* "outer/inner/conv" */
	const json_t *config; /* an object */
	const struct keras_class *kind;
	bool trainable;
	struct keras_call *call;
	size_t ncall;
	/* of a model */
	bool model, sequential;
	struct keras_layer *child;
	size_t nchild;
	size_t *input; /* children that are its inputs */
	size_t ninput;
	struct keras_ref output;
	/* what keras_bind.h found, in the order of the class; data NULL: it
	 * has none; and the names of their views in the graph */
	struct tensor var[KERAS_CONFIG_VARS];
	const char *drawn[KERAS_CONFIG_VARS];
};

/*
 * The tree of a document {"class_name": ..., "config": ...}.  `version`: the
 * major version of Keras that wrote it.
 */
int keras_config_parse(const json_t *, int version, struct arena *,
    struct keras_layer **out, struct err *) MUST_USE;

/* Members of a layer's configuration; `absent` when missing or null. */
bool keras_config_bool(
    const struct keras_layer *, const char *key, bool absent);
const char *keras_config_text(
    const struct keras_layer *, const char *key, const char *absent);
/* A number, or {"value": number}. */
double keras_config_real(
    const struct keras_layer *, const char *key, double absent);
/* n integers, or one for all; false when there are none such. */
bool keras_config_ints(const struct keras_layer *, const char *key, size_t n,
    int64_t *out) MUST_USE;
/* Whether the member is there and not null. */
bool keras_config_has(const struct keras_layer *, const char *key);

/* ERR_FORMAT about a layer. */
int keras_config_bad(const struct keras_layer *, struct err *, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

#endif
