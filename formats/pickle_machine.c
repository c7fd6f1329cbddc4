/* SPDX-License-Identifier: MIT */
#include "formats/pickle_machine.h"

#include "base/limits.h"

void
pickle_machine_init(
    struct pickle_machine *m, struct pickle *p, struct rd *r, struct err *e)
{
	*m = (struct pickle_machine){.p = p, .r = r, .e = e, .at = rd_pos(r)};
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

/* --- nodes --------------------------------------------------------------- */

struct pickle_node *
pickle_machine_node(struct pickle_machine *m, enum pickle_kind kind)
{
	struct pickle_node *n = NULL;

	if (m->p->nodes < LIMIT_PICKLE_NODES)
		n = arena_alloc(m->p->arena, 1, sizeof(*n));
	if (n == NULL) {
		(void)!pickle_machine_full(m);
		return NULL;
	}
	m->p->nodes++;
	n->kind = (uint8_t)kind;
	n->at = m->at;
	return n;
}

static size_t
room_for(size_t n)
{
	size_t room = 4;

	while (room < n)
		room *= 2;
	return n == 0 ? 0 : room;
}

int
pickle_machine_extend(struct pickle_machine *m, struct pickle_node *to,
    struct pickle_node *const *item, size_t n)
{
	size_t total = to->n + n;
	struct pickle_node **more;

	if (total > UINT32_MAX)
		return pickle_machine_full(m);
	if (room_for(total) != room_for(to->n)) {
		more = arena_alloc(m->p->arena, room_for(total), sizeof(*more));
		if (more == NULL)
			return pickle_machine_full(m);
		if (to->n != 0)
			memcpy(more, to->item, to->n * sizeof(*more));
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
	rc = grow(m, &p, m->n, &m->room, sizeof(*m->stack), LIMIT_PICKLE_STACK);
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
	    LIMIT_PICKLE_STACK);

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

static size_t
other_at(const struct pickle_machine *m, uint64_t i)
{
	char key[KEY_SIZE];

	if (m->nother == 0)
		return SIZE_MAX;
	snprintf(key, sizeof(key), "%" PRIu64, i);
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

	if (key == NULL)
		return pickle_machine_full(m);
	snprintf(key, KEY_SIZE, "%" PRIu64, i);
	rc = grow(m, &p, m->nother, &m->other_room, sizeof(*m->other),
	    LIMIT_PICKLE_NODES);
	if (rc != 0)
		return rc;
	m->other = p;
	if (map_put(&m->others, key, m->nother) < 0)
		return pickle_machine_full(m);
	m->other[m->nother++] = n;
	m->puts++;
	return 0;
}

/* A number far beyond how many there are never becomes the size of an array. */
int
pickle_machine_put(struct pickle_machine *m, uint64_t i, struct pickle_node *n)
{
	size_t at = other_at(m, i);
	void *p = m->memo;
	int rc;

	if (at != SIZE_MAX) {
		m->other[at] = n;
		return 0;
	}
	if (i >= m->memo_room && i >= 1024 + 2 * m->puts)
		return put_other(m, i, n);
	while (i >= m->memo_room) {
		rc = grow(m, &p, m->memo_room, &m->memo_room, sizeof(*m->memo),
		    4 * LIMIT_PICKLE_NODES);
		if (rc != 0)
			return rc;
		m->memo = p;
	}
	m->puts += m->memo[i] == NULL;
	m->memo[i] = n;
	return 0;
}
