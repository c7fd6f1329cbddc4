/* SPDX-License-Identifier: MIT
 * Shares, and what goes between ranks: with one rank as it stands, with
 * several when tests/cli/mpi.t starts it by mpirun.
 */
#include "tests/test.h"

#include "base/file.h"
#include "base/ranks.h"

#include <unistd.h>

#define N     1000003 /* numbers: several pieces of a sum, the last a smaller one */
#define LANES 8

/* --- shares -------------------------------------------------------------- */

static void
every_piece_once(void **state)
{
	(void)state;
	for (size_t n = 0; n < 40; n++) {
		size_t next = 0;
		bool over = false; /* ranks without any come last */

		for (size_t r = 0; r < ranks_count(); r++) {
			struct ranks_share s = ranks_share_of(n, r);

			assert_int_equal(s.from, next);
			assert_true(s.to >= s.from);
			assert_false(over && s.to != s.from);
			over = s.to == s.from;
			next = s.to;
		}
		assert_int_equal(next, n);
	}
}

/* --- exchanges ----------------------------------------------------------- */

static uint32_t
number(size_t i)
{
	return (uint32_t)i * 2654435761U;
}

static void
gathers_shares(void **state)
{
	static uint32_t v[N];
	struct ranks_share own;

	(void)state;
	for (size_t n = 1; n <= N; n = n * 10 + n % 7) {
		own = ranks_share(n);
		memset(v, 0xff, sizeof(v));
		for (size_t i = own.from; i < own.to; i++)
			v[i] = number(i);
		ranks_gather_shares(v, n, sizeof(*v));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(v[i], number(i));
		assert_int_equal(v[N - 1], n == N ? number(N - 1) : UINT32_MAX);
	}
}

/* More than goes in one message. */
static void
gathers_much(void **state)
{
	size_t n = (size_t)70 << 20;
	struct buf b = {0};
	struct ranks_share own = ranks_share(n);

	(void)state;
	buf_zeros(&b, n);
	for (size_t i = own.from; i < own.to; i++)
		b.ptr[i] = (uint8_t)(i % 251);
	ranks_gather_shares(b.ptr, n, 1);
	for (size_t i = 0; i < n; i++)
		if (b.ptr[i] != i % 251)
			fail_msg("byte %zu is %d", i, b.ptr[i]);
	buf_free(&b);
}

/* Each rank has a text of another length, some have none. */
static void
collects(void **state)
{
	struct buf mine = {0}, all = {0}, want = {0};
	struct ranks_share own = ranks_share(ranks_count());

	(void)state;
	buf_puts(&all, "before ");
	buf_puts(&want, "before ");
	for (size_t r = 0; r < ranks_count(); r++)
		for (size_t k = 0; k < r % 3; k++) {
			buf_printf(&want, "%zu.%zu ", r, k);
			if (r == own.from)
				buf_printf(&mine, "%zu.%zu ", r, k);
		}
	ranks_collect(&mine, &all);
	assert_string_equal(buf_str(&all), buf_str(&want));
	buf_free(&mine);
	buf_free(&all);
	buf_free(&want);
}

static void
broadcasts_a_file(void **state)
{
	struct file_map m = {0};
	struct err e = {0}, theirs = {0};
	int fd, rc = 0;

	(void)state;
	if (ranks_first()) {
		assert_true((fd = file_temp(&e)) >= 0);
		assert_int_equal(write(fd, "0123456789", 10), 10);
		rc = file_map_fd(fd, "ten", 100, &m, &e);
		close(fd);
	}
	assert_ok(ranks_map(&m, rc, &e), &e);
	assert_int_equal(m.len, 10);
	assert_memory_equal(m.ptr, "0123456789", 10);
	file_unmap(&m);
	/* an error is everybody's */
	assert_int_equal(
	    ranks_map_file("/nowhere/at/all", 100, &m, &theirs), ERR_SYSTEM);
	assert_non_null(strstr(theirs.path, "/nowhere/at/all"));
	assert_null(m.ptr);
}

