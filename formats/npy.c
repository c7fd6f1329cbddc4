/* SPDX-License-Identifier: MIT */
#include "formats/npy.h"

#include "base/limits.h"
#include "base/text.h"

static const char magic[] = "\x93NUMPY";

#define MAGIC_LEN (sizeof(magic) - 1)

enum {
	KEY_DESCR = 1,
	KEY_ORDER = 2,
	KEY_SHAPE = 4,
	KEY_ALL = 7
};

bool
npy_probe(struct rd r)
{
	return r.len >= MAGIC_LEN && memcmp(r.base, magic, MAGIC_LEN) == 0;
}

static int
odd(const struct rd *r, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, rd_pos(r), "npy: %s", what);
}

static char
peek(const struct rd *r)
{
	return r->off < r->len ? (char)r->base[r->off] : '\0';
}

static void
blanks(struct rd *r)
{
	while (peek(r) == ' ')
		r->off++;
}

/* The character, with blanks on both sides skipped. */
static bool
accept(struct rd *r, char c)
{
	blanks(r);
	if (peek(r) != c)
		return false;
	r->off++;
	blanks(r);
	return true;
}

/* 'text' or "text": no escapes, at most size - 1 characters. */
static int
quoted(struct rd *r, char *out, size_t size, struct err *e)
{
	char quote = peek(r);
	size_t n = 0;

	if (quote != '\'' && quote != '"')
		return odd(r, "a string is expected", e);
	r->off++;
	while (peek(r) != quote) {
		char c = peek(r);

		if (c < ' ' || c > '~' || c == '\\' || n + 1 >= size)
			return odd(r, "odd or long string", e);
		out[n++] = c;
		r->off++;
	}
	out[n] = '\0';
	r->off++;
	return 0;
}

/* "f4" and the like: what is read of any array, and of weights. */
static bool
is_known(const char *type, bool weights)
{
	if (strchr("1248", type[1]) == NULL)
		return false;
	if (type[0] == 'b')
		return weights && type[1] == '1';
	if (type[0] == 'f')
		return type[1] == '2' || type[1] == '4' || type[1] == '8';
	return type[0] == 'u' || type[0] == 'i';
}

/* '<f4', '|u1', '>i8'; the rest is said to be what it is. */
static int
parse_descr(struct rd *r, struct array *a, bool weights, struct err *e)
{
	uint64_t at = rd_pos(r);
	char s[16];
	int rc;

	if (peek(r) == '[')
		return err_set(e, ERR_UNSUPPORTED, at,
		    "npy: records of several fields are not read");
	if ((rc = quoted(r, s, sizeof(s), e)) != 0)
		return rc;
	if (strcmp(s, "|O") == 0 || strcmp(s, "O") == 0)
		return err_set(e, ERR_UNSUPPORTED, at,
		    "npy: Python objects (a pickle) are refused");
	if (strlen(s) != 3 || strchr("<>|", s[0]) == NULL ||
	    !is_known(s + 1, weights) || (s[0] == '|') != (s[2] == '1'))
		return err_set(e, ERR_UNSUPPORTED, at,
		    "npy: elements of type '%s' are not read", s);
	a->kind = s[1];
	a->width = (size_t)(s[2] - '0');
	a->big = s[0] == '>';
	return 0;
}

static int
parse_order(struct rd *r, struct array *a, struct err *e)
{
	struct rd c = *r;
	struct slice s;

	a->columns = rd_bytes(&c, 4, &s) == 0 && memcmp(s.ptr, "True", 4) == 0;
	if (a->columns)
		return rd_skip(r, 4);
	if (rd_bytes(r, 5, &s) != 0 || memcmp(s.ptr, "False", 5) != 0)
		return odd(r, "True or False is expected", e);
	return 0;
}

/* Python 2 wrote long integers as 5L; numpy takes the L away
 * (numpy/lib/format.py, _filter_header). */
static int
parse_size(struct rd *r, uint64_t *out, struct err *e)
{
	char digits[24];
	size_t n = 0;

	while (peek(r) >= '0' && peek(r) <= '9' && n + 1 < sizeof(digits)) {
		digits[n++] = peek(r);
		r->off++;
	}
	digits[n] = '\0';
	if (!text_parse_u64(digits, INT64_MAX, out))
		return odd(r, "a size is expected", e);
	if (peek(r) == 'L')
		r->off++;
	return 0;
}

