/* SPDX-License-Identifier: MIT
 * Text that came from a file and goes to a person or a terminal.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"

/*
 * Copy at most len bytes to out (size > 0 bytes, always terminated), printable
 * UTF-8 as it is, everything else (controls, invalid UTF-8, bidirectional
 * overrides, line separators, zero-width characters) as \xNN or \u{N}.
 * Returns the length written; text that does not fit is cut at a whole
 * character.
 */
size_t text_escape(const char *s, size_t len, char *out, size_t size);

/* True when s[0..len) is valid UTF-8 (no surrogates, no overlong forms). */
bool text_utf8_valid(const char *s, size_t len);

/*
 * Decode one code point at s[0..len), len > 0.  Returns the bytes used
 * (1 to 4), or 0 where the bytes are not valid UTF-8.
 */
size_t text_utf8_decode(const char *s, size_t len, uint32_t *cp);

/* The other way: 1 to 4 bytes of a code point up to 0x1fffff, surrogates as
 * they come; returns how many. */
size_t text_utf8_encode(uint32_t cp, uint8_t *out);

/* Characters that draw nothing or reorder what is drawn, and those that
 * Unicode keeps from being any (XML has no U+FFFE). */
bool text_is_hidden(uint32_t cp);

/* What a noun ends in behind that number: "" or "s". */
const char *text_plural(uint64_t n);

/*
 * Strict decimal unsigned integer, the whole string, no sign, no spaces, no
 * leading zeros but "0" itself; at most max.  False when it is not one.
 */
bool text_parse_u64(const char *s, uint64_t max, uint64_t *out) MUST_USE;

/* A finite decimal number, the whole string, within [lo, hi]. */
bool text_parse_double(
    const char *s, double lo, double hi, double *out) MUST_USE;

/* Whether the first of len bytes are those of head. */
bool text_begins_with(const char *s, size_t len, const char *head);
/* True when s ends with suffix; ASCII case is ignored. */
bool text_ends_with(const char *s, const char *suffix);

bool text_is_one_of(const char *s, const char *const *list, size_t n);
/* The same of len bytes. */
bool text_is_among(
    const char *s, size_t len, const char *const *list, size_t n);

#endif
