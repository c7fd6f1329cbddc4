/* SPDX-License-Identifier: MIT
 * Which part of what was saved is the model: a checkpoint has much beside it.
 */
#ifndef FORMATS_TORCH_PICK_H
#define FORMATS_TORCH_PICK_H

#include "formats/torch_found.h"

/*
 * A module is the model; so is, in a dictionary, what the first of the keys
 * "state_dict", "model_state_dict", "model", "net", "netC", ... (torch_pick.c
 * has them all) leads to, then a dictionary that has tensors itself, then one
 * that is alone in leading to any; so is the only item of a list or tuple that
 * leads to one.  ERR_UNSUPPORTED when there is none.
 */
int torch_pick(struct torch *, struct torch_found *, struct err *) MUST_USE;

#endif
