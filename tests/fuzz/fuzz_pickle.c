/* SPDX-License-Identifier: MIT
 * Pickles one after the other are read or refused; everything in a tree points
 * into the bytes or the arena, and what was seen was seen in order.  A reader that
 * keeps nothing reads as far.
 */
#include "tests/fuzz/fuzz.h"

#include "base/limits.h"
#include "formats/pickle.h"

struct seen {
	size_t n;
	uint64_t last;
	size_t touched, sum;
};

static void
see(void *ctx, uint8_t op, const struct pickle_node *n)
{
	struct seen *s = ctx;

	PROPERTY(pickle_opcode(op) != NULL);
	PROPERTY(n->kind <= PICKLE_BUFFER);
	s->n++;
}

static void
touch(struct seen *s, struct slice t)
{
	for (size_t i = 0; i < t.len; i += 1 + t.len / 16)
		s->sum += t.ptr[i];
	if (t.len != 0)
		s->sum += t.ptr[t.len - 1];
}

static void
walk(struct seen *s, const struct pickle_node *n, unsigned depth)
{
	if (n == NULL || depth == 6 || ++s->touched > 20000)
		return;
	if (n->kind == PICKLE_STR || n->kind == PICKLE_BYTES ||
	    (n->kind == PICKLE_INT && n->big))
		touch(s, n->text);
	if ((n->kind >= PICKLE_TUPLE && n->kind <= PICKLE_DICT) ||
	    n->kind == PICKLE_PERSID)
		for (size_t i = 0; i < n->n; i++)
			walk(s, n->item[i], depth + 1);
	if (n->kind == PICKLE_GLOBAL) {
		touch(s, n->name->module);
		touch(s, n->name->name);
	}
	if (n->kind == PICKLE_CALL) {
		PROPERTY(n->call->args->kind == PICKLE_TUPLE);
		walk(s, n->call->callee, depth + 1);
		walk(s, n->call->args, depth + 1);
		walk(s, n->call->kwargs, depth + 1);
		walk(s, n->call->state, depth + 1);
		walk(s, n->call->list, depth + 1);
		walk(s, n->call->dict, depth + 1);
	}
	PROPERTY(n->kind != PICKLE_DICT || n->n % 2 == 0);
}

/* The first pickle, kept and not kept: the same end, the same things seen. */
static void
compare(const uint8_t *data, size_t len)
{
	size_t end[2], told[2];
	int rc[2];

	for (int lean = 0; lean < 2; lean++) {
		struct seen s = {0};
		struct pickle p = {.see = see, .ctx = &s, .lean = lean};
		const struct pickle_node *root;
		struct rd r = rd_mem(data, len);
		struct err e = {0};
		struct arena a;

		arena_init(&a, (size_t)256 << 20);
		p.arena = &a;
		rc[lean] = pickle_read(&p, &r, &root, &e);
		end[lean] = r.off;
		told[lean] = s.n;
		if (lean && rc[lean] == 0)
			walk(&s, root, 0);
		arena_release(&a);
	}
	if (rc[0] == ERR_LIMIT)
		return;
	PROPERTY(rc[0] == rc[1] && end[0] == end[1] && told[0] == told[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen s = {0};
	struct pickle p = {.see = see, .ctx = &s};
	const struct pickle_node *root;
	struct rd r = rd_mem(data, len);
	struct arena a;
	struct err e = {0};
	size_t from;

	arena_init(&a, (size_t)256 << 20);
	p.arena = &a;
	do {
		from = r.off;
		if (pickle_read(&p, &r, &root, &e) != 0)
			break;
		PROPERTY(r.off > from && root != NULL);
		s.touched = 0;
		walk(&s, root, 0);
		(void)pickle_get(root, "model");
	} while (rd_left(&r) != 0);
	PROPERTY(p.nodes <= LIMIT_PICKLE_NODES);
	arena_release(&a);
	compare(data, len);
	return 0;
}
