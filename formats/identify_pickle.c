/* SPDX-License-Identifier: MIT
 * Pickle streams (Python's pickletools.py lists the opcodes): the stream is
 * walked opcode by opcode to STOP without being interpreted.  Protocol 2 and
 * later announce themselves; older ones must also do something that a chance
 * run of letters does not.
 */
#include "formats/identify_probe.h"

enum arg {
	ARG_BAD, /* no such opcode */
	ARG_NONE,
	ARG_1,
	ARG_2,
	ARG_4,
	ARG_8,
	ARG_LEN1, /* one byte of length, then that many bytes */
	ARG_LEN4,
	ARG_LEN8,
	ARG_LINE,
	ARG_LINES, /* two lines */
};

static const uint8_t opcode[256] = {['('] = ARG_NONE,
    ['.'] = ARG_NONE,
    ['0'] = ARG_NONE,
    ['1'] = ARG_NONE,
    ['2'] = ARG_NONE,
    ['F'] = ARG_LINE,
    ['I'] = ARG_LINE,
    ['J'] = ARG_4,
    ['K'] = ARG_1,
    ['L'] = ARG_LINE,
    ['M'] = ARG_2,
    ['N'] = ARG_NONE,
    ['P'] = ARG_LINE,
    ['Q'] = ARG_NONE,
    ['R'] = ARG_NONE,
    ['S'] = ARG_LINE,
    ['T'] = ARG_LEN4,
    ['U'] = ARG_LEN1,
    ['V'] = ARG_LINE,
    ['X'] = ARG_LEN4,
    ['a'] = ARG_NONE,
    ['b'] = ARG_NONE,
    ['c'] = ARG_LINES,
    ['d'] = ARG_NONE,
    ['}'] = ARG_NONE,
    ['e'] = ARG_NONE,
    ['g'] = ARG_LINE,
    ['h'] = ARG_1,
    ['i'] = ARG_LINES,
    ['j'] = ARG_4,
    ['l'] = ARG_NONE,
    [']'] = ARG_NONE,
    ['o'] = ARG_NONE,
    ['p'] = ARG_LINE,
    ['q'] = ARG_1,
    ['r'] = ARG_4,
    ['s'] = ARG_NONE,
    ['t'] = ARG_NONE,
    [')'] = ARG_NONE,
    ['u'] = ARG_NONE,
    ['G'] = ARG_8,
    ['B'] = ARG_LEN4,
    ['C'] = ARG_LEN1,
    [0x80] = ARG_1,
    [0x81] = ARG_NONE,
    [0x82] = ARG_1,
    [0x83] = ARG_2,
    [0x84] = ARG_4,
    [0x85] = ARG_NONE,
    [0x86] = ARG_NONE,
    [0x87] = ARG_NONE,
    [0x88] = ARG_NONE,
    [0x89] = ARG_NONE,
    [0x8a] = ARG_LEN1,
    [0x8b] = ARG_LEN4,
    [0x8c] = ARG_LEN1,
    [0x8d] = ARG_LEN8,
    [0x8e] = ARG_LEN8,
    [0x8f] = ARG_NONE,
    [0x90] = ARG_NONE,
    [0x91] = ARG_NONE,
    [0x92] = ARG_NONE,
    [0x93] = ARG_NONE,
    [0x94] = ARG_NONE,
    [0x95] = ARG_8,
    [0x96] = ARG_LEN8,
    [0x97] = ARG_NONE,
    [0x98] = ARG_NONE};

static int
skip_line(struct rd *r)
{
	const uint8_t *at = r->base + r->off;
	const uint8_t *end =
	    rd_left(r) != 0 ? memchr(at, '\n', rd_left(r)) : NULL;

	return end == NULL ? ERR_TRUNCATED
			   : rd_skip(r, (uint64_t)(end - at) + 1);
}

static int
skip_arg(struct rd *r, enum arg a)
{
	uint64_t n = 0;
	uint32_t n4 = 0;
	uint8_t n1 = 0;
	int rc;

	switch (a) {
	case ARG_BAD:
		return ERR_FORMAT;
	case ARG_NONE:
		return 0;
	case ARG_1:
		return rd_skip(r, 1);
	case ARG_2:
		return rd_skip(r, 2);
	case ARG_4:
		return rd_skip(r, 4);
	case ARG_8:
		return rd_skip(r, 8);
	case ARG_LEN1:
		rc = rd_u8(r, &n1);
		return rc != 0 ? rc : rd_skip(r, n1);
	case ARG_LEN4:
		rc = rd_u32le(r, &n4);
		return rc != 0 ? rc : rd_skip(r, n4);
	case ARG_LEN8:
		rc = rd_u64le(r, &n);
		return rc != 0 ? rc : rd_skip(r, n);
	case ARG_LINE:
		return skip_line(r);
	case ARG_LINES:
		rc = skip_line(r);
		return rc != 0 ? rc : skip_line(r);
	}
	return ERR_FORMAT;
}

/* --- the stack, without what is on it ------------------------------------- */

#define MARKS 256       /* deeper in one another are no honest pickles */
#define STEPS (1 << 20) /* opcodes; the rest may be anything */

struct walk {
	struct rd r;
	size_t depth, mark[MARKS], nmark;
	size_t ops, puts, imports, calls, made;
};

static size_t
height(const struct walk *w)
{
	return w->depth - (w->nmark != 0 ? w->mark[w->nmark - 1] : 0);
}

