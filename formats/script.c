/* SPDX-License-Identifier: MIT */
#include "formats/script.h"

#include "base/limits.h"

#include <stdarg.h>

int
script_fail(struct script *s, const char *callee, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(s->e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "torch: the code calls '%.80s': %s", callee, what);
}

int
script_full(struct script *s)
{
	return err_set(s->e, ERR_LIMIT, ERR_NOWHERE, "torch: model too large");
}

struct script_tensor *
script_tensor(struct script *s, const char *name, size_t rank)
{
	struct script_tensor *t = arena_alloc(s->arena, 1, sizeof(*t));

	if (t == NULL || name == NULL)
		return NULL;
	t->name = name;
	t->rank = rank;
	for (size_t i = 0; i < MODEL_MAX_RANK; i++)
		t->dim[i] = -1;
	return t;
}

int
script_row(struct script *s, struct script_value *out)
{
	*out = (struct script_value){.type = SCRIPT_ROW};
	out->list = arena_alloc(s->arena, 1, sizeof(*out->list));
	return out->list != NULL ? 0 : script_full(s);
}

int
script_row_add(
    struct script *s, struct script_row *l, const struct script_value *v)
{
	if (s->steps++ > SCRIPT_STEPS)
		return script_full(s);
	if (l->n == l->room) {
		size_t room = MAX(4, 2 * l->room);
		struct script_value *more =
		    arena_alloc(s->arena, room, sizeof(*more));

		if (more == NULL || room > LIMIT_NODES)
			return script_full(s);
		if (l->n != 0)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
		l->room = room;
	}
	l->v[l->n++] = *v;
	return 0;
}
