/* SPDX-License-Identifier: MIT
 * An earlier version of the model.  Its perturbations and the suspect's are
 * exchanged: for class t and geometry G
 *
 *     b = images that the suspect's perturbation sends to t in the suspect
 *         but not in the earlier version,
 *     c = the same with the roles exchanged;
 *
 * were the versions exchangeable and images independent, b would be a fair
 * coin's of b + c (each perturbation favours the model it was made on, hence
 * the exchange).  p = P(Bin(b + c, 1/2) >= b), Holm over classes and
 * geometries.  Images under one perturbation are not independent, so that a
 * small p alone says little: a class must be a target by its residuals too.
 */
#include "audit/scan_arms.h"

#include "base/stat.h"
#include "base/student.h"
#include "engine/each.h"

#include <math.h>

/* Images that are tried. */
#define IMAGES 200

/* P(Bin(n, 1/2) >= b), by the incomplete beta function. */
static double
binomial_tail(uint64_t b, uint64_t n)
{
	return b == 0 ? 1.0
		      : student_beta((double)b, (double)(n - b) + 1.0, 0.5);
}

/* Images of other classes that `d` sends to t in model `own` and not in
 * `other`. */
static int
only_own(struct scan *s, const struct net *own, const struct net *other,
    const struct trigger *d, int32_t t, uint64_t *count, struct err *e)
{
	uint32_t index[IMAGES];
	int32_t mine[IMAGES], theirs[IMAGES];
	size_t n = 0;
	int rc;

	*count = 0;
	for (size_t i = 0; i < s->nboth && n < IMAGES; i++)
		if (s->test.label[s->both[i]] != t)
			index[n++] = s->both[i];
	if ((rc = uap_predict(own, &s->test, index, n, d, mine, e)) != 0 ||
	    (rc = uap_predict(other, &s->test, index, n, d, theirs, e)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		*count += mine[i] == t && theirs[i] != t;
	return 0;
}

static int
exchange(void *ctx, size_t at, struct err *e)
{
	struct scan *s = ctx;
	struct scan_exchange *x = &s->exchange[at];
	const struct scan_model *before = &s->ref[0];
	int32_t t = (int32_t)(at % s->classes);
	int rc;

	*x = (struct scan_exchange){.p = (double)NAN};
	if (s->suspect.profile[0].cell[at].n == 0)
		return 0;
	rc = only_own(s, &s->suspect.net, &before->net,
	    &s->suspect.profile[0].cell[at].trigger, t, &x->suspect, e);
	if (rc == 0)
		rc = only_own(s, &before->net, &s->suspect.net,
		    &before->profile[0].cell[at].trigger, t, &x->previous, e);
	if (rc == 0)
		x->p = binomial_tail(x->suspect, x->suspect + x->previous);
	return rc;
}

/* Holm over the cells that were searched. */
static void
adjust(struct scan *s, size_t n)
{
	double *p = scan_need(s, n, sizeof(*p));
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(s->exchange[i].p))
			p[k++] = s->exchange[i].p;
	stat_holm(p, k);
	k = 0;
	for (size_t i = 0; i < n; i++)
		s->exchange[i].adjusted =
		    isfinite(s->exchange[i].p) ? p[k++] : (double)NAN;
}

int
scan_previous(struct scan *s, struct err *e)
{
	size_t n = geometry_count * s->classes;

	int rc;

	s->exchange = scan_need(s, n, sizeof(*s->exchange));
	rc = each(n, "exchange", exchange, s,
	    &(struct each_result){s->exchange, sizeof(*s->exchange)}, e);
	if (rc == 0)
		adjust(s, n);
	return rc;
}

double
scan_exchange_p(const struct scan *s, size_t t)
{
	double least = (double)NAN;

	for (size_t g = 0; g < geometry_count; g++)
		least = fmin(least, s->exchange[g * s->classes + t].adjusted);
	return least;
}

json_t *
scan_exchange_json(const struct scan *s, size_t g, size_t t)
{
	const struct scan_exchange *x = &s->exchange[g * s->classes + t];
	json_t *j = json_object();

	json_put(j, "only_suspect", json_integer((json_int_t)x->suspect));
	json_put(j, "only_previous", json_integer((json_int_t)x->previous));
	json_put(j, "p", json_number(x->p));
	json_put(j, "p_adjusted", json_number(x->adjusted));
	return j;
}
