/* SPDX-License-Identifier: MIT */
#include "formats/torch_behind.h"

#include "base/limits.h"
#include "formats/arch.h"
#include "formats/torch_leaf.h"
#include "formats/torch_sequential.h"

#define NOWHERE INT64_MAX

/* "12.weight": 12, and what is behind the dot; -1: no number comes first. */
static int64_t
place(const char *name, const char **rest)
{
	int64_t v = 0;
	const char *at = name;

	for (; *at >= '0' && *at <= '9' && v < 1000; at++)
		v = 10 * v + (*at - '0');
	*rest = at + 1;
	return at == name || *at != '.' ? -1 : v;
}

/* Where the architecture is: the only place of which a name has more parts;
 * NOWHERE: there is none, or several, or something comes before it. */
static int64_t
body_of(const struct weights *w)
{
	int64_t body = NOWHERE, at, least = NOWHERE;
	const char *rest;

	for (size_t i = 0; i < w->n; i++) {
		if (w->ignored[i])
			continue;
		if ((at = place(w->tensor[i].name + w->prefix, &rest)) < 0)
			return NOWHERE;
		least = MIN(least, at);
		if (strchr(rest, '.') == NULL)
			continue;
		if (body != NOWHERE && body != at)
			return NOWHERE;
		body = at;
	}
	return body == least ? body : NOWHERE;
}

/* Of a state dict: the two tensors of a linear layer at the next place. */
static bool
one_linear(const struct weights *w, int64_t body)
{
	const char *rest;
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		const struct tensor *t = &w->tensor[i];
		int64_t at = place(t->name + w->prefix, &rest);

		if (w->ignored[i] || at == body)
			continue;
		n++;
		if (at != body + 1 ||
		    !(strcmp(rest, "weight") == 0 && t->rank == 2) !=
			(strcmp(rest, "bias") == 0))
			return false;
	}
	return n == 1 || n == 2;
}

static bool
anything_behind(const struct weights *w, int64_t body)
{
	const char *rest;

	for (size_t i = 0; i < w->n; i++)
		if (!w->ignored[i] &&
		    place(w->tensor[i].name + w->prefix, &rest) > body)
			return true;
	return false;
}

bool
torch_behind_is(const struct torch_found *f, const struct weights *w)
{
	int64_t body = body_of(w);

	if (body == NOWHERE || !anything_behind(w, body))
		return false;
	return f->nlayer != 0 ? f->row && !f->in_order : one_linear(w, body);
}

/* --- the graph ------------------------------------------------------------ */

struct behind {
	const struct torch_found *f;
	const struct arch_family *family;
	struct weights inner; /* of the architecture alone */
	size_t *from;         /* of each: where it is among all */
	int64_t body;
};

/* What was drawn over the inner weights was used of all of them. */
static void
give_back(struct behind *b, struct weights *w)
{
	for (size_t i = 0; i < b->inner.n; i++) {
		size_t at = b->from[i];

		w->tensor[at] = b->inner.tensor[i]; /* it may be turned */
		w->used[at] = b->inner.used[i];
		w->turned[at] = b->inner.turned[i];
		w->ignored[at] = b->inner.ignored[i];
	}
}

static const char *
draw(struct draw *a, const char *image)
{
	struct behind *b = (struct behind *)(uintptr_t)a->ctx;
	struct weights *all = a->w;
	const char *x;

	a->w = &b->inner;
	a->ctx = NULL;
	x = b->family->draw(a, image);
	a->w = all;
	a->ctx = b;
	give_back(b, all);
	draw_note(a, "architecture %s at place %" PRId64 ", layers behind it",
	    b->family->name, b->body);
	return b->f->nlayer != 0
		   ? torch_sequential_behind(a, b->f, b->body, x)
		   : draw_classifier(
			 a, draw_path(a, "%" PRId64, b->body + 1), x);
}

static const struct arch_family row = {
    .name = "a row of an architecture and layers",
    .draw = draw,
};

/* The tensors and numbers at the architecture's place. */
static int
take_inner(
    struct behind *b, const struct weights *w, struct arena *a, struct err *e)
{
	struct tensor *t = arena_alloc(a, w->n + 1, sizeof(*t));
	struct weights_attr *attr = arena_alloc(a, w->nattr + 1, sizeof(*attr));
	size_t n = 0, nattr = 0;
	const char *rest;

	b->from = arena_alloc(a, w->n + 1, sizeof(*b->from));
	if (t == NULL || attr == NULL || b->from == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
	for (size_t i = 0; i < w->n; i++) {
		if (w->ignored[i] ||
		    place(w->tensor[i].name + w->prefix, &rest) != b->body)
			continue;
		b->from[n] = i;
		t[n++] = w->tensor[i];
	}
	for (size_t i = 0; i < w->nattr; i++)
		if (strlen(w->attr[i].name) > w->prefix &&
		    place(w->attr[i].name + w->prefix, &rest) == b->body)
			attr[nattr++] = w->attr[i];
	return weights_init(&b->inner, a, t, n, attr, nattr, e);
}

int
torch_behind_load(const struct torch_found *f, const struct hints *h,
    struct weights *w, struct model *m, struct err *e)
{
	struct behind b = {.f = f, .body = body_of(w)};
	int rc;

	if ((rc = take_inner(&b, w, &m->arena, e)) != 0)
		return rc;
	if (f->nlayer != 0) {
		b.inner.row = torch_sequential_part;
		b.inner.found = f;
	}
	if ((rc = arch_choose(h, &b.inner, &b.family, e)) != 0 ||
	    (rc = arch_draw(&row, &b, h, w, m, e)) != 0)
		return rc;
	return torch_leaf_check(f, &b.inner, m, e);
}
