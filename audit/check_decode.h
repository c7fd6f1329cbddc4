/* SPDX-License-Identifier: MIT
 * Bytes that are written as text.
 */
#ifndef AUDIT_CHECK_DECODE_H
#define AUDIT_CHECK_DECODE_H

#include "base/rd.h"

/*
 * Base64 of either alphabet (RFC 4648, 4 and 5), line ends left out,
 * up to the first "="; `out` has as many bytes as the text, and may be the text
 * itself.  Returns how many were written: 0 when there is any other character.
 */
size_t check_decode_base64(struct slice, uint8_t *out);
/* How many characters at the beginning are base64's. */
size_t check_decode_base64_run(struct slice);
/* The same of hexadecimal digits, a last one without another left out. */
size_t check_decode_hex(struct slice, uint8_t *out);
/* The value of such a digit; -1: it is none. */
int check_decode_digit(uint8_t);
/* Base85 as RFC 1924 has it, or Ascii85 without its brackets; `out` has four
 * bytes for each character, which an Ascii85 "z" fills. */
size_t check_decode_base85(struct slice, bool ascii85, uint8_t *out);

#endif
