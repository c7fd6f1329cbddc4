/* SPDX-License-Identifier: MIT
 * The vocabulary of tokenizer.json (tokenizers/src/models, added_vocabulary.rs):
 * each word has a number of its own, and an added token that the model knows has the
 * same number there.  Where two words share one, the model cannot tell which was
 * said.  vocab.json beside it is what the slow tokenizer of the same repository
 * reads: it has the same words under the same numbers.
 */
#include "audit/check_config_part.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define WORD   2 /* letters in a row */
#define FEW    3 /* findings of each kind */
#define BESIDE (64 << 20)
#define IDS    (1 << 22) /* numbers of a vocabulary */

static bool
has_word(const char *s, size_t len)
{
	size_t row = 0;

	for (size_t i = 0; i < len && row < WORD; i++)
		row = isalpha((unsigned char)s[i]) ? row + 1 : 0;
	return row == WORD;
}

/* <|im_end|>, [unused0], {x}: no word of a language. */
static bool
is_mark(const char *s, size_t len)
{
	return len > 2 && strchr("<[{|", s[0]) != NULL &&
	       strchr(">]}|", s[len - 1]) != NULL;
}

static bool
is_word(const char *s, size_t len)
{
	return has_word(s, len) && !is_mark(s, len);
}

/* A number as JSON writes one, below IDS. */
static bool
number(const struct conf *n, size_t *out)
{
	char s[16];
	uint64_t v;

	if (n == NULL || n->kind != CONF_WORD || n->len >= sizeof(s))
		return false;
	memcpy(s, n->text, n->len);
	s[n->len] = '\0';
	if (!text_parse_u64(s, IDS - 1, &v))
		return false;
	*out = (size_t)v;
	return true;
}

/* Letters and digits in small letters, without marks of blanks, are the same. */
static bool
is_alike(const struct conf *a, const char *s, size_t len)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a->key_len && !isalnum((unsigned char)a->key[i]))
			i++;
		while (k < len && !isalnum((unsigned char)s[k]))
			k++;
		if (i == a->key_len || k == len)
			return i == a->key_len && k == len;
		if (tolower((unsigned char)a->key[i++]) !=
		    tolower((unsigned char)s[k++]))
			return false;
	}
}

/* --- one file ------------------------------------------------------------ */

struct words {
	const struct conf **by_id; /* IDS of them */
	const struct conf *vocab;
};

static void
shared(const struct check_file *f, struct words *w)
{
	size_t id, said = 0;

	for (const struct conf *n = w->vocab->child; n != NULL; n = n->next) {
		const struct conf *other;

		if (!number(n, &id))
			continue;
		other = w->by_id[id];
		w->by_id[id] = n;
		if (other == NULL || said == FEW ||
		    !is_word(n->key, n->key_len) ||
		    !is_word(other->key, other->key_len) ||
		    is_alike(other, n->key, n->key_len))
			continue;
		said++;
		check_find(f, FINDING_TOKENIZER_VOCABULARY, n->off,
		    "'%.*s' and '%.*s' are both number %zu",
		    (int)MIN(other->key_len, (size_t)60), other->key,
		    (int)MIN(n->key_len, (size_t)60), n->key, id);
	}
}

/* An added token stands in place of a word that the model has. */
static void
added(const struct check_file *f, const struct words *w,
    const struct conf *tokens)
{
	size_t id, said = 0;

	if (!conf_is_array(tokens))
		return;
	for (const struct conf *n = tokens->child; n != NULL && said < FEW;
	     n = n->next) {
		const struct conf *text = conf_get(n, "content"), *old;

		if (!conf_is_string(text) || !number(conf_get(n, "id"), &id) ||
		    (old = w->by_id[id]) == NULL ||
		    !is_word(text->text, text->len) ||
		    !is_word(old->key, old->key_len) ||
		    is_alike(old, text->text, text->len))
			continue;
		said++;
		check_find(f, FINDING_TOKENIZER_VOCABULARY, n->off,
		    "the added token '%.*s' is number %zu, the word '%.*s'",
		    (int)MIN(text->len, (size_t)60), text->text, id,
		    (int)MIN(old->key_len, (size_t)60), old->key);
	}
}

/* --- what is beside it --------------------------------------------------- */

struct difference {
	size_t same, other;
	const struct conf *first;
	size_t first_id;
};

/* Words that are in both, under numbers that both have. */
static void
compare(const struct words *w, const struct conf *beside, struct difference *d)
{
	struct arena a;
	struct map here;
	size_t id, at;

	arena_init(&a, (size_t)256 << 20);
	map_init(&here, &a);
	for (const struct conf *n = w->vocab->child; n != NULL; n = n->next) {
		const char *key = arena_strdup(&a, n->key, n->key_len);

		if (!number(n, &id))
			continue;
		if (key == NULL || map_put(&here, key, id) < 0)
			break;
	}
	for (const struct conf *n = beside->child; n != NULL; n = n->next) {
		if (!number(n, &id) ||
		    (at = map_get_n(&here, n->key, n->key_len)) == SIZE_MAX)
			continue;
		d->same += at == id;
		if (at == id || w->by_id[id] == NULL ||
		    !is_word(n->key, n->key_len))
			continue;
		if (d->other++ == 0) {
			d->first = n;
			d->first_id = at;
		}
	}
	arena_release(&a);
}

/* A vocabulary of another model, or an older one, differs everywhere; a few words
 * that have each other's numbers were exchanged. */
static void
beside(const struct check_file *f, const struct words *w)
{
	static const char name[] = "vocab.json";
	struct difference d = {0};
	struct conf_doc doc;
	struct file_map m;
	struct err ignored;
	int fd;

	if (f->sink->near == NULL || f->member != NULL || f->depth != 0 ||
	    strcmp(check_name_of(f), "tokenizer.json") != 0 ||
	    (fd = f->sink->near(f->sink->beside_ctx, 0, name)) < 0)
		return;
	if (file_map_fd(fd, name, BESIDE, &m, &ignored) == 0) {
		if (conf_json(rd_mem(m.ptr, m.len), &doc, &ignored) == 0 &&
		    conf_is_object(doc.root))
			compare(w, doc.root, &d);
		if (d.other != 0 && d.other <= d.same / 4)
			check_find(f, FINDING_TOKENIZER_VOCABULARY,
			    w->vocab->off,
			    "'%.*s' is number %zu here, another in vocab.json "
			    "beside it, with %zu of %zu words",
			    (int)MIN(d.first->key_len, (size_t)60),
			    d.first->key, d.first_id, d.other,
			    d.same + d.other);
		conf_release(&doc);
		file_unmap(&m);
	}
	close(fd);
}

void
check_config_words(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *model = conf_get(d->root, "model");
	struct words w = {.vocab = conf_get(model, "vocab")};
	struct arena a;

	if (!conf_is_object(w.vocab))
		return;
	arena_init(&a, IDS * sizeof(*w.by_id) + ((size_t)1 << 20));
	w.by_id = arena_alloc(&a, IDS, sizeof(*w.by_id));
	if (w.by_id == NULL)
		BUG("an arena for IDS");
	shared(f, &w);
	added(f, &w, conf_get(d->root, "added_tokens"));
	beside(f, &w);
	arena_release(&a);
}
