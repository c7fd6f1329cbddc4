/* SPDX-License-Identifier: MIT
 * The static checks of assay-inspect: each sees the bytes of one file, or of
 * something within one, with all bids on its format, and adds its findings.
 * All checks run on everything; none stops another or depends on its order.
 *
 * What a check finds within (members of an archive, what a stream expands to,
 * a pickle in a string) it hands to check_within(), which looks at it as at a
 * file of its own.  Nothing that is looked at is ever executed, imported or
 * resolved.
 *
 * A new check: audit/check_x.c with check_x(), a line in audit/check.def;
 * parts are audit/check_x_part.[ch].  The rules:
 *
 * - Go by content (check_is(), a probe of formats/identify.def), by name only
 *   where a loader does.
 * - check_knows() once it is clear that the bytes are of your format and will
 *   be read; whatever was then not read to its end is check_short().  A check
 *   that returns on an error without a word calls damage clean.
 * - HIGH and CRITICAL stop a gate (exit status 1).  MEDIUM is for a person,
 *   LOW and NOTE are for the record.
 * - Bytes are hostile: take them by struct rd, bound all work by base/limits.h,
 *   nothing quadratic; check_spend() before anything is expanded.
 *
 * Shared by several checks, and none themselves: check_expand (streams),
 * check_source (libarchive over memory), check_names (members' names, types,
 * links), check_path (paths that a model opens), check_note (texts in
 * metadata), check_tail (bytes behind an end), check_tell (a finding a few
 * times only), check_python and check_shell (source, commands), check_tf and
 * check_tf_graph (TensorFlow's operators).  audit/INSPECT.md has the whole.
 */
#ifndef AUDIT_CHECK_H
#define AUDIT_CHECK_H

#include "base/finding.h"
#include "formats/identify.h"

struct check_weight_list;

/* Of one file and all that is within: what was found, and what it may cost. */
struct check_sink {
	json_t *findings; /* owned by the caller */
	/* of each severity; LIMIT_FILE_FINDINGS of each are kept, so that
	 * no number of notes hides an attack */
	size_t found[SEVERITY_CRITICAL + 1];
	bool complete; /* false once something was not looked at to its end */
	bool analysed; /* some check knew the format and read it */
	uint64_t size; /* of the file */
	uint64_t expanded; /* bytes that came out of it so far */
	size_t members;    /* that were looked at so far */
	size_t unknown;    /* of these: of no known format */
	/* is a file of that path looked at too, from the file's folder on?
	 * NULL: nobody knows */
	bool (*beside)(const void *ctx, const char *path);
	/* the descriptor of one, by its path from `up` folders above that on;
	 * negative: there is none */
	int (*near)(const void *ctx, unsigned up, const char *path);
	const void *beside_ctx;
	unsigned tries; /* of near() */
	/* weights to compare with; or NULL */
	const struct check_weight_list *reference;
	/* the file of that folder which holds the same weights; or NULL */
	const char *twin;
};

struct check_file {
	const char *path;   /* of the file, as it is reported */
	const char *member; /* within it, "a.zip/data.pkl"; NULL: itself */
	struct rd bytes;
	const struct identify_bids *bids;
	unsigned depth; /* 0: the file itself */
	struct check_sink *sink;
};

struct check {
	const char *name, *summary;
	void (*run)(const struct check_file *);
};

enum {
#define CHECK(id, name, text) CHECK_##id,
#include "audit/check.def"
#undef CHECK
	CHECK_COUNT
};

extern const struct check check_table[CHECK_COUNT];

/* Identify the bytes of a file and run all checks. */
void check_bytes(
    struct check_sink *, const char *path, struct rd, struct identify_bids *);

/* --- for checks ---------------------------------------------------------- */

/* The last component of the name that the bytes go by. */
const char *check_name_of(const struct check_file *);
/* A bid of that format was made. */
bool check_is(const struct check_file *, const char *format);
/* The file is what Git has in place of a large one that nobody fetched (git-lfs,
 * docs/spec.md): who audits that has not seen it.  See check_opaque.c. */
bool check_is_pointer(const struct check_file *);
/* The same of its bytes. */
bool check_is_pointer_text(const char *, size_t len);

/* A finding about the file or member; offset in it, or ERR_NOWHERE. */
void check_find(const struct check_file *, enum finding_id, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* About one of its tensors. */
void check_find_tensor(const struct check_file *, enum finding_id,
    const char *tensor, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A finding that says what was not looked at: the result is incomplete. */
void check_short(const struct check_file *, enum finding_id, uint64_t offset,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A reader knows this format and has read the bytes, with whatever result:
 * what no check says this of was not analysed. */
void check_knows(const struct check_file *);

/*
 * Look at bytes within as at a file: identify them, run all checks.  `name` is
 * put behind the name of what they are in.  Beyond LIMIT_INSPECT_DEPTH levels
 * or LIMIT_INSPECT_MEMBERS, FILE_LIMIT is found instead.
 */
void check_within(const struct check_file *, const char *name, struct rd);
/*
 * Before n more bytes are expanded from the file: false, and FILE_LIMIT found,
 * when all of them would be more than LIMIT_INSPECT_BYTES or, beyond
 * LIMIT_INSPECT_FREE, LIMIT_INSPECT_RATIO times the file.
 */
bool check_spend(const struct check_file *, uint64_t n);

/* --- each in audit/check_<name>.c, or in audit/check.c ------------------- */

#define CHECK(id, name, text) void check_##id(const struct check_file *);
#include "audit/check.def"
#undef CHECK

#endif
