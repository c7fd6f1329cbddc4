/* SPDX-License-Identifier: MIT
 * Tables beside images that say the class of each: CSV files with a head that
 * names a column of files and one of classes, and semicolons or commas between
 * (GTSRB's "Filename" and "ClassId", the "Path" of its copies, "file_name" and
 * "label" of Hugging Face's folders; case is ignored, fields may be quoted and
 * then have none of these within), Tiny ImageNet's val_annotations.txt, whose
 * first two columns are file and class, with tabs between, and lines of JSON
 * objects with members of these names (metadata.jsonl of Hugging Face).
 */
#ifndef FORMATS_IMAGETABLE_H
#define FORMATS_IMAGETABLE_H

#include "base/rd.h"
#include "formats/listing.h"

/* The next line without its end; false at the end of the bytes. */
bool imagetable_line(struct rd *, struct slice *out);
/* Whether a file of that name with that content is such a table. */
bool imagetable_probe(const char *name, struct rd);
/* Add its rows to l; paths are put behind `folder` ("" or "images/"). */
int imagetable_read(const char *name, struct rd, const char *folder,
    struct listing *l, struct err *) MUST_USE;
/* The file of the first row; false when there is none. */
bool imagetable_first(const char *name, struct rd, char *out, size_t size);

#endif
