/* SPDX-License-Identifier: MIT
 * Scripts of pages.  That a page has some is usual, also in the outputs of a
 * notebook (plotly, bokeh, altair draw by them); what they do is judged: text
 * that is decoded and run, commands for the kernel of the notebook, the interface
 * of the server that shows it, what a browser keeps for its user and sends away,
 * objects of Windows that start programs.  And what runs as the page is shown
 * without being a script: handlers of elements that fail on purpose.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_page.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

#include <strings.h>

/* How far apart the words of one act may be, in characters. */
#define NEAR  300
#define SHOWN 160
/* Code within a line, in Markdown. */
#define SPAN_MAX 4096

struct text {
	const char *s;
	size_t len;
};

static const char *
find(struct text t, const char *word)
{
	return t.len != 0 ? memmem(t.s, t.len, word, strlen(word)) : NULL;
}

static bool
any(struct text t, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (find(t, words[i]) != NULL)
			return true;
	return false;
}

/* What is around p, so far before and behind. */
static struct text
around(struct text t, const char *p, size_t before, size_t behind)
{
	size_t at = (size_t)(p - t.s), from = at > before ? at - before : 0;
	size_t to = MIN(t.len, at + behind);

	return (struct text){t.s + from, to - from};
}

/* Any of the words, with any of the others near. */
static bool
together(struct text t, const char *const *words, size_t n,
    const char *const *others, size_t nothers, size_t before, size_t behind)
{
	for (size_t i = 0; i < n; i++) {
		struct text rest = t;
		const char *p;

		while ((p = find(rest, words[i])) != NULL) {
			if (any(around(t, p, before, behind), others, nothers))
				return true;
			rest.len -= (size_t)(p + 1 - rest.s);
			rest.s = p + 1;
		}
	}
	return false;
}

/* --- scripts ------------------------------------------------------------- */

/* "http://host/?" + document.cookie: within one expression. */
static bool
sends_secrets(struct text t)
{
	static const char *const kept[] = {
	    "document.cookie", "localStorage", "sessionStorage"};
	static const char *const sends[] = {"fetch(", "sendBeacon(",
	    "new Image", ".src", "XMLHttpRequest", ".open(", "WebSocket(",
	    "location=", "location =", "location.href", "$.get(", "$.post("};
	static const char *const to[] = {"://", "'//", "\"//", "`//"};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct text rest = t, before;
		const char *p, *cut;

		while ((p = find(rest, kept[i])) != NULL) {
			before = around(t, p, NEAR, 0);
			if ((cut = memrchr(before.s, '\n', before.len)) !=
			    NULL) {
				before.len -= (size_t)(cut - before.s);
				before.s = cut;
			}
			if (any(before, sends, ARRAY_LEN(sends)) &&
			    any(before, to, ARRAY_LEN(to)))
				return true;
			rest.len -= (size_t)(p + 1 - rest.s);
			rest.s = p + 1;
		}
	}
	return false;
}

/* Of a script; within a `page` no program of Node's either. */
static const char *
judge(struct text t, bool page)
{
	static const char *const decodes[] = {"eval(atob(", "eval(unescape(",
	    "eval(decodeURIComponent(", "eval(String.fromCharCode(",
	    "Function(atob(", "Function(unescape(", "setTimeout(atob(",
	    "document.write(atob(", "eval(window.atob(", "eval(fetch(",
	    "import(\"data:", "import('data:", ".then(eval)",
	    /* a program, a zip */
	    "atob('TVqQ", "atob(\"TVqQ", "atob('TVpQ", "atob(\"TVpQ",
	    "atob('f0VMR", "atob(\"f0VMR", "atob('UEsDB", "atob(\"UEsDB"};
	static const char *const kernel[] = {
	    "kernel.execute(", "kernel.requestExecute(", "requestExecute("};
	static const char *const execute[] = {".execute("};
	static const char *const python[] = {"os.system", "os.popen",
	    "subprocess", "__import__", "exec(", "eval(", "import os",
	    "import socket", "import urllib", "import requests", "'!", "\"!",
	    "`!", "get_ipython("};
	static const char *const server[] = {"/api/terminals", "/api/kernels",
	    "/api/contents", "/api/sessions", "terminals/websocket"};
	static const char *const asks[] = {"fetch(", "XMLHttpRequest",
	    "WebSocket(", "$.ajax(", "$.post(", "$.get(", "axios"};
	static const char *const windows[] = {"WScript.Shell", "Wscript.Shell",
	    "wscript.shell", "WSCRIPT.SHELL", "Shell.Application",
	    "shell.application"};
	static const char *const node[] = {
	    "require('child_process')", "require(\"child_process\")"};

	if (any(t, decodes, ARRAY_LEN(decodes)))
		return "runs what it decodes";
	if (together(t, kernel, ARRAY_LEN(kernel), python, ARRAY_LEN(python),
		NEAR, NEAR))
		return "has the notebook's kernel run a command";
	/* var k = Jupyter.notebook.kernel; k.execute(...) */
	if (find(t, "notebook.kernel") != NULL &&
	    together(t, execute, ARRAY_LEN(execute), python, ARRAY_LEN(python),
		0, NEAR))
		return "has the notebook's kernel run a command";
	if (together(t, server, ARRAY_LEN(server), asks, ARRAY_LEN(asks), NEAR,
		NEAR))
		return "reaches for the notebook's server";
	if (sends_secrets(t))
		return "sends away what the browser keeps";
	if (any(t, windows, ARRAY_LEN(windows)) ||
	    (page && any(t, node, ARRAY_LEN(node))))
		return "starts programs";
	return NULL;
}

