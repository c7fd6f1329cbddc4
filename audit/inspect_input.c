/* SPDX-License-Identifier: MIT */
#include "audit/inspect_input.h"

#include "base/dirhash.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"

#include <unistd.h>

/* By the worker, which had read the file whole; false: it did not say. */
static bool
take_said(struct dirhash_file *f, const json_t *doc)
{
	const json_t *file = json_object_get(doc, "file");
	const char *hex = json_string_value(json_object_get(file, "sha256"));
	json_int_t size = json_integer_value(json_object_get(file, "size"));

	f->size = (uint64_t)size;
	return hex != NULL && size >= 0 && digest_parse(hex, &f->digest);
}

/* Of a file whose worker crashed or was late. */
static int
take(struct dirhash_file *f, const struct inspect_entry *one, const json_t *doc)
{
	struct file_map m;
	struct err e = {0};
	int fd, rc;

	f->name = one->inside;
	if (take_said(f, doc))
		return 0;
	if ((fd = inspect_list_open(one, &e)) < 0)
		return fd;
	rc = file_map_fd(fd, one->path, LIMIT_MODEL_FILE, &m, &e);
	close(fd);
	if (rc != 0)
		return rc;
	digest_mem(m.ptr, m.len, &f->digest);
	f->size = m.len;
	file_unmap(&m);
	return 0;
}

static void
put(json_t *doc, const char *path, struct dirhash_file *f, size_t n)
{
	struct digest d;
	uint64_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += f[i].size;
	dirhash_files(f, n, &d);
	doc_input(doc, "bundle", path, &d, size);
}

int
inspect_input_folder(json_t *doc, const struct inspect_list *l,
    json_t *const *seen, size_t folder, struct err *e)
{
	struct buf list = {0};
	struct dirhash_file f;
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		const struct inspect_entry *one = &l->entry[i];

		if (one->root != l->root[folder])
			continue;
		if (one->kind == INSPECT_STOP) {
			/* not all files are in the list */
			buf_free(&list);
			return doc_input_path(
			    doc, "bundle", l->root_path[folder], e);
		}
		/* as dirhash_dir() does */
		if (one->kind != INSPECT_FILE || one->again)
			continue;
		if ((rc = take(&f, one, seen[i])) == 0)
			buf_append(&list, &f, sizeof(f));
	}
	if (rc == 0)
		put(doc, l->root_path[folder],
		    (struct dirhash_file *)(void *)list.ptr,
		    list.len / sizeof(f));
	buf_free(&list);
	return 0;
}
