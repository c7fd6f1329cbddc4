/* SPDX-License-Identifier: MIT
 * Pickles in the strings of a pickle, as they are, encoded and compressed:
 * whoever loads the outer one may hand them to pickle.loads().
 */
#include "audit/check_expand.h"
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

/* --- what is in it ------------------------------------------------------- */

/* What is compressed, by as much of its beginning as text never has. */
static const struct {
	const char *magic, *how;
	size_t len;
	void (*expand)(
	    const struct check_file *, struct rd, struct check_expanded *);
} packed[] = {
    {"\x1f\x8b\x08", "gzip", 3, check_expand_gzip},
    {"BZh", "bzip2", 3, check_expand_bzip2},
    {"\xfd"
     "7zXZ",
	"xz", 5, check_expand_xz},
    {"\x5d\0\0", "lzma", 3, check_expand_lzma},
    {"x", "zlib", 1, check_expand_zlib},
};

/* Two bytes are zlib's by chance, so it has to be one, or to hold a pickle: what
 * only begins like a stream is some string. */
static void
expanded(struct check_pickle_judge *j, size_t way, struct rd r)
{
	struct check_expanded x;
	char name[64];

	packed[way].expand(j->f, r, &x);
	r = rd_mem(x.bytes.ptr, x.bytes.len);
	if (r.len > 1 && (x.end == EXPAND_WHOLE || identify_pickle(r) != 0)) {
		snprintf(name, sizeof(name), "%s@%" PRIu64, packed[way].how,
		    j->pickle.at);
		check_within(j->f, name, r);
	}
	check_expand_free(&x);
}

static void
look(struct check_pickle_judge *j, const char *how, const uint8_t *p, size_t n)
{
	char name[64];
	struct rd r = rd_mem(p, n);

	if (n < 2)
		return;
	if (identify_pickle(r) != 0) {
		snprintf(name, sizeof(name), "%s@%" PRIu64, how, j->pickle.at);
		check_within(j->f, name, r);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(packed); i++)
		if (n > packed[i].len && n >= 8 &&
		    memcmp(p, packed[i].magic, packed[i].len) == 0 &&
		    (p[0] != 'x' || (p[0] * 256 + p[1]) % 31 == 0))
			expanded(j, i, r);
}

/* --- how it is written --------------------------------------------------- */

enum way {
	AS_IT_IS,
	UTF8,
	HEX,
	BASE64,
};

/* By the first bytes of what is looked for, as each way writes them. */
static enum way
way_of(struct slice s)
{
	static const struct {
		const char *begin;
		enum way way;
	} ways[] = {{"\xc2", UTF8}, {"\x1f\xc2\x8b", UTF8},
	    {"\xc3\xbd"
	     "7z",
		UTF8},
	    {"x\xc2\x9c", UTF8}, {"x\xc3\x9a", UTF8}, {"8", HEX}, {"1f8b", HEX},
	    {"1F8B", HEX}, {"425a68", HEX}, {"425A68", HEX}, {"fd377a", HEX},
	    {"FD377A", HEX}, {"5d0000", HEX}, {"5D0000", HEX}, {"7801", HEX},
	    {"785e", HEX}, {"785E", HEX}, {"789c", HEX}, {"789C", HEX},
	    {"78da", HEX}, {"78DA", HEX}, {"g", BASE64}, {"H4sI", BASE64},
	    {"Qlpo", BASE64}, {"/Td6", BASE64}, {"_Td6", BASE64},
	    {"XQAA", BASE64}, {"eAE", BASE64}, {"eF", BASE64}, {"eJ", BASE64},
	    {"eN", BASE64}};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		size_t n = strlen(ways[i].begin);

		if (s.ptr[0] == (uint8_t)ways[i].begin[0] && s.len >= n &&
		    memcmp(s.ptr, ways[i].begin, n) == 0)
			return ways[i].way;
	}
	return AS_IT_IS;
}

static void
decoded(struct check_pickle_judge *j, enum way way, struct slice s)
{
	static size_t (*const by[])(struct slice, uint8_t *) = {
	    NULL, from_utf8, from_hex, from_base64};
	static const char *const how[] = {"bytes", "text", "hex", "base64"};
	struct arena a;
	uint8_t *p;
	size_t n;

	if (!check_spend(j->f, s.len))
		return;
	arena_init(&a, s.len + 64);
	if ((p = arena_alloc(&a, s.len, 1)) != NULL && (n = by[way](s, p)) != 0)
		look(j, how[way], p, n);
	arena_release(&a);
}

/* The first byte of none of them: what nearly all strings begin with. */
static bool
plain(uint8_t c)
{
	static const char all[] = "\xc2\x1f\xc3\xfdxB]8145f7FgHQ/_Xe";

	return c != 0 && memchr(all, c, sizeof(all) - 1) == NULL;
}

void
check_pickle_nested(struct check_pickle_judge *j, const struct pickle_node *n)
{
	enum way way;

	if (pickle_calls(n, NULL, "encode") || pickle_calls(n, NULL, "bytes") ||
	    pickle_calls(n, NULL, "bytearray"))
		n = pickle_item(n->call->args, 0);
	if ((!pickle_is(n, PICKLE_STR) && !pickle_is(n, PICKLE_BYTES)) ||
	    n->text.len < 2 || j->tentative)
		return;
	way = plain(n->text.ptr[0]) ? AS_IT_IS : way_of(n->text);
	if (way != AS_IT_IS)
		decoded(j, way, n->text);
	else
		look(j, "bytes", n->text.ptr, n->text.len);
}
