/* SPDX-License-Identifier: MIT
 * The readers of text that makes loaders do something: JSON as Python takes
 * it, YAML with its tags, tokens of Jinja, XML and Python.
 */
#include "tests/test.h"

#include "base/buf.h"
#include "base/limits.h"
#include "formats/conf.h"
#include "formats/jinja.h"
#include "formats/pycode.h"
#include "formats/xml_text.h"

struct row {
	const char *name, *in, *want;
};

/* --- trees: "{a:b,c:[d]}" ------------------------------------------------ */

static void
show(const struct conf *n, struct buf *out)
{
	if (n->tag != NULL)
		buf_printf(out, "<%s>", n->tag);
	if (n->key != NULL)
		buf_printf(out, "%.*s:", (int)n->key_len, n->key);
	if (n->kind == CONF_ALIAS)
		buf_puts(out, "*");
	if (n->text != NULL)
		buf_append(out, n->text, n->len);
	if (n->kind != CONF_OBJECT && n->kind != CONF_ARRAY)
		return;
	buf_puts(out, n->kind == CONF_OBJECT ? "{" : "[");
	for (const struct conf *k = n->child; k != NULL; k = k->next) {
		show(k, out);
		if (k->next != NULL)
			buf_puts(out, ",");
	}
	buf_puts(out, n->kind == CONF_OBJECT ? "}" : "]");
}

static void
check_tree(const struct row *row, struct conf_doc *d, int rc)
{
	struct buf out = {0};

	for (const struct conf *r = d->root; r != NULL; r = r->next) {
		show(r, &out);
		if (r->next != NULL)
			buf_puts(&out, ";");
	}
	if (rc != 0)
		buf_puts(&out, "!");
	assert_string_equal(buf_str(&out), row->want);
	buf_free(&out);
	conf_release(d);
}

static const struct row json_rows[] = {
    {"json", "{\"a\": {\"b\": [\"c\", {}]}, \"d\": true}",
	"{a:{b:[c,{}]},d:true}"},
    {"numbers in an array are dropped", "[1, 2.5e3, -7, \"x\"]", "[x]"},
    {"NaN and long integers",
	"{\"a\": NaN, \"b\": -Infinity, \"c\": 10000000000000000000000}",
	"{a:NaN,b:-Infinity,c:10000000000000000000000}"},
    {"a key twice is there twice", "{\"a\": \"1\", \"a\": \"2\"}", "{a:1,a:2}"},
    {"escapes", "[\"\\u005f\\n\\ud83d\\ude00\\\\\"]",
	"[_\n\xf0\x9f\x98\x80\\]"},
    {"documents", "{\"a\":1}\n{\"b\":2}", "{a:1};{b:2}"},
    {"what was read before an error stays", "{\"a\": \"b\", ", "{a:b}!"},
    {"a comma too many", "[\"a\",]", "[a]!"},
    {"no comma", "[\"a\" \"b\"]", "[a]!"},
    {"a closing bracket of another kind", "{]", "{}!"},
    {"no value", "", "!"},
    {"a comment", "{/**/}", "{}!"},
    {"a string without end", "[\"a", "[]!"},
    {"an escape that is none", "[\"\\q\"]", "[\\q]!"},
};

static const struct row jsonc_rows[] = {
    {"comments", "// a\n{/* b\n*/\"a\": /**/ \"//c\", // d\n\"e\": []} // f",
	"{a://c,e:[]}"},
    {"a comma behind the last value", "{\"a\": [\"b\", /**/ ], }", "{a:[b]}"},
    {"a comma and no value", "{,}", "{}!"},
    {"two commas", "[\"a\",,]", "[a]!"},
    {"a comment without an end", "{\"a\": \"b\"} /* c", "{a:b}"},
    {"a comment without an end, within", "{\"a\": \"b\" /* c", "{a:b}!"},
    {"half a comment", "[/ a]", "[]!"},
    {"plain", "[\"a\", {\"b\": true}]", "[a,{b:true}]"},
};

static void
test_jsonc(void **state)
{
	const struct row *row = *state;
	struct conf_doc d;
	struct err e = {0};
	int rc = conf_jsonc(rd_mem(row->in, strlen(row->in)), &d, &e);

	check_tree(row, &d, rc);
}

static void
test_json(void **state)
{
	const struct row *row = *state;
	struct conf_doc d;
	struct err e = {0};
	int rc = conf_json(rd_mem(row->in, strlen(row->in)), &d, &e);

	/* the text of a string that failed is not to be relied on */
	check_tree(row, &d, rc);
}

/* No deeper than a limit, however long the row of brackets; levels that were
 * closed do not count. */
