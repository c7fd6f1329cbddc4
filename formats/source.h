/* SPDX-License-Identifier: MIT
 * A model as it was handed over: one file, or a folder, or one file and what
 * lies beside it (external data, shards, a configuration).  Readers ask for
 * companions by name; they are mapped privately, so that a patch can write
 * into them (source_writable) without touching the original, and assay-save
 * writes out every file that the reader opened.
 */
#ifndef FORMATS_SOURCE_H
#define FORMATS_SOURCE_H

#include "base/arena.h"
#include "base/file.h"
#include "base/rd.h"
#include "formats/preprocess.h"

#include <jansson.h>

struct source_file {
	const char *name; /* relative to the folder; the main file is first */
	struct file_map map;
	bool owned, writable;
	/* the file's new bytes, when it was not patched in place; or NULL */
	const uint8_t *replaced;
	size_t replaced_len;
};

/* What the files around a model, and its user, say about it. */
struct hints {
	const char *arch;   /* --arch; or NULL */
	const char *origin; /* "a NeMo model of ...": what surrounds it; NULL */
	json_t *config;     /* config.json of a model repository; or NULL */
	const char **label; /* names of the classes, nlabel of them; or NULL */
	size_t nlabel;
	struct preprocess preprocess;
};

struct source {
	struct rd main; /* the file; empty while a folder has none chosen */
	int folder;     /* descriptor of the folder; -1: only the main file */
	struct hints hints;
	struct arena arena; /* names, and what readers keep with the source */
	struct arena made;  /* whole new files (source_replace) */
	struct source_file *file;
	size_t nfile;
};

/*
 * The bytes of one file in memory, with nothing beside it: what tests, fuzz
 * targets and assay-inspect use.  Release it as any other.
 */
void source_mem(struct source *, const void *, size_t len);
/*
 * A mapped file, whose mapping stays the caller's, and the folder that it is
 * in (a descriptor, borrowed; -1: none).  name: within that folder.
 */
void source_init(
    struct source *, const struct file_map *main, const char *name, int folder);
void source_release(struct source *);

/* Make a companion the main file (of a folder, or instead of an index). */
int source_choose(struct source *, const char *name, struct err *) MUST_USE;
/* Whether a regular file of that name is there. */
bool source_has(const struct source *, const char *name);
/* The names of all that is in the folder itself, sorted. */
int source_list(
    struct source *, const char ***names, size_t *n, struct err *) MUST_USE;
/* Whether there is a link of that name, which is never followed. */
bool source_is_link(const struct source *, const char *name);
/*
 * Map the companion `name`, a relative path by the rules of member.h; links
 * are not followed.  The same name again gives the same bytes.  ERR_UNSUPPORTED
 * when there is no such file, or no folder; errors name the file.
 */
int source_open(
    struct source *, const char *name, struct rd *out, struct err *) MUST_USE;

/*
 * A companion is no part of the model after all: not to be written by
 * assay-save.  What was opened of it is gone.
 */
void source_forget(struct source *, const char *name);

/* The file that holds all of p[0..len) and the offset in it; false: none. */
bool source_place(const struct source *, const void *p, size_t len,
    size_t *file, uint64_t *offset);
/* Which of the files is the main one: not the first where a layout chose. */
size_t source_main(const struct source *);
/*
 * The bytes of file `file` for writing.  Pointers into the mapping stay valid
 * and see what is written.
 */
int source_writable(
    struct source *, size_t file, uint8_t **out, struct err *) MUST_USE;
/*
 * The main file becomes these bytes, which live in s->made; pointers into the
 * old ones stay valid.
 */
void source_replace(struct source *, const uint8_t *, size_t len);

#endif
