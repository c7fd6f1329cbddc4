/* SPDX-License-Identifier: MIT
 * The architecture of a model that was loaded, for check_model.
 */
#ifndef AUDIT_CHECK_ARCH_H
#define AUDIT_CHECK_ARCH_H

#include "audit/check.h"
#include "formats/model.h"

void check_arch_model(const struct check_file *, const struct model *);

#endif
