/* SPDX-License-Identifier: MIT
 * What the values of a graph are known to be before it runs: how many elements
 * at least, and of small constants which numbers.  Shared by what looks for
 * graphs that no machine runs to their end (MITRE ATLAS AML.T0029).
 */
#ifndef AUDIT_CHECK_COST_H
#define AUDIT_CHECK_COST_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rd.h"

#define CHECK_COST_NUMBERS  16     /* that a constant shape may have */
#define CHECK_COST_ELEMENTS 0x1p38 /* more are too many: a TiB of floats */

struct check_cost_value {
	double elements;                   /* at least */
	double number[CHECK_COST_NUMBERS]; /* of a small constant */
	size_t n; /* of these; 0: not constant, or not small */
	bool yes; /* a condition that is always true */
};

struct check_cost {
	struct arena arena;
	struct map at; /* names to places in `value` */
	struct check_cost_value *value;
	size_t n, room;
};

/* One element, no number. */
extern const struct check_cost_value check_cost_unknown;

/* Room for as many names; what finds no room is not kept, and so not known. */
void check_cost_open(struct check_cost *, size_t room);
void check_cost_close(struct check_cost *);
/* The last value of a name counts, as for who reads the nodes in order. */
void check_cost_keep(
    struct check_cost *, struct rd name, struct check_cost_value);
/* check_cost_unknown when there is none; valid until the next keep. */
const struct check_cost_value *check_cost_find(
    const struct check_cost *, struct rd name);

/*
 * How many elements an operator makes of its inputs, CHECK_COST_INPUTS of them;
 * what it is not given is check_cost_unknown.  0 or 1 when nothing is known.
 */
#define CHECK_COST_INPUTS 4
typedef double check_cost_maker(const struct check_cost_value *const in[]);

/* A tensor of the shape that the first, second or third input is. */
check_cost_maker check_cost_first, check_cost_second, check_cost_third;
/* As many as the largest of what it is given. */
check_cost_maker check_cost_largest;
/* Of the first: as often as the second says; in the shape that it says; as a
 * one-hot vector of that depth. */
check_cost_maker check_cost_tiled, check_cost_expanded, check_cost_hot;
/* From the first to the second, by the third. */
check_cost_maker check_cost_ranged;
/* The second has pairs of what is added before and after each axis. */
check_cost_maker check_cost_padded;

/* What an operator makes by the row that it has; without one, a single element. */
struct check_cost_op {
	const char *op;
	check_cost_maker *elements;
};
double check_cost_made(struct rd op, const struct check_cost_op *, size_t n,
    const struct check_cost_value *const in[]);

/* The elements of a tensor of that shape; 0: it is not constant. */
double check_cost_product(const struct check_cost_value *shape);

#endif
