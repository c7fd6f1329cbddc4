/* SPDX-License-Identifier: MIT
 * How long the rounds will take, said before they begin: a trial batch on the
 * model as it is, after which everything that it changed is put back.
 */
#ifndef PURIFY_ESTIMATE_H
#define PURIFY_ESTIMATE_H

#include "purify/rounds.h"

/*
 * A note with the time of the rounds that are left and the memory taken so
 * far, and how many fit into p->cfg.max_seconds where that is less.  Nothing,
 * and no trial, with --quiet.  `measured`: seconds that the held-out accuracy
 * takes.  Collective where there are several ranks.
 */
int estimate_print(
    struct purification *, double measured, struct err *) MUST_USE;

#endif
