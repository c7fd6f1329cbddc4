/* SPDX-License-Identifier: MIT
 * What an audit looked at, what it did not, and what it cannot see.
 */
#ifndef REPORT_SCOPE_H
#define REPORT_SCOPE_H

#include "report/checks.h"

/* {"tested","notTested","blindSpots"}; a new reference. */
json_t *scope_json(const struct checks_in *);

#endif
