/* SPDX-License-Identifier: MIT */
#include "report/page.h"

#include "report/escape.h"

#include <math.h>
#include <stdarg.h>

const char page_dash[] = "\xe2\x80\x94";

static void
close_tag(struct buf *b, const char *tag)
{
	buf_puts(b, "</");
	buf_append(b, tag, strcspn(tag, " "));
	buf_puts(b, ">");
}

void
page_el(struct buf *b, const char *tag, const char *fmt, ...)
{
	struct buf text = {0};
	char room[512];
	va_list ap;
	int n;

	buf_printf(b, "<%s>", tag);
	va_start(ap, fmt);
	n = vsnprintf(room, sizeof(room), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(room)) {
		char *at;

		/* room for the whole text, then format again */
		for (int i = 0; i <= n; i++)
			buf_u8(&text, ' ');
		at = (char *)text.ptr;
		va_start(ap, fmt);
		vsnprintf(at, (size_t)n + 1, fmt, ap);
		va_end(ap);
		escape_html(b, at);
	} else if (n >= 0) {
		escape_html(b, room);
	}
	buf_free(&text);
	close_tag(b, tag);
}

void
page_begin(struct buf *b, const char *title, const char *foot)
{
	buf_puts(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		    "<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
		    "img-src data:; base-uri 'none'; form-action 'none'\">\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n");
	page_el(b, "title", "%s", title);
	buf_puts(b, "\n<style>\n");
	for (size_t i = 0; page_style[i] != NULL; i++)
		buf_puts(b, page_style[i]);
	if (foot != NULL)
		buf_printf(b,
		    "@page{@bottom-left{content:\"%s\";font-size:8pt}}\n",
		    foot);
	buf_puts(b, "</style>\n</head>\n<body>\n");
}

void
page_section(struct buf *b, const char *id, const char *title)
{
	buf_printf(b, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n", id, id);
	buf_printf(b, "<h2 id=\"%s-h\">", id);
	escape_html(b, title);
	buf_puts(b, "</h2>\n");
}

void
page_section_end(struct buf *b)
{
	buf_puts(b, "</section>\n");
}

void
page_table(struct buf *b, const char *caption, const char *const *column)
{
	buf_puts(b, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
		    "aria-label=\"");
	escape_html(b, caption);
	buf_puts(b, "\"><table>");
	buf_puts(b, "<caption>");
	page_el(b, "span", "%s", caption);
	buf_puts(b, "</caption>");
	buf_puts(b, "<thead><tr>");
	for (; *column != NULL; column++) {
		bool number = (*column)[0] == '#';

		page_el(b,
		    number ? "th scope=\"col\" class=\"num\""
			   : "th scope=\"col\"",
		    "%s", *column + number);
	}
	buf_puts(b, "</tr></thead>\n<tbody>\n");
}

void
page_table_end(struct buf *b)
{
	buf_puts(b, "</tbody></table></div>\n");
}

void
page_rest(struct buf *b, size_t shown, size_t all, const char *where)
{
	if (shown < all)
		page_el(b, "p", "The first %zu of %zu; all are in %s.", shown,
		    all, where);
}

void
page_fact(struct buf *b, bool code, const char *name, const char *text)
{
	page_el(b, "dt", "%s", name);
	buf_puts(b, "<dd>");
	if (code)
		page_el(b, "code", "%s", text);
	else
		escape_html(b, text);
	buf_puts(b, "</dd>\n");
}

const char *
page_value(const json_t *j, const char *path, char *room, size_t size)
{
	const json_t *v = json_at(j, path);

	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		snprintf(
		    room, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		snprintf(room, size, "%.6g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(room, size, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(room, size, "%s", page_dash);
	return room;
}

void
page_number(struct buf *b, double v, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	page_el(b, "td class=\"num\"", "%s", isfinite(v) ? text : page_dash);
}

void
page_count(struct buf *b, int64_t n)
{
	if (n < 0)
		page_el(b, "td class=\"num\"", "%s", page_dash);
	else
		page_el(b, "td class=\"num\"", "%" PRId64, n);
}

void
page_fold(struct buf *b, bool open, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(b, open ? "<details open><summary>" : "<details><summary>");
	escape_html(b, text);
	buf_puts(b, "</summary>\n");
}

void
page_fold_end(struct buf *b)
{
	buf_puts(b, "</details>\n");
}
