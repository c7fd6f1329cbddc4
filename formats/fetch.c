/* SPDX-License-Identifier: MIT */
#include "formats/fetch.h"

#include "base/doc.h"
#include "base/limits.h"
#include "base/spawn.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/neutral.h"

#include <unistd.h>

/* Run assay-load; its output in an anonymous file that is mapped. */
static int
load(const char *const argv[], const char *what, uint64_t limit,
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
		    status == TOOL_NOTHING ? ERR_UNSUPPORTED : ERR_FORMAT,
		    ERR_NOWHERE, "could not be loaded (assay-load, status %d)",
		    status);
	if (rc == 0)
		rc = file_map_fd(fd, what, limit, m, e);
	close(fd);
	if (rc != 0)
		err_in(e, what);
	return rc;
}

/* The folder that the names in m->file are relative to. */
static int
open_folder(const char *path, struct err *e)
{
	char dir[4096];
	size_t n = (size_t)(file_base(path) - path);

	if (file_is_dir(path))
		return tree_root(path, e);
	if (n == 0)
		return tree_root(".", e);
	if (n >= sizeof(dir))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	memcpy(dir, path, n);
	dir[n] = '\0';
	return tree_root(dir, e);
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

/* Digest what assay-load says that it read. */
static int
digest_files(const char *path, struct fetched_model *f, struct err *e)
{
	struct model *m = &f->model;
	int root, rc = 0;

	f->file = arena_alloc(&m->arena, m->nfile, sizeof(*f->file));
	if (f->file == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	if ((root = open_folder(path, e)) < 0)
		return root;
	f->size = 0;
	for (size_t i = 0; i < m->nfile && rc == 0; i++) {
		f->file[i].name = m->file[i];
		rc = digest_one(root, &f->file[i], e);
		f->size += f->file[i].size;
	}
	close(root);
	f->nfile = m->nfile;
	if (rc == 0)
		dirhash_files(f->file, f->nfile, &f->digest);
	for (size_t i = 1; i < f->nfile && rc == 0; i++)
		if (strcmp(f->file[i - 1].name, f->file[i].name) == 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'source.files' has '%.64s' twice",
			    f->file[i].name);
	return rc;
}

int
fetch_model(const char *path, struct fetched_model *f, struct err *e)
{
	const char *const argv[] = {"assay-load", path, "-o", "-", NULL};
	bool folder = file_is_dir(path);
	struct rd r;
	int rc = 0;

	*f = (struct fetched_model){0};
	if (!folder)
		rc = digest_file(
		    path, LIMIT_MODEL_FILE, &f->digest, &f->size, e);
	if (rc != 0 ||
	    (rc = load(argv, path, LIMIT_MODEL_FILE, &f->map, e)) != 0)
		return rc;
	r = rd_mem(f->map.ptr, f->map.len);
	if ((rc = neutral_parse(&r, &f->model, e)) != 0) {
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

int
fetch_data(const char *spec, const char *classes, const struct fit_shape *shape,
    struct fetched_data *f, struct err *e)
{
	const char *argv[12] = {"assay-load", "--data", spec, "-o", "-"};
	char side[24], channels[24];
	struct rd r;
	size_t n = 5;
	int rc;

	*f = (struct fetched_data){0};
	if (classes != NULL) {
		argv[n++] = "--classes";
		argv[n++] = classes;
	}
	if (shape != NULL && shape->side != 0) {
		snprintf(side, sizeof(side), "%" PRIu64, shape->side);
		argv[n++] = "--size";
		argv[n++] = side;
	}
	if (shape != NULL && shape->channels != 0) {
		snprintf(
		    channels, sizeof(channels), "%" PRIu64, shape->channels);
		argv[n++] = "--channels";
		argv[n++] = channels;
	}
	if ((rc = load(argv, spec, LIMIT_DATASET_BYTES, &f->map, e)) != 0)
		return rc;
	digest_mem(f->map.ptr, f->map.len, &f->digest);
	f->size = f->map.len;
	r = rd_mem(f->map.ptr, f->map.len);
	if ((rc = dataset_parse(&r, &f->data, e)) == 0 && f->data.label == NULL)
		rc = err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "the data has no labels");
	if (rc == 0)
		return 0;
	err_in(e, spec);
	fetch_data_release(f);
	*f = (struct fetched_data){0};
	return rc;
}

void
fetch_data_release(struct fetched_data *f)
{
	dataset_release(&f->data);
	file_unmap(&f->map);
}
