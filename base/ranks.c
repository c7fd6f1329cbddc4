/* SPDX-License-Identifier: MIT
 * The transport is at the end of the file, by MPI or for one process.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "base/ranks.h"

#include "base/progress.h"
#include "base/tool.h"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Messages of at most so many bytes, and of a sum that goes from rank to rank
 * so many numbers: small enough for all to be busy, large enough not to be
 * about latency. */
#define PIECE      ((size_t)1 << 26)
#define FOLD_PIECE ((size_t)1 << 17)
/* Seconds that rank 0 is given to report an error that is its own as well. */
#define PATIENCE 3
/* Nanoseconds between two looks of one that waits for a slow other. */
#define NAP 2000000

static size_t self, count = 1;
static struct ranks_traffic traffic;

static void wire_broadcast(void *p, size_t n, size_t root);
static void wire_gather(void *p, const size_t *at);
static void wire_wait(void);
static bool wire_any(bool mine);
static void wire_fold(
    size_t n, float *sum, size_t floats, ranks_add *add, void *ctx);
static _Noreturn void wire_abort(int status);

size_t
ranks_count(void)
{
	return count;
}

bool
ranks_first(void)
{
	return self == 0;
}

struct ranks_traffic
ranks_traffic(void)
{
	return traffic;
}

struct ranks_share
ranks_share_of(size_t n, size_t rank)
{
	size_t k = MIN(n, count);

	if (rank >= k)
		return (struct ranks_share){n, n};
	return (struct ranks_share){n * rank / k, n * (rank + 1) / k};
}

struct ranks_share
ranks_share(size_t n)
{
	return ranks_share_of(n, self);
}

static void
nap(time_t seconds, long nanoseconds)
{
	struct timespec t = {seconds, nanoseconds};

	nanosleep(&t, NULL);
}

int
ranks_fail(const struct err *e)
{
	struct err mine = *e;
	char host[64] = "";

	if (count == 1)
		return tool_fail(e);
	if (self != 0) {
		signal(SIGTERM, SIG_DFL); /* rank 0 ends us at once */
		nap(PATIENCE, 0);
		gethostname(host, sizeof(host) - 1);
		err_wrap(&mine, "rank %zu on %s", self, host);
	}
	wire_abort(tool_fail(&mine));
}

/* --- collective ---------------------------------------------------------- */

void
ranks_gather(void *p, const size_t *at)
{
	if (count == 1)
		return;
	if (at[count] - at[0] <= PIECE) {
		wire_gather(p, at);
		return;
	}
	for (size_t r = 0; r < count; r++)
		wire_broadcast((uint8_t *)p + at[r], at[r + 1] - at[r], r);
}

void
ranks_gather_shares(void *p, size_t n, size_t size)
{
	size_t at[RANKS_MOST + 1] = {0};

	if (count == 1)
		return;
	for (size_t r = 0; r < count; r++)
		at[r + 1] = ranks_share_of(n, r).to * size;
	ranks_gather(p, at);
}

void
ranks_collect(const struct buf *mine, struct buf *all)
{
	size_t at[RANKS_MOST + 1], len[RANKS_MOST], had = all->len;

	if (count == 1) {
		buf_append(all, mine->ptr, mine->len);
		return;
	}
	for (size_t r = 0; r <= count; r++)
		at[r] = r * sizeof(*len);
	len[self] = mine->len;
	wire_gather(len, at);
	at[0] = 0;
	for (size_t r = 0; r < count; r++) {
		at[r + 1] = at[r] + len[r];
		if (r == self)
			buf_append(all, mine->ptr, mine->len);
		else
			buf_zeros(all, len[r]);
	}
	if (at[count] != 0)
		ranks_gather(all->ptr + had, at);
}

void
ranks_broadcast(void *p, size_t n)
{
	if (count > 1)
		wire_broadcast(p, n, 0);
}

/* Memory like a mapping of a file. */
static void
make_room(struct file_map *m, size_t len)
{
	void *p;

	*m = (struct file_map){0};
	if (len == 0)
		return;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		BUG("out of memory");
	*m = (struct file_map){p, len};
}

