/* SPDX-License-Identifier: MIT
 * XML (PMML, OpenVINO, SVG): declarations that make a parser fetch or expand,
 * and elements that are code for whoever shows or evaluates the file.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check.h"

#include "audit/check_java.h"
#include "audit/check_path.h"
#include "audit/check_xml_form.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/xml_text.h"

#include <strings.h>

#define SHOWN 256
#define ATTRS 32 /* of an element, that are compared */

struct walk {
	const struct check_file *f;
	struct arena arena;
	struct slice *open; /* names of the elements that are open */
	size_t depth, cap;
	size_t roots;
	struct slice element; /* that is open, by its local name */
	bool pmml, svg, page; /* page: its scripts are check_page.c's */
	size_t entities, odd;
	bool encoded;  /* in something else than UTF-8, by its own word */
	bool declared; /* a DOCTYPE was seen */
	/* what a parser refuses that was read here, the first of it */
	const char *refused;
	struct slice of;
	uint64_t at;
	char first;               /* byte of all */
	struct slice attr[ATTRS]; /* names of the element's so far */
	size_t nattr;
};

static void
refuse(struct walk *w, const struct xml_token *t, const char *why)
{
	if (w->refused != NULL)
		return;
	w->refused = why;
	w->of = t->value;
	w->at = t->off;
}

static void
find(const struct walk *w, enum finding_id id, const struct xml_token *t,
    const char *what, struct slice s)
{
	char shown[SHOWN];

	text_escape((const char *)s.ptr, MIN(s.len, 120), shown, sizeof(shown));
	check_find(w->f, id, t->off, "%s '%s'", what, shown);
}

static bool
has(struct slice s, const char *word)
{
	return s.len != 0 && memmem(s.ptr, s.len, word, strlen(word)) != NULL;
}

static bool
starts(struct slice s, const char *word)
{
	while (s.len != 0 && (*s.ptr <= ' ')) {
		s.ptr++;
		s.len--;
	}
	return s.len >= strlen(word) &&
	       strncasecmp((const char *)s.ptr, word, strlen(word)) == 0;
}

/* Behind the last colon. */
static struct slice
local(struct slice name)
{
	const uint8_t *p =
	    name.len != 0 ? memrchr(name.ptr, ':', name.len) : NULL;

	if (p != NULL) {
		name.len -= (size_t)(p + 1 - name.ptr);
		name.ptr = p + 1;
	}
	return name;
}

/* Internal entities that are plain text are what drawing programs write. */
static void
entity(struct walk *w, const struct xml_token *t)
{
	w->entities++;
	if (t->external)
		find(w, FINDING_XML_EXTERNAL, t, "entity from", t->value);
	else if (t->parameter || has(t->value, "&") || has(t->value, "%") ||
		 has(t->value, "<"))
		find(w, FINDING_XML_ENTITY, t, "entity", t->name);
	else if (w->entities == 1)
		find(w, FINDING_XML_DOCTYPE, t, "entity", t->name);
}

/* Of a document with a public name, or a type that lies beside it, parsers have
 * it in their catalogue or do without; models have neither. */
static void
doctype(const struct walk *w, const struct xml_token *t)
{
	bool w3 = starts(t->value, "http://www.w3.org/");
	bool away = has(t->value, "://") || has(t->value, "..") ||
		    starts(t->value, "/") || starts(t->value, "\\");
	bool model =
	    xml_text_is(t->name, "PMML") || xml_text_is(t->name, "net");

	if (t->external && !w3 && (model || (away && !t->named)))
		find(w, FINDING_XML_EXTERNAL, t, "DOCTYPE from", t->value);
	else
		find(w, FINDING_XML_DOCTYPE, t, "DOCTYPE", t->name);
}

static void
instruction(struct walk *w, const struct xml_token *t)
{
	static const char *const usual[] = {"utf-8", "UTF-8", "utf8",
	    "US-ASCII", "us-ascii", "ascii", "ASCII", "iso-8859-", "ISO-8859-",
	    "windows-125", "Windows-125", "UTF-16", "utf-16", "Shift_JIS",
	    "GB2312", "gb2312", "GBK", "EUC-", "Big5"};

	if (xml_text_is(t->name, "xml-stylesheet") &&
	    (has(t->value, "://") || has(t->value, "data:")))
		find(w, FINDING_XML_CODE, t, "style sheet", t->value);
	if (xml_text_is(t->name, "xml") && w->first != '<' && w->first > 0 &&
	    w->first <= ' ')
		refuse(w, t, "a declaration that is not at the beginning");
	if (!xml_text_is(t->name, "xml") || !has(t->value, "encoding"))
		return;
	w->encoded = !has(t->value, "utf-8") && !has(t->value, "UTF-8") &&
		     !has(t->value, "utf8") && !has(t->value, "UTF8");
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (has(t->value, usual[i]))
			return;
	find(w, FINDING_XML_ENTITY, t, "encoding", t->value);
}

/* XStream and XMLDecoder make objects of classes that elements and attributes name. */
static void
java(const struct walk *w, const struct xml_token *t, struct slice s)
{
	if (check_java_acts((const char *)s.ptr, s.len))
		find(w, FINDING_XML_CODE, t, "a class of Java,", s);
}

