/* SPDX-License-Identifier: MIT
 * Text of wide characters, as identify_document.c tells it.
 */
#ifndef FORMATS_IDENTIFY_DOCUMENT_H
#define FORMATS_IDENTIFY_DOCUMENT_H

#include "base/rd.h"

struct identify_wide {
	unsigned width; /* bytes of a unit: 2 or 4 */
	bool big;       /* most significant byte first */
	size_t skip;    /* bytes of the byte order mark, or 0 */
};

/* The bytes are text in UTF-16 or UTF-32. */
bool identify_document_wide_of(struct rd, struct identify_wide *);
/* The next character at the cursor, U+FFFD for what is none; false: the end. */
bool identify_document_next(struct rd *, struct identify_wide, uint32_t *cp);

#endif
