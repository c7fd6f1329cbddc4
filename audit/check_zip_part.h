/* SPDX-License-Identifier: MIT
 * What the parts of check_zip.c have between them.  A zip is read in every
 * way that some reader reads it: by each end record and the directory before
 * it, by each header that a directory points to, and by headers that none
 * does (APPNOTE 6.3.10).
 */
#ifndef AUDIT_CHECK_ZIP_PART_H
#define AUDIT_CHECK_ZIP_PART_H

#include "audit/check_tell.h"
#include "base/arena.h"
#include "base/buf.h"

#define ZIP_LOCAL_SIG   0x04034b50
#define ZIP_CENTRAL_SIG 0x02014b50
#define ZIP_END_SIG     0x06054b50

#define ZIP_ENCRYPTED 0x0001
#define ZIP_LATER     0x0008 /* sizes and CRC follow the data */
#define ZIP_PATCHED   0x0020
#define ZIP_STRONG    0x0040
#define ZIP_MASKED    0x2000

/* What one header says of an entry. */
struct check_zip_head {
	struct slice name, extra;
	const char *text; /* the name, terminated */
	uint64_t packed, size;
	uint32_t crc;
	uint16_t method, flags;
	bool damaged; /* its zip64 field is missing or short */
};

struct check_zip_entry {
	struct check_zip_head central, local;
	uint64_t at; /* of the central header; ERR_NOWHERE: there is none */
	uint64_t local_at; /* of the local one */
	uint64_t data;     /* behind the local header; ERR_NOWHERE: no header */
	uint64_t end;      /* behind the data and their descriptor */
	size_t directory;  /* whose it is */
	uint32_t mode;     /* st_mode of Unix, or 0 */
};

/* A stretch of the file that something accounts for. */
struct check_zip_span {
	uint64_t from, to;
};

struct check_zip {
	const struct check_file *f;
	struct rd file;
	struct arena arena;     /* of names */
	struct buf entries;     /* of struct check_zip_entry */
	struct buf spans;       /* of struct check_zip_span */
	size_t ndirectory;      /* that were read */
	uint64_t directory[16]; /* where they are */
	size_t nend;            /* end records seen */
	uint64_t first_end;     /* where the first of them is */
	uint64_t comment; /* where the comment of the last one begins, or 0 */
	bool behind;      /* another format begins the file: it is no prefix */
	struct check_tell tell;
};

size_t check_zip_count(const struct check_zip *);
struct check_zip_entry *check_zip_nth(const struct check_zip *, size_t i);

/* --- check_zip_read.c ---------------------------------------------------- */

/* A cursor behind the signature at `at`; false: it is not there. */
bool check_zip_signed(
    const struct check_zip *, uint64_t at, uint32_t sig, struct rd *out);
/* The end record at `at`: its directories, in each way that readers find
 * them.  False: there is no whole record. */
bool check_zip_end(struct check_zip *, uint64_t at);
/* The local header at e->local_at, and where its bytes end. */
bool check_zip_local(struct check_zip *, struct check_zip_entry *e);
void check_zip_cover(struct check_zip *, uint64_t from, uint64_t to);

/* --- check_zip_ground.c -------------------------------------------------- */

/* What nothing accounts for: end records, then headers and mere bytes. */
void check_zip_ends(struct check_zip *);
void check_zip_ground(struct check_zip *);

/* --- check_zip_judge.c --------------------------------------------------- */

/* What the headers say about each entry, and about one another. */
void check_zip_judge(struct check_zip *);

/* --- check_zip_hand.c ---------------------------------------------------- */

/* Every reading's bytes go to check_within(), each once. */
void check_zip_hand(struct check_zip *);

/* A name for messages and for what is within: terminated, never empty. */
const char *check_zip_name(struct check_zip *, struct slice);

#endif
