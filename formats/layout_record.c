/* SPDX-License-Identifier: MIT
 * A record of BackdoorBench, record/<name>/: the model is in
 * attack_result.pt, with all that is known of it.
 */
#include "formats/layout.h"

#define MAIN "attack_result.pt"

static bool
probe(const struct source *s)
{
	if (s->nfile != 0)
		return strcmp(s->file[0].name, MAIN) == 0;
	return source_has(s, MAIN);
}

static int
open_record(struct source *s, struct err *e)
{
	return s->nfile != 0 ? 0 : source_choose(s, MAIN, e);
}

const struct layout layout_record = {
    .name = "record",
    .summary = "BackdoorBench record (attack_result.pt)",
    .probe = probe,
    .open = open_record,
};
