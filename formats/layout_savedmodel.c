/* SPDX-License-Identifier: MIT
 * TensorFlow's SavedModel: a library of functions beside a checkpoint.  It is
 * called by its name and not run.
 */
#include "formats/layout.h"

static bool
probe(const struct source *s)
{
	return s->nfile == 0 && (source_has(s, "saved_model.pb") ||
				    source_has(s, "saved_model.pbtxt"));
}

static int
open_none(struct source *s, struct err *e)
{
	(void)s;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "a TensorFlow SavedModel: recognised, but such models cannot be "
	    "run here; convert it to ONNX or TensorFlow Lite");
}

const struct layout layout_savedmodel = {
    .name = "savedmodel",
    .summary = "TensorFlow SavedModel (only recognised)",
    .probe = probe,
    .open = open_none,
};
