/* SPDX-License-Identifier: MIT */
#include "formats/format.h"

static const struct format *const table[] = {
#define FORMAT(stem) &format_##stem,
#include "formats/format.def"
#undef FORMAT
};

const struct format *const *
format_all(size_t *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

size_t
format_bids(struct rd r, const struct format **out, size_t max)
{
	int bid[ARRAY_LEN(table)], best;
	size_t n = 0, at;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bid[i] = table[i]->probe != NULL ? table[i]->probe(r) : 0;
		n += bid[i] > 0;
	}
	for (size_t k = 0; k < MIN(n, max); k++) {
		best = 0;
		at = 0;
		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			if (bid[i] > best) {
				best = bid[i];
				at = i;
			}
		out[k] = table[at];
		bid[at] = 0;
	}
	return n;
}
