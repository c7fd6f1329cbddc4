/* SPDX-License-Identifier: MIT */
#include "audit/check_tell.h"

#include <stdarg.h>

#define TOLD 16

static void PRINTF_LIKE(4, 0) tell(struct check_tell *t, enum finding_id id,
    uint64_t offset, const char *fmt, va_list ap)
{
	char text[512];

	if (++t->told[id] > TOLD)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	check_find(t->f, id, offset, "%s", text);
}

void
check_tell_find(struct check_tell *t, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(t, id, offset, fmt, ap);
	va_end(ap);
}

void
check_tell_short(struct check_tell *t, enum finding_id id, uint64_t offset,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(t, id, offset, fmt, ap);
	va_end(ap);
	/* also when it is not told any more */
	t->f->sink->complete = false;
}

void
check_tell_rest(struct check_tell *t)
{
	for (size_t i = 0; i < FINDING_COUNT; i++)
		if (t->told[i] > TOLD)
			check_find(t->f, (enum finding_id)i, ERR_NOWHERE,
			    "and %" PRIu32 " times more", t->told[i] - TOLD);
}
