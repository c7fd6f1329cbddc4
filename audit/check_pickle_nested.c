/* SPDX-License-Identifier: MIT
 * Pickles in the strings of a pickle: whoever loads the outer one may hand them
 * to pickle.loads().
 */
#include "audit/check_pickle_judge.h"

#include "formats/identify_probe.h"

/* Latin-1 that became UTF-8 (bytes of protocols below 3); 0: it is no such. */
static size_t
from_utf8(struct slice s, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.ptr[i];

		if (c >= 0x80) {
			if (c < 0xc2 || c > 0xc3 || i + 1 == s.len)
				return 0;
			c = (uint8_t)(c << 6 | (s.ptr[++i] & 0x3f));
		}
		out[n++] = c;
	}
	return n;
}

static int
hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

static size_t
from_hex(struct slice s, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < s.len; i += 2) {
		int a = hex_digit(s.ptr[i]), b = hex_digit(s.ptr[i + 1]);

		if (a < 0 || b < 0)
			return 0;
		out[n++] = (uint8_t)(a << 4 | b);
	}
	return n;
}

static int
base64_digit(uint8_t c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+' || c == '-' ? 62
	       : c == '/' || c == '_' ? 63
				      : -1;
}

static size_t
from_base64(struct slice s, uint8_t *out)
{
	uint32_t bits = 0;
	size_t n = 0, have = 0;

	for (size_t i = 0; i < s.len; i++) {
		int d = base64_digit(s.ptr[i]);

		if (s.ptr[i] == '\n' || s.ptr[i] == '\r')
			continue;
		if (s.ptr[i] == '=')
			break;
		if (d < 0)
			return 0;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

static void
look(struct check_pickle_judge *j, const char *how, const uint8_t *p, size_t n)
{
	char name[64];
	struct rd r = rd_mem(p, n);

	if (n < 2 || identify_pickle(r) == 0)
		return;
	snprintf(name, sizeof(name), "%s@%" PRIu64, how, j->pickle.at);
	check_within(j->f, name, r);
}

static void
decoded(struct check_pickle_judge *j, struct slice s)
{
	static size_t (*const by[])(struct slice, uint8_t *) = {
	    from_utf8, from_hex, from_base64};
	static const char *const how[] = {"text", "hex", "base64"};
	size_t way = s.ptr[0] == 'g' ? 2 : s.ptr[0] == '8' ? 1 : 0, n;
	struct arena a;
	uint8_t *p;

	if (!check_spend(j->f, s.len))
		return;
	arena_init(&a, s.len + 64);
	if ((p = arena_alloc(&a, s.len, 1)) != NULL && (n = by[way](s, p)) != 0)
		look(j, how[way], p, n);
	arena_release(&a);
}

void
check_pickle_nested(struct check_pickle_judge *j, const struct pickle_node *n)
{
	if (pickle_calls(n, NULL, "encode") || pickle_calls(n, NULL, "bytes") ||
	    pickle_calls(n, NULL, "bytearray"))
		n = pickle_item(n->call->args, 0);
	if ((!pickle_is(n, PICKLE_STR) && !pickle_is(n, PICKLE_BYTES)) ||
	    n->text.len < 2 || j->tentative)
		return;
	if (n->text.ptr[0] == 0xc2 || n->text.ptr[0] == 'g' ||
	    n->text.ptr[0] == '8')
		decoded(j, n->text);
	else
		look(j, "bytes", n->text.ptr, n->text.len);
}
