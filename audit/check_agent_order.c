/* SPDX-License-Identifier: MIT
 * Chains of words: one of a list, and not far behind it one of the next.  A single
 * one of them is in honest files for agents too ("run the tests without asking",
 * "never commit .env"); audit/check_agent.c says which together are not.
 * Sources: OWASP LLM01:2025; Greshake et al., "Not what you've signed up for"
 * (AISec 2023); the files for agents that were planted in repositories in
 * 2025 ("Rules File Backdoor" of Pillar Security, s1ngularity of Nx).
 */
#include "audit/check_agent_order.h"

#include "audit/check_agent_words.h"
#include "audit/check_shell.h"

#include <ctype.h>
#include <string.h>

#define COMMANDS 16  /* of one paragraph that are judged, */
#define COMMAND  400 /* as long as one is */

struct span {
	const char *s;
	size_t len;
	bool lesson; /* of a text about attacks: what is quoted is an example */
};

/* What follows begins at most `gap` bytes behind the end of what was before. */
struct link {
	const char *const *words; /* NULL behind the last */
	size_t gap;
};

static bool
is_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The length of the word of the list that stands at i, or 0.  One that begins or
 * ends in a letter has none beside it there; "*" at its end: any may follow. */
static size_t
word_at(const struct span *t, size_t i, const char *const *words)
{
	for (; *words != NULL; words++) {
		size_t n = strlen(*words);
		bool open = (*words)[n - 1] == '*';

		n -= open;
		if (t->s[i] != **words || t->len - i < n ||
		    memcmp(t->s + i, *words, n) != 0)
			continue;
		if (i > 0 && is_letter(**words) && is_letter(t->s[i - 1]))
			continue;
		if (open || i + n == t->len || !is_letter((*words)[n - 1]) ||
		    !is_letter(t->s[i + n]))
			return n;
	}
	return 0;
}

/* Letters that one of them begins with. */
static void
first_letters(const char *const *words, bool first[256])
{
	memset(first, 0, 256 * sizeof(first[0]));
	for (; *words != NULL; words++)
		first[(unsigned char)**words] = true;
}

/* From `from` on, begun before `to`; *end: behind the word. */
static bool
word_in(const struct span *t, size_t from, size_t to, const char *const *words,
    size_t *at, size_t *end)
{
	bool first[256];

	first_letters(words, first);
	for (size_t i = from; i < MIN(to, t->len); i++) {
		size_t n;

		if (!first[(unsigned char)t->s[i]] ||
		    (i > 0 && is_letter(t->s[i]) && is_letter(t->s[i - 1])) ||
		    (n = word_at(t, i, words)) == 0)
			continue;
		*at = i;
		*end = i + n;
		return true;
	}
	return false;
}

static bool
has(const struct span *t, const char *const *words)
{
	size_t at, end;

	return word_in(t, 0, t->len, words, &at, &end);
}

/* The links behind one that ends at `end`. */
static bool
follows(const struct span *t, size_t end, const struct link *l, size_t n)
{
	size_t at;

	for (size_t k = 0; k < n; k++)
		if (!word_in(t, end, end + l[k].gap + 1, l[k].words, &at, &end))
			return false;
	return true;
}

static bool
chain(const struct span *t, const struct link *l, size_t n)
{
	size_t at, end, from = 0;

	for (; word_in(t, from, t->len, l[0].words, &at, &end); from = at + 1)
		if (follows(t, end, l + 1, n - 1))
			return true;
	return false;
}

/* Between the beginning of its sentence and `at` something forbids it. */
static bool
is_forbidden(const struct span *t, size_t at)
{
	struct span before;
	size_t from = at;

	while (from > 0 && strchr(".!?;:", t->s[from - 1]) == NULL)
		from--;
	before = (struct span){t->s + from, at - from, t->lesson};
	return has(&before, agent_not) && !has(&before, agent_forget);
}

/* A quotation begins there. */
static bool
is_quoted(const struct span *t, size_t at)
{
	return at > 0 && strchr("\"'`", t->s[at - 1]) != NULL;
}

/* --- one order each ------------------------------------------------------ */

static bool
overrides(const struct span *t)
{
	static const struct link l[] = {
	    {agent_ignore, 0}, {agent_former, 24}, {agent_instructions, 24}};
	size_t at, end, from = 0;

	/* what is quoted is an example */
	for (; word_in(t, from, t->len, l[0].words, &at, &end); from = at + 1)
		if (!is_quoted(t, at) && !is_forbidden(t, at) &&
		    follows(t, end, l + 1, 2))
			return true;
	return false;
}

/* "the user to run it", and not "this to the user" */
static bool
is_task(const struct span *t, size_t end)
{
	size_t at, to, behind;

	return word_in(t, end, end + 3, agent_to, &at, &to) &&
	       !word_in(t, to, to + 2, agent_user, &at, &behind);
}

/* "Do not tell the user": but "do not tell the user to do it, do it" is an order to
 * work. */
static bool
hides(const struct span *t)
{
	static const struct link secret[] = {
	    {agent_secret, 0}, {agent_away, 24}};
	size_t at, end, from = 0, told, behind;

	for (; word_in(t, from, t->len, agent_not, &at, &end); from = at + 1) {
		if (word_in(t, end, end + 8, agent_told, &told, &behind))
			return true;
		if (word_in(t, end, end + 16, agent_tell, &told, &behind) &&
		    word_in(
			t, behind, behind + 32, agent_user, &told, &behind) &&
		    !is_task(t, behind))
			return true;
	}
	return chain(t, secret, ARRAY_LEN(secret));
}

