/* SPDX-License-Identifier: MIT
 * What a shell makes of a text before it looks for commands: variables that the
 * text itself set, quotes and backslashes within words.  "a=cu; b=rl; $a$b", "c''url"
 * and "$'\x63url'" are all curl to it, and to nobody who searches for the word.
 */
#ifndef AUDIT_CHECK_SHELL_EXPAND_H
#define AUDIT_CHECK_SHELL_EXPAND_H

#include "base/base.h"
#include "base/buf.h"

/* Places of a copy and of what it is a copy of. */
struct check_shell_place {
	size_t copy, source;
};

struct check_shell_copy {
	struct buf text;
	struct buf places; /* of struct check_shell_place, ascending */
};

/*
 * A copy of the script with parameters expanded and quotes removed as POSIX.1-2017,
 * Shell Command Language 2.2, 2.6.2 and 2.6.7 say, as far as values are constants
 * that the script sets before.  False: the copy would be the same, and there is
 * none.  To be freed.
 */
bool check_shell_expand(
    const char *s, size_t len, struct check_shell_copy *copy);
/* Where in the script what stands in the copy at `at` comes from. */
size_t check_shell_source_of(const struct check_shell_copy *, size_t at);
void check_shell_copy_free(struct check_shell_copy *);

#endif
