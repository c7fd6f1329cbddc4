/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>

int
err_set(struct err *e, int code, uint64_t off, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->off = off;
	e->path[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;
	size_t n;

	e->code = ERR_SYSTEM;
	e->off = ERR_NOWHERE;
	e->path[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", why);
	return ERR_SYSTEM;
}

int
err_in(struct err *e, const char *path)
{
	if (e->path[0] == '\0')
		snprintf(e->path, sizeof(e->path), "%s", path);
	return e->code;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	size_t n;

	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	return e->code;
}

const char *
err_name(int code)
{
	static const char *const name[] = {
	    [0] = "ok",
	    [-ERR_TRUNCATED] = "truncated",
	    [-ERR_FORMAT] = "format",
	    [-ERR_LIMIT] = "limit",
	    [-ERR_SYSTEM] = "system",
	    [-ERR_UNSUPPORTED] = "unsupported",
	    [-ERR_USAGE] = "usage",
	    [-ERR_MISMATCH] = "mismatch",
	};

	if (code > 0 || (size_t)-code >= ARRAY_LEN(name))
		return "unknown";
	return name[-code];
}

void
err_text(const struct err *e, char *out, size_t size)
{
	char raw[sizeof(e->path) + sizeof(e->msg) + 32], place[32] = "";

	if (e->off != ERR_NOWHERE)
		snprintf(place, sizeof(place), "offset %" PRIu64 ": ", e->off);
	snprintf(raw, sizeof(raw), "%s%s%s%s", e->path,
	    e->path[0] != '\0' ? ": " : "", place, e->msg);
	text_escape(raw, strlen(raw), out, size);
}
