/* SPDX-License-Identifier: MIT
 * Diagrams of hostile class names: as DOT against a golden file, and drawn; and
 * the rules by which they stay readable at 10 to 1000 classes.
 */
#include "tests/test.h"

#include "report/escape.h"
#include "report/html.h"

#include "base/file.h"

#include <math.h>
#include <time.h>

/* One for all tests, as for all diagrams of a report. */
static struct svg renderer;

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
	struct buf b = {0}, svg = {0}, in = {0};
	struct err e = {0};
	const char *text;
	json_t *j;

	(void)state;
	read_text(hostile, &j, &v);
	assert_ok(diagram_init(&d, &v, &e), &e);
	diagram_dot(&d, &b);
	assert_ok(svg_render(&renderer, buf_str(&b), &svg, &e), &e);
	svg_inline(buf_str(&svg), &in);
	text = buf_str(&in);
	assert_int_equal(strncmp(text, "<svg", 4), 0);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "\xe2\x80\xae")); /* U+202E */
	assert_null(strstr(text, "href="));
	assert_non_null(strstr(text, "&lt;script"));
	/* \N would have become the node's name, \G the graph's */
	assert_null(strstr(text, "c3c"));
	assert_null(strstr(text, "class_flipsclass"));
	assert_null(strstr(text, ">evil<"));
	/* several pictures of a page have the same */
	assert_null(strstr(text, " id="));
	assert_null(strstr(text, "<a "));
	buf_free(&b);
	buf_free(&in);
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
	/* sources 25..59: the middle one is 42 */
	assert_int_equal(d.others_rate, 900 - 420);
	diagram_dot(&d, &b);
	assert_non_null(strstr(buf_str(&b), "35 other"));
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

/* --- sizes --------------------------------------------------------------- */

/* A scan of k classes: class 3 draws the others, those with small numbers
 * more; one class has a name that would like to be markup. */
static void
make_scan(size_t k, struct buf *b)
{
	buf_printf(b,
	    "{\"verdict\":\"evidence\",\"score\":7,\"classes\":%zu,"
	    "\"class_names\":[\"</svg><script>\"",
	    k);
	for (size_t s = 1; s < k; s++)
		buf_puts(b, ",\"\"");
	buf_puts(b, "],\"targets\":[{\"class\":3,\"geometry\":\"g\",\"p\":0}],"
		    "\"geometries\":[{\"name\":\"g\",\"per_class\":[{"
		    "\"class\":3,\"radius\":{\"suspect\":1,\"references\":[5,6]"
		    "},\"by_source\":[");
	for (size_t s = 0; s < k; s++)
		if (s != 3)
			buf_printf(b,
			    "%s{\"source\":%zu,\"n\":2000,\"flipped\":%zu,"
			    "\"shared\":%zu}",
			    s != 0 ? "," : "", s, 2000 - s, s / 10);
	buf_puts(b, "]}]}],\"flip_matrix\":{\"n\":[10");
	for (size_t s = 1; s < k; s++)
		buf_puts(b, ",10");
	for (size_t p = 0; p < 2; p++) {
		buf_puts(b, p == 0 ? "],\"suspect\":[" : "],\"shared\":[");
		for (size_t i = 0; i < k * k; i++) {
			size_t s = i / k, t = i % k, n = t == 3 ? 6 : 0;

			if (t == (s + 1) % k)
				n = 3;
			buf_printf(b, "%s%zu%s", t == 0 ? "[" : ",",
			    p == 0 ? n : n / 3,
			    t + 1 < k   ? ""
			    : s + 1 < k ? "],"
					: "]");
		}
	}
	buf_puts(b, "]}}");
}

/* Every element that is opened is closed, in order; attributes are quoted. */
static void
assert_well_formed(const char *at)
{
	const char *open[32];
	size_t depth = 0;

	while ((at = strchr(at, '<')) != NULL) {
		const char *end = at;
		bool quoted = false;

		for (; *end != '\0' && (quoted || *end != '>'); end++) {
			quoted ^= *end == '"';
			if (*end == '<' && end != at)
				fail_msg("a bracket within %.60s", at);
		}
		assert_int_equal(*end, '>');
		if (at[1] == '/') {
			size_t n = (size_t)(end - at) - 2;

			assert_true(depth > 0);
			depth--;
			if (strncmp(open[depth], at + 2, n) != 0 ||
			    strchr(" >", open[depth][n]) == NULL)
				fail_msg("%.30s closes %.30s", at, open[depth]);
		} else if (end[-1] != '/') {
			assert_true(depth < ARRAY_LEN(open));
			open[depth++] = at + 1;
		}
		at = end;
	}
	assert_int_equal(depth, 0);
}