static void
test_deep(void **state)
{
	struct conf_doc d;
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < 2 * LIMIT_CONF_DEPTH; i++)
		buf_puts(&b, i == 0 ? "[" : i % 2 != 0 ? "{\"a\":" : "[[],");
	assert_int_equal(conf_json(rd_mem(b.ptr, b.len), &d, &e), ERR_LIMIT);
	/* half of the levels are objects, half arrays with one beside */
	assert_in_range(e.off, 4 * LIMIT_CONF_DEPTH, 5 * LIMIT_CONF_DEPTH);
	assert_in_range(d.arena.used, 1, 500 * LIMIT_CONF_DEPTH);
	conf_release(&d);
	b.len = 0;
	for (size_t i = 0; i < LIMIT_CONF_DEPTH; i++)
		buf_puts(&b, "[");
	for (size_t i = 0; i < LIMIT_CONF_DEPTH; i++)
		buf_puts(&b, "]");
	assert_ok(conf_json(rd_mem(b.ptr, b.len), &d, &e), &e);
	conf_release(&d);
	buf_free(&b);
}

static const struct row yaml_rows[] = {
    {"yaml", "a: {b: [c, 1]}\nd: e\n", "{a:{b:[c,1]},d:e}"},
    {"a handle", "%TAG !e! tag:yaml.org,2002:python/\n---\na: !e!name:x 1\n",
	"{<tag:yaml.org,2002:python/name:x>a:1}"},
    {"a verbatim tag", "!<tag:yaml.org,2002:python/name:x> a",
	"<tag:yaml.org,2002:python/name:x>a"},
    {"an alias", "a: &x [1]\nb: *x\n", "{a:[1],b:*}"},
    {"an alias of itself", "&a [*a]", "[*]"},
    {"an alias of an alias", "- &a [1, 1]\n- &b [*a, *a]\n- [*b]\n",
	"[[1,1],[*,*],[*]]"},
    {"more and more aliases of what goes on",
	"&a [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]",
	"[*,*,*,*,*,*,*,*,*,*,*,*,*,*,*,*,*]!"},
    {"aliases of aliases, which stand for sixteen million",
	"- &a [1,1,1,1,1,1,1,1]\n"
	"- &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
	"- &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
	"- &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
	"- &e [*d,*d,*d,*d,*d,*d,*d,*d]\n"
	"- &f [*e,*e,*e,*e,*e,*e,*e,*e]\n"
	"- &g [*f,*f,*f,*f,*f,*f,*f,*f]\n"
	"- &h [*g,*g,*g,*g,*g,*g,*g,*g]\n",
	"[[1,1,1,1,1,1,1,1],[*,*,*,*,*,*,*,*],[*,*,*,*,*,*,*,*],[*,*,"
	"*,*,*,*,*,*],[*,*,*,*,*,*,*,*],[*,*,*,*,*,*,*,*],[*,*,*,*,*,*,*,*],[*]"
	"]!"},
    {"documents", "a: b\n---\nc\n", "{a:b};c"},
    {"a key with a tag", "? !t k\n: v\n", "{<!t>k,k:v}"},
    {"a key that is a list", "? [k]\n: v\n", "{[k],:v}"},
    {"an alias without anchor", "[*a]", "[]!"},
    {"broken", "a: [1, 2\nb: }", "{a:[1,2 b]}!"},
    {"empty", "", "!"},
};

static void
test_yaml(void **state)
{
	const struct row *row = *state;
	struct conf_doc d;
	struct err e = {0};
	int rc = conf_yaml(rd_mem(row->in, strlen(row->in)), &d, &e);

	check_tree(row, &d, rc);
}

/* --- tokens, with a space behind each ------------------------------------ */

static const struct row jinja_rows[] = {
    {"text alone", "a { b } %}", ""},
    {"expression", "x{{- a.b['c'] -}}y", "{{- a . b [ 'c' ] -}} "},
    {"statement", "{% if a >= 1.5 %}", "{% if a >= 1.5 %} "},
    {"braces within", "{{ {'a': {}} }}", "{{ { 'a' : { } } }} "},
    {"comment and raw", "{# {{ a }} #}{% raw %}{{ b }}{%- endraw -%}{{ c }}",
	"{{ c }} "},
    {"an end within a string", "{{ '}}' }}", "{{ '}}' }} "},
    {"attribute of a number", "{{ 1.real }}", "{{ 1 . real }} "},
    {"no end", "{{ a", "{{ a !"},
    {"brackets that do not match", "{{ (a] }}", "{{ ( a !"},
    {"a character of no token", "{{ a ? }}", "{{ a !"},
    {"a comment without end", "{# a", "!"},
};

static void
test_jinja(void **state)
{
	const struct row *row = *state;
	struct buf out = {0};
	struct jinja_token t;
	struct jinja j;

	jinja_init(&j, row->in, strlen(row->in));
	while ((t = jinja_next(&j)).kind != JINJA_END && t.kind != JINJA_BAD)
		buf_printf(&out, "%.*s ", (int)t.len, t.s);
	if (t.kind == JINJA_BAD)
		buf_puts(&out, "!");
	assert_string_equal(buf_str(&out), row->want);
	buf_free(&out);
}

static const struct row literal_rows[] = {
    {"plain", "'ab'", "ab"},
    {"hex", "'\\x5f'", "_ hidden"},
    {"octal", "'\\137'", "_ hidden"},
    {"unicode", "'\\u005f\\U0000005f'", "__ hidden"},
    {"named", "'\\N{LOW LINE}'", "_ hidden"},
    {"usual ones", "'\\n\\''", "\n'"},
    {"one that is no letter", "'\\x0a'", "\n"},
    {"unknown", "'\\d'", "d"},
};