void
check_page_script(
    const struct check_file *f, const char *s, size_t len, bool output)
{
	const char *what = judge((struct text){s, len}, output);

	if (what != NULL)
		check_find(
		    f, FINDING_PAGE_ACTIVE, ERR_NOWHERE, "a script %s", what);
}

/* --- attributes ---------------------------------------------------------- */

struct page {
	const struct check_file *f;
	struct text all;
	size_t at;
	struct text tag; /* its name */
	bool output;
	unsigned depth; /* of pages within attributes */
	bool told;
};

static void html(struct page *);

static void
tell(struct page *p, const char *what, struct text value)
{
	char shown[SHOWN];

	if (p->told)
		return;
	p->told = true;
	text_escape(value.s, MIN(value.len, 60), shown, sizeof(shown));
	check_find(
	    p->f, FINDING_PAGE_ACTIVE, ERR_NOWHERE, "%s, '%s'", what, shown);
}

static bool
is(struct text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.s, word, t.len) == 0;
}

static bool
among(struct text t, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is(t, list[i]))
			return true;
	return false;
}

static struct text
trimmed(struct text t)
{
	while (t.len != 0 && (uint8_t)*t.s <= ' ') {
		t.s++;
		t.len--;
	}
	return t;
}

static bool
begins(struct text t, const char *word)
{
	t = trimmed(t);
	return t.len >= strlen(word) &&
	       strncasecmp(t.s, word, strlen(word)) == 0;
}

/* The text of an attribute: "&lt;" and its like are characters (HTML, 13.2.5.72:
 * the few that code needs). */
static struct text
unescaped(struct text t, struct arena *a)
{
	static const struct {
		const char *name;
		char c;
	} entity[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
	    {"&#34;", '"'}, {"&#39;", '\''}, {"&#x27;", '\''}, {"&apos;", '\''},
	    {"&amp;", '&'}, {"&lpar;", '('}, {"&rpar;", ')'}, {"&#40;", '('},
	    {"&#41;", ')'}, {"&colon;", ':'}, {"&#58;", ':'}, {"&Tab;", ' '},
	    {"&NewLine;", ' '}, {"&#10;", ' '}};
	char *out = arena_alloc(a, t.len + 1, 1);
	size_t n = 0;

	for (size_t i = 0; out != NULL && i < t.len;) {
		size_t k = 0;

		while (t.s[i] == '&' && k < ARRAY_LEN(entity) &&
		       !(t.len - i >= strlen(entity[k].name) &&
			   memcmp(t.s + i, entity[k].name,
			       strlen(entity[k].name)) == 0))
			k++;
		if (t.s[i] == '&' && k < ARRAY_LEN(entity)) {
			out[n++] = entity[k].c;
			i += strlen(entity[k].name);
		} else {
			out[n++] = t.s[i++];
		}
	}
	return out != NULL ? (struct text){out, n} : t;
}

