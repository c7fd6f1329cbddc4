/* SPDX-License-Identifier: MIT
 * The parts of assay-grow: architecture, images and how to train (grow_open),
 * the references (grow_train), the document and what it lets us keep of an
 * earlier run (grow_doc).
 */
#ifndef AUDIT_GROW_H
#define AUDIT_GROW_H

#include "base/doc.h"
#include "engine/augment.h"
#include "engine/measure.h"
#include "engine/regrow.h"
#include "engine/train.h"
#include "formats/fetch.h"

#define GROW_MAX 64

struct grow_options {
	const char *model, *data, *classes, *preprocess, *arch, *augment, *out;
	uint64_t count, seed, epochs, batch;
	double rate; /* 0: the default of the optimiser */
};

struct grow_reference {
	char file[64]; /* beneath the output */
	struct digest digest;
	uint64_t size;
	struct measure_count held; /* on the held-out images */
	double rate;               /* that it trained at */
	double seconds;
	bool ready;  /* its file is there */
	bool reused; /* from an earlier run */
};

struct grow {
	struct grow_options opt;
	struct arena arena;
	struct fetched_model file; /* the suspect */
	struct fetched_data data;
	struct model model; /* its architecture */
	struct regrow note;
	struct net net;
	struct dataset train, held; /* in the arena, in the order of digests */
	struct train_config how;
	struct augment augment;
	double chance; /* share of the most frequent held-out class */
	struct grow_reference ref[GROW_MAX];
	int64_t started;
	double seconds;
};

int grow_open(struct grow *, struct err *) MUST_USE;
void grow_release(struct grow *);

/* Train, measure and write reference i; not ready when it learnt nothing. */
int grow_train(struct grow *, size_t i, struct err *) MUST_USE;
/* Whether k of n held-out images are clearly more than chance. */
bool grow_better(const struct grow *, const struct measure_count *);

/* A new reference. */
json_t *grow_doc(const struct grow *);
/*
 * Mark as ready what an earlier run with the same architecture, images,
 * options and seed has left in the output.  ERR_USAGE when there is a
 * document of another run.
 */
int grow_resume(struct grow *, struct err *) MUST_USE;

#endif
