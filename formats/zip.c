/* SPDX-License-Identifier: MIT */
#include "formats/zip.h"

#include "base/le.h"
#include "base/limits.h"

#include <libdeflate.h>
#include <zlib.h>

#define END_SIZE       22
#define LOCATOR_SIZE   20
#define LOCAL_SIZE     30
#define COMMENT_MAX    65535
#define SIG_LOCAL      0x04034b50
#define SIG_CENTRAL    0x02014b50
#define SIG_END        0x06054b50
#define SIG_END64      0x06064b50
#define SIG_LOCATOR64  0x07064b50
#define SIG_DESCRIPTOR 0x08074b50
#define FLAG_ENCRYPTED 0x0001
#define FLAG_LATER     0x0008 /* sizes and CRC follow the data */
#define EXTRA_ZIP64    0x0001
#define STORED         0
#define DEFLATED       8

/* Where the directory is. */
struct end {
	uint64_t at; /* of the end record, or the first of those before it */
	uint64_t n, size, off;
};

static void
odd(struct zip *z, enum zip_oddity what, uint64_t at)
{
	if (z->odd[what]++ == 0)
		z->odd_at[what] = at;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "zip: too large");
}

/* A cursor behind the signature at off; false: it is not there. */
static bool
signed_at(const struct zip *z, uint64_t off, uint32_t sig, struct rd *out)
{
	uint32_t got = 0;

	*out = z->file;
	out->off = 0;
	return rd_skip(out, off) == 0 && rd_u32le(out, &got) == 0 && got == sig;
}

/* --- the end record ------------------------------------------------------ */

/* Its 16- and 32-bit numbers; the last record of the file counts. */
static int
find_end(struct zip *z, struct end *end, struct err *e)
{
	size_t len = z->file.len, least, at;
	uint16_t disk[2], n[2], comment;
	uint32_t size, off;
	struct rd r;

	least = len > END_SIZE + COMMENT_MAX ? len - END_SIZE - COMMENT_MAX : 0;
	for (at = len < END_SIZE ? 0 : len - END_SIZE + 1; at-- > least;)
		if (z->file.base[at] == 'P' && signed_at(z, at, SIG_END, &r))
			break;
	if (at == SIZE_MAX || at + 1 <= least ||
	    !signed_at(z, at, SIG_END, &r) || rd_u16le(&r, &disk[0]) != 0 ||
	    rd_u16le(&r, &disk[1]) != 0 || rd_u16le(&r, &n[0]) != 0 ||
	    rd_u16le(&r, &n[1]) != 0 || rd_u32le(&r, &size) != 0 ||
	    rd_u32le(&r, &off) != 0 || rd_u16le(&r, &comment) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "zip: there is no end of a directory");
	*end = (struct end){at, n[1], size, off};
	z->end = at;
	if (rd_left(&r) != comment)
		odd(z, ZIP_TAIL, rd_pos(&r));
	return 0;
}

/* The 64-bit record wins when there is one, as with miniz and zipfile. */
static int
find_end64(struct zip *z, struct end *end, struct err *e)
{
	const struct end old = *end;
	uint64_t at = 0;
	struct rd r;

	if (end->at < LOCATOR_SIZE ||
	    !signed_at(z, end->at - LOCATOR_SIZE, SIG_LOCATOR64, &r))
		return 0;
	if (rd_skip(&r, 4) != 0 || rd_u64le(&r, &at) != 0 ||
	    !signed_at(z, at, SIG_END64, &r) || rd_skip(&r, 28) != 0 ||
	    rd_u64le(&r, &end->n) != 0 || rd_u64le(&r, &end->size) != 0 ||
	    rd_u64le(&r, &end->off) != 0 || at > old.at)
		return err_set(e, ERR_FORMAT, old.at,
		    "zip: the zip64 end record is not where it should be");
	if ((old.n != UINT16_MAX && old.n != end->n) ||
	    (old.size != UINT32_MAX && old.size != end->size) ||
	    (old.off != UINT32_MAX && old.off != end->off))
		odd(z, ZIP_END, old.at);
	end->at = z->end64 = at;
	return 0;
}