static bool
is_unasked(const struct span *t)
{
	static const struct link without[] = {
	    {agent_without, 0}, {agent_asking, 24}};
	static const struct link off[] = {
	    {agent_disable, 0}, {agent_confirmation, 32}};

	return has(t, agent_flags) || has(t, agent_quietly) ||
	       chain(t, without, ARRAY_LEN(without)) ||
	       chain(t, off, ARRAY_LEN(off));
}

/* A place begins within (from, to) that is not the machine itself. */
static bool
goes_out(const struct span *t, size_t from, size_t to)
{
	size_t at, end, here, behind;

	for (; word_in(t, from, to, agent_place, &at, &end); from = at + 1)
		if (!word_in(t, end, end + 1, agent_local, &here, &behind))
			return true;
	return false;
}

/* The next of the goods, ".env" and not ".env.example". */
static bool
takes(const struct span *t, size_t from, size_t to, const char *const *goods,
    size_t *end)
{
	size_t at, sample, behind;

	return word_in(t, from, to, goods, &at, end) &&
	       !word_in(t, *end, *end + 1, agent_sample, &sample, &behind);
}

/* "Send .env to http://...", "post to http://... the content of .env" */
static bool
sends_what(const struct span *t, const char *const *goods)
{
	size_t at, end, from = 0, to, on, behind;

	for (; word_in(t, from, t->len, agent_send, &at, &end); from = at + 1) {
		if (is_forbidden(t, at) || (t->lesson && is_quoted(t, at)))
			continue;
		if (takes(t, end, end + 120, goods, &to) &&
		    word_in(t, to, to + 80, agent_onto, &on, &behind) &&
		    goes_out(t, behind, behind + 40))
			return true;
		if (word_in(t, end, end + 16, agent_onto, &on, &behind) &&
		    goes_out(t, behind, behind + 24) &&
		    takes(t, behind, behind + 160, goods, &to))
			return true;
	}
	return false;
}

static bool
sends(const struct span *t)
{
	static const struct link l[] = {{agent_curl, 0}, {agent_handed, 160}};

	return sends_what(t, agent_goods) ||
	       (chain(t, l, ARRAY_LEN(l)) && goes_out(t, 0, t->len));
}

static bool
sends_words(const struct span *t)
{
	return sends_what(t, agent_soft);
}

/* An address that is fetched from is called at once: "call http_get with url
 * http://..." */
static bool
fetches(const struct span *t)
{
	size_t at, end, from = 0;

	for (; word_in(t, from, t->len, agent_call, &at, &end); from = at + 1)
		if (!is_forbidden(t, at) && goes_out(t, end, end + 64))
			return true;
	return false;
}

/* Signs without which a shell does nothing that is looked for. */
static bool
may_harm(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("|>$<;&(", s[i]) != NULL ||
		    (s[i] == '-' && i + 1 < len && s[i + 1] == 'e'))
			return true;
	return false;
}

/* A command that does what malware does, up to the quote that closes it. */
static bool
runs(const struct span *t)
{
	size_t at, end, from = 0, n = 0, where;

	while (n < COMMANDS &&
	       word_in(t, from, t->len, agent_commands, &at, &end)) {
		while (end < t->len && end - at < COMMAND && t->s[end] != '`')
			end++;
		from = end;
		if (!may_harm(t->s + at, end - at))
			continue;
		n++;
		if (check_shell_judge(t->s + at, end - at, &where) != NULL &&
		    !is_forbidden(t, at))
			return true;
	}
	return false;
}

static bool
excuses(const struct span *t)
{
	static const struct link quiet[] = {
	    {agent_not, 0}, {agent_report, 16}, {agent_findings, 40}};
	static const struct link ignore[] = {
	    {agent_ignore, 0}, {agent_findings, 40}};

	return chain(t, quiet, ARRAY_LEN(quiet)) ||
	       chain(t, ignore, ARRAY_LEN(ignore));
}

/* Answer "safe"; who is asked for one of two words is asked for a judgement. */
static bool
answers(const struct span *t)
{
	static const struct link l[] = {{agent_answer, 0}, {agent_safe, 40}};

	return !has(t, agent_unsafe) && chain(t, l, ARRAY_LEN(l));
}

/* "AI agents: ...", "note to AI assistants", "if you are a language model" */
static bool
speaks(const struct span *t)
{
	size_t at, end, from = 0, to, behind;
	static const struct link l[] = {{agent_hey, 0}, {agent_names, 24}};

	for (; word_in(t, from, t->len, agent_names, &at, &end); from = at + 1)
		if (word_in(t, end, end + 3, agent_must, &to, &behind))
			return true;
	return chain(t, l, ARRAY_LEN(l));
}

unsigned
check_agent_order(const char *s, size_t len, bool lesson, bool named)
{
	static const struct {
		bool (*is)(const struct span *);
		unsigned bit;
	} orders[] = {{speaks, AGENT_SPOKEN}, {overrides, AGENT_OVERRIDE},
	    {hides, AGENT_HIDE}, {is_unasked, AGENT_UNASKED},
	    {sends, AGENT_SEND}, {runs, AGENT_RUN}, {fetches, AGENT_FETCH},
	    {excuses, AGENT_VERDICT}, {answers, AGENT_ANSWER},
	    {sends_words, AGENT_SOFT}};
	const struct span t = {s, len, lesson};
	unsigned is = has(&t, agent_names) ? AGENT_NAMED : 0;

	/* nobody is spoken to */
	if (is == 0 && named)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		is |= orders[i].is(&t) ? orders[i].bit : 0;
	return is;
}

bool
check_agent_order_is_lesson(const char *s, size_t len)
{
	const struct span t = {s, len, false};

	return has(&t, agent_lesson);
}