int
ranks_map(struct file_map *m, int rc, struct err *e)
{
	struct {
		int rc;
		size_t len;
		struct err e;
	} head = {.rc = rc};

	if (count == 1)
		return rc;
	wire_wait(); /* rank 0 may have had a process to wait for */
	if (self == 0) {
		head.len = rc == 0 ? m->len : 0;
		head.e = *e;
	}
	wire_broadcast(&head, sizeof(head), 0);
	if (self != 0) {
		make_room(m, head.len);
		*e = head.e;
	}
	/* only rank 0 reads its own, which may be read-only memory */
	wire_broadcast((void *)(uintptr_t)m->ptr, head.len, 0);
	return head.rc;
}

int
ranks_result(int rc, struct err *e)
{
	return ranks_map(&(struct file_map){0}, rc, e);
}

int
ranks_map_file(
    const char *path, uint64_t limit, struct file_map *m, struct err *e)
{
	int rc = self == 0 ? file_map(path, limit, m, e) : 0;

	return ranks_map(m, rc, e);
}

bool
ranks_any(bool mine)
{
	return count == 1 ? mine : wire_any(mine);
}

int
ranks_agree(int rc, struct err *e)
{
	int all[RANKS_MOST];
	size_t at[RANKS_MOST + 1], r;

	if (count == 1)
		return rc;
	for (r = 0; r <= count; r++)
		at[r] = r * sizeof(*all);
	all[self] = rc;
	wire_gather(all, at);
	for (r = 0; r < count && all[r] == 0; r++)
		;
	if (r == count)
		return 0;
	wire_broadcast(e, sizeof(*e), r);
	return all[r];
}

int
ranks_same(const struct digest *d, const char *what, struct err *e)
{
	struct digest all[RANKS_MOST];
	size_t at[RANKS_MOST + 1], r;

	if (count == 1)
		return 0;
	for (r = 0; r <= count; r++)
		at[r] = r * sizeof(*all);
	all[self] = *d;
	wire_gather(all, at);
	for (r = 1; r < count && digest_equal(&all[0], &all[r]); r++)
		;
	if (r == count)
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "rank %zu has not the %s of rank 0", r, what);
}

void
ranks_fold(size_t n, float *sum, size_t floats, ranks_add *add, void *ctx)
{
	if (count == 1)
		add(ctx, 0, floats, sum, true);
	else
		wire_fold(n, sum, floats, add, ctx);
}

/* How a launcher tells a process that it is one of several: mpirun, and srun
 * with --mpi=pmix or pmi2. */
static bool
is_launched(void)
{
	const char *size = getenv("OMPI_COMM_WORLD_SIZE");

	if (size != NULL)
		return strcmp(size, "1") != 0;
	return getenv("PMIX_RANK") != NULL || getenv("PMI_RANK") != NULL;
}

/* --- transport ----------------------------------------------------------- */

#ifdef HAVE_MPI

#include <mpi.h>

static _Noreturn void
wire_abort(int status)
{
	fflush(NULL);
	MPI_Abort(MPI_COMM_WORLD, status);
	_exit(status);
}

/* A call that fails has lost another rank: there is nobody to go on with. */
static void
must(int code)
{
	char why[MPI_MAX_ERROR_STRING] = "";
	int len = 0;

	if (code == MPI_SUCCESS)
		return;
	MPI_Error_string(code, why, &len);
	fprintf(stderr, "%s: rank %zu: another rank is lost (%s)\n", tool_name,
	    self, why);
	wire_abort(TOOL_INCOMPLETE);
}

/* Processes that srun started together and that MPI does not join would each
 * take itself for the only one. */
static bool
is_scattered(void)
{
	const char *tasks = getenv("SLURM_STEP_NUM_TASKS");

	return count == 1 && getenv("OMPI_COMM_WORLD_SIZE") == NULL &&
	       tasks != NULL && strcmp(tasks, "1") != 0;
}

static void
account(double start, size_t bytes)
{
	traffic.calls++;
	traffic.bytes += bytes;
	traffic.seconds += progress_clock() - start;
}

static void
finish(void)
{
	MPI_Finalize();
}

/* Ranks but 0 have nothing to say; what ends the run is said by
 * ranks_fail(). */
static void
be_silent(void)
{
	tool_silent = tool_quiet = true;
	if (freopen("/dev/null", "w", stdout) == NULL)
		BUG("cannot open /dev/null");
}

