/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "formats/pickle_machine.h"

#include "base/limits.h"
#include "formats/pickle_ahead.h"

void
pickle_machine_init(
    struct pickle_machine *m, struct pickle *p, struct rd *r, struct err *e)
{
	*m = (struct pickle_machine){.p = p, .r = r, .e = e, .at = rd_pos(r)};
	m->start = m->at;
	m->stack = m->first_stack;
	m->mark = m->first_mark;
	m->memo = m->first_memo;
	m->room = m->mark_room = m->memo_room = PICKLE_FIRST;
	p->protocol = 0;
	arena_init(&m->scratch, LIMIT_PICKLE_SCRATCH);
	map_init(&m->others, &m->scratch);
}

void
pickle_machine_release(struct pickle_machine *m)
{
	arena_release(&m->scratch);
}

int
pickle_machine_bad(struct pickle_machine *m, const char *what)
{
	const char *name = pickle_opcode(m->op);

	return err_set(m->e, ERR_FORMAT, m->at, "pickle: %s: %s",
	    name != NULL ? name : "?", what);
}

int
pickle_machine_full(struct pickle_machine *m)
{
	return err_set(m->e, ERR_LIMIT, m->at, "pickle: too large");
}

void
pickle_machine_odd(struct pickle_machine *m, const char *what)
{
	if (m->p->odd != NULL)
		m->p->odd(m->p->ctx, m->at, what);
}

/* --- memory -------------------------------------------------------------- */

#define BATCH 128 /* nodes */

struct pickle_chunk {
	struct pickle_chunk *next;
};

static size_t
most_nodes(const struct pickle_machine *m)
{
	return m->p->lean ? LIMIT_PICKLE_LEAN : LIMIT_PICKLE_NODES;
}

/* Sizes are rounded to powers of two from 32 on, so that they can be reused. */
static unsigned
size_class(size_t size)
{
	return size <= 32 ? 5 : 64 - (unsigned)__builtin_clzl(size - 1);
}

void *
pickle_machine_chunk(struct pickle_machine *m, size_t size)
{
	unsigned k = size_class(size);
	struct pickle_chunk *c = k < 32 ? m->chunk[k] : NULL;

	if (c != NULL) {
		m->chunk[k] = c->next;
		memset(c, 0, (size_t)1 << k);
		return c;
	}
	if (k < 48)
		c = arena_alloc(m->p->arena, 1, (size_t)1 << k);
	if (c == NULL)
		(void)!pickle_machine_full(m);
	return c;
}

static void
drop_chunk(struct pickle_machine *m, void *p, size_t size)
{
	unsigned k = size_class(size);
	struct pickle_chunk *c = p;

	if (c == NULL || k >= 32)
		return;
	c->next = m->chunk[k];
	m->chunk[k] = c;
}

void
pickle_machine_drop(struct pickle_machine *m, struct pickle_node *n)
{
	if (n == NULL || n->kept || !m->p->lean)
		return;
	if (n->kind <= PICKLE_BYTES) {
		n->next = m->spare;
		m->spare = n;
	} else {
		n->next = m->garbage;
		m->garbage = n;
	}
}

static size_t
room_for(size_t n)
{
	if (n <= 4)
		return n == 0 ? 0 : 4;
	return (size_t)1 << (64 - __builtin_clzl(n - 1));
}

/* What is alone in referring to its parts goes, and they with it. */
static void
drop_parts(struct pickle_machine *m, struct pickle_node *n)
{
	struct pickle_call *c;

	if (n->kind == PICKLE_CALL) {
		c = n->call;
		pickle_machine_drop(m, c->callee);
		pickle_machine_drop(m, c->args);
		pickle_machine_drop(m, c->kwargs);
		pickle_machine_drop(m, c->state);
		pickle_machine_drop(m, c->list);
		pickle_machine_drop(m, c->dict);
		drop_chunk(m, c, sizeof(*c));
	} else if (n->kind == PICKLE_GLOBAL) {
		drop_chunk(m, n->name, sizeof(*n->name));
	} else if (n->kind != PICKLE_EXT && n->kind != PICKLE_BUFFER) {
		for (size_t i = 0; i < n->n; i++)
			pickle_machine_drop(m, n->item[i]);
		if (n->n != 0)
			drop_chunk(m, n->item,
			    room_for(n->n) * sizeof(struct pickle_node *));
	}
}

