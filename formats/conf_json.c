/* SPDX-License-Identifier: MIT
 * JSON as Python's json.loads takes it: NaN and Infinity are numbers, keys may
 * repeat, lone surrogates pass.  Control characters in strings, which it
 * refuses, are taken, so that less is missed.
 */
#define _GNU_SOURCE /* memmem */
#include "formats/conf.h"

#include "base/limits.h"
#include "base/text.h"

struct reader {
	struct conf_doc *doc;
	const char *s;
	size_t len, at;
	struct conf *up; /* the object or array that is open */
	size_t depth;    /* of it */
	const char *key; /* of the next value */
	size_t key_len;
	bool comments; /* they are blanks, and a comma may stand last */
};

static int
bad(const struct reader *r, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, r->at, "json: %s", what);
}

static int
full(const struct reader *r, struct err *e)
{
	return err_set(e, ERR_LIMIT, r->at, "json: too many values");
}

/* Past a comment that begins here; one without an end goes on to the end. */
static bool
comment(struct reader *r)
{
	const char *s = r->s + r->at;
	size_t left = r->len - r->at;
	const char *end;

	if (!r->comments || left < 2 || s[0] != '/' ||
	    (s[1] != '/' && s[1] != '*'))
		return false;
	end = s[1] == '/' ? memchr(s, '\n', left)
			  : memmem(s + 2, left - 2, "*/", 2);
	r->at = end == NULL ? r->len : (size_t)(end - r->s) + (s[1] == '*') + 1;
	return true;
}

static void
blank(struct reader *r)
{
	while ((r->at < r->len &&
		   (r->s[r->at] == ' ' || r->s[r->at] == '\t' ||
		       r->s[r->at] == '\r' || r->s[r->at] == '\n') &&
		   ++r->at) ||
	       comment(r))
		;
}

static struct conf *
add(struct reader *r, enum conf_kind kind)
{
	struct conf *n = conf_add(r->doc, r->up, kind);

	if (n == NULL)
		return NULL;
	n->key = r->key;
	n->key_len = r->key_len;
	n->off = r->at;
	r->key = NULL;
	r->key_len = 0;
	return n;
}

/* --- strings ------------------------------------------------------------- */

static bool
hex4(const char *s, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = s[i];
		uint32_t v;

		if (c >= '0' && c <= '9')
			v = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
		*out = *out << 4 | v;
	}
	return true;
}

/* The escape at s[*i], behind its backslash; never longer than it was. */
static bool
escape(const char *s, size_t len, size_t *i, char **out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint32_t cp, low;
	const char *p;

	if (*i < len && s[*i] != '\0' && (p = strchr(from, s[*i])) != NULL) {
		*(*out)++ = to[p - from];
		*i += 1;
		return true;
	}
	if (*i + 5 > len || s[*i] != 'u' || !hex4(s + *i + 1, &cp))
		return false;
	*i += 5;
	if (cp >> 10 == 0x36 && *i + 6 <= len && s[*i] == '\\' &&
	    s[*i + 1] == 'u' && hex4(s + *i + 2, &low) && low >> 10 == 0x37) {
		cp = 0x10000 + ((cp & 0x3ff) << 10 | (low & 0x3ff));
		*i += 6;
	}
	*out += text_utf8_encode(cp, (uint8_t *)*out);
	return true;
}

static int
unescape(struct reader *r, const char *s, size_t len, const char **out,
    size_t *out_len, struct err *e)
{
	char *copy = arena_alloc(&r->doc->arena, len + 1, 1), *to = copy;

	if (copy == NULL)
		return full(r, e);
	for (size_t i = 0; i < len;) {
		if (s[i] != '\\') {
			*to++ = s[i++];
			continue;
		}
		i++;
		if (!escape(s, len, &i, &to))
			return bad(r, "an escape that is none", e);
	}
	*out = copy;
	*out_len = (size_t)(to - copy);
	return 0;
}

/* At the opening quote. */
static int
string(struct reader *r, const char **out, size_t *len, struct err *e)
{
	size_t from = ++r->at;
	bool escaped = false;
	int rc = 0;

	while (r->at < r->len && r->s[r->at] != '"') {
		bool slash = r->s[r->at] == '\\';

		escaped = escaped || slash;
		r->at += slash ? 2 : 1;
	}
	if (r->at >= r->len) {
		r->at = r->len;
		return bad(r, "a string without end", e);
	}
	*out = r->s + from;
	*len = r->at - from;
	if (escaped)
		rc = unescape(r, r->s + from, r->at - from, out, len, e);
	r->at++;
	return rc;
}

/* --- values -------------------------------------------------------------- */

static bool
word_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

