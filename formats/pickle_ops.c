/* SPDX-License-Identifier: MIT
 * What each opcode does to the stack; the reference is CPython's
 * Modules/_pickle.c, whose load_* functions these follow one by one.
 */
#include "formats/pickle_ops.h"

#include <ctype.h>

#include "formats/pickle_arg.h"
#include "formats/pickle_call.h"
#include "formats/pickle_coded.h"
#include "formats/pickle_text.h"

#define PROTOCOL_MAX 5
#define MOST_DIGITS  4301 /* with a sign */

/* --- the stack ----------------------------------------------------------- */

static int
mark(struct pickle_machine *m)
{
	return pickle_machine_mark(m);
}

static int
stop(struct pickle_machine *m)
{
	m->stopped = true;
	if (m->frame_cut)
		pickle_machine_odd(m, "a frame that is longer than the file");
	return 0;
}

static int
pop_mark(struct pickle_machine *m)
{
	struct pickle_node **items;
	size_t n;

	int rc = pickle_machine_pop_mark(m, &items, &n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		pickle_machine_drop(m, items[i]);
	return rc;
}

static int
pop(struct pickle_machine *m)
{
	struct pickle_node *n;
	int rc;

	if (m->nmark != 0 && m->mark[m->nmark - 1] == m->n)
		return pop_mark(m);
	if ((rc = pickle_machine_pop(m, &n)) == 0)
		pickle_machine_drop(m, n);
	return rc;
}

static int
dup_top(struct pickle_machine *m)
{
	struct pickle_node *n;
	int rc = pickle_machine_top(m, &n);

	if (rc != 0)
		return rc;
	n->kept = true;
	return pickle_machine_push(m, n);
}

/* What int() of Python takes too, and other readers may not. */
static void
trim_number(struct pickle_machine *m, struct slice *s)
{
	size_t len = s->len;

	if (len != 0 && isdigit(s->ptr[0]) && isdigit(s->ptr[len - 1]))
		return;
	while (s->len != 0 && strchr(" \t\r\v\f", s->ptr[s->len - 1]) != NULL)
		s->len--;
	while (s->len != 0 && strchr(" \t\r\v\f+", s->ptr[0]) != NULL) {
		s->ptr++;
		s->len--;
	}
	if (s->len != len)
		pickle_machine_odd(m, "a number of the memo with blanks");
}

/* The number that an opcode of the memo names. */
static int
memo_number(struct pickle_machine *m, uint64_t *out)
{
	struct slice s;
	int rc;

	switch (m->op) {
	case CODE_BINGET:
	case CODE_BINPUT:
		return pickle_arg_number(m, 1, out);
	case CODE_LONG_BINGET:
	case CODE_LONG_BINPUT:
		return pickle_arg_number(m, 4, out);
	case CODE_MEMOIZE:
		*out = m->puts;
		return 0;
	default:
		break;
	}
	*out = 0;
	if ((rc = pickle_arg_line(m, &s)) != 0)
		return rc;
	if (m->p->odd != NULL)
		trim_number(m, &s);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9' || *out > INT64_MAX / 16)
			return pickle_machine_bad(m, "not a number of a memo");
		else
			*out = *out * 10 + (s.ptr[i] - (uint64_t)'0');
	return s.len != 0 ? 0 : pickle_machine_bad(m, "no number");
}

static int
get(struct pickle_machine *m)
{
	struct pickle_node *n;
	uint64_t i;
	int rc;

	if ((rc = memo_number(m, &i)) != 0)
		return rc;
	if ((n = pickle_machine_get(m, i)) == NULL)
		return pickle_machine_bad(m, "nothing was kept there");
	return pickle_machine_push(m, n);
}

static int
put(struct pickle_machine *m)
{
	struct pickle_node *n;
	uint64_t i;
	int rc;

	if ((rc = memo_number(m, &i)) != 0 ||
	    (rc = pickle_machine_top(m, &n)) != 0)
		return rc;
	return pickle_machine_put(m, i, n);
}

/* --- plain values -------------------------------------------------------- */

static int
constant(struct pickle_machine *m)
{
	return pickle_machine_push(
	    m, pickle_arg_int(m, m->op == CODE_NONE ? PICKLE_NONE : PICKLE_BOOL,
		   m->op == CODE_NEWTRUE));
}

static int
binint(struct pickle_machine *m)
{
	size_t width = m->op == CODE_BININT ? 4 : m->op == CODE_BININT1 ? 1 : 2;
	uint64_t v;
	int rc = pickle_arg_number(m, width, &v);

	if (rc != 0)
		return rc;
	return pickle_machine_push(
	    m, pickle_arg_int(m, PICKLE_INT,
		   width == 4 ? (int32_t)(uint32_t)v : (int64_t)v));
}

/* Little-endian two's complement of any length. */
static int
binlong(struct pickle_machine *m)
{
	bool four = m->op == CODE_LONG4;
	struct pickle_node *n;
	struct slice s;
	uint64_t v = 0;
	int rc;

	if ((rc = pickle_arg_counted(m, four ? 4 : 1, four, &s)) != 0)
		return rc;
	if ((n = pickle_arg_text(m, PICKLE_INT, s)) == NULL)
		return ERR_LIMIT;
	n->big = s.len > 8;
	if (!n->big) {
		if (s.len != 0 && (s.ptr[s.len - 1] & 0x80) != 0)
			v = UINT64_MAX;
		for (size_t i = s.len; i-- > 0;)
			v = v << 8 | s.ptr[i];
		n->i = (int64_t)v;
	}
	return pickle_machine_push(m, n);
}

/* Big-endian, alone among all of these. */
static int
binfloat(struct pickle_machine *m)
{
	struct pickle_node *n;
	uint64_t v, turned = 0;
	int rc;

	if ((rc = pickle_arg_number(m, 8, &v)) != 0)
		return rc;
	if ((n = pickle_machine_node(m, PICKLE_FLOAT)) == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < 8; i++, v >>= 8)
		turned = turned << 8 | (v & 0xff);
	memcpy(&n->f, &turned, sizeof(n->f));
	return pickle_machine_push(m, n);
}

/* The inspector looks into strings that begin like pickles. */
static int
push_text(struct pickle_machine *m, struct pickle_node *n)
{
	int rc = pickle_machine_push(m, n);

	if (rc == 0 && m->p->odd != NULL && m->p->see != NULL &&
	    pickle_coded(n->text) != PICKLE_CODED_NOT)
		m->p->see(m->p->ctx, m->op, n);
	return rc;
}

static int
string(struct pickle_machine *m)
{
	size_t width =
	    m->op == CODE_BINUNICODE8 ? 8
	    : m->op == CODE_SHORT_BINSTRING || m->op == CODE_SHORT_BINUNICODE
		? 1
		: 4;
	struct slice s;
	int rc = pickle_arg_counted(m, width, m->op == CODE_BINSTRING, &s);

	if (rc != 0)
		return rc;
	if (m->op != CODE_BINSTRING && m->op != CODE_SHORT_BINSTRING &&
	    m->p->odd != NULL && !pickle_arg_utf8(s))
		pickle_machine_odd(m, "a string that is not UTF-8");
	return push_text(m, pickle_arg_text(m, PICKLE_STR, s));
}

static int
bytes(struct pickle_machine *m)
{
	size_t width = m->op == CODE_SHORT_BINBYTES ? 1
		       : m->op == CODE_BINBYTES     ? 4
						    : 8;
	struct slice s;
	int rc = pickle_arg_counted(m, width, false, &s);

	return rc != 0 ? rc : push_text(m, pickle_arg_text(m, PICKLE_BYTES, s));
}

/* Protocol 0: a line of text. */
static int
literal(struct pickle_machine *m)
{
	enum pickle_kind kind = m->op == CODE_FLOAT ? PICKLE_FLOAT
				: m->op == CODE_INT || m->op == CODE_LONG
				    ? PICKLE_INT
				    : PICKLE_STR;
	struct pickle_node *n;
	struct slice s;
	bool good;
	int rc;

	if ((rc = pickle_arg_line(m, &s)) != 0)
		return rc;
	if ((n = pickle_machine_node(m, kind)) == NULL)
		return ERR_LIMIT;
	/* sys.int_info, Python 3.11: more it refuses, and older ones take time
	 * that grows with the square */
	if (kind == PICKLE_INT && s.len > MOST_DIGITS)
		pickle_machine_odd(
		    m, "a number of more digits than Python takes");
	if (kind == PICKLE_FLOAT)
		good = pickle_text_float(s, n);
	else if (kind == PICKLE_INT)
		good = pickle_text_int(s, m->op == CODE_LONG, n);
	else
		good = m->op == CODE_STRING
			   ? pickle_text_string(m->p->arena, s, &n->text)
			   : pickle_text_unicode(m->p->arena, s, &n->text);
	if (!good)
		return pickle_machine_bad(m, "not written as such");
	return kind == PICKLE_STR ? push_text(m, n) : pickle_machine_push(m, n);
}

/* --- containers ---------------------------------------------------------- */

static int
empty(struct pickle_machine *m)
{
	return pickle_machine_push(
	    m, pickle_machine_node(m, m->op == CODE_EMPTY_LIST   ? PICKLE_LIST
				      : m->op == CODE_EMPTY_DICT ? PICKLE_DICT
								 : PICKLE_SET));
}

static int
tuple_of(struct pickle_machine *m)
{
	size_t n =
	    m->op == CODE_EMPTY_TUPLE ? 0 : m->op - (size_t)CODE_TUPLE1 + 1;
	struct pickle_node *item[3] = {0}, *t;
	int rc;

	for (size_t i = n; i-- > 0;)
		if ((rc = pickle_machine_pop(m, &item[i])) != 0)
			return rc;
	if ((t = pickle_machine_node(m, PICKLE_TUPLE)) == NULL)
		return ERR_LIMIT;
	rc = pickle_machine_extend(m, t, item, n);
	return rc != 0 ? rc : pickle_machine_push(m, t);
}

/* Everything above the mark. */
static int
gather(struct pickle_machine *m)
{
	enum pickle_kind kind = m->op == CODE_TUPLE  ? PICKLE_TUPLE
				: m->op == CODE_LIST ? PICKLE_LIST
				: m->op == CODE_DICT ? PICKLE_DICT
						     : PICKLE_FROZENSET;
	struct pickle_node **items, *t;
	size_t n;
	int rc;

	if ((rc = pickle_machine_pop_mark(m, &items, &n)) != 0)
		return rc;
	if (kind == PICKLE_DICT && n % 2 != 0)
		return pickle_machine_bad(m, "a key without a value");
	if ((t = pickle_machine_node(m, kind)) == NULL)
		return ERR_LIMIT;
	rc = pickle_machine_extend(m, t, items, n);
	return rc != 0 ? rc : pickle_machine_push(m, t);
}

/* Where things of `kind` are added to: the node itself, or, with an object of
 * a derived class, a part of it; NULL: nothing that keeps them. */
static int
target(
    struct pickle_machine *m, enum pickle_kind kind, struct pickle_node **out)
{
	struct pickle_node *top, **part;
	int rc;

	if ((rc = pickle_machine_top(m, &top)) != 0)
		return rc;
	*out = top;
	if (top->kind == kind)
		return 0;
	/* to Python it is a method of whatever is there */
	if (m->p->odd != NULL && m->p->see != NULL) {
		top->built = top->kind != PICKLE_CALL;
		m->p->see(m->p->ctx, m->op, top);
		if (top->built) {
			*out = NULL;
			return 0;
		}
	}
	if (top->kind != PICKLE_CALL)
		return pickle_machine_bad(m, "what is there takes none");
	part = kind == PICKLE_DICT ? &top->call->dict : &top->call->list;
	if (*part == NULL &&
	    (*part = pickle_machine_node(
		 m, kind == PICKLE_DICT ? PICKLE_DICT : PICKLE_LIST)) == NULL)
		return ERR_LIMIT;
	*out = *part;
	return 0;
}

/* Python refuses a list, a set or a dictionary as a key or in a set. */
static bool
all_hashable(struct pickle_node *const *item, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i += step)
		if (item[i]->kind == PICKLE_LIST ||
		    item[i]->kind == PICKLE_SET || item[i]->kind == PICKLE_DICT)
			return false;
	return true;
}