/* --- entries ------------------------------------------------------------- */

/* Sizes and offset that do not fit 32 bits (APPNOTE 4.5.3). */
static int
take_zip64(struct rd extra, uint64_t *const want[], size_t n)
{
	uint16_t id = 0, len = 0;
	struct rd field;

	while (rd_u16le(&extra, &id) == 0) {
		if (rd_u16le(&extra, &len) != 0 ||
		    rd_sub(&extra, len, &field) != 0)
			return ERR_FORMAT;
		if (id != EXTRA_ZIP64)
			continue;
		for (size_t i = 0; i < n; i++)
			if (*want[i] == UINT32_MAX &&
			    rd_u64le(&field, want[i]) != 0)
				return ERR_FORMAT;
		return 0;
	}
	return 0;
}

static int
take_name(struct zip *z, struct slice s, struct zip_entry *f, struct err *e)
{
	char *name;

	if (s.len == 0 || s.len > LIMIT_NAME ||
	    memchr(s.ptr, '\0', s.len) != NULL)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: the name of an entry is empty, too long or no text");
	name = arena_strdup(z->arena, (const char *)s.ptr, s.len);
	if (name == NULL)
		return full(e);
	f->name = name;
	return 0;
}

static int
next_entry(struct zip *z, struct rd *r, struct zip_entry *f, struct err *e)
{
	uint16_t nname = 0, nextra = 0, ncomment = 0;
	uint32_t sig = 0, packed = 0, size = 0, local = 0;
	struct slice name;
	struct rd extra;

	*f = (struct zip_entry){.central = rd_pos(r)};
	if (rd_u32le(r, &sig) != 0 || sig != SIG_CENTRAL ||
	    rd_skip(r, 4) != 0 || rd_u16le(r, &f->flags) != 0 ||
	    rd_u16le(r, &f->method) != 0 || rd_skip(r, 4) != 0 ||
	    rd_u32le(r, &f->crc) != 0 || rd_u32le(r, &packed) != 0 ||
	    rd_u32le(r, &size) != 0 || rd_u16le(r, &nname) != 0 ||
	    rd_u16le(r, &nextra) != 0 || rd_u16le(r, &ncomment) != 0 ||
	    rd_skip(r, 8) != 0 || rd_u32le(r, &local) != 0 ||
	    rd_bytes(r, nname, &name) != 0 || rd_sub(r, nextra, &extra) != 0 ||
	    rd_skip(r, ncomment) != 0)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: entry %zu of the directory is damaged", z->n);
	f->packed = packed;
	f->size = size;
	f->local = local;
	if (take_zip64(extra,
		(uint64_t *const[]){&f->size, &f->packed, &f->local}, 3) != 0)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: an extra field of entry %zu is damaged", z->n);
	return take_name(z, name, f, e);
}