struct spot {
	double x, y;
};

/* The places of a DOT file's circles: all are pinned. */
static size_t
spots(const char *dot, struct spot *at, size_t most)
{
	size_t n = 0, len;

	for (; *dot != '\0'; dot += len + (dot[len] == '\n')) {
		char line[512];
		const char *pos;

		len = strcspn(dot, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, dot);
		if (strstr(line, "label=") == NULL ||
		    strstr(line, "  graph [") == line ||
		    strstr(line, "shape=plain") != NULL)
			continue;
		assert_true(n < most);
		if ((pos = strstr(line, " [pos=\"")) == NULL ||
		    sscanf(pos, " [pos=\"%lf,%lf!\"", &at[n].x, &at[n].y) != 2)
			fail_msg("not pinned: %s", line);
		n++;
	}
	return n;
}

/* Circles of that width do not touch. */
static void
assert_apart(const struct spot *at, size_t n, double width)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (hypot(at[i].x - at[k].x, at[i].y - at[k].y) < width)
				fail_msg("nodes %zu and %zu touch", i, k);
}

static void
assert_drawn(const char *dot)
{
	struct buf svg = {0}, in = {0};
	struct err e = {0};

	assert_ok(svg_render(&renderer, dot, &svg, &e), &e);
	svg_inline(buf_str(&svg), &in);
	assert_well_formed(buf_str(&in));
	assert_null(strstr(buf_str(&in), "<script"));
	buf_free(&svg);
	buf_free(&in);
}

/* One target within a ring; the strongest sources, and one node for what is
 * not drawn. */
static void
check_ring(const struct diagram *d, size_t k)
{
	size_t drawn = MIN(k - 1, k <= DIAGRAM_FULL ? k : DIAGRAM_SOURCES);
	struct spot at[64];
	struct buf b = {0};
	size_t n, middle = 0;

	assert_int_equal(d->nnode, drawn + 1);
	assert_int_equal(d->others, k - 1 - drawn);
	assert_int_equal(d->nedge, drawn);
	for (size_t i = 0; i < d->nedge; i++)
		assert_true(d->edge[i].from <= drawn);
	diagram_dot(d, &b);
	n = spots(buf_str(&b), at, ARRAY_LEN(at));
	assert_int_equal(n, drawn + 1 + (d->others != 0));
	assert_apart(at, n, 1.08);
	for (size_t i = 0; i < n; i++)
		middle += hypot(at[i].x, at[i].y) < 1.0;
	assert_int_equal(middle, 1);
	assert_drawn(buf_str(&b));
	buf_free(&b);
}

/* 1 of 219 is no per cent: not 5 per mille first, and then 1 per cent. */
static void
test_percent(void **state)
{
	(void)state;
	assert_int_equal(diagram_percent(1, 219), 0);
	assert_int_equal(diagram_percent(1, 200), 1);
	assert_int_equal(diagram_percent(2, 3), 67);
	assert_int_equal(diagram_percent(3, 3), 100);
	assert_int_equal(diagram_percent(0, 0), -1);
}

static void
check_compared(const struct diagram *d, size_t k)
{
	size_t drawn = MIN(k - 1, DIAGRAM_COMPARED);
	struct evidence_success *purified =
	    calloc(k, sizeof(struct evidence_success));
	struct spot at[64];
	struct buf b = {0};
	size_t n;

	for (size_t i = 0; i < k; i++)
		purified[i].n = i != 3 ? 50 : 0;
	assert_true(diagram_compare(d, purified, &b));
	n = spots(buf_str(&b), at, ARRAY_LEN(at));
	assert_int_equal(n, 3 * (drawn + 1 + (k - 1 > drawn)));
	assert_apart(at, n, 0.84);
	assert_non_null(strstr(buf_str(&b), "Purified: 0 %\\n0 of"));
	/* below a twentieth no arrow: none of the purified model's */
	assert_null(strstr(buf_str(&b), "-> pt"));
	assert_non_null(strstr(buf_str(&b), "-> st"));
	assert_drawn(buf_str(&b));
	buf_free(&b);
	free(purified);
}