/* Take `need` from above the mark and put `push` there. */
static bool
change(struct walk *w, size_t need, size_t push)
{
	if (height(w) < need)
		return false;
	w->depth += push - need;
	return true;
}

static bool
pop_mark(struct walk *w, size_t least, size_t below, size_t push)
{
	if (w->nmark == 0 || height(w) < least)
		return false;
	w->depth = w->mark[--w->nmark];
	return change(w, below, below + push);
}

static bool
set_mark(struct walk *w)
{
	if (w->nmark == MARKS)
		return false;
	w->mark[w->nmark++] = w->depth;
	return true;
}

static bool
stacks(struct walk *w, uint8_t op)
{
	switch (op) {
	case '(':
		return set_mark(w);
	case '0':
		return w->nmark != 0 && height(w) == 0 ? pop_mark(w, 0, 0, 0)
						       : change(w, 1, 0);
	case '1':
		return pop_mark(w, 0, 0, 0);
	case 'e':
	case 'u':
	case 0x90:
		return pop_mark(w, 0, 1, 0);
	case 't':
	case 'l':
	case 'd':
	case 'i':
	case 0x91:
		return pop_mark(w, 0, 0, 1);
	case 'o':
		return pop_mark(w, 1, 0, 1);
	case '2':
		return change(w, 1, 2);
	case 'Q':
	case 0x85:
	case 'p':
	case 'q':
	case 'r':
	case 0x94:
	case 0x98:
		return change(w, 1, 1);
	case 'R':
	case 'b':
	case 'a':
	case 0x81:
	case 0x86:
	case 0x93:
		return change(w, 2, 1);
	case 's':
	case 0x87:
	case 0x92:
		return change(w, 3, 1);
	case 0x80:
	case 0x95:
		return true;
	default:
		return change(w, 0, 1);
	}
}

/* --- lines of protocol 0 -------------------------------------------------- */

static bool
only(const uint8_t *p, size_t n, const char *chars)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == 0 || strchr(chars, p[i]) == NULL)
			return false;
	return n != 0;
}

static bool
printable(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7f)
			return false;
	return n != 0 && n < 512;
}

/* The line (INST and GLOBAL: both) that was skipped is one of that opcode. */
static bool
good_line(uint8_t op, const uint8_t *p, size_t n)
{
	const uint8_t *cut;

	n -= n != 0; /* the end of the line */
	switch (op) {
	case 'I':
	case 'L':
		return only(p, n, "0123456789-+L");
	case 'F':
		return only(p, n, "0123456789-+.eEinfaNIy");
	case 'g':
	case 'p':
		return only(p, n, "0123456789+_ \t\r");
	case 'S':
		return n >= 2 && (p[0] == '\'' || p[0] == '"') &&
		       p[n - 1] == p[0];
	case 'P':
		return printable(p, n);
	case 'c':
	case 'i':
		cut = memchr(p, '\n', n);
		return cut != NULL && printable(p, (size_t)(cut - p)) &&
		       printable(cut + 1, n - 1 - (size_t)(cut - p));
	default:
		return true;
	}
}

/* One opcode; false: it is none, or not at this place. */
static bool
step(struct walk *w, uint8_t op)
{
	size_t from = w->r.off;

	if (skip_arg(&w->r, (enum arg)opcode[op]) != 0 || !stacks(w, op))
		return false;
	if ((opcode[op] == ARG_LINE || opcode[op] == ARG_LINES) &&
	    !good_line(op, w->r.base + from, w->r.off - from))
		return false;
	w->ops++;
	w->puts += op == 'p' || op == 'q' || op == 'r' || op == 0x94;
	w->imports += op == 'c' || op == 'i' || op == 0x93;
	w->calls +=
	    op == 'R' || op == 'i' || op == 'o' || op == 'b' || op == 0x81;
	w->made += op == 'l' || op == 'd' || op == '}' || op == ']' ||
		   op == ')' || op == 't';
	return w->puts != 0 || (op != 'g' && op != 'h' && op != 'j');
}

static bool
rest_is_blank(struct rd r)
{
	for (size_t i = r.off; i < r.len && i < r.off + 4096; i++)
		if (r.base[i] != 0 && strchr(" \t\r\n", r.base[i]) == NULL)
			return false;
	return true;
}

/*
 * Without the header of protocol 2 and later, short ones must be all that there
 * is: a text may begin with "N.".  One that breaks behind a call was still run
 * up to there.
 */
static unsigned
weigh_bare(const struct walk *w, bool stopped)
{
	if (!stopped)
		return w->imports != 0 && w->calls != 0 ? 20 : 0;
	if (w->imports != 0 || (w->ops >= 4 && w->made != 0))
		return 24;
	if (w->ops == 0 || !rest_is_blank(w->r))
		return 0;
	return w->ops >= 4 ? 20 : 10;
}

unsigned
identify_pickle(struct rd r)
{
	bool framed = r.len >= 3 && r.base[0] == 0x80 && r.base[1] <= 9;
	struct walk w = {.r = r};
	uint8_t op = 0;
	bool stopped;

	while (rd_u8(&w.r, &op) == 0 && op != '.' && w.ops < STEPS)
		if (!step(&w, op))
			break;
	stopped = w.ops == STEPS || (op == '.' && height(&w) != 0);
	if (!framed)
		return weigh_bare(&w, stopped);
	if (stopped)
		return w.ops > 1 ? 48 : 0;
	/* a broken stream still runs up to where it breaks */
	return w.ops > 4 || w.imports != 0 ? 20 : 0;
}