static void
any_rank_counts(void **state)
{
	struct ranks_share own = ranks_share(ranks_count());

	(void)state;
	assert_false(ranks_any(false));
	for (size_t r = 0; r < ranks_count(); r++)
		assert_true(ranks_any(own.from == r));
}

/* A share that failed is everybody's failure, the first of several. */
static void
agree_on_an_error(void **state)
{
	struct ranks_share own = ranks_share(ranks_count());

	(void)state;
	for (size_t r = 0; r <= ranks_count(); r++) {
		struct err e = {0};
		char want[32];
		int rc = 0;

		if (own.from >= r)
			rc = err_set(
			    &e, ERR_LIMIT, own.from, "rank %zu", own.from);
		snprintf(want, sizeof(want), "rank %zu", r);
		if (r == ranks_count()) {
			assert_ok(ranks_agree(rc, &e), &e);
			continue;
		}
		assert_int_equal(ranks_agree(rc, &e), ERR_LIMIT);
		assert_string_equal(e.msg, want);
		assert_int_equal(e.off, r);
	}
}

static void
tells_who_differs(void **state)
{
	struct ranks_share own = ranks_share(ranks_count());
	struct digest d;
	struct err e = {0};

	(void)state;
	digest_mem("one", 3, &d);
	assert_ok(ranks_same(&d, "bytes", &e), &e);
	if (ranks_count() == 1)
		return;
	if (own.from == 1)
		d.byte[31] ^= 1;
	assert_int_equal(ranks_same(&d, "bytes", &e), ERR_FORMAT);
	assert_string_equal(e.msg, "rank 1 has not the bytes of rank 0");
}

/* --- sums ---------------------------------------------------------------- */

/* Of such sizes that another order of additions gives another sum. */
static float
lane_value(size_t lane, size_t i)
{
	return (float)(number(i * LANES + lane) >> 8) /
	       (float)(1 << (3 * lane));
}

static void
add(void *ctx, size_t at, size_t m, float *sum, bool first)
{
	const struct ranks_share *lanes = ctx;

	for (size_t lane = lanes->from; lane < lanes->to; lane++)
		for (size_t i = at; i < at + m; i++)
			sum[i] = first && lane == lanes->from
				     ? lane_value(lane, i)
				     : sum[i] + lane_value(lane, i);
}

static void
sums_in_the_order_of_lanes(void **state)
{
	static float sum[N];
	struct ranks_share lanes = ranks_share(LANES);
	size_t other = 0;

	(void)state;
	ranks_fold(MIN(LANES, ranks_count()), sum, N, add, &lanes);
	for (size_t i = 0; i < N; i++) {
		float want = 0.0f, back = 0.0f;

		for (size_t lane = 0; lane < LANES; lane++) {
			want += lane_value(lane, i);
			back += lane_value(LANES - 1 - lane, i);
		}
		if (memcmp(&sum[i], &want, sizeof(want)) != 0)
			fail_msg("sum %zu is %.9g, not %.9g", i, (double)sum[i],
			    (double)want);
		other += memcmp(&back, &want, sizeof(want)) != 0;
	}
	/* the order matters here */
	assert_true(other > N / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_piece_once),
	    cmocka_unit_test(gathers_shares),
	    cmocka_unit_test(gathers_much),
	    cmocka_unit_test(collects),
	    cmocka_unit_test(broadcasts_a_file),
	    cmocka_unit_test(any_rank_counts),
	    cmocka_unit_test(agree_on_an_error),
	    cmocka_unit_test(tells_who_differs),
	    cmocka_unit_test(sums_in_the_order_of_lanes),
	};
	struct err e = {0};

	if (ranks_start(&e) != 0)
		return 1;
	return cmocka_run_group_tests_name("ranks", tests, NULL, NULL);
}
