/* SPDX-License-Identifier: MIT */
#include "formats/member.h"

#include "base/text.h"

#include <utf8proc.h>

static enum member_verdict
refuse(struct member *m, enum finding_id id, const char *reason)
{
	m->finding = id;
	m->reason = reason;
	return MEMBER_REFUSED;
}

/* What would leave the folder on some system. */
static const char *
escapes(const char *s)
{
	if (s[0] == '/' || s[0] == '\\')
		return "absolute path";
	if (((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z')) &&
	    s[1] == ':')
		return "drive letter";
	while (*s != '\0') {
		size_t n = strcspn(s, "/\\");

		if (n == 2 && s[0] == '.' && s[1] == '.')
			return "'..' component";
		s += n + (s[n] != '\0');
	}
	return NULL;
}

/* Characters that lie about what the name is. */
static const char *
deceives(const char *s, size_t len)
{
	uint32_t cp;

	if (strchr(s, '\\') != NULL)
		return "backslash";
	for (size_t i = 0, n; i < len; i += n) {
		if ((n = text_utf8_decode(s + i, len - i, &cp)) == 0)
			return "not UTF-8";
		if (text_is_hidden(cp))
			return "control or invisible character";
		if (cp == 0xfffd)
			return "replacement character";
	}
	return NULL;
}

static enum member_verdict
components(struct member *m)
{
	const char *s = m->path;
	size_t depth = 0;

	for (;; depth++) {
		size_t n = strcspn(s, "/");

		if (n == 0)
			return refuse(
			    m, FINDING_ARCHIVE_NAME, "empty component");
		if (n == 1 && s[0] == '.')
			return refuse(m, FINDING_ARCHIVE_NAME, "'.' component");
		if (n > LIMIT_MEMBER_PART)
			return refuse(m, FINDING_ARCHIVE_LIMIT,
			    "component longer than 255 bytes");
		if (s[n] == '\0')
			break;
		s += n + 1;
	}
	if (depth >= LIMIT_MEMBER_DEPTH)
		return refuse(
		    m, FINDING_ARCHIVE_LIMIT, "more than 64 levels of folders");
	return MEMBER_ACCEPTED;
}

enum member_verdict
member_check(const char *raw, struct member *m)
{
	size_t len = strlen(raw);
	const char *why;

	*m = (struct member){0};
	if (len == 0)
		return refuse(m, FINDING_ARCHIVE_NAME, "empty name");
	if ((why = escapes(raw)) != NULL)
		return refuse(m, FINDING_ARCHIVE_TRAVERSAL, why);
	if ((why = deceives(raw, len)) != NULL)
		return refuse(m, FINDING_ARCHIVE_NAME, why);
	if (len > LIMIT_MEMBER_NAME)
		return refuse(
		    m, FINDING_ARCHIVE_LIMIT, "name longer than 1024 bytes");
	/* tar of "." names every member "./..." and the folder "./" */
	if (strcmp(raw, ".") == 0)
		return MEMBER_ROOT;
	if (raw[0] == '.' && raw[1] == '/') {
		raw += 2;
		len -= 2;
	}
	if (len == 0)
		return MEMBER_ROOT;
	if (raw[len - 1] == '/')
		len--;
	memcpy(m->path, raw, len);
	return components(m);
}

void
member_fold(const char *path, char *out)
{
	static const utf8proc_option_t how =
	    UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
	    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
	/* in place: code points become bytes; 11 for 1 is the worst there is */
	utf8proc_int32_t text[MEMBER_FOLD];
	size_t len = strlen(path);
	utf8proc_ssize_t n;

	n = utf8proc_decompose((const utf8proc_uint8_t *)path,
	    (utf8proc_ssize_t)len, text, ARRAY_LEN(text) - 1, how);
	if (n >= 0 && n < (utf8proc_ssize_t)ARRAY_LEN(text))
		n = utf8proc_reencode(text, n, how);
	if (n < 0 || n >= MEMBER_FOLD) {
		memcpy(out, path, len + 1); /* not UTF-8 */
		return;
	}
	memcpy(out, text, (size_t)n);
	out[n] = '\0';
}
