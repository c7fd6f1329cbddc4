/* SPDX-License-Identifier: MIT
 * What each opcode does to the stack; the reference is CPython's
 * Modules/_pickle.c, whose load_* functions these follow one by one.
 */
#include "formats/pickle_ops.h"

#include "formats/pickle_text.h"

enum {

#define OP(code, name, fn) CODE_##name = (code),
#include "formats/pickle_ops.def"
#undef OP
};

#define PROTOCOL_MAX 5

/* --- arguments ----------------------------------------------------------- */

static int
cut(struct pickle_machine *m)
{
	return err_set(m->e, ERR_TRUNCATED, m->at,
	    "pickle: %s: the file ends inside it", pickle_ops_name(m->op));
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static int
number(struct pickle_machine *m, size_t width, uint64_t *out)
{
	struct slice s;

	*out = 0;
	if (rd_bytes(m->r, width, &s) != 0)
		return cut(m);
	for (size_t i = width; i-- > 0;)
		*out = *out << 8 | s.ptr[i];
	return 0;
}

/* A length of that many bytes (a 4-byte one may have to be signed), and as
 * many bytes. */
static int
counted(struct pickle_machine *m, size_t width, bool is_signed,
    struct slice *out)
{
	uint64_t n;
	int rc;

	*out = (struct slice){0};
	if ((rc = number(m, width, &n)) != 0)
		return rc;
	if (is_signed && n > INT32_MAX)
		return pickle_machine_bad(m, "a negative length");
	return rd_bytes(m->r, n, out) == 0 ? 0 : cut(m);
}

/* Up to the end of the line, which is skipped. */
static int
line(struct pickle_machine *m, struct slice *out)
{
	size_t left = rd_left(m->r);
	const uint8_t *from = m->r->base + m->r->off, *end;

	*out = (struct slice){0};
	end = left != 0 ? memchr(from, '\n', left) : NULL;
	if (end == NULL || rd_bytes(m->r, (uint64_t)(end - from), out) != 0 ||
	    rd_skip(m->r, 1) != 0)
		return cut(m);
	return 0;
}

static struct pickle_node *
text_node(struct pickle_machine *m, enum pickle_kind kind, struct slice s)
{
	struct pickle_node *n = pickle_machine_node(m, kind);

	if (n != NULL)
		n->text = s;
	return n;
}

static struct pickle_node *
int_node(struct pickle_machine *m, enum pickle_kind kind, int64_t i)
{
	struct pickle_node *n = pickle_machine_node(m, kind);

	if (n != NULL)
		n->i = i;
	return n;
}

static void
tell(struct pickle_machine *m, const struct pickle_node *n)
{
	if (m->p->see != NULL)
		m->p->see(m->p->ctx, m->op, n);
}

static int
push_seen(struct pickle_machine *m, struct pickle_node *n)
{
	int rc = pickle_machine_push(m, n);

	if (rc == 0)
		tell(m, n);
	return rc;
}

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
	return 0;
}

static int
pop_mark(struct pickle_machine *m)
{
	struct pickle_node **items;
	size_t n;

	return pickle_machine_pop_mark(m, &items, &n);
}

static int
pop(struct pickle_machine *m)
{
	struct pickle_node *n;

	if (m->nmark != 0 && m->mark[m->nmark - 1] == m->n)
		return pop_mark(m);
	return pickle_machine_pop(m, &n);
}

static int
dup_top(struct pickle_machine *m)
{
	struct pickle_node *n;
	int rc = pickle_machine_top(m, &n);

	return rc != 0 ? rc : pickle_machine_push(m, n);
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
		return number(m, 1, out);
	case CODE_LONG_BINGET:
	case CODE_LONG_BINPUT:
		return number(m, 4, out);
	case CODE_MEMOIZE:
		*out = m->puts;
		return 0;
	default:
		break;
	}
	*out = 0;
	if ((rc = line(m, &s)) != 0)
		return rc;
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
	return pickle_machine_push(m,
	    int_node(m, m->op == CODE_NONE ? PICKLE_NONE : PICKLE_BOOL,
		m->op == CODE_NEWTRUE));
}

