/* SPDX-License-Identifier: MIT */
#include "engine/each.h"

#include "base/progress.h"

int
each(size_t n, const char *label, int (*work)(void *, size_t, struct err *),
    void *ctx, struct err *e)
{
	size_t done = 0;
	struct progress bar;
	int worst = 0;

	progress_begin(&bar, label, n);
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t i = 0; i < n; i++) {
		struct err mine = {0};
		int rc = work(ctx, i, &mine);

#pragma omp critical
		{
			if (rc != 0 && worst == 0) {
				worst = rc;
				*e = mine;
			}
			progress_step(&bar, ++done, NULL);
		}
	}
	progress_end(&bar);
	return worst;
}
