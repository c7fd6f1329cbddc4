/* SPDX-License-Identifier: MIT */
#include "audit/check_depend_name.h"

#include <ctype.h>

#define NAME 64

static const char *const packages[] = {
#define PACKAGE(name) name,
#define OTHER(name)
#include "audit/check_depend_name.def"
#undef PACKAGE
#undef OTHER
};

static const char *const others[] = {
#define PACKAGE(name)
#define OTHER(name) name,
#include "audit/check_depend_name.def"
#undef PACKAGE
#undef OTHER
};

static bool
separates(char c)
{
	return c == '-' || c == '_' || c == '.';
}

/* The name at the beginning, in small letters, with one "-" for what separates (PEP
 * 503); false: there is none, or it is too long to be near any. */
static bool
normalise(const char *s, size_t len, char out[NAME])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (n + 1 == NAME)
			return false;
		if (separates(s[i])) {
			if (n != 0 && out[n - 1] != '-')
				out[n++] = '-';
		} else if (c < 128 && isalnum(c)) {
			out[n++] = (char)tolower(c);
		} else {
			break;
		}
	}
	out[n] = '\0';
	return n >= 4;
}

/* One letter apart, at the first place where they differ. */
static bool
is_one_off(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), i = 0;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	if (na == nb)
		return strcmp(a + i + 1, b + i + 1) == 0 ||
		       (a[i] == b[i + 1] && a[i + 1] == b[i] &&
			   strcmp(a + i + 2, b + i + 2) == 0);
	if (na == nb + 1)
		return strcmp(a + i + 1, b + i) == 0;
	return nb == na + 1 && strcmp(a + i, b + i + 1) == 0;
}

static bool
is_same_letters(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '-')
			a++;
		while (*b == '-')
			b++;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

const char *
check_depend_name_near(const char *s, size_t len)
{
	const char *near = NULL;
	char name[NAME];

	if (!normalise(s, len, name))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(others[i], name) == 0)
			return NULL;
	for (size_t i = 0; i < ARRAY_LEN(packages); i++) {
		if (strcmp(packages[i], name) == 0)
			return NULL;
		if (is_same_letters(packages[i], name) ||
		    is_one_off(packages[i], name))
			near = packages[i];
	}
	return near;
}
