/* SPDX-License-Identifier: MIT
 * One cell: a head, the map of classes, and the parts that the trigger has.
 * All are as the program has them in memory: ranks are of one build.
 */
#include "engine/uap_exchange.h"

#include "base/ranks.h"

struct head {
	double radius[UAP_SHARES], lo, hi;
	uint64_t flipped, n;
	uint32_t reached, parts; /* reached: 2 where the search was blind */
};

#define PARTS 4

struct part {
	float **at;
	size_t n;
};

static void
parts_of(struct trigger *t, struct part *p)
{
	size_t pixels = t->h * t->w;

	p[0] = (struct part){&t->mask, pixels};
	p[1] = (struct part){&t->pattern, pixels * t->c};
	p[2] = (struct part){&t->delta, pixels * t->c};
	p[3] = (struct part){&t->warp, pixels * 2};
}

static void
write_one(struct uap_found *f, struct buf *out)
{
	struct head h = {.lo = f->lo,
	    .hi = f->hi,
	    .flipped = f->flipped,
	    .n = f->n,
	    .reached = (f->reached ? 1U : 0U) | (f->blind ? 2U : 0U)};
	struct part part[PARTS];

	memcpy(h.radius, f->radius, sizeof(h.radius));
	parts_of(&f->trigger, part);
	for (size_t i = 0; i < PARTS; i++)
		h.parts |= *part[i].at != NULL ? 1U << i : 0;
	buf_append(out, &h, sizeof(h));
	buf_append(
	    out, f->trigger.map, f->trigger.classes * sizeof(*f->trigger.map));
	for (size_t i = 0; i < PARTS; i++)
		if (*part[i].at != NULL)
			buf_append(out, *part[i].at, part[i].n * sizeof(float));
}

static const uint8_t *
take(const uint8_t *from, void *to, size_t n)
{
	memcpy(to, from, n);
	return from + n;
}

static const uint8_t *
read_one(const struct net *net, const struct uap_cell *c, const uint8_t *from,
    struct uap_found *f)
{
	struct trigger *t = &f->trigger;
	struct part part[PARTS];
	struct head h;

	from = take(from, &h, sizeof(h));
	*f = (struct uap_found){.lo = h.lo,
	    .hi = h.hi,
	    .flipped = h.flipped,
	    .n = h.n,
	    .reached = (h.reached & 1) != 0,
	    .blind = (h.reached & 2) != 0};
	memcpy(f->radius, h.radius, sizeof(h.radius));
	trigger_init(
	    t, c->geometry->name, net->h, net->w, net->c, net->classes, -1);
	from = take(from, t->map, t->classes * sizeof(*t->map));
	parts_of(t, part);
	for (size_t i = 0; i < PARTS; i++) {
		if ((h.parts >> i & 1) == 0)
			continue;
		*part[i].at = trigger_part(t, part[i].n);
		from = take(from, *part[i].at, part[i].n * sizeof(float));
	}
	return from;
}

void
uap_exchange(const struct net *net, const struct uap_cell *cell, size_t n,
    struct uap_found *found)
{
	struct ranks_share own = ranks_share(n);
	struct buf mine = {0}, all = {0};
	const uint8_t *from;

	if (ranks_count() == 1)
		return;
	for (size_t i = own.from; i < own.to; i++)
		write_one(&found[i], &mine);
	ranks_collect(&mine, &all);
	from = all.ptr;
	for (size_t i = 0; i < n; i++) {
		struct uap_found f;

		from = read_one(net, &cell[i], from, &f);
		if (i >= own.from && i < own.to)
			trigger_release(&f.trigger);
		else
			found[i] = f;
	}
	buf_free(&mine);
	buf_free(&all);
}
