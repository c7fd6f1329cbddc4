/* SPDX-License-Identifier: MIT */
#include "formats/binary.h"

#include "base/map.h"

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "model too large");
}

/* All names of values and tensors. */
static int
collect(const struct model *m, struct map *names, struct err *e)
{
	int rc = map_put(names, m->input, 0);

	for (size_t i = 0; i < m->ntensor && rc >= 0; i++)
		rc = map_put(names, m->tensor[i].name, 0);
	for (size_t i = 0; i < m->nnode && rc >= 0; i++)
		for (size_t k = 0; k < m->node[i].nout && rc >= 0; k++)
			rc = map_put(names, m->node[i].out[k], 0);
	return rc < 0 ? full(e) : 0;
}

/* A name that nothing has: one of as many as there are names, and one more. */
static const char *
fresh(struct model *m, struct err *e)
{
	struct arena scratch;
	struct map names;
	const char *name = "two classes";

	arena_init(&scratch, (size_t)1 << 30);
	map_init(&names, &scratch);
	if (collect(m, &names, e) != 0)
		name = NULL;
	for (size_t i = 2; name != NULL && map_get(&names, name) != SIZE_MAX;
	     i++)
		if ((name = arena_printf(&m->arena, "two classes %zu", i)) ==
		    NULL)
			full(e);
	arena_release(&scratch);
	return name;
}

static int
append(struct model *m, const char *name, struct err *e)
{
	static const int64_t pads[] = {0, 1, 0, 0};
	static const double reals[] = {0, 1, 0, 0};
	struct node *all =
	    arena_alloc(&m->arena, m->nnode + 1, sizeof(*m->node));
	const char **ends = arena_alloc(&m->arena, 2, sizeof(*ends));
	struct attr *at = arena_alloc(&m->arena, 3, sizeof(*at));

	if (all == NULL || ends == NULL || at == NULL)
		return full(e);
	if (m->nnode != 0)
		memcpy(all, m->node, m->nnode * sizeof(*all));
	at[0] =
	    (struct attr){.name = "mode", .kind = ATTR_TEXT, .s = "constant"};
	at[1] = (struct attr){.name = "pads",
	    .kind = ATTR_INTS,
	    .ints = pads,
	    .reals = reals,
	    .n = ARRAY_LEN(pads)};
	at[2] = (struct attr){.name = "value", .kind = ATTR_REAL};
	ends[0] = m->output;
	ends[1] = name;
	all[m->nnode++] = (struct node){.op = "Pad",
	    .name = name,
	    .in = ends,
	    .nin = 1,
	    .out = ends + 1,
	    .nout = 1,
	    .attr = at,
	    .nattr = 3};
	m->node = all;
	m->output = name;
	return 0;
}

int
binary_classes(struct model *m, const char *tail, struct err *e)
{
	const char *name;
	int rc;

	if (m->classes != 1)
		return 0;
	if (tail != NULL && strcmp(tail, "Sigmoid") != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "one output behind a %s, which is the same for every image",
		    tail);
	if ((name = fresh(m, e)) == NULL)
		return ERR_LIMIT;
	if ((rc = append(m, name, e)) != 0)
		return rc;
	m->classes = 2;
	m->second = true;
	m->note = arena_printf(&m->arena,
	    "%s%sthe one output is the second of two classes",
	    m->note != NULL ? m->note : "",
	    m->note != NULL && *m->note != '\0' ? "; " : "");
	return m->note != NULL ? 0 : full(e);
}
