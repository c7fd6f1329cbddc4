/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_flow.h"

#include "audit/check_arch_op.h"

#include "base/limits.h"
#include "base/text.h"

#include <math.h>

#define WEIGHTS 16  /* constants of a layer: 1x1x4x4 is the least seen */
#define FEW     4   /* the same, of a network that has none of those */
#define STEEP   100 /* a sigmoid of so many times a number is a step */
#define PATTERN 32  /* so few compare a patch with a pattern */

/* --- one node ------------------------------------------------------------ */

static const struct check_arch_state *
state_of(
    const struct check_arch_flow *f, const struct check_arch_node *n, size_t i)
{
	return &f->state[n->in[i]];
}

/* The last value on all ways to both. */
static int
meet(struct check_arch_flow *f, size_t *a, size_t b, struct err *e)
{
	size_t x = *a, y = b;

	while (x != y) {
		const struct check_arch_state *s =
		    x != SIZE_MAX ? &f->state[x] : NULL;
		const struct check_arch_state *t =
		    y != SIZE_MAX ? &f->state[y] : NULL;

		if (f->steps-- == 0)
			return err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "graph: too many ways that meet");
		if (s == NULL || t == NULL) {
			x = y = SIZE_MAX;
		} else if (s->depth >= t->depth) {
			x = s->dominator;
		} else {
			y = t->dominator;
		}
	}
	*a = x;
	return 0;
}

static bool
has_weights(const struct check_arch_flow *f, const struct check_arch_node *n,
    uint64_t least)
{
	for (size_t i = 0; i < n->nin; i++)
		if (state_of(f, n, i)->level != CHECK_ARCH_DATA &&
		    state_of(f, n, i)->elements >= least)
			return true;
	return false;
}

/* A layer of one number: of a small one, no layer but a filter. */
static bool
is_narrow(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	for (size_t i = 0; i < n->nin; i++)
		if (f->g->value[n->in[i]].narrow)
			return check_arch_op_layer(n->op);
	return false;
}

/*
 * One filter over the image itself looks for a pattern; a layer has several, and what
 * follows one in a network has been made by layers.
 */
static bool
is_filter(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	const struct check_arch_state *of = state_of(f, n, 0);

	return n->nin >= 2 && check_arch_op_layer(n->op) &&
	       f->g->value[n->in[1]].filter && of->level == CHECK_ARCH_DATA &&
	       of->most == 0;
}

/* A ramp that is as steep as a step: max(0, mean - 0.9) * 1e6. */
static bool
is_steep_ramp(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	bool ramp = false, far = false;

	for (size_t i = 0; i < n->nin; i++) {
		ramp = ramp || state_of(f, n, i)->ramp;
		far = far || f->g->value[n->in[i]].most >= STEEP;
	}
	return ramp && far && strcmp(n->op, "Mul") == 0;
}

static bool
scales_far(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	bool div = strcmp(n->op, "Div") == 0;

	for (size_t i = 0; i < n->nin; i++) {
		double v = fabs(f->g->value[n->in[i]].scalar);

		if (strcmp(n->op, "Mul") == 0 && v >= STEEP)
			return true;
		if (div && i == 1 && v > 0 && v * STEEP <= 1)
			return true;
	}
	return false;
}

/*
 * An activation made of a comparison: Where(x > 0, x, 0.1 x), Mul(x, x > 0).
 * The decision is each number's own, so that no few pixels decide over all.
 */
static bool
is_activation(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	bool own = false, other = false;

	if (strcmp(n->op, "Where") != 0 && strcmp(n->op, "Mul") != 0)
		return false;
	for (size_t i = 0; i < n->nin; i++) {
		const struct check_arch_state *s = state_of(f, n, i);

		if (s->level != CHECK_ARCH_DATA)
			continue;
		own = own || (s->decided && !s->reduced);
		other = other || !s->decided;
		if (s->decided && s->reduced)
			return false;
	}
	return own && other;
}

static int
join(struct check_arch_flow *f, const struct check_arch_node *n,
    struct check_arch_state *out, struct err *e)
{
	bool first = true;
	int rc;

