/* SPDX-License-Identifier: MIT
 * Programs, and source code.  A program in a bundle of models has no business
 * there.  Source is usual (setup.py, a handler, an example), and is run only
 * by who wants to: it is listed, and found when it does what malware does.
 * What a loader would run by itself is other checks' to say.
 */
#include "audit/check_layer.h"
#include "audit/check_python.h"
#include "audit/check_shell.h"
#include "base/limits.h"
#include "base/text.h"

static bool
ends_with_any(const char *name, const char *const *suffix)
{
	for (; *suffix != NULL; suffix++)
		if (text_ends_with(name, *suffix))
			return true;
	return false;
}

/* Text that is run when somebody opens it, whatever it looks like. */
static const char *const scripts[] = {".sh", ".bash", ".bat", ".cmd", ".ps1",
    ".psm1", ".vbs", ".vbe", ".hta", ".wsf", ".command", NULL};
static const char *const python[] = {".py", ".pyw", ".pyi", NULL};

static void
judge_shell(const struct check_file *f)
{
	size_t at = 0;
	const char *what =
	    check_shell_judge((const char *)f->bytes.base, f->bytes.len, &at);

	if (what != NULL)
		check_find(f, FINDING_SOURCE_DANGEROUS, at, "%s", what);
}

static bool
mentions_python(struct rd r)
{
	size_t n = MIN(r.len, 64);

	for (size_t i = 0; i + 6 <= n && r.base[i] != '\n'; i++)
		if (memcmp(r.base + i, "python", 6) == 0)
			return true;
	return false;
}

/* What kind of source it is, by content and, of text, by name. */
static const char *
source_of(const struct check_file *f, bool *is_python, bool *is_shell)
{
	const char *name = check_name_of(f);
	bool text = check_is(f, "text"), script = check_is(f, "script");

	*is_python = check_is(f, "python") ||
		     (text && ends_with_any(name, python)) ||
		     (script && mentions_python(f->bytes));
	*is_shell = check_is(f, "batch") ||
		    (script && !mentions_python(f->bytes)) ||
		    (text && ends_with_any(name, scripts));
	if (*is_shell)
		return "script";
	return *is_python ? "Python source" : NULL;
}

/*
 * Marks that turn the order of characters around (UAX 9) and are not closed on
 * their line: what one reads is not what Python does (CVE-2021-42574).  U+202A
 * to U+202E and U+2066 to U+2069 in UTF-8; a comment or string may well have
 * them in pairs.
 */
static void
reversed(const struct check_file *f)
{
	struct rd r = f->bytes;
	size_t open = 0, at = 0;

	for (size_t i = 0; i + 2 < r.len; i++) {
		const uint8_t *p = r.base + i;

		if (*p == '\n' && open != 0)
			break;
		if (p[0] != 0xe2)
			continue;
		if ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae &&
			p[2] != 0xac) ||
		    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa8)) {
			open++;
			at = i;
		} else if (open != 0 && ((p[1] == 0x80 && p[2] == 0xac) ||
					    (p[1] == 0x81 && p[2] == 0xa9))) {
			open--;
		}
	}
	if (open != 0)
		check_find(f, FINDING_CODE_DANGEROUS, at,
		    "a mark that turns the order of what is read around");
}

static void
judge_source(const struct check_file *f)
{
	bool is_python = false, is_shell = false;
	const char *what = source_of(f, &is_python, &is_shell);

	if (what == NULL)
		return;
	check_knows(f);
	check_find(f, FINDING_FILE_SOURCE, ERR_NOWHERE, "%s", what);
	if (f->bytes.len > LIMIT_INSPECT_SOURCE) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "source of more than %zu bytes", LIMIT_INSPECT_SOURCE);
		return;
	}
	reversed(f);
	if (is_python)
		check_python_judge(
		    f, (const char *)f->bytes.base, f->bytes.len);
	if (is_shell)
		judge_shell(f);
}

/* Packages of a system, whose scripts run as its administrator when they are
 * installed: deb(5), the lead of RPM. */
static void
package(const struct check_file *f)
{
	static const char deb[] = "!<arch>\ndebian-binary";
	const uint8_t *s = f->bytes.base;

	if ((f->bytes.len > sizeof(deb) &&
		memcmp(s, deb, sizeof(deb) - 1) == 0) ||
	    (f->bytes.len > 96 && memcmp(s, "\xed\xab\xee\xdb", 4) == 0))
		check_find(f, FINDING_FILE_EXECUTABLE, ERR_NOWHERE,
		    "a package of programs for a whole system");
}

void
check_code(const struct check_file *f)
{
	package(f);
	/* that it is no script is known of all text */
	if (check_is(f, "text"))
		check_knows(f);
	for (size_t i = 0; i < f->bids->n; i++)
		if (f->bids->bid[i]->kind == KIND_CODE &&
		    strcmp(f->bids->bid[i]->within, "text") != 0) {
			check_knows(f);
			check_find(f,
			    check_layer_is_in(f) ? FINDING_FILE_LAYER
						 : FINDING_FILE_EXECUTABLE,
			    ERR_NOWHERE, "%s", f->bids->bid[i]->summary);
		}
	judge_source(f);
}
