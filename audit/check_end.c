/* SPDX-License-Identifier: MIT
 * Where images and sounds end.  Their readers stop there, and whatever is
 * behind is for somebody else.  And what the texts of a PNG are.
 */
#include "audit/check_base64.h"
#include "audit/check_expand.h"
#include "audit/check_tail.h"

#include <zlib.h>

#define PNG_MOST ((uint64_t)1 << 32) /* pixels */

/* IHDR (11.2.2): sizes, a depth that its colour type has, no more pixels than
 * any reader takes. */
static bool
is_header(struct rd r, uint32_t len)
{
	static const uint8_t depths[7] = {0x1f, 0, 0x18, 0x0f, 0x18, 0, 0x18};
	uint32_t wide = 0, high = 0;
	uint8_t depth = 0, colour = 0, bit = 0;

	if (len != 13 || rd_u32be(&r, &wide) != 0 || rd_u32be(&r, &high) != 0 ||
	    rd_u8(&r, &depth) != 0 || rd_u8(&r, &colour) != 0)
		return false;
	while (bit < 5 && depth != 1U << bit)
		bit++;
	return wide != 0 && high != 0 && wide <= INT32_MAX &&
	       high <= INT32_MAX && (uint64_t)wide * high <= PNG_MOST &&
	       bit < 5 && colour < ARRAY_LEN(depths) &&
	       (depths[colour] >> bit & 1) != 0;
}

/* Ends: behind the last byte of what the format says, UINT64_MAX where that is not
 * reached.  "headless": no program shows it, but what is behind the end is behind it.
 *
 * PNG (5.3, 11.2): chunks up to IEND, each with its checksum. */
static uint64_t
end_png(struct rd r, bool *headless)
{
	struct slice body;
	uint32_t len = 0, crc = 0;
	bool first = true;

	if (rd_skip(&r, 8) != 0)
		return UINT64_MAX;
	while (rd_u32be(&r, &len) == 0 &&
	       rd_bytes(&r, (uint64_t)len + 4, &body) == 0 &&
	       rd_u32be(&r, &crc) == 0 &&
	       crc == crc32_z(0, body.ptr, body.len)) {
		/* which Xcode puts before it */
		if (first && memcmp(body.ptr, "CgBI", 4) == 0)
			continue;
		if (first)
			*headless = memcmp(body.ptr, "IHDR", 4) != 0 ||
				    !is_header(rd_mem(body.ptr + 4, len), len);
		first = false;
		if (memcmp(body.ptr, "IEND", 4) == 0)
			return r.off;
	}
	return UINT64_MAX;
}

/* Behind the entropy-coded bytes (ITU T.81 B.1.1.5): 0xff and neither a
 * stuffed zero nor a restart. */
static int
skip_scan(struct rd *r)
{
	while (rd_left(r) >= 2) {
		const uint8_t *at = r->base + r->off;
		const uint8_t *p = memchr(at, 0xff, rd_left(r) - 1);

		if (p == NULL)
			break;
		if (rd_skip(r, (uint64_t)(p - at)) != 0)
			break;
		if (p[1] != 0 && p[1] != 0xff &&
		    !(p[1] >= 0xd0 && p[1] <= 0xd7))
			return 0;
		if (rd_skip(r, p[1] == 0xff ? 1 : 2) != 0)
			break;
	}
	return ERR_TRUNCATED;
}

/* SOF0 to SOF15 (B.2.2), or JPEG-LS's (ITU T.87 C.1.1), with a width; the height may
 * come behind the scan. */
static bool
is_frame(struct rd r, uint8_t marker)
{
	uint8_t w[2] = {0};

	return ((marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
		    marker != 0xc8 && marker != 0xcc) ||
		   marker == 0xf7) &&
	       rd_skip(&r, 5) == 0 && rd_u8(&r, &w[0]) == 0 &&
	       rd_u8(&r, &w[1]) == 0 && (w[0] | w[1]) != 0;
}

static uint64_t
end_jpeg(struct rd r, bool *headless)
{
	uint8_t ff = 0, marker = 0, len[2] = {0};
	bool frame = false;

	if (rd_skip(&r, 2) != 0)
		return UINT64_MAX;
	while (rd_u8(&r, &ff) == 0 && ff == 0xff && rd_u8(&r, &marker) == 0) {
		if (marker == 0xff) { /* fill */
			r.off--;
			continue;
		}
		if (marker == 0xd9) {
			*headless = *headless || !frame;
			return r.off;
		}
		if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7))
			continue;
		frame = frame || is_frame(r, marker);
		*headless = *headless || (marker == 0xda && !frame);
		if (rd_u8(&r, &len[0]) != 0 || rd_u8(&r, &len[1]) != 0 ||
		    len[0] * 256 + len[1] < 2 ||
		    rd_skip(&r, (uint64_t)(len[0] * 256 + len[1] - 2)) != 0)
			break;
		if (marker == 0xda && skip_scan(&r) != 0)
			break;
	}
	return UINT64_MAX;
}

/* GIF 89a, 15 and following: data in blocks of up to 255 bytes */
static int
skip_blocks(struct rd *r)
{
	uint8_t n = 0;

	do {
		if (rd_u8(r, &n) != 0 || rd_skip(r, n) != 0)
			return ERR_TRUNCATED;
	} while (n != 0);
	return 0;
}

static int
skip_colours(struct rd *r, uint8_t packed)
{
	return (packed & 0x80) != 0 ? rd_skip(r, 3ULL << ((packed & 7) + 1))
				    : 0;
}

