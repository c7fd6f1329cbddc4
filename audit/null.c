/* SPDX-License-Identifier: MIT */
#include "audit/null.h"

static const struct {
	const char *name;
	double spread[2];
} spreads[] = {
#define NULL_SPREAD(name, same, other) {#name, {same, other}},
#define NULL_CORRELATION(a, b, r)
#define NULL_CONSTANT(name, value)
#include "audit/null.def"
#undef NULL_SPREAD
#undef NULL_CORRELATION
#undef NULL_CONSTANT
};

static const struct {
	const char *a, *b;
	double r;
} correlations[] = {
#define NULL_SPREAD(name, same, other)
#define NULL_CORRELATION(a, b, r) {#a, #b, r},
#define NULL_CONSTANT(name, value)
#include "audit/null.def"
#undef NULL_SPREAD
#undef NULL_CORRELATION
#undef NULL_CONSTANT
};

enum {
#define NULL_SPREAD(name, same, other)
#define NULL_CORRELATION(a, b, r)
#define NULL_CONSTANT(name, value) CONSTANT_##name,
#include "audit/null.def"
#undef NULL_CONSTANT
};

static const double constants[] = {
#define NULL_CONSTANT(name, value) value,
#include "audit/null.def"
#undef NULL_SPREAD
#undef NULL_CORRELATION
#undef NULL_CONSTANT
};

double
null_spread(const char *family, enum null_kin kin)
{
	for (size_t i = 0; i < ARRAY_LEN(spreads); i++)
		if (strcmp(spreads[i].name, family) == 0)
			return spreads[i].spread[kin];
	BUG("a family without a null spread");
}

double
null_correlation(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return 1.0;
	for (size_t i = 0; i < ARRAY_LEN(correlations); i++) {
		const char *x = correlations[i].a, *y = correlations[i].b;

		if ((strcmp(x, a) == 0 && strcmp(y, b) == 0) ||
		    (strcmp(x, b) == 0 && strcmp(y, a) == 0))
			return correlations[i].r;
	}
	return 0.0;
}

double
null_freedom(void)
{
	return constants[CONSTANT_freedom];
}

double
null_inflation(void)
{
	return constants[CONSTANT_inflation];
}

double
null_map_mean(void)
{
	return constants[CONSTANT_map_mean];
}

double
null_map_spread(void)
{
	return constants[CONSTANT_map_spread];
}