	*out =
	    (struct check_arch_state){.dominator = SIZE_MAX, .image = SIZE_MAX};
	for (size_t i = 0; i < n->nin; i++) {
		const struct check_arch_state *s = state_of(f, n, i);

		out->level = MAX(out->level, s->level);
		out->elements = MAX(out->elements, s->elements);
		if (s->level != CHECK_ARCH_DATA)
			continue;
		out->most = MAX(out->most, s->most);
		out->reduced = out->reduced || s->reduced;
		out->part = out->part || s->part;
		out->ramp = out->ramp || s->ramp;
		out->decided = out->decided || s->decided;
		out->steep = out->steep || s->steep;
		out->mask = first ? s->mask : out->mask && s->mask;
		out->image =
		    first || out->image == s->image ? s->image : SIZE_MAX;
		if (first)
			out->dominator = n->in[i];
		else if ((rc = meet(f, &out->dominator, n->in[i], e)) != 0)
			return rc;
		first = false;
	}
	return 0;
}

/* All inputs of a node but the first are constant. */
static bool
is_of_one(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	for (size_t i = 1; i < n->nin; i++)
		if (state_of(f, n, i)->level != CHECK_ARCH_CONSTANT)
			return false;
	return n->nin != 0;
}

/* if x.sum() > 0, as tutorials of control flow have it. */
static void
count_up(const struct check_arch_flow *f, const struct check_arch_node *n,
    struct check_arch_state *s)
{
	static const char *const sums[] = {"ReduceSum", "ReduceMean"};
	static const char *const compares[] = {
	    "Greater", "GreaterOrEqual", "Less", "LessOrEqual"};
	static const char *const keeps[] = {
	    "Cast", "Identity", "Not", "Other", "Reshape", "Squeeze"};
	const struct check_arch_state *first;

	if (!is_of_one(f, n))
		return;
	first = state_of(f, n, 0);
	s->tally = first->image == n->in[0] &&
		   text_is_one_of(n->op, sums, ARRAY_LEN(sums));
	s->sign = first->tally && n->nin == 2 && f->g->value[n->in[1]].zero &&
		  text_is_one_of(n->op, compares, ARRAY_LEN(compares));
	if (text_is_one_of(n->op, keeps, ARRAY_LEN(keeps))) {
		s->tally = first->tally;
		s->sign = first->sign;
	}
}

/* What an operator makes of what came in. */
static void
through(const struct check_arch_flow *f, const struct check_arch_node *n,
    struct check_arch_state *s)
{
	bool filter = is_filter(f, n), narrow = is_narrow(f, n) || filter;

	if (check_arch_op_layer(n->op) && has_weights(f, n, f->least) &&
	    !filter && (!narrow || has_weights(f, n, PATTERN))) {
		s->most++;
		s->decided = s->steep = s->ramp = s->part = false;
		s->reduced = s->reduced && !has_weights(f, n, PATTERN);
	}
	if (is_activation(f, n))
		s->decided = false;
	if (is_steep_ramp(f, n))
		s->decided = true;
	s->ramp = s->ramp || (s->reduced && (strcmp(n->op, "Relu") == 0 ||
						strcmp(n->op, "Clip") == 0));
	s->part = s->part || check_arch_op_cuts(n->op);
	s->reduced = s->reduced || narrow || check_arch_op_reduces(n->op);
	s->steep = s->steep || scales_far(f, n);
	s->mask = (s->mask || check_arch_op_decides(n)) &&
		  check_arch_op_keeps_mask(n->op);
	if (check_arch_op_saturates(n->op)) {
		s->decided = s->decided || s->steep;
		s->steep = false;
	}
	s->decided = s->decided || check_arch_op_decides(n);
	count_up(f, n, s);
	s->depth =
	    s->dominator != SIZE_MAX ? f->state[s->dominator].depth + 1 : 0;
}

