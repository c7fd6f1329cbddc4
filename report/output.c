/* SPDX-License-Identifier: MIT */
#include "report/output.h"

const struct output output_table[OUTPUT_COUNT] = {
#define OUTPUT(id, file, type, text)                                           \
	[OUTPUT_##id] = {#id, file, type, text, output_##id},
#include "report/output.def"
#undef OUTPUT
};

const char *
output_text_at(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	return s != NULL ? s : "-";
}
