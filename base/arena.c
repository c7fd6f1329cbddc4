/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>

#define ARENA_ALIGN 64
#define ARENA_FIRST ((size_t)8 << 10) /* most arenas stay small */
#define ARENA_BLOCK ((size_t)64 << 10)
#define ARENA_BIG   4096
/* Blocks from here on count for arena_limit(). */
#define ARENA_HUGE ((size_t)1 << 20)

/* What is left of arena_limit(). */
static atomic_size_t room = SIZE_MAX;

/* Sanitizers see overflows only when each object has a block of its own. */
#ifdef __SANITIZE_ADDRESS__
#define ARENA_SHARED 0
#else
#define ARENA_SHARED 1
#endif

struct arena_block {
	struct arena_block *next;
	size_t left; /* bytes free at the end */
	size_t size; /* bytes after the header */
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void
arena_limit(size_t bytes)
{
	room = bytes;
}

static bool
take_room(size_t n)
{
	size_t left = room;

	do {
		if (n < ARENA_HUGE || left == SIZE_MAX)
			return true;
		if (n > left)
			return false;
	} while (!atomic_compare_exchange_weak(&room, &left, left - n));
	return true;
}

static void
give_room(size_t n)
{
	if (n >= ARENA_HUGE && room != SIZE_MAX)
		room += n;
}

void
arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

void
arena_release(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		give_room(b->size);
		free(b);
	}
	*a = (struct arena){0};
}

static struct arena_block *
block_new(struct arena *a, size_t size, bool shared)
{
	struct arena_block *b;
	size_t total, rest;

	if (ckd_add(&total, size, sizeof(*b)))
		return NULL;
	rest = total % ARENA_ALIGN;
	if (rest != 0 && ckd_add(&total, total, ARENA_ALIGN - rest))
		return NULL;
	if (!take_room(size))
		return NULL;
	if ((b = aligned_alloc(ARENA_ALIGN, total)) == NULL)
		BUG("out of memory");
	memset(b, 0, total);
	b->size = size;
	b->left = size;
	/* a block with room stays in front, so that it goes on being used */
	if (a->head != NULL && !shared) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct arena_block *b = a->head;
	size_t want, step;

	if (ckd_mul(&want, n, size) || want > a->cap - a->used)
		return NULL;
	if (ckd_add(&step, want, 15U))
		return NULL;
	step &= ~(size_t)15;
	if (!ARENA_SHARED || step >= ARENA_BIG) {
		if ((b = block_new(a, want, false)) == NULL)
			return NULL;
		b->left = 0;
		a->used += want;
		return b->data;
	}
	if (b == NULL || b->left < step)
		if ((b = block_new(a,
			 a->head != NULL ? ARENA_BLOCK : ARENA_FIRST, true)) ==
		    NULL)
			return NULL;
	a->used += want;
	b->left -= step;
	return b->data + (b->size - b->left - step);
}

char *
arena_strdup(struct arena *a, const char *s, size_t len)
{
	char *p;

	if (len == SIZE_MAX || (p = arena_alloc(a, len + 1, 1)) == NULL)
		return NULL;
	if (len != 0)
		memcpy(p, s, len);
	return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (p = arena_alloc(a, (size_t)n + 1, 1)) == NULL)
		BUG("string does not fit its arena");
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
