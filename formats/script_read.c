/* SPDX-License-Identifier: MIT */
#include "formats/script_read.h"

#include "base/limits.h"

#define DEEP  48    /* expressions in each other */
#define MEMBS 65536 /* of one list */

/* --- errors -------------------------------------------------------------- */

int
script_read_bad(struct script_read *r)
{
	size_t line = 1;

	for (size_t i = 0; i < r->at && i < r->s.len; i++)
		line += r->s.ptr[i] == '\n';
	return err_set(r->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: '%.100s', line %zu: its code is not understood", r->file,
	    line);
}

int
script_read_full(struct script_read *r)
{
	return err_set(r->e, ERR_LIMIT, ERR_NOWHERE, "torch: model too large");
}

/* --- characters ---------------------------------------------------------- */

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c >= 0x80;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t
here(const struct script_read *r)
{
	return r->at < r->s.len ? r->s.ptr[r->at] : '\0';
}

static void
skip(struct script_read *r)
{
	while (here(r) == ' ' || (r->nest != 0 && here(r) == '\n'))
		r->at++;
}

size_t
script_read_indent(struct script_read *r)
{
	size_t spaces = 0;

	/* what is left of the line before */
	while (here(r) == ' ')
		r->at++;
	if (r->at != 0 && r->at < r->s.len && here(r) != '\n' &&
	    r->s.ptr[r->at - 1] != '\n')
		return SIZE_MAX;
	for (; r->at < r->s.len; r->at++) {
		if (here(r) == '\n')
			spaces = 0;
		else if (here(r) == ' ')
			spaces++;
		else
			break;
	}
	if (r->at == r->s.len || spaces % 2 != 0)
		return SIZE_MAX;
	return spaces / 2;
}

bool
script_read_end(struct script_read *r)
{
	skip(r);
	return r->at == r->s.len || here(r) == '\n';
}

bool
script_read_peek(struct script_read *r, char c)
{
	skip(r);
	return here(r) == (uint8_t)c && r->at < r->s.len;
}

bool
script_read_sign(struct script_read *r, char c)
{
	if (!script_read_peek(r, c))
		return false;
	r->at++;
	return true;
}

int
script_read_need(struct script_read *r, const char *sign)
{
	return script_read_sign(r, *sign) ? 0 : script_read_bad(r);
}

static size_t
word(struct script_read *r)
{
	size_t n = 0;

	skip(r);
	if (!is_letter(here(r)))
		return 0;
	while (r->at + n < r->s.len && (is_letter(r->s.ptr[r->at + n]) ||
					   is_digit(r->s.ptr[r->at + n])))
		n++;
	return n;
}

bool
script_read_word(struct script_read *r, const char *w)
{
	size_t n = word(r);

	if (n != strlen(w) || memcmp(r->s.ptr + r->at, w, n) != 0)
		return false;
	r->at += n;
	return true;
}

static const char *
take(struct script_read *r, size_t n)
{
	const char *s = NULL;

	if (n <= LIMIT_NAME)
		s = arena_strdup(r->arena, (const char *)r->s.ptr + r->at, n);
	r->at += n;
	return s;
}

const char *
script_read_name(struct script_read *r)
{
	size_t n = word(r);

	return n != 0 ? take(r, n) : NULL;
}

/* --- expressions --------------------------------------------------------- */

static struct script_expr *
make(struct script_read *r, enum script_kind kind)
{
	struct script_expr *e = arena_alloc(r->arena, 1, sizeof(*e));

	if (e != NULL)
		e->kind = kind;
	else
		(void)!script_read_full(r);
	return e;
}

static int
add(struct script_read *r, struct script_expr *e, const char *key,
    struct script_expr *item)
{
	size_t n = e->n;

	if (n >= MEMBS)
		return script_read_full(r);
	if ((n & (n - 1)) == 0) {
		size_t room = n != 0 ? 2 * n : 1;
		struct script_expr **items =
		    arena_alloc(r->arena, room, sizeof(*items));
		const char **keys = arena_alloc(r->arena, room, sizeof(*keys));

		if (items == NULL || keys == NULL)
			return script_read_full(r);
		for (size_t i = 0; i < n; i++) {
			items[i] = e->item[i];
			keys[i] = e->key[i];
		}
		e->item = items;
		e->key = keys;
	}
	e->item[n] = item;
	e->key[n] = key;
	e->n++;
	return 0;
}

/* Up to the closing bracket; *comma: one stood behind the last. */
static int
members(
    struct script_read *r, struct script_expr *into, char close, bool *comma)
{
	int rc = 0;

	r->nest++;
	*comma = false;
	while (rc == 0 && !script_read_sign(r, close)) {
		struct script_expr *e = NULL;
		const char *key = NULL;

		if ((rc = script_read_expr(r, &e)) != 0)
			break;
		if (into->kind == SCRIPT_CALL && e->kind == SCRIPT_NAME &&
		    script_read_sign(r, '=')) {
			key = e->text;
			rc = script_read_expr(r, &e);
		}
		if (rc == 0)
			rc = add(r, into, key, e);
		*comma = script_read_sign(r,
		    into->kind == SCRIPT_DICT && into->n % 2 != 0 ? ':' : ',');
		if (rc == 0 && !*comma && !script_read_peek(r, close))
			rc = script_read_bad(r);
	}
	r->nest--;
	return rc;
}

