/* SPDX-License-Identifier: MIT
 * Why an archive could not be read to its end: what libarchive says, put as a
 * finding, and that a file is one volume of several, which it does not say.
 */
#ifndef FORMATS_BUNDLE_WHY_H
#define FORMATS_BUNDLE_WHY_H

#include "base/finding.h"
#include "base/rd.h"

#include <archive.h>

struct bundle_why {
	enum finding_id id;
	char text[256];
};

/* After a call that failed; whole: all bytes of the archive. */
struct bundle_why bundle_why(struct archive *, struct rd whole);
/* Whether it is the last of several volumes of a zip, which begins anywhere;
 * *n: how many. */
bool bundle_why_last_volume(struct rd whole, unsigned *n);

#endif