static struct pickle_node *
fresh_node(struct pickle_machine *m)
{
	struct pickle *p = m->p;

	if (p->nodes >= most_nodes(m))
		return NULL;
	if (p->nfresh == 0) {
		p->fresh = arena_alloc(p->arena, BATCH, sizeof(*p->fresh));
		if (p->fresh == NULL)
			return NULL;
		p->nfresh = BATCH;
	}
	p->nfresh--;
	p->nodes++;
	return p->fresh++;
}

struct pickle_node *
pickle_machine_node(struct pickle_machine *m, enum pickle_kind kind)
{
	struct pickle_node *n = m->spare;

	if (n != NULL) {
		m->spare = n->next;
	} else if ((n = m->garbage) != NULL) {
		m->garbage = n->next;
		drop_parts(m, n);
	} else if ((n = fresh_node(m)) == NULL) {
		(void)!pickle_machine_full(m);
		return NULL;
	}
	*n = (struct pickle_node){.kind = (uint8_t)kind};
	n->at = m->at;
	return n;
}

/* --- containers ---------------------------------------------------------- */

/* What a lean container does not keep. */
static size_t
leave_out(struct pickle_machine *m, struct pickle_node *to,
    struct pickle_node *const *item, size_t n)
{
	size_t room;

	if (!m->p->lean || to->kind < PICKLE_LIST || to->kind > PICKLE_DICT)
		return n;
	room = PICKLE_LEAN - MIN(to->n, PICKLE_LEAN);
	if (n <= room)
		return n;
	to->big = true;
	for (size_t i = room; i < n; i++)
		pickle_machine_drop(m, item[i]);
	return room;
}

uint8_t
pickle_machine_bulk(struct pickle_node *const *item, size_t n)
{
	uint64_t all = 0;
	uint8_t power = 0;

	for (size_t i = 0; i < n && all < (uint64_t)1 << 50; i++) {
		unsigned b = item[i]->kind >= PICKLE_TUPLE &&
				     item[i]->kind <= PICKLE_DICT
				 ? item[i]->bulk
				 : 0;

		all += (uint64_t)1 << MIN(b, 40U);
	}
	while (all > 1 && power < 40) {
		all >>= 1;
		power++;
	}
	return power;
}

/* What is added to a container, and was in it. */
static void
weigh(struct pickle_machine *m, struct pickle_node *to,
    struct pickle_node *const *item, size_t n)
{
	uint8_t before = to->bulk, more = pickle_machine_bulk(item, n);
	bool endless = pickle_is_endless(to, m->p->at);

	/* a list that grows by itself as it was */
	to->bulk = before == more && before != 0 ? (uint8_t)(before + 1)
						 : MAX(before, more);
	if (m->p->odd != NULL && m->p->see != NULL && !endless &&
	    pickle_is_endless(to, m->p->at))
		m->p->see(m->p->ctx, m->op, to);
}

static void
see_key(struct pickle_machine *m, struct pickle_node *to,
    const struct pickle_node *key, const struct pickle_node *value)
{
	bool hook = key->kind == PICKLE_STR && pickle_is_hook(key->text);
	bool dunder = hook && key->text.ptr[0] == '_';

	/* extend = "neither" is nothing that can be called */
	if (hook && !dunder && value != NULL && value->kind <= PICKLE_BYTES &&
	    key->text.ptr[0] != 'r')
		hook = false;
	to->hooks |= hook;
	to->dunder |= dunder;
	to->made |= key->kind == PICKLE_CALL;
	if (to->state && (hook || key->kind == PICKLE_CALL) &&
	    m->p->see != NULL)
		m->p->see(m->p->ctx, m->op, to);
}

