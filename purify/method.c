/* SPDX-License-Identifier: MIT */
#include "purify/method.h"

const struct method *const method_table[] = {
#define METHOD(x) &method_##x,
#include "purify/method.def"
#undef METHOD
};

const size_t method_count = ARRAY_LEN(method_table);

const struct method *
method_find(const char *name)
{
	for (size_t i = 0; i < method_count; i++)
		if (strcmp(method_table[i]->name, name) == 0)
			return method_table[i];
	return NULL;
}
