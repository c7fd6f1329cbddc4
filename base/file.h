/* SPDX-License-Identifier: MIT
 * Files that somebody named, in one place (what is beneath a folder of
 * somebody else's: base/tree.h).  Inputs are regular files mapped
 * privately and read-only under a size limit; outputs are written to a
 * temporary name beside the target and renamed when complete, so that no
 * reader ever sees a part.  Errors name the path.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

struct file_map {
	const uint8_t *ptr; /* NULL only when len is 0 */
	size_t len;
};

/*
 * Map a regular file of at most `limit` bytes (ERR_LIMIT beyond it).  "-" and
 * special files are refused: a mapping needs a size.
 */
int file_map(
    const char *path, uint64_t limit, struct file_map *, struct err *) MUST_USE;
/* The same from an open descriptor, which stays open; `path` is for errors. */
int file_map_fd(int fd, const char *path, uint64_t limit, struct file_map *,
    struct err *) MUST_USE;
void file_unmap(struct file_map *);
/* The same checks of one that is read and not mapped. */
int file_size_fd(int fd, const char *path, uint64_t limit, uint64_t *size,
    struct err *) MUST_USE;

/* Open for reading without following a final symlink to a special file. */
int file_open(const char *path, struct err *); /* descriptor, or negative ERR */

/*
 * An output being written.  file_out_open() with path NULL or "-" means
 * stdout; a descriptor (/dev/fd/3, /dev/stdout) and a special file (/dev/full, a
 * pipe) are written directly, a link to one is refused.  A link to a file, or to
 * nothing, is replaced.  A process that is told to end (SIGHUP, SIGINT, SIGTERM)
 * removes the temporary file first.
 */
struct file_out {
	int fd;
	bool rename; /* temporary file to be renamed on commit */
	char path[4096];
	char temp[4128];
};

/* Whether an output of that name goes to stdout. */
bool file_is_stdout(const char *path);

int file_out_open(struct file_out *, const char *path, struct err *) MUST_USE;
int file_out_write(
    struct file_out *, const void *, size_t len, struct err *) MUST_USE;
/* Flush, check, rename.  The output exists only after this returned 0. */
int file_out_commit(struct file_out *, struct err *) MUST_USE;
/* Whether an output of this name could be opened; nothing is created.  For
 * work of hours that ends with one. */
int file_out_check(const char *path, struct err *) MUST_USE;
/* Forget the output; nothing stays behind.  Harmless after a commit. */
void file_out_abort(struct file_out *);
/* Say this on stderr when a signal (SIGHUP, SIGINT, SIGTERM) ends this process: how to
 * go on from what is done.  Kept by reference. */
void file_out_farewell(const char *text);

/* Open, write all, commit. */
int file_write(
    const char *path, const void *, size_t len, struct err *) MUST_USE;

/* mkdir -p for one level: fine when the directory is there already. */
int file_mkdir(const char *path, struct err *) MUST_USE;
/* Remove a tree without following links; fine when nothing is there. */
int file_remove_tree(const char *path, struct err *) MUST_USE;
/* An anonymous file for a child's output; descriptor or negative ERR. */
int file_temp(struct err *);
/* A new private folder beneath TMPDIR or /tmp; the caller removes it. */
int file_temp_dir(char *out, size_t size, struct err *) MUST_USE;

bool file_exists(const char *path);
bool file_is_dir(const char *path);
/* Whether path, followed to where it really is, is dir or beneath it. */
bool file_within(const char *path, const char *dir);
/* The same of an output that need not be there yet; never of stdout. */
bool file_out_within(const char *path, const char *dir);

/* "dir/name" into out; ERR_LIMIT when it does not fit. */
int file_join(char *out, size_t size, const char *dir, const char *name,
    struct err *) MUST_USE;
/* The folder that path is, or that the file at path is in ("." for a bare
 * name); ERR_LIMIT when it does not fit. */
int file_folder(
    char *out, size_t size, const char *path, struct err *e) MUST_USE;
/* The part after the last slash. */
const char *file_base(const char *path);

#endif
