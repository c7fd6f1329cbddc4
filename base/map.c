/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/err.h"

#include <sys/random.h>

struct map_slot {
	const char *key;
	size_t value;
};

/* Drawn once a process; results never depend on it, only collisions do. */
static uint64_t hash_key;

static size_t
hash(const char *s, size_t len)
{
	uint64_t h;

	while (hash_key == 0)
		if (getrandom(&hash_key, sizeof(hash_key), 0) < 0)
			hash_key = (uint64_t)(uintptr_t)&h | 1;
	h = hash_key;
	for (size_t i = 0; i < len; i++) {
		h = (h ^ (uint8_t)s[i]) * 0x9fb21c651e98df25U;
		h ^= h >> 29;
	}
	return (size_t)(h ^ h >> 32);
}

void
map_init(struct map *m, struct arena *a)
{
	*m = (struct map){.arena = a};
}

static struct map_slot *
find(const struct map *m, const char *key, size_t len)
{
	size_t i = hash(key, len) & (m->nslot - 1);

	while (m->slot[i].key != NULL &&
	       (strlen(m->slot[i].key) != len ||
		   (len != 0 && memcmp(m->slot[i].key, key, len) != 0)))
		i = (i + 1) & (m->nslot - 1);
	return &m->slot[i];
}

static int
grow(struct map *m)
{
	struct map old = *m;

	m->nslot = old.nslot != 0 ? 2 * old.nslot : 64;
	m->slot = arena_alloc(m->arena, m->nslot, sizeof(*m->slot));
	if (m->slot == NULL) {
		*m = old;
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < old.nslot; i++)
		if (old.slot[i].key != NULL)
			*find(m, old.slot[i].key, strlen(old.slot[i].key)) =
			    old.slot[i];
	return 0;
}

int
map_put(struct map *m, const char *key, size_t value)
{
	struct map_slot *s;

	if (2 * (m->used + 1) > m->nslot && grow(m) != 0)
		return ERR_LIMIT;
	s = find(m, key, strlen(key));
	if (s->key != NULL)
		return 0;
	*s = (struct map_slot){key, value};
	m->used++;
	return 1;
}

size_t
map_get(const struct map *m, const char *key)
{
	return map_get_n(m, key, strlen(key));
}

size_t
map_get_n(const struct map *m, const char *key, size_t len)
{
	const struct map_slot *s;

	if (m->nslot == 0)
		return SIZE_MAX;
	s = find(m, key, len);
	return s->key != NULL ? s->value : SIZE_MAX;
}
