/* SPDX-License-Identifier: MIT
 * Command lines from one table: parsing, --help and the usage line cannot
 * drift apart.  Every tool also gets --help, --version and --quiet.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/base.h"

enum opt_kind {
	OPT_FLAG, /* bool * */
	OPT_STR,  /* const char ** */
	OPT_LIST, /* struct opt_list *: may be given more than once */
	OPT_U64,  /* uint64_t *, from `min` to `max` (0: no limit) */
	OPT_REAL, /* double *, within [lo, hi] */
};

#define OPT_LIST_MAX 64

struct opt_list {
	const char *item[OPT_LIST_MAX];
	size_t n;
};

struct opt {
	const char *name; /* without the dashes; NULL ends the table */
	char letter;      /* or 0 */
	enum opt_kind kind;
	void *dest;
	const char *arg;  /* placeholder in --help, for kinds with a value */
	const char *help; /* one line; say the default */
	uint64_t max, min;
	double lo, hi;
	/* which methods take it, as "anp, fp"; NULL: all.  --help says it, the
	 * tool refuses it of others */
	const char *only;
};

/* Entries that several tools have, alike in name and meaning. */
/* clang-format off */
#define OPT_THREADS(to) {.name = "threads", .kind = OPT_U64, .dest = (to),     \
	.arg = "N", .max = 1024,                                               \
	.help = "threads (default: all cores); never changes the result"}
#define OPT_CLASSES(to) {.name = "classes", .kind = OPT_STR, .dest = (to),     \
	.arg = "FILE", .help = "class names, one a line"}
#define OPT_ARCH(to) {.name = "arch", .kind = OPT_STR, .dest = (to),           \
	.arg = "A", .help = "architecture of a file of weights alone"}
#define OPT_PREPROCESS(to) {.name = "preprocess", .kind = OPT_STR,             \
	.dest = (to), .arg = "P",                                              \
	.help = "resize=N,crop=N,mean=M:M:M,std=..., see assay-data(5)"}
/* clang-format on */

struct opt_tool {
	const char *name;     /* "assay-scan" */
	const char *summary;  /* one line */
	const char *operands; /* "MODEL --data D [options]" */
	const struct opt *table;
	const char *manual; /* the page, where it is not called as the tool */
	size_t min_operands, max_operands;
};

enum {
	OPT_GO = 0,    /* go on */
	OPT_DONE = 1,  /* --help or --version was answered: exit 0 */
	OPT_USAGE = 2, /* the complaint is on stderr: exit TOOL_USAGE */
};

/*
 * Parse argv.  On OPT_GO the operands are argv[*first..argc), options having
 * been moved before them; their number is within the tool's bounds.  One that
 * begins with a dash ("-" alone apart) has become "./-...".
 */
int opt_parse(
    const struct opt_tool *, int argc, char **argv, int *first) MUST_USE;

/* A complaint in the same form as opt_parse's; returns OPT_USAGE. */
int opt_usage(const struct opt_tool *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The index of `value` among n names, or OPT_USAGE and a complaint that has them. */
int opt_choice(const struct opt_tool *, const char *option, const char *value,
    const char *const *names, size_t n, size_t *out) MUST_USE;

/* The method takes the option: `only` is absent, or has it. */
bool opt_is_of(const struct opt *, const char *method);

#endif
