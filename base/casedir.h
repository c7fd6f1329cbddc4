/* SPDX-License-Identifier: MIT
 * A folder that is a case: what assay-unpack made of a bundle, and what the
 * other tools left beside it.  Anybody can make a folder look like one and put
 * beside its files what is to be overlooked, so there is nothing else in a case.
 */
#ifndef BASE_CASEDIR_H
#define BASE_CASEDIR_H

#include "base/err.h"

/* Whether it has files/ and manifest.json, which is not read. */
bool casedir_is(const char *path);

/*
 * Call tell() for each name in the folder that no tool leaves in a case, in the
 * order of strcmp(); the number of them, or negative ERR.
 */
int casedir_others(const char *path, void (*tell)(void *ctx, const char *name),
    void *ctx, struct err *) MUST_USE;

#endif
