/* SPDX-License-Identifier: MIT
 * The model operand of assay-load and assay-save: a file, or a folder, opened
 * before the sandbox closes, and read as a source inside it.
 */
#ifndef AUDIT_OPERAND_H
#define AUDIT_OPERAND_H

#include "formats/format.h"

struct operand {
	const char *path;
	char dir[512];       /* what may be read: the folder, or the file's */
	struct file_map map; /* empty for a folder */
	int folder;          /* descriptor of dir */
};

/* Errors name the path. */
int operand_open(struct operand *, const char *path, struct err *) MUST_USE;
void operand_close(struct operand *);

/*
 * The source of an opened operand, behind its layout (formats/layout.h), and
 * the format that bids most for its main file.  Says on stderr when others
 * bid too.  On failure nothing is left to release.
 */
int operand_source(const struct operand *, const char *arch, struct source *,
    const struct format **, struct err *) MUST_USE;

/* What the model was read from: into m->file, when that is more than the one
 * file that the operand is. */
int operand_files(const struct operand *, const struct source *, struct model *,
    struct err *) MUST_USE;

#endif
