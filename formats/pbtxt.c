/* SPDX-License-Identifier: MIT */
#include "formats/pbtxt.h"

#include "base/limits.h"

struct reader {
	struct rd in;
	size_t depth, values;
	struct buf text; /* the token that was read last */
	bool numbers;    /* it is an array's bytes: see PBTXT_HEX */
	struct err *e;
};

static int
fail(const struct reader *r, int code, const char *what)
{
	return err_set(r->e, code, rd_pos(&r->in), "pbtxt: %s", what);
}

/* The next byte without taking it, 0 at the end. */
static uint8_t
peek(const struct reader *r)
{
	struct rd in = r->in;
	uint8_t c;

	return rd_u8(&in, &c) == 0 ? c : 0;
}

static void
skip(struct reader *r)
{
	uint8_t c;

	(void)!rd_u8(&r->in, &c);
}

/* Spaces and comments. */
static void
space(struct reader *r)
{
	bool comment = false;

	while (rd_left(&r->in) != 0) {
		uint8_t c = peek(r);

		comment = (comment && c != '\n') || c == '#';
		if (!comment && c != ' ' && (c < '\t' || c > '\r'))
			return;
		skip(r);
	}
}

static bool
taken(struct reader *r, char c)
{
	space(r);
	if (rd_left(&r->in) == 0 || peek(r) != (uint8_t)c)
		return false;
	skip(r);
	return true;
}

static bool
is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' ||
	       c == '+';
}

/* An identifier or a number, into text. */
static int
word(struct reader *r)
{
	space(r);
	while (is_word(peek(r))) {
		buf_u8(&r->text, peek(r));
		skip(r);
	}
	return r->text.len != 0 ? 0 : fail(r, ERR_FORMAT, "a name is missing");
}

/* --- quoted text --------------------------------------------------------- */

static int
digits(struct reader *r, unsigned base, size_t most, unsigned v)
{
	for (size_t i = 0; i < most; i++) {
		uint8_t c = peek(r);
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)c - '0'
			     : c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10
			     : c >= 'A' && c <= 'F' ? (unsigned)c - 'A' + 10
						    : 99;

		if (d >= base)
			break;
		v = v * base + d;
		skip(r);
	}
	if ((v == 0 && !r->numbers) || v > 255)
		return fail(r, ERR_FORMAT, "a zero byte in text");
	buf_u8(&r->text, (uint8_t)v);
	return 0;
}

static int
escape(struct reader *r)
{
	static const char from[] = "abfnrtv\\'\"?",
			  to[] = "\a\b\f\n\r\t\v\\'\"?";
	uint8_t c = peek(r);
	const char *at;

	if (c >= '0' && c <= '7')
		return digits(r, 8, 3, 0);
	skip(r);
	if (c == 'x' || c == 'X')
		return digits(r, 16, 2, 0);
	if (c == 0 || (at = strchr(from, c)) == NULL)
		return fail(r, ERR_FORMAT, "an unknown escape");
	buf_u8(&r->text, (uint8_t)to[at - from]);
	return 0;
}

static int
quoted(struct reader *r)
{
	uint8_t quote = peek(r), c;
	int rc = 0;

	skip(r);
	while (rc == 0 && (c = peek(r)) != quote) {
		if (c == 0 || c == '\n')
			return fail(r, ERR_FORMAT, "text without an end");
		skip(r);
		if (c == '\\')
			rc = escape(r);
		else
			buf_u8(&r->text, c);
	}
	skip(r);
	return rc;
}

/* --- values -------------------------------------------------------------- */

static int message(struct reader *, char end, json_t *out);

static json_t *
hex(const struct buf *from)
{
	struct buf out = {0};
	json_t *text;

	buf_puts(&out, PBTXT_HEX);
	for (size_t i = 0; i < from->len; i++)
		buf_printf(&out, "%02x", from->ptr[i]);
	text = json_text(buf_str(&out));
	buf_free(&out);
	return text;
}

