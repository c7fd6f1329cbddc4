/* SPDX-License-Identifier: MIT */
#include "formats/pickle_fast.h"

#include "base/le.h"
#include "formats/pickle_arg.h"
#include "formats/pickle_ops.h"

/* Of the file, and of the frame, beyond which an opcode must not go. */
static size_t
end_of(const struct pickle_machine *m)
{
	uint64_t frame = m->frame_end;

	if (frame > rd_pos(m->r) && frame - m->r->start < m->r->len)
		return (size_t)(frame - m->r->start);
	return m->r->len;
}

/* A node on the stack, which has room; NULL: none is at hand. */
static inline struct pickle_node *
push(struct pickle_machine *m, uint64_t at, enum pickle_kind kind)
{
	struct pickle_node *n = m->spare;

	if (m->n == m->room)
		return NULL;
	if (n != NULL) {
		m->spare = n->next;
		*n = (struct pickle_node){.kind = (uint8_t)kind};
		n->at = at;
	} else {
		m->at = at;
		if ((n = pickle_machine_node(m, kind)) == NULL)
			return NULL;
	}
	m->stack[m->n++] = n;
	return n;
}

static inline bool
integer(struct pickle_machine *m, uint64_t at, enum pickle_kind kind, int64_t i)
{
	struct pickle_node *n = push(m, at, kind);

	if (n == NULL)
		return false;
	n->i = i;
	return true;
}

static bool
real(struct pickle_machine *m, uint64_t at, const uint8_t *p)
{
	struct pickle_node *n = push(m, at, PICKLE_FLOAT);
	uint64_t bits;

	if (n == NULL)
		return false;
	memcpy(&bits, p, sizeof(bits));
	bits = __builtin_bswap64(bits);
	memcpy(&n->f, &bits, sizeof(bits));
	return true;
}

static bool
put(struct pickle_machine *m, size_t i)
{
	size_t floor = m->nmark != 0 ? m->mark[m->nmark - 1] : 0;

	if (m->n <= floor || m->nother != 0)
		return false;
	if (pickle_machine_pass(m, i))
		return true;
	if (i >= m->memo_room)
		return false;
	m->stack[m->n - 1]->kept = true;
	m->puts += m->memo[i] == NULL;
	m->memo[i] = m->stack[m->n - 1];
	return true;
}

static bool
get(struct pickle_machine *m, size_t i)
{
	if (i >= m->memo_room || m->memo[i] == NULL || m->n == m->room)
		return false;
	m->stack[m->n++] = m->memo[i];
	return true;
}

static bool
mark(struct pickle_machine *m)
{
	if (m->nmark == m->mark_room)
		return false;
	m->mark[m->nmark++] = m->n;
	return true;
}

/* A short string that is nothing but ASCII and no pickle: its length, and it.
 * Bytes of the opcode, or 0. */
static size_t
text(struct pickle_machine *m, uint64_t at, const uint8_t *p, size_t left)
{
	struct slice s = {p + 1, p[0]};
	struct pickle_node *n;
	uint8_t seen = 0;

	if (s.len >= left)
		return 0;
	for (size_t i = 0; i < s.len; i++)
		seen |= s.ptr[i];
	if (seen >= 0x80 || pickle_arg_may_be_pickle(s) ||
	    (n = push(m, at, PICKLE_STR)) == NULL)
		return 0;
	n->text = s;
	return 2 + s.len;
}

#define MOST 9 /* bytes of an opcode of fixed size */

/* Bytes of the opcode at p, of which at least MOST are there; 0: not one of
 * these, or not that simple.  That each case says its own size, instead of a
 * table, lets the processor go on before it has read the opcode. */
static inline size_t
one(struct pickle_machine *m, uint64_t at, const uint8_t *p, size_t left)
{
	switch (p[0]) {
	case CODE_BININT1:
		return integer(m, at, PICKLE_INT, p[1]) ? 2 : 0;
	case CODE_BININT2:
		return integer(m, at, PICKLE_INT, (int64_t)le_get(p + 1, 2))
			   ? 3
			   : 0;
	case CODE_BININT:
		return integer(m, at, PICKLE_INT, (int32_t)le_get_4(p + 1)) ? 5
									    : 0;
	case CODE_BINFLOAT:
		return real(m, at, p + 1) ? 9 : 0;
	case CODE_NONE:
		return integer(m, at, PICKLE_NONE, 0) ? 1 : 0;
	case CODE_NEWTRUE:
		return integer(m, at, PICKLE_BOOL, 1) ? 1 : 0;
	case CODE_NEWFALSE:
		return integer(m, at, PICKLE_BOOL, 0) ? 1 : 0;
	case CODE_SHORT_BINUNICODE:
		return text(m, at, p + 1, left - 1);
	case CODE_MEMOIZE:
		return put(m, m->puts) ? 1 : 0;
	case CODE_BINPUT:
		return put(m, p[1]) ? 2 : 0;
	case CODE_LONG_BINPUT:
		return put(m, le_get_4(p + 1)) ? 5 : 0;
	case CODE_BINGET:
		return get(m, p[1]) ? 2 : 0;
	case CODE_LONG_BINGET:
		return get(m, le_get_4(p + 1)) ? 5 : 0;
	case CODE_MARK:
		return mark(m) ? 1 : 0;
	case CODE_EMPTY_LIST:
		return push(m, at, PICKLE_LIST) != NULL ? 1 : 0;
	case CODE_EMPTY_DICT:
		return push(m, at, PICKLE_DICT) != NULL ? 1 : 0;
	default:
		return 0;
	}
}

void
pickle_fast(struct pickle_machine *m)
{
	size_t off = m->r->off, end = end_of(m), size;

	while (end - off >= MOST) {
		size = one(m, m->r->start + off, m->r->base + off, end - off);
		if (size == 0)
			break;
		off += size;
	}
	m->r->off = off;
}
