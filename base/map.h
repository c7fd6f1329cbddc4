/* SPDX-License-Identifier: MIT
 * Names to numbers, in an arena.  Open addressing over a keyed hash, so that
 * chosen names cannot make it slow.  Keys are borrowed.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"

struct map {
	struct arena *arena;
	struct map_slot *slot;
	size_t nslot; /* a power of two, or 0 */
	size_t used;
};

void map_init(struct map *, struct arena *);
/*
 * Set key to value.  Returns 1 when the key is new, 0 when it was there (its
 * old value stays), ERR_LIMIT when the arena is full.
 */
int map_put(struct map *, const char *key, size_t value) MUST_USE;
/* The value, or SIZE_MAX when the key is absent. */
size_t map_get(const struct map *, const char *key);
/* The same of a key that does not end with a zero byte. */
size_t map_get_n(const struct map *, const char *key, size_t len);

#endif
