/* SPDX-License-Identifier: MIT
 * The architecture of a model that was loaded, for check_model, and what is
 * said of any.
 */
#ifndef AUDIT_CHECK_ARCH_H
#define AUDIT_CHECK_ARCH_H

#include "audit/check.h"
#include "audit/check_arch_flow.h"
#include "formats/conf.h"
#include "formats/model.h"

#include <jansson.h>

void check_arch_model(const struct check_file *, const struct model *);
/*
 * Gates of a Keras model by its configuration alone: check_arch_model() sees more,
 * where the loader knows all of its classes.
 */
void check_arch_configuration(const struct check_file *, const json_t *);
/* Gates of a program of torch.export or PIR, or of a graph model of
 * TensorFlow.js. */
void check_arch_program(const struct check_file *, const struct conf_doc *);
/* Gates of a CoreML model's NeuralNetwork, or of its Program. */
void check_arch_network(const struct check_file *, struct rd description,
    struct rd network, bool program);
/* A node of a graph that was followed is suspicious; `in` as it was judged. */
void check_arch_say(const struct check_file *, const struct check_arch_flow *,
    const struct check_arch_node *, enum check_arch_suspicion, size_t in);

#endif