int
ranks_start(struct err *e)
{
	int level, rank, size;

	if (!is_launched())
		return 0;
	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) !=
	    MPI_SUCCESS)
		return err_set(
		    e, ERR_SYSTEM, ERR_NOWHERE, "MPI does not start");
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	self = (size_t)rank;
	count = (size_t)size;
	atexit(finish);
	if (self != 0)
		be_silent();
	if (count > RANKS_MOST)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "more than %d ranks",
		    RANKS_MOST);
	if (is_scattered())
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "one of several tasks, but MPI finds one rank: try srun "
		    "--mpi=pmix");
	return 0;
}

static void
wire_broadcast(void *p, size_t n, size_t root)
{
	double start = progress_clock();

	for (size_t at = 0; at < n; at += PIECE)
		must(MPI_Bcast((uint8_t *)p + at, (int)MIN(PIECE, n - at),
		    MPI_BYTE, (int)root, MPI_COMM_WORLD));
	account(start, n);
}

/* At most PIECE bytes. */
static void
wire_gather(void *p, const size_t *at)
{
	int len[RANKS_MOST], from[RANKS_MOST];
	double start = progress_clock();

	for (size_t r = 0; r < count; r++) {
		len[r] = (int)(at[r + 1] - at[r]);
		from[r] = (int)at[r];
	}
	must(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, p, len, from,
	    MPI_BYTE, MPI_COMM_WORLD));
	account(start, at[count] - at[0]);
}

/* A barrier for long waits: MPI's own keeps a processor busy. */
static void
wire_wait(void)
{
	MPI_Request all;
	int done = 0;

	must(MPI_Ibarrier(MPI_COMM_WORLD, &all));
	for (;;) {
		must(MPI_Test(&all, &done, MPI_STATUS_IGNORE));
		if (done)
			return;
		nap(0, NAP);
	}
}

static bool
wire_any(bool mine)
{
	double start = progress_clock();
	int any = mine;

	must(MPI_Allreduce(
	    MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, MPI_COMM_WORLD));
	account(start, sizeof(any));
	return any != 0;
}

static void
wire_receive(float *sum, size_t floats, size_t at, MPI_Request *r)
{
	*r = MPI_REQUEST_NULL;
	if (self > 0 && at < floats)
		must(MPI_Irecv(sum + at, (int)MIN(FOLD_PIECE, floats - at),
		    MPI_FLOAT, (int)self - 1, 0, MPI_COMM_WORLD, r));
}

/* While a rank adds to a piece, the next one is on its way to it and the last
 * one on its way to the next rank. */
static void
wire_fold(size_t n, float *sum, size_t floats, ranks_add *add, void *ctx)
{
	MPI_Request in, next, out = MPI_REQUEST_NULL;
	double start = progress_clock();

	if (self < n)
		wire_receive(sum, floats, 0, &next);
	for (size_t at = 0; self < n && at < floats; at += FOLD_PIECE) {
		size_t m = MIN(FOLD_PIECE, floats - at);

		in = next;
		wire_receive(sum, floats, at + FOLD_PIECE, &next);
		must(MPI_Wait(&in, MPI_STATUS_IGNORE));
		add(ctx, at, m, sum, self == 0);
		must(MPI_Wait(&out, MPI_STATUS_IGNORE));
		if (self + 1 < n)
			must(MPI_Isend(sum + at, (int)m, MPI_FLOAT,
			    (int)self + 1, 0, MPI_COMM_WORLD, &out));
	}
	must(MPI_Wait(&out, MPI_STATUS_IGNORE));
	account(start, floats * sizeof(*sum));
	wire_broadcast(sum, floats * sizeof(*sum), n - 1);
}

#else

int
ranks_start(struct err *e)
{
	if (!is_launched())
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "one of several ranks, but built without MPI");
}

/* There is one rank: nothing asks for any of these. */
static _Noreturn void
wire_abort(int status)
{
	exit(status);
}

static void
wire_broadcast(void *p, size_t n, size_t root)
{
	(void)p;
	(void)n;
	(void)root;
}

static void
wire_gather(void *p, const size_t *at)
{
	(void)p;
	(void)at;
}

static void
wire_wait(void)
{
}

static bool
wire_any(bool mine)
{
	return mine;
}

static void
wire_fold(size_t n, float *sum, size_t floats, ranks_add *add, void *ctx)
{
	(void)n;
	add(ctx, 0, floats, sum, true);
}

#endif
