/* SPDX-License-Identifier: MIT
 * Bits that must be right are counted beside each kind.
 */
#include "audit/check_weight_magic.h"

#include "formats/pickle.h"

#include <zlib.h>

#define EXPANDED 32768 /* bytes of a deflate stream without an error */

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static unsigned
le16(const uint8_t *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static bool
printable(uint8_t c)
{
	return c >= ' ' && c < 0x7f;
}

/* --- programs ------------------------------------------------------------ */

/* gABI: e_ident, e_type, e_version, and e_ehsize, at which Linux does not look, or
 * the zeros behind e_ident: 32 + 7 + 7 + 8 + 14 + 32 + 15 */
static bool
elf(const uint8_t *p, size_t len)
{
	static const uint8_t zeros[9];
	bool big, wide;
	unsigned type, version, head;

	if (len < 64 || p[4] < 1 || p[4] > 2 || p[5] < 1 || p[5] > 2 ||
	    p[6] != 1)
		return false;
	wide = p[4] == 2;
	big = p[5] == 2;
	type = big ? p[17] | (unsigned)p[16] << 8 : le16(p + 16);
	version = big ? p[23] : p[20];
	head = big ? p[wide ? 53 : 41] : p[wide ? 52 : 40];
	return type >= 1 && type <= 4 && version == 1 &&
	       (head == (wide ? 64 : 52) ||
		   memcmp(p + 7, zeros, sizeof(zeros)) == 0);
}

/* PE: 16 + 20 (e_lfanew) + 32 + 12 (machine) + 8 (sections, header size) */
static bool
pe(const uint8_t *p, size_t len)
{
	static const uint16_t machine[] = {
	    0x014c, 0x8664, 0x01c0, 0x01c4, 0xaa64, 0x0200};
	uint32_t at;

	if (len < 64 || (at = le32(p + 60)) < 64 || at > 4096 ||
	    at + 24 > len || memcmp(p + at, "PE\0\0", 4) != 0 ||
	    le16(p + at + 6) == 0 || le16(p + at + 6) > 96)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(machine); i++)
		if (le16(p + at + 4) == machine[i])
			return true;
	return false;
}

/* mach_header: 32 + 25 (cpu) + 28 (file type) + 19 (commands) */
static bool
macho(const uint8_t *p, size_t len)
{
	uint32_t cpu;

	if (len < 32 || (le32(p) & 0xfffffffe) != 0xfeedface)
		return false;
	cpu = le32(p + 4) & 0xfeffffff;
	return (cpu == 7 || cpu == 12 || cpu == 18) && le32(p + 12) >= 1 &&
	       le32(p + 12) <= 12 && le32(p + 16) >= 1 && le32(p + 16) < 8192;
}

/* A line that names an interpreter: "#!/bin/" is 56 bits alone. */
static bool
script(const uint8_t *p, size_t len)
{
	size_t n = 3;

	if (len < 16 || memcmp(p, "#!/", 3) != 0)
		return false;
	while (n < len && n < 128 && printable(p[n]))
		n++;
	/* 24 + 1.4 a character + 7 for the end of the line */
	return n >= 8 && n < len && (p[n] == '\n' || p[n] == '\r') &&
	       (n >= 24 || memcmp(p + 3, "bin/", 4) == 0 ||
		   memcmp(p + 3, "usr/", 4) == 0);
}

/* --- archives ------------------------------------------------------------ */

/* APPNOTE 4.3.7: 32 + 10 + 11 + 13 + 6 + 4 and 1.4 for each byte of the name */
static bool
zip(const uint8_t *p, size_t len)
{
	static const uint8_t method[] = {0, 8, 9, 12, 14, 93, 95, 99};
	bool known = false;
	size_t name;

	if (len < 34 || le32(p) != 0x04034b50 || le16(p + 4) > 63 ||
	    (le16(p + 6) & ~0x080fU) != 0 || le16(p + 28) > 4096)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(method); i++)
		known = known || le16(p + 8) == method[i];
	name = le16(p + 26);
	if (!known || name == 0 || name > 1024 || 30 + name > len)
		return false;
	for (size_t i = 0; i < name; i++)
		if (p[30 + i] < ' ')
			return false;
	return true;
}

/* What may be expanded of a gzip stream; whether that proves it one. */
static bool
expands(const uint8_t *p, size_t len)
{
	uint8_t out[16384];
	z_stream z = {0};
	uint8_t *in;
	int rc;

	/* zlib's interface is not const */
	memcpy(&in, &p, sizeof(in));
	z.next_in = in;
	z.avail_in = (uInt)len;
	if (inflateInit2(&z, 16 + 15) != Z_OK)
		return false;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
	} while (rc == Z_OK && z.avail_out == 0 && z.total_out < (1U << 20));
	inflateEnd(&z);
	/* the end is proven by CRC and length: 64 bits */
	return rc == Z_STREAM_END || ((rc == Z_OK || rc == Z_BUF_ERROR) &&
					 len - z.avail_in >= EXPANDED);
}

