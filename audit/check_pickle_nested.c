/* SPDX-License-Identifier: MIT
 * Pickles in the strings of a pickle, as they are, encoded and compressed:
 * whoever loads the outer one may hand them to pickle.loads().
 */
#include "audit/check_base64.h"
#include "audit/check_decode.h"
#include "audit/check_expand.h"
#include "audit/check_pickle_judge.h"

#include "formats/identify_probe.h"
#include "formats/pickle_coded.h"

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

static bool
is_zip(struct slice s)
{
	return s.len > 22 && memcmp(s.ptr, "PK\3\4", 4) == 0;
}

static void
look(struct check_pickle_judge *j, const char *how, const uint8_t *p, size_t n)
{
	char name[64];
	struct rd r = rd_mem(p, n);

	if (n < 2)
		return;
	/* a zip of PyTorch's, which skorch hands to torch.load() */
	if (identify_pickle(r) != 0 || is_zip((struct slice){p, n})) {
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

static void
decoded(struct check_pickle_judge *j, enum pickle_coded way, struct slice s)
{
	static size_t (*const by[])(struct slice, uint8_t *) = {
	    [PICKLE_CODED_UTF8] = from_utf8,
	    [PICKLE_CODED_HEX] = check_decode_hex,
	    [PICKLE_CODED_BASE64] = check_decode_base64};
	static const char *const how[] = {[PICKLE_CODED_UTF8] = "text",
	    [PICKLE_CODED_HEX] = "hex",
	    [PICKLE_CODED_BASE64] = "base64"};
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

/* The one by which protocols below 3 write bytes. */
static bool
is_latin1(const struct pickle_node *codec)
{
	return pickle_is_text(codec, "latin1") ||
	       pickle_is_text(codec, "latin-1") ||
	       pickle_is_text(codec, "iso-8859-1");
}

static bool
is_loaded(struct slice s)
{
	return identify_pickle(rd_mem(s.ptr, s.len)) != 0 || is_zip(s);
}

bool
check_pickle_nested_whole(const struct pickle_node *n)
{
	struct slice s = {0};
	struct arena a;
	uint8_t *p;
	bool loaded;

	if (pickle_calls(n, NULL, "encode") &&
	    is_latin1(pickle_item(n->call->args, 1)))
		n = pickle_item(n->call->args, 0);
	else if (pickle_is(n, PICKLE_STR) &&
		 pickle_coded(n->text) == PICKLE_CODED_UTF8)
		return false; /* text, which torch.load() does not take */
	if (pickle_is(n, PICKLE_BYTES) ||
	    (pickle_is(n, PICKLE_STR) &&
		pickle_coded(n->text) != PICKLE_CODED_UTF8))
		return is_loaded(n->text);
	if (!pickle_is(n, PICKLE_STR))
		return false;
	arena_init(&a, n->text.len + 64);
	if ((p = arena_alloc(&a, n->text.len, 1)) != NULL)
		s = (struct slice){p, from_utf8(n->text, p)};
	loaded = s.len != 0 && is_loaded(s);
	arena_release(&a);
	return loaded;
}

void
check_pickle_nested(struct check_pickle_judge *j, const struct pickle_node *n)
{
	enum pickle_coded way;

	if (pickle_calls(n, NULL, "encode") || pickle_calls(n, NULL, "bytes") ||
	    pickle_calls(n, NULL, "bytearray"))
		n = pickle_item(n->call->args, 0);
	if ((!pickle_is(n, PICKLE_STR) && !pickle_is(n, PICKLE_BYTES)) ||
	    n->text.len < 2 || j->tentative)
		return;
	way = pickle_coded(n->text);
	/* one of protocol 0 or 1 begins with any opcode */
	if (way == PICKLE_CODED_BASE85)
		check_base64(j->f, n->text, j->pickle.at);
	if (way == PICKLE_CODED_NOT || way == PICKLE_CODED_BYTES ||
	    way == PICKLE_CODED_BASE85)
		look(j, "bytes", n->text.ptr, n->text.len);
	else
		decoded(j, way, n->text);
}