/* (), (3,), (3, 4) or (3, 4,) */
static int
parse_shape(struct rd *r, struct array *a, struct err *e)
{
	int rc;

	if (!accept(r, '('))
		return odd(r, "a shape is expected", e);
	while (!accept(r, ')')) {
		if (a->rank == ARRAY_MAX_RANK)
			return err_set(e, ERR_LIMIT, rd_pos(r),
			    "npy: more than %d axes", ARRAY_MAX_RANK);
		if ((rc = parse_size(r, &a->dim[a->rank], e)) != 0)
			return rc;
		a->rank++;
		blanks(r);
		/* one size needs its comma: (3) is not a tuple */
		if (!accept(r, ',') && (a->rank == 1 || peek(r) != ')'))
			return odd(r, "a comma is expected", e);
	}
	return 0;
}

static int
parse_pair(
    struct rd *r, struct array *a, bool weights, unsigned *seen, struct err *e)
{
	static const char *const name[] = {"descr", "fortran_order", "shape"};
	unsigned key = 0;
	char s[16];
	int rc;

	if ((rc = quoted(r, s, sizeof(s), e)) != 0)
		return rc;
	for (unsigned i = 0; i < ARRAY_LEN(name); i++)
		if (strcmp(s, name[i]) == 0)
			key = 1U << i;
	if (key == 0 || (*seen & key) != 0)
		return odd(r, "a key is unknown or there twice", e);
	*seen |= key;
	if (!accept(r, ':'))
		return odd(r, "a colon is expected", e);
	if (key == KEY_DESCR)
		return parse_descr(r, a, weights, e);
	return key == KEY_ORDER ? parse_order(r, a, e) : parse_shape(r, a, e);
}

static int
parse_dict(struct rd *r, struct array *a, bool weights, struct err *e)
{
	unsigned seen = 0;
	int rc;

	if (!accept(r, '{'))
		return odd(r, "a dictionary is expected", e);
	while (!accept(r, '}')) {
		if ((rc = parse_pair(r, a, weights, &seen, e)) != 0)
			return rc;
		blanks(r);
		if (!accept(r, ',') && peek(r) != '}')
			return odd(r, "a comma is expected", e);
	}
	if (seen != KEY_ALL)
		return odd(r, "descr, fortran_order or shape is missing", e);
	if (peek(r) == '\n')
		r->off++;
	if (rd_left(r) != 0)
		return odd(r, "something follows the dictionary", e);
	return 0;
}

static int
parse(struct rd r, struct array *a, bool weights, struct err *e)
{
	uint8_t major = 0, minor = 0;
	uint16_t len2 = 0;
	uint32_t len = 0;
	struct rd head;
	int rc;

	*a = (struct array){0};
	if (!npy_probe(r))
		return err_set(e, ERR_FORMAT, 0, "npy: magic number");
	if (rd_skip(&r, MAGIC_LEN) != 0 || rd_u8(&r, &major) != 0 ||
	    rd_u8(&r, &minor) != 0)
		return err_set(
		    e, ERR_TRUNCATED, rd_pos(&r), "npy: ends in its header");
	if (major < 1 || major > 3 || minor != 0)
		return err_set(e, ERR_UNSUPPORTED, MAGIC_LEN,
		    "npy: version %d.%d", major, minor);
	rc = major == 1 ? rd_u16le(&r, &len2) : rd_u32le(&r, &len);
	if (major == 1)
		len = len2;
	if (rc == 0 && len > LIMIT_NPY_HEADER)
		return err_set(e, ERR_LIMIT, MAGIC_LEN + 2,
		    "npy: header of %" PRIu32 " bytes", len);
	if (rc != 0 || rd_sub(&r, len, &head) != 0)
		return err_set(
		    e, ERR_TRUNCATED, rd_pos(&r), "npy: ends in its header");
	if ((rc = parse_dict(&head, a, weights, e)) != 0)
		return rc;
	if ((rc = array_take(a, &r, e)) != 0)
		return err_wrap(e, "npy");
	return 0;
}

int
npy_parse(struct rd r, struct array *a, struct err *e)
{
	return parse(r, a, false, e);
}

int
npy_parse_weights(struct rd r, struct array *a, struct err *e)
{
	return parse(r, a, true, e);
}
