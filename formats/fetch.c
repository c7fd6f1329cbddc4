/* SPDX-License-Identifier: MIT */
#include "formats/fetch.h"

#include "base/doc.h"
#include "base/limits.h"
#include "base/ranks.h"
#include "base/spawn.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/classes.h"
#include "formats/neutral.h"
#include "formats/preprocess_text.h"

#include <unistd.h>

/* Run assay-load; its output in an anonymous file that is mapped. */
static int
load_here(const char *const argv[], const char *what, uint64_t limit,
    struct file_map *m, struct err *e)
{
	int fd = file_temp(e), status, rc;

	*m = (struct file_map){0};
	if (fd < 0)
		return fd;
	rc = spawn_tool(argv, fd, &status, e);
	if (rc == 0 && status != TOOL_PASSED)
		/* assay-load has said why, on stderr */
		rc = err_set(e,
		    status == TOOL_NOTHING ? ERR_UNSUPPORTED
		    : status == TOOL_USAGE ? ERR_USAGE
					   : ERR_FORMAT,
		    ERR_NOWHERE, "could not be loaded (assay-load, status %d)",
		    status);
	if (rc == 0)
		rc = file_map_fd(fd, what, limit, m, e);
	close(fd);
	if (rc != 0)
		err_in(e, what);
	return rc;
}

/* The same on rank 0 alone; the other ranks get the bytes. */
static int
load(const char *const argv[], const char *what, uint64_t limit,
    struct file_map *m, struct err *e)
{
	int rc = ranks_first() ? load_here(argv, what, limit, m, e) : 0;

	return ranks_map(m, rc, e);
}

/* The folder that the names in m->file are relative to. */
static int
open_folder(const char *path, struct err *e)
{
	char dir[4096];
	int rc = file_folder(dir, sizeof(dir), path, e);

	return rc != 0 ? rc : tree_root(dir, e);
}

static int
digest_one(int root, struct dirhash_file *f, struct err *e)
{
	struct file_map m;
	int fd, rc;

	if ((fd = tree_open(root, f->name, e)) < 0)
		return fd;
	if ((rc = file_map_fd(fd, f->name, LIMIT_MODEL_FILE, &m, e)) == 0) {
		digest_mem(m.ptr, m.len, &f->digest);
		f->size = m.len;
		file_unmap(&m);
	}
	close(fd);
	return rc;
}

static int
digest_all(const char *path, struct fetched_model *f, struct err *e)
{
	int root = open_folder(path, e), rc = 0;

	if (root < 0)
		return root;
	for (size_t i = 0; i < f->nfile && rc == 0; i++)
		rc = digest_one(root, &f->file[i], e);
	close(root);
	return rc;
}

/* Digest what assay-load says that it read. */
static int
digest_files(const char *path, struct fetched_model *f, struct err *e)
{
	struct model *m = &f->model;
	int rc = 0;

	f->file = arena_alloc(&m->arena, m->nfile, sizeof(*f->file));
	if (f->file == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	f->nfile = m->nfile;
	f->size = 0;
	for (size_t i = 0; i < m->nfile; i++)
		f->file[i].name = m->file[i];
	if (ranks_first())
		rc = digest_all(path, f, e);
	rc = ranks_result(rc, e);
	for (size_t i = 0; i < m->nfile && rc == 0; i++) {
		ranks_broadcast(&f->file[i].digest, sizeof(struct digest));
		ranks_broadcast(&f->file[i].size, sizeof(f->file[i].size));
		f->size += f->file[i].size;
	}
	if (rc == 0)
		dirhash_files(f->file, f->nfile, &f->digest);
	for (size_t i = 1; i < f->nfile && rc == 0; i++)
		if (strcmp(f->file[i - 1].name, f->file[i].name) == 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'source.files' has '%.64s' twice",
			    f->file[i].name);
	return rc;
}

/* What rank 0 sees at the path, to all. */
static int
share_identity(struct fetched_model *f, bool *folder, int rc, struct err *e)
{
	if ((rc = ranks_result(rc, e)) != 0)
		return rc;
	ranks_broadcast(folder, sizeof(*folder));
	ranks_broadcast(&f->digest, sizeof(f->digest));
	ranks_broadcast(&f->size, sizeof(f->size));
	return 0;
}

/* All ranks have the same bytes. */
static int
check_same(const struct file_map *m, const char *what, struct err *e)
{
	struct digest d;

	if (ranks_count() == 1)
		return 0;
	digest_mem(m->ptr, m->len, &d);
	return ranks_same(&d, what, e);
}

int
fetch_model(const char *path, const char *preprocess, const char *arch,
    struct fetched_model *f, struct err *e)
{
	/* what can be said of the file without an error is for its own tool */
	const char *argv[10] = {"assay-load", path, "-o", "-", "--quiet"};
	bool folder = ranks_first() && file_is_dir(path);
	size_t n = 5;
	struct rd r;
	int rc = 0;

	if (preprocess != NULL) {
		argv[n++] = "--preprocess";
		argv[n++] = preprocess;
	}
	if (arch != NULL) {
		argv[n++] = "--arch";
		argv[n++] = arch;
	}
	*f = (struct fetched_model){.arch = arch};
	if (ranks_first() && !folder)
		rc = digest_file(
		    path, LIMIT_MODEL_FILE, &f->digest, &f->size, e);
	if ((rc = share_identity(f, &folder, rc, e)) != 0 ||
	    (rc = load(argv, path, LIMIT_MODEL_FILE, &f->map, e)) != 0)
		return rc;
	r = rd_mem(f->map.ptr, f->map.len);
	if ((rc = check_same(&f->map, "model", e)) != 0 ||
	    (rc = neutral_parse(&r, &f->model, e)) != 0) {
		file_unmap(&f->map);
		return err_in(e, path);
	}
	if (f->model.nfile != 0)
		rc = digest_files(path, f, e);
	else if (folder)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "nothing says which of its files were read");
	if (rc == 0)
		return 0;
	fetch_model_release(f);
	*f = (struct fetched_model){0};
	return err_in(e, path);
}

