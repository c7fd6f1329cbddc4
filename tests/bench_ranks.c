/* SPDX-License-Identifier: MIT
 * What an exchange between ranks costs (engine/MPI.md):
 *
 *     mpirun -n 2 build/release/tests/bench_ranks
 *
 * prints, as JSON, seconds of each kind of exchange by bytes: the least of
 * many, since what disturbs only adds.
 */
#include "base/json.h"
#include "base/progress.h"
#include "base/ranks.h"
#include "base/tool.h"

#define TIMES 15

static float *data;

static void
add(void *ctx, size_t at, size_t m, float *sum, bool first)
{
	(void)ctx;
	for (size_t i = at; i < at + m; i++)
		sum[i] = first ? data[i] : sum[i] + data[i];
}

enum kind {
	ANY,
	GATHER,
	FOLD,
	KINDS
};

static double
seconds(enum kind kind, size_t bytes, float *room)
{
	double least = 1e9, start;

	for (size_t i = 0; i < TIMES; i++) {
		ranks_any(false); /* all begin together */
		start = progress_clock();
		if (kind == ANY)
			ranks_any(false);
		else if (kind == GATHER)
			ranks_gather_shares(room, bytes, 1);
		else
			ranks_fold(ranks_count(), room, bytes / sizeof(*room),
			    add, NULL);
		start = progress_clock() - start;
		least = start < least ? start : least;
	}
	return least;
}

int
main(void)
{
	static const char *const name[KINDS] = {"any", "gather", "fold"};
	static const size_t sizes[] = {
	    1 << 10, 1 << 16, 1 << 20, 1 << 23, (size_t)44 << 20};
	json_t *doc = json_object();
	struct buf a = {0}, b = {0};
	struct err e = {0};

	if (ranks_start(&e) != 0)
		return tool_fail(&e);
	buf_zeros(&a, (size_t)44 << 20);
	buf_zeros(&b, (size_t)44 << 20);
	data = (float *)(void *)a.ptr;
	json_put(doc, "ranks", json_integer((json_int_t)ranks_count()));
	for (enum kind kind = 0; kind < KINDS; kind++) {
		json_t *list = json_array();

		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			json_t *row = json_array();

			json_add(row, json_integer((json_int_t)sizes[i]));
			json_add(row, json_number(seconds(kind, sizes[i],
					  (float *)(void *)b.ptr)));
			json_add(list, row);
			if (kind == ANY)
				break;
		}
		json_put(doc, name[kind], list);
	}
	json_print(doc);
	json_decref(doc);
	buf_free(&a);
	buf_free(&b);
	return tool_end(TOOL_PASSED);
}
