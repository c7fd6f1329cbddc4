/* SPDX-License-Identifier: MIT
 * Neural networks of CoreML that its validator refuses (coremltools,
 * mlmodel/src/Validation/NeuralNetwork).
 */
#ifndef AUDIT_CHECK_COREML_NET_H
#define AUDIT_CHECK_COREML_NET_H

#include "audit/check.h"

/*
 * A Model and its NeuralNetwork: what layers take is made before or is an
 * input, layers have names of their own, sizes are not negative, and inner products and convolutions have as many weights as they say.  The
 * first that is not so is a FINDING_MODEL_INVALID.
 */
void check_coreml_net(
    const struct check_file *, struct rd model, struct rd network);

#endif