/* The local header decides where the data are; all else it repeats. */
static int
take_local(struct zip *z, struct zip_entry *f, struct err *e)
{
	uint16_t flags = 0, method = 0, nname = 0, nextra = 0;
	uint32_t crc = 0, packed32 = 0, size32 = 0;
	uint64_t packed, size;
	struct slice name;
	struct rd r, extra;
	bool later;

	if (!signed_at(z, f->local, SIG_LOCAL, &r) || rd_skip(&r, 2) != 0 ||
	    rd_u16le(&r, &flags) != 0 || rd_u16le(&r, &method) != 0 ||
	    rd_skip(&r, 4) != 0 || rd_u32le(&r, &crc) != 0 ||
	    rd_u32le(&r, &packed32) != 0 || rd_u32le(&r, &size32) != 0 ||
	    rd_u16le(&r, &nname) != 0 || rd_u16le(&r, &nextra) != 0 ||
	    rd_bytes(&r, nname, &name) != 0 || rd_sub(&r, nextra, &extra) != 0)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: '%.100s' has no header at offset %" PRIu64, f->name,
		    f->local);
	packed = packed32;
	size = size32;
	later = (flags & FLAG_LATER) != 0;
	if (take_zip64(extra, (uint64_t *const[]){&size, &packed}, 2) != 0 ||
	    name.len != strlen(f->name) ||
	    memcmp(name.ptr, f->name, name.len) != 0 || method != f->method ||
	    flags != f->flags ||
	    (!later &&
		(crc != f->crc || packed != f->packed || size != f->size)))
		odd(z, ZIP_LOCAL, f->local);
	f->data = rd_pos(&r);
	if (f->packed > rd_left(&r))
		return err_set(e, ERR_TRUNCATED, f->central,
		    "zip: '%.100s' claims %" PRIu64 " bytes, %zu are left",
		    f->name, f->packed, rd_left(&r));
	if (f->method == STORED && f->packed != f->size)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: '%.100s' is stored in %" PRIu64 " bytes, but "
		    "claims %" PRIu64,
		    f->name, f->packed, f->size);
	return 0;
}

static int
read_entries(struct zip *z, const struct end *end, struct err *e)
{
	struct rd dir = z->file, r;
	int rc;

	dir.off = 0;
	z->directory = end->off;
	if (end->off > end->at || end->size > end->at - end->off ||
	    rd_skip(&dir, end->off) != 0 || rd_sub(&dir, end->size, &r) != 0)
		return err_set(e, ERR_FORMAT, end->at,
		    "zip: the directory is not before its end");
	/* 46 bytes at least for each */
	if (end->n > LIMIT_ZIP_ENTRIES || end->n > end->size / 46 + 1)
		return err_set(e,
		    end->n > LIMIT_ZIP_ENTRIES ? ERR_LIMIT : ERR_FORMAT,
		    end->at, "zip: %" PRIu64 " entries", end->n);
	z->entry = arena_alloc(z->arena, (size_t)end->n + 1, sizeof(*z->entry));
	if (z->entry == NULL)
		return full(e);
	for (; z->n < end->n; z->n++) {
		struct zip_entry *f = &z->entry[z->n];

		if ((rc = next_entry(z, &r, f, e)) != 0 ||
		    (rc = take_local(z, f, e)) != 0)
			return rc;
	}
	if (rd_left(&r) != 0)
		odd(z, ZIP_GAP, rd_pos(&r));
	return 0;
}

/* The name in small letters; of ASCII, as miniz has it. */
static const char *
small(struct zip *z, const char *name)
{
	char *s = arena_strdup(z->arena, name, strlen(name));

	for (size_t i = 0; s != NULL && s[i] != '\0'; i++)
		if (s[i] >= 'A' && s[i] <= 'Z')
			s[i] = (char)(s[i] - 'A' + 'a');
	return s;
}

static int
check_case(struct zip *z, struct err *e)
{
	struct map names;

	map_init(&names, z->arena);
	for (size_t i = 0; i < z->n; i++) {
		const char *s;
		int rc;

		if (z->entry[i].shadowed)
			continue;
		if ((s = small(z, z->entry[i].name)) == NULL ||
		    (rc = map_put(&names, s, i)) < 0)
			return full(e);
		if (rc == 0)
			odd(z, ZIP_CASE, z->entry[i].central);
	}
	return 0;
}

/* Later entries first, so that they keep their names. */
static int
index_names(struct zip *z, struct err *e)
{
	for (size_t i = z->n; i-- > 0;) {
		int rc = map_put(&z->by_name, z->entry[i].name, i);

		if (rc < 0)
			return full(e);
		z->entry[i].shadowed = rc == 0;
		if (rc == 0)
			odd(z, ZIP_DUPLICATE, z->entry[i].central);
	}
	return check_case(z, e);
}

