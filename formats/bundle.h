/* SPDX-License-Identifier: MIT
 * The members of a bundle, one after the other: an archive (tar, also
 * compressed, or zip; libarchive parses them), a folder, or a single file.
 * What is admitted goes to a sink; what is not becomes a finding and an entry
 * of `refused`.  Links are never followed or made; one of an archive to a file
 * that the archive has is replaced by a copy (bundle_link.c).  A limit or
 * damage ends the walk or skips the member and leaves `complete` false; the
 * calls fail only when the sink or the system does.
 */
#ifndef FORMATS_BUNDLE_H
#define FORMATS_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/rd.h"
#include "base/tree.h"
#include "formats/member.h"

struct bundle_limits {
	uint64_t entries; /* members */
	uint64_t bytes;   /* in all */
	uint64_t member;  /* of one member */
	uint64_t ratio;   /* bytes out for each byte in */
	uint64_t depth;   /* archives in archives; 0: they stay as they are */
	uint64_t name;    /* bytes of a path, at most LIMIT_MEMBER_NAME */
};

/* Where members go; paths have passed member_check(). */
struct bundle_sink {
	void *ctx;
	/* 0, BUNDLE_EXISTS when something is in the way, or negative ERR */
	int (*folder)(void *ctx, const char *path, struct err *);
	int (*open)(void *ctx, const char *path, struct err *);
	int (*write)(void *ctx, const void *, size_t, struct err *);
	/* keep false: the member is not whole, forget it */
	int (*close)(void *ctx, bool keep, struct err *);
	/*
	 * The bytes of a file that was kept, until unmap; NULL: they cannot
	 * be had, and archives in the bundle stay as they are.
	 */
	int (*map)(void *ctx, const char *path, struct rd *, struct err *);
	void (*unmap)(void *ctx);
};

/* A file that was kept. */
struct bundle_file {
	const char *path;
	unsigned depth;    /* archives that it came out of, less one */
	bool taken;        /* part of an image, or a copy: nothing to unpack */
	bool hashed, good; /* its digest was compared, and is right */
};

#define BUNDLE_EXISTS 1
/* bundle_archive: a compressed file with no archive inside; nothing is done. */
#define BUNDLE_PLAIN 2
/* Bytes that pass at a time. */
#define BUNDLE_CHUNK ((size_t)256 << 10)

struct bundle {
	struct bundle_limits limits;
	const struct bundle_sink *sink;
	char container[24];      /* "tar.gz", "zip", "directory", "file" */
	json_t *findings;        /* array of finding_json() */
	json_t *refused;         /* array of {"path","reason","finding"} */
	bool complete, stop;     /* stop: a limit ended the walk */
	bool ended;              /* this archive cannot be read on */
	uint64_t entries, bytes; /* seen; extracted and skipped */
	struct buf made;         /* of struct bundle_file */
	struct buf links;        /* of one archive (bundle_link.c) */
	size_t first;            /* file of it, in `made` */
	/* of the archive that is being read */
	const char *prefix; /* what its members are put beneath, with '/' */
	unsigned depth;     /* 0: the bundle itself */
	uint64_t before;    /* bytes when it began */
	uint64_t outer;     /* for a depth that is not 0: size of the bundle */
	/* judges members of an image's layers (bundle_image.c), or NULL */
	bool (*veto)(struct bundle *, const char *path, unsigned mode);
	void *veto_ctx;
	struct arena arena;
	struct map seen, folded;
	uint8_t *block; /* BUNDLE_CHUNK bytes */
};

extern const struct bundle_limits bundle_defaults;

void bundle_init(
    struct bundle *, const struct bundle_limits *, const struct bundle_sink *);
void bundle_release(struct bundle *);

/*
 * True when the bytes at the start are those of an archive that is to be
 * unpacked: tar, zip, or a compressed file.  A zip that is itself a model or
 * data file (PyTorch, NumPy, Keras) is one only when `path` ends in .zip.
 * Names that promise an archive (bundle_named) always are.
 */
bool bundle_probe(struct rd, const char *path);
/* True for .tar, .tar.gz, .tgz, .zip and the like. */
bool bundle_named(const char *path);

/*
 * Walk an archive.  With `maybe`, a file that holds no archive at all gives
 * BUNDLE_PLAIN, else it is damaged.
 */
int bundle_archive(
    struct bundle *, struct rd, bool maybe, struct err *) MUST_USE;
/*
 * An archive that is data, not a bundle: what would be a finding there is an
 * error here.  `what` goes before the message ("npz").
 */
int bundle_strict(const struct bundle_limits *, const struct bundle_sink *,
    struct rd, const char *what, struct err *) MUST_USE;
/* One file, under the last part of `path`. */
int bundle_file(
    struct bundle *, int fd, const char *path, struct err *) MUST_USE;
/*
 * A folder.  blobs: where it is a snapshot of a Hugging Face cache, the folder
 * of the blobs that its links stand for; or -1.
 */
int bundle_folder(struct bundle *, int fd, int blobs, struct err *) MUST_USE;
/*
 * After one of these: the archives among the files that were kept, and those
 * in them, down to limits.depth; what was in x.tar goes beneath
 * "x.tar.unpacked/", or a longer name where that is taken.
 */
int bundle_nested(struct bundle *, struct err *) MUST_USE;

#endif
