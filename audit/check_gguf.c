/* SPDX-License-Identifier: MIT
 * GGUF, versions 1 to 3 (ggml/docs/gguf.md), by the rules of its reference
 * reader (ggml/src/gguf.cpp): what that refuses is broken.  Chat templates are
 * programs in Jinja; they are looked at as files of their own.
 */
#include "audit/check.h"

#include "audit/check_gguf_words.h"
#include "audit/check_note.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#define NAME_MAX_BYTES 64 /* GGML_MAX_NAME, with the terminator */
#define DIMS           4  /* GGML_MAX_DIMS */
#define STRING_MAX     ((uint64_t)1 << 30)
#define TYPE_MAX       64 /* none is beyond that */

enum type {
	U8,
	I8,
	U16,
	I16,
	U32,
	I32,
	F32,
	BOOL,
	STRING,
	ARRAY,
	U64,
	I64,
	F64,
	TYPES,
};

static const uint8_t widths[TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static const struct {
	uint32_t number;
	uint64_t block, bytes;
} tensor_types[] = {
#define GGUF_TYPE(number, name, block, bytes) {number, block, bytes},
#include "audit/check_gguf_type.def"
#undef GGUF_TYPE
};

struct gguf {
	const struct check_file *f;
	struct rd r;
	struct err e;
	struct arena arena;
	struct map names;
	uint32_t version;
	uint64_t tensors, keys, alignment;
	bool architecture, big;
	/* of the data, by what was read so far */
	uint64_t end;
	uint64_t last; /* the same without padding */
	bool open;     /* a type of unknown size came before */
	struct check_gguf_words words;
};

static int
bad(struct gguf *g, int code, const char *what)
{
	return err_set(&g->e, code, rd_pos(&g->r), "%s", what);
}

static int
cut(struct gguf *g)
{
	return bad(g, ERR_TRUNCATED, "the file ends in its header");
}

/* --- values -------------------------------------------------------------- */

static int
u32(struct gguf *g, uint32_t *out)
{
	return g->big ? rd_u32be(&g->r, out) : rd_u32le(&g->r, out);
}

static int
u64(struct gguf *g, uint64_t *out)
{
	uint32_t high = 0, low = 0;

	if (!g->big)
		return rd_u64le(&g->r, out);
	if (rd_u32be(&g->r, &high) != 0 || rd_u32be(&g->r, &low) != 0)
		return ERR_TRUNCATED;
	*out = (uint64_t)high << 32 | low;
	return 0;
}

/* 32 bits in version 1, 64 since. */
static int
count(struct gguf *g, uint64_t *out)
{
	uint32_t small = 0;

	if (g->version != 1)
		return u64(g, out) != 0 ? cut(g) : 0;
	if (u32(g, &small) != 0)
		return cut(g);
	*out = small;
	return 0;
}

static int
string(struct gguf *g, struct slice *out)
{
	uint64_t len;
	int rc;

	if ((rc = count(g, &len)) != 0)
		return rc;
	if (len > STRING_MAX)
		return bad(g, ERR_FORMAT, "a text of more than a gigabyte");
	return rd_bytes(&g->r, len, out) != 0
		   ? bad(g, ERR_TRUNCATED, "a text ends after the file")
		   : 0;
}

/* A name that is there once, terminated. */
static int
unique(struct gguf *g, struct slice s, const char *what, const char **out)
{
	int rc;

	if (s.len > UINT16_MAX || s.len == 0)
		return bad(g, ERR_FORMAT, "a name without a sensible length");
	if (memchr(s.ptr, '\0', s.len) != NULL ||
	    !text_utf8_valid((const char *)s.ptr, s.len))
		return bad(g, ERR_FORMAT, "a name that is no text");
	*out = arena_strdup(&g->arena, (const char *)s.ptr, s.len);
	if (*out == NULL || (rc = map_put(&g->names, *out, 1)) < 0)
		return bad(g, ERR_LIMIT, "more names than there is room for");
	if (rc == 0)
		return err_set(&g->e, ERR_FORMAT, rd_pos(&g->r),
		    "%s '%.100s' is there twice", what, *out);
	return 0;
}

static int
booleans(struct gguf *g, uint64_t n)
{
	struct slice s;

	if (rd_bytes(&g->r, n, &s) != 0)
		return cut(g);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] > 1)
			return bad(
			    g, ERR_FORMAT, "a truth that is neither 0 nor 1");
	return 0;
}

