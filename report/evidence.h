/* SPDX-License-Identifier: MIT
 * scan.json, checked and typed, so that the statement, the diagram and the
 * page cannot disagree about what it says.  Numbers that the scan left out
 * (a radius above the largest budget) are NaN.
 */
#ifndef REPORT_EVIDENCE_H
#define REPORT_EVIDENCE_H

#include "base/arena.h"
#include "base/json.h"

/* Flips of held-out images under one perturbation. */
struct evidence_flips {
	int64_t source; /* class, or -1: all */
	int64_t n, flipped, shared, different, unshared;
};

/* Success of a trigger on images of one class. */
struct evidence_success {
	int64_t hit, n; /* n 0: there were none */
};

struct evidence_class {
	size_t target;
	double radius;
	double *reference; /* [nref] */
	size_t nref;
	double residual, z, p, p_adjusted;
	struct evidence_flips flips;
	struct evidence_flips *by_source;
	size_t nsource;
	const char *path, *sha256; /* the perturbation, or NULL */
};

struct evidence_geometry {
	const char *name, *unit;
	struct evidence_class *row;
	size_t n;
};

struct evidence_target {
	size_t target;
	int64_t source; /* class, or -1: all */
	const char *geometry;
	double p;
	const struct evidence_class *row; /* NULL: details are absent */
	/* of one source class: its flips, and n 0 where they are absent */
	struct evidence_flips flips;
	const char *path, *sha256; /* the perturbation, or NULL */
};

struct evidence {
	struct arena arena;
	const char *verdict; /* one of the three of assay-scan(5) */
	double score;
	size_t classes;
	const char **name; /* [classes] */
	struct evidence_target *target;
	size_t ntarget;
	struct evidence_geometry *geometry;
	size_t ngeometry;
	/* untargeted flips, source * classes + predicted; NULL: not measured */
	int64_t *matrix, *matrix_shared;
	int64_t *matrix_n; /* [classes] images per source */
};

/* Strings are borrowed from the document; names that are too long for a person
 * are cut and say so. */
int evidence_read(struct evidence *, const json_t *scan, struct err *) MUST_USE;
void evidence_release(struct evidence *);

/* success_by_class of assay-eval(5), an entry for each class, in the arena;
 * *out is NULL where the document has none. */
int evidence_success(struct evidence *, const json_t *eval,
    struct evidence_success **out, struct err *) MUST_USE;

#define EVIDENCE_WORDS 200

/* A class as a person reads it, "7 Sneaker" and "Sneaker (class 7)"; where
 * classes have no names but their numbers, "7" and "class 7". */
const char *evidence_label(
    const struct evidence *, size_t t, char room[EVIDENCE_WORDS]);
const char *evidence_words(
    const struct evidence *, size_t t, char room[EVIDENCE_WORDS]);
/* Whether it has a name that says more. */
bool evidence_named(const struct evidence *, size_t t);

/* True when the scan names class t as a target. */
bool evidence_is_target(const struct evidence *, size_t t);
/* Median of the finite reference radii, or NaN. */
double evidence_reference(const struct evidence_class *);

#endif