/* The inspector asks for names that are put somewhere, and for keys. */
static void
tell(struct pickle_machine *m, struct pickle_node *to,
    struct pickle_node *const *item, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool hashed = to->kind == PICKLE_SET ||
			      to->kind == PICKLE_FROZENSET ||
			      (to->kind == PICKLE_DICT && i % 2 == 0);

		if ((item[i]->kind == PICKLE_GLOBAL ||
			(hashed && item[i]->kind == PICKLE_TUPLE &&
			    item[i]->bulk >= PICKLE_HASH)) &&
		    m->p->see != NULL)
			m->p->see(m->p->ctx, m->op, item[i]);
		if (to->kind == PICKLE_DICT && i % 2 == 0)
			see_key(m, to, item[i], i + 1 < n ? item[i + 1] : NULL);
		if (m->p->pair != NULL && to->kind == PICKLE_DICT &&
		    i % 2 == 0 && i + 1 < n && item[i]->kind == PICKLE_STR &&
		    item[i]->text.len != 0 && item[i]->text.ptr[0] == '_')
			m->p->pair(m->p->ctx, item[i], item[i + 1]);
	}
}

int
pickle_machine_extend(struct pickle_machine *m, struct pickle_node *to,
    struct pickle_node *const *item, size_t n)
{
	struct pickle_node **more;
	size_t total;

	if (to->kind >= PICKLE_TUPLE && to->kind <= PICKLE_DICT)
		weigh(m, to, item, n);
	if (m->p->odd != NULL)
		tell(m, to, item, n);
	n = leave_out(m, to, item, n);
	total = to->n + n;
	if (total > UINT32_MAX)
		return pickle_machine_full(m);
	if (room_for(total) != room_for(to->n)) {
		more = pickle_machine_chunk(m, room_for(total) * sizeof(*more));
		if (more == NULL)
			return ERR_LIMIT;
		if (to->n != 0) {
			memcpy(more, to->item, to->n * sizeof(*more));
			drop_chunk(
			    m, to->item, room_for(to->n) * sizeof(*more));
		}
		to->item = more;
	}
	if (n != 0)
		memcpy(to->item + to->n, item, n * sizeof(*item));
	to->n = (uint32_t)total;
	return 0;
}

/* --- the stack ----------------------------------------------------------- */

/* *p with room for more than n; what was there is kept. */
static int
grow(struct pickle_machine *m, void **p, size_t n, size_t *room, size_t size,
    size_t most)
{
	size_t want = MAX(64, 2 * *room);
	void *more;

	if (n < *room)
		return 0;
	if (n >= most || (more = arena_alloc(&m->scratch, want, size)) == NULL)
		return pickle_machine_full(m);
	if (n != 0)
		memcpy(more, *p, n * size);
	*p = more;
	*room = want;
	return 0;
}

int
pickle_machine_push(struct pickle_machine *m, struct pickle_node *n)
{
	void *p = m->stack;
	int rc;

	if (n == NULL)
		return ERR_LIMIT;
	rc = grow(m, &p, m->n, &m->room, sizeof(*m->stack),
	    m->p->lean ? LIMIT_PICKLE_LEAN : LIMIT_PICKLE_STACK);
	if (rc != 0)
		return rc;
	m->stack = p;
	m->stack[m->n++] = n;
	return 0;
}

int
pickle_machine_top(struct pickle_machine *m, struct pickle_node **out)
{
	size_t floor = m->nmark != 0 ? m->mark[m->nmark - 1] : 0;

	*out = NULL;
	if (m->n <= floor)
		return pickle_machine_bad(m, "the stack is empty");
	*out = m->stack[m->n - 1];
	return 0;
}

int
pickle_machine_pop(struct pickle_machine *m, struct pickle_node **out)
{
	int rc = pickle_machine_top(m, out);

	if (rc == 0)
		m->n--;
	return rc;
}

int
pickle_machine_mark(struct pickle_machine *m)
{
	void *p = m->mark;
	int rc = grow(m, &p, m->nmark, &m->mark_room, sizeof(*m->mark),
	    m->p->lean ? LIMIT_PICKLE_LEAN : LIMIT_PICKLE_STACK);

	if (rc != 0)
		return rc;
	m->mark = p;
	m->mark[m->nmark++] = m->n;
	return 0;
}

int
pickle_machine_pop_mark(
    struct pickle_machine *m, struct pickle_node ***items, size_t *n)
{
	size_t floor;

	*items = NULL;
	*n = 0;
	if (m->nmark == 0)
		return pickle_machine_bad(m, "there is no mark");
	floor = m->mark[--m->nmark];
	*n = m->n - floor;
	if (*n != 0)
		*items = m->stack + floor;
	m->n = floor;
	return 0;
}

