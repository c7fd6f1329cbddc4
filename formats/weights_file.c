/* SPDX-License-Identifier: MIT
 * safetensors files of weights, without a graph.
 */
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/neutral.h"
#include "formats/patch.h"
#include "formats/safetensors.h"

static int
probe(struct rd r)
{
	struct slice s;
	uint64_t len;

	if (neutral_probe(r)) /* is one too, but has a graph */
		return 0;
	if (rd_u64le(&r, &len) != 0 || len > LIMIT_SAFETENSORS_HEADER ||
	    rd_bytes(&r, len, &s) != 0 || len == 0 || s.ptr[0] != '{')
		return 0;
	return 50;
}

static int
load(struct source *src, struct model *m, struct err *e)
{
	struct safetensors st = {0};
	struct rd r = src->main;
	struct weights w;
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	m->format = "safetensors";
	if ((rc = safetensors_parse(&r, &m->arena, &st, e)) == 0 &&
	    (rc = weights_init(
		 &w, &m->arena, st.tensor, st.ntensor, NULL, 0, e)) == 0)
		rc = arch_load(&src->hints, &w, m, e);
	safetensors_release(&st);
	if (rc != 0)
		model_release(m);
	return rc;
}

static int
patch(struct source *original, const struct model *neutral, struct err *e)
{
	return patch_loaded(original, load, neutral, e);
}

const struct format format_weights_file = {
    .name = "safetensors",
    .summary = "safetensors weights of a known architecture",
    .probe = probe,
    .load = load,
    .patch = patch,
};
