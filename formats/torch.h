/* SPDX-License-Identifier: MIT
 * Files that torch.save() and torch.jit.save() wrote.  Three containers (a
 * zip; a stream of five pickles, before 1.6; a tar, before 0.2) hold a pickled
 * object and the bytes of its storages; a tensor is a view of a storage, and
 * becomes a strided view of the file.  Nothing of the object is executed: what
 * it means is recognised by its shape.
 *
 * torch.c has the format; torch_zip.c, torch_stream.c and torch_tar.c the
 * containers, torch_tensor.c views, torch_pick.c the choice of an object,
 * torch_module.c, torch_sequential.c and torch_kind.c whole modules,
 * torch_record.c BackdoorBench, torch_part.c one file of several,
 * torch_script.c TorchScript's own code.
 */
#ifndef FORMATS_TORCH_H
#define FORMATS_TORCH_H

#include "formats/model.h"
#include "formats/pickle.h"
#include "formats/source.h"
#include "formats/weights.h"
#include "formats/zip.h"

/* How many tensors may show each byte of the file: tied weights do. */
#define TORCH_TIMES 4

struct torch_storage {
	struct slice key;
	struct slice bytes;
	uint64_t elements; /* stream: as its identifiers say */
	enum dtype dtype;
};

struct torch {
	struct arena *arena; /* the model's */
	struct rd file;
	struct pickle pickle;
	const struct pickle_node *root;
	uint64_t bytes;      /* that tensors may still add up to */
	size_t steps;        /* left for walks over the object */
	const char *several; /* why torch_pick() found none; or NULL */
	/* zip */
	bool is_zip;
	struct zip zip;
	const char *top;    /* the folder of all entries */
	const char *folder; /* of the storages in it: "data/" */
	struct slice *read; /* per entry: its bytes, ptr NULL: not yet */
	uint32_t *crc;      /* per entry that was read: of its bytes */
	bool unsummed;      /* who asks does not want to know of checksums */
	size_t damaged;     /* entries whose checksum is wrong */
	/* stream, tar: by key */
	struct torch_storage *storage;
	size_t nstorage;
	struct map by_key;
	/* tar: by key */
	struct tensor *tensor;
	size_t ntensor;
	struct map tensor_by_key;
	int failed; /* of a callback: ERR_LIMIT */
	/* what was decided, for people */
	char note[512];
};

/* Read the object of a file; t, and what it reads, live as long as the arena. */
int torch_open(
    struct torch *, struct arena *, struct rd file, struct err *) MUST_USE;
/* Add "; text" to the note, as far as there is room. */
void torch_note(struct torch *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A walk is about to look at n nodes; ERR_LIMIT when it has done enough. */
int torch_spend(struct torch *, size_t n, struct err *) MUST_USE;
int torch_full(struct err *) MUST_USE;
/* A terminated copy of text that may be a name; NULL, the error set, when it
 * is empty, too long, no UTF-8, or the arena is full. */
const char *torch_name(struct torch *, struct slice, struct err *);

#endif
