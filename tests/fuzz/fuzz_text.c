/* SPDX-License-Identifier: MIT
 * Text that makes loaders do something: every reader of it over the same
 * bytes.  Tokens lie within the input and end; a tree links what it says that
 * it holds; a file that names its format and breaks it is never clean.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/conf.h"
#include "formats/jinja.h"
#include "formats/pycode.h"
#include "formats/xml_text.h"
#include "tests/fuzz/look.h"

/* Nodes of all documents, by walking and by counting. */
static void
tree(const struct conf_doc *d)
{
	size_t documents = 0;

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		documents += n->up == NULL ? 1 : 0;
		PROPERTY(n->text != NULL || n->kind != CONF_STRING);
		PROPERTY((n->kind == CONF_ALIAS) == (n->target != NULL));
		PROPERTY(conf_value(n)->kind != CONF_ALIAS);
		for (const struct conf *k = n->child; k != NULL; k = k->next)
			PROPERTY(
			    k->up == n && (k->next != NULL || n->last == k));
	}
	PROPERTY(documents == d->documents);
}

static void
jinja(const uint8_t *data, size_t len)
{
	const char *s = (const char *)data, *from = s;
	struct jinja_token t;
	struct jinja j;
	char text[64];
	size_t n;

	jinja_init(&j, s, len);
	while ((t = jinja_next(&j)).kind != JINJA_END && t.kind != JINJA_BAD) {
		PROPERTY(t.s >= from && t.len > 0 && t.s + t.len <= s + len);
		from = t.s + t.len;
		if (t.kind != JINJA_STRING)
			continue;
		(void)jinja_text(&t, text, sizeof(text), &n);
		PROPERTY(n < sizeof(text) && text[n] == '\0');
	}
}

static void
pycode(const uint8_t *data, size_t len)
{
	const char *s = (const char *)data, *from = s;
	struct pycode_token t;
	struct pycode p;

	pycode_init(&p, s, len);
	while ((t = pycode_next(&p)).kind != PYCODE_END) {
		PROPERTY(t.s >= from && t.len > 0 && t.s + t.len <= s + len);
		from = t.s + t.len;
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		PROPERTY(t.len < len && t.s + t.len < from);
	}
}

/* True when it is well-formed. */
static bool
xml(const uint8_t *data, size_t len)
{
	struct xml_token t = {.kind = XML_TEXT};
	struct xml_text x;
	struct err e = {0};
	size_t steps = 0;

	xml_text_init(&x, rd_mem(data, len));
	while (t.kind != XML_END) {
		if (xml_text_next(&x, &t, &e) != 0)
			return false;
		PROPERTY(++steps <= len + 2);
		PROPERTY(t.off <= len && t.name.len + t.value.len <= len);
	}
	return true;
}

/* Looked at as a file of that name: when it is broken, that is said, and the
 * result is incomplete. */
static void
inspect(const uint8_t *data, size_t len, const char *name, bool broken)
{
	struct look l;

	look_at(&l, NULL, name, rd_mem(data, len));
	PROPERTY(!broken || look_worst(&l) >= SEVERITY_MEDIUM);
	PROPERTY(!broken || !l.sink.complete);
	look_end(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf_doc d;
	struct err e = {0};
	bool bad_json, bad_xml;

	bad_json = conf_json(rd_mem(data, len), &d, &e) != 0;
	tree(&d);
	conf_release(&d);
	/* what is JSON is JSON with comments, too */
	PROPERTY(conf_jsonc(rd_mem(data, len), &d, &e) == 0 || bad_json);
	tree(&d);
	conf_release(&d);
	(void)!conf_yaml(rd_mem(data, len), &d, &e);
	tree(&d);
	conf_release(&d);
	bad_xml = !xml(data, len);
	jinja(data, len);
	pycode(data, len);
	if (len == 0)
		return 0;
	inspect(data, len, "x.json", bad_json);
	/* text that is JSON is judged as JSON, code as code */
	inspect(data, len, "x.yaml", false);
	/* a zero byte: it may be UTF-16, which is well-formed otherwise */
	inspect(data, len, "x.xml",
	    bad_xml && memchr(data, 0, MIN(len, 4)) == NULL);
	inspect(data, len, "chat_template.jinja", false);
	inspect(data, len, "x.py", false);
	inspect(data, len, "requirements.txt", false);
	return 0;
}