static bool
is_template(const char *key)
{
	static const char begin[] = "tokenizer.chat_template";

	return strncmp(key, begin, sizeof(begin) - 1) == 0;
}

/* Words of a vocabulary are kept, whatever they look like. */
static int
words(struct gguf *g, uint64_t n)
{
	struct slice *word;
	int rc;

	/* each has its length before it */
	if (n > rd_left(&g->r) / 4)
		return cut(g);
	word = arena_alloc(&g->arena, (size_t)n + 1, sizeof(*word));
	if (word == NULL)
		return bad(g, ERR_LIMIT, "more words than there is room for");
	for (size_t i = 0; i < n; i++)
		if ((rc = string(g, &word[i])) != 0)
			return rc;
	g->words.word = word;
	g->words.n = (size_t)n;
	return 0;
}

static int
texts(struct gguf *g, const char *key, uint64_t n)
{
	struct slice s;
	int rc;

	if (strcmp(key, "tokenizer.ggml.tokens") == 0)
		return words(g, n);
	for (; n > 0; n--) {
		if ((rc = string(g, &s)) != 0)
			return rc;
		if (is_template(key))
			check_within(g->f, key, rd_mem(s.ptr, s.len));
	}
	return 0;
}

static int
array(struct gguf *g, const char *key)
{
	struct slice numbers;
	uint32_t type;
	uint64_t n, size;
	int rc;

	if (u32(g, &type) != 0)
		return cut(g);
	if ((rc = count(g, &n)) != 0)
		return rc;
	if (type >= TYPES || type == ARRAY)
		return bad(g, ERR_FORMAT, "a list of no type of the format");
	if (type == BOOL)
		return booleans(g, n);
	if (type == STRING)
		return texts(g, key, n);
	if (ckd_mul(&size, n, widths[type]) ||
	    rd_bytes(&g->r, size, &numbers) != 0)
		return bad(g, ERR_TRUNCATED, "a list ends after the file");
	if (strcmp(key, "tokenizer.ggml.token_type") == 0 && widths[type] == 4)
		g->words.type = numbers;
	return 0;
}

/* --- metadata ------------------------------------------------------------ */

static int
alignment(struct gguf *g, uint32_t type)
{
	uint32_t v = 0;

	if (type != U32)
		return bad(g, ERR_FORMAT, "general.alignment is no uint32");
	if (u32(g, &v) != 0)
		return cut(g);
	if (v == 0 || (v & (v - 1)) != 0)
		return bad(
		    g, ERR_FORMAT, "general.alignment is no power of two");
	g->alignment = v;
	return 0;
}

static int
text_value(struct gguf *g, const char *key)
{
	uint64_t at = rd_pos(&g->r);
	struct slice s;
	int rc = string(g, &s);
	struct rd in;

	if (rc != 0)
		return rc;
	in = rd_mem(s.ptr, s.len);
	in.start = at + (g->version == 1 ? 4 : 8);
	if (is_template(key))
		check_within(g->f, key, in);
	else
		check_note(g->f, key, in);
	if (strcmp(key, "general.architecture") == 0)
		g->architecture = true;
	return 0;
}

/* A token by its number. */
static int
token(struct gguf *g, const char *key)
{
	bool eos = strcmp(key, "tokenizer.ggml.eos_token_id") == 0,
	     bos = strcmp(key, "tokenizer.ggml.bos_token_id") == 0;
	uint32_t v;

	if (u32(g, &v) != 0)
		return cut(g);
	if (eos) {
		g->words.has_eos = true;
		g->words.eos = v;
	}
	if (bos) {
		g->words.has_bos = true;
		g->words.bos = v;
	}
	return 0;
}

