/* SPDX-License-Identifier: MIT
 * The calls of a Keras model, in order, drawn as a graph.
 */
#ifndef FORMATS_KERAS_GRAPH_H
#define FORMATS_KERAS_GRAPH_H

#include "formats/keras_draw.h"

/*
 * Draw the whole model, whose weights are bound, into k->d.m: image, pixels,
 * layers, logits, and the note.  k->d.rc has the first failure.
 */
void keras_graph_draw(struct keras *);

#endif