static void
element(struct walk *w, const struct xml_token *t)
{
	struct slice n = local(t->name);

	w->element = n;
	w->pmml = w->pmml || xml_text_is(n, "PMML");
	w->svg = w->svg || xml_text_is(n, "svg");
	if ((xml_text_is(n, "script") && !w->page) ||
	    (w->svg && (xml_text_is(n, "iframe") || xml_text_is(n, "handler"))))
		find(w, FINDING_XML_CODE, t, "element", t->name);
}

/* A value that Java or a browser would run. */
static bool
runs(struct slice v)
{
	static const char *const words[] = {"java.lang.", "javax.script",
	    "getRuntime", "ProcessBuilder", "os.system", "subprocess.",
	    "__import__", "eval(", "exec(", "cmd.exe", "/bin/sh", "/bin/bash",
	    "powershell"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has(v, words[i]))
			return true;
	return false;
}

static bool
is_namespace(const struct xml_token *t)
{
	return xml_text_is(t->name, "xmlns") || starts(t->name, "xmlns:");
}

static void
attribute(struct walk *w, const struct xml_token *t)
{
	struct slice n = local(t->name);

	if (is_namespace(t)) {
		if (has(t->value, "XSL/Transform") || has(t->value, "xalan") ||
		    has(t->value, "msxsl") ||
		    has(t->value, "urn:schemas-microsoft-com:xslt"))
			find(w, FINDING_XML_CODE, t, "XSLT", t->value);
		if (has(t->value, "2001/XInclude"))
			find(w, FINDING_XML_EXTERNAL, t, "XInclude", t->value);
		return;
	}
	/* JPMML takes a name with dots for a class of Java and loads it */
	if (w->pmml && xml_text_is(w->element, "Apply") &&
	    xml_text_is(n, "function") && has(t->value, "."))
		find(w, FINDING_XML_CODE, t, "function", t->value);
	if (w->pmml && runs(t->value))
		find(w, FINDING_XML_CODE, t, "value", t->value);
	if (w->pmml && !check_xml_pmml(w->element, n, t->value))
		refuse(w, t, "a value that PMML has not for its attribute");
	if (w->svg &&
	    (starts(t->name, "on") || starts(t->value, "javascript:") ||
		starts(t->value, "data:text/html")))
		find(w, FINDING_XML_CODE, t, "attribute", t->value);
	/* OpenVINO: a layer of an extension, or of operators that somebody
	 * numbers himself, needs a library of its own */
	if (xml_text_is(w->element, "layer") && xml_text_is(n, "version") &&
	    (starts(t->value, "extension") ||
		(has(t->value, "opset") && !starts(t->value, "opset") &&
		    !starts(t->value, "ie_internal_opset") &&
		    !starts(t->value, "type_relaxed_opset"))))
		find(w, FINDING_XML_EXTENSION, t, "layer of", t->value);
	if (xml_text_is(w->element, "data") &&
	    (xml_text_is(n, "library") || xml_text_is(n, "extension_path")))
		find(w, FINDING_XML_EXTENSION, t, "library", t->value);
	/* the kernels that OpenVINO's GPU plugin compiles for a model */
	if (xml_text_is(w->element, "Source") && xml_text_is(n, "filename") &&
	    w->depth > 1 &&
	    xml_text_is(local(w->open[w->depth - 2]), "Kernel") &&
	    check_path_escape(t->value) != NULL)
		find(w, FINDING_XML_EXTERNAL, t, "kernel from", t->value);
}

static void
text(struct walk *w, const struct xml_token *t)
{
	if (w->pmml && xml_text_is(w->element, "Extension") && runs(t->value))
		find(w, FINDING_XML_CODE, t, "extension", t->value);
}

/* --- elements ------------------------------------------------------------ */

static bool
push(struct walk *w, struct slice name)
{
	if (w->depth == w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 64;
		struct slice *more = arena_alloc(&w->arena, cap, sizeof(*more));

		if (more == NULL)
			return false;
		if (w->depth != 0)
			memcpy(more, w->open, w->depth * sizeof(*more));
		w->open = more;
		w->cap = cap;
	}
	w->roots += w->depth == 0 ? 1 : 0;
	w->open[w->depth++] = name;
	return true;
}

/* What the tokens alone do not say: each end has its beginning's name, and
 * there is one root. */
static int
nest(struct walk *w, const struct xml_token *t, struct err *e)
{
	bool ok = true;

	if (t->kind == XML_OPEN)
		ok = push(w, t->name) && w->roots == 1;
	else if (t->kind == XML_TAG_END && t->empty)
		w->depth--;
	else if (t->kind == XML_CLOSE)
		ok = w->depth != 0 && w->open[--w->depth].len == t->name.len &&
		     memcmp(w->open[w->depth].ptr, t->name.ptr, t->name.len) ==
			 0;
	else if (t->kind == XML_END)
		ok = w->roots == 1;
	return ok ? 0
		  : err_set(e, ERR_FORMAT, t->off,
			"xml: elements that do not match");
}

