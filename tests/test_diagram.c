/* SPDX-License-Identifier: MIT
 * Diagrams of hostile class names: as DOT against a golden file, and drawn.
 */
#include "tests/test.h"

#include "report/diagram.h"
#include "report/escape.h"
#include "report/svg.h"

#include "base/file.h"

static const char golden[] = "tests/golden/flips-hostile.dot";

/* clang-format off */
static const char hostile[] =
    "{\"verdict\":\"evidence\",\"score\":7,\"classes\":5,\"class_names\":["
    "\"plain\",\"\\\"]; evil [label=\\\"x\",\"<script>alert(1)</script>\","
    "\"\\\\N\\\\G&amp;\\u202eabc\\n\",\"a name that is much too long to be drawn in a circle\"],"
    "\"targets\":[{\"class\":1,\"geometry\":\"linf\",\"p\":1e-9}],"
    "\"geometries\":[{\"name\":\"linf\",\"per_class\":[{\"class\":1,"
    "\"radius\":{\"suspect\":0.1,\"references\":[null,0.5]},"
    "\"flips\":{\"n\":40,\"flipped\":33,\"shared\":1,\"different\":2,\"unshared\":30},"
    "\"by_source\":["
    "{\"source\":0,\"n\":10,\"flipped\":10,\"shared\":0,\"different\":0,\"unshared\":10},"
    "{\"source\":2,\"n\":10,\"flipped\":7},{\"source\":3,\"n\":10,\"flipped\":1},"
    "{\"source\":4,\"n\":100,\"flipped\":4}]}]}]}";
/* clang-format on */

static void
read_text(const char *text, json_t **j, struct evidence *v)
{
	struct err e = {0};

	assert_ok(json_read(text, strlen(text), j, &e), &e);
	assert_ok(evidence_read(v, *j, &e), &e);
}

static void
test_golden(void **state)
{
	struct evidence v;
	struct diagram d;
	struct buf b = {0};
	struct file_map m;
	struct err e = {0};
	json_t *j;

	(void)state;
	read_text(hostile, &j, &v);
	assert_ok(diagram_init(&d, &v, &e), &e);
	assert_int_equal(d.nedge, 3); /* 4 % is not drawn */
	assert_int_equal(d.omitted, 1);
	diagram_dot(&d, &b);
	if (getenv("UPDATE") != NULL)
		assert_ok(file_write(golden, b.ptr, b.len, &e), &e);
	assert_ok(file_map(golden, 1 << 20, &m, &e), &e);
	assert_int_equal(b.len, m.len);
	assert_memory_equal(b.ptr, m.ptr, m.len);
	file_unmap(&m);
	buf_free(&b);
	diagram_release(&d);
	evidence_release(&v);
	json_decref(j);
}

static void
test_drawn(void **state)
{
	struct evidence v;
	struct diagram d;
	struct buf b = {0}, svg = {0};
	struct err e = {0};
	const char *text;
	json_t *j;

	(void)state;
	read_text(hostile, &j, &v);
	assert_ok(diagram_init(&d, &v, &e), &e);
	diagram_dot(&d, &b);
	assert_ok(svg_render(buf_str(&b), &svg, &e), &e);
	text = svg_element(buf_str(&svg));
	assert_int_equal(strncmp(text, "<svg", 4), 0);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "\xe2\x80\xae")); /* U+202E */
	assert_null(strstr(text, "href="));
	assert_non_null(strstr(text, "&lt;script"));
	/* \N would have become the node's name, \G the graph's */
	assert_null(strstr(text, "c3c"));
	assert_null(strstr(text, "class_flipsclass"));
	assert_null(strstr(text, ">evil<"));
	buf_free(&b);
	buf_free(&svg);
	diagram_release(&d);
	evidence_release(&v);
	json_decref(j);
}

/* Above DIAGRAM_FULL classes: the strongest sources and one node for the
 * others, with their median. */
static void
test_many_classes(void **state)
{
	struct buf text = {0}, b = {0};
	struct err e = {0};
	struct evidence v;
	struct diagram d;
	json_t *j;

	(void)state;
	buf_puts(&text, "{\"verdict\":\"evidence\",\"score\":7,\"classes\":60,"
			"\"targets\":[{\"class\":0,\"geometry\":\"g\",\"p\":0}"
			"],\"geometries\":[{\"name\":\"g\",\"per_class\":[{"
			"\"class\":0,\"by_source\":[");
	for (int s = 1; s < 60; s++)
		buf_printf(&text, "%s{\"source\":%d,\"n\":1000,\"flipped\":%d}",
		    s > 1 ? "," : "", s, 900 - 10 * s);
	buf_puts(&text, "]}]}]}");
	read_text(buf_str(&text), &j, &v);
	assert_ok(diagram_init(&d, &v, &e), &e);
	assert_int_equal(d.nnode, DIAGRAM_SOURCES + 1);
	assert_int_equal(d.nedge, DIAGRAM_SOURCES);
	assert_int_equal(d.others, 59 - DIAGRAM_SOURCES);
	/* sources 17..59: the middle one is 38 */
	assert_int_equal(d.others_rate, 900 - 380);
	diagram_dot(&d, &b);
	assert_non_null(strstr(buf_str(&b), "43 other"));
	buf_free(&b);
	buf_free(&text);
	diagram_release(&d);
	evidence_release(&v);
	json_decref(j);
}