void
fetch_input(json_t *doc, const char *role, const char *path,
    const struct fetched_model *f)
{
	json_t *list = json_object_get(doc, "inputs");

	doc_input(doc, role, path, &f->digest, f->size);
	if (f->nfile != 0)
		json_put(json_array_get(list, json_array_size(list) - 1),
		    "files", dirhash_json(f->file, f->nfile));
}

void
fetch_model_release(struct fetched_model *f)
{
	model_release(&f->model);
	file_unmap(&f->map);
}

struct command {
	const char *argv[16];
	size_t n;
	char side[24], channels[24], takes[80];
	char preprocess[PREPROCESS_TEXT_MAX];
};

static void
add(struct command *c, const char *option, const char *value)
{
	c->argv[c->n++] = option;
	c->argv[c->n++] = value;
}

/* The sides that a model leaves open are -1. */
static int64_t
known(int64_t side)
{
	return MAX(side, 0);
}

static void
write_command(struct command *c, const struct fetch_want *w)
{
	const struct fit_shape *s = w->shape;
	const struct model *m = w->model;
	bool scaled;

	*c = (struct command){
	    .argv = {"assay-load", "--data", w->spec, "-o", "-", "--quiet"},
	    .n = 6};
	if (w->classes != NULL)
		add(c, "--classes", w->classes);
	if (s != NULL && s->side != 0) {
		snprintf(c->side, sizeof(c->side), "%" PRIu64, s->side);
		add(c, "--size", c->side);
	}
	if (s != NULL && s->channels != 0) {
		snprintf(
		    c->channels, sizeof(c->channels), "%" PRIu64, s->channels);
		add(c, "--channels", c->channels);
	}
	if (m == NULL)
		return;
	preprocess_text_write(&m->preprocess, c->preprocess);
	scaled = c->preprocess[0] != '\0';
	if (scaled)
		add(c, "--preprocess", c->preprocess);
	/* without a rule the size is ours to complain about: check_size() */
	snprintf(c->takes, sizeof(c->takes), "%" PRId64 "x%" PRId64 "x%" PRId64,
	    scaled ? known(m->shape[2]) : 0, scaled ? known(m->shape[3]) : 0,
	    known(m->shape[1]));
	add(c, "--takes", c->takes);
}

static int
check_size(const struct dataset *d, const struct model *m, struct err *e)
{
	int64_t h = known(m->shape[2]), w = known(m->shape[3]);

	if ((h == 0 || (size_t)h == d->h) && (w == 0 || (size_t)w == d->w))
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "images of %zu x %zu x %zu, the model takes %" PRId64 " x %" PRId64
	    " x %" PRId64 ": say how they become that with --preprocess "
	    "(resize=HxW, resize=N, crop=HxW)",
	    d->c, d->h, d->w, m->shape[1], m->shape[2], m->shape[3]);
}

static int
read_data(struct fetched_data *f, const struct fetch_want *w, struct err *e)
{
	const struct model *m = w->model;
	struct rd r = rd_mem(f->map.ptr, f->map.len);
	int rc;

	if ((rc = dataset_parse(&r, &f->data, e)) != 0)
		return rc;
	if (f->data.label == NULL)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "the data has no labels");
	if (m != NULL && (rc = check_size(&f->data, m, e)) != 0)
		return rc;
	if (m == NULL || w->classes != NULL)
		return 0; /* the user has said what is what */
	return classes_for_model(&f->data, m->label, m->classes, e);
}

int
fetch_data(const struct fetch_want *w, struct fetched_data *f, struct err *e)
{
	struct command c;
	int rc;

	*f = (struct fetched_data){0};
	write_command(&c, w);
	if ((rc = load(c.argv, w->spec, LIMIT_DATASET_BYTES, &f->map, e)) != 0)
		return rc;
	digest_mem(f->map.ptr, f->map.len, &f->digest);
	f->size = f->map.len;
	if ((rc = ranks_same(&f->digest, "images", e)) == 0 &&
	    (rc = read_data(f, w, e)) == 0) {
		if (f->data.note != NULL)
			tool_note("%s: %s", w->spec, f->data.note);
		return 0;
	}
	err_in(e, w->spec);
	fetch_data_release(f);
	*f = (struct fetched_data){0};
	return rc;
}

json_t *
fetch_json(const struct fetched_model *m, const struct fetched_data *d)
{
	const struct preprocess *p = &m->model.preprocess;
	bool known_model = p->from != NULL && p->from[0] != '\0';
	json_t *j = json_object();

	json_put(j, "model", known_model ? preprocess_json(p) : json_null());
	json_put(j, "data",
	    d->data.note != NULL ? json_text(d->data.note) : json_null());
	json_put(j, "arch", m->arch != NULL ? json_text(m->arch) : json_null());
	json_put(
	    j, "note", json_text(m->model.note != NULL ? m->model.note : ""));
	return j;
}

void
fetch_data_release(struct fetched_data *f)
{
	dataset_release(&f->data);
	file_unmap(&f->map);
}
