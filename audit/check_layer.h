/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CHECK_LAYER_H
#define AUDIT_CHECK_LAYER_H

#include "audit/check.h"

/*
 * Layers of a container's image: archives that are named by a digest, as `docker save`
 * ("<digest>/layer.tar") and the OCI's image layout ("blobs/sha256/<digest>") have
 * them.  A layer is the root of a system, which has programs, and links that begin at
 * that root, in the folders that systems have (FHS 3.0).  Layers of models are named
 * the same way and have neither.
 */

/* f is a layer, and the name within it is below such a folder. */
bool check_layer_has(const struct check_file *f, const char *name);
/* f is a member of a layer, below such a folder. */
bool check_layer_is_in(const struct check_file *f);

#endif