/* One or two values, or all above the mark, to what is below them. */
static int
add(struct pickle_machine *m, enum pickle_kind kind, size_t few)
{
	struct pickle_node *pair[2] = {0}, **items = pair, *to;
	size_t n = few;
	int rc;

	for (size_t i = few; i-- > 0;)
		if ((rc = pickle_machine_pop(m, &pair[i])) != 0)
			return rc;
	if (few == 0 && (rc = pickle_machine_pop_mark(m, &items, &n)) != 0)
		return rc;
	if (kind == PICKLE_DICT && n % 2 != 0)
		return pickle_machine_bad(m, "a key without a value");
	if (m->p->odd != NULL && kind != PICKLE_LIST &&
	    !all_hashable(items, n, kind == PICKLE_DICT ? 2 : 1))
		return pickle_machine_bad(m, "a key that can be none");
	if ((rc = target(m, kind, &to)) != 0)
		return rc;
	if (to != NULL)
		return pickle_machine_extend(m, to, items, n);
	for (size_t i = 0; i < n; i++)
		pickle_machine_drop(m, items[i]);
	return 0;
}

static int
append(struct pickle_machine *m)
{
	return add(m, PICKLE_LIST, m->op == CODE_APPEND ? 1 : 0);
}

static int
set_items(struct pickle_machine *m)
{
	return add(m, PICKLE_DICT, m->op == CODE_SETITEM ? 2 : 0);
}

