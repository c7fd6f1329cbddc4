/* SPDX-License-Identifier: MIT
 * Keras: what a configuration would have its loader import, call or open.  It
 * is looked for wherever Keras keeps one: attributes of an HDF5 file, JSON
 * (config.json of a .keras archive is looked at as a file of its own), and
 * keras_metadata.pb of a SavedModel.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_keras_h5.h"
#include "audit/check_keras_walk.h"
#include "base/limits.h"
#include "formats/hdf5.h"
#include "formats/onnx_wire.h"

static bool
mentions(struct rd r, const char *word)
{
	return memmem(r.base, r.len, word, strlen(word)) != NULL;
}

/* The two words that every object has; a transformers config has neither. */
static bool
is_json(struct rd r)
{
	size_t i = 0;

	while (i < r.len && strchr(" \t\r\n", r.base[i]) != NULL &&
	       r.base[i] != '\0')
		i++;
	return i < r.len && (r.base[i] == '{' || r.base[i] == '[') &&
	       mentions(r, "class_name") && mentions(r, "config");
}

/*
 * keras/protobuf/saved_metadata.proto: nodes = 1, of node_path = 3,
 * identifier = 4, metadata = 5 (JSON).  Identifiers begin with "_tf_keras_".
 */
static bool
is_metadata(struct rd r)
{
	return r.len > 2 && r.base[0] == 0x0a && mentions(r, "_tf_keras_") &&
	       mentions(r, "class_name");
}

static int
node(const struct check_file *f, struct rd r, struct err *e)
{
	struct onnx_wire w;
	int rc;

	while ((rc = onnx_wire_next(&r, &w, e)) > 0) {
		struct slice s = {w.body.base, w.body.len};

		if (w.number == 5 && w.type == ONNX_WIRE_BYTES && s.len != 0)
			check_keras_walk_text(f, "metadata", s);
	}
	return rc;
}

static void
metadata(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct onnx_wire w;
	struct err e = {.off = ERR_NOWHERE};
	int rc;

	while ((rc = onnx_wire_next(&r, &w, &e)) > 0)
		if (w.number == 1 && w.type == ONNX_WIRE_BYTES &&
		    (rc = node(f, w.body, &e)) < 0)
			break;
	if (rc < 0)
		check_short(f, FINDING_KERAS_BROKEN, e.off, "%s", e.msg);
	check_knows(f);
}

void
check_keras(const struct check_file *f)
{
	if (hdf5_probe(f->bytes)) {
		check_keras_h5(f);
	} else if (is_json(f->bytes)) {
		struct slice s = {f->bytes.base, f->bytes.len};

		if (check_keras_walk_text(f, "", s))
			check_knows(f);
	} else if (is_metadata(f->bytes)) {
		metadata(f);
	}
}
