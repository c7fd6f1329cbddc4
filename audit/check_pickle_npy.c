/* SPDX-License-Identifier: MIT
 * NumPy's NPY (numpy/lib/format.py): the header is text that some readers
 * evaluate, so it must be a literal; arrays of objects have a pickle behind it.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_pickle_part.h"

#include "base/text.h"
#include "formats/npy.h"

struct header {
	struct rd r;
	unsigned depth;
	bool objects; /* a type code O was there */
	bool dict;
};

static char
at(const struct rd *r)
{
	return r->off < r->len ? (char)r->base[r->off] : '\0';
}

static bool
word(struct rd *r, const char *text)
{
	size_t n = strlen(text);

	if (rd_left(r) < n || memcmp(r->base + r->off, text, n) != 0)
		return false;
	r->off += n;
	return true;
}

/* "O", "|O", "|O8", "object": Python objects; perhaps several, "(2,)O". */
static bool
is_object(const uint8_t *s, size_t n)
{
	static const char *const names[] = {
	    "object", "object_", "object0", "Object0"};
	size_t i = 0;

	while (i < n && (s[i] == ' ' || (s[i] >= '0' && s[i] <= '9')))
		i++;
	if (i < n && s[i] == ')')
		i++;
	if (i < n && strchr("|<>=", s[i]) != NULL && s[i] != 0)
		i++;
	if (text_is_among((const char *)s + i, n - i, names, ARRAY_LEN(names)))
		return true;
	if (i >= n || s[i] != 'O')
		return false;
	while (++i < n)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

/* numpy.dtype() takes "i4,O" for a record as well. */
static bool
is_objects(const uint8_t *s, size_t n)
{
	for (size_t i = 0, k; i <= n; i += k + 1) {
		for (k = 0; i + k < n && s[i + k] != ',';)
			k++;
		if (is_object(s + i, k))
			return true;
	}
	return false;
}

static bool
string(struct header *h)
{
	char quote = at(&h->r);
	size_t from = ++h->r.off;

	while (h->r.off < h->r.len && at(&h->r) != quote)
		if (at(&h->r) == '\\' || at(&h->r) == '\n')
			return false;
		else
			h->r.off++;
	if (h->r.off == h->r.len)
		return false;
	h->objects =
	    h->objects || is_objects(h->r.base + from, h->r.off - from);
	h->r.off++;
	return true;
}

/* One token of a literal. */
static bool
token(struct header *h)
{
	char c = at(&h->r);

	if (c == '\'' || c == '"')
		return string(h);
	if (word(&h->r, "True") || word(&h->r, "False") || word(&h->r, "None"))
		return true;
	if (c >= '0' && c <= '9') {
		while (at(&h->r) >= '0' && at(&h->r) <= '9')
			h->r.off++;
		(void)word(&h->r, "L"); /* of Python 2 */
		return true;
	}
	if (c == '\0' || strchr("{}()[],: \n-", c) == NULL)
		return false;
	if (strchr("{([", c) != NULL) {
		h->depth++;
		h->dict = h->dict || c == '{';
	} else if (strchr("})]", c) != NULL && h->depth-- == 0) {
		return false;
	}
	h->r.off++;
	/* nothing but padding behind the dictionary */
	return h->depth != 0 || c == ' ' || c == '\n' || c == '}';
}

static bool
is_literal(struct header *h)
{
	while (at(&h->r) == ' ')
		h->r.off++;
	if (at(&h->r) != '{')
		return false;
	while (rd_left(&h->r) != 0)
		if (!token(h))
			return false;
	return h->depth == 0;
}

static int
open_header(struct rd *r, struct header *h)
{
	uint8_t major = 0, minor = 0;
	uint16_t len2 = 0;
	uint32_t len = 0;
	int rc;

	if ((rc = rd_skip(r, 6)) != 0 || (rc = rd_u8(r, &major)) != 0 ||
	    (rc = rd_u8(r, &minor)) != 0)
		return rc;
	if (major == 1) {
		rc = rd_u16le(r, &len2);
		len = len2;
	} else {
		rc = rd_u32le(r, &len);
	}
	if (rc == 0 && (major == 0 || major > 3))
		rc = ERR_FORMAT;
	return rc != 0 ? rc : rd_sub(r, len, &h->r);
}

/* "<f4", "|S5", "<M8[ns]", as numpy.dtype() reads them. */
static bool
is_type_code(const char *s)
{
	size_t digits;

	s += strchr("<>|=", *s) != NULL && *s != '\0';
	if (*s == '\0' || strchr("?biufcmMOSUVaT", *s) == NULL)
		return false;
	s++;
	digits = strspn(s, "0123456789");
	return s[digits] == '\0' || s[digits] == '[';
}

/* "... of type 'x' are not read": none that NumPy has. */
static bool
is_unknown_type(const struct err *e)
{
	const char *from = strchr(e->msg, '\''), *to;
	char code[16];

	if (from == NULL || (to = strchr(from + 1, '\'')) == NULL ||
	    to - from > 15)
		return false;
	snprintf(code, sizeof(code), "%.*s", (int)(to - from - 1), from + 1);
	return !is_type_code(code);
}

/* What stands behind the array is not read by NumPy; true: there was some. */
static bool
behind(const struct check_file *f, struct rd r, const struct array *a)
{
	struct identify_bids bids;
	uint64_t size = a->width;

	for (size_t i = 0; i < a->rank; i++)
		if (ckd_mul(&size, size, a->dim[i]))
			return false;
	if (a->width == 0 || rd_skip(&r, size) != 0 || rd_left(&r) == 0)
		return false;
	check_short(f, FINDING_NPY_INVALID, rd_pos(&r),
	    "%zu bytes behind the array", rd_left(&r));
	r = rd_mem(r.base + r.off, rd_left(&r));
	identify(r, &bids);
	if (identify_find(&bids, "pickle") != NULL)
		check_within(f, "trailing", r);
	return true;
}

/* --- arrays of text, dates, complex numbers and records ------------------- */

/* Behind the key and the colon of a member of the header. */
static bool
member(struct rd *r, const char *key)
{
	const uint8_t *p = memmem(r->base, r->len, key, strlen(key));

	if (p == NULL)
		return false;
	r->off = (size_t)(p - r->base) + strlen(key);
	while (at(r) == ' ' || at(r) == ':')
		r->off++;
	return true;
}

static uint64_t
digits(struct rd *r)
{
	uint64_t n = 0;

	for (; at(r) >= '0' && at(r) <= '9' && n < INT32_MAX; r->off++)
		n = n * 10 + (uint64_t)(at(r) - '0');
	return n;
}

/* Bytes of an element by its type code in quotes; 0: it has another form. */
static uint64_t
code_width(struct rd *r)
{
	char quote = at(r), kind;
	uint64_t n;

	if (quote != '\'' && quote != '"')
		return 0;
	r->off++;
	if (at(r) != '\0' && strchr("|<>=", at(r)) != NULL)
		r->off++;
	kind = at(r);
	if (kind == '\0' || strchr("biufcmMSUV", kind) == NULL)
		return 0;
	r->off++;
	n = digits(r) * (kind == 'U' ? 4 : 1);
	while (at(r) != quote && at(r) != '\0')
		r->off++;
	return word(r, quote == '"' ? "\"" : "'") ? n : 0;
}

/* Of a record of plain members, [('a', '<i4'), ('b', '<f8')]. */
static uint64_t
record_width(struct rd *r)
{
	uint64_t all = 0, one;

	while (word(r, "[(") || word(r, ", (")) {
		char quote = at(r);

		r->off++;
		while (at(r) != quote && at(r) != '\0')
			r->off++;
		r->off++;
		if (!word(r, ", ") || (one = code_width(r)) == 0 ||
		    !word(r, ")"))
			return 0;
		all += one;
	}
	return at(r) == ']' ? all : 0;
}

/* As much as the header says; 0: of a form that is not measured here. */
static uint64_t
measure(struct rd header)
{
	struct rd r = header;
	uint64_t size;

	r.off = 0;
	if (!member(&r, "'descr'"))
		return 0;
	size = at(&r) == '[' ? record_width(&r) : code_width(&r);
	if (!member(&r, "'shape'") || !word(&r, "("))
		return 0;
	while (size != 0 && at(&r) >= '0' && at(&r) <= '9') {
		if (ckd_mul(&size, size, digits(&r)))
			return UINT64_MAX;
		while (at(&r) == ',' || at(&r) == ' ' || at(&r) == 'L')
			r.off++;
	}
	return at(&r) == ')' ? size : 0;
}

/* The rules of the format, for arrays of numbers. */
static void
numbers(const struct check_file *f, struct rd header, struct rd r)
{
	struct err e = {.off = ERR_NOWHERE};
	struct array a;
	int rc = npy_parse_weights(f->bytes, &a, &e);

	if (rc == 0 || behind(f, r, &a))
		return;
	if (rc != ERR_UNSUPPORTED || is_unknown_type(&e))
		check_short(f, FINDING_NPY_INVALID, e.off, "%s", e.msg);
	else if (measure(header) > rd_left(&r))
		check_short(f, FINDING_NPY_INVALID, rd_pos(&r),
		    "the array ends after the file");
}

void
check_pickle_npy(const struct check_file *f)
{
	struct header h = {.depth = 0};
	struct rd r = f->bytes;

	if (open_header(&r, &h) != 0) {
		check_find(f, FINDING_NPY_HEADER, ERR_NOWHERE,
		    "it is of no known version or cut");
		return;
	}
	check_knows(f);
	if (!is_literal(&h))
		check_find(f, FINDING_NPY_HEADER, rd_pos(&h.r),
		    "at this place it is no literal");
	else if (!h.objects)
		numbers(f, h.r, r);
	if (!h.objects)
		return;
	check_find(f, FINDING_FILE_PICKLE, ERR_NOWHERE,
	    "NumPy array of Python objects");
	check_pickle_stream(f, r);
}
