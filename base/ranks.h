/* SPDX-License-Identifier: MIT
 * Ranks: several processes that do one job, on one machine or many, started by
 * mpirun (Open MPI).  All run the same program over the same numbers; a loop is
 * cut into shares, each rank computes its own, and what came out is exchanged,
 * so that afterwards all hold the same bytes, whatever their number.  Rank 0
 * alone reads files, writes and prints.  Without mpirun, or built without MPI,
 * there is one rank and nothing here costs anything.
 *
 * Collective calls (all but the first group) are made by every rank in the
 * same order, from one thread, outside parallel regions.  When another rank is
 * lost they do not return: the run ends with a line on stderr.
 */
#ifndef BASE_RANKS_H
#define BASE_RANKS_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"

/* More are refused. */
#define RANKS_MOST 1024

/*
 * Join the others, if the environment says that there are any; before options
 * are read and before anything is printed.  Ranks other than 0 say nothing
 * from then on.  ERR_UNSUPPORTED where there are others and no MPI.
 */
int ranks_start(struct err *) MUST_USE;
size_t ranks_count(void);
/* Whether this is rank 0. */
bool ranks_first(void);

/* What one rank does of n equal pieces: [from, to); the ranks that have any
 * come first, in the order of the pieces. */
struct ranks_share {
	size_t from, to;
};
struct ranks_share ranks_share_of(size_t n, size_t rank);
struct ranks_share ranks_share(size_t n); /* this one's */

/* What went between the ranks since the start, as this one saw it: calls,
 * bytes that all have afterwards, seconds with those spent waiting. */
struct ranks_traffic {
	uint64_t calls, bytes;
	double seconds;
};
struct ranks_traffic ranks_traffic(void);

/*
 * The status to leave main with after an error, which is printed once: most
 * errors are every rank's, and rank 0 tells.  With several ranks this ends all
 * of them and does not return.
 */
int ranks_fail(const struct err *);

/* --- collective ---------------------------------------------------------- */

/* Rank r has set the bytes [at[r], at[r + 1]) of p; then all have all. */
void ranks_gather(void *p, const size_t *at);
/* The same of n entries of `size` bytes, of which each has set its share. */
void ranks_gather_shares(void *p, size_t n, size_t size);
/* Append what every rank has to `all`, in the order of the ranks. */
void ranks_collect(const struct buf *mine, struct buf *all);
/* Rank 0's bytes to all. */
void ranks_broadcast(void *p, size_t n);
/* Rank 0's code and error to all; returns the code. */
int ranks_result(int rc, struct err *) MUST_USE;
/* Rank 0's result of making this map, code and error too, to all; returns the
 * code.  To be released by file_unmap() everywhere. */
int ranks_map(struct file_map *, int rc, struct err *) MUST_USE;
/* A file that rank 0 maps. */
int ranks_map_file(
    const char *path, uint64_t limit, struct file_map *, struct err *) MUST_USE;
/* Whether it is so for any rank. */
bool ranks_any(bool);
/* The first code that is not 0 of those that the ranks have, with its error, to
 * all: where one may fail in its share and others do not. */
int ranks_agree(int rc, struct err *) MUST_USE;
/* ERR_FORMAT, naming the rank, where one has another digest than rank 0. */
int ranks_same(const struct digest *, const char *what, struct err *) MUST_USE;

/*
 * A sum in the order of the ranks: the first n ranks call
 *
 *     add(ctx, at, m, sum, first)
 *
 * which adds theirs to sum[at, at + m), or sets it when `first`, in pieces
 * that go from rank to rank; then all have the sum of `floats` numbers.
 */
typedef void ranks_add(void *ctx, size_t at, size_t m, float *sum, bool first);
void ranks_fold(size_t n, float *sum, size_t floats, ranks_add *add, void *ctx);

#endif
