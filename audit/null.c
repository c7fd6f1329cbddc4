/* SPDX-License-Identifier: MIT */
#include "audit/null.h"

/* The table, one kind of line at a time; the others are empty. */
#define NULL_SPREAD(name, same, other, home, inflation)
#define NULL_CORRELATION(a, b, r)
#define NULL_CONSTANT(name, value)
#define NULL_TEST(name, alone, beyond, whole)

#undef NULL_SPREAD
#define NULL_SPREAD(name, same, other, home, inflation)                        \
	{#name, {same, other, home}, inflation},
static const struct spread {
	const char *name;
	double spread[NULL_KINS], inflation;
} spreads[] = {
#include "audit/null.def"
};
#undef NULL_SPREAD
#define NULL_SPREAD(name, same, other, home, inflation)

#undef NULL_CORRELATION
#define NULL_CORRELATION(a, b, r) {#a, #b, r},
static const struct {
	const char *a, *b;
	double r;
} correlations[] = {
#include "audit/null.def"
};
#undef NULL_CORRELATION
#define NULL_CORRELATION(a, b, r)

#undef NULL_TEST
#define NULL_TEST(name, alone, beyond, whole) {#name, {alone, beyond, whole}},
static const struct {
	const char *name;
	bool form[NULL_FORMS];
} tests[] = {
#include "audit/null.def"
};
#undef NULL_TEST
#define NULL_TEST(name, alone, beyond, whole)

#undef NULL_CONSTANT
#define NULL_CONSTANT(name, value) CONSTANT_##name,
enum {
#include "audit/null.def"
};
#undef NULL_CONSTANT
#define NULL_CONSTANT(name, value) value,
static const double constants[] = {
#include "audit/null.def"
};

bool
null_tested(const char *family, enum null_form form)
{
	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		if (strcmp(tests[i].name, family) == 0)
			return tests[i].form[form];
	BUG("a geometry without a line in the null table");
}

static const struct spread *
line_of(const char *family)
{
	for (size_t i = 0; i < ARRAY_LEN(spreads); i++)
		if (strcmp(spreads[i].name, family) == 0)
			return &spreads[i];
	BUG("a family without a null spread");
}

double
null_spread(const char *family, enum null_kin kin)
{
	return line_of(family)->spread[kin];
}

double
null_inflation(const char *family)
{
	return line_of(family)->inflation;
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
null_whole(void)
{
	return constants[CONSTANT_whole];
}

double
null_pair_both(void)
{
	return constants[CONSTANT_pair_both];
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