static int
add_items(struct pickle_machine *m)
{
	return add(m, PICKLE_SET, 0);
}

/* --- framing ------------------------------------------------------------- */

static int
proto(struct pickle_machine *m)
{
	uint64_t v;
	int rc = pickle_arg_number(m, 1, &v);

	if (m->at != m->start)
		pickle_machine_odd(m, "PROTO that is not the first opcode");
	if (rc == 0 && v > PROTOCOL_MAX)
		pickle_machine_odd(m, "a protocol that Python does not have");
	m->p->protocol = (unsigned)v;
	if (rc == 0 && v > PROTOCOL_MAX && m->p->odd == NULL)
		rc = err_set(m->e, ERR_UNSUPPORTED, m->at,
		    "pickle: protocol %" PRIu64 ", known are 0 to %d", v,
		    PROTOCOL_MAX);
	return rc;
}

static int
frame(struct pickle_machine *m)
{
	uint64_t v;
	int rc = pickle_arg_number(m, 8, &v);

	if (rc != 0)
		return rc;
	if (m->at < m->frame_end)
		pickle_machine_odd(m, "a frame begins inside a frame");
	/* a file that is cut, or one that only some readers refuse: it shows
	 * at STOP */
	if (v > rd_left(m->r)) {
		m->frame_end = 0;
		m->frame_cut = true;
		return m->p->odd != NULL ? 0 : pickle_arg_cut(m);
	}
	m->frame_end = rd_pos(m->r) + v;
	return 0;
}

static int
buffer(struct pickle_machine *m)
{
	struct pickle_node *n;

	int rc;

	if (m->op == CODE_READONLY_BUFFER)
		return pickle_machine_top(m, &n);
	n = pickle_machine_node(m, PICKLE_BUFFER);
	rc = pickle_machine_push(m, n);
	if (rc == 0 && m->p->odd != NULL && m->p->see != NULL)
		m->p->see(m->p->ctx, m->op, n);
	return rc;
}

/* --- the table ----------------------------------------------------------- */

struct op {
	const char *name;
	int (*run)(struct pickle_machine *);
};

static const struct op table[256] = {
#define OP(code, name, fn) [code] = {#name, fn},
#include "formats/pickle_ops.def"
#undef OP
};

const char *
pickle_ops_name(uint8_t op)
{
	return table[op].name;
}

int
pickle_ops_run(struct pickle_machine *m)
{
	if (table[m->op].run == NULL)
		return err_set(m->e, ERR_FORMAT, m->at,
		    "pickle: no opcode is 0x%02x", m->op);
	return table[m->op].run(m);
}
