/* SPDX-License-Identifier: MIT */
#include "report/svg.h"

#include <graphviz/gvc.h>
#include <math.h>

static int
render(GVC_t *gvc, Agraph_t *g, struct buf *out)
{
	unsigned len = 0;
	char *data = NULL;
	int rc = -1;

	if (gvLayout(gvc, g, "neato") != 0)
		return -1;
	if (gvRenderData(gvc, g, "svg", &data, &len) == 0 && data != NULL) {
		buf_append(out, data, len);
		rc = 0;
	}
	gvFreeRenderData(data);
	gvFreeLayout(gvc, g);
	return rc;
}

int
svg_open(struct svg *s, struct err *e)
{
	if ((s->context = gvContext()) == NULL)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "graphviz does not start");
	agseterr(AGERR); /* names that do not fit are not worth a warning */
	return 0;
}

void
svg_close(struct svg *s)
{
	if (s->context != NULL)
		gvFreeContext(s->context);
	s->context = NULL;
}

int
svg_render(struct svg *s, const char *dot, struct buf *out, struct err *e)
{
	Agraph_t *g = agmemread(dot);
	int rc = -1;

	if (g != NULL) {
		rc = render(s->context, g, out);
		agclose(g);
	}
	if (rc != 0)
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "graphviz cannot draw the class-flip diagram");
	return 0;
}

/* The value of an attribute of the tag that begins here, and its length. */
static const char *
attribute(const char *tag, const char *name, size_t *len)
{
	const char *end = strchr(tag, '>'), *at = strstr(tag, name);

	if (at == NULL || end == NULL || at > end)
		return NULL;
	at += strlen(name);
	*len = strcspn(at, "\"");
	return at;
}

/* Graphviz' points are 1/72 inch, pixels of a page 1/96. */
static void
put_size(struct buf *out, const char *tag)
{
	static const char *const name[] = {" width=\"", " height=\""};
	static const char box[] = " viewBox=\"";
	const char *v;
	size_t len;

	buf_puts(out, "<svg");
	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if ((v = attribute(tag, name[i], &len)) != NULL)
			buf_printf(out, "%s%ld\"", name[i],
			    lround(strtod(v, NULL) * 96.0 / 72.0));
	/* on a line of its own in Graphviz' text */
	if ((v = attribute(tag, box + 1, &len)) != NULL) {
		buf_puts(out, box);
		buf_append(out, v, len);
		buf_puts(out, "\"");
	}
	buf_puts(out, ">");
}

/* Copy one tag, but for its id. */
static void
put_tag(struct buf *out, const char *tag, size_t n)
{
	const char *id;
	size_t len;

	id = attribute(tag, " id=\"", &len);
	if (id == NULL) {
		buf_append(out, tag, n);
		return;
	}
	buf_append(out, tag, (size_t)(id - strlen(" id=\"") - tag));
	buf_append(out, id + len + 1, n - (size_t)(id + len + 1 - tag));
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

void
svg_inline(const char *svg, struct buf *out)
{
	const char *at = strstr(svg, "<svg"), *end, *tip;
	size_t n, len;

	while (at != NULL && *at != '\0') {
		if (*at != '<') { /* text */
			n = strcspn(at, "<");
			buf_append(out, at, n);
			at += n;
			continue;
		}
		end = strstr(at, begins(at, "<!--") ? "-->" : ">");
		if (end == NULL)
			return;
		n = (size_t)(end - at) + (begins(at, "<!--") ? 3 : 1);
		if (begins(at, "<svg")) {
			put_size(out, at);
		} else if (begins(at, "<title>")) { /* a name within the DOT */
			const char *close = strstr(at, "</title>");

			if (close == NULL)
				return;
			n = (size_t)(close - at) + strlen("</title>");
		} else if (begins(at, "<a ")) {
			tip = attribute(at, "xlink:title=\"", &len);
			if (tip != NULL) {
				buf_puts(out, "<title>");
				buf_append(out, tip, len);
				buf_puts(out, "</title>");
			}
		} else if (!begins(at, "</a>") && !begins(at, "<!--")) {
			put_tag(out, at, n);
		}
		at += n;
	}
}
