/* SPDX-License-Identifier: MIT
 * Offsets in headers: APPNOTE 6.3.10, 4.3.7 (local), 4.3.9 (descriptor),
 * 4.3.12 (central), 4.3.14 to 4.3.16 (end records).
 */
#include "formats/zip_write.h"

#include "base/le.h"

#include <stdlib.h>
#include <zlib.h>

#define ALIGN   64
#define PADDING 0x4246 /* "FB": pads in local headers (caffe2/serialize) */
#define ZIP64   0x0001

struct writer {
	const struct zip *z;
	const uint8_t *old;
	uint8_t *out;
	size_t n;                      /* bytes so far */
	const struct patch_span **new; /* of each entry; NULL: as it was */
	uint64_t *local, *packed;
	uint32_t *crc;
	struct err *e;
};

/* --- headers ------------------------------------------------------------- */

/* An extra field of that number in p[0..n), or NULL; *len is its body's. */
static uint8_t *
extra(uint8_t *p, size_t n, uint16_t id, size_t *len)
{
	while (n >= 4) {
		size_t size = (size_t)le_get(p + 2, 2);

		if (size > n - 4)
			return NULL;
		if (le_get(p, 2) == id) {
			*len = size;
			return p + 4;
		}
		p += 4 + size;
		n -= 4 + size;
	}
	return NULL;
}

/* The fields of a header that may be 64 bits wide, in their order there. */
struct fields {
	uint8_t *at[3]; /* size, packed, offset of the local header */
	size_t n;
	uint8_t *extra;
	size_t nextra;
};

/* Where field k is, and its width; NULL when it does not fit there. */
static uint8_t *
wide(const struct fields *f, size_t k, size_t *width)
{
	size_t off = 0, len = 0;
	uint8_t *p;

	*width = 4;
	if (le_get(f->at[k], 4) != UINT32_MAX)
		return f->at[k];
	*width = 8;
	for (size_t i = 0; i < k; i++)
		off += le_get(f->at[i], 4) == UINT32_MAX ? 8 : 0;
	p = extra(f->extra, f->nextra, ZIP64, &len);
	return p != NULL && off + 8 <= len ? p + off : NULL;
}

static int
store(struct writer *w, const struct fields *f, size_t k, uint64_t v)
{
	size_t width;
	uint8_t *p = wide(f, k, &width);

	if (p == NULL || (width == 4 && v >= UINT32_MAX))
		return err_set(w->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "zip: a header that has no room for %" PRIu64, v);
	le_put(p, width, v);
	return 0;
}

/* --- members ------------------------------------------------------------- */

static void
copy(struct writer *w, uint64_t from, uint64_t to)
{
	memcpy(w->out + w->n, w->old + from, (size_t)(to - from));
	w->n += (size_t)(to - from);
}

/* All of it in one go; the output has room (see measure). */
static size_t
deflate_raw(const uint8_t *p, size_t len, uint8_t *out, size_t room)
{
	z_stream s = {0};
	size_t fed = 0, made = 0;
	int rc = Z_OK;

	if (deflateInit2(&s, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8,
		Z_DEFAULT_STRATEGY) != Z_OK)
		BUG("zlib");
	while (rc == Z_OK) {
		uInt give = (uInt)MIN(len - fed, (size_t)1 << 30);
		uInt more = (uInt)MIN(room - made, (size_t)1 << 30);

		s.next_in = (Bytef *)(uintptr_t)p + fed;
		s.avail_in = give;
		s.next_out = out + made;
		s.avail_out = more;
		rc = deflate(&s, fed + give == len ? Z_FINISH : Z_NO_FLUSH);
		fed += give - s.avail_in;
		made += more - s.avail_out;
	}
	deflateEnd(&s);
	if (rc != Z_STREAM_END)
		BUG("deflate");
	return made;
}

