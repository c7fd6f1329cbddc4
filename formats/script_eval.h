/* SPDX-License-Identifier: MIT
 * Expressions of TorchScript's code, within one call of a function.
 */
#ifndef FORMATS_SCRIPT_EVAL_H
#define FORMATS_SCRIPT_EVAL_H

#include "formats/script.h"

#define SCRIPT_DOTTED 1024 /* bytes of a name with dots */

/* The variables of one call. */
struct script_frame {
	struct map slot;
	struct script_value *v;
	size_t n, room;
	struct script_value result;
	bool left; /* by return */
};

int script_eval(struct script *, struct script_frame *,
    const struct script_expr *, struct script_value *out) MUST_USE;
int script_eval_assign(struct script *, struct script_frame *, const char *name,
    const struct script_value *) MUST_USE;
int script_eval_method(struct script *, const struct script_object *,
    const char *name, const struct script_args *,
    struct script_value *out) MUST_USE;
/* "torch.nn.functional", of names and dots alone; else "". */
void script_eval_dotted(const struct script_expr *, char out[SCRIPT_DOTTED]);
/* "the code of 'forward' <what> '<name>'" */
int script_eval_bad(struct script *, const char *what, const char *name);

#endif
