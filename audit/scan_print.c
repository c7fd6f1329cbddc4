/* SPDX-License-Identifier: MIT
 * The scan for people.
 */
#include "audit/scan_doc.h"

static void
print_class(const struct scan *s, size_t g, size_t t)
{
	const struct uap_found *f =
	    &s->suspect.profile[0].cell[g * s->classes + t];
	struct scan_flips n = scan_flips_sum(s, g, t);
	char spare[32];

	printf("%c %-20.20s",
	    s->nref != 0 && s->in.class_[t].target ? '*' : ' ',
	    scan_class_name(s, t, spare, sizeof(spare)));
	if (f->n == 0) {
		printf(" not searched\n");
		return;
	}
	printf(" %c%8.3g", f->reached ? ' ' : '>', f->radius[UAP_RADIUS]);
	if (s->nref != 0)
		printf(" %6.2f %9.2g %4" PRIu64 "/%" PRIu64, s->family[g].z[t],
		    s->in.class_[t].adjusted < 1 ? s->in.class_[t].adjusted
						 : 1.0,
		    n.shared, n.flipped);
	printf("\n");
}

/* Simple triggers that were put on images as they are. */
static void
print_probes(const struct scan *s, enum probe_kind kind)
{
	const struct verdict_family *f = SCAN_PROBE(s, kind);
	const double *share = s->suspect.profile[0].share[kind];
	char spare[32];

	printf("\n%s: %s (share: of other classes' images)\n", probe_name(kind),
	    probe_summary(kind));
	printf("  %-20s %9s %6s\n", "class", "share", "z");
	for (size_t t = 0; t < s->classes; t++)
		printf("%c %-20.20s %9.2f %6.2f\n",
		    s->in.class_[t].target ? '*' : ' ',
		    scan_class_name(s, t, spare, sizeof(spare)),
		    share[s->probe[kind][t] * s->classes + t], f->z[t]);
}

static void
print_pairs(const struct scan *s)
{
	char from[32], to[32];
	size_t k = s->classes, said = 0;

	printf("\npairs of classes, and maps of all\n");
	for (size_t i = 0; i < k * k; i++) {
		const struct verdict_hypothesis *h = &s->in.pairs[i];
		bool stamp = h->family == VERDICT_PAIR_STAMP;

		if (!h->target || scan_pair_said(s, i))
			continue;
		said++;
		printf("* %s -> %s  %s, z %.2f  p %.2g\n",
		    scan_class_name(s, i / k, from, sizeof(from)),
		    scan_class_name(s, i % k, to, sizeof(to)),
		    stamp ? "stamp" : "patch",
		    (stamp ? s->pair_stamp : s->pair).z[i], h->adjusted);
	}
	if (!s->in.map.target) {
		if (said == 0)
			printf("  none stands out\n");
		return;
	}
	printf("* all classes, mean z %.2f, p %.2g:", s->in.map_mean,
	    s->in.map.adjusted);
	for (size_t i = 0; i < k; i++)
		printf(" %s -> %s%s", scan_class_name(s, i, from, sizeof(from)),
		    scan_class_name(s, s->in.to[i], to, sizeof(to)),
		    i + 1 < k ? "," : "\n");
}

static void
print_margins(const struct scan *s)
{
	char spare[32];

	printf("\nmargins (MM-BD): largest of class %s, p %.2g\n",
	    scan_class_name(s, s->self.mm_bd.class, spare, sizeof(spare)),
	    s->self.mm_bd.p);
}

static void
print_before(const json_t *doc)
{
	const json_t *list = json_at(doc, "before.targets"), *t;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, t)
	{
		const json_t *from = json_at(t, "source");

		printf("before: class %" JSON_INTEGER_FORMAT,
		    json_integer_value(json_at(t, "class")));
		if (json_is_integer(from))
			printf(" from class %" JSON_INTEGER_FORMAT,
			    json_integer_value(from));
		printf(" was a target and %s\n",
		    json_is_true(json_at(t, "left")) ? "still is"
						     : "is none any more");
	}
	if (json_integer_value(json_at(doc, "before.new")) != 0)
		printf("before: %" JSON_INTEGER_FORMAT
		       " targets were none then\n",
		    json_integer_value(json_at(doc, "before.new")));
}

/* What is near the level may be a trigger that the search did not reach. */
static void
print_harder(const struct scan *s)
{
	const struct scan_budget *most = &scan_budgets[scan_nbudget - 1];

	if (s->verdict == VERDICT_INCONCLUSIVE && s->nref != 0 && !s->doubted &&
	    strcmp(s->opt.budget->name, most->name) != 0)
		printf("a harder search may tell: --budget %s\n", most->name);
}

void
scan_print(const struct scan *s, const json_t *doc)
{
	printf("verdict: %s (score %.2f)\n%s\n", verdict_name(s->verdict),
	    s->score, s->why);
	print_harder(s);
	print_before(doc);
	if (s->self.margin != NULL)
		print_margins(s);
	if (s->arm == SCAN_NO_DATA)
		return;
	for (size_t g = 0; g < geometry_count; g++) {
		printf("\n%s: %s (radius: %s)\n", geometry_table[g]->name,
		    geometry_table[g]->summary, geometry_table[g]->unit);
		printf("  %-20s %9s %6s %9s %9s\n", "class", "radius", "z", "p",
		    "shared");
		for (size_t t = 0; t < s->classes; t++)
			print_class(s, g, t);
	}
	for (enum probe_kind i = 0; s->nref != 0 && i < PROBE_KINDS; i++)
		print_probes(s, i);
	if (s->pairs)
		print_pairs(s);
}