/* PyTorch reads stored tensors where they lie, which it wants aligned. */
static void
align(struct writer *w, const struct zip_entry *f, size_t header)
{
	size_t nname = (size_t)le_get(w->out + header + 26, 2);
	size_t nextra = (size_t)le_get(w->out + header + 28, 2), len = 0;
	size_t add = (ALIGN - w->n % ALIGN) % ALIGN;
	uint8_t *first = w->out + header + 30 + nname;
	uint8_t *pad = extra(first, nextra, PADDING, &len);

	if (!zip_is_stored(f) || f->data % ALIGN != 0 || pad == NULL ||
	    pad + len != first + nextra || nextra + add > UINT16_MAX)
		return;
	memset(w->out + w->n, 'Z', add);
	w->n += add;
	/* or what it grew by before */
	if (len + add >= 2 * ALIGN) {
		w->n -= ALIGN;
		len -= ALIGN;
		nextra -= ALIGN;
	}
	le_put(pad - 2, 2, len + add);
	le_put(w->out + header + 28, 2, nextra + add);
}

static int
write_header(struct writer *w, size_t i)
{
	const struct zip_entry *f = &w->z->entry[i];
	size_t header = w->n, width;
	struct fields local;
	uint8_t *p;

	w->local[i] = w->n;
	copy(w, f->local, f->data);
	align(w, f, header);
	p = w->out + header;
	local = (struct fields){{p + 22, p + 18}, 2, p + 30 + le_get(p + 26, 2),
	    (size_t)le_get(p + 28, 2)};
	if (w->new[i] == NULL)
		return 0;
	/* zeros where the descriptor has them */
	if (le_get(p + 14, 4) == f->crc)
		le_put(p + 14, 4, w->crc[i]);
	p = wide(&local, 1, &width);
	if (p != NULL && le_get(p, width) == f->packed)
		return store(w, &local, 1, w->packed[i]);
	return 0;
}

static void
write_descriptor(struct writer *w, size_t i)
{
	const struct zip_entry *f = &w->z->entry[i];
	uint64_t from = f->data + f->packed, n = zip_descriptor(w->z, f);
	uint8_t *p = w->out + w->n;

	copy(w, from, from + n);
	if (n == 16 || n == 24)
		p += 4;
	if (n == 0 || w->new[i] == NULL)
		return;
	le_put(p, 4, w->crc[i]);
	le_put(p + 4, n >= 20 ? 8 : 4, w->packed[i]);
}

/* The new bytes are made in front of their place, and moved there. */
static int
write_entry(struct writer *w, size_t i, uint64_t next)
{
	const struct zip_entry *f = &w->z->entry[i];
	const struct patch_span *s = w->new[i];
	uint64_t end = f->data + f->packed + zip_descriptor(w->z, f);
	size_t room, data;
	int rc;

	if (next < end)
		return err_set(w->e, ERR_UNSUPPORTED, f->local,
		    "zip: '%.100s' and what follows share bytes", f->name);
	w->packed[i] = f->packed;
	w->crc[i] = f->crc;
	if (s != NULL) {
		/* its length is known only afterwards */
		data = w->n + (size_t)(f->data - f->local) + ALIGN;
		room = (size_t)compressBound((uLong)s->len) + ALIGN;
		w->packed[i] =
		    deflate_raw(s->base, s->len, w->out + data, room);
		w->crc[i] = zip_crc(s->base, s->len);
		if ((rc = write_header(w, i)) != 0)
			return rc;
		memmove(w->out + w->n, w->out + data, (size_t)w->packed[i]);
		w->n += (size_t)w->packed[i];
	} else {
		if ((rc = write_header(w, i)) != 0)
			return rc;
		copy(w, f->data, f->data + f->packed);
	}
	write_descriptor(w, i);
	copy(w, end, next);
	return 0;
}

/* --- the directory ------------------------------------------------------- */

