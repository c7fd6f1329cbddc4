/* SPDX-License-Identifier: MIT
 * Arrow (also Feather) and Parquet: pyarrow before 14.0.1 unpickled the metadata
 * of a field whose extension type is arrow.py_extension_type as soon as the file
 * was opened (CVE-2023-47248), and later ones do so when asked to.  In Arrow
 * the schema stands as it is, in Parquet in base64 behind the key ARROW:schema.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"
#include "audit/check_decode.h"

#include "base/arena.h"
#include "formats/identify_probe.h"

static const char extension[] = "arrow.py_extension_type";
static const char metadata[] = "ARROW:extension:metadata";
static const char schema[] = "ARROW:schema";

/* How far behind the key the value of an entry begins, and schemas of one file
 * that are read. */
#define KEY_TO_VALUE 64
#define SCHEMAS      16

static const uint8_t *
find(struct rd r, size_t from, const char *word)
{
	return from < r.len
		   ? memmem(r.base + from, r.len - from, word, strlen(word))
		   : NULL;
}

/* The value of the metadata is the pickle: its bytes stand somewhere beside the
 * key, in the order that flatbuffers were written in. */
static void
pickles(const struct check_file *f, struct rd r)
{
	const uint8_t *key = find(r, 0, metadata);
	size_t at = key != NULL ? (size_t)(key - r.base) : 0;
	size_t from = at > 4096 ? at - 4096 : 0, to = MIN(r.len, at + 4096);

	for (size_t i = from; key != NULL && i + 4 < to; i++) {
		struct rd rest = rd_mem(r.base + i, to - i);

		if (r.base[i] != 0x80 || r.base[i + 1] < 2 ||
		    r.base[i + 1] > 5 || identify_pickle(rest) == 0)
			continue;
		check_within(f, "metadata of an extension type", rest);
		return;
	}
}

static void
look(const struct check_file *f, struct rd r, uint64_t at)
{
	const uint8_t *p = find(r, 0, extension);

	if (p == NULL)
		return;
	check_find(f, FINDING_OBJECT_CODE,
	    at == ERR_NOWHERE ? (uint64_t)(p - r.base) : at,
	    "an extension type that is a pickle, %s", extension);
	pickles(f, r);
}

/* KeyValue of the footer in Thrift: key, then a length, then the value, which
 * begins with the continuation 0xffffffff of a message ("/////"). */
static void
parquet(const struct check_file *f)
{
	const uint8_t *p;
	size_t at = 0;

	for (int i = 0; i < SCHEMAS && (p = find(f->bytes, at, schema)) != NULL;
	     i++) {
		struct rd r = f->bytes;
		struct arena a;
		struct slice text;
		uint8_t *out;

		at = (size_t)(p - r.base) + sizeof(schema) - 1;
		p = memmem(
		    r.base + at, MIN(r.len - at, KEY_TO_VALUE), "/////", 5);
		if (p == NULL)
			continue;
		text = (struct slice){p, r.len - (size_t)(p - r.base)};
		text.len = check_decode_base64_run(text);
		if (!check_spend(f, text.len))
			return;
		arena_init(&a, text.len + 64);
		if ((out = arena_alloc(&a, text.len, 1)) != NULL)
			look(f, rd_mem(out, check_decode_base64(text, out)),
			    (uint64_t)(p - r.base));
		arena_release(&a);
	}
}

void
check_arrow(const struct check_file *f)
{
	if (check_is(f, "arrow") || check_is(f, "parquet"))
		look(f, f->bytes, ERR_NOWHERE);
	if (check_is(f, "parquet"))
		parquet(f);
}
