/* SPDX-License-Identifier: MIT
 * Object headers (IV.A), datatypes (IV.A.2.d), dataspaces (IV.A.2.b).
 */
#include "formats/hdf5_object.h"

#include "base/limits.h"
#include "formats/hdf5_sum.h"

#define BLOCKS 1024 /* of one header */

/* --- what all share ------------------------------------------------------ */

int
hdf5_object_cut(const struct rd *r, const char *what, struct err *e)
{
	return err_set(
	    e, ERR_TRUNCATED, rd_pos(r), "hdf5: the file ends inside %s", what);
}

int
hdf5_object_at(const struct hdf5 *h, uint64_t at, const char *what,
    struct rd *out, struct err *e)
{
	*out = h->file;
	if (at == HDF5_NOWHERE)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "hdf5: the address of %s is undefined", what);
	if (rd_skip(out, at) != 0)
		return err_set(e, ERR_TRUNCATED, ERR_NOWHERE,
		    "hdf5: %s is at %" PRIu64 ", beyond the end", what, at);
	return 0;
}

int
hdf5_object_signed(const struct hdf5 *h, uint64_t at, const char *sign,
    struct rd *out, struct err *e)
{
	struct slice s;
	int rc;

	if ((rc = hdf5_object_at(h, at, sign, out, e)) != 0)
		return rc;
	if (rd_bytes(out, 4, &s) != 0)
		return hdf5_object_cut(out, sign, e);
	if (memcmp(s.ptr, sign, 4) != 0)
		return err_set(e, ERR_FORMAT, rd_pos(out) - 4,
		    "hdf5: no signature '%s'", sign);
	return 0;
}

int
hdf5_object_number(struct rd *r, size_t width, uint64_t *out)
{
	uint32_t v32 = 0;
	uint16_t v16 = 0;
	uint8_t v8 = 0;
	int rc;

	if (width == 8)
		return rd_u64le(r, out);
	rc = width == 4   ? rd_u32le(r, &v32)
	     : width == 2 ? rd_u16le(r, &v16)
			  : rd_u8(r, &v8);
	if (rc == 0)
		*out = width == 4 ? v32 : width == 2 ? v16 : v8;
	return rc;
}

int
hdf5_object_address(const struct hdf5 *h, struct rd *r, uint64_t *out)
{
	int rc = hdf5_object_number(r, h->off, out);

	if (rc == 0 && h->off < 8 && *out == (UINT64_C(1) << 8 * h->off) - 1)
		*out = HDF5_NOWHERE;
	return rc;
}

void
hdf5_object_expect(struct hdf5 *h, const struct rd *r, bool so)
{
	if (!so && h->wrong == 0)
		h->wrong = rd_pos(r);
}

bool
hdf5_object_within(const struct hdf5 *h, uint64_t at)
{
	return at == HDF5_NOWHERE || at < h->file.len;
}

int
hdf5_object_spend(struct hdf5 *h, uint64_t n, struct err *e)
{
	if (n > h->records)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "hdf5: more than %d records", LIMIT_HDF5_RECORDS);
	h->records -= n;
	return 0;
}

void *
hdf5_object_room(struct hdf5 *h, size_t n, size_t size, struct err *e)
{
	void *p = arena_alloc(h->arena, n, size);

	if (p == NULL)
		err_set(e, ERR_LIMIT, ERR_NOWHERE, "hdf5: file too large");
	return p;
}

/* --- messages ------------------------------------------------------------ */

struct header {
	struct hdf5 *h;
	unsigned version;
	bool ordered; /* version 2: messages have a creation order */
	size_t blocks;
	struct hdf5_message *first, **last;
	struct rd more[BLOCKS]; /* continuations that were seen */
};

static int
continuation(struct header *o, struct rd r, struct err *e)
{
	uint64_t at, len;
	struct rd *to = &o->more[o->blocks], from;
	int rc;

	if (hdf5_object_address(o->h, &r, &at) != 0 ||
	    hdf5_object_number(&r, o->h->size, &len) != 0)
		return hdf5_object_cut(&r, "a continuation message", e);
	if (o->blocks == BLOCKS)
		return err_set(e, ERR_LIMIT, rd_pos(&r),
		    "hdf5: an object header of more than %d blocks", BLOCKS);
	rc = o->version == 1 ? hdf5_object_at(o->h, at, "a continuation", &r, e)
			     : hdf5_object_signed(o->h, at, "OCHK", &r, e);
	if (rc != 0)
		return rc;
	if (o->version == 2 && len < 8)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: a continuation of %" PRIu64 " bytes", len);
	/* signature and checksum count */
	from = r;
	if (rd_sub(&r, o->version == 1 ? len : len - 8, to) != 0)
		return hdf5_object_cut(&r, "a continuation", e);
	if (o->version == 2) {
		from.off -= 4;
		hdf5_sum_check(o->h, from, r);
	}
	o->blocks++;
	return 0;
}

