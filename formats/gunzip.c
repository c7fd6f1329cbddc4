/* SPDX-License-Identifier: MIT
 * The length stated at the end is not to be trusted, so the stream is expanded
 * twice: once to count, once into a block of just that size.
 */
#include "formats/gunzip.h"

#include <zlib.h>

#define SCRATCH ((size_t)64 << 10)
#define GZIP    (15 + 16) /* largest window, gzip wrapping only */

bool
gunzip_probe(struct rd r)
{
	return r.len >= 3 && r.base[0] == 0x1f && r.base[1] == 0x8b &&
	       r.base[2] == 8;
}

static int
complain(const z_stream *z, const struct rd *r, int code, struct err *e)
{
	return err_set(e, code, r->start + (r->len - z->avail_in), "gzip: %s",
	    code == ERR_TRUNCATED ? "stream ends early"
	    : z->msg != NULL      ? z->msg
				  : "not a gzip stream");
}

/* Expand into out, or into nothing when out is NULL; *total is the length. */
static int
expand(z_stream *z, const struct rd *r, uint8_t *out, uint64_t limit,
    uint64_t *total, struct err *e)
{
	uint8_t scratch[SCRATCH];
	int rc;

	*total = 0;
	for (;;) {
		uint64_t room = MIN(limit - *total, SCRATCH);
		uint8_t spare;

		z->next_out = room == 0     ? &spare
			      : out != NULL ? out + *total
					    : scratch;
		z->avail_out = room == 0 ? 1 : (uInt)room;
		rc = inflate(z, Z_NO_FLUSH);
		if (room == 0 && z->avail_out == 0)
			return err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "gzip: more than %" PRIu64 " bytes inside", limit);
		if (room != 0)
			*total += room - z->avail_out;
		if (rc == Z_BUF_ERROR ||
		    (rc == Z_OK && z->avail_in == 0 && z->avail_out != 0))
			return complain(z, r, ERR_TRUNCATED, e);
		if (rc == Z_STREAM_END && z->avail_in == 0)
			return 0;
		if (rc == Z_STREAM_END)
			rc = inflateReset(z);
		if (rc != Z_OK)
			return complain(z, r, ERR_FORMAT, e);
	}
}

static int
pass(const struct rd *r, uint8_t *out, uint64_t limit, uint64_t *total,
    struct err *e)
{
	z_stream z = {0};
	int rc;

	if (r->len > UINT32_MAX)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "gzip: more than 4 GiB");
	z.next_in = (Bytef *)(uintptr_t)r->base;
	z.avail_in = (uInt)r->len;
	if (inflateInit2(&z, GZIP) != Z_OK)
		BUG("zlib");
	rc = expand(&z, r, out, limit, total, e);
	inflateEnd(&z);
	return rc;
}

int
gunzip(
    struct rd r, struct arena *a, uint64_t limit, struct rd *out, struct err *e)
{
	uint64_t total, again;
	uint8_t *p;
	int rc;

	if ((rc = pass(&r, NULL, limit, &total, e)) != 0)
		return rc;
	if ((p = arena_alloc(a, total, 1)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	if ((rc = pass(&r, p, total, &again, e)) != 0)
		return rc;
	*out = rd_mem(p, total);
	return 0;
}
