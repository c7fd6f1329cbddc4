/* SPDX-License-Identifier: MIT */
#include "audit/check_keras_cost.h"

#include "audit/check_cost.h"
#include "base/limits.h"

#include <math.h>

/* Sizes of what a layer makes or holds: of one line all that are there count together
 * (an embedding has input_dim times output_dim weights). */
static const char *const together[][4] = {
    {"input_dim", "output_dim"},
    {"vocabulary_size", "hidden_dim"},
    {"filters", "kernel_size"},
    {"units"},
    {"n"},
    {"size"},
    {"target_shape"},
    {"batch_shape"},
    {"batch_input_shape"},
    {"input_shape"},
};

/* A number, or those of a list, multiplied; 1 where nothing is said. */
static double
product(const json_t *v)
{
	double n = 1.0;

	if (json_is_number(v))
		return fmax(fabs(json_number_value(v)), 1.0);
	for (size_t i = 0; i < json_array_size(v); i++)
		n *= product(json_array_get(v, i));
	return n;
}

static bool
too_large(const json_t *config, char *what, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(together); i++) {
		double n = 1.0;

		for (size_t k = 0; k < ARRAY_LEN(together[i]); k++)
			if (together[i][k] != NULL)
				n *= product(
				    json_object_get(config, together[i][k]));
		if (!(n > CHECK_COST_ELEMENTS)) /* or NaN */
			continue;
		snprintf(what, size, "%.1e elements or more by its %s", n,
		    together[i][0]);
		return true;
	}
	return false;
}

struct walk {
	const struct check_file *f;
	const char *name;
	unsigned depth;
};

static bool
object(struct walk *w, const json_t *o)
{
	const char *class = json_string_value(json_object_get(o, "class_name"));
	const json_t *config = json_object_get(o, "config");
	char what[64];

	/* what is sparse makes no room for its shape */
	if (class == NULL || json_is_true(json_object_get(config, "sparse")) ||
	    !too_large(config, what, sizeof(what)))
		return false;
	check_find(w->f, FINDING_KERAS_COST, ERR_NOWHERE, "%s%s%.100s: %s",
	    w->name, *w->name != '\0' ? ": " : "", class, what);
	return true;
}

/* True once it was said.  What is deeper than the limit, check_keras_walk() finds. */
static bool
look(struct walk *w, const json_t *v)
{
	bool said = false;
	const json_t *e;
	const char *key;
	size_t i;

	if (++w->depth > LIMIT_KERAS_DEPTH) {
		w->depth--;
		return false;
	}
	if (json_is_array(v)) {
		for (i = 0; i < json_array_size(v) && !said; i++)
			said = look(w, json_array_get(v, i));
	} else if (json_is_object(v)) {
		said = object(w, v);
		json_object_foreach((json_t *)(uintptr_t)v, key, e) said =
		    said || look(w, e);
	}
	w->depth--;
	return said;
}

void
check_keras_cost(const struct check_file *f, const char *name, const json_t *v)
{
	struct walk w = {.f = f, .name = name};

	(void)look(&w, v);
}