static int
add(struct header *o, unsigned type, bool shared, struct rd body, struct err *e)
{
	struct hdf5_message *m;
	int rc;

	if ((rc = hdf5_object_spend(o->h, 1, e)) != 0)
		return rc;
	if (type == HDF5_CONTINUATION)
		return continuation(o, body, e);
	if ((m = hdf5_object_room(o->h, 1, sizeof(*m), e)) == NULL)
		return ERR_LIMIT;
	*m =
	    (struct hdf5_message){.type = type, .shared = shared, .body = body};
	*o->last = m;
	o->last = &m->next;
	return 0;
}

/* The head of one message; the body's size. */
static int
message(const struct header *o, struct rd *r, unsigned *type, unsigned *flags,
    uint16_t *size)
{
	uint16_t wide = 0;
	uint8_t narrow = 0, f = 0;

	if (o->version == 1) {
		if (rd_u16le(r, &wide) != 0 || rd_u16le(r, size) != 0 ||
		    rd_u8(r, &f) != 0 || rd_skip(r, 3) != 0)
			return ERR_TRUNCATED;
	} else if (rd_u8(r, &narrow) != 0 || rd_u16le(r, size) != 0 ||
		   rd_u8(r, &f) != 0 || rd_skip(r, o->ordered ? 2 : 0) != 0) {
		return ERR_TRUNCATED;
	}
	*type = o->version == 1 ? wide : narrow;
	*flags = f;
	return 0;
}

static int
block(struct header *o, struct rd r, struct err *e)
{
	/* version 2 may leave a gap that is smaller than any message */
	size_t least = o->version == 1 ? 8 : o->ordered ? 6 : 4;
	unsigned type = 0, flags = 0;
	uint16_t size = 0;
	struct rd body;
	int rc;

	while (rd_left(&r) >= least) {
		if (message(o, &r, &type, &flags, &size) != 0 ||
		    rd_sub(&r, size, &body) != 0)
			return hdf5_object_cut(&r, "a message", e);
		hdf5_object_expect(o->h, &r, o->version != 1 || size % 8 == 0);
		if ((rc = add(o, type, (flags & 2) != 0, body, e)) != 0)
			return rc;
	}
	return 0;
}

/* Version 1 has no signature: 1, 0, number of messages, references, size. */
static int
begin_old(struct header *o, struct rd *r, struct rd *first, struct err *e)
{
	uint32_t size;

	o->version = 1;
	if (rd_skip(r, 8) != 0 || rd_u32le(r, &size) != 0 ||
	    rd_skip(r, 4) != 0 || rd_sub(r, size, first) != 0)
		return hdf5_object_cut(r, "an object header", e);
	return 0;
}

static int
begin_new(struct header *o, struct rd *r, struct rd *first, struct err *e)
{
	struct rd from = *r;
	uint8_t version, flags;
	uint64_t size;

	o->version = 2;
	if (rd_skip(r, 4) != 0 || rd_u8(r, &version) != 0 ||
	    rd_u8(r, &flags) != 0)
		return hdf5_object_cut(r, "an object header", e);
	if (version != 2)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(r) - 2,
		    "hdf5: object header version %u", version);
	o->ordered = (flags & 0x04) != 0;
	if (rd_skip(r, (flags & 0x20) != 0 ? 16 : 0) != 0 ||
	    rd_skip(r, (flags & 0x10) != 0 ? 4 : 0) != 0 ||
	    hdf5_object_number(r, (size_t)1 << (flags & 3), &size) != 0 ||
	    rd_sub(r, size, first) != 0)
		return hdf5_object_cut(r, "an object header", e);
	hdf5_sum_check(o->h, from, *r);
	return 0;
}

int
hdf5_object_read(
    struct hdf5 *h, uint64_t at, struct hdf5_message **out, struct err *e)
{
	struct header o = {.h = h, .last = &o.first};
	struct rd r, first;
	struct slice s;
	int rc;

	if ((rc = hdf5_object_at(h, at, "an object header", &r, e)) != 0)
		return rc;
	first = r;
	if (rd_bytes(&first, 4, &s) != 0)
		return hdf5_object_cut(&r, "an object header", e);
	if (memcmp(s.ptr, "OHDR", 4) == 0)
		rc = begin_new(&o, &r, &first, e);
	else if (s.ptr[0] == 1)
		rc = begin_old(&o, &r, &first, e);
	else
		rc = err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: this is no object header");
	if (rc == 0)
		rc = block(&o, first, e);
	for (size_t i = 0; rc == 0 && i < o.blocks; i++)
		rc = block(&o, o.more[i], e);
	*out = o.first;
	return rc;
}

