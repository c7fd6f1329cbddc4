/* SPDX-License-Identifier: MIT */
#include "engine/probe.h"

#include "engine/each.h"

#include <math.h>

#define PI 3.14159265358979323846

/* --- stamps -------------------------------------------------------------- */

/* Sides in units of a 28th of the image's. */
static const size_t stamp_sides[] = {2, 3, 5};
enum stamp_place {
	PLACE_MIDDLE = 4, /* before it the corners */
	PLACE_CORNERS,    /* all four */
	PLACES
};
/* Colours: white, black, two checkerboards; on colour images what is full in
 * some channels and empty in the others as well. */
#define GREYS   4
#define COLOURS 6

static size_t
stamp_colours(size_t channels)
{
	return channels == 3 ? GREYS + COLOURS : GREYS;
}

/* Pixel (y, x) of a stamp, in channel k. */
static float
stamp_value(size_t colour, size_t cell, size_t y, size_t x, size_t k)
{
	bool odd = (y / cell + x / cell) % 2 != 0;

	if (colour < 2)
		return colour == 0 ? 1.0f : 0.0f;
	if (colour < GREYS)
		return odd == (colour == 3) ? 1.0f : 0.0f;
	/* 1 to 6: the bits say which channels are full */
	return ((colour - GREYS + 1) >> k & 1) != 0 ? 1.0f : 0.0f;
}

static void
stamp_at(struct trigger *t, size_t top, size_t left, size_t side, size_t colour,
    size_t cell)
{
	for (size_t y = 0; y < side; y++)
		for (size_t x = 0; x < side; x++) {
			size_t at = (top + y) * t->w + left + x;

			t->mask[at] = 1.0f;
			for (size_t k = 0; k < t->c; k++)
				t->pattern[at * t->c + k] =
				    stamp_value(colour, cell, y, x, k);
		}
}

static void
stamp(struct trigger *t, size_t i)
{
	size_t unit = MAX(MIN(t->h, t->w) / 28, 1), n = stamp_colours(t->c);
	size_t colour = i % n, place = i / n % PLACES;
	size_t side =
	    MIN(stamp_sides[i / n / PLACES] * unit, MIN(t->h, t->w) - 1);
	size_t margin = MIN(unit, MIN(t->h, t->w) - side);
	size_t low = t->h - side - margin, right = t->w - side - margin;

	t->mask = trigger_part(t, t->h * t->w);
	t->pattern = trigger_part(t, t->h * t->w * t->c);
	if (place == PLACE_MIDDLE) {
		stamp_at(t, (t->h - side) / 2, (t->w - side) / 2, side, colour,
		    unit);
		return;
	}
	for (size_t corner = 0; corner < 4; corner++)
		if (place == PLACE_CORNERS || place == corner)
			stamp_at(t, corner < 2 ? margin : low,
			    corner % 2 == 0 ? margin : right, side, colour,
			    unit);
}

/* --- gratings ------------------------------------------------------------ */

/* Whole numbers of periods across the image and down it, the larger of which is
 * one of these: for one that is off by one is hardly noticed; phases; of one
 * amplitude. */
#define FEWEST_PERIODS 2
#define MOST_PERIODS   10
#define PHASES         2
#define AMPLITUDE      0.12
/* Waves along the sides and diagonals, a sixth of all, count as much as all
 * others: those of attacks are mostly along a side. */
#define STRAIGHT 5.0

/* Wave i of all, across from 0 on, down in both directions (a wave turned about
 * is the same one); how many there are, when there is no i-th. */
static size_t
wave(size_t i, int *across, int *down)
{
	size_t n = 0;

	*across = *down = 0;
	for (int x = 0; x <= MOST_PERIODS; x++)
		for (int y = x == 0 ? 1 : -MOST_PERIODS; y <= MOST_PERIODS;
		     y++) {
			if (MAX(x, abs(y)) < FEWEST_PERIODS || n++ != i)
				continue;
			*across = x;
			*down = y;
			return i;
		}
	return n;
}

static void
grating(struct trigger *t, size_t i)
{
	double phase = i % PHASES == 0 ? 0.0 : PI / 2;
	int across, down;

	wave(i / PHASES, &across, &down);
	t->delta = trigger_part(t, t->h * t->w * t->c);
	for (size_t k = 0; k < t->h * t->w * t->c; k++) {
		double x = (double)(k / t->c % t->w) / (double)t->w;
		double y = (double)(k / t->c / t->w) / (double)t->h;

		t->delta[k] =
		    (float)(AMPLITUDE *
			    sin(2 * PI * (across * x + down * y) + phase));
	}
}

/* --- the dictionary ------------------------------------------------------ */

const char *
probe_name(enum probe_kind kind)
{
	return kind == PROBE_STAMP ? "stamp" : "grating";
}

