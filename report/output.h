/* SPDX-License-Identifier: MIT
 * A report in other forms.  Everything comes from the statement (before its
 * list of derived files), so nothing is said that is not signed; text of the
 * bundle is made inert for each form.
 */
#ifndef REPORT_OUTPUT_H
#define REPORT_OUTPUT_H

#include "base/buf.h"
#include "base/json.h"

struct output {
	const char *name, *file, *type, *summary;
	void (*write)(const json_t *statement, struct buf *);
};

enum {
#define OUTPUT(id, file, type, text) OUTPUT_##id,
#include "report/output.def"
#undef OUTPUT
	OUTPUT_COUNT
};

extern const struct output output_table[OUTPUT_COUNT];

#define OUTPUT(id, file, type, text)                                           \
	void output_##id(const json_t *statement, struct buf *);
#include "report/output.def"
#undef OUTPUT

/* A string of a document, or "-". */
const char *output_text_at(const json_t *, const char *path);

#endif
