/* SPDX-License-Identifier: MIT
 * What the re-activation checks say, in numbers and in sentences.
 */
#include "purify/reactivate.h"

#include <math.h>

/* --- sentences ------------------------------------------------------------ */

static double
percent(const struct measure_count *c)
{
	return c->n != 0 ? 100.0 * (double)c->hit / (double)c->n : 0.0;
}

static void
say(json_t *list, struct buf *b)
{
	json_add(list, json_text(buf_str(b)));
	buf_free(b);
	*b = (struct buf){0};
}

static void
say_alone(const struct reactivate_trigger *t, json_t *list)
{
	struct buf b = {0};

	if (t->given)
		buf_printf(&b, "The given trigger (%s)", t->name);
	else
		buf_printf(&b, "The change that was found in the original (%s)",
		    t->name);
	if (t->target >= 0)
		buf_printf(&b, " for class %d", t->target);
	if (t->source >= 0)
		buf_printf(&b, " from class %d", t->source);
	buf_printf(&b,
	    " reaches its target on %.1f %% of %" PRIu64
	    " images in the original and on %.1f %% in the purified model.",
	    percent(&t->original), t->original.n, percent(&t->purified));
	say(list, &b);
}

static void
say_perturbed(const struct reactivate_trigger *t, json_t *list)
{
	struct buf b = {0};

	buf_printf(&b,
	    "With the best further change of at most %g a pixel it reaches "
	    "the target on %.1f %% in the purified model; such a change "
	    "without it on %.1f %%.",
	    REACTIVATE_NORM, percent(&t->perturbed), percent(&t->perturbation));
	say(list, &b);
}

static void
say_tuned(const struct reactivate *r, const struct reactivate_trigger *t,
    json_t *list)
{
	struct buf b = {0};

	if (!t->has_tuned) {
		buf_puts(&b, "Training the purified model further was not "
			     "possible.");
		say(list, &b);
		return;
	}
	buf_printf(&b,
	    "Trained for %d epochs on %zu clean images and %d that carry it, "
	    "the purified model goes to the target on %.1f %%",
	    RETUNE_EPOCHS, MIN(r->ntrain, RETUNE_IMAGES), RETUNE_POISONED,
	    percent(&t->tuned));
	if (t->has_clean)
		buf_printf(
		    &b, "; on clean images alone, %.1f %%", percent(&t->clean));
	if (t->has_yardstick)
		buf_printf(&b,
		    "; with a square of random dots in its place, %.1f %%",
		    percent(&t->yardstick.tuned));
	buf_puts(&b, ".");
	say(list, &b);
}

static void
say_direction(const struct reactivate_trigger *t, json_t *list)
{
	const struct direction *d = &t->direction;
	struct buf b = {0};

	if (d->size == 0 || !isfinite(d->cosine))
		return;
	buf_printf(&b,
	    "In %s it moves images by %.2f of the clean length in the "
	    "original and by %.2f in the purified model, in directions with a "
	    "cosine of %.2f",
	    d->logits ? "the logits" : "the features of the last layer",
	    d->before, d->after, d->cosine);
	if (isfinite(t->yardstick.cosine))
		buf_printf(&b, "; the square of random dots has %.2f",
		    t->yardstick.cosine);
	buf_puts(&b, ".");
	say(list, &b);
}

static json_t *
sentences(const struct reactivate *r, const struct reactivate_trigger *t)
{
	json_t *list = json_array();

	say_alone(t, list);
	if (t->original.n == 0)
		return list;
	say_perturbed(t, list);
	say_tuned(r, t, list);
	say_direction(t, list);
	return list;
}

/* --- numbers -------------------------------------------------------------- */

static json_t *
count_json(const struct measure_count *c, bool there)
{
	json_t *j;

	if (!there || c->n == 0)
		return json_null();
	j = json_object();
	json_put(j, "reached", json_integer((json_int_t)c->hit));
	json_put(j, "n", json_integer((json_int_t)c->n));
	json_put(j, "rate", json_number((double)c->hit / (double)c->n));
	return j;
}

static json_t *
class_json(int32_t class)
{
	return class >= 0 ? json_integer(class) : json_null();
}

static json_t *
tuned_json(const struct reactivate_trigger *t)
{
	json_t *j = json_object();

	json_put(j, "poisoned", count_json(&t->tuned, t->has_tuned));
	json_put(j, "clean", count_json(&t->clean, t->has_clean));
	json_put(
	    j, "yardstick", count_json(&t->yardstick.tuned, t->has_yardstick));
	json_put(j, "yardstick_before",
	    count_json(&t->yardstick.purified, t->has_yardstick));
	json_put(j, "accuracy",
	    t->has_tuned ? json_number(percent(&t->tuned_accuracy) / 100)
			 : json_null());
	return j;
}

static json_t *
direction_json(const struct reactivate_trigger *t)
{
	const struct direction *d = &t->direction;
	json_t *j;

	if (d->size == 0 || d->n == 0)
		return json_null();
	j = json_object();
	json_put(j, "of", json_text(d->logits ? "logits" : "features"));
	json_put(j, "size", json_integer((json_int_t)d->size));
	json_put(j, "n", json_integer((json_int_t)d->n));
	json_put(j, "cosine", json_number(d->cosine));
	json_put(j, "cosine_yardstick", json_number(t->yardstick.cosine));
	json_put(j, "shift_original", json_number(d->before));
	json_put(j, "shift_purified", json_number(d->after));
	return j;
}

static json_t *
trigger_json(const struct reactivate *r, const struct reactivate_trigger *t)
{
	json_t *j = json_object();

	json_put(j, "name", json_text(t->name));
	json_put(j, "from", json_text(t->given ? "file" : "scan"));
	json_put(j, "target", class_json(t->target));
	json_put(j, "source", class_json(t->source));
	json_put(j, "original", count_json(&t->original, true));
	json_put(j, "purified", count_json(&t->purified, true));
	json_put(j, "perturbed", count_json(&t->perturbed, true));
	json_put(j, "perturbation_alone", count_json(&t->perturbation, true));
	json_put(j, "retuned", tuned_json(t));
	json_put(j, "direction", direction_json(t));
	json_put(j, "sentences", sentences(r, t));
	return j;
}

json_t *
reactivate_json(const struct reactivate *r)
{
	json_t *j = json_object(), *list = json_array(),
	       *tuning = json_object();

	json_put(j, "norm", json_number(REACTIVATE_NORM));
	json_put(j, "steps", json_integer(PUSH_STEPS));
	json_put(tuning, "clean",
	    json_integer((json_int_t)MIN(r->ntrain, RETUNE_IMAGES)));
	json_put(tuning, "poisoned", json_integer(RETUNE_POISONED));
	json_put(tuning, "epochs", json_integer(RETUNE_EPOCHS));
	json_put(j, "retuning", tuning);
	json_put(j, "images", json_integer((json_int_t)r->ncount));
	for (size_t i = 0; i < r->n; i++)
		json_add(list, trigger_json(r, &r->trigger[i]));
	json_put(j, "triggers", list);
	return j;
}
