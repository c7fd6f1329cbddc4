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

void
check_base64(const struct check_file *f, struct slice s, uint64_t off)
{
	struct arena a;
	uint8_t *out;
	size_t len;
	char name[64];
	bool sure = begins(s);

	if (!sure && !check_base64_old(s))
		return;
	arena_init(&a, s.len + 1);
	if ((out = arena_alloc(&a, s.len, 1)) != NULL &&
	    (len = check_decode_base64(s, out)) != 0 && check_spend(f, len) &&
	    (sure || identify_pickle(rd_mem(out, len)) >= 20)) {
		snprintf(name, sizeof(name), "base64 at %" PRIu64, off);
		check_within(f, name, rd_mem(out, len));
	}
	arena_release(&a);
}
