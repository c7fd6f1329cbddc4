/* SPDX-License-Identifier: MIT
 * Chunks by the first version of B-trees (III.A.1), or one chunk for all, or
 * all of them one after the other (layout version 4).
 */
#include "formats/hdf5_chunk.h"

#include "base/limits.h"
#include "formats/hdf5_filter.h"
#include "formats/hdf5_object.h"

#define LEVELS 16

struct chunks {
	struct hdf5 *h;
	struct tensor *t;
	struct hdf5_filters filters;
	uint64_t dim[MODEL_MAX_RANK];  /* of a chunk */
	uint64_t grid[MODEL_MAX_RANK]; /* chunks along each dimension */
	uint64_t total, seen;
	size_t size, width; /* bytes of a chunk, of an element */
	uint8_t *data, *had, *work[2];
	const uint8_t **key; /* of each chunk; NULL: not asked for */
	bool sparse;         /* chunks may be missing */
};

/* --- one chunk ----------------------------------------------------------- */

/* Copy rows along the last dimension, leaving out what is beyond the edge. */
static void
place(struct chunks *c, const uint64_t *at, const uint8_t *from)
{
	const struct tensor *t = c->t;
	size_t last = t->rank - 1;
	uint64_t row[MODEL_MAX_RANK] = {0};
	uint64_t n = MIN(c->dim[last], t->dim[last] - at[last]);

	for (;;) {
		uint64_t src = 0, dst = 0;
		bool inside = true;
		size_t k = last;

		for (size_t i = 0; i <= last; i++) {
			inside = inside && at[i] + row[i] < t->dim[i];
			src = src * c->dim[i] + row[i];
			dst = dst * t->dim[i] + at[i] + row[i];
		}
		if (inside)
			memcpy(c->data + dst * c->width, from + src * c->width,
			    (size_t)n * c->width);
		while (k > 0 && ++row[k - 1] == c->dim[k - 1])
			row[--k] = 0;
		if (k == 0)
			return;
	}
}

/* `len` bytes at an address are the chunk whose first element is `at`. */
static int
take(struct chunks *c, const uint64_t *at, uint64_t where, uint64_t len,
    uint32_t mask, const uint8_t *key, struct err *e)
{
	const uint8_t *bytes;
	struct rd r, raw;
	uint64_t i = 0;
	int rc;

	for (size_t k = 0; k < c->t->rank; k++) {
		if (at[k] % c->dim[k] != 0 || at[k] >= c->t->dim[k])
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "hdf5: a chunk at %" PRIu64 " of dimension %zu",
			    at[k], k);
		i = i * c->grid[k] + at[k] / c->dim[k];
	}
	if (c->had[i])
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "hdf5: a chunk is there twice");
	if ((rc = hdf5_object_spend(c->h, 1, e)) != 0 ||
	    (rc = hdf5_object_at(c->h, where, "a chunk", &r, e)) != 0)
		return rc;
	if (rd_sub(&r, len, &raw) != 0)
		return hdf5_object_cut(&r, "a chunk", e);
	if ((rc = hdf5_filter_undo(
		 &c->filters, mask, raw, c->size, c->work, &bytes, e)) != 0)
		return rc;
	place(c, at, bytes);
	c->had[i] = 1;
	if (c->key != NULL)
		c->key[i] = key;
	c->seen++;
	return 0;
}

/* --- where they are ------------------------------------------------------ */

static int
key(const struct chunks *c, struct rd *r, uint32_t *len, uint32_t *mask,
    uint64_t *at, uint64_t *child)
{
	uint64_t zero;
	int rc;

	if ((rc = rd_u32le(r, len)) != 0 || (rc = rd_u32le(r, mask)) != 0)
		return rc;
	for (size_t i = 0; i < c->t->rank; i++)
		if ((rc = rd_u64le(r, &at[i])) != 0)
			return rc;
	if ((rc = rd_u64le(r, &zero)) != 0)
		return rc;
	return hdf5_object_address(c->h, r, child);
}

static int
tree(struct chunks *c, uint64_t where, unsigned above, struct err *e)
{
	uint64_t at[MODEL_MAX_RANK], child;
	uint32_t len, mask;
	uint8_t type, level;
	uint16_t n;
	struct rd r;
	int rc;

	if ((rc = hdf5_object_spend(c->h, 1, e)) != 0 ||
	    (rc = hdf5_object_signed(c->h, where, "TREE", &r, e)) != 0)
		return rc;
	if (rd_u8(&r, &type) != 0 || rd_u8(&r, &level) != 0 ||
	    rd_u16le(&r, &n) != 0 || rd_skip(&r, 2 * c->h->off) != 0)
		return hdf5_object_cut(&r, "a tree", e);
	if (type != 1 || level >= above)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: a tree of type %u and level %u inside a dataset",
		    type, level);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const uint8_t *place = r.base + r.off;

		if (key(c, &r, &len, &mask, at, &child) != 0)
			return hdf5_object_cut(&r, "a tree", e);
		rc = level == 0 ? take(c, at, child, len, mask, place, e)
				: tree(c, child, level, e);
	}
	return rc;
}

