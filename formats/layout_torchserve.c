/* SPDX-License-Identifier: MIT
 * An unpacked archive of TorchServe (.mar), or one that was never packed:
 * MAR-INF/MANIFEST.json names the weights, index_to_name.json the classes
 * (pytorch/serve, model-archiver/README.md).
 */
#include "base/json.h"
#include "base/limits.h"
#include "formats/label_file.h"
#include "formats/layout.h"

#define MANIFEST "MAR-INF/MANIFEST.json"
#define NAMES    "index_to_name.json"

static bool
probe(const struct source *s)
{
	return source_has(s, MANIFEST);
}

static int
read_json(struct source *s, const char *name, json_t **out, struct err *e)
{
	struct rd r;
	int rc;

	*out = NULL;
	if ((rc = source_open(s, name, &r, e)) != 0)
		return rc;
	if (rd_left(&r) > LIMIT_CONFIG_FILE)
		rc = err_set(e, ERR_LIMIT, 0, "%zu bytes", rd_left(&r));
	else
		rc = json_read(r.base, r.len, out, e);
	return rc != 0 ? err_in(e, name) : 0;
}

/*
 * The handler that TorchServe brings for images: resize to 256, crop 224,
 * ImageNet's mean and deviation (ts/torch_handler/image_classifier.py).
 */
static void
take_handler(struct source *s, const json_t *manifest)
{
	static const double mean[] = {.485, .456, .406};
	static const double std[] = {.229, .224, .225};
	const char *h = json_string_value(json_at(manifest, "model.handler"));
	struct preprocess *p = &s->hints.preprocess;

	if (h == NULL || strcmp(h, "image_classifier") != 0)
		return;
	*p = (struct preprocess){.resize = RESIZE_SHORTEST,
	    .filter = FILTER_BILINEAR,
	    .height = 256,
	    .width = 256,
	    .crop_height = 224,
	    .crop_width = 224,
	    .nmean = 3,
	    .nstd = 3,
	    .from = MANIFEST};
	memcpy(p->mean, mean, sizeof(mean));
	memcpy(p->std, std, sizeof(std));
}

static int
take_names(struct source *s, struct err *e)
{
	json_t *j;
	int rc;

	if (!source_has(s, NAMES))
		return 0;
	if ((rc = read_json(s, NAMES, &j, e)) != 0)
		return rc;
	if ((rc = label_file_by_index(s, j, e)) != 0)
		err_in(e, NAMES);
	json_decref(j);
	return rc;
}

static int
open(struct source *s, struct err *e)
{
	bool chosen = s->nfile != 0, same = true;
	const char *file;
	json_t *j;
	int rc;

	if ((rc = read_json(s, MANIFEST, &j, e)) != 0)
		return rc;
	if ((rc = json_get_str(j, "model.serializedFile", &file, e)) != 0)
		err_in(e, MANIFEST);
	else if (chosen)
		same = strcmp(s->file[0].name, file) == 0;
	else
		rc = source_choose(s, file, e);
	if (rc == 0 && same) {
		take_handler(s, j);
		rc = take_names(s, e);
	}
	json_decref(j);
	return rc;
}

const struct layout layout_torchserve = {
    .name = "torchserve",
    .summary = "TorchServe archive (.mar), unpacked",
    .probe = probe,
    .open = open,
};
