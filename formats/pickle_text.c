/* SPDX-License-Identifier: MIT */
#include "formats/pickle_text.h"

#include "base/text.h"

#include <errno.h>

#define LITERAL_MAX 400 /* of a float; numbers beyond that are big */

/* --- numbers ------------------------------------------------------------- */

static bool
all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len != 0;
}

/* What nearly all are: up to 18 decimal digits, with a sign or without. */
static bool
short_decimal(struct slice s, int64_t *out)
{
	bool minus = s.len != 0 && s.ptr[0] == '-';
	int64_t v = 0;

	s.ptr += minus;
	s.len -= minus;
	/* behind a leading zero may be another base */
	if (s.len > 18 || !all_digits(s) || (s.ptr[0] == '0' && s.len != 1))
		return false;
	for (size_t i = 0; i < s.len; i++)
		v = 10 * v + (s.ptr[i] - '0');
	*out = minus ? -v : v;
	return true;
}

/* A terminated copy without spaces around it; false: too long or none. */
static bool
copy(struct slice s, char out[LITERAL_MAX + 1])
{
	while (s.len != 0 && strchr(" \t\r", s.ptr[s.len - 1]) != NULL)
		s.len--;
	if (s.len == 0 || s.len > LITERAL_MAX || memchr(s.ptr, 0, s.len))
		return false;
	memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
	return true;
}

bool
pickle_text_int(struct slice s, bool is_long, struct pickle_node *n)
{
	struct slice digits;
	char text[LITERAL_MAX + 1], *end;
	long long v;

	if (is_long && s.len != 0 && s.ptr[s.len - 1] == 'L')
		s.len--;
	if (!is_long && s.len == 2 && s.ptr[0] == '0' &&
	    (s.ptr[1] == '0' || s.ptr[1] == '1')) {
		n->kind = PICKLE_BOOL;
		n->i = s.ptr[1] == '1';
		return true;
	}
	if (short_decimal(s, &n->i))
		return true;
	digits = s;
	if (s.len != 0 && s.ptr[0] == '-') {
		digits.ptr++;
		digits.len--;
	}
	if (s.len > LITERAL_MAX) {
		n->big = true;
		n->text = s;
		return all_digits(digits);
	}
	if (!copy(s, text))
		return false;
	errno = 0;
	v = strtoll(text, &end, is_long ? 10 : 0);
	if (*end != '\0' || end == text)
		return false;
	n->big = errno == ERANGE;
	if (n->big)
		n->text = s;
	else
		n->i = v;
	return true;
}

bool
pickle_text_float(struct slice s, struct pickle_node *n)
{
	char text[LITERAL_MAX + 1], *end;

	if (!copy(s, text))
		return false;
	n->f = strtod(text, &end);
	return *end == '\0' && end != text;
}

/* --- strings ------------------------------------------------------------- */

static int
hex(uint8_t c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* n hexadecimal digits at s[i..]; false: there are not as many. */
static bool
hex_number(struct slice s, size_t i, size_t n, uint32_t *out)
{
	*out = 0;
	if (n > s.len || i > s.len - n)
		return false;
	for (size_t k = 0; k < n; k++) {
		int d = hex(s.ptr[i + k]);

		if (d < 0)
			return false;
		*out = *out << 4 | (uint32_t)d;
	}
	return true;
}

/* One escape at s[i], behind the backslash, to *c; returns how long it is, 0
 * when it is none (then the backslash stays). */
static size_t
escape(struct slice s, size_t i, uint8_t *c)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	const char *at = s.ptr[i] != 0 ? strchr(from, s.ptr[i]) : NULL;
	uint32_t v = 0;
	size_t n = 0;

	if (at != NULL) {
		*c = (uint8_t)to[at - from];
		return 1;
	}
	if (s.ptr[i] == 'x' && hex_number(s, i + 1, 2, &v)) {
		*c = (uint8_t)v;
		return 3;
	}
	for (; n < 3 && i + n < s.len && s.ptr[i + n] >= '0' &&
	       s.ptr[i + n] <= '7';
	     n++)
		v = v * 8 + (uint32_t)(s.ptr[i + n] - '0');
	*c = (uint8_t)v;
	return n;
}

bool
pickle_text_string(struct arena *a, struct slice s, struct slice *out)
{
	uint8_t *p;
	size_t n = 0;

	while (s.len != 0 && strchr(" \t\r", s.ptr[s.len - 1]) != NULL)
		s.len--;
	if (s.len < 2 || (s.ptr[0] != '\'' && s.ptr[0] != '"') ||
	    s.ptr[s.len - 1] != s.ptr[0])
		return false;
	s.ptr++;
	s.len -= 2;
	*out = s;
	if (s.len == 0 || memchr(s.ptr, '\\', s.len) == NULL)
		return true;
	if ((p = arena_alloc(a, s.len, 1)) == NULL)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		size_t len = 0;

		if (s.ptr[i] == '\\' && i + 1 < s.len)
			len = escape(s, i + 1, &p[n]);
		if (len == 0)
			p[n] = s.ptr[i];
		n++;
		i += len;
	}
	*out = (struct slice){p, n};
	return true;
}

/* Most lines are what they stand for. */
static bool
is_plain(struct slice s)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < s.len; i++)
		seen |= s.ptr[i];
	return seen < 0x80 &&
	       (s.len == 0 || memchr(s.ptr, '\\', s.len) == NULL);
}

bool
pickle_text_unicode(struct arena *a, struct slice s, struct slice *out)
{
	uint8_t *p;
	size_t n = 0;

	*out = s;
	if (is_plain(s))
		return true;
	if ((p = arena_alloc(a, s.len + 1, 2)) == NULL)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint32_t c = s.ptr[i];
		size_t digits = 0;

		if (c == '\\' && i + 1 < s.len)
			digits = s.ptr[i + 1] == 'u'   ? 4
				 : s.ptr[i + 1] == 'U' ? 8
						       : 0;
		if (digits != 0) {
			if (!hex_number(s, i + 2, digits, &c) || c > 0x10ffff)
				return false;
			i += 1 + digits;
		}
		n += text_utf8_encode(c, p + n);
	}
	*out = (struct slice){p, n};
	return true;
}
