/* SPDX-License-Identifier: MIT
 * Within onnx_known*.c: numbers and lists of them, as far as they are known.
 * Each function that has a `depth` is a step of one search, which `visits`
 * of the struct bounds; false: nothing is known.
 */
#ifndef FORMATS_ONNX_KNOWN_PART_H
#define FORMATS_ONNX_KNOWN_PART_H

#include "formats/onnx_known.h"

#define ONNX_KNOWN_VALUES 32        /* of a list that is looked at */
#define ONNX_KNOWN_OPEN   INT64_MIN /* a number that is not known */
#define ONNX_KNOWN_DEPTH  64        /* nodes on the way to a number */
#define ONNX_KNOWN_VISITS 1024      /* in all, for one number */

/* Some whole numbers, each OPEN or known; with `cols` in rows of so many. */
struct known {
	size_t n, cols;
	int64_t v[ONNX_KNOWN_VALUES];
};

/* The numbers of a value. */
bool onnx_known_find(
    struct onnx_known *, const char *name, struct known *, unsigned depth);
/* Those of a tensor, when there are few. */
bool onnx_known_tensor(const struct tensor *, struct known *);
/* What makes a value, or NULL. */
const struct onnx_node *onnx_known_maker(
    const struct onnx_known *, const char *name);

/* onnx_known_size.c: sizes of a value that the file or a layer says; false:
 * not even how many. */
bool onnx_known_size(
    struct onnx_known *, const char *name, struct known *, unsigned depth);

/* onnx_known_list.c: what a node makes of the list *k, its first input; of
 * Concat all inputs. */
bool onnx_known_list_concat(struct onnx_known *, const struct onnx_node *,
    struct known *k, unsigned depth);
bool onnx_known_list(struct onnx_known *, const struct onnx_node *,
    struct known *k, unsigned depth);

#endif
