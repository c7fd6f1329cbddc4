/* SPDX-License-Identifier: MIT
 * What was measured on a reference, kept for the next suspect: a folder
 * (--cache) with one JSON document per reference, images and settings, named by
 * the digest of these.  It holds numbers only; the scan's result is the same with and
 * without it.  A document that is damaged is measured again, with a warning.
 */
#ifndef AUDIT_CACHE_H
#define AUDIT_CACHE_H

#include "audit/profile.h"
#include "base/digest.h"

/* Part of every key: to be raised when a search or a measurement changes, so
 * that what older ones left is not taken for theirs. */
#define CACHE_SEARCHES 9

struct cache {
	struct arena arena;
	char path[600]; /* of the document; empty: no cache */
	struct uap_cell *cell;
	struct uap_found *found; /* without perturbations */
	size_t n, room;
	bool changed;
	bool landing; /* count and n below are set */
	struct concentrate_counts land;
	double *share[PROFILE_SHARES]; /* nshare of them; or NULL */
	size_t nshare[PROFILE_SHARES];
	size_t classes;
};

/*
 * `key` tells everything that the numbers depend on but the cell.  dir NULL:
 * an empty cache that is never written.
 */
int cache_open(struct cache *, const char *dir, const struct digest *key,
    size_t classes, struct err *) MUST_USE;
/* NULL when it is not there. */
const struct uap_found *cache_find(
    const struct cache *, const struct uap_cell *);
void cache_add(
    struct cache *, const struct uap_cell *, const struct uap_found *);
/* Landings: false when there are none; both copy. */
bool cache_landing(const struct cache *, struct concentrate_counts *);
void cache_add_landing(struct cache *, const struct concentrate_counts *);
/* Shares of probes, n of them: the same. */
bool cache_shares(
    const struct cache *, enum profile_shares, size_t n, double *);
void cache_add_shares(
    struct cache *, enum profile_shares, size_t n, const double *);
/* Write what is new, atomically, and release. */
int cache_close(struct cache *, struct err *) MUST_USE;
/* Release without writing; fine for one that is closed or was never opened. */
void cache_release(struct cache *);

#endif