/* What is done to the element itself, and answers without a deed. */
static bool
is_own(struct text t)
{
	static const char *const own[] = {
	    "this.", "return", "void", "false", "true", "event.", "null"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (begins(t, own[i]))
			return true;
	return trimmed(t).len == 0 || memchr(t.s, '(', t.len) == NULL;
}

/* onerror and its like, of elements that nobody has to touch for it. */
static void
handler(struct page *p, struct text name, struct text value)
{
	static const char *const always[] = {"onerror", "onbegin", "ontoggle",
	    "onanimationstart", "onanimationend", "ontransitionend",
	    "onloadstart", "onstart", "onpageshow"};
	static const char *const shown[] = {"onload", "onfocus"};
	static const char *const elements[] = {"img", "svg", "iframe", "video",
	    "audio", "source", "details", "input", "select", "textarea",
	    "marquee", "object", "embed", "animate", "set", "image", "style",
	    "link", "math"};
	const char *what = judge(value, true);

	if (what != NULL)
		tell(p, what, value);
	else if (among(p->tag, elements, ARRAY_LEN(elements)) &&
		 (among(name, always, ARRAY_LEN(always)) ||
		     (p->output && among(name, shown, ARRAY_LEN(shown)))) &&
		 !is_own(value))
		tell(p, "a handler runs as the page is shown", value);
}

/* javascript: where the browser goes by itself. */
static void
address(struct page *p, struct text value)
{
	static const char *const goes[] = {
	    "iframe", "embed", "object", "frame"};
	const char *what;

	value = trimmed(value);
	if (!begins(value, "javascript:"))
		return;
	value.s += 11;
	value.len -= 11;
	if ((what = judge(value, true)) != NULL)
		tell(p, what, value);
	else if (among(p->tag, goes, ARRAY_LEN(goes)) && !is_own(value))
		tell(p, "a script runs as the page is shown", value);
}

/* <meta http-equiv=refresh content="0; url=data:...">: where it goes by itself. */
static void
refresh(struct page *p, struct text value)
{
	static const char *const to[] = {
	    "url=data:", "url=javascript:", "URL=data:", "URL=javascript:"};

	if (any(value, to, ARRAY_LEN(to)))
		tell(p, "the page goes on to a script", value);
}

static void
attribute(struct page *p, struct text name, struct text value)
{
	static const char *const urls[] = {
	    "href", "src", "data", "action", "formaction", "xlink:href"};
	struct arena a;

	if (value.len == 0)
		return;
	arena_init(&a, 2 * value.len + 64);
	if (name.len > 2 && begins(name, "on"))
		handler(p, name, unescaped(value, &a));
	else if (among(name, urls, ARRAY_LEN(urls)))
		address(p, unescaped(value, &a));
	else if (is(name, "content") && is(p->tag, "meta"))
		refresh(p, unescaped(value, &a));
	else if (is(name, "srcdoc") && p->depth == 0) {
		struct page in = {.f = p->f,
		    .all = unescaped(value, &a),
		    .output = p->output,
		    .depth = 1,
		    .told = p->told};

		html(&in);
		p->told = in.told;
	}
	arena_release(&a);
}

/* --- tags ---------------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
	       c == '/';
}

static struct text
from(const struct page *p, size_t at)
{
	return (struct text){p->all.s + at, p->at - at};
}

/* name, name=value, name="value"; false: the tag ends. */
static bool
next_attribute(struct page *p)
{
	const char *s = p->all.s;
	size_t end = p->all.len, at;
	struct text name, value = {"", 0};

	while (p->at < end && is_blank(s[p->at]))
		p->at++;
	if (p->at >= end || s[p->at] == '>')
		return false;
	for (at = p->at++; p->at < end && !is_blank(s[p->at]) &&
			   s[p->at] != '=' && s[p->at] != '>';)
		p->at++;
	name = from(p, at);
	while (p->at < end && is_blank(s[p->at]) && s[p->at] != '/')
		p->at++;
	if (p->at < end && s[p->at] == '=') {
		for (p->at++;
		     p->at < end && is_blank(s[p->at]) && s[p->at] != '/';)
			p->at++;
		if (p->at < end && (s[p->at] == '"' || s[p->at] == '\'')) {
			const char *q =
			    memchr(s + p->at + 1, s[p->at], end - p->at - 1);

			at = p->at + 1;
			p->at = q != NULL ? (size_t)(q - s) : end;
			value = from(p, at);
			p->at += q != NULL;
		} else {
			for (at = p->at;
			     p->at < end && s[p->at] != '>' &&
			     (!is_blank(s[p->at]) || s[p->at] == '/');)
				p->at++;
			value = from(p, at);
		}
	}
	attribute(p, name, value);
	return true;
}

/* Behind <script ...>, up to its end. */
static void
content(struct page *p)
{
	size_t at = p->at;
	const char *what;

	while (p->at < p->all.len &&
	       !(p->all.s[p->at] == '<' && p->all.len - p->at >= 8 &&
		   strncasecmp(p->all.s + p->at, "</script", 8) == 0))
		p->at++;
	if ((what = judge(from(p, at), true)) != NULL)
		tell(p, what, trimmed(from(p, at)));
}

static void
html(struct page *p)
{
	const char *s = p->all.s, *next;

	while (p->at < p->all.len &&
	       (next = memchr(s + p->at, '<', p->all.len - p->at)) != NULL) {
		size_t at = (size_t)(next - s) + 1;

		p->at = at;
		if (at >= p->all.len || (s[at] | 32) < 'a' ||
		    (s[at] | 32) > 'z')
			continue;
		while (p->at < p->all.len && !is_blank(s[p->at]) &&
		       s[p->at] != '>')
			p->at++;
		p->tag = from(p, at);
		while (next_attribute(p))
			continue;
		if (is(p->tag, "script"))
			content(p);
	}
}

void
check_page_html(
    const struct check_file *f, const char *s, size_t len, bool output)
{
	struct page p = {.f = f, .all = {s, len}, .output = output};

	html(&p);
}

/* --- files --------------------------------------------------------------- */

static bool
named(const struct check_file *f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_ends_with(check_name_of(f), names[i]))
			return true;
	return false;
}

