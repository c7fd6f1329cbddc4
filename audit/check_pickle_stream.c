/* SPDX-License-Identifier: MIT
 * A row of pickles.  Python stops at the first STOP, so what comes behind is
 * for whoever reads on: it is looked at all the same.  Behind an error nothing
 * would be loaded; there the next thing that looks like a pickle is looked for,
 * because a reader may start there.
 */
#include "audit/check_pickle_part.h"
#include "audit/check_tail.h"

/* Bytes of failed attempts, for each byte of the file, before the search stops
 * to overlap with itself. */
#define RETRIES 4

struct row {
	struct check_pickle_judge judge;
	struct rd r;
	size_t n; /* pickles so far */
	uint64_t budget;
};

/* --- searching ----------------------------------------------------------- */

static bool
name_line(struct rd r, size_t *at, struct slice *out)
{
	size_t i = *at;

	while (
	    i < r.len && i - *at < 100 && r.base[i] > ' ' && r.base[i] < 0x7f)
		i++;
	*out = (struct slice){r.base + *at, i - *at};
	if (i == *at || i >= r.len || r.base[i] != '\n')
		return false;
	*at = i + 1;
	return true;
}

/* GLOBAL of a name that is known: protocols 0 and 1 have no other mark. */
static bool
starts_old(struct rd r, size_t at)
{
	struct slice module, name;

	at++;
	if (!name_line(r, &at, &module) || !name_line(r, &at, &name))
		return false;
	check_pickle_rename(&module, &name);
	return check_pickle_danger_find(module, name) != NULL;
}

static bool
starts(struct rd r, size_t at)
{
	if (r.base[at] == 0x80)
		return at + 2 < r.len && r.base[at + 1] <= 5 &&
		       r.base[at + 1] >= 2;
	return r.base[at] == 'c' && starts_old(r, at);
}

/* Read what is there, if it is a pickle to its end; else no more than its
 * names are kept. */
static bool
attempt(struct row *w)
{
	const struct pickle_node *root;
	struct err ignored = {0};
	struct rd from = w->r;
	size_t told;
	int rc;

	w->judge.tentative = true;
	rc = check_pickle_judge_read(&w->judge, &w->r, false, &root, &ignored);
	w->judge.tentative = false;
	told = w->judge.told;
	if (rc != 0 || (told == 0 && w->r.off - from.off < 4))
		return false;
	w->r = from;
	rc = check_pickle_judge_read(&w->judge, &w->r, false, &root, &ignored);
	w->n += rc == 0;
	return rc == 0;
}

static void
search(struct row *w)
{
	while (rd_left(&w->r) != 0) {
		size_t at = w->r.off;

		if (!starts(w->r, at)) {
			w->r.off++;
			continue;
		}
		if (attempt(w))
			continue;
		if (w->r.off - at < w->budget) {
			w->budget -= w->r.off - at;
			w->r.off = at + 1;
		}
	}
}

/* --- the row ------------------------------------------------------------- */

static void
trailing(struct row *w)
{
	const struct check_file *f = w->judge.f;
	struct identify_bids bids;
	struct rd rest;

	if (check_tail_is_padding(w->r.base + w->r.off, rd_left(&w->r)))
		return;
	check_short(f, FINDING_PICKLE_TRAILING, rd_pos(&w->r),
	    "%zu bytes behind pickle %zu", rd_left(&w->r), w->n);
	rest = rd_mem(w->r.base + w->r.off, rd_left(&w->r));
	identify(rest, &bids);
	if (bids.n != 0 && identify_find(&bids, "pickle") == NULL)
		check_within(f, "trailing", rest);
	search(w);
}

static void
broken(struct row *w, const struct err *e)
{
	const struct check_file *f = w->judge.f;

	if (e->code == ERR_LIMIT)
		check_short(f, FINDING_FILE_LIMIT, e->off, "%s", e->msg);
	else
		check_short(f, FINDING_PICKLE_INVALID, e->off, "%s", e->msg);
	search(w);
}

#define TORCH_PROTOCOL 1001 /* torch/serialization.py, PROTOCOL_VERSION */

static int
is_protocol(const struct pickle_node *root, uint64_t at, struct err *e)
{
	int64_t v = 0;

	return pickle_int(root, &v) && v == TORCH_PROTOCOL
		   ? 0
		   : err_set(e, ERR_FORMAT, at,
			 "PyTorch's file of protocol %" PRId64 ", known is %d",
			 v, TORCH_PROTOCOL);
}

/* PyTorch before 1.6: magic number, version, system, object, keys of
 * storages, storages. */
static bool
torch(struct row *w)
{
	const struct pickle_node *root = NULL;
	struct err e = {.off = ERR_NOWHERE};
	int rc = 0;

	if (check_pickle_torch_watch(&w->judge) == NULL)
		return false;
	for (int i = 1; i < 5 && rc == 0; i++) {
		rc = check_pickle_judge_read(
		    &w->judge, &w->r, i == 1 || i == 4, &root, &e);
		w->n += rc == 0;
		if (rc == 0 && i == 1)
			rc = is_protocol(root, rd_pos(&w->r), &e);
	}
	if (rc == 0)
		rc = check_pickle_torch_skip(&w->judge, &w->r, root, &e);
	if (rc != 0)
		broken(w, &e);
	return rc == 0;
}

static bool
next_is_pickle(struct row *w)
{
	return rd_left(&w->r) > 2 && w->r.base[w->r.off] == 0x80 &&
	       w->r.base[w->r.off + 1] <= 5;
}

static void
read_row(struct row *w)
{
	const struct pickle_node *root;
	struct err e = {.off = ERR_NOWHERE};

	do {
		if (check_pickle_judge_read(
			&w->judge, &w->r, false, &root, &e) != 0) {
			broken(w, &e);
			return;
		}
		w->n++;
		if (w->n == 1 && check_pickle_torch_magic(root) && !torch(w))
			return;
		while (rd_left(&w->r) != 0 && !next_is_pickle(w)) {
			struct rd here = w->r;

			if (!attempt(w)) {
				w->r = here;
				trailing(w);
				return;
			}
		}
	} while (rd_left(&w->r) != 0);
}

void
check_pickle_stream(const struct check_file *f, struct rd bytes)
{
	struct row w = {.r = bytes, .budget = RETRIES * (uint64_t)bytes.len};

	check_pickle_judge_init(&w.judge, f, bytes);
	read_row(&w);
	check_pickle_judge_end(&w.judge);
}
