/* SPDX-License-Identifier: MIT
 * One model of a Triton repository: config.pbtxt, folders named by versions,
 * labels (triton-inference-server/server, docs/user_guide/model_repository.md,
 * model_configuration.md).  The highest version that the policy allows is
 * taken.
 */
#include "base/limits.h"
#include "base/text.h"
#include "formats/label_file.h"
#include "formats/layout.h"
#include "formats/pbtxt.h"

#define CONFIG "config.pbtxt"

static bool
probe(const struct source *s)
{
	return s->nfile == 0 && source_has(s, CONFIG);
}

/* What a backend calls its file; NULL: one that cannot be read. */
static const char *
usual_name(const json_t *c)
{
	const char *by = pbtxt_text(c, "backend");

	if (by == NULL || *by == '\0')
		by = pbtxt_text(c, "platform");
	if (by == NULL)
		return "";
	if (strcmp(by, "onnxruntime") == 0 ||
	    strcmp(by, "onnxruntime_onnx") == 0)
		return "model.onnx";
	if (strcmp(by, "pytorch") == 0 || strcmp(by, "pytorch_libtorch") == 0)
		return "model.pt";
	return NULL;
}

static bool
allowed(const json_t *c, const char *version)
{
	const json_t *policy = pbtxt_last(c, "version_policy");
	const json_t *specific = pbtxt_last(policy, "specific"), *v;
	size_t i;

	if (specific == NULL)
		return true;
	json_array_foreach(json_object_get(specific, "versions"), i, v)
	{
		if (json_is_string(v) &&
		    strcmp(json_string_value(v), version) == 0)
			return true;
	}
	return false;
}

/* The highest version that has this file, as a path; false: none. */
static bool
highest(const struct source *s, const json_t *c, const char *const *name,
    size_t n, const char *file, char path[LIMIT_MEMBER_NAME + 1])
{
	char one[LIMIT_MEMBER_NAME + 1];
	uint64_t best = 0, v;

	for (size_t i = 0; i < n; i++) {
		if (!text_parse_u64(name[i], INT64_MAX, &v) || v <= best ||
		    !allowed(c, name[i]) ||
		    snprintf(one, sizeof(one), "%s/%s", name[i], file) >=
			(int)sizeof(one) ||
		    !source_has(s, one))
			continue;
		best = v;
		memcpy(path, one, sizeof(one));
	}
	return best != 0;
}

static int
choose(struct source *s, const json_t *c, struct err *e)
{
	const char *said = pbtxt_text(c, "default_model_filename");
	const char *usual = usual_name(c), *folder = NULL, **name;
	char path[LIMIT_MEMBER_NAME + 1];
	size_t n;
	int rc;

	if ((rc = source_list(s, &name, &n, e)) != 0)
		return rc;
	if (usual == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "a model for a backend that is not read here");
	if (said != NULL && *said != '\0')
		usual = said;
	if (highest(s, c, name, n, *usual != '\0' ? usual : "model.onnx", path))
		return source_choose(s, path, e);
	if (*usual == '\0' && highest(s, c, name, n, "model.pt", path))
		return source_choose(s, path, e);
	/* a folder of that name, with the tensors that ONNX keeps apart */
	if (strcmp(usual, "model.onnx") == 0 || *usual == '\0')
		folder = "model.onnx/model.onnx";
	if (folder != NULL && highest(s, c, name, n, folder, path))
		return source_choose(s, path, e);
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "no version of it has a file '%.200s'",
	    *usual != '\0' ? usual : "model.onnx");
}

/* Of the first output that names a file of labels. */
static int
take_labels(struct source *s, const json_t *c, struct err *e)
{
	const json_t *out;
	struct rd r;
	size_t i;
	int rc;

	json_array_foreach(json_object_get(c, "output"), i, out)
	{
		const char *file = pbtxt_text(out, "label_filename");

		if (file == NULL || *file == '\0')
			continue;
		if ((rc = source_open(s, file, &r, e)) == 0 &&
		    (rc = label_file_by_line(s, r, e)) != 0)
			err_in(e, file);
		return rc;
	}
	return 0;
}

static int
open(struct source *s, struct err *e)
{
	json_t *c;
	struct rd r;
	int rc;

	if ((rc = source_open(s, CONFIG, &r, e)) != 0)
		return rc;
	if ((rc = pbtxt_read(r, &c, e)) != 0)
		return err_in(e, CONFIG);
	if ((rc = choose(s, c, e)) == 0)
		rc = take_labels(s, c, e);
	if (rc != 0)
		err_in(e, CONFIG);
	json_decref(c);
	return rc;
}

const struct layout layout_triton = {
    .name = "triton",
    .summary = "model of a Triton repository (config.pbtxt)",
    .probe = probe,
    .open = open,
};
