/* SPDX-License-Identifier: MIT
 * The stack, the marks and the memo of one pickle being read: what the opcodes
 * (pickle_ops.c) work on.
 */
#ifndef FORMATS_PICKLE_MACHINE_H
#define FORMATS_PICKLE_MACHINE_H

#include "base/map.h"
#include "formats/pickle.h"

#define PICKLE_FIRST 32

/* The bulk of what nothing walks through in minutes, once it is more values than the
 * file has bytes: what was written out item by item never is.  And of what takes
 * seconds, which has to be two to PICKLE_LAUGH_BYTES times as many: some honest list
 * is of a million references to one. */
#define PICKLE_WALK        30
#define PICKLE_LAUGH       26
#define PICKLE_LAUGH_BYTES 14

struct pickle_machine {
	struct pickle *p;
	struct rd *r;
	struct err *e;
	struct arena scratch; /* everything but the nodes */
	uint64_t at;          /* of the opcode, in the file */
	uint8_t op;
	bool stopped;
	struct pickle_node **stack;
	size_t n, room;
	size_t *mark; /* heights of the stack */
	size_t nmark, mark_room;
	/* entries numbered as picklers number them, and all others: indices
	 * into `other` by the number as text */
	struct pickle_node **memo;
	size_t memo_room;
	struct map others;
	struct pickle_node **other;
	size_t nother, other_room;
	size_t puts; /* different numbers so far */
	/* a bit for each number below `foreseen`: asked for later on; put,
	 * though not into the memo because nothing asks for it */
	uint64_t *asked, *passed;
	size_t foreseen;
	bool looked;        /* ahead */
	uint64_t start;     /* of the pickle, in the file */
	uint64_t frame_end; /* of the last FRAME, or 0 */
	bool frame_cut;
	/* nodes that were given up: scalars, and those with parts */
	struct pickle_node *spare, *garbage;
	struct pickle_chunk *chunk[32]; /* given up, by the logarithm of size */
	/* most pickles need no more than this */
	struct pickle_node *first_stack[PICKLE_FIRST],
	    *first_memo[PICKLE_FIRST];
	size_t first_mark[PICKLE_FIRST];
};

void pickle_machine_init(
    struct pickle_machine *, struct pickle *, struct rd *, struct err *);
void pickle_machine_release(struct pickle_machine *);

/* ERR_FORMAT at the opcode: "NAME: what". */
int pickle_machine_bad(struct pickle_machine *, const char *what) MUST_USE;
int pickle_machine_full(struct pickle_machine *) MUST_USE;

/* A node of this kind; NULL over a limit. */
struct pickle_node *pickle_machine_node(
    struct pickle_machine *, enum pickle_kind);
/* What pickle_node.bulk says of a tuple of these. */
uint8_t pickle_machine_bulk(struct pickle_node *const *item, size_t n);
/* Put n nodes behind those of a list, set or dictionary. */
int pickle_machine_extend(struct pickle_machine *, struct pickle_node *,
    struct pickle_node *const *, size_t n) MUST_USE;

/* Memory of the arena, zeroed; NULL over a limit, the error set. */
void *pickle_machine_chunk(struct pickle_machine *, size_t size);
/* A node that nothing refers to: a lean machine uses it again. */
void pickle_machine_drop(struct pickle_machine *, struct pickle_node *);
/* Readers differ in what they make of this; nothing when nobody asks. */
void pickle_machine_odd(struct pickle_machine *, const char *what);

/* NULL, the error set, is taken for a node and returned as ERR_LIMIT. */
int pickle_machine_push(struct pickle_machine *, struct pickle_node *) MUST_USE;
/* The stack ends at the last mark. */
int pickle_machine_pop(struct pickle_machine *, struct pickle_node **) MUST_USE;
int pickle_machine_top(struct pickle_machine *, struct pickle_node **) MUST_USE;
int pickle_machine_mark(struct pickle_machine *) MUST_USE;
/* Forget the last mark; what was above it is *items .. the stack's old end,
 * valid until something is pushed. */
int pickle_machine_pop_mark(
    struct pickle_machine *, struct pickle_node ***items, size_t *n) MUST_USE;

/* Count a number that nothing will ask for; false: something may. */
static inline bool
pickle_machine_pass(struct pickle_machine *m, uint64_t i)
{
	uint64_t bit = (uint64_t)1 << i % 64;

	if (i >= m->foreseen || (m->asked[i / 64] & bit) != 0)
		return false;
	m->puts += (m->passed[i / 64] & bit) == 0;
	m->passed[i / 64] |= bit;
	return true;
}
int pickle_machine_put(
    struct pickle_machine *, uint64_t, struct pickle_node *) MUST_USE;
/* NULL when there is none. */
struct pickle_node *pickle_machine_get(const struct pickle_machine *, uint64_t);

#endif
