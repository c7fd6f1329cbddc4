/* SPDX-License-Identifier: MIT
 * The part of base/limits.h that is about static inspection alone.
 */
#ifndef BASE_LIMITS_INSPECT_H
#define BASE_LIMITS_INSPECT_H

#include "base/base.h"

/* What assay-inspect looks at within one file: levels of one thing in another
 * (a pickle in an archive in an archive in an image is 4), things, bytes that
 * came out of compressed ones, and those for each byte of the file once
 * LIMIT_INSPECT_FREE came out. */
#define LIMIT_INSPECT_DEPTH   8
#define LIMIT_INSPECT_MEMBERS 250000
#define LIMIT_INSPECT_BYTES   ((uint64_t)64 << 30)
#define LIMIT_INSPECT_RATIO   200
#define LIMIT_INSPECT_FREE    ((uint64_t)256 << 20)
/* Address space of a process that looks at one: the file, mapped, and as much. */
#define LIMIT_INSPECT_MEMORY (2 * LIMIT_MODEL_FILE)
/* Source code that is read token by token, one thing that is expanded in memory, and names of an archive: 250,000 of
 * 1 KiB, a few times over. */
#define LIMIT_INSPECT_BOMB       ((uint64_t)64 << 20)
#define LIMIT_INSPECT_BOMB_RATIO 500
#define LIMIT_INSPECT_SOURCE     ((size_t)16 << 20)
#define LIMIT_INSPECT_PIECE      ((uint64_t)2 << 30)
#define LIMIT_INSPECT_NAMES      ((size_t)1 << 30)
/* Steps up the dominators of a graph: swin_t, with 6,500 nodes, takes 50,000. */
#define LIMIT_ARCH_STEPS ((uint64_t)100000000)
/* The blocks of a program may be read so many times its size: each stands where it
 * is run, which few are more than once. */
#define LIMIT_ARCH_AGAIN ((uint64_t)64)
/* Places in low bits of weights that are read again because they look like the
 * beginning of a program: chance gives one in a gigabyte. */
#define LIMIT_WEIGHT_READS 20000
/* Findings about one file that are kept, of each severity: they say the same
 * in the end. */
#define LIMIT_FILE_FINDINGS 1000

/* Levels of JSON: Python's json module takes a thousand, jansson 2048, serde
 * 128; a row of brackets would be a hundred times its size in memory. */
#define LIMIT_CONF_DEPTH 10000

#endif