/* RFC 1952: 24 + 3 + 6 + 4, then what it holds */
static bool
gzip(const uint8_t *p, size_t len)
{
	return len >= 18 && p[2] == 8 && (p[3] & 0xe0) == 0 &&
	       (p[8] == 0 || p[8] == 2 || p[8] == 4) &&
	       (p[9] <= 13 || p[9] == 255);
}

/* The xz file format: magic, two bytes of flags, their CRC: 48 + 12 + 32 */
static bool
xz(const uint8_t *p, size_t len)
{
	return len >= 12 &&
	       memcmp(p,
		   "\xfd"
		   "7zXZ\0",
		   6) == 0 &&
	       p[6] == 0 && le32(p + 8) == crc32(0, p + 6, 2);
}

/* 7zFormat.txt: signature, version, CRC of the start header: 48 + 8 + 32 */
static bool
seven(const uint8_t *p, size_t len)
{
	return len >= 32 && memcmp(p, "7z\xbc\xaf\x27\x1c\0", 7) == 0 &&
	       le32(p + 8) == crc32(0, p + 12, 20);
}

static const struct {
	unsigned bucket;
	const char *name, *magic;
	size_t len;
} fixed[] = {
    /* all of 60 bits and more */
    {7, "bzip2 stream", "BZh91AY&SY", 10},
    {7, "bzip2 stream", "BZh11AY&SY", 10},
    {7, "bzip2 stream", "BZh51AY&SY", 10},
    {7, "RAR archive", "Rar!\x1a\x07\x01\x00", 8},
    {7, "Dalvik program", "dex\n035\0", 8},
    {7, "Dalvik program", "dex\n039\0", 8},
    {7, "WebAssembly module", "\0asm\1\0\0\0", 8},
    {7, "key or certificate", "-----BEGIN ", 11},
    /* what machine code that has no file pushes or begins with: the shell's
     * name as numbers, and the first instructions of Metasploit's Windows
     * payloads (64 bits, 32 bits of two ages) */
    {0, "machine code", "/bin/sh\0", 8},
    {0, "machine code", "/bin//sh", 8},
    {0, "machine code", "h//shh/bin", 10},
    {0, "machine code", "\xfcH\x83\xe4\xf0\xe8\xc0\0\0\0", 10},
    {0, "machine code", "\xfcH\x83\xe4\xf0\xe8\xcc\0\0\0", 10},
    {0, "machine code", "\xfc\xe8\x82\0\0\0`\x89\xe5", 9},
    {0, "machine code", "\xfc\xe8\x89\0\0\0`\x89\xe5", 9},
};

/* --- pickles ------------------------------------------------------------- */

/* Characters of imports so far, as far as they are names. */
struct imports {
	size_t named;
	bool odd;
};

static size_t
name_chars(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i], low = c | 32;

		if (c != '_' && c != '.' && !(c >= '0' && c <= '9') &&
		    !(low >= 'a' && low <= 'z'))
			return SIZE_MAX;
	}
	return s.len;
}

static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct imports *m = ctx;
	size_t a, b;

	(void)op;
	if (!pickle_is(n, PICKLE_GLOBAL))
		return;
	a = name_chars(n->name->module);
	b = name_chars(n->name->name);
	m->odd = m->odd || a == SIZE_MAX || b == SIZE_MAX;
	m->named += m->odd ? 0 : a + b;
}

/* Read one, or the beginning of one. */
static int
read_pickle(const uint8_t *p, size_t len, struct imports *m, size_t *end)
{
	struct pickle k = {.see = see, .ctx = m};
	const struct pickle_node *root;
	struct err e = {0};
	struct arena a;
	struct rd r = rd_mem(p, len);
	int rc;

	arena_init(&a, (size_t)1 << 20);
	k.arena = &a;
	rc = pickle_read(&k, &r, &root, &e);
	arena_release(&a);
	*end = r.off;
	return rc;
}

/*
 * A pickle of protocol 2 to 5 that reads to its STOP, or on to the end of what
 * there is, and imports something: 14 bits, 24 for the import, 2 for each
 * character of its names, 8 for the STOP.
 */
static bool
pickle(const uint8_t *p, size_t len)
{
	struct imports m = {0};
	size_t end;
	int rc;

	if (len < 16 || p[1] < 2 || p[1] > 5)
		return false;
	rc = read_pickle(p, len, &m, &end);
	if (m.odd || (rc != 0 && rc != ERR_TRUNCATED))
		return false;
	return m.named >= (rc == 0 ? 8 : 12);
}

bool
check_weight_magic_maybe(const uint8_t *p, size_t len)
{
	struct imports m = {0};
	size_t end;
	int rc;

	if (len < 2 || p[0] != 0x80 || p[1] < 2 || p[1] > 5)
		return true;
	rc = read_pickle(p, len, &m, &end);
	return !m.odd && ((rc == 0 && m.named >= 8) || rc == ERR_TRUNCATED);
}

