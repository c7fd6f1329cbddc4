/* SPDX-License-Identifier: MIT
 * All tensors that a file of weights has, whether or not they are of a network
 * that is known: the bytes as the file has them, in its order.  Where a reader
 * gives up, what came before is listed; saying that the file is broken is
 * check_model's.  What has no type of ours (quantised blocks, f8) is listed as
 * rows of bytes.
 */
#ifndef AUDIT_CHECK_WEIGHT_LIST_H
#define AUDIT_CHECK_WEIGHT_LIST_H

#include "audit/check.h"
#include "formats/model.h"

struct check_weight_list {
	struct arena arena;
	struct tensor *tensor; /* dense; names need not be unique */
	size_t n, room;
	uint64_t left; /* bytes that tensors may still add up to */
	bool full;     /* beyond a limit: there are more */
};

/* Read the file in every way that there is a bid for. */
void check_weight_list_init(struct check_weight_list *, struct rd);
void check_weight_list_release(struct check_weight_list *);

/* --- for readers --------------------------------------------------------- */

/* Copies the name (not its text); false when the list is full. */
bool check_weight_list_add(struct check_weight_list *, const struct tensor *);
/* A row of bytes. */
bool check_weight_list_bytes(
    struct check_weight_list *, const char *name, struct slice);

void check_weight_list_onnx(struct check_weight_list *, struct rd);
void check_weight_list_torch(struct check_weight_list *, struct rd);
void check_weight_list_gguf(struct check_weight_list *, struct rd);
void check_weight_list_safetensors(struct check_weight_list *, struct rd);
void check_weight_list_array(struct check_weight_list *, struct rd);
void check_weight_list_hdf5(struct check_weight_list *, struct rd);
void check_weight_list_tflite(struct check_weight_list *, struct rd);

#endif