static bool
is_twice(struct walk *w, struct slice name)
{
	for (size_t i = 0; i < w->nattr; i++)
		if (w->attr[i].len == name.len &&
		    memcmp(w->attr[i].ptr, name.ptr, name.len) == 0)
			return true;
	if (w->nattr < ATTRS)
		w->attr[w->nattr++] = name;
	return false;
}

static void
judge(struct walk *w, const struct xml_token *t)
{
	if ((t->kind == XML_ATTR || (t->kind == XML_TEXT && !t->cdata)) &&
	    !check_xml_references(t->value, w->declared))
		refuse(w, t, "'&' that begins no reference");
	if ((t->kind == XML_ATTR || t->kind == XML_TEXT) &&
	    !check_xml_characters(t->value))
		refuse(w, t, "a control character");
	if (t->kind == XML_ATTR && is_twice(w, t->name))
		refuse(w, t, "an attribute that its element has twice");
	switch (t->kind) {
	case XML_DOCTYPE:
		w->declared = true;
		doctype(w, t);
		break;
	case XML_ENTITY:
		entity(w, t);
		break;
	case XML_PI:
		instruction(w, t);
		break;
	case XML_OPEN:
		w->nattr = 0;
		element(w, t);
		java(w, t, t->name);
		break;
	case XML_ATTR:
		attribute(w, t);
		java(w, t, t->value);
		break;
	case XML_TEXT:
		text(w, t);
		break;
	case XML_TAG_END:
	case XML_CLOSE:
	case XML_END:
		break;
	}
}

static bool
is_page(const char *name)
{
	return text_ends_with(name, ".html") || text_ends_with(name, ".htm") ||
	       text_ends_with(name, ".xhtml");
}

/* Begins with a tag or a declaration; HTML is a page and no XML. */
static bool
is_xml(struct rd r)
{
	size_t i = r.len >= 3 && memcmp(r.base, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct slice s;

	while (
	    i < r.len && r.base[i] != 0 && strchr(" \t\r\n", r.base[i]) != NULL)
		i++;
	s = (struct slice){r.base + i, r.len - i};
	if (s.len < 4 || s.ptr[0] != '<')
		return false;
	return !starts(s, "<!doctype html") && !starts(s, "<html") &&
	       (s.ptr[1] == '?' || s.ptr[1] == '!' || s.ptr[1] == '_' ||
		   ((s.ptr[1] | 32) >= 'a' && (s.ptr[1] | 32) <= 'z'));
}

static bool
sure(const struct check_file *f)
{
	static const char *const names[] = {
	    ".xml", ".pmml", ".svg", ".xsl", ".xslt"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_ends_with(check_name_of(f), names[i]))
			return true;
	return check_is(f, "pmml") ||
	       (f->bytes.len > 5 && memcmp(f->bytes.base, "<?xml", 5) == 0);
}

static void
walk(const struct check_file *f, struct rd r)
{
	struct walk w = {.f = f,
	    .page = is_page(check_name_of(f)),
	    .first = f->bytes.len != 0 ? (char)*f->bytes.base : '\0'};
	struct xml_token t = {.kind = XML_TEXT};
	struct xml_text x;
	struct err e = {0};
	int rc = 0;

	arena_init(&w.arena, LIMIT_TEMPLATE_ARENA);
	xml_text_init(&x, r);
	while ((rc = xml_text_next(&x, &t, &e)) == 0 &&
	       (rc = nest(&w, &t, &e)) == 0 && t.kind != XML_END)
		judge(&w, &t);
	arena_release(&w.arena);
	if (!sure(f) && !w.pmml) {
		if (rc == 0)
			check_knows(f);
		return;
	}
	if (rc != 0)
		check_short(f, FINDING_CONFIG_INVALID, e.off, "%s", e.msg);
	else if (w.refused != NULL)
		check_short(f, FINDING_CONFIG_INVALID, w.at, "xml: %s, '%.*s'",
		    w.refused, (int)MIN(w.of.len, 80), (const char *)w.of.ptr);
	/* it is UTF-8 where it does not say otherwise (XML 1.0, 4.3.3) */
	else if (!w.encoded && !text_utf8_valid((const char *)r.base, r.len))
		check_short(f, FINDING_CONFIG_INVALID, ERR_NOWHERE,
		    "xml: this is no UTF-8, and no other encoding is named");
	else
		check_knows(f);
}

void
check_xml(const struct check_file *f)
{
	struct arena a;
	struct rd r = f->bytes;

	bool wide;

	arena_init(&a, f->bytes.len / 2 + 64);
	wide = xml_text_narrow(f->bytes, &a, &r);
	if (is_xml(r)) {
		if (wide)
			check_find(
			    f, FINDING_XML_DOCTYPE, ERR_NOWHERE, "UTF-16");
		walk(f, r);
	} else if (f->bytes.len != 0 && sure(f)) {
		check_short(
		    f, FINDING_CONFIG_INVALID, ERR_NOWHERE, "this is no XML");
	}
	arena_release(&a);
}
