/* SPDX-License-Identifier: MIT
 * Models that are only recognised: so that their files are called by their
 * names, and nobody takes "unknown" for "harmless".
 */
#define _GNU_SOURCE /* memmem */
#include "formats/identify_probe.h"

/* How much of a file is looked at for a word. */
#define SEEN ((size_t)1 << 16)

static bool
mentions(struct rd r, const char *word)
{
	return r.len != 0 &&
	       memmem(r.base, MIN(r.len, SEEN), word, strlen(word)) != NULL;
}

/*
 * SavedModel (tensorflow/core/protobuf/saved_model.proto):
 * saved_model_schema_version 1, meta_graphs 2, which begin with their own
 * field 1, a message.  Nothing else, to the end of the file.
 */
unsigned
identify_other_savedmodel(struct rd r)
{
	uint64_t len, key, version = 0;
	size_t graphs = 0;
	struct rd body;

	if (rd_varint(&r, &key) != 0 || key != 0x08 ||
	    rd_varint(&r, &version) != 0 || version > 16)
		return 0;
	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0 || key != 0x12 ||
		    rd_varint(&r, &len) != 0 || rd_sub(&r, len, &body) != 0 ||
		    body.len == 0 || body.base[0] != 0x0a)
			return 0;
		graphs++;
	}
	return graphs != 0 ? 28 : 0;
}

/* A name, as protobuf has it in field `number`: letters, digits, and "_./>-". */
static bool
named(struct rd *r, uint64_t number)
{
	uint64_t key, len;
	struct rd s;

	if (rd_varint(r, &key) != 0 || key != (number << 3 | 2) ||
	    rd_varint(r, &len) != 0 || rd_sub(r, len, &s) != 0 || s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.base[i] == '\0' ||
		    strchr(
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_./>-",
			s.base[i]) == NULL)
			return false;
	return true;
}

/*
 * GraphDef (tensorflow/core/framework/graph.proto): node 1, library 2, the old
 * version 3, versions 4, debug_info 5; a NodeDef begins with name 1 and op 2.
 */
unsigned
identify_other_tf_graph(struct rd r)
{
	uint64_t key, value;
	size_t nodes = 0;
	struct rd body;

	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0)
			return 0;
		if (key == 0x18) {
			if (rd_varint(&r, &value) != 0)
				return 0;
			continue;
		}
		if ((key != 0x0a && key != 0x12 && key != 0x22 &&
			key != 0x2a) ||
		    rd_varint(&r, &value) != 0)
			return 0;
		/* cut off: whoever wrote it meant a graph all the same */
		if (rd_sub(&r, value, &body) != 0)
			return nodes != 0 ? 16 : 0;
		if (key != 0x0a)
			continue;
		if (!named(&body, 1) || !named(&body, 2))
			return 0;
		nodes++;
	}
	return nodes != 0 ? 26 : 0;
}

/* MetaGraphDef (meta_graph.proto): fields 1 to 7, 2 being a GraphDef. */
unsigned
identify_other_tf_meta(struct rd r)
{
	uint64_t key, len;
	unsigned bits = 0;
	struct rd body;

	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0 || (key & 7) != 2 || key < 0x0a ||
		    key > 0x3a || rd_varint(&r, &len) != 0 ||
		    rd_sub(&r, len, &body) != 0)
			return 0;
		if (key == 0x12 && (bits = identify_other_tf_graph(body)) == 0)
			return 0;
	}
	return bits;
}

/* XML with the root element of the Data Mining Group's schema */
unsigned
identify_other_pmml(struct rd r)
{
	size_t i = 0;

	if (RD_HAS(r, 0, "\xef\xbb\xbf"))
		i = 3;
	while (i < r.len && strchr(" \t\r\n", r.base[i]) != NULL &&
	       r.base[i] != '\0')
		i++;
	return i < r.len && r.base[i] == '<' && mentions(r, "<PMML") ? 32 : 0;
}

/* xgboost's Booster.save_model: JSON, UBJSON, and the older binary */
unsigned
identify_other_xgboost(struct rd r)
{
	if (RD_HAS(r, 0, "{L\0\0\0\0\0\0\0\7learner") || RD_HAS(r, 0, "binf"))
		return 40;
	/* UBJSON by other writers: the length of a key in any type, any key first */
	if (r.len > 2 && r.base[0] == '{' && r.base[1] != '\0' &&
	    strchr("iUIlL", r.base[1]) != NULL &&
	    (mentions(r, "learner_model_param") ||
		mentions(r, "gradient_booster")))
		return 32;
	if (r.len == 0 || r.base[0] != '{' || !mentions(r, "\"learner\""))
		return 0;
	return mentions(r, "\"learner_model_param\"") ||
		       mentions(r, "\"gradient_booster\"")
		   ? 24
		   : 0;
}

/* lightgbm's Booster.save_model */
unsigned
identify_other_lightgbm(struct rd r)
{
	return RD_HAS(r, 0, "tree\nversion=v") ? 40 : 0;
}

/* Pickles say which modules they import. */
static bool
is_pickle(struct rd r)
{
	return r.len >= 3 && r.base[0] == 0x80 && r.base[1] <= 5;
}

unsigned
identify_other_joblib(struct rd r)
{
	return is_pickle(r) && mentions(r, "joblib.numpy_pickle") ? 56 : 0;
}

unsigned
identify_other_sklearn(struct rd r)
{
	return is_pickle(r) && mentions(r, "sklearn.") ? 52 : 0;
}
