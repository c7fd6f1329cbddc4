/* SPDX-License-Identifier: MIT
 * How easy each cell of a family (audit/verdict.h) is in the suspect and in
 * every reference, from their profiles.
 */
#ifndef AUDIT_SCAN_EASE_H
#define AUDIT_SCAN_EASE_H

#include "audit/scan.h"

/* Minus the logarithm of a cell's radii; NaN: not searched. */
double scan_ease(const struct uap_found *);
/* The same of model m: NaN also where the search of a reference was blind (a
 * suspect's radius is one that flips, however it was found). */
double scan_ease_of(size_t m, const struct uap_found *);
/* A family of n cells, and its ease in every model. */
void scan_family_init(
    struct scan *, struct verdict_family *, const char *name, size_t n);
void scan_fill_geometry(
    struct scan *, struct verdict_family *, size_t g, size_t seed);
void scan_fill_landing(struct scan *, struct verdict_family *);
void scan_fill_probe(
    struct scan *, struct verdict_family *, enum profile_shares);
void scan_fill_pairs(struct scan *, struct verdict_family *, size_t seed);

#endif
