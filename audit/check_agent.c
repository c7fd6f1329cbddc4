/* SPDX-License-Identifier: MIT
 * Orders to assistants: a paragraph (with the one behind it) that has a machine do
 * what works against whoever runs it.  Files for coding agents speak to them anyway,
 * templates to the model; other texts have to address one, and what no page
 * shows (comments of HTML, metadata) has no honest cause to.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_agent.h"

#include "audit/check_agent_order.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

#include <ctype.h>

#define FEW       4    /* findings of one text */
#define SHOWN     120  /* bytes of what was found */
#define PARAGRAPH 4000 /* no person writes a longer one */
#define COMMENTS  1000 /* beyond these they count as what is shown */

struct talk {
	const struct check_file *f;
	uint64_t off;
	const char *s; /* as it is written, */
	char *small;   /* and in small letters, each blank a space */
	size_t len;
	bool lesson;
	size_t said;
};

/* --- what is not honest -------------------------------------------------- */

/* What one of them does only against its user, whoever reads it. */
static const char *
worst(unsigned is)
{
	if ((is & AGENT_SEND) != 0)
		return "to send secrets away";
	if ((is & AGENT_RUN) != 0 && (is & (AGENT_HIDE | AGENT_UNASKED)) != 0)
		return "to run what is fetched, unseen";
	if ((is & AGENT_SOFT) != 0 && (is & AGENT_HIDE) != 0)
		return "to send on what is said, unseen";
	if ((is & AGENT_OVERRIDE) != 0 &&
	    (is & (AGENT_HIDE | AGENT_UNASKED | AGENT_RUN | AGENT_SOFT)) != 0)
		return "to set its instructions aside";
	return NULL;
}

/* What is said where only a machine looks, to one. */
static const char *
unseen(unsigned is)
{
	if ((is & AGENT_OVERRIDE) != 0)
		return "to set its instructions aside";
	if ((is & AGENT_ANSWER) != 0 && (is & AGENT_SPOKEN) != 0)
		return "what to think of the bundle";
	if ((is & AGENT_RUN) != 0)
		return "to run what is fetched";
	if ((is & AGENT_SOFT) != 0)
		return "to send on what is said";
	return NULL;
}

static const char *
judge(unsigned is, enum check_agent_role role, bool lesson)
{
	static const unsigned both = AGENT_VERDICT | AGENT_ANSWER,
			      call = AGENT_HIDE | AGENT_FETCH;
	const char *what = worst(is);
	bool spoken =
	    (is & (role == AGENT_PROSE ? AGENT_SPOKEN : AGENT_NAMED)) != 0;

	if (role == AGENT_FILE)
		return what;
	if (what == NULL && (is & call) == call)
		what = "to call an address, unseen";
	if (role == AGENT_TEMPLATE)
		return what;
	/* what a detector of attacks says that it detects */
	if (what == NULL && role == AGENT_HIDDEN && !lesson)
		what = unseen(is);
	if (what == NULL && (is & both) == both)
		what = "what to think of the bundle";
	if (what == NULL && (is & AGENT_OVERRIDE) != 0 && (is & both) != 0)
		what = "to set its instructions aside";
	return spoken ? what : NULL;
}

/* --- where it stands ----------------------------------------------------- */

static bool
look(struct talk *t, enum check_agent_role role, size_t from, size_t to)
{
	const char *what;
	char shown[4 * SHOWN];

	to = MIN(to, from + PARAGRAPH);
	what = judge(check_agent_order(t->small + from, to - from, t->lesson,
			 role == AGENT_PROSE || role == AGENT_HIDDEN),
	    role, t->lesson);
	if (what == NULL || t->said == FEW)
		return false;
	t->said++;
	while (from < to && isspace((unsigned char)t->s[from]))
		from++;
	text_escape(t->s + from, MIN(to - from, SHOWN), shown, sizeof(shown));
	check_find(t->f,
	    t->lesson && role == AGENT_PROSE ? FINDING_AGENT_PROSE
					     : FINDING_AGENT_ORDER,
	    t->off != ERR_NOWHERE ? t->off + from : ERR_NOWHERE, "%s, in '%s'",
	    what, shown);
	return true;
}

/* Behind the blank line that ends the paragraph at `at`. */
static size_t
paragraph(const struct talk *t, size_t at)
{
	size_t from = at;

	while (at < t->len && at - from < PARAGRAPH) {
		size_t lines = 0;

		for (; at < t->len && isspace((unsigned char)t->s[at]); at++)
			lines += t->s[at] == '\n';
		if (lines > 1)
			return at;
		while (at < t->len && !isspace((unsigned char)t->s[at]))
			at++;
	}
	return at;
}

