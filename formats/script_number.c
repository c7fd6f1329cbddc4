/* SPDX-License-Identifier: MIT */
#include "formats/script_base.h"

#include <math.h>

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* Python's, of whole numbers, where the result is one. */
static bool
whole(const char *op, int64_t a, int64_t b, int64_t *out)
{
	if (strcmp(op, "add") == 0)
		return !ckd_add(out, a, b);
	if (strcmp(op, "sub") == 0)
		return !ckd_sub(out, a, b);
	if (strcmp(op, "mul") == 0)
		return !ckd_mul(out, a, b);
	if (b == 0 || b == -1)
		return false;
	if (strncmp(op, "floor", 5) == 0)
		*out = floor_div(a, b);
	else if (strcmp(op, "remainder") == 0)
		*out = a - b * floor_div(a, b);
	else
		return false;
	return true;
}

static bool
real(const struct script_value *v, double *out)
{
	*out = v->type == SCRIPT_INT ? (double)v->i : v->f;
	return v->type == SCRIPT_INT || v->type == SCRIPT_REAL;
}

bool
script_number(const char *op, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	double a, b;

	if (!real(x, &a) || !real(y, &b))
		return false;
	*out = (struct script_value){.type = SCRIPT_INT};
	if (x->type == SCRIPT_INT && y->type == SCRIPT_INT &&
	    whole(op, x->i, y->i, &out->i))
		return true;
	out->type = SCRIPT_REAL;
	if (strcmp(op, "add") == 0)
		out->f = a + b;
	else if (strcmp(op, "sub") == 0)
		out->f = a - b;
	else if (strcmp(op, "mul") == 0)
		out->f = a * b;
	else if (strcmp(op, "div") == 0 && b != 0)
		out->f = a / b;
	else if (strncmp(op, "floor", 5) == 0 && b != 0)
		out->f = floor(a / b);
	else if (strcmp(op, "pow") == 0)
		out->f = pow(a, b);
	else
		return false;
	/* a whole number stays one: 3 ** 2 */
	if (strcmp(op, "pow") == 0 && x->type == SCRIPT_INT &&
	    y->type == SCRIPT_INT && y->i >= 0 && fabs(out->f) < 1e15)
		*out = (struct script_value){
		    .type = SCRIPT_INT, .i = (int64_t)out->f};
	return true;
}
