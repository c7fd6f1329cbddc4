/* SPDX-License-Identifier: MIT
 * What the rest of a pickle will ask the memo for.  Picklers number everything
 * and ask for little of it; the rest need not be kept.
 */
#ifndef FORMATS_PICKLE_AHEAD_H
#define FORMATS_PICKLE_AHEAD_H

#include "base/rd.h"

/*
 * Set bit i of asked for each GET of a number i < bits from r's cursor to STOP,
 * and r's cursor behind that.  False when there is anything that a reader
 * might take otherwise; asked is of no use then.
 */
bool pickle_ahead(struct rd *r, uint64_t *asked, size_t bits) MUST_USE;

#endif