/* An element that draws nothing, a definition that Markdown leaves out. */
static bool
is_hidden(const struct talk *t, size_t from, size_t to)
{
	static const char *const marks[] = {"display:none", "display: none",
	    "font-size:0", "font-size: 0", "visibility:hidden",
	    "visibility: hidden", "[//]: #", "[comment]: #", "[comment]: <>"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (memmem(t->small + from, to - from, marks[i],
			strlen(marks[i])) != NULL)
			return true;
	return false;
}

/* Each paragraph and the one behind it. */
static void
paragraphs(struct talk *t, enum check_agent_role role)
{
	size_t from = 0, next = paragraph(t, 0);

	while (from < t->len) {
		size_t last = next < t->len ? paragraph(t, next) : next;
		enum check_agent_role as =
		    role == AGENT_PROSE && is_hidden(t, from, next)
			? AGENT_HIDDEN
			: role;

		if (look(t, as, from, last)) {
			next = last;
			last = next < t->len ? paragraph(t, next) : next;
		}
		from = next;
		next = last;
	}
}

/* An odd number of fences stands before: it is shown, as an example of code. */
static bool
is_fenced(const struct talk *t, const char *at)
{
	const char *p = t->small;
	bool in = false;

	while (p < at && (p = memmem(p, (size_t)(at - p), "```", 3)) != NULL) {
		in = !in;
		p += 3;
	}
	return in;
}

/* Comments of HTML, each by itself; what is around them is left. */
static void
comments(struct talk *t)
{
	static const char open[] = "<!--", close[] = "-->";
	char *p = t->small, *last = t->small + t->len, *end;
	size_t n = 0;

	while (p < last && (p = memmem(p, (size_t)(last - p), open,
				sizeof(open) - 1)) != NULL) {
		end = memmem(p, (size_t)(last - p), close, sizeof(close) - 1);
		end = end != NULL ? end + sizeof(close) - 1 : last;
		if (n < COMMENTS && !is_fenced(t, p)) {
			(void)look(t, AGENT_HIDDEN, (size_t)(p - t->small),
			    (size_t)(end - t->small));
			memset(p, ' ', (size_t)(end - p));
			n++;
		}
		p = end;
	}
}

/* Most texts have none of the words without which nothing is found. */
static bool
is_worth_it(const struct talk *t)
{
	static const char *const words[] = {"://", "ignore", "disregard",
	    "instructions", "report", "answer", "respond", "webhook", "curl",
	    "powershell", "base64"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (memmem(t->small, t->len, words[i], strlen(words[i])) !=
		    NULL)
			return true;
	return false;
}

void
check_agent_text(const struct check_file *f, enum check_agent_role role,
    const char *s, size_t len, uint64_t off)
{
	struct talk t = {.f = f, .off = off, .s = s, .len = len};
	struct arena a;

	if (len < 24 || len > LIMIT_INSPECT_SOURCE)
		return;
	arena_init(&a, LIMIT_TEMPLATE_ARENA);
	t.small = arena_alloc(&a, len, 1);
	if (t.small == NULL)
		BUG("an arena for LIMIT_INSPECT_SOURCE");
	for (size_t i = 0; i < len; i++)
		t.small[i] = isspace((unsigned char)s[i])
				 ? ' '
				 : (char)tolower((unsigned char)s[i]);
	if (is_worth_it(&t)) {
		t.lesson = check_agent_order_is_lesson(t.small, len);
		if (role == AGENT_PROSE || role == AGENT_FILE)
			comments(&t);
		paragraphs(&t, role);
	}
	arena_release(&a);
}

/* --- files --------------------------------------------------------------- */

/* What coding agents read by themselves, by their documentation. */
static bool
is_for_agents(const struct check_file *f)
{
	static const char *const names[] = {"CLAUDE.md", "CLAUDE.local.md",
	    "AGENTS.md", "AGENT.md", "AGENTS.override.md", "GEMINI.md",
	    "QWEN.md", "CRUSH.md", "WARP.md", "SKILL.md", "CONVENTIONS.md",
	    ".cursorrules", ".windsurfrules", ".clinerules", ".roorules",
	    ".goosehints", ".rules", ".aider.conf.yml",
	    "copilot-instructions.md", "llms.txt", "llms-full.txt"};
	static const char *const ends[] = {
	    ".mdc", ".instructions.md", ".prompt.md", ".chatmode.md"};
	static const char *const places[] = {"/.claude/", "/.cursor/",
	    "/.windsurf/", "/.clinerules/", "/.roo/", "/.junie/", "/.gemini/",
	    "/.codex/", "/.amazonq/", "/.kiro/", "/.continue/"};
	const char *name = check_name_of(f);
	const char *path = f->member != NULL ? f->member : f->path;

	if (text_is_one_of(name, names, ARRAY_LEN(names)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (text_ends_with(name, ends[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (text_ends_with(name, ".md") &&
		    (strstr(path, places[i]) != NULL ||
			strncmp(path, places[i] + 1, strlen(places[i]) - 1) ==
			    0))
			return true;
	return false;
}

static bool
is_prose(const char *name)
{
	static const char *const ends[] = {".md", ".markdown", ".mdx", ".rst",
	    ".txt", ".adoc", ".org", ".html", ".htm"};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (text_ends_with(name, ends[i]))
			return true;
	return text_begins_with(name, strlen(name), "README");
}

void
check_agent(const struct check_file *f)
{
	bool agents = is_for_agents(f);

	if (!check_is(f, "text") || (!agents && !is_prose(check_name_of(f))))
		return;
	check_agent_text(f, agents ? AGENT_FILE : AGENT_PROSE,
	    (const char *)f->bytes.base, f->bytes.len, 0);
}