static void
test_literal(void **state)
{
	const struct row *row = *state;
	struct jinja_token t = {JINJA_STRING, row->in, strlen(row->in)};
	char text[32], all[64];
	size_t n;
	bool hidden = jinja_text(&t, text, sizeof(text), &n);

	assert_int_equal(n, strlen(text));
	snprintf(all, sizeof(all), "%s%s", text, hidden ? " hidden" : "");
	assert_string_equal(all, row->want);
}

static const struct row python_rows[] = {
    {"lines", "a = 1 # b\nc", "a = 1 ; c "},
    {"within brackets lines go on", "f(a,\n b)\n", "f ( a , b ) ; "},
    {"strings", "r'a\\'b' b\"c\" '''d\n'e''' 'f",
	"r'a\\'b' b\"c\" '''d\n'e''' !'f "},
    {"joined", "a \\\n b", "a b "},
    {"lines joined by two bytes", "a \\\r\n b", "a b "},
    {"a string does not span lines", "'a\nb('", "!'a ; b ( !' "},
    {"a carriage return ends a comment", "# a\rb\r\nc", "; b ; c "},
};

static void
test_python(void **state)
{
	const struct row *row = *state;
	struct buf out = {0};
	struct pycode_token t;
	struct pycode p;

	pycode_init(&p, row->in, strlen(row->in));
	while ((t = pycode_next(&p)).kind != PYCODE_END) {
		if (t.kind == PYCODE_LINE)
			buf_puts(&out, "; ");
		else
			buf_printf(&out, "%s%.*s ",
			    t.kind == PYCODE_BAD ? "!" : "", (int)t.len, t.s);
	}
	assert_string_equal(buf_str(&out), row->want);
	buf_free(&out);
}

static const struct row xml_rows[] = {
    {"element", "<a b=\"c\" d='e'><f/>t</a>",
	"open:a attr:b=c attr:d=e tag open:f empty text:=t close:a "},
    {"declaration", "<?xml version=\"1.0\"?><a></a>",
	"pi:xml= version=\"1.0\" open:a tag close:a "},
    {"cdata and comments", "<!-- <b> --><a><![CDATA[<c>]]></a>",
	"open:a tag text:=<c> close:a "},
    {"doctype", "<!DOCTYPE a PUBLIC \"p\" \"s\"><a/>",
	"doctype:a=s open:a empty "},
    {"entities",
	"<!DOCTYPE a [<!-- x --><!ENTITY b \"c\"> <!ELEMENT d ANY> %e; "
	"<!ENTITY % f SYSTEM 'g'>]><a/>",
	"doctype:a= entity:b=c entity:f=g% open:a empty "},
    {"no end", "<a>", "open:a tag !"},
    {"an end too many", "</a>", "!"},
    {"a value without quotes", "<a b=c>", "open:a !"},
    {"no space between attributes", "<a b=\"c\"d=\"e\">", "open:a attr:b=c !"},
    {"a comment without end", "<a/><!-- b", "open:a empty !"},
};

static void
test_xml(void **state)
{
	static const char *const name[] = {"end", "open", "attr", "tag",
	    "close", "text", "doctype", "entity", "pi"};
	const struct row *row = *state;
	struct xml_token t = {.kind = XML_TEXT};
	struct buf out = {0};
	struct xml_text x;
	struct err e = {0};
	int rc;

	xml_text_init(&x, rd_mem(row->in, strlen(row->in)));
	while ((rc = xml_text_next(&x, &t, &e)) == 0 && t.kind != XML_END) {
		buf_puts(&out, t.empty ? "empty" : name[t.kind]);
		if (t.name.len != 0 || t.value.len != 0)
			buf_printf(&out, ":%.*s", (int)t.name.len,
			    t.name.len != 0 ? (const char *)t.name.ptr : "");
		if (t.kind != XML_OPEN && t.kind != XML_CLOSE &&
		    t.kind != XML_TAG_END)
			buf_printf(&out, "=%.*s", (int)t.value.len,
			    t.value.len != 0 ? (const char *)t.value.ptr : "");
		buf_puts(&out, t.parameter ? "% " : " ");
	}
	if (rc != 0)
		buf_puts(&out, "!");
	assert_string_equal(buf_str(&out), row->want);
	buf_free(&out);
}

#define ALL(test, rows)                                                        \
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)                           \
	tests[n++] = (struct CMUnitTest)ROW(test, rows[i])

int
main(void)
{
	struct CMUnitTest tests[128];
	size_t n = 0;

	ALL(test_json, json_rows);
	ALL(test_jsonc, jsonc_rows);
	ALL(test_yaml, yaml_rows);
	ALL(test_jinja, jinja_rows);
	ALL(test_literal, literal_rows);
	ALL(test_python, python_rows);
	ALL(test_xml, xml_rows);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_deep);
	return _cmocka_run_group_tests("config", tests, n, NULL, NULL);
}
