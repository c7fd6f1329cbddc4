/* SPDX-License-Identifier: MIT
 * Documents and tables that can carry more than they show: compound files, Java
 * objects, Arrow, text of wide characters, and texts that Windows acts on.
 */
#define _GNU_SOURCE /* strncasecmp */
#include "formats/identify_document.h"

#include "formats/identify_probe.h"

#include <strings.h>

/* How much of a text is looked at. */
#define TEXT_SEEN ((size_t)1 << 16)

/* MS-CFB 2.2: signature, class id of zeros, byte order at 28 */
unsigned
identify_document_ole2(struct rd r)
{
	return RD_HAS(r, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") ? 64 : 0;
}

/* Readers take it within the first 1024 bytes (ISO 32000-1, annex H.3.4.1); there
 * it may also be spoken of. */
unsigned
identify_document_pdf(struct rd r)
{
	if (RD_HAS(r, 0, "%PDF-"))
		return 40;
	for (size_t at = 1; at + 8 < MIN(r.len, (size_t)1024); at++)
		if (r.base[at] == '%' && RD_HAS(r, at, "%PDF-1."))
			return 12;
	return 0;
}

/* Java Object Serialization Specification 6.4: magic, version 5, and a content
 * that begins with TC_NULL (0x70) to TC_ENUM (0x7e). */
unsigned
identify_document_java(struct rd r)
{
	return RD_HAS(r, 0, "\xac\xed\0\5") && r.len > 5 && r.base[4] >= 0x70 &&
		       r.base[4] <= 0x7e
		   ? 40
		   : 0;
}

/*
 * Arrow's IPC file and Feather 1 by their magic; the stream by its first message:
 * 0xffffffff, the length of its metadata (a multiple of 8), a flatbuffer whose
 * root and table of fields lie within that.
 */
unsigned
identify_document_arrow(struct rd r)
{
	uint32_t mark = 0, len = 0, root = 0;

	if (RD_HAS(r, 0, "ARROW1\0\0") || RD_HAS(r, 0, "FEA1"))
		return RD_HAS(r, 0, "FEA1") &&
			       !(r.len > 8 && RD_HAS(r, r.len - 4, "FEA1"))
			   ? 0
			   : 48;
	if (rd_u32le(&r, &mark) != 0 || mark != UINT32_MAX ||
	    rd_u32le(&r, &len) != 0 || len % 8 != 0 || len < 16 ||
	    len > rd_left(&r) || rd_u32le(&r, &root) != 0)
		return 0;
	return root >= 4 && root < len - 4 && root % 4 == 0 ? 40 : 0;
}

/* --- wide characters ----------------------------------------------------- */

bool
identify_document_next(struct rd *r, struct identify_wide w, uint32_t *cp)
{
	struct slice s;
	uint32_t low;

	if (rd_bytes(r, w.width, &s) != 0)
		return false;
	*cp = 0;
	for (unsigned i = 0; i < w.width; i++)
		*cp = *cp << 8 | s.ptr[w.big ? i : w.width - 1 - i];
	if (w.width == 2 && *cp >= 0xd800 && *cp < 0xdc00) {
		if (rd_left(r) < 2)
			return *cp = 0xfffd, true;
		low = w.big ? (uint32_t)(s.ptr[2] << 8 | s.ptr[3])
			    : (uint32_t)(s.ptr[3] << 8 | s.ptr[2]);
		if (low >= 0xdc00 && low < 0xe000) {
			r->off += 2;
			*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
			return true;
		}
	}
	if (*cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
		*cp = 0xfffd;
	return true;
}

/* By the mark, else as Python's json.detect_encoding() has it: the first
 * character is of ASCII. */
static bool
guess(struct rd r, struct identify_wide *w)
{
	const uint8_t *b = r.base;

	*w = (struct identify_wide){.width = 2};
	if (r.len < 8)
		return false;
	if (RD_HAS(r, 0, "\0\0\xfe\xff") || RD_HAS(r, 0, "\xff\xfe\0\0")) {
		*w = (struct identify_wide){4, b[0] == 0, 4};
		return true;
	}
	if (RD_HAS(r, 0, "\xfe\xff") || RD_HAS(r, 0, "\xff\xfe")) {
		*w = (struct identify_wide){2, b[0] == 0xfe, 2};
		return true;
	}
	if (b[0] == 0)
		*w = (struct identify_wide){b[1] != 0 ? 2 : 4, true, 0};
	else if (b[1] == 0)
		*w = (struct identify_wide){
		    b[2] != 0 || b[3] != 0 ? 2 : 4, false, 0};
	else
		return false;
	return true;
}

/* All that is seen are characters of text, three quarters of them of ASCII when
 * nothing else says that it is text: numbers of 16 bits are not. */
bool
identify_document_wide_of(struct rd r, struct identify_wide *w)
{
	size_t n = 0, ascii = 0;
	uint32_t cp;

	if (!guess(r, w))
		return false;
	r.len = MIN(r.len, TEXT_SEEN);
	for (r.off = w->skip; identify_document_next(&r, *w, &cp); n++) {
		if (cp == 0xfffd || cp == 0x7f ||
		    (cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r' &&
			cp != '\f' && cp != '\v'))
			return false;
		ascii += cp < 0x80;
	}
	return n >= 3 && (w->skip != 0 ? ascii > 0 : ascii >= n - n / 4);
}

unsigned
identify_document_wide(struct rd r)
{
	struct identify_wide w;

	return identify_document_wide_of(r, &w) ? 8 : 0;
}

/* --- texts that Windows acts on ------------------------------------------ */

static bool
line_begins(struct rd r, size_t at, const char *word)
{
	size_t n = strlen(word);

	while (at < r.len && (r.base[at] == ' ' || r.base[at] == '\t'))
		at++;
	return r.len - at >= n &&
	       strncasecmp((const char *)r.base + at, word, n) == 0;
}

static size_t
next_line(struct rd r, size_t at)
{
	const uint8_t *end =
	    at < r.len ? memchr(r.base + at, '\n', r.len - at) : NULL;

	return end != NULL ? (size_t)(end - r.base) + 1 : r.len;
}

static size_t
behind_mark(struct rd r)
{
	return RD_HAS(r, 0, "\xef\xbb\xbf") ? 3 : 0;
}

/* What regedit takes: the first line, and a key. */
unsigned
identify_document_reg(struct rd r)
{
	size_t at = behind_mark(r);

	r.len = MIN(r.len, TEXT_SEEN);
	if (!line_begins(r, at, "REGEDIT4") &&
	    !line_begins(r, at, "Windows Registry Editor Version "))
		return 0;
	while ((at = next_line(r, at)) < r.len)
		if (line_begins(r, at, "[HK") || line_begins(r, at, "[-HK"))
			return 48;
	return 0;
}

/* autorun.inf: what is started when a volume is opened. */
unsigned
identify_document_autorun(struct rd r)
{
	static const char *const keys[] = {
	    "open=", "open =", "shellexecute=", "shellexecute =", "shell\\"};
	bool within = false;

	r.len = MIN(r.len, TEXT_SEEN);
	for (size_t at = behind_mark(r); at < r.len; at = next_line(r, at)) {
		if (line_begins(r, at, "["))
			within = line_begins(r, at, "[autorun");
		for (size_t i = 0; within && i < ARRAY_LEN(keys); i++)
			if (line_begins(r, at, keys[i]))
				return 48;
	}
	return 0;
}

/* A launcher of freedesktop.org that starts something; lines before its group may
 * be comments or empty. */
unsigned
identify_document_desktop(struct rd r)
{
	size_t at = behind_mark(r);

	r.len = MIN(r.len, TEXT_SEEN);
	while (at < r.len &&
	       (line_begins(r, at, "#") || line_begins(r, at, "\n") ||
		   line_begins(r, at, "\r\n")))
		at = next_line(r, at);
	if (!line_begins(r, at, "[Desktop Entry]"))
		return 0;
	while ((at = next_line(r, at)) < r.len)
		if (line_begins(r, at, "Exec=") || line_begins(r, at, "Exec ="))
			return 48;
	return 0;
}
