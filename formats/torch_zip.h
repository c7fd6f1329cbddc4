/* SPDX-License-Identifier: MIT
 * The zip that torch.save() writes since 1.6, and torch.jit.save().
 */
#ifndef FORMATS_TORCH_ZIP_H
#define FORMATS_TORCH_ZIP_H

#include "formats/torch.h"

bool torch_zip_probe(struct rd);
/* Read the directory and the object; oddities go into the note. */
int torch_zip_open(struct torch *, struct err *) MUST_USE;
/* An entry by its name below the folder of all; ERR_UNSUPPORTED: none. */
int torch_zip_entry(
    struct torch *, const char *name, struct slice *, struct err *) MUST_USE;
/* The bytes of the storage of that key. */
int torch_zip_storage(
    struct torch *, struct slice key, struct slice *, struct err *) MUST_USE;
/* Checksums of what has changed since it was read; `file` is the archive. */
void torch_zip_mend(struct torch *, uint8_t *file);

#endif
