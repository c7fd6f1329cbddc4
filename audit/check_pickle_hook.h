/* SPDX-License-Identifier: MIT
 * What a pickle sets that Python itself calls while it loads it:
 * "__setstate__", "extend" and the like among an object's attributes.
 */
#ifndef AUDIT_CHECK_PICKLE_HOOK_H
#define AUDIT_CHECK_PICKLE_HOOK_H

#include "audit/check_pickle_judge.h"

/* A state, of whatever form, sets one of them; NULL: there is none. */
bool check_pickle_hook_state(const struct pickle_node *state);
/* Items of an object (a call) are found as its attributes, and one is
 * "__setstate__". */
bool check_pickle_hook_items(
    const struct check_pickle_fact *, const struct pickle_node *object);

#endif
