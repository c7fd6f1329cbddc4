/* SPDX-License-Identifier: MIT
 * Superblock: II.A; keys of B-trees of chunks: III.A.1.
 */
#include "formats/hdf5_write.h"

#include "base/le.h"
#include "formats/hdf5_object.h"

#define PLACE 8 /* new chunks begin at multiples of this */

struct writer {
	struct hdf5 *h;
	const uint8_t *old; /* the file's bytes before */
	uint8_t *out;
	size_t n;    /* bytes so far */
	size_t base; /* of addresses, in the file */
	struct err *e;
};

/* Rows of the dataset to those of a chunk, whose rest stays as it is. */
static void
gather(const struct hdf5_kept *k, const uint64_t *at, uint8_t *to)
{
	size_t last = k->t.rank - 1, width = dtype_width(k->t.dtype);
	uint64_t row[MODEL_MAX_RANK] = {0};
	uint64_t n = MIN(k->dim[last], k->t.dim[last] - at[last]);

	for (;;) {
		uint64_t src = 0, dst = 0;
		bool inside = true;
		size_t d = last;

		for (size_t i = 0; i <= last; i++) {
			inside = inside && at[i] + row[i] < k->t.dim[i];
			dst = dst * k->dim[i] + row[i];
			src = src * k->t.dim[i] + at[i] + row[i];
		}
		if (inside)
			memcpy(to + dst * width, k->t.data + src * width,
			    (size_t)n * width);
		while (d > 0 && ++row[d - 1] == k->dim[d - 1])
			row[--d] = 0;
		if (d == 0)
			return;
	}
}

/* The end of the file stands in the superblock, too. */
static int
mend_end(struct writer *w)
{
	uint8_t *sign = w->out + w->base;
	uint8_t version = sign[8];
	size_t at = version == 0 ? 24 : 28;

	if (version > 1)
		return err_set(w->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "hdf5: a chunk that has grown, in a file of superblock "
		    "version %u",
		    version);
	le_put(sign + at + 2 * w->h->off, w->h->off, w->n);
	return 0;
}

/* New bytes of a chunk: in their old place, or at the end. */
static int
store(struct writer *w, const struct hdf5_kept *k, size_t key,
    const uint8_t *bytes, size_t len)
{
	uint8_t *p = w->out + key, *child = p + 8 + 8 * (k->t.rank + 1);
	uint64_t where = le_get(child, w->h->off);

	if (len > UINT32_MAX)
		return err_set(
		    w->e, ERR_LIMIT, key, "hdf5: a chunk beyond 4 GiB");
	if (len > le_get(p, 4)) {
		while ((w->n - w->base) % PLACE != 0)
			w->out[w->n++] = 0;
		where = w->n - w->base;
		le_put(child, w->h->off, where);
		w->n += len;
	}
	/* another dataset may lie over the tree, and have been written */
	if (where > w->n - w->base || len > w->n - w->base - where)
		return err_set(
		    w->e, ERR_FORMAT, key, "hdf5: two datasets share bytes");
	le_put(p, 4, len);
	memcpy(w->out + w->base + where, bytes, len);
	return 0;
}

static int
write_chunk(struct writer *w, const struct hdf5_kept *k, uint64_t i,
    uint8_t *const work[2])
{
	size_t key = (size_t)(k->key[i] - w->old), len;
	uint32_t mask = (uint32_t)le_get(w->old + key + 4, 4);
	uint64_t at[MODEL_MAX_RANK] = {0};
	uint64_t where =
	    le_get(w->old + key + 8 + 8 * (k->t.rank + 1), w->h->off);
	const uint8_t *bytes;
	struct rd r, raw;
	int rc;

	if ((rc = hdf5_object_at(w->h, where, "a chunk", &r, w->e)) != 0)
		return rc;
	if (rd_sub(&r, le_get(w->old + key, 4), &raw) != 0)
		return hdf5_object_cut(&r, "a chunk", w->e);
	rc = hdf5_filter_undo(
	    &k->filters, mask, raw, k->size, work, &bytes, w->e);
	if (rc != 0)
		return rc;
	memmove(work[0], bytes, k->size);
	hdf5_chunk_place(k, i, at);
	gather(k, at, work[0]);
	hdf5_filter_apply(&k->filters, mask, k->size, work, &bytes, &len);
	return store(w, k, key, bytes, len);
}

static int
write_dataset(struct writer *w, const struct hdf5_kept *k)
{
	size_t room = hdf5_filter_room(k->size);
	uint8_t *work[2];
	int rc = 0;

	for (size_t i = 0; i < 2; i++)
		if ((work[i] = hdf5_object_room(w->h, room, 1, w->e)) == NULL)
			return ERR_LIMIT;
	for (uint64_t i = 0; i < k->total && rc == 0; i++)
		rc = write_chunk(w, k, i, work);
	return rc;
}

/* --- the whole ----------------------------------------------------------- */

int
hdf5_write_spans(
    const struct hdf5 *h, struct patch_span **out, size_t *n, struct err *e)
{
	const struct hdf5_kept *k;

	*n = 0;
	for (k = h->kept; k != NULL; k = k->next)
		++*n;
	*out = arena_alloc(h->arena, *n + 1, sizeof(**out));
	if (*out == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "hdf5: too large");
	*n = 0;
	for (k = h->kept; k != NULL; k = k->next, ++*n)
		(*out)[*n] =
		    (struct patch_span){.base = (uint8_t *)(uintptr_t)k->t.data,
			.len = k->t.size,
			.id = *n};
	return 0;
}

int
hdf5_write_changed(struct hdf5 *h, struct source *s,
    const struct patch_span *span, size_t n, struct err *e)
{
	const struct file_map *old = &s->file[source_main(s)].map;
	struct writer w = {.h = h, .old = old->ptr, .n = old->len, .e = e};
	bool *changed = arena_alloc(h->arena, n + 1, sizeof(*changed));
	const struct hdf5_kept *k;
	size_t room = old->len, i;
	int rc = 0;

	if (changed == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "hdf5: too large");
	for (i = 0; i < n; i++)
		changed[span[i].id] = span[i].changed;
	for (k = h->kept, i = 0; k != NULL; k = k->next, i++)
		if (changed[i])
			room += (size_t)k->total *
				(hdf5_filter_room(k->size) + PLACE);
	if (room == old->len)
		return 0;
	w.base = (size_t)(h->file.base - w.old);
	if ((w.out = arena_alloc(&s->made, room, 1)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "hdf5: too large");
	memcpy(w.out, old->ptr, old->len);
	for (k = h->kept, i = 0; k != NULL && rc == 0; k = k->next, i++)
		if (changed[i])
			rc = write_dataset(&w, k);
	if (rc == 0 && w.n != old->len)
		rc = mend_end(&w);
	if (rc == 0)
		source_replace(s, w.out, w.n);
	return rc;
}
