/* SPDX-License-Identifier: MIT
 * An unpacked archive of NVIDIA NeMo (.nemo, a tar, also compressed):
 * model_config.yaml names the Python class that NeMo would import ("target")
 * and all that it is built from, model_weights.ckpt is its state dict
 * (NVIDIA/NeMo, nemo/core/connectors/save_restore_connector.py).  Nothing is
 * imported; weights that fit a known architecture are that.
 */
#include "base/json.h"
#include "base/limits.h"
#include "formats/label_file.h"
#include "formats/layout.h"
#include "formats/yaml_text.h"

#define CONFIG  "model_config.yaml"
#define WEIGHTS "model_weights.ckpt"
/* Megatron's own checkpoints, of which no single file is one. */
#define PARTS "model_weights"

static bool
probe(const struct source *s)
{
	if (!source_has(s, CONFIG))
		return false;
	if (s->nfile != 0)
		return strcmp(s->file[0].name, WEIGHTS) == 0;
	return source_has(s, WEIGHTS) || source_has(s, PARTS "/common.pt") ||
	       source_has(s, PARTS "/metadata.json");
}

/* A list of names, in the order of the outputs. */
static int
take_labels(struct source *s, const json_t *doc, struct err *e)
{
	static const char *const where[] = {"labels", "model.labels"};
	const json_t *j = NULL;

	for (size_t i = 0; j == NULL && i < ARRAY_LEN(where); i++)
		if (json_is_array(json_at(doc, where[i])))
			j = json_at(doc, where[i]);
	return j != NULL ? label_file_by_order(s, j, e) : 0;
}

static int
take_config(struct source *s, struct err *e)
{
	const char *target;
	json_t *doc;
	struct rd r;
	int rc;

	if ((rc = source_open(s, CONFIG, &r, e)) != 0)
		return rc;
	if ((rc = yaml_text_read(r, &doc, e)) != 0)
		return err_in(e, CONFIG);
	target = json_string_value(json_at(doc, "target"));
	s->hints.origin = target != NULL
			      ? arena_printf(&s->arena,
				    "a NeMo model of the class '%.80s'", target)
			      : "a NeMo model that does not say its class";
	if ((rc = take_labels(s, doc, e)) != 0)
		err_in(e, CONFIG);
	json_decref(doc);
	return rc;
}

static int
open(struct source *s, struct err *e)
{
	int rc;

	if ((rc = take_config(s, e)) != 0 || s->nfile > 1)
		return rc;
	if (source_has(s, WEIGHTS))
		return source_choose(s, WEIGHTS, e);
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "%s: it has no " WEIGHTS
	    " (distributed checkpoints, a folder " PARTS ", are not read here)",
	    s->hints.origin);
}

const struct layout layout_nemo = {
    .name = "nemo",
    .summary = "NVIDIA NeMo archive (.nemo), unpacked",
    .probe = probe,
    .open = open,
};
