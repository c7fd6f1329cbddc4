/* SPDX-License-Identifier: MIT
 * What a file is, by its content.  Every entry of formats/identify.def may
 * bid; all bids are kept, because a file that is two things at once shows a
 * different face to each reader.  Bids of a format and of the one it is a kind
 * of (torch-zip and zip, json and text) belong together.
 */
#ifndef FORMATS_IDENTIFY_H
#define FORMATS_IDENTIFY_H

#include "base/rd.h"

enum identify_kind {
	KIND_MODEL,
	KIND_DATA,
	KIND_ARCHIVE,
	KIND_IMAGE,
	KIND_CODE,
	KIND_DOCUMENT,
	KIND_OTHER,
};

struct identify_format {
	const char *name;
	enum identify_kind kind;
	const char *within; /* the format that this is a kind of, or "" */
	const char *summary;
	unsigned (*probe)(struct rd); /* bits of evidence, 0: no */
};

enum {
#define IDENTIFY(id, name, kind, within, text) IDENTIFY_##id,
#include "formats/identify.def"
#undef IDENTIFY
	IDENTIFY_COUNT
};

extern const struct identify_format identify_table[IDENTIFY_COUNT];

/* From this on a bid is more than a guess. */
#define IDENTIFY_STRONG 16

struct identify_bids {
	const struct identify_format *best;                /* NULL: unknown */
	const struct identify_format *bid[IDENTIFY_COUNT]; /* best first */
	unsigned bits[IDENTIFY_COUNT];
	size_t n;
};

void identify(struct rd, struct identify_bids *);

/* True when one of the two is a kind of the other. */
bool identify_related(
    const struct identify_format *, const struct identify_format *);
/* The bid of that name, or NULL. */
const struct identify_format *identify_find(
    const struct identify_bids *, const char *name);

/* A file whose format has this name holds a model. */
bool identify_is_model(const char *name);

/* "model", "data", ... */
const char *identify_kind_name(enum identify_kind);

#endif
