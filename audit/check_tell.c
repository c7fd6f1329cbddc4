/* SPDX-License-Identifier: MIT */
#include "audit/check_tell.h"

#include <stdarg.h>

#define TOLD 16

void
check_tell_find(struct check_tell *t, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (++t->told[id] > TOLD)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check_find(t->f, id, offset, "%s", text);
}

void
check_tell_short(struct check_tell *t, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	t->f->sink->complete = false;
	if (++t->told[id] > TOLD)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check_short(t->f, id, offset, "%s", text);
}

void
check_tell_rest(struct check_tell *t)
{
	for (size_t i = 0; i < FINDING_COUNT; i++)
		if (t->told[i] > TOLD)
			check_find(t->f, (enum finding_id)i, ERR_NOWHERE,
			    "and %" PRIu32 " times more", t->told[i] - TOLD);
}
