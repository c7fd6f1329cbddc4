/* SPDX-License-Identifier: MIT
 * Architectures: what turns weights without a graph into a model.  A family is
 * a file arch_<stem>.c that recognises its weights by names and shapes and
 * draws the graph over them (draw.h), reading widths and depths
 * from the shapes, and what shapes cannot tell (strides, heads, epsilons) from
 * the family's definition, a configuration (hints.config), or the attributes
 * of a whole-module pickle.
 */
#ifndef FORMATS_ARCH_H
#define FORMATS_ARCH_H

#include "formats/draw.h"

struct arch_family {
	const char *name;    /* "resnet": what --arch takes */
	const char *summary; /* one line */
	/*
	 * How well the weights fit: 0 not at all, else how many of them the
	 * family would use, about.  With `config` (may be NULL): also by what
	 * that says.
	 */
	size_t (*match)(const struct weights *, const json_t *config);
	/* Draw from the image's name to the logits' name. */
	const char *(*draw)(struct draw *, const char *image);
	/* The usual side of the image, when nothing else says it; 0: any. */
	uint32_t side;
};

#define ARCH(stem) extern const struct arch_family arch_##stem;
#include "formats/arch.def"
#undef ARCH

/* The table; *n entries, in the order of arch.def. */
const struct arch_family *const *arch_all(size_t *n);

/*
 * The model of these weights, which live in m's arena: by hints.arch, else by
 * the best match.  Every weight must be used or ignored.  ERR_UNSUPPORTED says
 * what was nearest.  m has been initialised; it is the caller's to release.
 */
int arch_load(const struct hints *, struct weights *, struct model *,
    struct err *) MUST_USE;
/* The family that it would take. */
int arch_choose(const struct hints *, const struct weights *,
    const struct arch_family **out, struct err *) MUST_USE;
/* The same by this family, whose draw() finds `ctx` in the context. */
int arch_draw(const struct arch_family *, const void *ctx, const struct hints *,
    struct weights *, struct model *, struct err *) MUST_USE;
/* Of a family that nothing in the weights tells: it is taken by name alone. */
size_t arch_match_never(const struct weights *, const json_t *config);
/* NULL when no family has that name. */
const struct arch_family *arch_named(const char *name);

#endif
