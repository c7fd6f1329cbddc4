/* SPDX-License-Identifier: MIT
 * Filter pipelines (IV.A.2.l): deflate, shuffle (bytes of one place of all
 * elements stand together), fletcher32 (a checksum behind the data), and LZF, which
 * h5py brings (h5py/lzf: runs of literals and references up to 8 KiB back).
 */
#include "formats/hdf5_filter.h"

#include "formats/hdf5_object.h"

#include <zlib.h>

enum {
	DEFLATE = 1,
	SHUFFLE = 2,
	FLETCHER32 = 3,
	LZF = 32000
};

#define LZF_RUN 32 /* literals in one run */

/* The library has 1 to 6; 305 and 307 are LZO and BZIP2, and of what The HDF Group
 * registers from 32000 on (docs/RegisteredFilterPlugins.md) there were 42 in 2025. */
static bool
is_anyones(uint16_t id)
{
	return (id >= DEFLATE && id <= 6) || id == 305 || id == 307 ||
	       (id >= LZF && id < LZF + 100);
}

static int
one(struct rd *r, unsigned version, uint16_t *id, struct err *e)
{
	uint16_t name = 0, flags, values;

	if (rd_u16le(r, id) != 0 ||
	    ((version == 1 || *id >= 256) && rd_u16le(r, &name) != 0) ||
	    rd_u16le(r, &flags) != 0 || rd_u16le(r, &values) != 0 ||
	    rd_skip(r, version == 1 ? (name + 7u) / 8 * 8 : name) != 0 ||
	    rd_skip(r, 4 * (uint64_t)values) != 0 ||
	    rd_skip(r, version == 1 && values % 2 != 0 ? 4 : 0) != 0)
		return hdf5_object_cut(r, "a filter", e);
	if (!is_anyones(*id))
		return err_set(e, ERR_FORMAT, rd_pos(r),
		    "hdf5: filter %u, which nobody has", *id);
	if ((*id < DEFLATE || *id > FLETCHER32) && *id != LZF)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(r),
		    "hdf5: filter %u, known are deflate, shuffle, "
		    "fletcher32 and LZF",
		    *id);
	return 0;
}

int
hdf5_filter_parse(struct rd r, struct hdf5_filters *f, struct err *e)
{
	uint8_t version, n;
	int rc = 0;

	f->n = 0;
	if (r.base == NULL)
		return 0;
	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &n) != 0 ||
	    rd_skip(&r, version == 1 ? 6 : 0) != 0)
		return hdf5_object_cut(&r, "a filter", e);
	if (version != 1 && version != 2)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: filters of version %u", version);
	if (n > HDF5_FILTERS_MAX)
		return err_set(e, ERR_LIMIT, rd_pos(&r), "hdf5: %u filters", n);
	for (; f->n < n && rc == 0; f->n++)
		rc = one(&r, version, &f->id[f->n], e);
	return rc;
}

static int
expand(struct rd *r, uint8_t *to, size_t room, size_t *len, struct err *e)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)r->base,
	    .next_out = to,
	    .avail_out = (uInt)room};
	int rc;

	if (r->len > UINT32_MAX)
		return err_set(
		    e, ERR_LIMIT, rd_pos(r), "hdf5: a chunk beyond 4 GiB");
	z.avail_in = (uInt)r->len;
	if (inflateInit(&z) != Z_OK)
		BUG("zlib");
	rc = inflate(&z, Z_FINISH);
	*len = room - z.avail_out;
	inflateEnd(&z);
	if (rc != Z_STREAM_END)
		return err_set(e, ERR_FORMAT, rd_pos(r),
		    "hdf5: a chunk that does not inflate to its size");
	return 0;
}

/* Bytes that were written before, which may overlap with where they go. */
static int
lzf_copy(uint8_t *to, size_t room, size_t *len, size_t back, size_t n)
{
	if (back > *len || n > room - *len)
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++, (*len)++)
		to[*len] = to[*len - back];
	return 0;
}

/* A byte below 32 begins a run of that many literals and one; of any other the
 * high bits are the length of a reference, the low ones of its distance. */
static int
expand_lzf(struct rd *r, uint8_t *to, size_t room, size_t *len, struct err *e)
{
	struct rd in = rd_mem(r->base, r->len);
	uint8_t head, more = 0, low;
	struct slice run;
	bool good = true;

	*len = 0;
	while (good && rd_u8(&in, &head) == 0) {
		if (head < LZF_RUN) {
			good = rd_bytes(&in, head + 1u, &run) == 0 &&
			       run.len <= room - *len;
			if (good)
				memcpy(to + *len, run.ptr, run.len);
			*len += good ? run.len : 0;
			continue;
		}
		more = 0;
		good = (head >> 5 != 7 || rd_u8(&in, &more) == 0) &&
		       rd_u8(&in, &low) == 0 &&
		       lzf_copy(to, room, len,
			   ((head & 31u) << 8 | low) + (size_t)1,
			   (head >> 5) + (size_t)more + 2) == 0;
	}
	return good ? 0
		    : err_set(e, ERR_FORMAT, rd_pos(r) + in.off,
			  "hdf5: a chunk of LZF that does not expand to its "
			  "size");
}

