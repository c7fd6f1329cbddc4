/* SPDX-License-Identifier: MIT
 * What the rules on commands have between them: words in a text in small letters.
 */
#ifndef AUDIT_CHECK_SHELL_PART_H
#define AUDIT_CHECK_SHELL_PART_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem: to be included before the C library's headers */
#endif

#include "base/base.h"

#include <ctype.h>
#include <string.h>

/* Words of one command: how far apart they may be. */
#define NEAR 400

struct text {
	const char *s;
	size_t len;
};

static inline size_t
find(struct text t, size_t from, size_t to, const char *word)
{
	const char *p;

	to = MIN(to, t.len);
	if (from >= to)
		return SIZE_MAX;
	p = memmem(t.s + from, to - from, word, strlen(word));
	return p != NULL ? (size_t)(p - t.s) : SIZE_MAX;
}

static inline bool
has(struct text t, const char *word)
{
	return find(t, 0, t.len, word) != SIZE_MAX;
}

static inline bool
any(struct text t, const char *const *words)
{
	for (; *words != NULL; words++)
		if (has(t, *words))
			return true;
	return false;
}

static inline bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* The word at `at` stands alone. */
static inline bool
alone(struct text t, size_t at, size_t len)
{
	return (at == 0 || !is_word(t.s[at - 1])) &&
	       (at + len >= t.len || !is_word(t.s[at + len]));
}

static inline size_t
find_alone(struct text t, size_t from, size_t to, const char *word)
{
	size_t at = from;

	while ((at = find(t, at, to, word)) != SIZE_MAX &&
	       !alone(t, at, strlen(word)))
		at++;
	return at;
}

/* Where a command does this, or SIZE_MAX (check_shell_send.c). */
size_t check_shell_connects(struct text);
size_t check_shell_preloads(struct text);
size_t check_shell_programs(struct text);
size_t check_shell_prompts(struct text);
size_t check_shell_sends(struct text);

#endif
