/* SPDX-License-Identifier: MIT */
#include "formats/layout.h"

static const struct layout *const table[] = {
#define LAYOUT(stem) &layout_##stem,
#include "formats/layout.def"
#undef LAYOUT
    NULL};

int
layout_open(struct source *s, struct err *e)
{
	if (s->folder < 0)
		return 0;
	for (size_t i = 0; table[i] != NULL; i++)
		if (table[i]->probe(s))
			return table[i]->open(s, e);
	if (s->nfile != 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "a folder that is no model of a known layout");
}
