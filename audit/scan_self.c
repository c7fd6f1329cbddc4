/* SPDX-License-Identifier: MIT
 * What one model says by itself: MM-BD, Expected Transferability, Neural
 * Cleanse's index.  They stand beside the verdict and never make it evidence:
 * on clean models each of them raises alarms (audit/EVALUATION.md).
 */
#include "audit/scan_arms.h"

#include "base/stat.h"

#include <math.h>

/* An index of infinity (half of the radii are one number) as a number. */
#define INDEX_MOST 1e6

/* Masks by Neural Cleanse's own size, for the classes that are searched. */
static int
neural_cleanse(struct scan *s, struct err *e)
{
	struct profile_config cfg = s->opt.budget->profile;
	struct uap_config steps = profile_steps(&cfg, &geometry_patch);
	struct profile_job job = scan_job(s, 0, &cfg, "");
	struct uap_cell *cell = scan_need(s, s->classes, sizeof(*cell));
	struct uap_found *found = scan_need(s, s->classes, sizeof(*found));
	double *mask = scan_need(s, s->classes, sizeof(*mask));
	size_t n = 0, at = 0;
	int rc;

	s->self.cleanse = (double)NAN;
	for (size_t t = 0; t < s->classes; t++)
		if (s->plan.target[t])
			cell[n++] =
			    (struct uap_cell){.geometry = &geometry_mask,
				.source = UAP_ALL,
				.target = (int32_t)t,
				.seed = s->opt.seed};
	if (n < 3)
		return 0;
	rc = uap_search(job.net, &steps, &job.im.fit, &job.im.test, cell, n,
	    "masks", found, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		mask[i] = found[i].radius[UAP_RADIUS];
	uap_release(found, n);
	s->self.cleanse = fmin(stat_anomaly(mask, n, &at), INDEX_MOST);
	s->self.cleanse_class = (size_t)cell[at].target;
	return 0;
}

int
scan_margins(struct scan *s, struct err *e)
{
	struct mm_bd_config cfg = mm_bd_defaults();
	int rc;

	cfg.seed = s->opt.seed;
	s->self.margin =
	    scan_need(s, s->suspect.net.classes, sizeof(*s->self.margin));
	rc = mm_bd_margins(&s->suspect.net, &cfg, "margins", s->self.margin, e);
	if (rc == 0)
		s->self.mm_bd =
		    mm_bd_test(s->self.margin, s->suspect.net.classes);
	return rc;
}

int
scan_self(struct scan *s, struct err *e)
{
	struct transfer_config cfg = transfer_defaults();
	int rc;

	if ((rc = neural_cleanse(s, e)) != 0 || (rc = scan_margins(s, e)) != 0)
		return rc;
	cfg.seed = s->opt.seed;
	s->self.transfer = scan_need(s, s->classes, sizeof(*s->self.transfer));
	rc = transfer_measure(&s->suspect.net, &cfg, &s->fit, "transferability",
	    s->self.transfer, e);
	s->self.measured = rc == 0;
	return rc;
}

/* --- the document -------------------------------------------------------- */

static json_t *
margins_json(const struct scan *s)
{
	const struct mm_bd_verdict *v = &s->self.mm_bd;
	json_t *j = json_object(), *list = json_array();

	json_put(j, "class", json_integer((json_int_t)v->class));
	json_put(j, "p", json_number(v->p));
	json_put(j, "score", json_number(v->score));
	for (size_t t = 0; t < s->suspect.net.classes; t++)
		json_add(list, json_number(s->self.margin[t]));
	json_put(j, "margins", list);
	return j;
}

static json_t *
transfer_json(const struct scan *s)
{
	const struct transfer_class *t = s->self.transfer;
	json_t *j = json_object(), *list = json_array();
	size_t top = transfer_top(t, s->classes);

	json_put(j, "class", json_integer((json_int_t)top));
	json_put(j, "score", json_number(t[top].et));
	json_put(j, "threshold", json_number(TRANSFER_THRESHOLD));
	for (size_t i = 0; i < s->classes; i++) {
		json_t *row = json_object();

		json_put(row, "et", json_number(t[i].et));
		json_put(row, "se", json_number(t[i].se));
		json_add(list, row);
	}
	json_put(j, "per_class", list);
	return j;
}

json_t *
scan_self_json(const struct scan *s)
{
	json_t *j = json_object(), *nc;

	if (s->self.margin != NULL)
		json_put(j, "mm_bd", margins_json(s));
	if (!s->self.measured)
		return j;
	nc = json_object();
	json_put(nc, "index", json_number(s->self.cleanse));
	json_put(nc, "class", json_integer((json_int_t)s->self.cleanse_class));
	json_put(j, "neural_cleanse", nc);
	json_put(j, "transfer", transfer_json(s));
	return j;
}
