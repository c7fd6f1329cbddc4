/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "formats/xml_text.h"

void
xml_text_init(struct xml_text *x, struct rd r)
{
	*x = (struct xml_text){.r = r};
	if (rd_left(&r) >= 3 && memcmp(r.base + r.off, "\xef\xbb\xbf", 3) == 0)
		x->r.off += 3;
}

bool
xml_text_is(struct slice s, const char *word)
{
	return strlen(word) == s.len && memcmp(s.ptr, word, s.len) == 0;
}

bool
xml_text_narrow(struct rd r, struct arena *a, struct rd *out)
{
	size_t n = r.len / 2;
	uint8_t *to;
	bool big;

	if (r.len < 4)
		return false;
	big = (r.base[0] == 0xfe && r.base[1] == 0xff) ||
	      (r.base[0] == 0 && r.base[1] == '<');
	if (!big && !(r.base[0] == 0xff && r.base[1] == 0xfe) &&
	    !(r.base[0] == '<' && r.base[1] == 0))
		return false;
	/* without a mark: two ASCII characters, as a tensor seldom begins */
	if (r.base[0] < 0xfe && r.base[big ? 2 : 3] != 0)
		return false;
	if ((to = arena_alloc(a, n, 1)) == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint8_t high = r.base[2 * i + (big ? 0 : 1)];
		uint8_t low = r.base[2 * i + (big ? 1 : 0)];

		to[i] = high == 0 ? low : high == 0xfe ? ' ' : '?';
	}
	*out = rd_mem(to, n);
	return true;
}

/* --- pieces -------------------------------------------------------------- */

static int
bad(const struct xml_text *x, const char *what, struct err *e)
{
	return err_set(e, ERR_FORMAT, rd_pos(&x->r), "xml: %s", what);
}

static const char *
here(const struct xml_text *x)
{
	return (const char *)x->r.base + x->r.off;
}

static bool
ahead(const struct xml_text *x, const char *word)
{
	size_t n = strlen(word);

	return rd_left(&x->r) >= n && memcmp(here(x), word, n) == 0;
}

