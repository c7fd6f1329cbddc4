/* SPDX-License-Identifier: MIT
 * Literals of Python source that are a pickle or something compressed, as they
 * are, in base64 or in hexadecimal: what pickle.loads() would be given.
 */
#include "audit/check_python.h"

#include "audit/check_base64.h"
#include "audit/check_decode.h"
#include "base/arena.h"
#include "formats/identify_probe.h"
#include "formats/pickle_coded.h"

#define LEAST 8 /* characters */

static int
digit(char c)
{
	return check_decode_digit((uint8_t)c);
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* What a backslash and the character behind it are (the language reference,
 * 2.4.1); *i is behind them. */
static void
escape(const char *s, size_t len, size_t *i, uint8_t *out, size_t *n)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *p;
	char c = s[*i + 1];

	if (c == 'x' && len - *i > 3 && digit(s[*i + 2]) >= 0 &&
	    digit(s[*i + 3]) >= 0) {
		out[(*n)++] =
		    (uint8_t)(digit(s[*i + 2]) * 16 + digit(s[*i + 3]));
		*i += 4;
	} else if (is_octal(c)) {
		unsigned v = 0;
		size_t k = 1;

		for (; k < 4 && *i + k < len && is_octal(s[*i + k]); k++)
			v = v * 8 + (unsigned)(s[*i + k] - '0');
		out[(*n)++] = (uint8_t)v;
		*i += k;
	} else if (c == '\n') {
		*i += 2;
	} else if ((p = strchr(from, c)) != NULL && c != '\0') {
		out[(*n)++] = (uint8_t)to[p - from];
		*i += 2;
	} else {
		out[(*n)++] = (uint8_t)s[(*i)++];
	}
}

static size_t
unescaped(const char *s, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len;)
		if (s[i] == '\\' && i + 1 < len)
			escape(s, len, &i, out, &n);
		else
			out[n++] = (uint8_t)s[i++];
	return n;
}

void
check_python_literal(
    const struct check_file *f, const struct check_python_token *t)
{
	enum pickle_coded how;
	bool old;
	struct arena a;
	uint8_t *p;
	size_t n;

	if (t->len < LEAST || !check_spend(f, t->len))
		return;
	arena_init(&a, t->len + 64);
	if ((p = arena_alloc(&a, t->len, 1)) == NULL) {
		arena_release(&a);
		return;
	}
	n = unescaped(t->s, t->len, p);
	how = pickle_coded((struct slice){p, n});
	old = how == PICKLE_CODED_NOT && check_base64_old((struct slice){p, n});
	if (old)
		n = check_decode_base64((struct slice){p, n}, p);
	else if (how == PICKLE_CODED_BASE64)
		n = check_decode_base64((struct slice){p, n}, p);
	else if (how == PICKLE_CODED_HEX)
		n = check_decode_hex((struct slice){p, n}, p);
	else if (how == PICKLE_CODED_BASE85)
		check_base64(f, (struct slice){p, n}, 0);
	/* text is a pickle of protocol 0 by accident when it calls nothing */
	if (n > 2 &&
	    (identify_pickle(rd_mem(p, n)) >= 20 ||
		how == PICKLE_CODED_BASE64 || how == PICKLE_CODED_HEX ||
		(how == PICKLE_CODED_BYTES && p[0] != 'B')))
		check_within(f, "literal", rd_mem(p, n));
	arena_release(&a);
}
