/* SPDX-License-Identifier: MIT */
#include "formats/fetch.h"

#include "base/limits.h"
#include "base/spawn.h"
#include "base/tool.h"
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

int
fetch_model(const char *path, struct fetched_model *f, struct err *e)
{
	const char *const argv[] = {"assay-load", path, "-o", "-", NULL};
	struct rd r;
	int rc;

	*f = (struct fetched_model){0};
	rc = digest_file(path, LIMIT_MODEL_FILE, &f->digest, &f->size, e);
	if (rc != 0 ||
	    (rc = load(argv, path, LIMIT_MODEL_FILE, &f->map, e)) != 0)
		return rc;
	r = rd_mem(f->map.ptr, f->map.len);
	if ((rc = neutral_parse(&r, &f->model, e)) != 0) {
		err_in(e, path);
		file_unmap(&f->map);
	}
	return rc;
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
