/* SPDX-License-Identifier: MIT
 * Values as protocol 0 of pickle writes them: Python literals on a line.
 */
#ifndef FORMATS_PICKLE_TEXT_H
#define FORMATS_PICKLE_TEXT_H

#include "formats/pickle.h"

/* "00" and "01" become PICKLE_BOOL; `is_long`: an L may follow. */
bool pickle_text_int(struct slice, bool is_long, struct pickle_node *) MUST_USE;
bool pickle_text_float(struct slice, struct pickle_node *) MUST_USE;
/* A quoted string with escapes, as bytes; false also when the arena is full. */
bool pickle_text_string(
    struct arena *, struct slice, struct slice *out) MUST_USE;
/* Latin-1 with \uXXXX and \UXXXXXXXX, to UTF-8. */
bool pickle_text_unicode(
    struct arena *, struct slice, struct slice *out) MUST_USE;

#endif
