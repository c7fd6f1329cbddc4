/* SPDX-License-Identifier: MIT
 * Where the image goes.  Of every value: does it depend on the image's pixels,
 * only on its shape, or on nothing; how many layers with weights lie between,
 * by the longest way; the last value through which all ways to it lead (its
 * dominator); has it been cut down to a few numbers, and then to a decision.
 *
 * What makes an architectural backdoor (Bober-Irizar et al. 2023, Langford et
 * al. 2024, HiddenLayer's ShadowLogic) then shows as a way from the image into
 * the result that leaves the layers out, or as a decision that is mixed into
 * it.  The sign of the sum of all pixels is no decision of that kind: it is about the
 * light of the whole image, which no trigger sets.  What an honest classifier has (residual sums, squeeze-and-excite gates,
 * attention masks, activations made of comparisons, post-processing) does not.
 */
#ifndef AUDIT_CHECK_ARCH_FLOW_H
#define AUDIT_CHECK_ARCH_FLOW_H

#include "audit/check_arch_graph.h"

enum check_arch_level {
	CHECK_ARCH_CONSTANT,
	CHECK_ARCH_SHAPE, /* or on an input that is no image */
	CHECK_ARCH_DATA,
};

struct check_arch_state {
	enum check_arch_level level;
	uint64_t elements; /* of constants: the most that went in */
	uint32_t most;     /* layers with weights on the longest way */
	uint32_t depth;    /* in the tree of dominators */
	size_t dominator;  /* SIZE_MAX: an image */
	size_t image;      /* the input behind it; SIZE_MAX: several */
	bool reduced;      /* to parts or sums, since the last layer */
	bool part;         /* of the image, since the last layer */
	bool ramp;         /* reduced, and nothing below a threshold */
	bool decided;      /* by a comparison or a step, since then */
	bool mask;         /* 0 or 1, and made of nothing but decisions */
	bool tally;        /* the sum or mean of a whole input */
	bool sign;         /* whether that is above zero */
	bool steep;        /* scaled so far that a sigmoid is a step */
	bool live;         /* an output depends on it */
	bool final;        /* an output is it */
};

struct check_arch_flow {
	const struct check_arch_graph *g;
	struct check_arch_state *state; /* by value */
	uint32_t most;                  /* of the outputs */
	uint64_t least;                 /* constants that make a layer */
	bool tokens;    /* whole numbers are all that comes in */
	uint64_t steps; /* left for walks */
};

int check_arch_flow_init(struct check_arch_flow *,
    const struct check_arch_graph *, struct arena *, struct err *) MUST_USE;

enum check_arch_suspicion {
	CHECK_ARCH_NOTHING,
	CHECK_ARCH_GATE,   /* a decision is mixed into something else */
	CHECK_ARCH_BYPASS, /* the image, past the layers */
	CHECK_ARCH_SIDE,   /* another input, past the layers */
	CHECK_ARCH_RESULT, /* a decision over the result itself */
	CHECK_ARCH_ODD,    /* an operator that classifiers do not have */
};

/* What a node is; *in: the input of it that is suspicious. */
enum check_arch_suspicion check_arch_flow_judge(
    const struct check_arch_flow *, const struct check_arch_node *, size_t *in);

#endif
