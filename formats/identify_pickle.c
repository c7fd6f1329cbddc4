/* SPDX-License-Identifier: MIT
 * Pickle streams (Python's pickletools.py lists the opcodes): the stream is
 * walked opcode by opcode to STOP without being interpreted.  Protocol 2 and
 * later announce themselves; older ones must also do something that a chance
 * run of letters does not.
 */
#include "formats/identify_probe.h"
#include "formats/pickle_skip.h"

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

	if (pickle_skip(&w->r, op) != 0 || !stacks(w, op))
		return false;
	if (pickle_skip_table[op] >= PICKLE_SKIP_LINE &&
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
