/* SPDX-License-Identifier: MIT */
#include "report/svg.h"

#include <graphviz/gvc.h>

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
svg_render(const char *dot, struct buf *out, struct err *e)
{
	GVC_t *gvc = gvContext();
	Agraph_t *g;
	int rc = -1;

	if (gvc == NULL)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "graphviz does not start");
	agseterr(AGERR); /* names that do not fit are not worth a warning */
	if ((g = agmemread(dot)) != NULL) {
		rc = render(gvc, g, out);
		agclose(g);
	}
	gvFreeContext(gvc);
	if (rc != 0)
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "graphviz cannot draw the class-flip diagram");
	return 0;
}

const char *
svg_element(const char *svg)
{
	const char *at = strstr(svg, "<svg");

	return at != NULL ? at : svg;
}