static bool
is_page(const struct check_file *f)
{
	static const char *const names[] = {".html", ".htm", ".xhtml", ".hta"};
	struct text t = {(const char *)f->bytes.base, f->bytes.len};

	return named(f, names, ARRAY_LEN(names)) ||
	       begins(t, "<!doctype html") || begins(t, "<html");
}

/* Before i its line has nothing but what lists and quotations begin with. */
static bool
begins_line(struct text t, size_t i)
{
	while (i > 0 && t.s[i - 1] != '\n')
		if (strchr(" \t>-*+.0123456789", t.s[--i]) == NULL)
			return false;
	return true;
}

/*
 * Behind what the backquotes or tildes at i quote (CommonMark 0.31, 4.5 and 6.1).
 * Three and more that begin a line quote up to as many, or to the end; others up
 * to as many in the same paragraph, and without those are only characters.
 */
static size_t
quoted(struct text t, size_t i)
{
	char c = t.s[i];
	size_t n = 0, run = 0, end;
	bool fence;

	while (i + n < t.len && t.s[i + n] == c)
		n++;
	fence = n >= 3 && begins_line(t, i);
	end = fence ? t.len : MIN(t.len, i + n + SPAN_MAX);
	if (!fence && c == '~')
		return i + n;
	for (size_t k = i + n; k < end; k++) {
		run = t.s[k] == c ? run + 1 : 0;
		if (run == n && (k + 1 == t.len || t.s[k + 1] != c))
			return k + 1;
		if (!fence && t.s[k] == '\n' && k + 1 < t.len &&
		    t.s[k + 1] == '\n')
			break;
	}
	return fence ? t.len : i + n;
}

/* Markdown: HTML in it is shown as it is by viewers that take nothing out; what
 * is quoted as code is only shown. */
static void
markdown(const struct check_file *f)
{
	struct text t = {(const char *)f->bytes.base, f->bytes.len};
	struct arena a;
	char *copy;

	arena_init(&a, t.len + 64);
	if ((copy = arena_alloc(&a, t.len, 1)) != NULL) {
		memcpy(copy, t.s, t.len);
		for (size_t i = 0; i < t.len;) {
			size_t to =
			    t.s[i] == '`' || t.s[i] == '~' ? quoted(t, i) : i;

			memset(copy + i, ' ', to - i);
			i = MAX(to, i + 1);
		}
		check_page_html(f, copy, t.len, true);
	}
	arena_release(&a);
}

void
check_page(const struct check_file *f)
{
	static const char *const texts[] = {".md", ".markdown"};
	static const char *const scripts[] = {".js", ".mjs", ".cjs"};
	const char *s = (const char *)f->bytes.base;

	if (!check_is(f, "text") || f->bytes.len == 0 ||
	    f->bytes.len > LIMIT_INSPECT_SOURCE)
		return;
	if (named(f, scripts, ARRAY_LEN(scripts)))
		check_page_script(f, s, f->bytes.len, false);
	if (named(f, texts, ARRAY_LEN(texts)))
		markdown(f);
	if (!is_page(f))
		return;
	/* mshta runs it with all that its user may do */
	if (text_ends_with(check_name_of(f), ".hta"))
		check_find(f, FINDING_FILE_EXECUTABLE, ERR_NOWHERE,
		    "an application of HTML, which Windows runs");
	check_page_html(f, s, f->bytes.len, false);
}
