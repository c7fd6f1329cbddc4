/* SPDX-License-Identifier: MIT
 * Memory of a purification.  What batches and chunks take follows from the
 * options and the model alone, since results do; so what does not fit is
 * refused before the kernel kills the process, and only the number of threads,
 * which changes nothing, gives way.
 */
#ifndef PURIFY_BUDGET_H
#define PURIFY_BUDGET_H

#include "purify/rounds.h"

/* From here on all arenas get no more than is left of this machine, its
 * control groups' and the process's own limit, and of `most` bytes in all
 * (0: no such limit); an eighth is left to others. */
void budget_set(uint64_t most);
/* Fewer threads where the memory of as many as there are would take more than
 * half of what is left; p->h is there. */
int budget_threads(const struct purification *, struct err *) MUST_USE;
/* Say beside an ERR_LIMIT how much there was; returns the code. */
int budget_explain(struct err *);

#endif
