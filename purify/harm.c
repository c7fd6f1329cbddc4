/* SPDX-License-Identifier: MIT */
#include "purify/harm.h"

#include "base/text.h"
#include "engine/batch.h"
#include "engine/loss.h"

#include <math.h>

/* Images of a data set turned into floats at a time. */
#define PIECE 512

/* --- from logits ---------------------------------------------------------- */

struct bin {
	uint64_t n, hit;
	double confidence;
};

/* ln softmax, in double: a probability of zero would have no logarithm. */
static void
log_softmax(size_t k, const float *z, double *out)
{
	double top = -INFINITY, sum = 0.0;

	for (size_t c = 0; c < k; c++)
		top = fmax(top, (double)z[c]);
	for (size_t c = 0; c < k; c++)
		sum += exp((double)z[c] - top);
	for (size_t c = 0; c < k; c++)
		out[c] = (double)z[c] - top - log(sum);
}

static double
brier(size_t k, const double *lp, size_t y)
{
	double sum = 0.0;

	for (size_t c = 0; c < k; c++) {
		double d = exp(lp[c]) - (c == y ? 1.0 : 0.0);

		sum += d * d;
	}
	return sum;
}

/* Bins are open below: (0, 1/15], (1/15, 2/15], ... */
static void
put_in_bin(struct bin *bin, double p, bool hit)
{
	double at = ceil(p * HARM_BINS) - 1.0;
	size_t i = at > 0.0 ? (size_t)at : 0;

	i = MIN(i, HARM_BINS - 1);
	bin[i].n++;
	bin[i].hit += hit;
	bin[i].confidence += p;
}

static double
calibration(const struct bin *bin, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < HARM_BINS; i++)
		sum += fabs((double)bin[i].hit - bin[i].confidence);
	return sum / (double)n;
}

/* Adds one image to a side; its log-probabilities are left in lp. */
static size_t
add(struct harm_side *s, struct bin *bin, size_t k, const float *z, size_t y,
    double *lp)
{
	size_t c = loss_argmax(k, z);

	log_softmax(k, z, lp);
	s->correct += c == y;
	s->brier += brier(k, lp, y);
	put_in_bin(bin, exp(lp[c]), c == y);
	return c;
}

void
harm_compare(struct harm *h, const float *z0, const float *z,
    const int32_t *label, size_t n, size_t k, struct arena *a)
{
	struct bin bin0[HARM_BINS] = {{0}}, bin[HARM_BINS] = {{0}};
	double *lp = arena_alloc(a, 2 * k, sizeof(*lp));

	*h = (struct harm){.n = n, .classes = k};
	h->of = arena_alloc(a, k, sizeof(*h->of));
	if (lp == NULL || h->of == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t y = (size_t)label[i];
		size_t c0 = add(&h->before, bin0, k, z0 + i * k, y, lp);
		size_t c = add(&h->after, bin, k, z + i * k, y, lp + k);

		h->same += c0 == c;
		h->of[y].n++;
		h->of[y].before += c0 == y;
		h->of[y].after += c == y;
		/* a class that h0 rules out has no part in it */
		for (size_t q = 0; q < k; q++)
			if (isnan(lp[q]) || lp[q] > -(double)INFINITY)
				h->divergence +=
				    exp(lp[q]) * (lp[q] - lp[k + q]);
	}
	h->divergence /= (double)n;
	h->before.brier /= (double)n;
	h->after.brier /= (double)n;
	h->before.calibration = calibration(bin0, n);
	h->after.calibration = calibration(bin, n);
}

/* --- from images ---------------------------------------------------------- */

static int
logits_for(struct arena *a, size_t n, size_t k, float *z[2], struct err *e)
{
	for (size_t i = 0; i < 2; i++)
		if ((z[i] = arena_alloc(a, n * k, sizeof(float))) == NULL)
			return err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "the answers on %zu images do not fit in memory",
			    n);
	return 0;
}

int
harm_measure(struct harm *out, const struct net *h0, const struct net *h,
    const float *x, const int32_t *label, size_t n, struct arena *a,
    struct err *e)
{
	float *z[2];
	int rc;

