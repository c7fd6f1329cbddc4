/* SPDX-License-Identifier: MIT
 * The bytes of every reading of every entry: those that the directory means,
 * those that the entry's own header means, whatever flags and checksums say.
 * Small ones come first, so that a bomb hides none of them.
 */
#include "audit/check_source.h"
#include "audit/check_zip_part.h"

#include "base/limits.h"
#include "formats/zip.h"

/* APPNOTE 4.4.5 */
#define STORED   0
#define DEFLATED 8
#define BZIP2    12
#define LZMA     14
#define ZSTD     93
#define XZ       95
#define AES      99
#define FLAG_EOS 0x0002 /* of LZMA: the stream says where it ends */

struct reading {
	const char *name;
	uint64_t data, packed, size, at;
	uint32_t crc;
	uint16_t method, flags;
	bool shares; /* bytes of one before it */
	bool blind;  /* its size and checksum are not known beforehand */
};

static void
add(struct check_zip *z, struct buf *out, const struct check_zip_entry *e,
    const struct check_zip_head *h)
{
	struct reading r = {.name = h->text,
	    .data = e->data,
	    .packed = MIN(h->packed, z->file.len - e->data),
	    .size = h->size,
	    .at = e->local_at,
	    .crc = h->crc,
	    .method = h->method,
	    .flags = e->local.flags | e->central.flags,
	    .blind = h != &e->central && h->crc == 0 && h->size == 0 &&
		     (h->flags & ZIP_LATER) != 0};

	/* cut off, which is said elsewhere */
	r.blind = r.blind || r.packed < h->packed;

	if (r.packed != 0)
		buf_append(out, &r, sizeof(r));
	/* stored: one reader takes the one size, another the other */
	if (h->method == STORED && h->size != h->packed && h->size != 0) {
		r.packed = MIN(h->size, z->file.len - e->data);
		if (r.packed != 0)
			buf_append(out, &r, sizeof(r));
	}
}

static void
readings(struct check_zip *z, struct buf *out)
{
	for (size_t i = 0; i < check_zip_count(z); i++) {
		const struct check_zip_entry *e = check_zip_nth(z, i);
		const struct check_zip_head *l = &e->local, *c = &e->central;

		if (e->data == ERR_NOWHERE)
			continue;
		if (e->at != ERR_NOWHERE)
			add(z, out, e, c);
		if (e->at == ERR_NOWHERE ||
		    ((l->packed != 0 && l->packed != c->packed) ||
			l->method != c->method)) {
			struct check_zip_head h = *l;

			if (h.packed == 0)
				h.packed = c->packed;
			add(z, out, e, &h);
		}
	}
}

/* Equal ones beside one another. */
static int
by_place(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;

	if (x->data != y->data)
		return (x->data > y->data) - (x->data < y->data);
	if (x->packed != y->packed)
		return (x->packed > y->packed) - (x->packed < y->packed);
	if (x->method != y->method)
		return x->method - y->method;
	return (x->size > y->size) - (x->size < y->size);
}

static int
by_size(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;

	if ((x->method == STORED) != (y->method == STORED))
		return x->method == STORED ? -1 : 1;
	if (x->method != STORED && x->size != y->size)
		return (x->size > y->size) - (x->size < y->size);
	return by_place(a, b);
}

/* Each span once, and which of them lie over others. */
static size_t
unique(struct reading *r, size_t n)
{
	uint64_t to = 0;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (k != 0 && r[k - 1].data == r[i].data &&
		    r[k - 1].packed == r[i].packed &&
		    r[k - 1].method == r[i].method)
			continue;
		r[k] = r[i];
		r[k].shares = r[i].data < to;
		to = MAX(to, r[i].data + r[i].packed);
		k++;
	}
	return k;
}

/* --- one reading --------------------------------------------------------- */

static void
wrong_size(struct check_zip *z, const struct reading *r, uint64_t is)
{
	check_tell_find(&z->tell, FINDING_ZIP_SIZE, r->at,
	    "'%.200s' has %" PRIu64 " bytes and claims %" PRIu64, r->name, is,
	    r->size);
}

/* Whether the bytes are what their checksum says; an encrypted entry whose
 * checksum fails was encrypted indeed. */
static void
checksum(struct check_zip *z, const struct reading *r, struct rd bytes)
{
	bool right = r->blind || zip_crc(bytes.base, bytes.len) == r->crc;

	if ((r->flags & ZIP_ENCRYPTED) != 0 && !right) {
		check_tell_short(&z->tell, FINDING_ARCHIVE_ENCRYPTED, r->at,
		    "'%.200s'", r->name);
	} else if ((r->flags & (ZIP_ENCRYPTED | ZIP_STRONG | ZIP_PATCHED |
				   ZIP_MASKED)) != 0) {
		check_tell_find(&z->tell, FINDING_ZIP_FLAGS, r->at,
		    "'%.200s' has flags %#x", r->name, r->flags);
	}
	if (!right && (r->flags & ZIP_ENCRYPTED) == 0)
		check_tell_short(
		    &z->tell, FINDING_ZIP_CRC, r->at, "'%.200s'", r->name);
}

