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
#include "base/arena.h"
#include "base/limits.h"
#include "formats/hdf5.h"
#include "formats/onnx_wire.h"

static bool
mentions(struct rd r, const char *word)
{
	return memmem(r.base, r.len, word, strlen(word)) != NULL;
}

/* Other documents have these two words too; then one of these is a Keras's. */
static bool
is_keras(struct rd r)
{
	static const char *const words[] = {"keras", "registered_name",
	    "\"layers\"", "ambda", "module", "inbound_nodes"};

	if (!mentions(r, "class_name") || !mentions(r, "config"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (mentions(r, words[i]))
			return true;
	return false;
}

static bool
is_json(struct rd r)
{
	size_t i = 0;

	while (i < r.len && strchr(" \t\r\n", r.base[i]) != NULL &&
	       r.base[i] != '\0')
		i++;
	return i < r.len && (r.base[i] == '{' || r.base[i] == '[') &&
	       is_keras(r);
}

/* json.loads() of Python takes bytes in UTF-16 and UTF-32 too, and a mark of
 * the byte order; no Keras writes them. */
static size_t
mark(struct rd r)
{
	if (r.len >= 3 && memcmp(r.base, "\xef\xbb\xbf", 3) == 0)
		return 3;
	return r.len >= 2 && (memcmp(r.base, "\xff\xfe", 2) == 0 ||
				 memcmp(r.base, "\xfe\xff", 2) == 0)
		   ? 2
		   : 0;
}

/* JSON is ASCII but for what is in quotes: without the zeros it is readable,
 * and where it is not it is found to be broken. */
static void
recoded(const struct check_file *f)
{
	size_t at = mark(f->bytes), n = 0;
	struct arena a;
	uint8_t *s;
	struct rd r;

	/* in UTF-16 and UTF-32 such a one is of no known format, so not clean;
	 * that it is too large must be said of UTF-8 */
	if (f->bytes.len > LIMIT_KERAS_TEXT) {
		r = rd_mem(f->bytes.base + at, f->bytes.len - at);
		if (is_json(r))
			check_keras_walk_text(
			    f, "", (struct slice){r.base, r.len});
		return;
	}
	arena_init(&a, f->bytes.len + 4096);
	if ((s = arena_alloc(&a, f->bytes.len, 1)) == NULL)
		BUG("an arena of the size that was asked for");
	for (; at < f->bytes.len; at++)
		if (f->bytes.base[at] != 0)
			s[n++] = f->bytes.base[at];
	r = rd_mem(s, n);
	if (is_json(r)) {
		check_find(f, FINDING_KERAS_AMBIGUOUS, 0,
		    "a configuration in another encoding than UTF-8");
		check_keras_walk_text(f, "", (struct slice){s, n});
	}
	arena_release(&a);
}

/* A model is there before it is looked at as any other bytes: '{' in one of
 * these encodings. */
static bool
is_recoded(struct rd r)
{
	return r.len >= 8 &&
	       (mark(r) != 0 || (r.base[0] == '{' && r.base[1] == 0) ||
		   (r.base[0] == 0 && r.base[1] == '{') ||
		   (r.base[0] == 0 && r.base[1] == 0 && r.base[2] == 0 &&
		       r.base[3] == '{'));
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
	} else if (is_recoded(f->bytes)) {
		recoded(f);
	}
}
