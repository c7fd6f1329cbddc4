/* SPDX-License-Identifier: MIT */
#include "formats/pickle_fast.h"

#include "base/le.h"
#include "formats/pickle_arg.h"
#include "formats/pickle_coded.h"
#include "formats/pickle_ops.h"
#include "formats/pickle_skip.h"

/* Of the file, and of the frame, beyond which an opcode must not go. */
static size_t
end_of(const struct pickle_machine *m)
{
	uint64_t frame = m->frame_end;

	if (frame > rd_pos(m->r) && frame - m->r->start < m->r->len)
		return (size_t)(frame - m->r->start);
	return m->r->len;
}

/* A node; NULL: none is to be had. */
static inline struct pickle_node *
node(struct pickle_machine *m, uint64_t at, enum pickle_kind kind)
{
	struct pickle_node *n = m->spare;

	if (n == NULL) {
		m->at = at;
		return pickle_machine_node(m, kind);
	}
	m->spare = n->next;
	*n = (struct pickle_node){.kind = (uint8_t)kind};
	n->at = at;
	return n;
}

/* One on the stack, if that has room. */
static inline struct pickle_node *
push(struct pickle_machine *m, uint64_t at, enum pickle_kind kind)
{
	struct pickle_node *n = m->n != m->room ? node(m, at, kind) : NULL;

	if (n != NULL)
		m->stack[m->n++] = n;
	return n;
}

/* What is on the stack above the last mark. */
static inline size_t
height(const struct pickle_machine *m)
{
	return m->n - (m->nmark != 0 ? m->mark[m->nmark - 1] : 0);
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
	if (height(m) == 0 || m->nother != 0)
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

static bool
is_utf8(struct slice s)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < s.len; i++)
		seen |= s.ptr[i];
	return seen < 0x80 || pickle_arg_utf8(s);
}

/* A string that is no pickle, behind `head` bytes of opcode and length.  Bytes
 * of the opcode, or 0. */
static inline size_t
text(struct pickle_machine *m, uint64_t at, enum pickle_kind kind,
    struct slice s, size_t head, size_t left)
{
	struct pickle_node *n;

	if (s.len > left - head || pickle_coded(s) != PICKLE_CODED_NOT ||
	    (n = push(m, at, kind)) == NULL)
		return 0;
	n->text = s;
	return head + s.len;
}

static size_t
unicode(struct pickle_machine *m, uint64_t at, struct slice s, size_t head,
    size_t left)
{
	if (s.len > left - head || !is_utf8(s))
		return 0;
	return text(m, at, PICKLE_STR, s, head, left);
}

/* Two's complement of up to 8 bytes, and its length. */
static size_t
longer(struct pickle_machine *m, uint64_t at, const uint8_t *p, size_t left)
{
	size_t len = p[1], shift = 64 - 8 * len;
	uint64_t v;

	if (len == 0 || len > 8 || len > left - 2)
		return 0;
	v = le_get(p + 2, len) << shift;
	return integer(m, at, PICKLE_INT, (int64_t)v >> shift) ? 2 + len : 0;
}

/* The last few into a tuple; who watches is told of names, and of what is endless. */
static bool
tuple(struct pickle_machine *m, uint64_t at, size_t n)
{
	struct pickle_node **item, *t;
	uint8_t bulk;

	if (height(m) < n)
		return false;
	item = m->stack + m->n - n;
	for (size_t i = 0; i < n; i++)
		if (item[i]->kind == PICKLE_GLOBAL)
			return false;
	if ((bulk = pickle_machine_bulk(item, n)) >= PICKLE_LAUGH)
		return false;
	if ((t = node(m, at, PICKLE_TUPLE)) == NULL ||
	    (t->item = pickle_machine_chunk(m, 4 * sizeof(*item))) == NULL)
		return false;
	memcpy(t->item, item, n * sizeof(*item));
	t->n = (uint32_t)n;
	t->bulk = bulk;
	m->n -= n - 1;
	m->stack[m->n - 1] = t;
	return true;
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
		return unicode(m, at, (struct slice){p + 2, p[1]}, 2, left);
	case CODE_BINUNICODE:
		return unicode(
		    m, at, (struct slice){p + 5, le_get_4(p + 1)}, 5, left);
	case CODE_SHORT_BINBYTES:
		return text(
		    m, at, PICKLE_BYTES, (struct slice){p + 2, p[1]}, 2, left);
	case CODE_SHORT_BINSTRING:
		return text(
		    m, at, PICKLE_STR, (struct slice){p + 2, p[1]}, 2, left);
	case CODE_LONG1:
		return longer(m, at, p, left);
	case CODE_TUPLE1:
		return tuple(m, at, 1) ? 1 : 0;
	case CODE_TUPLE2:
		return tuple(m, at, 2) ? 1 : 0;
	case CODE_TUPLE3:
		return tuple(m, at, 3) ? 1 : 0;
	case CODE_EMPTY_TUPLE:
		return push(m, at, PICKLE_TUPLE) != NULL ? 1 : 0;
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

/* One without an argument, and not the last one, by the book. */
static int
bare(struct pickle_machine *m)
{
	m->at = m->p->at = rd_pos(m->r);
	m->op = m->r->base[m->r->off++];
	return pickle_ops_run(m);
}

int
pickle_fast(struct pickle_machine *m)
{
	size_t off = m->r->off, end = end_of(m), size;
	int rc;

	while (end - off >= MOST && m->p->skip == 0) {
		const uint8_t *p = m->r->base + off;

		size = one(m, m->r->start + off, p, end - off);
		off += size;
		if (size != 0)
			continue;
		m->r->off = off;
		if (p[0] == CODE_STOP ||
		    pickle_skip_table[p[0]] != PICKLE_SKIP_NONE)
			return 0;
		if ((rc = bare(m)) != 0)
			return rc;
		off = m->r->off;
	}
	m->r->off = off;
	return 0;
}
