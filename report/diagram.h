/* SPDX-License-Identifier: MIT
 * The class-flip diagram: which classes become which under the perturbations
 * that the scan recovered (or, when it found no target, under untargeted
 * ones).  Chosen once, as a list of edges, so that the picture and its table
 * show the same numbers; written as DOT with every node pinned.
 */
#ifndef REPORT_DIAGRAM_H
#define REPORT_DIAGRAM_H

#include "report/evidence.h"

/* Classes up to here are all drawn; above, the strongest sources (without a
 * target: the strongest ends of flips) and one node for the others. */
#define DIAGRAM_FULL       20
#define DIAGRAM_SOURCES    24
#define DIAGRAM_UNTARGETED 16
/* Targets that fit into the middle. */
#define DIAGRAM_CENTER 2
/* Sources of the small diagrams that are compared. */
#define DIAGRAM_COMPARED 12

struct diagram_edge {
	size_t from, to;
	int64_t flipped, n;
	int64_t shared, unshared; /* -1: not counted */
};

struct diagram {
	struct arena arena;
	const struct evidence *evidence;
	bool targeted;
	size_t *node; /* classes that are drawn, ascending */
	size_t nnode;
	bool *center; /* [classes] is a target */
	size_t ncenter;
	struct diagram_edge *edge; /* strongest first */
	size_t nedge;
	size_t omitted;      /* edges known, too weak or too many to draw */
	size_t others;       /* classes that are not drawn */
	int64_t others_rate; /* their median rate, per mille */
};

int diagram_init(
    struct diagram *, const struct evidence *, struct err *) MUST_USE;
void diagram_release(struct diagram *);
void diagram_dot(const struct diagram *, struct buf *out);

/*
 * The first target again, small, side by side: under the same change the
 * suspect, what most references share, and the purified model, by class
 * (NULL: not measured).  False where there is nothing to compare: no target
 * that all classes are sources of.
 */
bool diagram_compare(const struct diagram *,
    const struct evidence_success *purified, struct buf *out);

/* Flips per thousand, rounded. */
int64_t diagram_rate(const struct diagram_edge *);
/* hit of n in whole per cent, halves up, as diagrams and tables have it; -1 of
 * none. */
int64_t diagram_percent(int64_t hit, int64_t n);

#endif
