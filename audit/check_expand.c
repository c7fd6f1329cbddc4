/* SPDX-License-Identifier: MIT */
#include "audit/check_expand.h"

#include "base/limits.h"

#include <zlib.h>

#define STEP ((size_t)64 << 10)

bool
check_expand_take(const struct check_file *f, struct check_expanded *x,
    const void *p, size_t n)
{
	if (n > LIMIT_INSPECT_PIECE - x->bytes.len) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "one thing within expands to more than %" PRIu64 " bytes",
		    LIMIT_INSPECT_PIECE);
		return false;
	}
	if (!check_spend(f, n))
		return false;
	buf_append(&x->bytes, p, n);
	return true;
}

/* One step; true while there is more to come. */
static bool
step(const struct check_file *f, z_stream *z, struct rd in,
    struct check_expanded *x)
{
	uint8_t out[STEP];
	uInt give = (uInt)MIN(in.len - x->used, (size_t)1 << 30);
	int rc;

	z->next_in = (Bytef *)(uintptr_t)in.base + x->used;
	z->avail_in = give;
	z->next_out = out;
	z->avail_out = STEP;
	rc = inflate(z, Z_NO_FLUSH);
	x->used += give - z->avail_in;
	if (!check_expand_take(f, x, out, STEP - z->avail_out)) {
		x->end = EXPAND_LIMIT;
		return false;
	}
	if (rc == Z_STREAM_END) {
		x->end = EXPAND_WHOLE;
		return false;
	}
	if (rc != Z_OK && rc != Z_BUF_ERROR) {
		x->end = EXPAND_DAMAGED;
		return false;
	}
	/* all was given, and still it wants more */
	if (z->avail_out != 0 && x->used == in.len) {
		x->end = EXPAND_CUT;
		return false;
	}
	return true;
}

void
check_expand_inflate(const struct check_file *f, struct rd in,
    enum check_expand_wrap wrap, struct check_expanded *x)
{
	z_stream z = {0};

	*x = (struct check_expanded){.end = EXPAND_CUT};
	if (in.len == 0)
		return;
	if (inflateInit2(&z, (int)wrap) != Z_OK)
		BUG("zlib");
	while (step(f, &z, in, x))
		continue;
	inflateEnd(&z);
}

void
check_expand_free(struct check_expanded *x)
{
	buf_free(&x->bytes);
}

const char *
check_expand_text(enum check_expand_end end)
{
	static const char *const text[] = {
	    [EXPAND_WHOLE] = "whole",
	    [EXPAND_DAMAGED] = "damaged",
	    [EXPAND_CUT] = "ends early",
	    [EXPAND_LIMIT] = "beyond a limit",
	};

	return text[end];
}
