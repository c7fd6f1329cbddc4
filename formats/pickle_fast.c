/* SPDX-License-Identifier: MIT */
#include "formats/pickle_fast.h"

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

/* What follows an opcode of fixed size, 0: it is none of those. */
static size_t
fixed_size(uint8_t op)
{
	switch (op) {
	case CODE_NONE:
	case CODE_NEWTRUE:
	case CODE_NEWFALSE:
	case CODE_MEMOIZE:
	case CODE_MARK:
		return 1;
	case CODE_BININT1:
	case CODE_BINGET:
	case CODE_BINPUT:
		return 2;
	case CODE_BININT2:
		return 3;
	case CODE_BININT:
		return 5;
	case CODE_BINFLOAT:
		return 9;
	default:
		return 0;
	}
}

static uint64_t
little(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static bool
push(struct pickle_machine *m, size_t off, enum pickle_kind kind,
    struct pickle_node **out)
{
	struct pickle_node *n = m->spare;

	if (m->n == m->room)
		return false;
	m->at = m->r->start + off;
	if (n != NULL) {
		m->spare = n->next;
		*n = (struct pickle_node){.kind = (uint8_t)kind};
		n->at = m->at;
	} else if ((n = pickle_machine_node(m, kind)) == NULL) {
		return false;
	}
	m->stack[m->n++] = n;
	*out = n;
	return true;
}

/* A value of fixed size. */
static bool
value(struct pickle_machine *m, uint8_t op, size_t off)
{
	const uint8_t *arg = m->r->base + off + 1;
	struct pickle_node *n;
	uint64_t bits;

	switch (op) {
	case CODE_BININT1:
	case CODE_BININT2:
		if (!push(m, off, PICKLE_INT, &n))
			return false;
		n->i = (int64_t)little(arg, op == CODE_BININT1 ? 1 : 2);
		return true;
	case CODE_BININT:
		if (!push(m, off, PICKLE_INT, &n))
			return false;
		n->i = (int32_t)(uint32_t)little(arg, 4);
		return true;
	case CODE_BINFLOAT:
		if (!push(m, off, PICKLE_FLOAT, &n))
			return false;
		memcpy(&bits, arg, sizeof(bits));
		bits = __builtin_bswap64(bits);
		memcpy(&n->f, &bits, sizeof(bits));
		return true;
	case CODE_NONE:
		return push(m, off, PICKLE_NONE, &n);
	default:
		if (!push(m, off, PICKLE_BOOL, &n))
			return false;
		n->i = op == CODE_NEWTRUE;
		return true;
	}
}

static bool
put(struct pickle_machine *m, size_t i)
{
	size_t floor = m->nmark != 0 ? m->mark[m->nmark - 1] : 0;

	if (m->n <= floor || i >= m->memo_room || m->nother != 0)
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
fixed(struct pickle_machine *m, uint8_t op, size_t off)
{
	switch (op) {
	case CODE_MEMOIZE:
		return put(m, m->puts);
	case CODE_BINPUT:
		return put(m, m->r->base[off + 1]);
	case CODE_BINGET:
		return get(m, m->r->base[off + 1]);
	case CODE_MARK:
		return mark(m);
	default:
		return value(m, op, off);
	}
}

/* Bytes of a short string that is nothing but ASCII and no pickle. */
static size_t
text(struct pickle_machine *m, size_t off, size_t end)
{
	struct pickle_node *n;
	struct slice s;
	uint8_t seen = 0;
	size_t len;

	if (end - off < 2)
		return 0;
	len = m->r->base[off + 1];
	if (len > end - off - 2)
		return 0;
	s = (struct slice){m->r->base + off + 2, len};
	for (size_t i = 0; i < len; i++)
		seen |= s.ptr[i];
	if (seen >= 0x80 || pickle_arg_may_be_pickle(s) ||
	    !push(m, off, PICKLE_STR, &n))
		return 0;
	n->text = s;
	return 2 + len;
}

void
pickle_fast(struct pickle_machine *m)
{
	size_t off = m->r->off, end = end_of(m), size;

	while (off < end) {
		uint8_t op = m->r->base[off];

		if (op == CODE_SHORT_BINUNICODE) {
			if ((size = text(m, off, end)) == 0)
				break;
		} else {
			size = fixed_size(op);
			if (size == 0 || size > end - off || !fixed(m, op, off))
				break;
		}
		off += size;
	}
	m->r->off = off;
}
