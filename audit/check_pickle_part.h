/* SPDX-License-Identifier: MIT
 * Parts of the check of pickles (check_pickle.c), by what holds them.
 */
#ifndef AUDIT_CHECK_PICKLE_PART_H
#define AUDIT_CHECK_PICKLE_PART_H

#include "audit/check_pickle_judge.h"

/* Pickles one after the other, PyTorch's streams and joblib's arrays among
 * them, and what is behind. */
void check_pickle_stream(const struct check_file *, struct rd);

/* The integer that PyTorch's streams begin with. */
bool check_pickle_torch_magic(const struct pickle_node *root);
/* The storages of such a stream: their sizes are what the pickle says. */
struct check_pickle_storages *check_pickle_torch_watch(
    struct check_pickle_judge *);
/* Those behind the list of their keys; ERR_*: not what they should be. */
int check_pickle_torch_skip(struct check_pickle_judge *, struct rd *,
    const struct pickle_node *keys, struct err *) MUST_USE;

/* PyTorch's zip: every storage that is referred to is there, and as large as
 * it is said to be. */
void check_pickle_zip(const struct check_file *);
/* NumPy's NPY: a header that is a literal, and a pickle behind it. */
void check_pickle_npy(const struct check_file *);

#endif
