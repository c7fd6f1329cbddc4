/* SPDX-License-Identifier: MIT */
#include "formats/idx_folder.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/tree.h"
#include "formats/idx.h"

#include <unistd.h>

struct found {
	char images[96], labels[96];
};

static bool
is_there(int folder, const char *path)
{
	struct err e;
	int fd = tree_open(folder, path, &e);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* "raw/t10k-images-idx3-ubyte.gz" */
static void
name_of(char out[96], const char *within, const char *part, const char *what,
    bool dot, bool gz)
{
	snprintf(out, 96, "%s%s-%s%c%s-ubyte%s", within, part, what,
	    dot ? '.' : '-', what[0] == 'i' ? "idx3" : "idx1", gz ? ".gz" : "");
}

static bool
find(int folder, struct found *f)
{
	static const char *const within[] = {
	    "", "raw/", "MNIST/raw/", "FashionMNIST/raw/", "KMNIST/raw/"};
	static const char *const part[] = {"t10k", "test", "train"};

	for (size_t w = 0; w < ARRAY_LEN(within); w++)
		for (size_t p = 0; p < ARRAY_LEN(part); p++)
			for (int how = 0; how < 4; how++) {
				bool dot = (how & 1) != 0, gz = how >= 2;

				name_of(f->images, within[w], part[p], "images",
				    dot, gz);
				name_of(f->labels, within[w], part[p], "labels",
				    dot, gz);
				if (is_there(folder, f->images) &&
				    is_there(folder, f->labels))
					return true;
			}
	return false;
}

static int
map_in(int folder, const char *path, struct file_map *m, struct err *e)
{
	int fd = tree_open(folder, path, e), rc;

	if (fd < 0)
		return fd;
	rc = file_map_fd(fd, path, LIMIT_DATASET_BYTES, m, e);
	close(fd);
	return rc;
}

/* The data set owns a copy, for its pixels stay where the file has them. */
static int
read_images(int folder, const char *path, struct dataset *d, struct err *e)
{
	struct file_map m;
	struct array a;
	int rc;

	if ((rc = map_in(folder, path, &m, e)) != 0)
		return rc;
	buf_append(&d->keep, m.ptr, m.len);
	file_unmap(&m);
	rc = idx_parse(rd_mem(d->keep.ptr, d->keep.len), &d->arena, &a, e);
	return rc != 0 ? rc : array_images(&a, d, e);
}

static int
read_labels(int folder, const char *path, struct dataset *d, struct err *e)
{
	struct file_map m;
	struct array a;
	int rc;

	if ((rc = map_in(folder, path, &m, e)) != 0)
		return rc;
	if ((rc = idx_parse(rd_mem(m.ptr, m.len), &d->arena, &a, e)) == 0)
		rc = array_labels(&a, d, e);
	file_unmap(&m);
	return rc;
}

bool
idx_folder_probe(int folder)
{
	struct found f;

	return find(folder, &f);
}

int
idx_folder(int folder, struct dataset *d, struct err *e)
{
	struct found f;
	int rc;

	if (!find(folder, &f))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE, "no IDX in it");
	if ((rc = read_images(folder, f.images, d, e)) != 0)
		return err_in(e, f.images);
	if ((rc = read_labels(folder, f.labels, d, e)) != 0)
		return err_in(e, f.labels);
	dataset_say(d, "%s is what was read", f.images);
	return 0;
}
