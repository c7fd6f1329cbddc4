/* SPDX-License-Identifier: MIT
 * The re-activation checks as a table.
 */
#include "purify/reactivate.h"

#include "base/text.h"

static void
put(const struct measure_count *c, bool there)
{
	if (!there || c->n == 0)
		printf(" %9s", "-");
	else
		printf(" %9.3f", (double)c->hit / (double)c->n);
}

static void
row(const struct reactivate_trigger *t)
{
	char safe[256], class[16] = "several";

	text_escape(t->name, strlen(t->name), safe, sizeof(safe));
	if (t->target >= 0)
		snprintf(class, sizeof(class), "%d", t->target);
	printf("%-5s %-10.10s %7s %6" PRIu64, t->given ? "file" : "scan", safe,
	    class, t->original.n);
	put(&t->original, true);
	put(&t->purified, true);
	put(&t->perturbed, true);
	put(&t->perturbation, true);
	put(&t->tuned, t->has_tuned);
	put(&t->yardstick.tuned, t->has_yardstick);
	put(&t->clean, t->has_clean);
	printf("\n");
}

void
reactivate_print(const struct reactivate *r)
{
	if (r->n == 0)
		return;
	printf("re-activation: share of n images that reach the target class; "
	       "assay-purify(1) explains the columns\n");
	printf("%-5s %-10s %7s %6s %9s %9s %9s %9s %9s %9s %9s\n", "from",
	    "trigger", "target", "n", "original", "purified", "+change",
	    "change", "retuned", "yardstick", "clean");
	for (size_t i = 0; i < r->n; i++)
		row(&r->trigger[i]);
}