static int
bracket(struct script_read *r, char open, struct script_expr **out)
{
	bool comma;
	int rc;

	*out = make(r, open == '{' ? SCRIPT_DICT : SCRIPT_LIST);
	if (*out == NULL)
		return ERR_LIMIT;
	rc = members(r, *out,
	    open == '('   ? ')'
	    : open == '[' ? ']'
			  : '}',
	    &comma);
	if (rc == 0 && open == '(' && (*out)->n == 1 && !comma)
		*out = (*out)->item[0];
	return rc;
}

static int
string(struct script_read *r, struct script_expr **out)
{
	uint8_t quote = here(r);
	size_t n = 0;

	r->at++;
	while (r->at + n < r->s.len && r->s.ptr[r->at + n] != quote)
		n += r->s.ptr[r->at + n] == '\\' ? 2 : 1;
	if (r->at + n >= r->s.len || (*out = make(r, SCRIPT_STRING)) == NULL)
		return script_read_bad(r);
	(*out)->text = take(r, n);
	r->at++;
	return (*out)->text != NULL ? 0 : script_read_bad(r);
}

static size_t
number(const struct script_read *r)
{
	size_t n = 0;

	while (r->at + n < r->s.len) {
		uint8_t c = r->s.ptr[r->at + n];
		uint8_t before = n != 0 ? r->s.ptr[r->at + n - 1] : ' ';

		if (!is_digit(c) && c != '.' && c != 'e' && c != 'j' &&
		    !((c == '-' || c == '+') && before == 'e'))
			break;
		n++;
	}
	return n;
}

static int
primary(struct script_read *r, struct script_expr **out)
{
	uint8_t c;
	int rc;

	skip(r);
	c = here(r);
	if (c == '(' || c == '[' || c == '{') {
		r->at++;
		return bracket(r, (char)c, out);
	}
	if (c == '"' || c == '\'')
		return string(r, out);
	if (c == '-') {
		r->at++;
		if ((*out = make(r, SCRIPT_MINUS)) == NULL)
			return ERR_LIMIT;
		struct script_expr *of;

		if ((rc = script_read_expr(r, &of)) != 0)
			return rc;
		return add(r, *out, NULL, of);
	}
	if ((*out = make(r, is_letter(c) ? SCRIPT_NAME : SCRIPT_NUMBER)) ==
	    NULL)
		return ERR_LIMIT;
	(*out)->text = is_letter(c)  ? script_read_name(r)
		       : is_digit(c) ? take(r, number(r))
				     : NULL;
	return (*out)->text != NULL ? 0 : script_read_bad(r);
}

/* What stands behind a value: .name, (...), [...] */
static int
behind(struct script_read *r, struct script_expr **out, bool *goes_on)
{
	struct script_expr *e;
	bool comma;
	int rc;

	*goes_on = true;
	if (script_read_sign(r, '.')) {
		if ((e = make(r, SCRIPT_FIELD)) == NULL)
			return ERR_LIMIT;
		if ((e->text = script_read_name(r)) == NULL)
			return script_read_bad(r);
		rc = add(r, e, NULL, *out);
	} else if (script_read_peek(r, '(') || script_read_peek(r, '[')) {
		bool call = script_read_sign(r, '(');

		r->at += !call;
		e = make(r, call ? SCRIPT_CALL : SCRIPT_INDEX);
		if (e == NULL)
			return ERR_LIMIT;
		if ((rc = add(r, e, NULL, *out)) == 0)
			rc = members(r, e, call ? ')' : ']', &comma);
	} else {
		*goes_on = false;
		return 0;
	}
	*out = e;
	return rc;
}

int
script_read_expr(struct script_read *r, struct script_expr **out)
{
	bool goes_on = true;
	int rc;

	if (++r->depth > DEEP)
		return script_read_bad(r);
	rc = primary(r, out);
	for (size_t i = 0; rc == 0 && goes_on; i++)
		rc = i < DEEP ? behind(r, out, &goes_on) : script_read_bad(r);
	r->depth--;
	return rc;
}

int
script_read_row(struct script_read *r, struct script_expr **out)
{
	struct script_expr *row, *e;
	int rc = script_read_expr(r, out);

	if (rc != 0 || !script_read_peek(r, ','))
		return rc;
	if ((row = make(r, SCRIPT_LIST)) == NULL)
		return ERR_LIMIT;
	rc = add(r, row, NULL, *out);
	while (rc == 0 && script_read_sign(r, ',') && !script_read_end(r))
		if ((rc = script_read_expr(r, &e)) == 0)
			rc = add(r, row, NULL, e);
	*out = row;
	return rc;
}
