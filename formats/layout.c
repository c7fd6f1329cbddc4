/* SPDX-License-Identifier: MIT */
#include "formats/layout.h"

static const struct layout *const table[] = {
#define LAYOUT(stem) &layout_##stem,
#include "formats/layout.def"
#undef LAYOUT
    NULL};

const struct layout *
layout_find(const struct source *s)
{
	for (size_t i = 0; table[i] != NULL && s->folder >= 0; i++)
		if (table[i]->probe(s))
			return table[i];
	return NULL;
}

int
layout_open(struct source *s, struct err *e)
{
	const struct layout *l = layout_find(s);

	if (l != NULL)
		return l->open(s, e);
	if (s->nfile != 0 || s->folder < 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "a folder that is no model of a known layout");
}