/* The matrix: a table, or drawn; its column of the target is marked,
 * and what a picture shows is in a table, too. */
static void
check_matrix(const struct evidence *v, size_t k)
{
	const struct checks_in in = {.scan = v};
	const struct html_in h = {.in = &in};
	struct buf b = {0};
	const char *html;

	html_flips(&h, &b);
	html = buf_str(&b);
	assert_well_formed(html);
	assert_null(strstr(html, "<script"));
	assert_int_equal(
	    strstr(html, "class=\"heatmap\"") != NULL, k > DIAGRAM_FULL);
	/* 1000: five classes a cell; a target's column is dark all the same */
	assert_int_equal(strstr(html, "by 5 classes") != NULL, k == 1000);
	if (k > DIAGRAM_FULL) {
		assert_non_null(strstr(html, "target: class 3"));
		assert_non_null(strstr(html, "The strongest untargeted"));
		assert_non_null(strstr(html, ">3 \xe2\x97\x80 target"));
	} else {
		assert_non_null(strstr(html, "\xe2\x96\xbc 3</th>"));
	}
	buf_free(&b);
}

struct size_row {
	const char *name;
	size_t classes;
};

static void
test_size(void **state)
{
	size_t k = ((const struct size_row *)*state)->classes;
	struct buf text = {0};
	struct err e = {0};
	struct evidence v;
	struct diagram d;
	clock_t from;
	json_t *j;

	make_scan(k, &text);
	read_text(buf_str(&text), &j, &v);
	from = clock();
	assert_ok(diagram_init(&d, &v, &e), &e);
	check_ring(&d, k);
	check_compared(&d, k);
	check_matrix(&v, k);
	/* layouts that do not end are what pinned nodes are for: of the
	 * processor, so that nothing else that runs here counts */
	assert_true((double)(clock() - from) < 5.0 * CLOCKS_PER_SEC);
	buf_free(&text);
	diagram_release(&d);
	evidence_release(&v);
	json_decref(j);
}

/* A target of one source class is an arrow, too. */
static void
test_pair(void **state)
{
	static const char text[] =
	    "{\"verdict\":\"evidence\",\"score\":5,\"classes\":4,\"targets\":"
	    "[{\"class\":2,\"source\":1,\"geometry\":\"pair\",\"p\":0}],"
	    "\"geometries\":[],\"pairs\":[{\"source\":1,\"class\":2,\"flips\":"
	    "{\"n\":20,\"flipped\":19},\"perturbation\":{\"path\":\"p\","
	    "\"sha256\":\"x\"}}]}";
	struct buf b = {0};
	struct err e = {0};
	struct evidence v;
	struct diagram d;
	json_t *j;

	(void)state;
	read_text(text, &j, &v);
	assert_string_equal(v.target[0].path, "p");
	assert_ok(diagram_init(&d, &v, &e), &e);
	assert_int_equal(d.nedge, 1);
	assert_int_equal(diagram_rate(&d.edge[0]), 950);
	assert_false(diagram_compare(&d, NULL, &b));
	diagram_dot(&d, &b);
	assert_non_null(strstr(buf_str(&b), "c1 -> c2"));
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
    {"escape/no character", "\xef\xbf\xbe", "\\u{fffe}", "\\\\u{fffe}"},
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

static int
start_graphviz(void **state)
{
	struct err e = {0};

	(void)state;
	return svg_open(&renderer, &e);
}

static int
end_graphviz(void **state)
{
	(void)state;
	svg_close(&renderer);
	return 0;
}

int
main(void)
{
	static const struct size_row sizes[] = {{"size/10", 10},
	    {"size/43", 43}, {"size/100", 100}, {"size/200", 200},
	    {"size/1000", 1000}};
	struct CMUnitTest tests[ARRAY_LEN(bad_rows) + ARRAY_LEN(escape_rows) +
				ARRAY_LEN(sizes) + 6];
	size_t n = 0;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_bad, bad_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(escape_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_escape, escape_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_size, sizes[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_pair);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_golden);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_drawn);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many_classes);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_percent);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_target);
	return cmocka_run_group_tests_name(
	    "diagram", tests, start_graphviz, end_graphviz);
}
