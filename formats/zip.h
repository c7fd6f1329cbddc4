/* SPDX-License-Identifier: MIT
 * Zip archives that are models (APPNOTE 6.3.10): read by their central
 * directory, as PyTorch's reader (miniz) and Python's zipfile do, with offsets, so
 * that stored entries are spans of the file.  Where such readers could see
 * different things in one file, that is kept for whoever reports it; of
 * entries of one name the last one is found, as zipfile does (which one miniz
 * finds depends on how many others there are).
 */
#ifndef FORMATS_ZIP_H
#define FORMATS_ZIP_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rd.h"

enum zip_oddity {
	ZIP_DUPLICATE, /* two entries of one name: the last one counts */
	ZIP_CASE,      /* names that differ in case: to miniz they do not */
	ZIP_LOCAL,     /* a local header says something else */
	ZIP_OVERLAP,   /* two entries share bytes */
	ZIP_GAP,       /* bytes before, between or after entries */
	ZIP_TAIL,      /* bytes after the end record and its comment */
	ZIP_END,       /* end record and zip64 end record disagree */
	ZIP_ODDITIES
};

struct zip_entry {
	const char *name;
	uint64_t central, local; /* of its headers in the file */
	uint64_t data;           /* of its bytes */
	uint64_t packed, size;
	uint32_t crc;
	uint16_t method, flags;
	bool shadowed;     /* a later entry has its name */
	uint8_t *expanded; /* its bytes, once it was read; NULL: stored */
};

struct zip {
	struct rd file;
	struct arena *arena;
	struct zip_entry *entry; /* in the order of the directory */
	size_t n;
	struct map by_name;
	uint64_t inflated;              /* bytes so far */
	uint64_t directory, end, end64; /* offsets; end64 0: there is none */
	/* how often, and an offset where */
	size_t odd[ZIP_ODDITIES];
	uint64_t odd_at[ZIP_ODDITIES];
};

/* Read the directory and check every entry's place.  Everything lives in the
 * arena and the file. */
int zip_open(
    struct zip *, struct rd file, struct arena *, struct err *) MUST_USE;

/* NULL when there is none. */
const struct zip_entry *zip_find(const struct zip *, const char *name);
/*
 * Its bytes: of the file when it is stored, else expanded into the arena under
 * LIMIT_ZIP_INFLATED.  ERR_UNSUPPORTED: encrypted, or another method.
 */
int zip_read(struct zip *, const struct zip_entry *, struct slice *out,
    struct err *) MUST_USE;
bool zip_is_stored(const struct zip_entry *);
/* Bytes of the data descriptor behind an entry's: 0, 12, 16, 20 or 24. */
uint64_t zip_descriptor(const struct zip *, const struct zip_entry *);

/* "two entries have one name" */
const char *zip_oddity_text(enum zip_oddity);

/* CRC-32 of any number of bytes. */
uint32_t zip_crc(const void *, size_t len);
/*
 * After the bytes of a stored entry were changed in `file` (the archive's
 * bytes, writable): put their new checksum wherever the old one stands, the
 * central directory, the local header, the data descriptor.
 */
void zip_mend(const struct zip *, const struct zip_entry *, uint8_t *file);

#endif
