/* SPDX-License-Identifier: MIT
 * Operators y = f(x) on each element: one description for the definition,
 * both kernels and the attributes; engine/op_unary.c and
 * engine/op_activation.c have the functions.
 */
#ifndef ENGINE_UNARY_H
#define ENGINE_UNARY_H

#include "engine/op.h"

#define UNARY_BLOCK  256 /* elements that one call of line or slope gets */
#define UNARY_PARAMS 2

/* p and q: the attributes, as numbers and as floats */
struct unary {
	double (*real)(double x, const double *p); /* NULL: not of reals */
	/* NULL: not of integers; false where the result does not exist */
	bool (*whole)(int64_t x, int64_t *y);
	void (*line)(size_t n, const float *restrict x, float *restrict y,
	    const float *q);
	/* the derivative, from the output with OP_KEEP_OUT, else the input */
	void (*slope)(size_t n, const float *restrict x, float *restrict d,
	    const float *q);
	struct {
		const char *name; /* NULL: none */
		double absent;
	} param[UNARY_PARAMS];
	bool asks; /* the output is BOOL */
};

/* What an operator's build leaves in step->cfg. */
struct unary_cfg {
	const struct unary *f;
	double p[UNARY_PARAMS];
	float q[UNARY_PARAMS];
};

int unary_build(const struct unary *, struct step *, const struct node *,
    struct arena *, struct err *) MUST_USE;
int unary_infer(const struct step *, const struct shape *const *in,
    struct shape *out, struct op_need *, struct err *) MUST_USE;
int unary_eval(const struct step *, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *) MUST_USE;
void unary_forward(const struct op_call *);
void unary_backward(const struct op_call *);

/* The derivative is zero: needs no `slope`. */
#define UNARY_FLAT NULL
#define UNARY_BACK unary_backward

/* op_<lower> from f_<lower>; back is UNARY_FLAT or UNARY_BACK */
#define UNARY(lower, title, back, flag, kept)                                  \
	static int lower##_build(struct step *s, const struct node *n,         \
	    struct arena *a, struct err *e)                                    \
	{                                                                      \
		return unary_build(&f_##lower, s, n, a, e);                    \
	}                                                                      \
	UNARY_OP(lower, title, back, flag, kept)

/* The same where lower##_build is written out. */
#define UNARY_OP(lower, title, back, flag, kept)                               \
	const struct op op_##lower = {                                         \
	    .name = title,                                                     \
	    .min_in = 1,                                                       \
	    .max_in = 1,                                                       \
	    .layout = OP_ANY,                                                  \
	    .flags = flag,                                                     \
	    .keep = kept,                                                      \
	    .build = lower##_build,                                            \
	    .infer = unary_infer,                                              \
	    .eval = unary_eval,                                                \
	    .forward = unary_forward,                                          \
	    .backward = back,                                                  \
	}

/* No attributes. */
#define UNARY_NONE                                                             \
	{                                                                      \
		{NULL, 0},                                                     \
		{                                                              \
			NULL, 0                                                \
		}                                                              \
	}

/* Functions of struct unary by an expression of x and p or q. */
#define UNARY_REAL(name, Y)                                                    \
	static double name##_real(double x, const double *p)                   \
	{                                                                      \
		(void)p;                                                       \
		return Y;                                                      \
	}
#define UNARY_EACH(name, Y)                                                    \
	VECTOR static void name(size_t n, const float *restrict px,            \
	    float *restrict py, const float *q)                                \
	{                                                                      \
		(void)q;                                                       \
		for (size_t i = 0; i < n; i++) {                               \
			float x = px[i];                                       \
			py[i] = Y;                                             \
		}                                                              \
	}

#endif
