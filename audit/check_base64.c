/* SPDX-License-Identifier: MIT */
#include "audit/check_base64.h"

#include "audit/check_decode.h"
#include "base/arena.h"
#include "formats/identify_probe.h"
#include "formats/pickle_coded.h"

#define LEAST 24 /* characters; one word of a vocabulary is never a payload */

/* A pickle, perhaps compressed; a zip, an ELF file, a Windows program, objects
 * of Java, a document of Office. */
static bool
begins(struct slice s)
{
	static const char *const starts[] = {
	    "UEsDB", "f0VMR", "TVqQ", "TVpQ", "rO0AB", "0M8R4KGxGuE"};

	if (s.len < LEAST)
		return false;
	if (pickle_coded(s) == PICKLE_CODED_BASE64)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (memcmp(s.ptr, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

bool
check_base64_old(struct slice s)
{
	/* c and a letter, ( and an opcode that pushes */
	static const char *const starts[] = {
	    "Y1", "Y2", "Y3", "KE", "KF", "KG", "KC"};

	for (size_t i = 0; s.len >= LEAST && i < ARRAY_LEN(starts); i++)
		if (memcmp(s.ptr, starts[i], 2) == 0)
			return true;
	return false;
}

/* Looked at when it is a pickle, or for certain something else that counts. */
static void
decoded(const struct check_file *f, const char *how, uint64_t off,
    const uint8_t *p, size_t len, bool sure)
{
	char name[64];

	if (len == 0 || !check_spend(f, len) ||
	    (!sure && identify_pickle(rd_mem(p, len)) < 20))
		return;
	snprintf(name, sizeof(name), "%s at %" PRIu64, how, off);
	check_within(f, name, rd_mem(p, len));
}

static void
base64(const struct check_file *f, struct slice s, uint64_t off)
{
	struct arena a;
	uint8_t *out;
	bool sure = begins(s);

	if (!sure && !check_base64_old(s))
		return;
	arena_init(&a, s.len + 1);
	if ((out = arena_alloc(&a, s.len, 1)) != NULL)
		decoded(
		    f, "base64", off, out, check_decode_base64(s, out), sure);
	arena_release(&a);
}

static void
hexadecimal(const struct check_file *f, struct slice s, uint64_t off)
{
	struct arena a;
	uint8_t *out;

	if (s.len < LEAST || pickle_coded(s) != PICKLE_CODED_HEX)
		return;
	arena_init(&a, s.len + 1);
	if ((out = arena_alloc(&a, s.len, 1)) != NULL)
		decoded(f, "hexadecimal", off, out, check_decode_hex(s, out),
		    pickle_coded((struct slice){out, s.len / 2}) ==
			PICKLE_CODED_BYTES);
	arena_release(&a);
}

/*
 * Any word is base85 of something, so the first bytes have to be a pickle's
 * before the rest is decoded, and then all of them.
 */
static void
base85(const struct check_file *f, struct slice s, uint64_t off, bool ascii85)
{
	uint8_t first[40], *out;
	struct arena a;
	size_t len;

	if (s.len < LEAST ||
	    check_decode_base85((struct slice){s.ptr, 10}, ascii85, first) <
		8 ||
	    pickle_coded((struct slice){first, 8}) != PICKLE_CODED_BYTES)
		return;
	arena_init(&a, 4 * s.len + 64);
	if ((out = arena_alloc(&a, 4 * s.len + 4, 1)) != NULL &&
	    (len = check_decode_base85(s, ascii85, out)) != 0 &&
	    (out[0] != 0x80 || identify_pickle(rd_mem(out, len)) >= 48))
		decoded(f, "base85", off, out, len, true);
	arena_release(&a);
}

void
check_base64(const struct check_file *f, struct slice s, uint64_t off)
{
	base64(f, s, off);
	hexadecimal(f, s, off);
	base85(f, s, off, false);
	if (s.len > 4 && memcmp(s.ptr, "<~", 2) == 0 &&
	    memcmp(s.ptr + s.len - 2, "~>", 2) == 0)
		s = (struct slice){s.ptr + 2, s.len - 4};
	base85(f, s, off, true);
}
