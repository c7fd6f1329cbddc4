/* SPDX-License-Identifier: MIT */
#include "audit/load_data.h"

#include "audit/data_spec.h"
#include "base/limits.h"
#include "base/sandbox.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/data.h"

#include <unistd.h>

struct inputs {
	char images[1024];      /* the path before the comma */
	struct file_map map[3]; /* images, labels, names */
	struct data_source source;
	struct rd names;
};

enum {
	IMAGES,
	LABELS,
	NAMES
};

static int
split(const char *spec, struct inputs *in, struct err *e)
{
	in->source = (struct data_source){.path = in->images, .folder = -1};
	return data_spec_split(
	    spec, in->images, sizeof(in->images), &in->source.label_path, e);
}

static int
map(struct inputs *in, int which, const char *path, struct rd *out,
    struct err *e)
{
	struct file_map *m = &in->map[which];
	int rc = file_map(path, 2 * LIMIT_DATASET_BYTES, m, e);

	if (rc == 0)
		*out = rd_mem(m->ptr, m->len);
	return rc;
}

static int
open_all(const char *classes_file, struct inputs *in, struct err *e)
{
	struct data_source *s = &in->source;
	int rc;

	if (file_is_dir(s->path)) {
		if ((s->folder = tree_root(s->path, e)) < 0)
			return s->folder;
	} else if ((rc = map(in, IMAGES, s->path, &s->images, e)) != 0) {
		return rc;
	}
	if (s->label_path != NULL && s->folder >= 0)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "a folder has its labels already, '%s' is too much",
		    s->label_path);
	if (s->label_path != NULL &&
	    (rc = map(in, LABELS, s->label_path, &s->labels, e)) != 0)
		return rc;
	if (classes_file != NULL)
		return map(in, NAMES, classes_file, &in->names, e);
	return 0;
}

static int
load(const struct inputs *in, const char *classes_file, bool require_sandbox,
    struct file_out *out, struct err *e)
{
	struct sandbox_spec spec = {.required = require_sandbox};
	struct sandbox_state state;
	struct dataset d;
	int rc;

	if (in->source.folder >= 0) {
		spec.files = SANDBOX_READ_TREE;
		spec.dir = in->source.path;
	}
	if ((rc = sandbox_enter(&spec, &state, e)) != 0)
		return rc;
	if ((rc = data_load(&in->source,
		 classes_file != NULL ? &in->names : NULL, &d, e)) != 0) {
		/* what is not about the data is about the names */
		return e->path[0] == '\0' && classes_file != NULL
			   ? err_in(e, classes_file)
			   : rc;
	}
	if (d.note != NULL)
		tool_note("%s: %s", in->source.path, d.note);
	rc = dataset_write(out, &d, e);
	dataset_release(&d);
	return rc;
}

int
load_data(const char *spec, const char *classes_file,
    const struct fit_shape *shape, bool require_sandbox, struct file_out *out,
    struct err *e)
{
	struct inputs in = {0};
	int rc;

	if ((rc = split(spec, &in, e)) == 0 &&
	    (rc = open_all(classes_file, &in, e)) == 0) {
		in.source.fit = shape;
		rc = load(&in, classes_file, require_sandbox, out, e);
	}
	for (size_t i = 0; i < ARRAY_LEN(in.map); i++)
		file_unmap(&in.map[i]);
	if (in.source.folder >= 0)
		close(in.source.folder);
	return rc;
}
