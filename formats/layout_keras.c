/* SPDX-License-Identifier: MIT
 * A .keras archive that was unpacked, as model hubs keep it: config.json,
 * metadata.json and model.weights.h5 in a folder.
 */
#include "formats/keras.h"
#include "formats/layout.h"

static bool
probe(const struct source *s)
{
	return s->nfile == 0 && keras_is_folder(s);
}

static int
open(struct source *s, struct err *e)
{
	return source_choose(s, KERAS_WEIGHTS, e);
}

const struct layout layout_keras = {
    .name = "keras",
    .summary = "an unpacked Keras archive",
    .probe = probe,
    .open = open,
};
