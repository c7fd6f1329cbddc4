/* SPDX-License-Identifier: MIT
 * Activations of Keras, as layers and inside of layers.
 */
#ifndef FORMATS_KERAS_ACTIVATION_H
#define FORMATS_KERAS_ACTIVATION_H

#include "formats/keras_class.h"

/* The member "activation" of the layer's configuration, applied to *x. */
void keras_activation_fused(
    struct keras *, struct keras_layer *, struct keras_value *x);

#endif