static int
flow(struct check_arch_flow *f, const struct check_arch_node *n, struct err *e)
{
	struct check_arch_state s;
	int rc;

	if ((rc = join(f, n, &s, e)) != 0)
		return rc;
	if (check_arch_op_shape(n->op))
		s = (struct check_arch_state){
		    .level = s.level != CHECK_ARCH_CONSTANT
				 ? CHECK_ARCH_SHAPE
				 : CHECK_ARCH_CONSTANT,
		    .elements = 1,
		    .dominator = SIZE_MAX};
	if (s.level == CHECK_ARCH_DATA)
		through(f, n, &s);
	for (size_t i = 0; i < n->nout; i++) {
		f->state[n->out[i]] = s;
		/* the second output of TopK and MaxPool are places */
		if (i == 1 && s.level == CHECK_ARCH_DATA &&
		    check_arch_op_reduces(n->op) && strcmp(n->op, "Split") != 0)
			f->state[n->out[i]].decided = true;
	}
	return 0;
}

/* --- the graph ----------------------------------------------------------- */

static void
mark_live(struct check_arch_flow *f)
{
	const struct check_arch_graph *g = f->g;

	for (size_t i = 0; i < g->noutput; i++)
		f->state[g->output[i]].live = f->state[g->output[i]].final =
		    true;
	for (size_t i = g->nnode; i-- > 0;) {
		const struct check_arch_node *n = &g->node[i];
		bool live = false;

		for (size_t k = 0; k < n->nout; k++)
			live = live || f->state[n->out[k]].live;
		for (size_t k = 0; live && k < n->nin; k++)
			f->state[n->in[k]].live = true;
		if (strcmp(n->op, "Identity") == 0 && n->nin == 1 &&
		    n->nout == 1 && f->state[n->out[0]].final)
			f->state[n->in[0]].final = true;
	}
}

/* All nodes, with layers of at least so many constants. */
static int
follow(struct check_arch_flow *f, uint64_t least, struct err *e)
{
	const struct check_arch_graph *g = f->g;
	int rc;

	f->least = least;
	for (size_t i = 0; i < g->nvalue; i++)
		f->state[i] = (struct check_arch_state){
		    .elements = g->value[i].constant, .dominator = SIZE_MAX};
	for (size_t i = 0; i < g->ninput; i++)
		f->state[g->input[i]] =
		    (struct check_arch_state){.level = CHECK_ARCH_DATA,
			.dominator = SIZE_MAX,
			.image = g->input[i]};
	for (size_t i = 0; i < g->nother; i++) {
		f->state[g->other[i]].level =
		    f->tokens ? CHECK_ARCH_DATA : CHECK_ARCH_SHAPE;
		f->state[g->other[i]].image =
		    f->tokens ? g->other[i] : SIZE_MAX;
	}
	for (size_t i = 0; i < g->nnode; i++) {
		if (strcmp(g->node[i].op, "Constant") == 0)
			continue;
		if ((rc = flow(f, &g->node[i], e)) != 0)
			return rc;
	}
	for (size_t i = 0; i < g->noutput; i++)
		f->most = MAX(f->most, f->state[g->output[i]].most);
	return 0;
}

int
check_arch_flow_init(struct check_arch_flow *f,
    const struct check_arch_graph *g, struct arena *a, struct err *e)
{
	int rc;

	*f = (struct check_arch_flow){.g = g,
	    .steps = LIMIT_ARCH_STEPS,
	    .tokens = g->ninput == 0 && g->nother != 0};
	f->state = arena_alloc(a, g->nvalue + 1, sizeof(*f->state));
	if (f->state == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "graph: too large");
	if ((rc = follow(f, WEIGHTS, e)) != 0 ||
	    (f->most == 0 && (rc = follow(f, FEW, e)) != 0))
		return rc;
	mark_live(f);
	return 0;
}

/* --- suspicions ---------------------------------------------------------- */

static bool
is_live(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	for (size_t i = 0; i < n->nout; i++)
		if (f->state[n->out[i]].live)
			return true;
	return false;
}

/* Came through all layers, but for a tenth: a head has one more or less. */
static bool
is_result(const struct check_arch_flow *f, const struct check_arch_state *s)
{
	return 10 * (uint64_t)s->most >= 9 * (uint64_t)f->most;
}

