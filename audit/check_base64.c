/* SPDX-License-Identifier: MIT */
#include "audit/check_base64.h"

#include "base/arena.h"

#define LEAST 24 /* characters; one word of a vocabulary is never a payload */

static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

size_t
check_base64_decode(const char *s, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	size_t have = 0, len = 0;

	for (size_t i = 0; i < n; i++) {
		int v = digit(s[i]);

		if (v < 0 && (s[i] == '\n' || s[i] == '\r'))
			continue;
		if (v < 0)
			return s[i] == '=' ? len : 0;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (uint8_t)(bits >> have);
		}
	}
	return len;
}

/* A pickle (protocols 2 to 5), marshalled code, a zip, an ELF file, gzip. */
static bool
begins(const char *s, size_t len)
{
	static const char *const starts[] = {"gAI", "gAJ", "gAK", "gAL", "gAM",
	    "gAN", "gAO", "gAP", "gAQ", "gAR", "gAS", "gAT", "gAU", "gAV",
	    "gAW", "gAX", "UEsDB", "f0VMR", "H4sI", "eJ", "TVqQ"};

	if (len < LEAST)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (memcmp(s, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

void
check_base64(const struct check_file *f, const char *s, size_t n, uint64_t off)
{
	struct arena a;
	uint8_t *out;
	size_t len;
	char name[64];

	if (!begins(s, n))
		return;
	arena_init(&a, n + 1);
	if ((out = arena_alloc(&a, n, 1)) != NULL &&
	    (len = check_base64_decode(s, n, out)) != 0 &&
	    check_spend(f, len)) {
		snprintf(name, sizeof(name), "base64 at %" PRIu64, off);
		check_within(f, name, rd_mem(out, len));
	}
	arena_release(&a);
}
