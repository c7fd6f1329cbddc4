/* SPDX-License-Identifier: MIT */
#include "engine/op.h"

#include <stdarg.h>

const struct op *const op_table[] = {
#define OP(x) &op_##x,
#include "engine/op.def"
#undef OP
};
const size_t op_count = ARRAY_LEN(op_table);

const struct op *
op_find(const char *name)
{
	for (size_t i = 0; i < op_count; i++)
		if (strcmp(op_table[i]->name, name) == 0)
			return op_table[i];
	return NULL;
}

int
op_bad(const struct step *s, struct err *e, const char *fmt, ...)
{
	char msg[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "node '%.64s' (%s): %s",
	    s->name, s->op->name, msg);
}