static void
unshuffle(const uint8_t *from, uint8_t *to, size_t size, size_t width)
{
	size_t n = size / width;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < width; k++)
			to[i * width + k] = from[k * n + i];
	/* a rest that is no whole element stays in place */
	memcpy(to + n * width, from + n * width, size - n * width);
}

/* HDF5's own form: big-endian 16-bit words. */
static uint32_t
fletcher(const uint8_t *p, size_t n)
{
	uint32_t a = 0, b = 0;

	for (size_t i = 0; i < n; i += 2) {
		a += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
		a = (a & 0xffff) + (a >> 16);
		b += a;
		b = (b & 0xffff) + (b >> 16);
	}
	a = (a & 0xffff) + (a >> 16);
	b = (b & 0xffff) + (b >> 16);
	return b << 16 | a;
}

static int
check(struct rd *cur, struct err *e)
{
	struct rd end = *cur;
	uint32_t want;

	if (cur->len < 4 || rd_skip(&end, cur->len - 4) != 0 ||
	    rd_u32le(&end, &want) != 0)
		return hdf5_object_cut(cur, "a chunk", e);
	cur->len -= 4;
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	if (fletcher(cur->base, cur->len) != want)
		return err_set(e, ERR_FORMAT, rd_pos(cur),
		    "hdf5: the checksum of a chunk is wrong");
#else
	(void)fletcher;
#endif
	return 0;
}

int
hdf5_filter_undo(const struct hdf5_filters *f, uint32_t mask, struct rd cur,
    size_t size, uint8_t *const work[2], const uint8_t **out, struct err *e)
{
	uint64_t start = cur.start;
	size_t next = 0;
	int rc = 0;

	for (size_t i = f->n; i-- > 0 && rc == 0;) {
		uint8_t *to = work[next];
		size_t len = cur.len;

		if ((mask >> i & 1) != 0)
			continue;
		if (f->id[i] == FLETCHER32) {
			rc = check(&cur, e);
			continue;
		}
		if (f->id[i] == DEFLATE) {
			rc = expand(&cur, to, size + 4, &len, e);
		} else if (f->id[i] == LZF) {
			rc = expand_lzf(&cur, to, size + 4, &len, e);
		} else if (cur.len <= size + 4) {
			unshuffle(cur.base, to, cur.len, f->width);
		} else {
			rc = err_set(e, ERR_FORMAT, start,
			    "hdf5: a chunk is larger than it should be");
		}
		cur = (struct rd){.base = to, .len = len, .start = start};
		next = 1 - next;
	}
	if (rc == 0 && cur.len != size)
		rc = err_set(e, ERR_FORMAT, start,
		    "hdf5: a chunk has %zu bytes, not %zu", cur.len, size);
	*out = cur.base;
	return rc;
}

/* --- the other way ------------------------------------------------------- */

static void
shuffle(const uint8_t *from, uint8_t *to, size_t size, size_t width)
{
	size_t n = size / width;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < width; k++)
			to[k * n + i] = from[i * width + k];
	memcpy(to + n * width, from + n * width, size - n * width);
}

/* Literals alone, which every reader of LZF takes. */
static size_t
literals(const uint8_t *from, uint8_t *to, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < size; i += LZF_RUN) {
		size_t n = MIN(size - i, (size_t)LZF_RUN);

		to[len++] = (uint8_t)(n - 1);
		memcpy(to + len, from + i, n);
		len += n;
	}
	return len;
}

size_t
hdf5_filter_room(size_t size)
{
	/* each of them may deflate what the one before made no smaller */
	for (size_t i = 0; i < HDF5_FILTERS_MAX; i++)
		size = MAX((size_t)compressBound((uLong)size),
			   size + size / LZF_RUN + 1) +
		       4;
	return size;
}

void
hdf5_filter_apply(const struct hdf5_filters *f, uint32_t mask, size_t size,
    uint8_t *const work[2], const uint8_t **out, size_t *len)
{
	size_t now = 0, room = hdf5_filter_room(size);

	for (size_t i = 0; i < f->n; i++) {
		uint8_t *from = work[now], *to = work[1 - now];
		uLongf made = (uLongf)room;
		uint32_t sum;

		if ((mask >> i & 1) != 0)
			continue;
		if (f->id[i] == FLETCHER32) {
			sum = fletcher(from, size);
			for (size_t k = 0; k < 4; k++, sum >>= 8)
				from[size++] = (uint8_t)sum;
			continue;
		}
		if (f->id[i] == SHUFFLE)
			shuffle(from, to, size, f->width);
		else if (f->id[i] == LZF)
			size = literals(from, to, size);
		else if (compress(to, &made, from, (uLong)size) == Z_OK)
			size = (size_t)made;
		else
			BUG("compress");
		now = 1 - now;
	}
	*out = work[now];
	*len = size;
}