static uint64_t
end_gif(struct rd r, bool *headless)
{
	uint8_t packed = 0, what = 0;

	(void)headless;
	if (rd_skip(&r, 10) != 0 || rd_u8(&r, &packed) != 0 ||
	    rd_skip(&r, 2) != 0 || skip_colours(&r, packed) != 0)
		return UINT64_MAX;
	while (rd_u8(&r, &what) == 0) {
		if (what == 0x3b)
			return r.off;
		if (what == 0x21 ? rd_skip(&r, 1) != 0
				 : what != 0x2c || rd_skip(&r, 8) != 0 ||
				       rd_u8(&r, &packed) != 0 ||
				       skip_colours(&r, packed) != 0 ||
				       rd_skip(&r, 1) != 0)
			break;
		if (skip_blocks(&r) != 0)
			break;
	}
	return UINT64_MAX;
}

/* RIFF: WAV, WebP, AVI; padded to even */
static uint64_t
end_riff(struct rd r, bool *headless)
{
	uint32_t len = 0;

	(void)headless;
	if (rd_skip(&r, 4) != 0 || rd_u32le(&r, &len) != 0 ||
	    rd_skip(&r, (uint64_t)len + (len & 1)) != 0)
		return UINT64_MAX;
	return r.off;
}

/* The size in the header, which some writers leave zero. */
static uint64_t
end_bmp(struct rd r, bool *headless)
{
	uint32_t size = 0;
	size_t all = r.len;

	(void)headless;
	if (rd_skip(&r, 2) != 0 || rd_u32le(&r, &size) != 0 || size > all)
		return UINT64_MAX;
	return size != 0 ? size : all;
}

/* Directories stand anywhere, and nothing tells the end. */
static uint64_t
end_tiff(struct rd r, bool *headless)
{
	(void)headless;
	return r.len;
}

/* Behind the keyword of a text of PNG (11.3.4): tEXt the text, zTXt a stream
 * behind one byte, iTXt either behind two bytes and two more keywords. */
static void
png_text(const struct check_file *f, struct rd r)
{
	const uint8_t *p = memchr(r.base + 4, 0, r.len - 4);
	bool packed = memcmp(r.base, "zTXt", 4) == 0;
	uint64_t off = (uint64_t)(r.base - f->bytes.base);
	struct check_expanded x;

	if (p == NULL || rd_skip(&r, (uint64_t)(p - r.base) + 1) != 0)
		return;
	if (memcmp(r.base, "iTXt", 4) == 0) {
		if (rd_left(&r) < 2)
			return;
		packed = r.base[r.off] == 1;
		r.off += 2;
		for (int k = 0; k < 2; k++) {
			p = memchr(r.base + r.off, 0, rd_left(&r));
			if (p == NULL)
				return;
			r.off = (size_t)(p - r.base) + 1;
		}
	} else if (packed && rd_skip(&r, 1) != 0) {
		return;
	}
	if (!packed) {
		check_base64(
		    f, (struct slice){r.base + r.off, rd_left(&r)}, off);
		return;
	}
	check_expand_zlib(f, rd_mem(r.base + r.off, rd_left(&r)), &x);
	check_base64(f, (struct slice){x.bytes.ptr, x.bytes.len}, off);
	check_expand_free(&x);
}

/* The texts, as far as the chunks are whole. */
static void
png_texts(const struct check_file *f)
{
	struct rd r = f->bytes;
	struct slice body;
	uint32_t len = 0;

	if (rd_skip(&r, 8) != 0)
		return;
	while (rd_u32be(&r, &len) == 0 &&
	       rd_bytes(&r, (uint64_t)len + 4, &body) == 0 &&
	       rd_skip(&r, 4) == 0)
		if (len != 0 && (memcmp(body.ptr, "tEXt", 4) == 0 ||
				    memcmp(body.ptr, "zTXt", 4) == 0 ||
				    memcmp(body.ptr, "iTXt", 4) == 0))
			png_text(f, rd_mem(body.ptr, body.len));
}

static const struct {
	const char *format;
	uint64_t (*end)(struct rd, bool *headless);
} ends[] = {{"png", end_png}, {"jpeg", end_jpeg}, {"gif", end_gif},
    {"riff", end_riff}, {"bmp", end_bmp}, {"tiff", end_tiff}};

/* Sizes in the header that are the beginning of a comment or an assignment, so that
 * a browser or a shell runs the rest: GIF89a=1, GIF89a slash star, BM=1;. */
static void
runs_as_script(const struct check_file *f)
{
	const char *s = (const char *)f->bytes.base;
	bool gif = f->bytes.len > 16 && memcmp(s, "GIF8", 4) == 0 &&
		   (s[6] == '=' || (s[6] == '/' && s[7] == '*'));
	bool bmp = f->bytes.len > 16 && memcmp(s, "BM=", 3) == 0;
	bool text = true;

	for (size_t i = 2; i < 12 && bmp; i++)
		text = text && s[i] >= ' ' && s[i] < 0x7f;
	if (gif || (bmp && text))
		check_find(f, FINDING_FORMAT_POLYGLOT, 0,
		    "an image whose header is a line of a script");
}

void
check_end(const struct check_file *f)
{
	runs_as_script(f);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		bool headless = false;
		uint64_t end;

		if (!check_is(f, ends[i].format))
			continue;
		check_knows(f);
		if (ends[i].end == end_png)
			png_texts(f);
		end = ends[i].end(f->bytes, &headless);
		if (end != UINT64_MAX)
			check_tail(f, end);
		if (end == UINT64_MAX || headless)
			check_short(f, FINDING_FILE_CUT, ERR_NOWHERE,
			    "%s that is damaged or has no end", ends[i].format);
	}
}
