/* SPDX-License-Identifier: MIT
 * The architecture of a model without its weights: what assay-grow trains
 * references of.
 */
#ifndef ENGINE_REGROW_H
#define ENGINE_REGROW_H

#include "base/digest.h"
#include "formats/model.h"

struct regrow {
	size_t norms;      /* batch-norms that were put in */
	uint64_t weights;  /* numbers that training will set */
	uint64_t kept;     /* numbers of the model's own that stay constants */
	bool layer_norm;   /* wants an adaptive optimiser */
	struct digest key; /* equal for models of one architecture */
};

/*
 * *out is the graph of *m with every weight (engine/role.h) and running
 * statistic zero, for train_reset to fill; half floats become f32.  Nodes and
 * tensors get names by their place, tensors that nothing uses go: two models
 * that differ in weights and names alone give the same bytes.  What stays of
 * the model's numbers is no weight: shapes, masks, the normalisation of the
 * image, single numbers of arithmetic.
 *
 * Exporters fold batch-norms into the convolutions before them, and a deep
 * network without does not train.  A BatchNormalization takes the place of
 * the bias of a convolution that has one and no norm behind it; of a
 * convolution without bias, too, when the graph has no norm at all; and then
 * of hidden Gemms before an activation.  Not of the layer that makes the
 * logits, nor behind global pooling (squeeze and excitation).  In a graph
 * with layer, group or instance norm only where an activation follows.
 *
 * `m` must outlive `out`, which lives in the arena.  ERR_UNSUPPORTED when a
 * layer's weights are computed from numbers that cannot be told from
 * constants, or when there are none.
 */
int regrow_model(const struct model *m, struct arena *, struct model *out,
    struct regrow *, struct err *) MUST_USE;

/* A digest of all that a model says: graph, shapes, numbers; not where it came
 * from. */
void regrow_key(const struct model *, struct digest *);

#endif