/* --- all kinds ----------------------------------------------------------- */

void
check_weight_magic_init(struct check_weight_magic *m)
{
	static const struct {
		unsigned bucket;
		const char *first;
	} kinds[] = {
	    {0, "\x7f"
		"EL"},
	    {1, "MZ"},
	    {2, "PK\3"},
	    {3, "\x1f\x8b\x08"},
	    {4, "#!/"},
	    {2, "7z\xbc"},
	    {5, "\xce\xfa\xed"},
	    {5, "\xcf\xfa\xed"},
	    {5, "\xfd"
		"7z"},
	    {6, "\x80\2"},
	    {6, "\x80\3"},
	    {6, "\x80\4"},
	    {6, "\x80\5"},
	};

	*m = (struct check_weight_magic){0};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		find_add(&m->first, kinds[i].bucket, kinds[i].first,
		    strlen(kinds[i].first));
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		find_add(
		    &m->first, fixed[i].bucket, fixed[i].magic, fixed[i].len);
}

/* What a string is long that leaves room for an import in what is read. */
static bool
short_string(const uint8_t *q)
{
	return le32(q + 3) < CHECK_WEIGHT_MAGIC_HEAD;
}

/* What an import may begin with: another letter would make it odd. */
static bool
named(const uint8_t *q)
{
	for (size_t i = 3; i < 7; i++)
		if (q[i] != '\n' && q[i] != '_' && q[i] != '.' &&
		    !(q[i] >= '0' && q[i] <= '9') &&
		    !((q[i] | 32) >= 'a' && (q[i] | 32) <= 'z'))
			return false;
	return true;
}

/* More of the first bytes, so that few places are read again. */
static bool
likely(const uint8_t *q, size_t len)
{
	switch (q[0]) {
	case 0x7f:
		return q[1] == 'E' && q[2] == 'L' && q[3] == 'F';
	case 'M':
		return q[1] == 'Z' && (len < 64 || (le32(q + 60) >= 64 &&
						       le32(q + 60) <= 4096));
	case 'P':
		return q[1] == 'K' && q[2] == 3 && q[3] == 4;
	case 0x1f:
		return q[1] == 0x8b && gzip(q, len);
	case '#':
		return q[1] == '!' && q[2] == '/';
	case 0x80:
		if (q[1] < 2 || q[1] > 5 || (q[2] == 'X' && !short_string(q)) ||
		    (q[2] == 'c' && !named(q)))
			return false;
		return q[2] == 0x95 ? q[6] == 0 && le32(q + 7) == 0
				    : memchr("c](}\x8cXKN)U", q[2], 10) != NULL;
	case 0xfd:
		return q[1] == '7' && q[2] == 'z';
	case 0xce:
	case 0xcf:
		return q[1] == 0xfa && q[2] == 0xed;
	case '7':
		return q[1] == 'z' && q[2] == 0xbc;
	default:
		return false;
	}
}

static bool
may_begin(const uint8_t *p, size_t len)
{
	if (likely(p, len))
		return true;
	for (size_t k = 0; k < ARRAY_LEN(fixed); k++)
		if (memcmp(p, fixed[k].magic, fixed[k].len) == 0)
			return true;
	return false;
}

size_t
check_weight_magic_next(const struct check_weight_magic *m, const uint8_t *p,
    size_t from, size_t len)
{
	/* bytes that may_begin() looks at follow each place */
	size_t end = len - MIN(len, 18 - FIND_BYTES), i = from;

	for (; (i = find_next(&m->first, p, i, end)) < end; i++)
		if (may_begin(p + i, len - i))
			return i;
	return len;
}

const char *
check_weight_magic_tell(const uint8_t *p, size_t len, bool whole, bool *deep)
{
	static const struct {
		const char *name, *magic;
		size_t len;
		bool (*is)(const uint8_t *, size_t);
	} kinds[] = {
	    {"ELF program",
		"\x7f"
		"ELF",
		4, elf},
	    {"Windows program", "MZ", 2, pe},
	    {"macOS program", "\xce\xfa", 2, macho},
	    {"macOS program", "\xcf\xfa", 2, macho},
	    {"zip archive", "PK\3\4", 4, zip},
	    {"script", "#!/", 3, script},
	    {"xz stream",
		"\xfd"
		"7zXZ",
		5, xz},
	    {"7-Zip archive", "7z\xbc", 3, seven},
	    {"pickle", "\x80", 1, pickle},
	};

	*deep = false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (len >= kinds[i].len &&
		    memcmp(p, kinds[i].magic, kinds[i].len) == 0 &&
		    kinds[i].is(p, len))
			return kinds[i].name;
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (len >= fixed[i].len &&
		    memcmp(p, fixed[i].magic, fixed[i].len) == 0)
			return fixed[i].name;
	if (len < 2 || p[0] != 0x1f || p[1] != 0x8b || !gzip(p, len))
		return NULL;
	if (expands(p, len))
		return "gzip stream";
	*deep = !whole;
	return NULL;
}