/* --- the memo ------------------------------------------------------------ */

#define KEY_SIZE 24
/* Picklers count; of the numbers far beyond, each costs as much as a hundred
 * opcodes, and no pickle needs any. */
#define OTHERS_MAX ((size_t)1 << 18)

static void
other_key(uint64_t i, char key[KEY_SIZE])
{
	size_t n = 0;

	do
		key[n++] = (char)('A' + (i & 15));
	while ((i >>= 4) != 0);
	key[n] = '\0';
}

static size_t
other_at(const struct pickle_machine *m, uint64_t i)
{
	char key[KEY_SIZE];

	if (m->nother == 0)
		return SIZE_MAX;
	other_key(i, key);
	return map_get(&m->others, key);
}

struct pickle_node *
pickle_machine_get(const struct pickle_machine *m, uint64_t i)
{
	size_t at;

	if (i < m->memo_room && m->memo[i] != NULL)
		return m->memo[i];
	at = other_at(m, i);
	return at != SIZE_MAX ? m->other[at] : NULL;
}

static int
put_other(struct pickle_machine *m, uint64_t i, struct pickle_node *n)
{
	char *key = arena_alloc(&m->scratch, KEY_SIZE, 1);
	void *p = m->other;
	int rc;

	if (key == NULL || m->nother == OTHERS_MAX)
		return pickle_machine_full(m);
	other_key(i, key);
	rc = grow(
	    m, &p, m->nother, &m->other_room, sizeof(*m->other), most_nodes(m));
	if (rc != 0)
		return rc;
	m->other = p;
	if (map_put(&m->others, key, m->nother) < 0)
		return pickle_machine_full(m);
	m->other[m->nother++] = n;
	m->puts++;
	return 0;
}

#define AHEAD     4096 /* numbers, before it is worth while to look ahead */
#define AHEAD_MAX ((size_t)1 << 28)

/* Where arrays may stand between the opcodes nothing can be foreseen. */
static void
look_ahead(struct pickle_machine *m)
{
	struct rd r = *m->r;
	size_t from = (size_t)(m->start - r.start);
	size_t bits = MIN(m->memo_room + rd_left(&r), AHEAD_MAX);
	size_t words = bits / 64 + 1;

	m->looked = true;
	m->asked = arena_alloc(&m->scratch, words, sizeof(*m->asked));
	m->passed = arena_alloc(&m->scratch, words, sizeof(*m->passed));
	if (m->asked == NULL || m->passed == NULL ||
	    !pickle_ahead(&r, m->asked, bits) ||
	    memmem(r.base + from, r.off - from, PICKLE_ARRAY,
		sizeof(PICKLE_ARRAY) - 1) != NULL)
		return;
	m->foreseen = bits;
	for (size_t i = 0; i < m->memo_room; i++)
		if (m->memo[i] != NULL)
			m->passed[i / 64] |= (uint64_t)1 << i % 64;
}

#define HUGE ((uint64_t)1 << 26) /* a gigabyte of pointers */

/* A number far beyond how many there are never becomes the size of an array. */
int
pickle_machine_put(struct pickle_machine *m, uint64_t i, struct pickle_node *n)
{
	size_t at = other_at(m, i);
	void *p = m->memo;
	int rc;

	/* the unpickler in C (_Unpickler_MemoPut) makes an array of twice as many */
	if (i >= HUGE && i / 16 > m->puts)
		pickle_machine_odd(
		    m, "a number of the memo that takes Python gigabytes");
	if (i >= AHEAD && m->p->lean && !m->looked)
		look_ahead(m);
	/* one that was put elsewhere has been counted */
	if (at == SIZE_MAX && pickle_machine_pass(m, i))
		return 0;
	n->kept = true;
	if (at != SIZE_MAX) {
		m->other[at] = n;
		return 0;
	}
	if (i >= m->memo_room && i >= 1024 + 2 * m->puts)
		return put_other(m, i, n);
	while (i >= m->memo_room) {
		rc = grow(m, &p, m->memo_room, &m->memo_room, sizeof(*m->memo),
		    4 * most_nodes(m));
		if (rc != 0)
			return rc;
		m->memo = p;
	}
	m->puts += m->memo[i] == NULL;
	m->memo[i] = n;
	return 0;
}
