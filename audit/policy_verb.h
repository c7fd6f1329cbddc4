/* SPDX-License-Identifier: MIT
 * `assay policy check FILE...`: is it a policy, and what does it say?
 */
#ifndef AUDIT_POLICY_VERB_H
#define AUDIT_POLICY_VERB_H

/* argv[0] is "policy"; returns the exit status. */
int policy_verb(int argc, char **argv);

#endif