static int
write_directory(struct writer *w)
{
	const struct zip *z = w->z;
	uint64_t at = w->n;
	uint8_t *dir = w->out + at, *p;
	int rc;

	copy(w, z->directory, z->file.len);
	for (size_t i = 0; i < z->n; i++) {
		struct fields f;

		p = dir + (z->entry[i].central - z->directory);
		f = (struct fields){{p + 24, p + 20, p + 42}, 3,
		    p + 46 + le_get(p + 28, 2), (size_t)le_get(p + 30, 2)};
		if (w->new[i] != NULL) /* else it may have been mended */
			le_put(p + 16, 4, w->crc[i]);
		if ((rc = store(w, &f, 1, w->packed[i])) != 0 ||
		    (rc = store(w, &f, 2, w->local[i])) != 0)
			return rc;
	}
	p = dir + (z->end - z->directory);
	if (le_get(p + 16, 4) != UINT32_MAX && at >= UINT32_MAX)
		return err_set(w->e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "zip: a directory beyond 4 GiB");
	if (le_get(p + 16, 4) != UINT32_MAX)
		le_put(p + 16, 4, at);
	if (z->end64 == 0)
		return 0;
	le_put(p - 20 + 8, 8, z->end64 - z->directory + at);
	le_put(dir + (z->end64 - z->directory) + 48, 8, at);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

struct order {
	uint64_t local;
	size_t entry;
};

static int
by_place(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return (x->local > y->local) - (x->local < y->local);
}

static int
check(const struct zip *z, struct err *e)
{
	static const enum zip_oddity bad[] = {
	    ZIP_DUPLICATE, ZIP_OVERLAP, ZIP_LOCAL, ZIP_END, ZIP_TAIL};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (z->odd[bad[i]] != 0)
			return err_set(e, ERR_UNSUPPORTED, z->odd_at[bad[i]],
			    "zip: %s: not written anew",
			    zip_oddity_text(bad[i]));
	return 0;
}

static int
write_all(struct writer *w, const struct order *o)
{
	const struct zip *z = w->z;
	int rc;

	copy(w, 0, z->n > 0 ? o[0].local : z->directory);
	for (size_t i = 0; i < z->n; i++) {
		rc = write_entry(w, o[i].entry,
		    i + 1 < z->n ? o[i + 1].local : z->directory);
		if (rc != 0)
			return rc;
	}
	return write_directory(w);
}

/* Room for the old bytes, paddings, and new ones at their worst. */
static size_t
measure(const struct zip *z, const struct patch_span *s, size_t n)
{
	size_t size = z->file.len + (z->n + 1) * 2 * ALIGN;

	for (size_t i = 0; i < n; i++)
		if (s[i].changed)
			size +=
			    (size_t)compressBound((uLong)s[i].len) + 2 * ALIGN;
	return size;
}

int
zip_write_spans(
    struct zip *z, struct patch_span **out, size_t *n, struct err *e)
{
	struct patch_span *s = arena_alloc(z->arena, z->n + 1, sizeof(*s));

	*n = 0;
	if ((*out = s) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "zip: too large");
	for (size_t i = 0; i < z->n; i++)
		if (z->entry[i].expanded != NULL)
			s[(*n)++] =
			    (struct patch_span){.base = z->entry[i].expanded,
				.len = (size_t)z->entry[i].size,
				.id = i};
	return 0;
}

int
zip_write_changed(struct zip *z, struct source *src,
    const struct patch_span *span, size_t n, struct err *e)
{
	struct writer w = {.z = z,
	    .old = src->file[source_main(src)].map.ptr,
	    .e = e,
	    .out = NULL};
	struct arena *a = z->arena;
	struct order *o = arena_alloc(a, z->n + 1, sizeof(*o));
	bool any = false;
	int rc;

	for (size_t i = 0; i < n; i++)
		any = any || span[i].changed;
	if (!any)
		return 0;
	if ((rc = check(z, e)) != 0)
		return rc;
	w.new = arena_alloc(a, z->n + 1, sizeof(*w.new));
	w.local = arena_alloc(a, z->n + 1, sizeof(*w.local));
	w.packed = arena_alloc(a, z->n + 1, sizeof(*w.packed));
	w.crc = arena_alloc(a, z->n + 1, sizeof(*w.crc));
	w.out = arena_alloc(&src->made, measure(z, span, n), 1);
	if (o == NULL || w.new == NULL || w.local == NULL || w.packed == NULL ||
	    w.crc == NULL || w.out == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "zip: too large");
	for (size_t i = 0; i < n; i++)
		if (span[i].changed)
			w.new[span[i].id] = &span[i];
	for (size_t i = 0; i < z->n; i++)
		o[i] = (struct order){z->entry[i].local, i};
	qsort(o, z->n, sizeof(*o), by_place);
	if ((rc = write_all(&w, o)) != 0)
		return rc;
	source_replace(src, w.out, w.n);
	return 0;
}
