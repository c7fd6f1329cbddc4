/* SPDX-License-Identifier: MIT
 * What Python imports, and under which names.
 */
#include "audit/check_calls_walk.h"

static void
remember(struct walk *w, struct map *to, const struct pycode_token *name,
    const struct code_module *m)
{
	const char *s = arena_strdup(&w->arena, name->s, name->len);

	if (s == NULL || map_put(to, s, check_calls_module_index(m) + 1) < 0)
		w->full = true;
}

/* import a.b as c, d: the token behind "import" is at i; returns the end. */
size_t
check_calls_import(struct walk *w, size_t i)
{
	for (; i < w->n; i++) {
		const struct code_module *m = check_calls_module(at(w, i));
		size_t name = i, last = i;

		/* all that its compiler imports */
		if (w->torchscript && !is(w, i, "__torch__"))
			check_calls_find(
			    w, FINDING_TORCHSCRIPT_LIBRARY, i, "import of");
		while (is(w, last + 1, ".") &&
		       at(w, last + 2)->kind == PYCODE_NAME)
			last += 2;
		/* urllib.parse only cuts strings */
		if (m != NULL && m->allowed == NULL)
			check_calls_find(w, check_calls_module_weigh(w, m),
			    name, "import of");
		else if (m != NULL && last > i &&
			 check_calls_use_is_bad(w, m, i + 2))
			check_calls_find(w, check_calls_module_weigh(w, m),
			    i + 2, "import of");
		if (is(w, last + 1, "as")) {
			/* import os.path as osp: the name is the inner one's */
			m = last > i ? NULL : m;
			name = last + 2;
			last += 2;
		}
		i = last + 1;
		if (m != NULL && m->allowed != NULL)
			remember(w, &w->alias, at(w, name), m);
		if (!is(w, i, ","))
			break;
	}
	return i;
}

/* c as d of from M import c as d: a function that starts programs is no worse
 * than M, its calls are looked at. */
static size_t
import_name(struct walk *w, size_t i, const struct code_module *m)
{
	size_t local = is(w, i + 1, "as") ? i + 2 : i;

	if (at(w, i)->kind != PYCODE_NAME && !is(w, i, "*"))
		return i;
	if (check_calls_listed(m->functions, at(w, i)))
		remember(w, &w->function, at(w, local), m);
	else if (check_calls_use_is_bad(w, m, i))
		check_calls_find(
		    w, check_calls_module_weigh(w, m), i, "import of");
	return local;
}

/* from a.b import c as d, e: the token behind "from" is at i. */
size_t
check_calls_import_from(struct walk *w, size_t i)
{
	const struct code_module *m = check_calls_module(at(w, i));
	size_t first = i;

	if (is(w, i, "."))
		m = NULL; /* a file beside this one, looked at by itself */
	if (m != NULL && m->allowed == NULL)
		check_calls_find(
		    w, check_calls_module_weigh(w, m), i, "import from");
	while (at(w, i)->kind != PYCODE_LINE && at(w, i)->kind != PYCODE_END &&
	       !is(w, i, "import") && !is(w, i, ";"))
		i++;
	if (!is(w, i, "import"))
		return i;
	/* from urllib.parse import quote */
	if (m != NULL && m->allowed != NULL && i > first + 2) {
		if (check_calls_use_is_bad(w, m, first + 2))
			check_calls_find(w, check_calls_module_weigh(w, m),
			    first + 2, "import from");
		return i;
	}
	for (i++; at(w, i)->kind != PYCODE_LINE &&
		  at(w, i)->kind != PYCODE_END && !is(w, i, ";");
	     i++)
		if (m != NULL && m->allowed != NULL)
			i = import_name(w, i, m);
	return i;
}