/* --- the ground between -------------------------------------------------- */

struct span {
	uint64_t from, to;
};

static int
by_place(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* The size of the data descriptor, 12 to 24 bytes, where there is one
 * (APPNOTE 4.3.9: with or without a signature, sizes of 4 or 8 bytes). */
uint64_t
zip_descriptor(const struct zip *z, const struct zip_entry *f)
{
	uint64_t end = f->data + f->packed, packed = 0, size = 0, n = 12;
	struct rd r;

	if ((f->flags & FLAG_LATER) == 0)
		return 0;
	if (signed_at(z, end, SIG_DESCRIPTOR, &r)) {
		n += 4;
	} else {
		r.off = 0;
		if (rd_skip(&r, end) != 0)
			return 0;
	}
	if (rd_skip(&r, 4) == 0 && rd_u64le(&r, &packed) == 0 &&
	    rd_u64le(&r, &size) == 0 && packed == f->packed && size == f->size)
		n += 8;
	return n;
}

/* Entries and the directory must neither share bytes nor leave any out. */
static int
check_ground(struct zip *z, const struct end *end, struct err *e)
{
	struct span *s = arena_alloc(z->arena, z->n + 1, sizeof(*s));
	uint64_t at = 0;

	if (s == NULL)
		return full(e);
	for (size_t i = 0; i < z->n; i++) {
		const struct zip_entry *f = &z->entry[i];

		s[i] = (struct span){
		    f->local, f->data + f->packed + zip_descriptor(z, f)};
	}
	s[z->n] = (struct span){end->off, end->off + end->size};
	qsort(s, z->n + 1, sizeof(*s), by_place);
	for (size_t i = 0; i <= z->n; i++) {
		if (s[i].from < at)
			odd(z, ZIP_OVERLAP, s[i].from);
		if (s[i].from > at)
			odd(z, ZIP_GAP, at);
		at = MAX(at, s[i].to);
	}
	if (at < end->at)
		odd(z, ZIP_GAP, at);
	return 0;
}

int
zip_open(struct zip *z, struct rd file, struct arena *a, struct err *e)
{
	struct end end;
	int rc;

	*z = (struct zip){.file = file, .arena = a};
	map_init(&z->by_name, a);
	if ((rc = find_end(z, &end, e)) != 0 ||
	    (rc = find_end64(z, &end, e)) != 0 ||
	    (rc = read_entries(z, &end, e)) != 0 ||
	    (rc = index_names(z, e)) != 0)
		return rc;
	return check_ground(z, &end, e);
}

const struct zip_entry *
zip_find(const struct zip *z, const char *name)
{
	size_t at = map_get(&z->by_name, name);

	return at != SIZE_MAX ? &z->entry[at] : NULL;
}

const char *
zip_oddity_text(enum zip_oddity what)
{
	static const char *const text[] = {
	    [ZIP_DUPLICATE] = "two entries have one name",
	    [ZIP_CASE] = "two names differ only in case",
	    [ZIP_LOCAL] = "a local header contradicts the directory",
	    [ZIP_OVERLAP] = "entries overlap",
	    [ZIP_GAP] = "bytes that belong to no entry",
	    [ZIP_TAIL] = "bytes after the end",
	    [ZIP_END] = "two end records disagree",
	};

	static_assert(ARRAY_LEN(text) == ZIP_ODDITIES, "a text for each");
	return text[what];
}

/* --- contents ------------------------------------------------------------ */

bool
zip_is_stored(const struct zip_entry *f)
{
	return f->method == STORED;
}

/* All of it in one call: in and out are memory. */
static int
inflate_raw(struct slice in, uint8_t *out, size_t len)
{
	z_stream s = {0};
	size_t fed = 0, got = 0;
	int rc = Z_OK;

	if (inflateInit2(&s, -15) != Z_OK)
		BUG("zlib");
	while (rc == Z_OK) {
		uInt give = (uInt)MIN(in.len - fed, (size_t)1 << 30);
		uInt room = (uInt)MIN(len - got, (size_t)1 << 30);

		s.next_in = (Bytef *)(uintptr_t)in.ptr + fed;
		s.avail_in = give;
		s.next_out = out + got;
		s.avail_out = room;
		rc = inflate(&s, Z_NO_FLUSH);
		fed += give - s.avail_in;
		got += room - s.avail_out;
		if (rc == Z_OK && s.avail_in == give && s.avail_out == room)
			break;
	}
	inflateEnd(&s);
	return rc == Z_STREAM_END && got == len ? 0 : ERR_FORMAT;
}

static int
expand(struct zip *z, const struct zip_entry *f, struct slice in,
    struct slice *out, struct err *e)
{
	uint8_t *p;

	/* deflate gives 1032 bytes for one at most */
	if (f->size / 1040 > f->packed)
		return err_set(e, ERR_FORMAT, f->central,
		    "zip: '%.100s' cannot become %" PRIu64 " bytes", f->name,
		    f->size);
	if (f->size > LIMIT_ZIP_INFLATED - z->inflated ||
	    (p = arena_alloc(z->arena, (size_t)f->size + 1, 1)) == NULL)
		return err_set(e, ERR_LIMIT, f->central,
		    "zip: more than %" PRIu64 " bytes when expanded",
		    LIMIT_ZIP_INFLATED);
	z->inflated += f->size;
	if (inflate_raw(in, p, (size_t)f->size) != 0)
		return err_set(e, ERR_FORMAT, f->data,
		    "zip: '%.100s' cannot be expanded", f->name);
	z->entry[f - z->entry].expanded = p;
	*out = (struct slice){p, (size_t)f->size};
	return 0;
}

int
zip_read(
    struct zip *z, const struct zip_entry *f, struct slice *out, struct err *e)
{
	struct rd r = z->file;

	*out = (struct slice){f->expanded, (size_t)f->size};
	if (f->expanded != NULL)
		return 0;
	*out = (struct slice){0};
	if ((f->flags & FLAG_ENCRYPTED) != 0 ||
	    (f->method != STORED && f->method != DEFLATED))
		return err_set(e, ERR_UNSUPPORTED, f->central,
		    "zip: '%.100s' is encrypted, or of method %u", f->name,
		    f->method);
	r.off = 0;
	if (rd_skip(&r, f->data) != 0 || rd_bytes(&r, f->packed, out) != 0)
		BUG("checked by zip_open");
	return f->method == STORED ? 0 : expand(z, f, *out, out, e);
}

/* --- writing ------------------------------------------------------------- */

uint32_t
zip_crc(const void *p, size_t len)
{
	/* five times as fast as zlib's, and gigabytes go through it */
	return libdeflate_crc32(0, p, len);
}

void
zip_mend(const struct zip *z, const struct zip_entry *f, uint8_t *file)
{
	uint32_t crc = zip_crc(file + f->data, (size_t)f->packed), old = 0;
	uint64_t end = f->data + f->packed;
	struct rd r;

	le_put(file + f->central + 16, 4, crc);
	if (signed_at(z, f->local, SIG_LOCAL, &r) && rd_skip(&r, 10) == 0 &&
	    rd_u32le(&r, &old) == 0 && old == f->crc)
		le_put(file + f->local + 14, 4, crc);
	if ((f->flags & FLAG_LATER) == 0)
		return;
	r = z->file;
	r.off = 0;
	if (signed_at(z, end, SIG_DESCRIPTOR, &r))
		end += 4;
	r.off = 0;
	if (rd_skip(&r, end) == 0 && rd_u32le(&r, &old) == 0 && old == f->crc)
		le_put(file + end, 4, crc);
}
