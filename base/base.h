/* SPDX-License-Identifier: MIT
 * Included first, everywhere: integer types, attributes, checked arithmetic,
 * and calls that are compile errors here.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define MIN(a, b)         ((a) < (b) ? (a) : (b))
#define MAX(a, b)         ((a) > (b) ? (a) : (b))

/* Checked arithmetic: true means the result overflowed. */
#define ckd_add(r, a, b) __builtin_add_overflow((a), (b), (r))
#define ckd_sub(r, a, b) __builtin_sub_overflow((a), (b), (r))
#define ckd_mul(r, a, b) __builtin_mul_overflow((a), (b), (r))

/* An invariant of ours is broken: say where and abort.  Never for input. */
#define BUG(what)                                                              \
	do {                                                                   \
		fprintf(                                                       \
		    stderr, "bug: %s:%d: %s\n", __FILE__, __LINE__, (what));   \
		abort();                                                       \
	} while (0)

/* Calls that are compile errors here; after the headers that declare them. */
#define BANNED(fn) banned_call_##fn
#undef strcpy
#define strcpy(d, s) BANNED(strcpy)
#undef strcat
#define strcat(d, s) BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) BANNED(strncpy)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef strtok
#define strtok(s, d) BANNED(strtok)
#undef atoi
#define atoi(s) BANNED(atoi)

#endif