const struct hdf5_message *
hdf5_object_find(const struct hdf5_message *m, enum hdf5_type type)
{
	while (m != NULL && m->type != (unsigned)type)
		m = m->next;
	return m;
}

/* --- datatypes and dataspaces -------------------------------------------- */

/* Little-endian IEEE 754 of 16, 32 or 64 bits. */
static enum dtype
float_of(uint32_t bits, uint32_t size, struct rd *r)
{
	static const struct {
		uint8_t size, at[4]; /* exponent's place, size; mantissa's */
		uint32_t bias;
		enum dtype dtype;
	} known[] = {
	    {2, {10, 5, 0, 10}, 15, DTYPE_F16},
	    {4, {23, 8, 0, 23}, 127, DTYPE_F32},
	    {8, {52, 11, 0, 52}, 1023, DTYPE_F64},
	    {2, {7, 8, 0, 7}, 127, DTYPE_BF16},
	};
	uint16_t offset, precision;
	struct slice at;
	uint32_t bias;

	/* byte order in bits 0 and 6; the sign's place in the second byte */
	if ((bits & 0x41) != 0 || rd_u16le(r, &offset) != 0 ||
	    rd_u16le(r, &precision) != 0 || rd_bytes(r, 4, &at) != 0 ||
	    rd_u32le(r, &bias) != 0)
		return DTYPE_COUNT;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (size == known[i].size && bias == known[i].bias &&
		    offset == 0 && precision == 8 * size &&
		    (bits >> 8 & 0xff) == 8 * size - 1 &&
		    memcmp(at.ptr, known[i].at, 4) == 0)
			return known[i].dtype;
	return DTYPE_COUNT;
}

static enum dtype
integer_of(uint32_t bits, uint32_t size)
{
	bool is_signed = (bits & 8) != 0;

	if ((bits & 1) != 0) /* big-endian */
		return DTYPE_COUNT;
	if (!is_signed)
		return size == 1 ? DTYPE_U8 : DTYPE_COUNT;
	return size == 8   ? DTYPE_I64
	       : size == 4 ? DTYPE_I32
	       : size == 2 ? DTYPE_I16
	       : size == 1 ? DTYPE_I8
			   : DTYPE_COUNT;
}

int
hdf5_object_datatype(struct rd r, struct hdf5_datatype *t, struct err *e)
{
	uint32_t head, size;

	if (rd_u32le(&r, &head) != 0 || rd_u32le(&r, &size) != 0)
		return hdf5_object_cut(&r, "a datatype", e);
	*t = (struct hdf5_datatype){
	    .kind = HDF5_OTHER, .dtype = DTYPE_COUNT, .size = size};
	if (size == 0)
		return err_set(e, ERR_FORMAT, rd_pos(&r) - 4,
		    "hdf5: a datatype of no bytes");
	switch (head & 15) {
	case 0:
		t->kind = HDF5_INTEGER;
		t->dtype = integer_of(head >> 8, size);
		break;
	case 1:
		t->kind = HDF5_FLOAT;
		t->dtype = float_of(head >> 8, size, &r);
		break;
	case 3:
		t->kind = HDF5_TEXT;
		break;
	case 5:
		t->kind = HDF5_OPAQUE;
		break;
	case 6:
		t->kind = HDF5_COMPOUND;
		break;
	case 9:
		t->kind = (head >> 8 & 15) == 1 ? HDF5_TEXTS : HDF5_OTHER;
		break;
	default:
		break;
	}
	return 0;
}

int
hdf5_object_space(
    const struct hdf5 *h, struct rd r, struct hdf5_space *s, struct err *e)
{
	uint8_t version, rank, flags, type;
	struct tensor t = {0};

	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &rank) != 0 ||
	    rd_u8(&r, &flags) != 0 || rd_u8(&r, &type) != 0 ||
	    rd_skip(&r, version == 1 ? 4 : 0) != 0)
		return hdf5_object_cut(&r, "a dataspace", e);
	if (version != 1 && version != 2)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: dataspace version %u", version);
	if (rank > MODEL_MAX_RANK)
		return err_set(e, ERR_LIMIT, rd_pos(&r),
		    "hdf5: a dataspace of rank %u", rank);
	*s = (struct hdf5_space){.rank = rank};
	for (size_t i = 0; i < rank; i++)
		if (hdf5_object_number(&r, h->size, &s->dim[i]) != 0)
			return hdf5_object_cut(&r, "a dataspace", e);
	t.rank = rank;
	memcpy(t.dim, s->dim, sizeof(t.dim));
	if (!tensor_elements(&t, &s->n))
		return err_set(
		    e, ERR_LIMIT, rd_pos(&r), "hdf5: a dataspace is too large");
	if (version == 2 && type == 2)
		s->n = 0;
	return 0;
}
