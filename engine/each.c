/* SPDX-License-Identifier: MIT */
#include "engine/each.h"

#include "base/progress.h"
#include "base/ranks.h"

int
each(size_t n, const char *label, int (*work)(void *, size_t, struct err *),
    void *ctx, const struct each_result *out, struct err *e)
{
	struct ranks_share own = ranks_share(n);
	size_t done = 0;
	struct progress bar;
	int worst = 0;

	progress_begin(&bar, label, own.to - own.from);
#pragma omp parallel for schedule(dynamic, 1)
	for (size_t i = own.from; i < own.to; i++) {
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
	if ((worst = ranks_agree(worst, e)) == 0)
		ranks_gather_shares(out->ptr, n, out->size);
	return worst;
}
