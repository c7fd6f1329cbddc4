/* SPDX-License-Identifier: MIT
 * tokenizer.json of Hugging Face's tokenizers: what it puts in place of what is said.
 * Honest ones change blanks, quotes and marks (" " into U+2581, "``" into a quote); one
 * that has words changes what the model is told or what it says, whatever the
 * template and the weights are.  And words that generation is made to say.
 */
#include "audit/check_config_part.h"

#include <ctype.h>
#include <string.h>

#define WORD  3 /* letters in a row: "<s>" and "nt" of "n't" have fewer */
#define SHOWN 400
#define FEW   4

/* Letters of ASCII in a row, or more than ASCII: other scripts have words too. */
static bool
has_word(const struct conf *n)
{
	size_t row = 0;

	for (size_t i = 0; i < n->len; i++) {
		row = isalpha((unsigned char)n->text[i]) ? row + 1 : 0;
		if (row == WORD)
			return true;
	}
	return false;
}

/* <|newline|>, [MASK]: a mark that the vocabulary has. */
static bool
is_mark(const struct conf *n)
{
	return n->len > 2 &&
	       ((n->text[0] == '<' && n->text[n->len - 1] == '>') ||
		   (n->text[0] == '[' && n->text[n->len - 1] == ']'));
}

static bool
is_other(const struct conf *a, const struct conf *b)
{
	return a->len != b->len ||
	       (a->len != 0 && memcmp(a->text, b->text, a->len) != 0);
}

static bool
is_digits(const struct conf *n)
{
	for (size_t i = 0; i < n->len; i++)
		if (!isdigit((unsigned char)n->text[i]))
			return false;
	return n->len != 0;
}

/* {"type": "Replace", "pattern": {"String": x}, "content": y} */
static bool
changes_words(const struct conf *n, const struct conf **from)
{
	const struct conf *type = conf_get(n, "type"),
			  *pattern = conf_get(n, "pattern"),
			  *to = conf_get(n, "content");
	bool literal;

	if (!conf_is_string(type) || !conf_text_is(type, "Replace") ||
	    !conf_is_object(pattern) || !conf_is_string(to))
		return false;
	*from = conf_get(pattern, "String");
	literal = conf_is_string(*from);
	if (!literal)
		*from = conf_get(pattern, "Regex");
	if (!conf_is_string(*from) || !is_other(*from, to))
		return false;
	/* another amount; all digits for one is what some models are made of */
	if (literal && is_digits(*from) && is_digits(to))
		return true;
	/* a regular expression has letters for classes */
	return (has_word(to) && !is_mark(to)) ||
	       (literal && has_word(*from) && !is_mark(*from));
}

/*
 * generation_config.json (transformers, SequenceBiasLogitsProcessor): what is
 * added to the scores of words in every answer.  Published models forbid marks
 * (suppress_tokens, bad_words_ids) and force that of a language; none prefers
 * a word.
 */
static void
generation(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const keys[] = {"eos_token_id", "bos_token_id",
	    "max_new_tokens", "max_length", "do_sample",
	    "transformers_version"};
	const struct conf *bias = conf_get(d->root, "sequence_bias");
	bool is = strcmp(check_name_of(f), "generation_config.json") == 0;

	for (size_t i = 0; i < ARRAY_LEN(keys) && bias != NULL; i++)
		is = is || conf_get(d->root, keys[i]) != NULL;
	if (!is)
		return;
	if (conf_is_array(bias) || conf_is_object(bias))
		check_find(
		    f, FINDING_GENERATION_WORDS, bias->off, "sequence_bias");
}

void
check_config_tokenizer(const struct check_file *f, const struct conf_doc *d)
{
	char from[SHOWN], to[SHOWN];
	size_t said = 0;

	generation(f, d);
	for (const struct conf *n = d->root; n != NULL && said < FEW;
	     n = conf_next(n)) {
		const struct conf *old;

		if (n->kind != CONF_OBJECT || !changes_words(n, &old))
			continue;
		said++;
		check_find(f, FINDING_TOKENIZER_WORDS, n->off,
		    "'%.80s' becomes '%.80s'",
		    check_config_shown(old, from, sizeof(from)),
		    check_config_shown(conf_get(n, "content"), to, sizeof(to)));
	}
}
