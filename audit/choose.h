/* SPDX-License-Identifier: MIT
 * Which model of a bundle is audited.
 */
#ifndef AUDIT_CHOOSE_H
#define AUDIT_CHOOSE_H

#include "base/err.h"

/*
 * The one model that inspect.json of the case lists, a file or a folder, or the
 * one of several that is named (NULL: none is).  Its path beneath files/, or
 * ".", goes to `model`, which is empty where there is no choice.
 */
int choose_model(const char *dir, const char *named, char *model, size_t size,
    struct err *) MUST_USE;

#endif