static int
scalar(struct reader *r, json_t *list)
{
	bool any = false;
	int rc = 0;

	r->text.len = 0;
	space(r);
	while (rc == 0 && (peek(r) == '"' || peek(r) == '\'')) {
		rc = quoted(r);
		any = true;
		space(r); /* "a" "b" is one text */
	}
	if (rc == 0 && !any)
		rc = word(r);
	if (rc == 0 && r->numbers)
		json_add(list, hex(&r->text));
	else if (rc == 0)
		json_add(list, json_text(buf_str(&r->text)));
	return rc;
}

static int
value(struct reader *r, json_t *list)
{
	char end = taken(r, '{') ? '}' : taken(r, '<') ? '>' : 0;
	json_t *child;
	int rc;

	if (++r->values > LIMIT_CONFIG_VALUES)
		return fail(r, ERR_LIMIT, "too many values");
	if (end == 0)
		return scalar(r, list);
	if (r->depth == LIMIT_CONFIG_DEPTH)
		return fail(r, ERR_LIMIT, "nested too deeply");
	child = json_object();
	json_add(list, child);
	r->depth++;
	rc = message(r, end, child);
	r->depth--;
	return rc;
}

static int
values(struct reader *r, json_t *list)
{
	int rc;

	if (!taken(r, '['))
		return value(r, list);
	if (taken(r, ']'))
		return 0;
	do {
		if ((rc = value(r, list)) != 0)
			return rc;
	} while (taken(r, ','));
	return taken(r, ']') ? 0 : fail(r, ERR_FORMAT, "a list without an end");
}

/* "name", or "[extension.or/type]" */
static int
field_name(struct reader *r)
{
	r->text.len = 0;
	if (!taken(r, '['))
		return word(r);
	while (is_word(peek(r)) || peek(r) == '/') {
		buf_u8(&r->text, peek(r));
		skip(r);
	}
	return taken(r, ']') ? 0 : fail(r, ERR_FORMAT, "a name without an end");
}

static int
field(struct reader *r, json_t *out)
{
	json_t *list;
	const char *name;
	bool colon;
	int rc;

	if ((rc = field_name(r)) != 0)
		return rc;
	name = buf_str(&r->text);
	if (name[0] == '\0')
		return fail(r, ERR_FORMAT, "a name is missing");
	if ((list = json_object_get(out, name)) == NULL) {
		if (++r->values > LIMIT_CONFIG_VALUES)
			return fail(r, ERR_LIMIT, "too many values");
		list = json_array();
		json_put(out, name, list);
	}
	/* of TensorFlow's and of ONNX's TensorProto */
	r->numbers = strcmp(name, "tensor_content") == 0 ||
		     strcmp(name, "raw_data") == 0;
	colon = taken(r, ':');
	space(r);
	if (!colon && peek(r) != '{' && peek(r) != '<' && peek(r) != '[')
		return fail(r, ERR_FORMAT, "a ':' is missing");
	return values(r, list);
}

static int
message(struct reader *r, char end, json_t *out)
{
	int rc;

	for (;;) {
		if (end != 0 && taken(r, end))
			return 0;
		space(r);
		if (rd_left(&r->in) == 0)
			return end == 0 ? 0
					: fail(r, ERR_TRUNCATED,
					      "ends inside a message");
		if ((rc = field(r, out)) != 0)
			return rc;
		if (!taken(r, ','))
			(void)taken(r, ';');
	}
}

int
pbtxt_read(struct rd in, json_t **out, struct err *e)
{
	struct reader r = {.in = in, .e = e};
	int rc;

	*out = NULL;
	if (rd_left(&in) > LIMIT_CONFIG_FILE)
		return err_set(
		    e, ERR_LIMIT, 0, "pbtxt: %zu bytes", rd_left(&in));
	*out = json_object();
	rc = message(&r, 0, *out);
	buf_free(&r.text);
	if (rc != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

const json_t *
pbtxt_last(const json_t *m, const char *field_of)
{
	const json_t *list = json_object_get(m, field_of);

	return json_array_size(list) != 0
		   ? json_array_get(list, json_array_size(list) - 1)
		   : NULL;
}

const char *
pbtxt_text(const json_t *m, const char *field_of)
{
	return json_string_value(pbtxt_last(m, field_of));
}
