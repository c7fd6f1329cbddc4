/* SPDX-License-Identifier: MIT */
#include "formats/keras_class.h"

static const struct keras_class *const table[] = {
#define KERAS(stem) keras_##stem##_classes,
#include "formats/keras_class.def"
#undef KERAS
};

const struct keras_class *
keras_class_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (const struct keras_class *c = table[i]; c->name != NULL;
		     c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}
