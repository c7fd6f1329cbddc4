/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CHECK_LAYER_H
#define AUDIT_CHECK_LAYER_H

#include "audit/check.h"

/*
 * True of a layer of a container's image and of what is in it: an archive that is
 * named by a digest, as `docker save` ("<digest>/layer.tar") and the OCI's image
 * layout ("blobs/sha256/<digest>") have it.  A layer is the root of a system that runs
 * by itself: it has programs, and links that begin at that root.
 */
bool check_layer(const struct check_file *);

#endif