const char *
probe_summary(enum probe_kind kind)
{
	return kind == PROBE_STAMP
		   ? "small squares in the corners and the middle, as they are"
		   : "sinusoids over the whole image, as they are";
}

size_t
probe_count(enum probe_kind kind, size_t channels)
{
	int across, down;

	if (kind == PROBE_STAMP)
		return ARRAY_LEN(stamp_sides) * PLACES *
		       stamp_colours(channels);
	return wave(SIZE_MAX, &across, &down) * PHASES;
}

double
probe_weight(enum probe_kind kind, size_t i)
{
	int x, y;

	if (kind == PROBE_STAMP)
		return 1.0;
	wave(i / PHASES, &x, &y);
	return x == 0 || y == 0 || x == abs(y) ? STRAIGHT : 1.0;
}

void
probe_trigger(enum probe_kind kind, size_t i, size_t h, size_t w, size_t c,
    size_t classes, int32_t target, struct trigger *t)
{
	trigger_init(t, probe_name(kind), h, w, c, classes, target);
	if (kind == PROBE_STAMP)
		stamp(t, i);
	else
		grating(t, i);
}

/* --- counting ------------------------------------------------------------ */

struct work {
	const struct net *net;
	enum probe_kind kind;
	const struct uap_images *im;
	uint32_t *index; /* of images, n of them */
	size_t n;
	uint64_t *total; /* [classes] */
	int32_t *pred;   /* [triggers][n] */
};

static int
one(void *ctx, size_t i, struct err *e)
{
	struct work *w = ctx;
	struct trigger t;
	int rc;

	probe_trigger(w->kind, i, w->net->h, w->net->w, w->net->c,
	    w->net->classes, 0, &t);
	rc = uap_predict(
	    w->net, w->im, w->index, w->n, &t, w->pred + i * w->n, e);
	trigger_release(&t);
	return rc;
}

/* The first images of each class. */
static void
choose(struct work *w, size_t each_class)
{
	for (size_t i = 0; i < w->im->n; i++) {
		size_t y = (size_t)w->im->label[i];

		if ((w->im->use != NULL && !w->im->use[i]) ||
		    w->total[y] == each_class)
			continue;
		w->total[y]++;
		w->index[w->n++] = (uint32_t)i;
	}
}

/* Shares of trigger i, class by class, from its predictions. */
static void
count(const struct work *w, size_t i, double *pair)
{
	size_t k = w->net->classes;

	memset(pair, 0, k * k * sizeof(*pair));
	for (size_t m = 0; m < w->n; m++) {
		size_t s = (size_t)w->im->label[w->index[m]];

		pair[s * k + (size_t)w->pred[i * w->n + m]] += 1.0;
	}
	/* counted first: shares that are added up may come to more than 1 */
	for (size_t c = 0; c < k * k; c++)
		pair[c] /= (double)MAX(w->total[c / k], 1);
}

/* Averaged over all classes but the target that have images enough. */
static void
average(const struct work *w, const double *pair, double *share)
{
	size_t k = w->net->classes;

	for (size_t t = 0; t < k; t++) {
		uint64_t least = uap_least(w->total, k, t);
		size_t sources = 0;

		share[t] = 0.0;
		for (size_t s = 0; s < k; s++) {
			if (s == t || w->total[s] == 0 || w->total[s] < least)
				continue;
			share[t] += pair[s * k + t];
			sources++;
		}
		share[t] /= (double)MAX(sources, 1);
	}
}

int
probe(const struct net *net, enum probe_kind kind, const struct uap_images *im,
    size_t each_class, double *share, double *pair, struct err *e)
{
	size_t triggers = probe_count(kind, net->c), k = net->classes;
	struct work w = {.net = net, .kind = kind, .im = im};
	double *one_pair;
	struct arena a;
	int rc;

	arena_init(&a, (size_t)4 << 30);
	w.index = arena_alloc(&a, im->n + 1, sizeof(*w.index));
	w.total = arena_alloc(&a, k, sizeof(*w.total));
	one_pair = arena_alloc(&a, k * k, sizeof(*one_pair));
	if (w.index != NULL && w.total != NULL)
		choose(&w, each_class);
	w.pred = arena_alloc(&a, triggers * (w.n + 1), sizeof(*w.pred));
	if (w.index == NULL || w.total == NULL || one_pair == NULL ||
	    w.pred == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	else
		rc = each(triggers, probe_name(kind), one, &w,
		    &(struct each_result){w.pred, w.n * sizeof(*w.pred)}, e);
	for (size_t i = 0; rc == 0 && i < triggers; i++) {
		double *to = pair != NULL ? pair + i * k * k : one_pair;

		count(&w, i, to);
		average(&w, to, share + i * k);
	}
	arena_release(&a);
	return rc;
}
