/* SPDX-License-Identifier: MIT
 * What is true, of numbers, texts and lists; of tensors it is not known.
 */
#include "formats/script_base.h"

#include <math.h>

#define arg  script_base_arg
#define real script_base_real

static bool
is_whole(const struct script_value *v)
{
	return v->type == SCRIPT_INT || v->type == SCRIPT_BOOL;
}

/* The length of a text that is not known, but has one. */
static bool
is_some(const struct script_value *v)
{
	return v->type == SCRIPT_UNKNOWN && v->s == script_words_some;
}

/* -1, 0, 1; 2: not known.  Whole numbers are compared as such. */
static int
order(const struct script_value *x, const struct script_value *y)
{
	double a, b;

	if (is_some(x) && is_whole(y) && y->i <= 0)
		return 1;
	if (is_some(y) && is_whole(x) && x->i <= 0)
		return -1;
	if (is_whole(x) && is_whole(y))
		return x->i < y->i ? -1 : x->i > y->i;
	if (!real(x, &a) || !real(y, &b) || isnan(a) || isnan(b))
		return 2;
	return a < b ? -1 : a > b;
}

/* A size of an image that is asked whether it is nothing, or less. */
static bool
is_size_of_none(const struct script_value *x, const struct script_value *y)
{
	return x->type == SCRIPT_TENSOR && x->t->rank == 0 &&
	       x->t->size_of != NULL && y->type == SCRIPT_INT && y->i <= 0;
}

/* 1, 0; -1: not known */
static int
same(struct script *s, const struct script_value *x,
    const struct script_value *y)
{
	int all = 1, o = order(x, y);

	if (o != 2)
		return o == 0;
	if (is_size_of_none(x, y) || is_size_of_none(y, x))
		return 0;
	if (x->type == SCRIPT_TEXT && y->type == SCRIPT_TEXT)
		return strcmp(x->s, y->s) == 0;
	if (x->type == SCRIPT_ROW && y->type == SCRIPT_ROW) {
		if (x->list->n != y->list->n)
			return 0;
		s->steps += x->list->n;
		for (size_t i = 0; i < x->list->n && all == 1; i++)
			all = x->list->v[i].type == SCRIPT_ROW
				  ? -1
				  : same(s, &x->list->v[i], &y->list->v[i]);
		return all;
	}
	return -1; /* not known */
}

static void
put_truth(struct script_value *out, int known)
{
	if (known < 0)
		*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	else
		*out =
		    (struct script_value){.type = SCRIPT_BOOL, .i = known != 0};
}

/* Whether it is asked of each number of a tensor: of one that has a rank. */
static bool
of_each(const struct script_args *a)
{
	for (size_t i = 0; i < 2; i++)
		if (arg(a, i)->type == SCRIPT_TENSOR && arg(a, i)->t->rank != 0)
			return true;
	return false;
}

static int
is_eq(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	if ((*known = !of_each(a)))
		put_truth(out, same(s, arg(a, 0), arg(a, 1)));
	return 0;
}

static int
is_ne(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	int eq = same(s, arg(a, 0), arg(a, 1));

	if ((*known = !of_each(a)))
		put_truth(out, eq < 0 ? eq : !eq);
	return 0;
}

#define ORDER(name, test)                                                      \
	static int is_##name(struct script *s, const struct script_args *a,    \
	    struct script_value *out, bool *known)                             \
	{                                                                      \
		int o = order(arg(a, 0), arg(a, 1));                           \
                                                                               \
		(void)s;                                                       \
		if ((*known = !of_each(a)))                                    \
			put_truth(out, o == 2 ? -1 : (test));                  \
		return 0;                                                      \
	}
ORDER(lt, o < 0)
ORDER(gt, o > 0)
ORDER(le, o <= 0)
ORDER(ge, o >= 0)

static int
is_is(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0), *y = arg(a, 1);

	(void)known;
	put_truth(out, x->type == SCRIPT_UNKNOWN || y->type == SCRIPT_UNKNOWN
			   ? -1
		       : x->type == SCRIPT_NONE || y->type == SCRIPT_NONE
			   ? x->type == y->type
		       : x->type == SCRIPT_TENSOR && y->type == SCRIPT_TENSOR
			   ? x->t == y->t
			   : same(s, x, y));
	return 0;
}

static int
is_isnot(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	int rc = is_is(s, a, out, known);

	if (out->type == SCRIPT_BOOL)
		out->i = !out->i;
	return rc;
}

static int
is_not(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	double v;

	(void)s;
	(void)known;
	put_truth(out, real(arg(a, 0), &v) ? v == 0 : -1);
	return 0;
}

static int
is_any(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0);
	int any = 0;
	double v;

	*known = x->type == SCRIPT_ROW || x->type == SCRIPT_UNKNOWN ||
		 (x->type == SCRIPT_TENSOR && a->n == 1);
	if (x->type != SCRIPT_ROW)
		any = -1;
	else
		s->steps += x->list->n;
	for (size_t i = 0; any >= 0 && i < x->list->n && any != 1; i++)
		any = !real(&x->list->v[i], &v) ? -1 : v != 0 ? 1 : any;
	put_truth(out, any);
	return 0;
}

static int
is_all(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0);
	int all = 1;
	double v;

	if ((*known = x->type == SCRIPT_ROW))
		s->steps += x->list->n;
	for (size_t i = 0; *known && i < x->list->n && all != 0; i++)
		all = !real(&x->list->v[i], &v) ? -1 : v == 0 ? 0 : all;
	put_truth(out, all);
	return 0;
}

static int
is_contains(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	const struct script_value *x = arg(a, 0);
	int found = 0;

	(void)known;
	if (x->type != SCRIPT_ROW)
		found = -1;
	for (size_t i = 0; found == 0 && i < x->list->n; i++, s->steps++)
		found = same(s, &x->list->v[i], arg(a, 1));
	put_truth(out, found);
	return 0;
}

static int
do_min(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	int o = order(arg(a, 0), arg(a, 1));

	(void)known;
	*out = *arg(a, o == 1);
	if (a->n == 1 && out->type == SCRIPT_ROW) { /* the least of a list */
		put_truth(out, -1);
		return 0;
	}
	return o != 2 ? 0 : script_fail(s, "min", "of what is not known");
}

static int
do_max(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	int o = order(arg(a, 0), arg(a, 1));

	(void)known;
	*out = *arg(a, o == -1);
	return o != 2 ? 0 : script_fail(s, "max", "of what is not known");
}

static int
do_bool(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	double v;

	(void)s;
	(void)known;
	put_truth(out, real(arg(a, 0), &v) ? v != 0 : -1);
	return 0;
}

const struct script_base script_truth[] = {
    {"torch.eq", is_eq},
    {"torch.ne", is_ne},
    {"torch.lt", is_lt},
    {"torch.gt", is_gt},
    {"torch.le", is_le},
    {"torch.ge", is_ge},
    {"torch.__is__", is_is},
    {"torch.__isnot__", is_isnot},
    {"torch.__not__", is_not},
    {"torch.any", is_any},
    {"torch.all", is_all},
    {"torch.__contains__", is_contains},
    {"bool", do_bool},
    {"ops.prim.min", do_min},
    {"ops.prim.max", do_max},
    {NULL, NULL},
};
