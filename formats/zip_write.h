/* SPDX-License-Identifier: MIT
 * Zip archives written anew when members that are compressed have changed:
 * everything else is the old archive's bytes, in the same order, with the
 * offsets and checksums that follow from that.
 */
#ifndef FORMATS_ZIP_WRITE_H
#define FORMATS_ZIP_WRITE_H

#include "formats/patch.h"
#include "formats/zip.h"

/* The members that were expanded, for patch_spans(). */
int zip_write_spans(
    struct zip *, struct patch_span **, size_t *n, struct err *) MUST_USE;
/*
 * When one of them has changed, make the source's main file, which is the
 * archive, anew.  Stored members stay aligned to 64 bytes where they were and
 * PyTorch's padding allows it.  ERR_UNSUPPORTED for an archive that readers
 * could see differently.
 */
int zip_write_changed(struct zip *, struct source *, const struct patch_span *,
    size_t n, struct err *) MUST_USE;

#endif