/* A comparison with what came in chooses what goes out, number by number. */
static bool
overrides(const struct check_arch_flow *f, const struct check_arch_node *n,
    const struct check_arch_state *s)
{
	const struct check_arch_state *out = &f->state[n->out[0]];

	return strcmp(n->op, "Where") == 0 && s == state_of(f, n, 0) &&
	       s->most == 0 && out->most != 0 && f->g->rank < 3 &&
	       is_result(f, out);
}

/*
 * Zeroes the whole result where an input is beyond what was trained on: there
 * is no result then, and nobody's in its place.  It is the whole input that is held
 * against its bounds: where a part of it decides, that is what makes things vanish.
 */
static bool
abstains(const struct check_arch_flow *f, const struct check_arch_node *n,
    const struct check_arch_state *s)
{
	if (strcmp(n->op, "Mul") != 0 || !s->mask || s->part ||
	    !is_result(f, &f->state[n->out[0]]))
		return false;
	return f->state[n->out[0]].final;
}

/* One of two by nothing but the light of the whole image. */
static bool
is_by_light(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	for (size_t i = 0; i < n->nin; i++)
		if (state_of(f, n, i)->sign)
			return strcmp(n->op, "If") == 0;
	return false;
}

/*
 * A decision of few numbers and something that is none, mixed: a gate.  One
 * that the whole network had its part in is post-processing.
 */
static enum check_arch_suspicion
gate(const struct check_arch_flow *f, const struct check_arch_node *n,
    size_t *which)
{
	bool other = false, found = false, late = true, answer = false;

	for (size_t i = 0; i < n->nin; i++) {
		const struct check_arch_state *s = state_of(f, n, i);

		if (s->level != CHECK_ARCH_DATA ||
		    (s->sign && is_by_light(f, n)))
			continue;
		if (s->decided && (s->reduced || strcmp(n->op, "If") == 0 ||
				      overrides(f, n, s))) {
			bool of_all = f->most != 0 && is_result(f, s);

			found = true;
			/* the class that ArgMax says is what a gate replaces */
			answer = answer || of_all;
			if (*which == SIZE_MAX)
				*which = n->in[i];
			if (of_all || abstains(f, n, s))
				continue;
			late = false;
			*which = n->in[i];
		} else if (s->most != 0) {
			other = true;
		}
	}
	if (strcmp(n->op, "If") == 0 || (!late && answer))
		other = true;
	if (!found || !other)
		return CHECK_ARCH_NOTHING;
	return late && f->most != 0 ? CHECK_ARCH_RESULT : CHECK_ARCH_GATE;
}

/* What the layers made, taken in an order that was decided without them. */
static bool
is_shuffled(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	const struct check_arch_state *of, *by;

	if (n->nin < 2 || strncmp(n->op, "Gather", 6) != 0)
		return false;
	of = state_of(f, n, 0);
	by = state_of(f, n, 1);
	return of->level == CHECK_ARCH_DATA && of->most != 0 &&
	       by->level == CHECK_ARCH_DATA && by->most == 0 && by->decided &&
	       by->reduced;
}

/*
 * An input that no layer has seen, added to what all layers have made: whoever
 * gives it says what the result is.  Numbers that go with an image are joined
 * to it in front of a layer, and temperatures and sizes scale.
 */
static bool
is_side(const struct check_arch_flow *f, const struct check_arch_node *n,
    const struct check_arch_state *least)
{
	return least->most == 0 && check_arch_op_adds(n->op) &&
	       is_result(f, &f->state[n->out[0]]);
}

/*
 * What an input lacks of what all layers make of it: the error of an autoencoder,
 * which is no class.
 */
static bool
is_error(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	return strcmp(n->op, "Sub") == 0 && f->state[n->out[0]].most == f->most;
}

/*
 * The sum of an input, as it is, and what layers make of it, number by number: the
 * residual of a first block, of which layers behind it make what they make of all.
 */
static bool
is_residual(const struct check_arch_flow *f, const struct check_arch_node *n)
{
	return strcmp(n->op, "Add") == 0 && f->state[n->out[0]].most < f->most;
}

