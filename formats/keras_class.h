/* SPDX-License-Identifier: MIT
 * The classes of layers that are known: their weights, in the order of the
 * file, and how they are drawn.
 */
#ifndef FORMATS_KERAS_CLASS_H
#define FORMATS_KERAS_CLASS_H

#include "formats/keras_draw.h"

struct keras_var {
	const char *name;
	const char *only_if; /* a member that must not be false; or NULL */
	const char *unless;  /* a member that must not be there; or NULL */
	bool fixed;          /* never trained */
	const char *within;  /* the layer in it that has it (.keras); NULL */
};

struct keras_class {
	const char *name;
	void (*draw)(struct keras *, struct keras_layer *,
	    const struct keras_value *in, size_t nin, struct keras_value *out);
	size_t least, most; /* inputs */
	struct keras_var var[KERAS_CONFIG_VARS];
	bool moves; /* does no arithmetic on what it takes */
};

#define KERAS(stem) extern const struct keras_class keras_##stem##_classes[];
#include "formats/keras_class.def"
#undef KERAS

/* NULL: unknown. */
const struct keras_class *keras_class_find(const char *name);

#endif
