/* SPDX-License-Identifier: MIT
 * R's serialised objects, .rds and .RData: numbers, text and calls are data;
 * what else is in them is said, and a promise that is evaluated as soon as
 * somebody uses the object is found (CVE-2024-27322).
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"
#include "audit/check_tail.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/rdata.h"

/* Functions that reach the system.  A promise needs one, and so does any other
 * expression; a text of a data set is no symbol. */
static const char *const names[] = {"system", "system2", "shell", "shell.exec",
    "pipe", "dyn.load", "download.file", "socketConnection", "install.packages",
    "unlink", "source", "sys.source"};

static void
say(const struct check_file *f, const char *name, uint64_t at)
{
	check_find(f, FINDING_OBJECT_CODE, at,
	    "an expression of R that calls '%s'", name);
}

/* At p a length and text: of a string (9) of a symbol (1), whatever other
 * bits their flags have. */
static bool
is_symbol(const struct check_file *f, const uint8_t *p)
{
	return p - f->bytes.base >= 8 && p[-1] == 9 && p[-5] == 1;
}

/* Wherever they stand: a reader that is lost may still run what it read. */
static void
search(const struct check_file *f)
{
	const uint8_t *end = f->bytes.base + f->bytes.len;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);
		uint8_t want[32] = {0, 0, 0, (uint8_t)n};
		const uint8_t *p = f->bytes.base;

		memcpy(want + 4, names[i], n);
		while (
		    (p = memmem(p, (size_t)(end - p), want, 4 + n)) != NULL &&
		    !is_symbol(f, p))
			p++;
		if (p != NULL)
			say(f, names[i], (uint64_t)(p - f->bytes.base));
	}
}

struct seen {
	const struct check_file *f;
	bool said[ARRAY_LEN(names)];
};

static void
symbol(void *ctx, struct slice s, uint64_t at)
{
	struct seen *seen = ctx;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (seen->said[i] || !rd_slice_is(s, names[i]))
			continue;
		seen->said[i] = true;
		say(seen->f, names[i], at);
	}
}

static bool
is_xdr(struct rd r)
{
	return RD_HAS(r, 0, "X\n") || RD_HAS(r, 5, "X\n");
}

static void
judge(const struct check_file *f, const struct rdata *d)
{
	check_knows(f);
	if (d->at[RDATA_PROMISE] != ERR_NOWHERE)
		check_find(f, FINDING_OBJECT_CODE, d->at[RDATA_PROMISE],
		    "%s (CVE-2024-27322)", rdata_text(RDATA_PROMISE));
	for (enum rdata_kind k = 0; k < RDATA_KINDS; k++)
		if (k != RDATA_PROMISE && d->at[k] != ERR_NOWHERE)
			check_short(f, FINDING_FILE_UNANALYSED, d->at[k],
			    "rdata: it holds %s", rdata_text(k));
}

/* What an R program would open, and R refuses: the file, or the stream in it. */
static void
promised(const struct check_file *f)
{
	static const char *const ends[] = {".rds", ".rda", ".RData"};
	const char *of = file_base(f->path);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (text_ends_with(of, ends[i]) && f->depth == 1 &&
		    f->bytes.len != 0 &&
		    (f->bids->best == NULL ||
			f->bids->best->kind == KIND_DOCUMENT))
			check_short(f, FINDING_NAME_MISMATCH, ERR_NOWHERE,
			    "named %s, and R has no such format in a stream",
			    ends[i]);
}

void
check_rdata(const struct check_file *f)
{
	struct rd r = rd_mem(f->bytes.base, f->bytes.len);
	struct seen seen = {.f = f};
	struct rdata d = {.ctx = &seen};
	struct err e = {0};

	if (!check_is(f, "rdata")) {
		promised(f);
		return;
	}
	if (is_xdr(r))
		search(f);
	else
		d.symbol = symbol;
	if (rdata_read(&d, &r, &e) != 0)
		check_short(f, FINDING_FILE_UNANALYSED, e.off,
		    "rdata can call functions when it is loaded: %s", e.msg);
	else
		check_tail(f, rd_pos(&r));
	judge(f, &d);
}
