/* SPDX-License-Identifier: MIT
 * YAML by libyaml's events: what the readers of YAML share.
 */
#ifndef FORMATS_YAML_EVENTS_H
#define FORMATS_YAML_EVENTS_H

#include "base/rd.h"

#include <yaml.h>

/*
 * Hand every event of the rest of `in` (UTF-8, at most LIMIT_CONFIG_FILE bytes,
 * at least one) to take(), which must copy what it keeps.  Its first result
 * that is not 0 ends the reading and is returned.  Errors carry offsets.
 */
int yaml_events(struct rd in,
    int (*take)(void *ctx, const yaml_event_t *, struct err *), void *ctx,
    struct err *) MUST_USE;

#endif