static bool
take(struct xml_text *x, const char *word)
{
	if (!ahead(x, word))
		return false;
	x->r.off += strlen(word);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
blank(struct xml_text *x)
{
	size_t was = x->r.off;

	while (rd_left(&x->r) != 0 && is_blank(*here(x)))
		x->r.off++;
	return x->r.off != was;
}

/* Up to the word, which is passed; false when it is not there. */
static bool
upto(struct xml_text *x, const char *word, struct slice *out)
{
	const char *at = here(x);
	const char *p = rd_left(&x->r) == 0
			    ? NULL
			    : memmem(at, rd_left(&x->r), word, strlen(word));

	if (p == NULL)
		return false;
	*out = (struct slice){(const uint8_t *)at, (size_t)(p - at)};
	x->r.off += out->len + strlen(word);
	return true;
}

static bool
name(struct xml_text *x, struct slice *out)
{
	const char *at = here(x);
	size_t n = 0;

	while (n < rd_left(&x->r) && !is_blank(at[n]) &&
	       strchr("<>/=\"'?![]%;&", at[n] != '\0' ? at[n] : '<') == NULL)
		n++;
	*out = (struct slice){(const uint8_t *)at, n};
	x->r.off += n;
	return n != 0;
}

static bool
quoted(struct xml_text *x, struct slice *out)
{
	if (take(x, "\""))
		return upto(x, "\"", out);
	return take(x, "'") && upto(x, "'", out);
}

/* --- tokens -------------------------------------------------------------- */

static int
in_tag(struct xml_text *x, struct xml_token *t, struct err *e)
{
	bool space = blank(x);

	t->off = rd_pos(&x->r);
	t->empty = take(x, "/>");
	if (t->empty || take(x, ">")) {
		t->kind = XML_TAG_END;
		x->in_tag = false;
		x->depth += t->empty ? 0 : 1;
		return 0;
	}
	t->kind = XML_ATTR;
	if (!space || !name(x, &t->name))
		return bad(x, "a tag that does not end", e);
	blank(x);
	if (!take(x, "="))
		return bad(x, "an attribute without value", e);
	blank(x);
	return quoted(x, &t->value) ? 0 : bad(x, "a value without quotes", e);
}

/* SYSTEM "x", PUBLIC "x" "y": what is fetched becomes the value. */
static bool
external_id(struct xml_text *x, struct xml_token *t)
{
	blank(x);
	t->named = take(x, "PUBLIC");
	if (!t->named && !take(x, "SYSTEM"))
		return true;
	t->external = true;
	blank(x);
	if (!quoted(x, &t->value))
		return false;
	if (!t->named)
		return true;
	blank(x);
	return ahead(x, ">") || ahead(x, "[") || quoted(x, &t->value);
}

static int
doctype(struct xml_text *x, struct xml_token *t, struct err *e)
{
	t->kind = XML_DOCTYPE;
	blank(x);
	if (!name(x, &t->name) || !external_id(x, t))
		return bad(x, "a broken DOCTYPE", e);
	blank(x);
	if (take(x, "[")) {
		x->in_subset = true;
		return 0;
	}
	return take(x, ">") ? 0 : bad(x, "a broken DOCTYPE", e);
}

static int
entity(struct xml_text *x, struct xml_token *t, struct err *e)
{
	struct slice rest;

	t->kind = XML_ENTITY;
	blank(x);
	t->parameter = take(x, "%");
	blank(x);
	if (!name(x, &t->name) || !external_id(x, t))
		return bad(x, "a broken ENTITY", e);
	blank(x);
	if (!t->external && !quoted(x, &t->value))
		return bad(x, "a broken ENTITY", e);
	return upto(x, ">", &rest) ? 0 : bad(x, "a broken ENTITY", e);
}

/* Past a comment, an instruction, %name; or another declaration. */
static bool
declaration(struct xml_text *x)
{
	struct slice skipped;

	if (take(x, "<!--"))
		return upto(x, "-->", &skipped);
	if (take(x, "<?"))
		return upto(x, "?>", &skipped);
	if (take(x, "<!"))
		return upto(x, ">", &skipped);
	return take(x, "%") && upto(x, ";", &skipped);
}

/* Within [...]: only entities matter; other declarations are passed over. */
static int
in_subset(struct xml_text *x, struct xml_token *t, struct err *e)
{
	for (;;) {
		blank(x);
		t->off = rd_pos(&x->r);
		if (take(x, "]")) {
			x->in_subset = false;
			blank(x);
			return take(x, ">") ? xml_text_next(x, t, e)
					    : bad(x, "a broken DOCTYPE", e);
		}
		if (take(x, "<!ENTITY"))
			return entity(x, t, e);
		if (!declaration(x))
			return bad(x, "a broken DOCTYPE", e);
	}
}

static int
markup(struct xml_text *x, struct xml_token *t, struct err *e)
{
	if (take(x, "<![CDATA[")) {
		t->kind = XML_TEXT;
		t->cdata = true;
		return upto(x, "]]>", &t->value)
			   ? 0
			   : bad(x, "CDATA without end", e);
	}
	if (take(x, "<!DOCTYPE"))
		return doctype(x, t, e);
	if (take(x, "<?")) {
		t->kind = XML_PI;
		if (!name(x, &t->name))
			return bad(x, "an instruction without name", e);
		return upto(x, "?>", &t->value)
			   ? 0
			   : bad(x, "an instruction without end", e);
	}
	if (take(x, "</")) {
		t->kind = XML_CLOSE;
		if (!name(x, &t->name) || x->depth-- == 0) {
			x->depth = 0;
			return bad(x, "an end without a beginning", e);
		}
		blank(x);
		return take(x, ">") ? 0 : bad(x, "a broken end", e);
	}
	t->kind = XML_OPEN;
	x->r.off++;
	if (!name(x, &t->name))
		return bad(x, "no name behind <", e);
	x->in_tag = true;
	return 0;
}

int
xml_text_next(struct xml_text *x, struct xml_token *t, struct err *e)
{
	struct slice skipped;
	const char *at, *p;

	*t = (struct xml_token){.off = rd_pos(&x->r)};
	if (x->in_tag)
		return in_tag(x, t, e);
	if (x->in_subset)
		return in_subset(x, t, e);
	while (take(x, "<!--"))
		if (!upto(x, "-->", &skipped))
			return bad(x, "a comment without end", e);
	t->off = rd_pos(&x->r);
	if (rd_left(&x->r) == 0) {
		t->kind = XML_END;
		return x->depth == 0 ? 0 : bad(x, "elements without end", e);
	}
	if (*here(x) == '<')
		return markup(x, t, e);
	at = here(x);
	p = memchr(at, '<', rd_left(&x->r));
	t->kind = XML_TEXT;
	t->value = (struct slice){
	    (const uint8_t *)at, p != NULL ? (size_t)(p - at) : rd_left(&x->r)};
	x->r.off += t->value.len;
	return 0;
}