/* One key and its value. */
static int
pair(struct gguf *g)
{
	const char *key;
	struct slice s;
	uint32_t type;
	int rc;

	if ((rc = string(g, &s)) != 0 ||
	    (rc = unique(g, s, "the key", &key)) != 0)
		return rc;
	if (u32(g, &type) != 0)
		return cut(g);
	if (type >= TYPES)
		return bad(g, ERR_FORMAT, "a value of no type of the format");
	if (strcmp(key, "general.alignment") == 0)
		return alignment(g, type);
	if (is_template(key) && type != STRING && type != ARRAY)
		return bad(g, ERR_FORMAT, "a chat template that is no text");
	if (type == STRING)
		return text_value(g, key);
	if (type == ARRAY)
		return array(g, key);
	if (type == BOOL)
		return booleans(g, 1);
	if (type == U32)
		return token(g, key);
	return rd_skip(&g->r, widths[type]) != 0 ? cut(g) : 0;
}

/* --- tensors ------------------------------------------------------------- */

/* Bytes of a tensor, or false when its type is not known here. */
static int
measure(struct gguf *g, uint32_t type, const uint64_t *dim, uint32_t rank,
    uint64_t *bytes, bool *known)
{
	uint64_t n = 1;

	*known = false;
	for (uint32_t k = 0; k < rank; k++)
		if (dim[k] > INT64_MAX || ckd_mul(&n, n, dim[k]) ||
		    n > INT64_MAX)
			return bad(g, ERR_FORMAT,
			    "a shape of more than 63 bits can count");
	for (size_t i = 0; i < ARRAY_LEN(tensor_types); i++) {
		if (tensor_types[i].number != type)
			continue;
		if (rank != 0 && dim[0] % tensor_types[i].block != 0)
			return bad(g, ERR_FORMAT, "a row ends within a block");
		n /= tensor_types[i].block;
		if (ckd_mul(bytes, n, tensor_types[i].bytes))
			return bad(g, ERR_FORMAT,
			    "a tensor of more than 64 bits can count");
		*known = true;
	}
	if (!*known && type >= TYPE_MAX)
		return bad(g, ERR_FORMAT, "a tensor of no type of ggml");
	return 0;
}

/* Tensors stand one behind the other, each padded to the alignment. */
static int
follow(struct gguf *g, const char *name, uint64_t offset, uint64_t bytes,
    bool known)
{
	uint64_t end;

	if (offset % g->alignment != 0)
		return err_set(&g->e, ERR_FORMAT, rd_pos(&g->r),
		    "tensor '%.80s' begins at %" PRIu64
		    ", which is not aligned",
		    name, offset);
	if (!g->open && offset != g->end)
		return err_set(&g->e, ERR_FORMAT, rd_pos(&g->r),
		    "tensor '%.80s' begins at %" PRIu64 ", not at %" PRIu64,
		    name, offset, g->end);
	g->open = g->open || !known;
	if (!known)
		return 0;
	if (ckd_add(&end, offset, bytes) ||
	    ckd_add(&end, end, g->alignment - 1))
		return bad(g, ERR_FORMAT, "a tensor without end");
	g->end = MAX(g->end, end & ~(g->alignment - 1));
	return 0;
}

static int
tensor(struct gguf *g)
{
	uint64_t dim[DIMS] = {0}, offset, bytes = 0;
	uint32_t rank, type;
	const char *name;
	struct slice s;
	bool known;
	int rc;

	if ((rc = string(g, &s)) != 0)
		return rc;
	if (s.len >= NAME_MAX_BYTES)
		return bad(g, ERR_FORMAT, "a tensor name of 64 bytes or more");
	if ((rc = unique(g, s, "the tensor", &name)) != 0)
		return rc;
	if (u32(g, &rank) != 0)
		return cut(g);
	if (rank > DIMS)
		return bad(g, ERR_FORMAT, "a tensor of more than 4 axes");
	for (uint32_t k = 0; k < rank; k++)
		if ((rc = count(g, &dim[k])) != 0)
			return rc;
	if (u32(g, &type) != 0 || u64(g, &offset) != 0)
		return cut(g);
	if ((rc = measure(g, type, dim, rank, &bytes, &known)) != 0 ||
	    (rc = follow(g, name, offset, bytes, known)) != 0)
		return rc;
	if (!known)
		check_short(g->f, FINDING_GGUF_ODD, rd_pos(&g->r),
		    "tensor '%s' is of type %u, whose size is not known here",
		    name, (unsigned)type);
	g->last = MAX(g->last, known ? offset + bytes : offset);
	return 0;
}

