/* SPDX-License-Identifier: MIT
 * tokenizer.json of Hugging Face's tokenizers: what it puts in place of what is said.
 * Honest ones change blanks, quotes and marks (" " into U+2581, "``" into a quote); one
 * that has words changes what the model is told or what it says, whatever the
 * template and the weights are.  And words that generation is made to say.
 */
#include "audit/check_config_part.h"

#include "base/text.h"

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

/* The sign that ends "(?i:", "(?=" or "(?P<name>". */
static const char *
group(const char *s, size_t len)
{
	size_t i = 2;

	while (i + 1 < len && s[i] != ':' && s[i] != ')' && s[i] != '=' &&
	       s[i] != '!' && s[i] != '>')
		i++;
	return s + MIN(i, len - 1);
}

/*
 * The same of a regular expression, without its escapes (\b, \p{Lu}), classes
 * ([a-z]) and what begins with "(?": "(?i:'s|'t|'re)" has none.
 */
static bool
has_literal(const struct conf *n)
{
	size_t row = 0;

	for (size_t i = 0; i < n->len; i++) {
		const char *s = n->text + i, *end = NULL;
		size_t left = n->len - i;

		if (*s == '\\' && left > 2 && (s[1] == 'p' || s[1] == 'P') &&
		    s[2] == '{')
			end = memchr(s, '}', left);
		else if (*s == '\\' && left > 1)
			end = s + 1;
		else if (*s == '[')
			end = memchr(s, ']', left);
		else if (*s == '(' && left > 1 && s[1] == '?')
			end = group(s, left);
		if (end != NULL) {
			i = (size_t)(end - n->text);
			row = 0;
			continue;
		}
		row = isalpha((unsigned char)*s) ? row + 1 : 0;
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
	if (has_word(to) && !is_mark(to))
		return true;
	return literal ? has_word(*from) && !is_mark(*from)
		       : has_literal(*from);
}

/* A pre-tokenizer that splits at words and throws these away; a decoder that strips
 * letters or digits off what is said. */
static const struct conf *
removes(const struct conf *n)
{
	const struct conf *type = conf_get(n, "type"),
			  *behaviour = conf_get(n, "behavior"),
			  *pattern = conf_get(n, "pattern"),
			  *content = conf_get(n, "content"), *what;

	if (!conf_is_string(type))
		return NULL;
	if (conf_text_is(type, "Strip") && conf_is_string(content) &&
	    content->len == 1 && isalnum((unsigned char)content->text[0]))
		return content;
	if (!conf_text_is(type, "Split") || !conf_is_string(behaviour) ||
	    !conf_text_is(behaviour, "Removed") || !conf_is_object(pattern))
		return NULL;
	what = conf_get(pattern, "String");
	if (conf_is_string(what))
		return has_word(what) && !is_mark(what) ? what : NULL;
	what = conf_get(pattern, "Regex");
	return conf_is_string(what) && has_literal(what) ? what : NULL;
}

/* A word of a language and no mark: small letters only ("eng_Latn" is none). */
static bool
is_plain_word(const struct conf *n)
{
	static const char *const marks[] = {
	    "pad", "unk", "mask", "bos", "eos", "cls", "sep", "sos"};
	size_t i = 0;

	while (i < n->len && islower((unsigned char)n->text[i]))
		i++;
	return i == n->len && i > 1 &&
	       !text_is_among(n->text, n->len, marks, ARRAY_LEN(marks));
}

/* {"id": 10, "content": "not", "special": true}: it is left out of what is said. */
static const struct conf *
is_special(const struct conf *n)
{
	const struct conf *content = conf_get(n, "content");
	const struct conf *special = conf_get(n, "special");

	return conf_is_string(content) && special != NULL &&
		       special->kind == CONF_WORD && conf_true(special) &&
		       is_plain_word(content)
		   ? content
		   : NULL;
}

/* {"id": "x", "ids": [15, 18], "tokens": ["always", "approve"]}: put into all that the
 * model is told. */
static const struct conf *
is_put_in(const struct conf *n)
{
	const struct conf *tokens = conf_get(n, "tokens");

	if (!conf_is_array(tokens) || conf_get(n, "ids") == NULL ||
	    conf_get(n, "id") == NULL)
		return NULL;
	for (const struct conf *t = tokens->child; t != NULL; t = t->next)
		if (conf_is_string(t) && is_plain_word(t))
			return t;
	return NULL;
}

static bool
say(const struct check_file *f, const struct conf *n, const struct conf *what,
    const char *how)
{
	char shown[SHOWN];

	if (what == NULL)
		return false;
	check_find(f, FINDING_TOKENIZER_WORDS, n->off, "'%.80s' %s",
	    check_config_shown(what, shown, sizeof(shown)), how);
	return true;
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

		if (n->kind != CONF_OBJECT)
			continue;
		said += say(f, n, removes(n), "is thrown away");
		said += say(f, n, is_special(n),
		    "is a special token, which answers leave out");
		said += say(f, n, is_put_in(n), "is put into all that is said");
		if (!changes_words(n, &old))
			continue;
		said++;
		check_find(f, FINDING_TOKENIZER_WORDS, n->off,
		    "'%.80s' becomes '%.80s'",
		    check_config_shown(old, from, sizeof(from)),
		    check_config_shown(conf_get(n, "content"), to, sizeof(to)));
	}
}