static int
binint(struct pickle_machine *m)
{
	size_t width = m->op == CODE_BININT    ? 4
		       : m->op == CODE_BININT1 ? 1
					       : 2;
	uint64_t v;
	int rc = number(m, width, &v);

	if (rc != 0)
		return rc;
	return pickle_machine_push(m,
	    int_node(m, PICKLE_INT,
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

	if ((rc = counted(m, four ? 4 : 1, four, &s)) != 0)
		return rc;
	if ((n = text_node(m, PICKLE_INT, s)) == NULL)
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

	if ((rc = number(m, 8, &v)) != 0)
		return rc;
	if ((n = pickle_machine_node(m, PICKLE_FLOAT)) == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < 8; i++, v >>= 8)
		turned = turned << 8 | (v & 0xff);
	memcpy(&n->f, &turned, sizeof(n->f));
	return pickle_machine_push(m, n);
}

static int
string(struct pickle_machine *m)
{
	size_t width = m->op == CODE_BINUNICODE8	    ? 8
		       : m->op == CODE_SHORT_BINSTRING ||
			     m->op == CODE_SHORT_BINUNICODE ? 1
							    : 4;
	struct slice s;
	int rc = counted(m, width, m->op == CODE_BINSTRING, &s);

	return rc != 0 ? rc
		       : pickle_machine_push(m, text_node(m, PICKLE_STR, s));
}

static int
bytes(struct pickle_machine *m)
{
	size_t width = m->op == CODE_SHORT_BINBYTES ? 1
		       : m->op == CODE_BINBYTES	    ? 4
						    : 8;
	struct slice s;
	int rc = counted(m, width, false, &s);

	return rc != 0 ? rc
		       : pickle_machine_push(m, text_node(m, PICKLE_BYTES, s));
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

	if ((rc = line(m, &s)) != 0)
		return rc;
	if ((n = pickle_machine_node(m, kind)) == NULL)
		return ERR_LIMIT;
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
	return pickle_machine_push(m, n);
}

/* --- containers ---------------------------------------------------------- */

static int
empty(struct pickle_machine *m)
{
	return pickle_machine_push(m,
	    pickle_machine_node(m,
		m->op == CODE_EMPTY_LIST   ? PICKLE_LIST
		: m->op == CODE_EMPTY_DICT ? PICKLE_DICT
					   : PICKLE_SET));
}

static int
tuple_of(struct pickle_machine *m)
{
	size_t n = m->op == CODE_EMPTY_TUPLE ? 0
					     : m->op - (size_t)CODE_TUPLE1 + 1;
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
 * a derived class, a part of it. */
static int
target(struct pickle_machine *m, enum pickle_kind kind,
    struct pickle_node **out)
{
	struct pickle_node *top, **part;
	int rc;

	if ((rc = pickle_machine_top(m, &top)) != 0)
		return rc;
	*out = top;
	if (top->kind == kind)
		return 0;
	if (top->kind != PICKLE_CALL)
		return pickle_machine_bad(m, "what is there takes none");
	part = kind == PICKLE_DICT ? &top->call->dict : &top->call->list;
	if (*part == NULL &&
	    (*part = pickle_machine_node(m,
		 kind == PICKLE_DICT ? PICKLE_DICT : PICKLE_LIST)) == NULL)
		return ERR_LIMIT;
	*out = *part;
	return 0;
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
	if ((rc = target(m, kind, &to)) != 0)
		return rc;
	return pickle_machine_extend(m, to, items, n);
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

/* --- names and calls ----------------------------------------------------- */

static struct pickle_node *
name_node(struct pickle_machine *m, struct slice module, struct slice name)
{
	struct pickle_node *n = pickle_machine_node(m, PICKLE_GLOBAL);

	if (n == NULL)
		return NULL;
	n->name = arena_alloc(m->p->arena, 1, sizeof(*n->name));
	if (n->name == NULL) {
		(void)!pickle_machine_full(m);
		return NULL;
	}
	*n->name = (struct pickle_name){module, name};
	return n;
}

static int
global(struct pickle_machine *m)
{
	struct pickle_node *a, *b;
	struct slice module, name;
	int rc;

	if (m->op == CODE_GLOBAL) {
		if ((rc = line(m, &module)) != 0 || (rc = line(m, &name)) != 0)
			return rc;
		return push_seen(m, name_node(m, module, name));
	}
	if ((rc = pickle_machine_pop(m, &b)) != 0 ||
	    (rc = pickle_machine_pop(m, &a)) != 0)
		return rc;
	if (a->kind != PICKLE_STR || b->kind != PICKLE_STR)
		return pickle_machine_bad(m, "the name is no string");
	return push_seen(m, name_node(m, a->text, b->text));
}

static int
push_call(struct pickle_machine *m, const struct pickle_node *callee,
    const struct pickle_node *args, const struct pickle_node *kwargs)
{
	struct pickle_node *n = pickle_machine_node(m, PICKLE_CALL);

	if (n == NULL || callee == NULL || args == NULL)
		return ERR_LIMIT;
	n->call = arena_alloc(m->p->arena, 1, sizeof(*n->call));
	if (n->call == NULL)
		return pickle_machine_full(m);
	*n->call = (struct pickle_call){
	    .callee = callee, .args = args, .kwargs = kwargs};
	return push_seen(m, n);
}

static int
call(struct pickle_machine *m)
{
	struct pickle_node *callee, *args, *kwargs = NULL;
	int rc = 0;

	if (m->op == CODE_NEWOBJ_EX)
		rc = pickle_machine_pop(m, &kwargs);
	if (rc != 0 || (rc = pickle_machine_pop(m, &args)) != 0 ||
	    (rc = pickle_machine_pop(m, &callee)) != 0)
		return rc;
	if (args->kind != PICKLE_TUPLE)
		return pickle_machine_bad(m, "the arguments are no tuple");
	return push_call(m, callee, args, kwargs);
}

/* Protocols 0 and 1: the arguments are above the mark, and for OBJ the class
 * is the first of them. */
static int
instance(struct pickle_machine *m)
{
	struct pickle_node **items, *args, *callee;
	struct slice module, name;
	size_t n, skip = 0;
	int rc;

	if (m->op == CODE_INST &&
	    ((rc = line(m, &module)) != 0 || (rc = line(m, &name)) != 0))
		return rc;
	if ((rc = pickle_machine_pop_mark(m, &items, &n)) != 0)
		return rc;
	if (m->op == CODE_INST) {
		callee = name_node(m, module, name);
	} else {
		if (n == 0)
			return pickle_machine_bad(m, "there is no class");
		callee = items[0];
		skip = 1;
	}
	if ((args = pickle_machine_node(m, PICKLE_TUPLE)) == NULL)
		return ERR_LIMIT;
	if (n > skip && (rc = pickle_machine_extend(
			     m, args, items + skip, n - skip)) != 0)
		return rc;
	return push_call(m, callee, args, NULL);
}

static int
build(struct pickle_machine *m)
{
	struct pickle_node *state, *to;
	int rc;

	if ((rc = pickle_machine_pop(m, &state)) != 0 ||
	    (rc = pickle_machine_top(m, &to)) != 0)
		return rc;
	if (to->kind == PICKLE_CALL) {
		to->call->state = state;
		to->call->builds++;
	}
	to->built = to->kind != PICKLE_CALL;
	tell(m, to);
	return 0;
}

static int
persid(struct pickle_machine *m)
{
	struct pickle_node *id = NULL, *n;
	struct slice s;
	int rc;

	if (m->op == CODE_BINPERSID) {
		rc = pickle_machine_pop(m, &id);
	} else if ((rc = line(m, &s)) == 0) {
		id = text_node(m, PICKLE_STR, s);
		rc = id == NULL ? ERR_LIMIT : 0;
	}
	if (rc != 0)
		return rc;
	if ((n = pickle_machine_node(m, PICKLE_PERSID)) == NULL)
		return ERR_LIMIT;
	rc = pickle_machine_extend(m, n, &id, 1);
	return rc != 0 ? rc : push_seen(m, n);
}

static int
extension(struct pickle_machine *m)
{
	size_t width = m->op == CODE_EXT1 ? 1 : m->op == CODE_EXT2 ? 2 : 4;
	uint64_t v;
	int rc = number(m, width, &v);

	return rc != 0 ? rc
		       : push_seen(m, int_node(m, PICKLE_EXT, (int64_t)v));
}

/* --- framing ------------------------------------------------------------- */

static int
proto(struct pickle_machine *m)
{
	uint64_t v;
	int rc = number(m, 1, &v);

	if (rc == 0 && v > PROTOCOL_MAX)
		rc = err_set(m->e, ERR_UNSUPPORTED, m->at,
		    "pickle: protocol %" PRIu64 ", known are 0 to %d", v,
		    PROTOCOL_MAX);
	return rc;
}

static int
frame(struct pickle_machine *m)
{
	uint64_t v;
	int rc = number(m, 8, &v);

	return rc != 0 ? rc : v > rd_left(m->r) ? cut(m) : 0;
}

static int
buffer(struct pickle_machine *m)
{
	struct pickle_node *n;

	if (m->op == CODE_READONLY_BUFFER)
		return pickle_machine_top(m, &n);
	return pickle_machine_push(m, pickle_machine_node(m, PICKLE_BUFFER));
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