static void
test_no_target(void **state)
{
	static const char text[] =
	    "{\"verdict\":\"no-evidence\",\"score\":0.5,\"classes\":2,"
	    "\"targets\":[],\"geometries\":[],\"flip_matrix\":{\"n\":[10,10],"
	    "\"suspect\":[[0,8],[2,0]],\"shared\":[[0,7],[2,0]]}}";
	struct buf b = {0};
	struct err e = {0};
	struct evidence v;
	struct diagram d;
	json_t *j;

	(void)state;
	read_text(text, &j, &v);
	assert_ok(diagram_init(&d, &v, &e), &e);
	assert_int_equal(d.nedge, 2);
	assert_int_equal(diagram_rate(&d.edge[0]), 800);
	diagram_dot(&d, &b);
	assert_non_null(strstr(buf_str(&b), "No evidence"));
	assert_null(strstr(buf_str(&b), "TARGET"));
	buf_free(&b);
	diagram_release(&d);
	evidence_release(&v);
	json_decref(j);
}

struct bad_row {
	const char *name, *text, *complaint;
};

/* clang-format off */
static const struct bad_row bad_rows[] = {
    {"bad/verdict", "{\"verdict\":\"fine\",\"score\":1,\"classes\":2,\"targets\":[],\"geometries\":[]}", "which is none"},
    {"bad/one class", "{\"verdict\":\"evidence\",\"score\":1,\"classes\":1,\"targets\":[],\"geometries\":[]}", "classes"},
    {"bad/target outside", "{\"verdict\":\"evidence\",\"score\":1,\"classes\":2,\"targets\":[{\"class\":2,\"geometry\":\"g\"}],\"geometries\":[]}", "targets"},
    {"bad/source outside", "{\"verdict\":\"evidence\",\"score\":1,\"classes\":2,\"targets\":[],\"geometries\":[{\"name\":\"g\",\"per_class\":[{\"class\":0,\"by_source\":[{\"source\":-1,\"n\":1,\"flipped\":1}]}]}]}", "source"},
    {"bad/more flips than images", "{\"verdict\":\"evidence\",\"score\":1,\"classes\":2,\"targets\":[],\"geometries\":[{\"name\":\"g\",\"per_class\":[{\"class\":0,\"flips\":{\"n\":1,\"flipped\":2}}]}]}", "flipped"},
    {"bad/short matrix", "{\"verdict\":\"evidence\",\"score\":1,\"classes\":2,\"targets\":[],\"geometries\":[],\"flip_matrix\":{\"n\":[1,1],\"suspect\":[[0,0],[0]],\"shared\":[]}}", "flip_matrix"},
};
/* clang-format on */

static void
test_bad(void **state)
{
	const struct bad_row *row = *state;
	struct evidence v;
	struct err e = {0};
	json_t *j;

	assert_ok(json_read(row->text, strlen(row->text), &j, &e), &e);
	assert_int_equal(evidence_read(&v, j, &e), ERR_FORMAT);
	if (strstr(e.msg, row->complaint) == NULL)
		fail_msg("said '%s', not '%s'", e.msg, row->complaint);
	json_decref(j);
}

struct escape_row {
	const char *name, *in, *html, *dot;
};

static const struct escape_row escape_rows[] = {
    {"escape/markup", "<b a='\"'>&", "&lt;b a=&#39;&quot;&#39;&gt;&amp;",
	"<b a='\\\"'>&amp;"},
    {"escape/backslash", "\\N\\", "\\N\\", "\\\\N\\\\"},
    {"escape/controls", "a\n\x1b[31m", "a\\x0a\\x1b[31m",
	"a\\\\x0a\\\\x1b[31m"},
    {"escape/bidi", "\xe2\x80\xae", "\\u{202e}", "\\\\u{202e}"},
    {"escape/not utf-8", "\xff<", "\\xff&lt;", "\\\\xff<"},
    {"escape/utf-8", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9"},
};

static void
test_escape(void **state)
{
	const struct escape_row *row = *state;
	struct buf h = {0}, d = {0};

	escape_html(&h, row->in);
	escape_dot(&d, row->in, 0);
	assert_string_equal(buf_str(&h), row->html);
	assert_string_equal(buf_str(&d), row->dot);
	buf_free(&h);
	buf_free(&d);
}

int
main(void)
{
	struct CMUnitTest
	    tests[ARRAY_LEN(bad_rows) + ARRAY_LEN(escape_rows) + 4];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(escape_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_escape, escape_rows[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_golden);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_drawn);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many_classes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_target);
	return cmocka_run_group_tests_name("diagram", tests, NULL, NULL);
}
