/* SPDX-License-Identifier: MIT
 * Texts that make a call of Python a usual one, though what is called can do
 * anything (audit/check_calls.c).
 */
#ifndef AUDIT_CHECK_CALLS_USUAL_H
#define AUDIT_CHECK_CALLS_USUAL_H

#include "base/base.h"

/* A path to Python source of the bundle, which is looked at as what it is:
 * relative, and not out of its folder. */
bool check_calls_own_source(const char *s, size_t len);
/*
 * OWNER/REPOSITORY[:REF] for torch.hub.load() of those who make PyTorch, at a
 * branch or a version of theirs.  Not at any reference: GitHub answers for a
 * commit of a fork, "pytorch/vision:1f0c...", by the name of the original.
 */
bool check_calls_own_hub(const char *s, size_t len);

#endif