	if ((rc = logits_for(a, n, h->classes, z, e)) != 0 ||
	    (rc = batch_logits(h0, x, n, z[0], e)) != 0 ||
	    (rc = batch_logits(h, x, n, z[1], e)) != 0)
		return rc;
	harm_compare(out, z[0], z[1], label, n, h->classes, a);
	return 0;
}

int
harm_measure_data(struct harm *out, const struct net *h0, const struct net *h,
    const struct dataset *d, struct arena *a, struct err *e)
{
	size_t image = d->h * d->w * d->c, k = h->classes;
	float *z[2], *x = arena_alloc(a, PIECE * image, sizeof(*x));
	int rc;

	if (x == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "images too large");
	if ((rc = logits_for(a, d->n, k, z, e)) != 0)
		return rc;
	for (size_t at = 0, m; at < d->n; at += m) {
		m = MIN(PIECE, d->n - at);
		for (size_t i = 0; i < m; i++)
			dataset_image(d, at + i, x + i * image);
		if ((rc = batch_logits(h0, x, m, z[0] + at * k, e)) != 0 ||
		    (rc = batch_logits(h, x, m, z[1] + at * k, e)) != 0)
			return rc;
	}
	harm_compare(out, z[0], z[1], d->label, d->n, k, a);
	return 0;
}

/* --- for documents and people --------------------------------------------- */

static double
lost(const struct harm_class *c)
{
	return c->n != 0 ? ((double)c->before - (double)c->after) / (double)c->n
			 : 0.0;
}

size_t
harm_worst(const struct harm *h)
{
	size_t worst = SIZE_MAX;
	double most = 0.0;

	for (size_t c = 0; c < h->classes; c++)
		if (lost(&h->of[c]) > most) {
			most = lost(&h->of[c]);
			worst = c;
		}
	return worst;
}

static json_t *
both(double before, double after)
{
	json_t *j = json_object();

	json_put(j, "before", json_number(before));
	json_put(j, "after", json_number(after));
	return j;
}

static json_t *
classes_json(const struct harm *h, const struct dataset *d)
{
	json_t *list = json_array();
	char spare[32];

	for (size_t c = 0; c < h->classes; c++) {
		const struct harm_class *of = &h->of[c];
		json_t *j = json_object();

		json_put(j, "class", json_integer((json_int_t)c));
		json_put(j, "name",
		    json_text(dataset_class(d, c, spare, sizeof(spare))));
		json_put(j, "n", json_integer((json_int_t)of->n));
		json_put(j, "before", json_integer((json_int_t)of->before));
		json_put(j, "after", json_integer((json_int_t)of->after));
		json_add(list, j);
	}
	return list;
}

json_t *
harm_json(const struct harm *h, const struct dataset *d)
{
	double n = (double)h->n;
	json_t *j = json_object();

	json_put(j, "n", json_integer((json_int_t)h->n));
	json_put(j, "accuracy",
	    both((double)h->before.correct / n, (double)h->after.correct / n));
	json_put(j, "agreement", json_number((double)h->same / n));
	json_put(j, "same_class", json_integer((json_int_t)h->same));
	json_put(j, "divergence", json_number(h->divergence));
	json_put(j, "calibration_error",
	    both(h->before.calibration, h->after.calibration));
	json_put(j, "brier", both(h->before.brier, h->after.brier));
	json_put(j, "per_class", classes_json(h, d));
	return j;
}

void
harm_print(const struct harm *h, const struct dataset *d, const char *which)
{
	size_t worst = harm_worst(h);
	char spare[32], safe[256];
	const char *name;

	printf("agreement with the original %.4f on %" PRIu64
	       " clean images (%s)",
	    (double)h->same / (double)h->n, h->n, which);
	if (worst == SIZE_MAX) {
		printf("; no class lost accuracy\n");
	} else {
		const struct harm_class *c = &h->of[worst];

		name = dataset_class(d, worst, spare, sizeof(spare));
		text_escape(name, strlen(name), safe, sizeof(safe));
		printf("; worst class %s: %.4f -> %.4f (n = %" PRIu64 ")\n",
		    safe, (double)c->before / (double)c->n,
		    (double)c->after / (double)c->n, c->n);
	}
	printf("calibration error %.4f -> %.4f, Brier score %.4f -> %.4f\n",
	    h->before.calibration, h->after.calibration, h->before.brier,
	    h->after.brier);
}