/* Chunks one after the other, in order, none filtered. */
static int
implicit(struct chunks *c, uint64_t where, struct err *e)
{
	uint64_t at[MODEL_MAX_RANK] = {0};
	int rc = 0;

	for (uint64_t i = 0; i < c->total && rc == 0; i++) {
		uint64_t rest = i;

		for (size_t k = c->t->rank; k-- > 0; rest /= c->grid[k])
			at[k] = rest % c->grid[k] * c->dim[k];
		if (where == HDF5_NOWHERE || i * c->size > c->h->file.len)
			return hdf5_object_at(
			    c->h, HDF5_NOWHERE, "a chunk", &(struct rd){0}, e);
		rc = take(c, at, where + i * c->size, c->size, 0, NULL, e);
	}
	return rc;
}

/* --- putting together ---------------------------------------------------- */

static int
grid(struct chunks *c, uint64_t pos, struct err *e)
{
	uint64_t n = c->width;

	c->total = 1;
	for (size_t i = 0; i < c->t->rank; i++) {
		if (c->dim[i] == 0 || c->dim[i] > UINT32_MAX / n)
			return err_set(e, ERR_FORMAT, pos,
			    "hdf5: chunks of %" PRIu64 " in dimension %zu",
			    c->dim[i], i);
		n *= c->dim[i];
		c->grid[i] = (c->t->dim[i] + c->dim[i] - 1) / c->dim[i];
		c->total *= c->grid[i]; /* at most the elements */
	}
	c->size = (size_t)n;
	return 0;
}

/* Memory: the tensor, its chunks' marks, and two chunks to work in. */
static int
begin(struct chunks *c, struct err *e)
{
	struct hdf5 *h = c->h;
	uint64_t need = c->t->size + c->total + 2 * (c->size + 8);

	if (need > h->bytes || c->total > h->records)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "hdf5: a dataset of %" PRIu64 " chunks and %zu bytes in a "
		    "file of %zu",
		    c->total, c->t->size, h->file.len);
	h->bytes -= need;
	c->data = hdf5_object_room(h, c->t->size, 1, e);
	c->had = hdf5_object_room(h, (size_t)c->total, 1, e);
	c->work[0] = hdf5_object_room(h, c->size + 4, 1, e);
	c->work[1] = hdf5_object_room(h, c->size + 4, 1, e);
	return c->data == NULL || c->had == NULL || c->work[0] == NULL ||
		       c->work[1] == NULL
		   ? ERR_LIMIT
		   : 0;
}

static int
end(struct chunks *c, struct err *e)
{
	if (c->seen != c->total && !c->sparse)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "hdf5: %" PRIu64 " of %" PRIu64 " chunks of a dataset were "
		    "never written",
		    c->total - c->seen, c->total);
	c->t->data = c->data;
	return 0;
}

static int
keep(const struct chunks *c, struct err *e)
{
	struct hdf5_kept *k = hdf5_object_room(c->h, 1, sizeof(*k), e);

	if (k == NULL)
		return ERR_LIMIT;
	*k = (struct hdf5_kept){.next = c->h->kept,
	    .t = *c->t,
	    .filters = c->filters,
	    .total = c->total,
	    .size = c->size,
	    .key = c->key};
	memcpy(k->dim, c->dim, sizeof(k->dim));
	memcpy(k->grid, c->grid, sizeof(k->grid));
	c->h->kept = k;
	return 0;
}

void
hdf5_chunk_place(
    const struct hdf5_kept *k, uint64_t i, uint64_t at[MODEL_MAX_RANK])
{
	for (size_t d = k->t.rank; d-- > 0; i /= k->grid[d])
		at[d] = i % k->grid[d] * k->dim[d];
}

/* One chunk that is the whole, as it is: a view. */
static int
view(struct chunks *c, uint64_t where, struct err *e)
{
	struct slice s;
	struct rd r;
	int rc;

	if ((rc = hdf5_object_at(c->h, where, "a chunk", &r, e)) != 0)
		return rc;
	if (rd_bytes(&r, c->t->size, &s) != 0)
		return hdf5_object_cut(&r, "a chunk", e);
	c->t->data = s.ptr;
	return 0;
}