/* --- the file ------------------------------------------------------------ */

static int
begin(struct gguf *g)
{
	int rc;

	if (rd_skip(&g->r, 4) != 0 || u32(g, &g->version) != 0)
		return cut(g);
	/* as llama.cpp tells, and writes them for machines of IBM */
	g->big = g->version >= 1 << 16 && (g->version & 0xffff) == 0;
	if (g->big)
		g->version = g->version >> 24 | (g->version >> 8 & 0xff00);
	if (g->version == 0 || g->version > 3)
		return bad(g, ERR_FORMAT, "a version that there is not");
	if ((rc = count(g, &g->tensors)) != 0 || (rc = count(g, &g->keys)) != 0)
		return rc;
	/* a key and a tensor have that many bytes at least */
	if (g->keys > rd_left(&g->r) / 9 || g->tensors > rd_left(&g->r) / 20)
		return bad(
		    g, ERR_FORMAT, "more entries than the file has room");
	if (g->keys > LIMIT_GGUF_KEYS || g->tensors > LIMIT_GGUF_TENSORS)
		return bad(g, ERR_LIMIT, "more entries than llama.cpp takes");
	return 0;
}

/* What stands between the header, the data and the end of the file. */
static int
data(struct gguf *g)
{
	uint64_t at = (g->r.off + g->alignment - 1) & ~(g->alignment - 1);
	uint64_t all = g->r.len - MIN(at, g->r.len);

	for (uint64_t i = g->r.off; i < MIN(at, g->r.len); i++)
		if (g->r.base[i] != 0) {
			check_find(g->f, FINDING_GGUF_ODD, i,
			    "the header is padded with other bytes than 0");
			break;
		}
	if (g->last > all)
		return bad(g, ERR_TRUNCATED, "tensors end after the file");
	if (!g->open && all > g->end)
		check_find(g->f, FINDING_GGUF_ODD, at + g->end,
		    "%" PRIu64 " bytes behind the last tensor", all - g->end);
	if (!g->architecture)
		check_find(g->f, FINDING_GGUF_ODD, ERR_NOWHERE,
		    "there is no general.architecture");
	return 0;
}

static int
read_all(struct gguf *g)
{
	int rc;

	if ((rc = begin(g)) != 0)
		return rc;
	map_init(&g->names, &g->arena);
	for (uint64_t i = 0; i < g->keys; i++)
		if ((rc = pair(g)) != 0)
			return rc;
	map_init(&g->names, &g->arena);
	for (uint64_t i = 0; i < g->tensors; i++)
		if ((rc = tensor(g)) != 0)
			return rc;
	if ((rc = data(g)) != 0 || !g->big)
		return rc;
	return err_set(
	    &g->e, ERR_UNSUPPORTED, 4, "the numbers of a big-endian file");
}

void
check_gguf(const struct check_file *f)
{
	struct gguf g = {.f = f, .r = f->bytes, .alignment = 32};
	enum finding_id id = FINDING_GGUF_BROKEN;

	if (!check_is(f, "gguf") &&
	    (!text_ends_with(check_name_of(f), ".gguf") || f->bytes.len == 0))
		return;
	check_knows(f);
	arena_init(&g.arena, (size_t)64 << 20);
	g.e.off = ERR_NOWHERE;
	if (!check_is(f, "gguf"))
		check_short(f, id, 0, "it does not begin with GGUF");
	else if (read_all(&g) != 0) {
		if (g.e.code == ERR_LIMIT)
			id = FINDING_FILE_LIMIT;
		else if (g.e.code == ERR_UNSUPPORTED)
			id = FINDING_MODEL_UNSUPPORTED;
		check_short(f, id, g.e.off, "%s", g.e.msg);
	}
	if (!g.big)
		check_gguf_words(f, &g.words);
	arena_release(&g.arena);
}
