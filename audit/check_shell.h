/* SPDX-License-Identifier: MIT
 * Shell commands that no model needs: what downloads and runs in one go, opens
 * a shell to the network, carries secrets away or destroys.
 */
#ifndef AUDIT_CHECK_SHELL_H
#define AUDIT_CHECK_SHELL_H

#include "base/base.h"

/*
 * What is wrong with a command or a script, in words, and where; NULL:
 * nothing.  Lines that are comments do not count.
 */
const char *check_shell_judge(const char *s, size_t len, size_t *at);

#endif
