/* SPDX-License-Identifier: MIT
 * Orders to assistants that read a bundle: coding agents, models that review it or
 * that are shown what its metadata say (OWASP LLM01:2025, indirect prompt
 * injection; MITRE ATLAS AML.T0051.001).
 */
#ifndef AUDIT_CHECK_AGENT_H
#define AUDIT_CHECK_AGENT_H

#include "audit/check.h"

/* Whom a text speaks to. */
enum check_agent_role {
	AGENT_PROSE,    /* people, unless it addresses a machine */
	AGENT_HIDDEN,   /* what no page shows: a comment, metadata; the same */
	AGENT_TEMPLATE, /* the model, always */
	AGENT_FILE,     /* a coding agent, always */
};

/* `off`: of the text within the file, ERR_NOWHERE when it is not known. */
void check_agent_text(const struct check_file *, enum check_agent_role,
    const char *s, size_t len, uint64_t off);

#endif
