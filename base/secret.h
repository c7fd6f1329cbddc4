/* SPDX-License-Identifier: MIT
 * For a process that is going to hold a key: what it holds stays in it.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/err.h"

/*
 * From here on this process leaves no core dump, whoever is set up to take one
 * (core(5)), no other process of the same user can read its memory (ptrace(2)),
 * and memory that OpenSSL gives back is wiped.  To be called once, before
 * OpenSSL is used at all.  Children by exec are as others, but for the limit
 * on core files.
 */
int secret_guard(struct err *) MUST_USE;

#endif