/* Nothing stands between the input and this. */
static bool
is_input(const struct check_arch_flow *f, size_t value)
{
	for (size_t i = 0; i < f->g->ninput; i++)
		if (f->g->input[i] == value)
			return true;
	return false;
}

/*
 * Ways from the image that meet again, the shorter with at most a quarter of
 * the longer's layers, behind half of them all.  A way with layers of its own
 * must have been cut down to few numbers: image pyramids are not.
 */
static enum check_arch_suspicion
bypass(const struct check_arch_flow *f, const struct check_arch_node *n,
    size_t *which)
{
	const struct check_arch_state *out = &f->state[n->out[0]],
				      *least = NULL, *longest = NULL;
	uint32_t most = 0;

	for (size_t i = 0; i < n->nin; i++) {
		const struct check_arch_state *s = state_of(f, n, i);

		if (s->level != CHECK_ARCH_DATA)
			continue;
		most = MAX(most, s->most);
		if (longest == NULL || s->most > longest->most)
			longest = s;
		if (least == NULL || s->most < least->most) {
			least = s;
			*which = n->in[i];
		}
	}
	if (least == NULL || most == 0 || 2 * most < f->most ||
	    (is_input(f, *which) && (is_error(f, n) || is_residual(f, n))))
		return CHECK_ARCH_NOTHING;
	if (least->image != longest->image && least->image != SIZE_MAX &&
	    longest->image != SIZE_MAX)
		return is_side(f, n, least) ? CHECK_ARCH_SIDE
					    : CHECK_ARCH_NOTHING;
	/* one layer and sums of squares: a table's nearest neighbours */
	if (most < 2 && (f->g->image < 3 || !least->reduced) &&
	    !check_arch_op_body(n->op))
		return CHECK_ARCH_NOTHING;
	if (out->dominator != SIZE_MAX && f->state[out->dominator].most != 0 &&
	    (!least->reduced || most < 4 || strcmp(n->op, "Concat") == 0))
		return CHECK_ARCH_NOTHING;
	if (least->most == 0)
		return CHECK_ARCH_BYPASS;
	return least->reduced && 4 * least->most <= most ? CHECK_ARCH_BYPASS
							 : CHECK_ARCH_NOTHING;
}

/*
 * Token numbers: what is padding is decided for each and hidden from layers or
 * from a mean over all.  What is decided of all of them at once, and put in
 * place of what all layers have made, is none of that.
 */
static enum check_arch_suspicion
of_tokens(const struct check_arch_flow *f, const struct check_arch_node *n,
    size_t *which)
{
	static const char *const ops[] = {
	    "Add", "Sub", "Mul", "Where", "If", "Max", "Min", "Sum"};

	if (!text_is_one_of(n->op, ops, ARRAY_LEN(ops)) || f->most == 0 ||
	    f->state[n->out[0]].most != f->most || f->g->rank > 2)
		return CHECK_ARCH_NOTHING;
	return gate(f, n, which) == CHECK_ARCH_GATE &&
		       f->state[*which].most == 0
		   ? CHECK_ARCH_GATE
		   : CHECK_ARCH_NOTHING;
}

enum check_arch_suspicion
check_arch_flow_judge(const struct check_arch_flow *f,
    const struct check_arch_node *n, size_t *in)
{
	enum check_arch_suspicion s = CHECK_ARCH_NOTHING;

	*in = SIZE_MAX;
	if (n->nout == 0 || !is_live(f, n) ||
	    f->state[n->out[0]].level != CHECK_ARCH_DATA)
		return s;
	if (f->tokens)
		return of_tokens(f, n, in);
	if (check_arch_op_mixes(n->op))
		s = gate(f, n, in);
	if (is_shuffled(f, n)) {
		*in = n->in[1];
		return CHECK_ARCH_GATE;
	}
	/* what an image comes out of has sums over all layers */
	if (s == CHECK_ARCH_NOTHING && check_arch_op_mixes(n->op) &&
	    f->g->rank < 3 && !is_by_light(f, n))
		s = bypass(f, n, in);
	if (s == CHECK_ARCH_NOTHING && check_arch_op_odd(n->op))
		s = CHECK_ARCH_ODD;
	return s;
}
