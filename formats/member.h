/* SPDX-License-Identifier: MIT
 * What a member of a bundle may be called.  One rule for archives and folders:
 * a name that is accepted is a relative path of plain components that means
 * the same on every system; everything else is refused with a finding.
 */
#ifndef FORMATS_MEMBER_H
#define FORMATS_MEMBER_H

#include "base/finding.h"
#include "base/limits.h"

struct member {
	char path[LIMIT_MEMBER_NAME + 1]; /* accepted: no "./", no end slash */
	enum finding_id finding;          /* refused: what is wrong */
	const char *reason;               /* refused: in words */
};

enum member_verdict {
	MEMBER_ACCEPTED,
	MEMBER_ROOT, /* "./" and the like: the folder itself */
	MEMBER_REFUSED,
};

/*
 * Refused: absolute paths, drive letters, ".." (also behind backslashes),
 * backslashes, empty and "." components (a leading "./" is taken off),
 * control and invisible characters, invalid UTF-8, U+FFFD, anything beyond
 * the LIMIT_MEMBER_*.
 */
enum member_verdict member_check(const char *raw, struct member *);

/*
 * The path in one form for all that look alike to some system: Unicode's
 * NFKC_Casefold (compatibility composition, case folding, nothing ignorable).
 * Names equal in this form are one file where case or form is ignored.  out
 * holds MEMBER_FOLD bytes.
 */
void member_fold(const char *path, char *out);

#define MEMBER_FOLD (11 * LIMIT_MEMBER_NAME + 1)

#endif
