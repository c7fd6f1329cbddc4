/* SPDX-License-Identifier: MIT
 * JSON over jansson, strictly: no duplicate keys, no trailing bytes, bounded
 * size and depth.  Getters name the path of what is missing or of the wrong
 * type, so that every complaint about a document can be acted on.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* A new reference in *out, released by json_decref. */
int json_read(const void *, size_t len, json_t **out, struct err *) MUST_USE;
/* The same, and no string holds a zero byte: for what is signed. */
int json_read_strict(
    const void *, size_t len, json_t **out, struct err *) MUST_USE;
/* json_read() of a file of at most `limit` bytes; errors name the path. */
int json_read_file(
    const char *path, uint64_t limit, json_t **out, struct err *) MUST_USE;

/*
 * RFC 8785 (JCS) form of a document: keys sorted by UTF-16 code units (3.2.3),
 * strings as 3.2.2.2 has them, no spaces.  Of its numbers (3.2.2.3) only the
 * integers that a double holds exactly, JSON_EXACT either way: a real number,
 * however it is written ("1.0", "1e3"), and a larger integer are
 * ERR_UNSUPPORTED, so that nothing here depends on how a double is printed.
 * Documents that need others carry decimal strings.
 */
int json_canonical(const json_t *, struct buf *out, struct err *) MUST_USE;
/* For people and files: two-space indent, sorted keys, %.9g reals, newline. */
void json_pretty(const json_t *, struct buf *out);
/* json_pretty to stdout, buffered: tool_end() notices when it cannot write. */
void json_print(const json_t *);
/* json_pretty to a file, atomically; path NULL or "-" is stdout. */
int json_write_file(const char *path, const json_t *, struct err *) MUST_USE;

/* 2^53 - 1, the largest integer of I-JSON. */
#define JSON_EXACT ((json_int_t)9007199254740991)
bool json_exact(json_int_t);

/* A key of the object that is not among `known`, or NULL. */
const char *json_unknown_key(
    const json_t *, const char *const *known, size_t n);

/*
 * Members by dotted path ("tool.name"; "targets.0.class" indexes an array).
 * json_at() returns NULL when absent.  The others fail with ERR_FORMAT when
 * the member is absent or of another type; results are borrowed.
 */
const json_t *json_at(const json_t *, const char *path);
/* The string there; "" when there is none. */
const char *json_text_at(const json_t *, const char *path);
int json_get_str(
    const json_t *, const char *path, const char **out, struct err *) MUST_USE;
int json_get_int(const json_t *, const char *path, int64_t lo, int64_t hi,
    int64_t *out, struct err *) MUST_USE;
int json_get_real(
    const json_t *, const char *path, double *out, struct err *) MUST_USE;
int json_get_array(const json_t *, const char *path, const json_t **out,
    struct err *) MUST_USE;
int json_get_object(const json_t *, const char *path, const json_t **out,
    struct err *) MUST_USE;

/* obj[key] = value (stolen); aborts when out of memory or value is NULL. */
void json_put(json_t *obj, const char *key, json_t *value);
void json_add(json_t *array, json_t *value);
/* A string value; bytes that are not UTF-8 are written as \xNN text. */
json_t *json_text(const char *s);
/* The same with what is hidden in it made visible (text_escape(); of what is
 * longer than 4 KiB, the beginning), and a copy of a document in which all
 * strings are that: for programs that show what others wrote. */
json_t *json_inert(const char *s);
json_t *json_inert_copy(const json_t *);
/* A number, or null when it is not finite. */
json_t *json_number(double v);

#endif
