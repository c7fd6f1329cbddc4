/* SPDX-License-Identifier: MIT
 * Words of a command that fetches a script and runs it, as makers of tools tell
 * people to (audit/check_shell.c).
 */
#ifndef AUDIT_CHECK_SHELL_USUAL_H
#define AUDIT_CHECK_SHELL_USUAL_H

#include "base/base.h"

/* An installer that its makers tell people to run so, at a host or account
 * that is theirs: whoever could change it could change the tool itself. */
bool check_shell_usual_installer(const char *, size_t len);
/* Options that change neither what is fetched nor whom it is believed. */
bool check_shell_usual_option(const char *, size_t len);

#endif