static bool
is_word(const char *s, size_t len)
{
	static const char *const words[] = {
	    "true", "false", "null", "NaN", "Infinity", "-Infinity"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
			return true;
	return (s[0] >= '0' && s[0] <= '9') ||
	       (len > 1 && s[0] == '-' && s[1] >= '0' && s[1] <= '9');
}

static int
word(struct reader *r, struct err *e)
{
	size_t from = r->at;
	struct conf *n;

	while (r->at < r->len && word_char(r->s[r->at]))
		r->at++;
	if (r->at == from || !is_word(r->s + from, r->at - from)) {
		r->at = from;
		return bad(r, "no value", e);
	}
	if (r->up != NULL && r->up->kind == CONF_ARRAY)
		return 0;
	if ((n = add(r, CONF_WORD)) == NULL)
		return full(r, e);
	n->text = r->s + from;
	n->len = r->at - from;
	n->off = from;
	return 0;
}

/* A value, or the start of one. */
static int
value(struct reader *r, struct err *e)
{
	char c = r->s[r->at];
	struct conf *n;
	uint64_t off = r->at;

	if (c == '{' || c == '[') {
		if (r->depth == LIMIT_CONF_DEPTH)
			return err_set(e, ERR_LIMIT, r->at,
			    "json: more than %d levels", LIMIT_CONF_DEPTH);
		n = add(r, c == '{' ? CONF_OBJECT : CONF_ARRAY);
		if (n == NULL)
			return full(r, e);
		r->up = n;
		r->depth++;
		r->at++;
		return 0;
	}
	if (c != '"')
		return word(r, e);
	if ((n = add(r, CONF_STRING)) == NULL)
		return full(r, e);
	n->off = off;
	n->text = ""; /* if it has no end */
	return string(r, &n->text, &n->len, e);
}

static int
key(struct reader *r, struct err *e)
{
	int rc;

	if (r->at == r->len || r->s[r->at] != '"')
		return bad(r, "no key", e);
	if ((rc = string(r, &r->key, &r->key_len, e)) != 0)
		return rc;
	blank(r);
	if (r->at == r->len || r->s[r->at] != ':')
		return bad(r, "no colon behind a key", e);
	r->at++;
	blank(r);
	return r->at < r->len ? 0 : bad(r, "no value behind a key", e);
}

/* Behind a value: what closes, and the comma before the next. */
static int
behind(struct reader *r, bool *more, struct err *e)
{
	*more = false;
	for (blank(r); r->up != NULL; blank(r)) {
		char close = r->up->kind == CONF_OBJECT ? '}' : ']';

		if (r->at == r->len)
			return bad(r, "ends early", e);
		if (r->s[r->at] == close) {
			r->at++;
			r->up = r->up->up;
			r->depth--;
			continue;
		}
		if (r->s[r->at] != ',')
			return bad(r, "no comma", e);
		r->at++;
		blank(r);
		if (r->comments && r->at < r->len && r->s[r->at] == close)
			continue;
		*more = true;
		return r->at < r->len ? 0 : bad(r, "ends early", e);
	}
	return 0;
}

static int
document(struct reader *r, struct err *e)
{
	bool more = true;
	int rc = 0;

	while (more && rc == 0) {
		struct conf *was = r->up;

		if (r->up != NULL && r->up->kind == CONF_OBJECT)
			rc = key(r, e);
		if (rc != 0 || (rc = value(r, e)) != 0)
			return rc;
		blank(r);
		/* one that was just opened and has something in it */
		if (r->up != was && r->at < r->len &&
		    r->s[r->at] != (r->up->kind == CONF_OBJECT ? '}' : ']'))
			continue;
		rc = behind(r, &more, e);
	}
	return rc;
}

static int
read(struct reader *r, struct err *e)
{
	int rc = 0;

	*r->doc = (struct conf_doc){.root = NULL};
	arena_init(&r->doc->arena, LIMIT_CONF_ARENA);
	if (r->len >= 3 && memcmp(r->s, "\xef\xbb\xbf", 3) == 0)
		r->at = 3;
	for (blank(r); r->at < r->len && rc == 0; blank(r))
		rc = document(r, e);
	if (rc == 0 && r->doc->root == NULL)
		rc = bad(r, "no value", e);
	return rc;
}

int
conf_json(struct rd in, struct conf_doc *doc, struct err *e)
{
	struct reader r = {.doc = doc,
	    .s = (const char *)in.base + in.off,
	    .len = rd_left(&in)};

	return read(&r, e);
}

int
conf_jsonc(struct rd in, struct conf_doc *doc, struct err *e)
{
	struct reader r = {.doc = doc,
	    .s = (const char *)in.base + in.off,
	    .len = rd_left(&in),
	    .comments = true};

	return read(&r, e);
}
