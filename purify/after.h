/* SPDX-License-Identifier: MIT
 * What is measured when a model has been purified: harm on clean images
 * (purify/harm.h) and whether the backdoor can be woken
 * (purify/reactivate.h).
 */
#ifndef PURIFY_AFTER_H
#define PURIFY_AFTER_H

#include "purify/harm.h"
#include "purify/reactivate.h"
#include "purify/rounds.h"

struct after {
	struct arena arena;
	struct fetched_data eval; /* of --eval-data */
	struct trigger trigger;   /* of --trigger */
	struct file_map trigger_map;
	struct digest trigger_digest;
	json_t *scan; /* of --scan or --guide */
	bool has_eval, has_trigger;
	struct harm held, on_eval;
	struct reactivate reactivate;
	bool has_reactivate;
	char failed[256]; /* why the re-activation checks were not done */
};

/* Read what the options name, before the work: a wrong one is no reason to
 * lose it.  p->cfg is set. */
int after_open(
    struct after *, const struct purification *, struct err *) MUST_USE;
/* That model, data and trigger fit; after rounds_open(). */
int after_check(
    struct after *, const struct purification *, struct err *) MUST_USE;
/* p->h is the purified model.  Where the re-activation checks cannot be done,
 * a->failed says why, and that is no error. */
int after_run(struct after *, struct purification *, struct err *) MUST_USE;
/* Members "harm" and "reactivation", and the inputs. */
void after_put(const struct after *, const struct purification *, json_t *doc);
/* A few lines for people. */
void after_print(const struct after *, const struct purification *);
void after_release(struct after *);

#endif
