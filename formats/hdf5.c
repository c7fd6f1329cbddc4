/* SPDX-License-Identifier: MIT
 * Superblocks (II.A).
 */
#include "formats/hdf5.h"

#include "base/limits.h"
#include "formats/hdf5_object.h"
#include "formats/hdf5_sum.h"

static const uint8_t magic[] = "\x89HDF\r\n\x1a\n";

/* The signature is at 0, 512, 1024, 2048, ... behind a user block. */
static bool
find(struct rd *r)
{
	struct slice s;

	for (uint64_t at = 0;; at = at != 0 ? 2 * at : 512) {
		struct rd c = *r;

		if (rd_skip(&c, at) != 0 || rd_bytes(&c, 8, &s) != 0)
			return false;
		if (memcmp(s.ptr, magic, 8) != 0)
			continue;
		*r = c;
		return true;
	}
}

bool
hdf5_probe(struct rd r)
{
	return find(&r);
}

static int
widths(struct hdf5 *h, struct rd *r, struct err *e)
{
	uint64_t pos = rd_pos(r);
	uint8_t off, size;

	if (rd_u8(r, &off) != 0 || rd_u8(r, &size) != 0)
		return hdf5_object_cut(r, "the superblock", e);
	if ((off != 2 && off != 4 && off != 8) ||
	    (size != 2 && size != 4 && size != 8))
		return err_set(e, ERR_FORMAT, pos,
		    "hdf5: addresses of %u bytes, lengths of %u", off, size);
	h->off = off;
	h->size = size;
	return 0;
}

/* Base address, an address of no interest, end of file. */
static int
places(struct hdf5 *h, struct rd *r, uint64_t *base, uint64_t *end)
{
	uint64_t other;
	int rc;

	if ((rc = hdf5_object_address(h, r, base)) != 0 ||
	    (rc = hdf5_object_address(h, r, &other)) != 0 ||
	    (rc = hdf5_object_address(h, r, end)) != 0)
		return rc;
	hdf5_object_expect(h, r, other == HDF5_NOWHERE || other < *end);
	return 0;
}

static int
old_superblock(struct hdf5 *h, struct rd *r, unsigned version, uint64_t *base,
    uint64_t *end, struct err *e)
{
	uint64_t driver, name;
	uint32_t cache;
	uint8_t space, root, reserved, shared;
	int rc;

	/* versions of what else there is, of which each has one */
	if (rd_u8(r, &space) != 0 || rd_u8(r, &root) != 0 ||
	    rd_u8(r, &reserved) != 0 || rd_u8(r, &shared) != 0)
		return hdf5_object_cut(r, "the superblock", e);
	if (space != 0 || root != 0 || shared != 0)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(r) - 4,
		    "hdf5: free space of version %u, a root of %u, shared "
		    "headers of %u",
		    space, root, shared);
	if ((rc = widths(h, r, e)) != 0)
		return rc;
	if (rd_skip(r, version == 1 ? 13 : 9) != 0 ||
	    places(h, r, base, end) != 0 ||
	    hdf5_object_address(h, r, &driver) != 0 ||
	    hdf5_object_address(h, r, &name) != 0 ||
	    hdf5_object_address(h, r, &h->root) != 0 ||
	    rd_u32le(r, &cache) != 0)
		return hdf5_object_cut(r, "the superblock", e);
	hdf5_object_expect(
	    h, r, cache <= 2 && (driver == HDF5_NOWHERE || driver < *end));
	return 0;
}

static int
new_superblock(
    struct hdf5 *h, struct rd *r, uint64_t *base, uint64_t *end, struct err *e)
{
	struct rd from = *r;
	int rc;

	from.off -= 9; /* signature and version */
	if ((rc = widths(h, r, e)) != 0)
		return rc;
	if (rd_skip(r, 1) != 0 || places(h, r, base, end) != 0 ||
	    hdf5_object_address(h, r, &h->root) != 0)
		return hdf5_object_cut(r, "the superblock", e);
	hdf5_sum_check(h, from, *r);
	return 0;
}

/* All addresses count from the base; what the file says it has must be there.
 */
static int
bind(struct hdf5 *h, struct rd whole, uint64_t sign, uint64_t base,
    uint64_t end, struct err *e)
{
	if (base != sign - whole.start)
		return err_set(e, ERR_FORMAT, sign,
		    "hdf5: base address %" PRIu64 ", the superblock is at "
		    "%" PRIu64,
		    base, sign - whole.start);
	if (end > whole.len || end < base)
		return err_set(e, ERR_TRUNCATED, whole.start + whole.len,
		    "hdf5: the file should end at %" PRIu64, end);
	whole.off = 0;
	if (rd_skip(&whole, base) != 0 ||
	    rd_sub(&whole, end - base, &h->file) != 0)
		BUG("checked above");
	return 0;
}

int
hdf5_open(struct hdf5 *h, struct rd r, struct arena *a, struct err *e)
{
	struct rd whole = r;
	uint64_t base = 0, end = 0, sign;
	uint8_t version;
	int rc;

	*h = (struct hdf5){.arena = a,
	    .records = LIMIT_HDF5_RECORDS,
	    .bytes = LIMIT_HDF5_FREE + LIMIT_HDF5_RATIO * r.len};
	map_init(&h->group, a);
	if (!find(&r))
		return err_set(
		    e, ERR_FORMAT, r.start, "hdf5: there is no superblock");
	sign = rd_pos(&r) - 8;
	if (rd_u8(&r, &version) != 0)
		return hdf5_object_cut(&r, "the superblock", e);
	if (version > 3)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r) - 1,
		    "hdf5: superblock version %u, known are 0 to 3", version);
	rc = version < 2 ? old_superblock(h, &r, version, &base, &end, e)
			 : new_superblock(h, &r, &base, &end, e);
	return rc != 0 ? rc : bind(h, whole, sign, base, end, e);
}
