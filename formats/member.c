/* SPDX-License-Identifier: MIT */
#include "formats/member.h"

#include "base/text.h"

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

struct fold_range {
	uint32_t first, last;
	int32_t delta; /* 0: pairs, the lower case is the odd neighbour */
};

/* Unicode CaseFolding.txt, status C, of the scripts in the header. */
static const struct fold_range fold_table[] = {
    {'A', 'Z', 32},
    {0xc0, 0xd6, 32},
    {0xd8, 0xde, 32},
    {0x100, 0x12f, 0},
    {0x132, 0x137, 0},
    {0x139, 0x148, 1},
    {0x14a, 0x177, 0},
    {0x178, 0x178, 0xff - 0x178},
    {0x179, 0x17e, 1},
    {0x17f, 0x17f, 's' - 0x17f},
    {0x386, 0x386, 38},
    {0x388, 0x38a, 37},
    {0x38c, 0x38c, 64},
    {0x38e, 0x38f, 63},
    {0x391, 0x3a1, 32},
    {0x3a3, 0x3ab, 32},
    {0x3c2, 0x3c2, 1},
    {0x400, 0x40f, 80},
    {0x410, 0x42f, 32},
    {0x460, 0x481, 0},
    {0x48a, 0x4bf, 0},
    {0x4d0, 0x52f, 0},
    {0x531, 0x556, 48},
    {0x1e00, 0x1e95, 0},
    {0x1ea0, 0x1eff, 0},
    {0x212a, 0x212a, 'k' - 0x212a},
    {0x212b, 0x212b, 0xe5 - 0x212b},
    {0xff21, 0xff3a, 32},
};

static uint32_t
fold(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(fold_table); i++) {
		const struct fold_range *r = &fold_table[i];

		if (cp < r->first || cp > r->last)
			continue;
		if (r->delta == 0)
			return cp | 1;
		/* pairs whose upper case is the odd one */
		if (r->delta == 1 && r->last != r->first)
			return cp + (cp & 1);
		return (uint32_t)((int32_t)cp + r->delta);
	}
	return cp;
}

static size_t
encode(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	out[0] = (char)(0xe0 | cp >> 12);
	out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[2] = (char)(0x80 | (cp & 0x3f));
	return 3;
}

void
member_fold(const char *path, char *out)
{
	size_t len = strlen(path), k = 0;

	for (size_t i = 0, n; i < len; i += n) {
		uint32_t cp = 0, low;

		n = text_utf8_decode(path + i, len - i, &cp);
		low = n != 0 ? fold(cp) : 0;
		if (n != 0 && low != cp) {
			k += encode(low, out + k);
			continue;
		}
		n = MAX(n, 1);
		memcpy(out + k, path + i, n);
		k += n;
	}
	out[k] = '\0';
}
