/* SPDX-License-Identifier: MIT
 * The options of assay-purify.
 */
#ifndef PURIFY_OPTIONS_H
#define PURIFY_OPTIONS_H

#include "base/json.h"
#include "base/opt.h"
#include "purify/rounds.h"

extern const struct opt_tool options_tool;

/* After opt_parse(): OPT_GO, or OPT_USAGE with a complaint on stderr. */
int options_configure(struct purify_config *, const char *model) MUST_USE;
/* Every option that the result depends on, as the document has them. */
json_t *options_json(void);

#endif
