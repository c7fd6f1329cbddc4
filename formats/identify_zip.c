/* SPDX-License-Identifier: MIT
 * Zip files by their end record and central directory (APPNOTE 4.3.12,
 * 4.3.14 to 4.3.16), which is what most readers go by: a zip may hide behind
 * any other file.
 */
#include "formats/identify_probe.h"

#define END_SIZE      22
#define COMMENT_MAX   65535
#define ENTRIES_SEEN  4096
#define SIG_LOCAL     0x04034b50
#define SIG_CENTRAL   0x02014b50
#define SIG_END       0x06054b50
#define SIG_END64     0x06064b50
#define SIG_LOCATOR64 0x07064b50

static bool
at_offset(struct rd r, uint64_t off, uint32_t sig, struct rd *out)
{
	uint32_t got = 0;

	*out = r;
	return off <= r.len && rd_skip(out, off) == 0 &&
	       rd_u32le(out, &got) == 0 && got == sig;
}

/*
 * The zip64 end record that a locator before the end record points to, or,
 * behind a prefix, that stands right before it.  *end becomes where it is.
 */
static bool
central64(struct rd r, uint64_t *end, uint64_t *size, uint64_t *off)
{
	uint64_t at[2] = {0, *end - 76};
	struct rd c;

	if (*end < 20 || !at_offset(r, *end - 20, SIG_LOCATOR64, &c) ||
	    rd_skip(&c, 4) != 0 || rd_u64le(&c, &at[0]) != 0)
		return false;
	for (size_t i = 0; i < 2; i++) {
		if (!at_offset(r, at[i], SIG_END64, &c) ||
		    rd_skip(&c, 36) != 0 || rd_u64le(&c, size) != 0 ||
		    rd_u64le(&c, off) != 0)
			continue;
		*end = at[i];
		return true;
	}
	return false;
}

/*
 * Another archive begins here: a zip that ends it is a member of it.  What
 * stands behind its end is its own checks' to see.
 */
static bool
is_member(struct rd r)
{
	static const struct {
		size_t at;
		const char *magic;
	} outer[] = {{257, "ustar"}, {0, "!<arch>\n"}, {0, "07070"},
	    {0, "7z\xbc\xaf\x27\x1c"}, {0, "Rar!\x1a\7"}, {0, "MSCF"},
	    {0x8001, "CD001"}, {0, "xar!"}};

	for (size_t i = 0; i < ARRAY_LEN(outer); i++)
		if (rd_has(
			r, outer[i].at, outer[i].magic, strlen(outer[i].magic)))
			return true;
	return false;
}

/*
 * A pickle begins here, and the zip is the whole of one of its byte strings
 * (BINBYTES, BINBYTES8, BYTEARRAY8: what torch.save() wrote within an object of
 * skorch): its own checks look into those.
 */
static bool
is_literal(struct rd r, uint64_t from, uint64_t to)
{
	uint64_t len = to - from, said;
	uint32_t said32;
	struct rd c = r;

	if (!rd_has(r, 0, "\x80", 1) || from < 11 || from > to || to > r.len)
		return false;
	c.off = from - 4;
	if (r.base[from - 5] == 'B' && rd_u32le(&c, &said32) == 0 &&
	    said32 == len)
		return true;
	c.off = from - 8;
	return (r.base[from - 9] == 0x8e || r.base[from - 9] == 0x96) &&
	       rd_u64le(&c, &said) == 0 && said == len;
}

/*
 * A cursor at the central directory; false when there is none.  It ends where
 * the end record says, so a file with a prefix has it later than stated.
 */
static bool
central(struct rd r, struct rd *out)
{
	size_t least =
	    r.len > END_SIZE + COMMENT_MAX ? r.len - END_SIZE - COMMENT_MAX : 0;
	struct rd c;

	if (!at_offset(r, 0, SIG_LOCAL, &c) && is_member(r))
		return false;
	for (size_t at = r.len < END_SIZE ? 0 : r.len - END_SIZE + 1;
	     at-- > least;) {
		uint32_t size32 = 0, off32 = 0;
		uint64_t size, off, end = at;
		uint16_t comment = 0;

		if (r.base[at] != 'P' || !at_offset(r, at, SIG_END, &c) ||
		    rd_skip(&c, 8) != 0 || rd_u32le(&c, &size32) != 0 ||
		    rd_u32le(&c, &off32) != 0 || rd_u16le(&c, &comment) != 0)
			continue;
		size = size32;
		off = off32;
		/* it counts even where 32 bits would do, as in PyTorch's */
		if (!central64(r, &end, &size, &off) && off32 == UINT32_MAX)
			continue;
		if (!at_offset(r, off, SIG_CENTRAL, out) &&
		    (size > end || !at_offset(r, end - size, SIG_CENTRAL, out)))
			continue;
		out->off -= 4;
		if (is_literal(r, out->off - off, at + END_SIZE + comment))
			continue;
		return true;
	}
	return false;
}

static bool
next_name(struct rd *c, struct slice *name)
{
	uint16_t n = 0, extra = 0, comment = 0;
	uint32_t sig = 0;

	return rd_u32le(c, &sig) == 0 && sig == SIG_CENTRAL &&
	       rd_skip(c, 24) == 0 && rd_u16le(c, &n) == 0 &&
	       rd_u16le(c, &extra) == 0 && rd_u16le(c, &comment) == 0 &&
	       rd_skip(c, 12) == 0 && rd_bytes(c, n, name) == 0 &&
	       rd_skip(c, (uint64_t)extra + comment) == 0;
}

static bool
ends(struct slice s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.len >= n && memcmp(s.ptr + s.len - n, suffix, n) == 0;
}

/* How many of the first names end so; *all counts them all. */
static size_t
count(struct rd r, const char *suffix, size_t *all)
{
	struct slice name;
	size_t n = 0;
	struct rd c;

	*all = 0;
	if (!central(r, &c))
		return 0;
	while (*all < ENTRIES_SEEN && next_name(&c, &name)) {
		n += ends(name, suffix);
		++*all;
	}
	return n;
}

unsigned
identify_zip(struct rd r)
{
	struct rd c;
	bool front = at_offset(r, 0, SIG_LOCAL, &c);
	bool back = central(r, &c);

	/* an archive of nothing is an end record */
	if (!front && !back)
		front = at_offset(r, 0, SIG_END, &c);
	/* without its directory it is damaged, but still no other thing */
	return front && back ? 48 : front || back ? 32 : 0;
}

unsigned
identify_zip_torch(struct rd r)
{
	size_t all;

	return count(r, "/data.pkl", &all) != 0 ? 56 : 0;
}

/* torch/export/pt2_archive/constants.py; before 2.6 without a folder */
unsigned
identify_zip_export(struct rd r)
{
	size_t all;

	return count(r, "/archive_format", &all) != 0 ||
		       count(r, "serialized_exported_program.json", &all) != 0
		   ? 56
		   : 0;
}

/* torch/package/package_exporter.py */
unsigned
identify_zip_package(struct rd r)
{
	size_t all;

	return count(r, "/.data/extern_modules", &all) != 0 ? 56 : 0;
}

unsigned
identify_zip_keras(struct rd r)
{
	size_t all;

	return count(r, "model.weights.h5", &all) != 0 ? 56 : 0;
}

unsigned
identify_zip_npz(struct rd r)
{
	size_t all, n = count(r, ".npy", &all);

	return n != 0 && n == all ? 56 : 0;
}
