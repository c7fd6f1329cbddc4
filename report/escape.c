/* SPDX-License-Identifier: MIT */
#include "report/escape.h"

#include "base/text.h"

#include <utf8proc.h>

/* The next piece of s, made visible: terminated in out; bytes used. */
static size_t
visible(const char *s, size_t left, char out[16])
{
	uint32_t cp;
	size_t n = text_utf8_decode(s, left, &cp);

	if (n == 0)
		n = 1;
	text_escape(s, n, out, 16);
	return n;
}

void
escape_html(struct buf *b, const char *s)
{
	size_t left = strlen(s);
	char piece[16];

	while (left > 0) {
		size_t n = visible(s, left, piece);

		switch (piece[0]) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			buf_puts(b, piece);
		}
		s += n;
		left -= n;
	}
}

void
escape_markdown(struct buf *b, const char *s)
{
	/* CommonMark 2.4: any of these is itself behind a backslash; '<' and
	 * '&' are entities, which hosts that filter HTML leave alone */
	static const char special[] = "\\`*_{}[]()#+-.!|~>@:/";
	size_t left = strlen(s);
	char piece[16];

	while (left > 0) {
		size_t n = visible(s, left, piece);

		for (const char *p = piece; *p != '\0'; p++) {
			if (*p == '<')
				buf_puts(b, "&lt;");
			else if (*p == '&')
				buf_puts(b, "&amp;");
			else if (strchr(special, *p) != NULL)
				buf_printf(b, "\\%c", *p);
			else
				buf_u8(b, (uint8_t)*p);
			/* hosts look for @names and #numbers when Markdown is
			 * done: nobody is to be called by a file's name */
			if (*p == '@' || *p == '#')
				buf_puts(b, "&#8203;");
		}
		s += n;
		left -= n;
	}
}

/* How many columns a piece takes: what was made visible one a byte, else what
 * Unicode says (UAX 11). */
static size_t
columns(const char *s, size_t n, const char *piece)
{
	uint32_t cp;
	int wide;

	if (strlen(piece) != n || memcmp(piece, s, n) != 0 ||
	    text_utf8_decode(s, n, &cp) == 0)
		return strlen(piece);
	wide = utf8proc_charwidth((utf8proc_int32_t)cp);
	return wide > 0 ? (size_t)wide : 1;
}

void
escape_dot(struct buf *b, const char *s, size_t max)
{
	size_t left = strlen(s), done = 0;
	char piece[16];

	while (left > 0) {
		size_t n = visible(s, left, piece);

		done += columns(s, n, piece);
		if (max != 0 && done > max) {
			buf_puts(b, "\xe2\x80\xa6");
			return;
		}
		for (const char *p = piece; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				buf_printf(b, "\\%c", *p);
			else if (*p == '&')
				buf_puts(b, "&amp;");
			else
				buf_u8(b, (uint8_t)*p);
		}
		s += n;
		left -= n;
	}
}