static bool
is_whole(const struct chunks *c)
{
	return c->total == 1 && c->size == c->t->size && c->filters.n == 0;
}

static int
version3(struct chunks *c, struct rd r, struct err *e)
{
	uint64_t where, pos = rd_pos(&r);
	uint32_t dim;
	uint8_t rank;
	int rc;

	if (rd_u8(&r, &rank) != 0 || hdf5_object_address(c->h, &r, &where) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (rank != c->t->rank + 1)
		return err_set(e, ERR_FORMAT, pos,
		    "hdf5: chunks of rank %d in a dataset of rank %zu",
		    rank - 1, c->t->rank);
	for (size_t i = 0; i < c->t->rank; i++) {
		if (rd_u32le(&r, &dim) != 0)
			return hdf5_object_cut(&r, "a layout", e);
		c->dim[i] = dim;
	}
	if ((rc = grid(c, pos, e)) != 0 || (rc = begin(c, e)) != 0)
		return rc;
	if (c->h->keep && (c->key = hdf5_object_room(c->h, (size_t)c->total,
			       sizeof(*c->key), e)) == NULL)
		return ERR_LIMIT;
	/* one that was never written has no tree */
	if (where != HDF5_NOWHERE || !c->sparse)
		rc = tree(c, where, LEVELS, e);
	if (rc != 0 || (rc = end(c, e)) != 0)
		return rc;
	return c->key != NULL ? keep(c, e) : 0;
}

/* How a version 4 layout finds its chunks. */
static int
by_index(struct chunks *c, struct rd r, uint8_t flags, struct err *e)
{
	static const uint64_t first[MODEL_MAX_RANK];
	uint64_t where, len = c->size;
	uint32_t mask = 0;
	uint8_t index;
	int rc;

	if (rd_u8(&r, &index) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (index != 1 && index != 2)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r) - 1,
		    "hdf5: chunk index %u, known are 1 and 2", index);
	if (index == 1 && (flags & 2) != 0 &&
	    (hdf5_object_number(&r, c->h->size, &len) != 0 ||
		rd_u32le(&r, &mask) != 0))
		return hdf5_object_cut(&r, "a layout", e);
	if (hdf5_object_address(c->h, &r, &where) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (is_whole(c))
		return view(c, where, e);
	if (index == 1 && c->total != 1)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: one chunk where there should be %" PRIu64, c->total);
	if ((rc = begin(c, e)) != 0)
		return rc;
	rc = index == 1 ? take(c, first, where, len, mask, NULL, e)
			: implicit(c, where, e);
	return rc != 0 ? rc : end(c, e);
}

static int
version4(struct chunks *c, struct rd r, struct err *e)
{
	uint64_t pos = rd_pos(&r);
	uint8_t flags, rank, width;
	int rc;

	if (rd_u8(&r, &flags) != 0 || rd_u8(&r, &rank) != 0 ||
	    rd_u8(&r, &width) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (rank != c->t->rank + 1 ||
	    (width != 1 && width != 2 && width != 4 && width != 8))
		return err_set(e, ERR_FORMAT, pos,
		    "hdf5: chunks of rank %d (%u bytes each) in a dataset of "
		    "rank %zu",
		    rank - 1, width, c->t->rank);
	for (size_t i = 0; i < c->t->rank; i++)
		if (hdf5_object_number(&r, width, &c->dim[i]) != 0)
			return hdf5_object_cut(&r, "a layout", e);
	if (rd_skip(&r, width) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if ((rc = grid(c, pos, e)) != 0)
		return rc;
	return by_index(c, r, flags, e);
}

static int
read_all(struct chunks *c, unsigned version, struct rd layout,
    struct rd filters, struct err *e)
{
	int rc;

	if (c->t->rank == 0)
		return err_set(
		    e, ERR_FORMAT, rd_pos(&layout), "hdf5: a scalar in chunks");
	c->filters.width = c->width;
	if ((rc = hdf5_filter_parse(filters, &c->filters, e)) != 0)
		return rc;
	return version == 3 ? version3(c, layout, e) : version4(c, layout, e);
}

int
hdf5_chunk_read(struct hdf5 *h, unsigned version, struct rd layout,
    struct rd filters, struct tensor *t, struct err *e)
{
	struct chunks c = {.h = h, .t = t, .width = dtype_width(t->dtype)};

	return read_all(&c, version, layout, filters, e);
}

int
hdf5_chunk_bytes(struct hdf5 *h, unsigned version, struct rd layout,
    struct rd filters, size_t width, struct tensor *t, struct err *e)
{
	struct chunks c = {.h = h, .t = t, .width = width, .sparse = true};

	return read_all(&c, version, layout, filters, e);
}
