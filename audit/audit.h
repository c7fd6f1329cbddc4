/* SPDX-License-Identifier: MIT
 * `assay audit`: the whole pipeline on one bundle, each step a process.
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

/* argv[0] is "assay-audit" for messages; returns the exit status. */
int audit_main(int argc, char **argv);

#endif
