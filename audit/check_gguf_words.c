/* SPDX-License-Identifier: MIT
 * A vocabulary by llama.cpp's own rules (src/llama-vocab.cpp): a token of the type
 * CONTROL is left out of what is shown and is no part of what is said; of two
 * that are written alike the second takes the place of the first; generation ends
 * at the token for the end.  Words that are one of these are not said as they
 * are written.  Marks of a format ("<s>", "[INST]", "<|im_end|>") are what these
 * types are for, and honest converters give unused places names of their own.
 */
#include "audit/check_gguf_words.h"

#include "base/arena.h"
#include "base/map.h"

#include <ctype.h>

#define NORMAL  1 /* enum llama_token_type */
#define CONTROL 3
#define FEW     3

/* What stands behind the mark of a blank (SentencePiece's, GPT-2's, none). */
static struct slice
behind_blank(struct slice s, bool *blank)
{
	static const char *const marks[] = {"\xe2\x96\x81", "\xc4\xa0", " "};

	*blank = false;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		size_t n = strlen(marks[i]);

		if (s.len > n && memcmp(s.ptr, marks[i], n) == 0) {
			*blank = true;
			return (struct slice){s.ptr + n, s.len - n};
		}
	}
	return s;
}

/* Letters alone, of ASCII: other scripts have marks that look like letters. */
static bool
is_word(struct slice s, size_t least)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isalpha(s.ptr[i]))
			return false;
	return s.len >= least;
}

static uint32_t
type_of(const struct check_gguf_words *w, size_t i)
{
	const uint8_t *p = w->type.ptr + 4 * i;

	if (w->type.len / 4 <= i)
		return 0;
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void
say(const struct check_file *f, size_t i, struct slice s, const char *what)
{
	check_find(f, FINDING_TOKENIZER_VOCABULARY, ERR_NOWHERE,
	    "token %zu, '%.*s', %s", i, (int)MIN(s.len, (size_t)60),
	    (const char *)s.ptr, what);
}

/* " not" as a control token: what is written in the middle of a sentence. */
static void
controls(const struct check_file *f, const struct check_gguf_words *w)
{
	size_t said = 0;

	for (size_t i = 0; i < w->n && said < FEW; i++) {
		bool blank;
		struct slice s = behind_blank(w->word[i], &blank);

		if (!blank || type_of(w, i) != CONTROL || !is_word(s, 2))
			continue;
		say(f, i, s, "is a word that is left out as a control token");
		said++;
	}
}

static void
twice(const struct check_file *f, const struct check_gguf_words *w)
{
	struct arena a;
	struct map seen;
	size_t said = 0;

	arena_init(&a, (size_t)256 << 20);
	map_init(&seen, &a);
	for (size_t i = 0; i < w->n && said < FEW; i++) {
		bool blank;
		struct slice s = behind_blank(w->word[i], &blank);
		const char *key;
		int rc;

		if (!is_word(s, 3))
			continue;
		key = arena_strdup(
		    &a, (const char *)w->word[i].ptr, w->word[i].len);
		if (key == NULL || (rc = map_put(&seen, key, i)) < 0) {
			check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
			    "a vocabulary larger than is looked at");
			break;
		}
		if (rc != 0)
			continue;
		say(f, i, s, "is in the vocabulary before");
		said++;
	}
	arena_release(&a);
}

/* UINT32_MAX is LLAMA_TOKEN_NULL: there is none. */
static void
ends(const struct check_file *f, const struct check_gguf_words *w)
{
	struct slice s;
	bool blank;

	if (w->has_bos && w->bos >= w->n && w->bos != UINT32_MAX)
		check_find(f, FINDING_TOKENIZER_VOCABULARY, ERR_NOWHERE,
		    "the token for the beginning is %" PRIu32 " of %zu", w->bos,
		    w->n);
	if (!w->has_eos || w->eos == UINT32_MAX)
		return;
	if (w->eos >= w->n) {
		check_find(f, FINDING_TOKENIZER_VOCABULARY, ERR_NOWHERE,
		    "the token for the end is %" PRIu32 " of %zu", w->eos,
		    w->n);
		return;
	}
	s = behind_blank(w->word[w->eos], &blank);
	if (is_word(s, 2) && (blank || type_of(w, w->eos) == NORMAL))
		say(f, w->eos, s, "is a word at which every answer ends");
}

void
check_gguf_words(const struct check_file *f, const struct check_gguf_words *w)
{
	if (w->n == 0)
		return;
	controls(f, w);
	twice(f, w);
	ends(f, w);
}