static void
stored(struct check_zip *z, const struct reading *r, struct rd bytes)
{
	if (r->size != r->packed && !r->blind)
		wrong_size(z, r, r->packed);
	else
		checksum(z, r, bytes);
	check_within(z->f, r->name, bytes);
}

/* What an expansion gave, and what it left. */
static void
expanded(struct check_zip *z, const struct reading *r, struct rd in,
    const struct check_expanded *x)
{
	struct rd bytes = rd_mem(x->bytes.ptr, x->bytes.len);

	if (x->end == EXPAND_WHOLE && bytes.len != r->size && !r->blind)
		wrong_size(z, r, bytes.len);
	else if (x->end == EXPAND_WHOLE)
		checksum(z, r, bytes);
	if (x->end == EXPAND_DAMAGED || x->end == EXPAND_CUT)
		check_tell_short(&z->tell,
		    (r->flags & ZIP_ENCRYPTED) != 0 ? FINDING_ARCHIVE_ENCRYPTED
						    : FINDING_ZIP_DAMAGED,
		    r->at, "'%.200s' %s", r->name, check_expand_text(x->end));
	if (bytes.len != 0)
		check_within(z->f, r->name, bytes);
	if (x->end == EXPAND_WHOLE && x->used < in.len) {
		check_tell_find(&z->tell, FINDING_ZIP_SIZE, r->at,
		    "'%.200s': %zu bytes behind the end of what is compressed",
		    r->name, in.len - x->used);
		check_within(
		    z->f, r->name, rd_mem(in.base + x->used, in.len - x->used));
	} else if (bytes.len == 0 && x->end != EXPAND_LIMIT &&
		   (x->end != EXPAND_WHOLE || r->size != 0)) {
		check_within(z->f, r->name, in);
	}
}

/* LZMA without its usual header (5.8.8): version, length of the properties,
 * properties; the size is the entry's. */
static bool
lzma(const struct check_file *f, const struct reading *r, struct rd in,
    struct check_expanded *x)
{
	uint64_t size = (r->flags & FLAG_EOS) != 0 ? UINT64_MAX : r->size;
	uint16_t version = 0, n = 0;
	uint8_t head[13];

	if (rd_u16le(&in, &version) != 0 || rd_u16le(&in, &n) != 0 || n != 5 ||
	    rd_left(&in) < 5)
		return false;
	memcpy(head, in.base + in.off, 5);
	for (size_t i = 0; i < 8; i++)
		head[5 + i] = (uint8_t)(size >> 8 * i);
	in = rd_mem(in.base + in.off + 5, rd_left(&in) - 5);
	check_expand_lzma_headed(f, head, in, x);
	x->used += 9;
	return true;
}

/* False: a method that is not read. */
static bool
filtered(const struct check_file *f, const struct reading *r, struct rd in,
    struct check_expanded *x)
{
	if (r->method == LZMA)
		return lzma(f, r, in, x);
	if (r->method == DEFLATED)
		check_expand_deflate(f, in, x);
	else if (r->method == BZIP2)
		check_expand_bzip2(f, in, x);
	else if (r->method == ZSTD)
		check_source_filter(f, ARCHIVE_FILTER_ZSTD, in, x);
	else if (r->method == XZ)
		check_expand_xz(f, in, x);
	else
		return false;
	return true;
}

static void
hand(struct check_zip *z, const struct reading *r)
{
	struct rd in = rd_mem(z->file.base + r->data, (size_t)r->packed);
	struct check_expanded x;

	/* many that share their bytes make more work than the file is long */
	if (r->shares && !check_spend(z->f, in.len))
		return;
	if (r->method == STORED) {
		stored(z, r, in);
	} else if (filtered(z->f, r, in, &x)) {
		expanded(z, r, in, &x);
		check_expand_free(&x);
	} else {
		check_tell_short(&z->tell,
		    r->method == AES ? FINDING_ARCHIVE_ENCRYPTED
				     : FINDING_ZIP_METHOD,
		    r->at, "'%.200s': method %u", r->name, r->method);
		check_within(z->f, r->name, in);
	}
}

void
check_zip_hand(struct check_zip *z)
{
	struct buf list = {0};
	struct reading *r;
	size_t n;

	readings(z, &list);
	n = list.len / sizeof(*r);
	r = (struct reading *)(void *)list.ptr;
	if (n > 1)
		qsort(r, n, sizeof(*r), by_place);
	n = unique(r, n);
	if (n > 1)
		qsort(r, n, sizeof(*r), by_size);
	for (size_t i = 0; i < n; i++)
		hand(z, &r[i]);
	buf_free(&list);
}
