/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_note.h"

#include "audit/check_agent.h"
#include "audit/check_base64.h"
#include "audit/check_shell.h"

#define WORTH_LOOKING 16 /* bytes */

/* What text about a model never has in it; graphs and traces that exporters
 * leave there do not either. */
static const char *const code[] = {"__import__(", "os.system(", "os.popen(",
    "subprocess.run(", "subprocess.Popen(", "subprocess.call(",
    "subprocess.check_", "eval(", "exec(", "powershell -", "<script>",
    "<script ", "/bin/sh -c", "/bin/bash -c", "#!/bin/", "#!/usr/bin/",
    "b64decode(", "pickle.loads(", "python -c ", "python3 -c ", "rm -rf /"};

/* "retrieval(" and "model.eval(x)" are not eval(), and a function that is only
 * named, "eval()", is not called. */
static bool
is_call(struct rd r, const uint8_t *at, size_t len)
{
	const uint8_t *behind = at + len;
	uint8_t c = at > r.base ? at[-1] : ' ';

	if (at[len - 1] == '(' && (behind == r.base + r.len || *behind == ')'))
		return false;
	return !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '_' &&
	       c != '.' && !(c >= '0' && c <= '9');
}

static bool
has(struct rd r, const char *word)
{
	const uint8_t *at = r.base, *end = r.base + r.len;

	while (
	    (at = memmem(at, (size_t)(end - at), word, strlen(word))) != NULL) {
		if (is_call(r, at, strlen(word)))
			return true;
		at++;
	}
	return false;
}

/* The first of them; NULL: none. */
static const char *
code_in(struct rd r)
{
	for (size_t i = 0; i < ARRAY_LEN(code); i++)
		if (has(r, code[i]))
			return code[i];
	return NULL;
}

void
check_note(const struct check_file *f, const char *key, struct rd r)
{
	const char *what;
	size_t at;

	if (r.len < WORTH_LOOKING)
		return;
	if ((what = code_in(r)) != NULL)
		check_find(f, FINDING_METADATA_CODE, ERR_NOWHERE,
		    "'%.200s' has '%s' in it", key, what);
	else if ((what = check_shell_judge((const char *)r.base, r.len, &at)) !=
		 NULL)
		check_find(f, FINDING_METADATA_CODE, ERR_NOWHERE,
		    "'%.200s' has a command in it: %s", key, what);
	check_agent_text(
	    f, AGENT_HIDDEN, (const char *)r.base, r.len, ERR_NOWHERE);
	check_base64(f, (struct slice){r.base, r.len}, r.start);
	check_within(f, key, r);
}
