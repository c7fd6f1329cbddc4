/* SPDX-License-Identifier: MIT
 * Which layer takes what: inbound_nodes, input_layers and output_layers of a
 * functional model, or the chain of a sequential one.
 */
#ifndef FORMATS_KERAS_CALL_H
#define FORMATS_KERAS_CALL_H

#include "formats/keras_config.h"

/* m->child are parsed; `layers` is the list they came from. */
int keras_call_graph(struct keras_layer *m, const json_t *layers,
    const struct map *names, int version, struct arena *,
    struct err *) MUST_USE;
int keras_call_chain(
    struct keras_layer *m, struct arena *, struct err *) MUST_USE;

#endif
