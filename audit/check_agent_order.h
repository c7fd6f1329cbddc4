/* SPDX-License-Identifier: MIT
 * For audit/check_agent.c: what a paragraph orders.
 */
#ifndef AUDIT_CHECK_AGENT_ORDER_H
#define AUDIT_CHECK_AGENT_ORDER_H

#include "base/base.h"

enum agent_order {
	AGENT_NAMED = 1 << 0,    /* a word for an assistant is in it */
	AGENT_SPOKEN = 1 << 1,   /* it speaks to one: "AI agents: ..." */
	AGENT_OVERRIDE = 1 << 2, /* ignore your earlier instructions */
	AGENT_HIDE = 1 << 3,     /* do not tell the user */
	AGENT_UNASKED = 1 << 4,  /* without asking; switch confirmations off */
	AGENT_SEND = 1 << 5,     /* secrets or files, to somewhere */
	AGENT_RUN = 1 << 6,      /* what is fetched */
	AGENT_FETCH = 1 << 7,    /* an address is called */
	AGENT_VERDICT = 1 << 8,  /* do not report findings */
	AGENT_ANSWER = 1 << 9,   /* answer "safe" */
	AGENT_SOFT = 1 << 10,    /* what was said, to somewhere */
};

/* Of text in small letters in which each blank is a space: bits of enum agent_order.
 * A text that talks about attacks may quote one; none, where an assistant has to be
 * named and is not. */
unsigned check_agent_order(const char *, size_t len, bool lesson, bool named);

/* It talks about such attacks: documentation quotes them. */
bool check_agent_order_is_lesson(const char *, size_t len);

#endif
