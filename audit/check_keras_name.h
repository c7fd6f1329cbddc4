/* SPDX-License-Identifier: MIT
 * What the names in a Keras configuration resolve to: exact pairs of a module
 * and a name (audit/check_keras_object.def), nothing by prefix or part.
 */
#ifndef AUDIT_CHECK_KERAS_NAME_H
#define AUDIT_CHECK_KERAS_NAME_H

#include "base/base.h"

enum check_keras_kind {
	CHECK_KERAS_CLASS,
	CHECK_KERAS_FUNCTION,
};

enum check_keras_origin {
	CHECK_KERAS_OWN,      /* registered or exported by Keras, harmless */
	CHECK_KERAS_MATHS,    /* a function of a backend: tf.nn.relu */
	CHECK_KERAS_LIBRARY,  /* of a library of Keras layers: keras_cv */
	CHECK_KERAS_USER,     /* of somebody's own code */
	CHECK_KERAS_PACKAGE,  /* of what is commonly installed */
	CHECK_KERAS_STANDARD, /* of Python's own library */
	CHECK_KERAS_REACH,    /* Keras's, but neither a layer nor the like */
};

/* module NULL or "": looked up by its name alone, as Keras 1 and 2 do. */
enum check_keras_origin check_keras_name(
    const char *module, const char *name, enum check_keras_kind);

/* Both tables are sorted: for the test. */
bool check_keras_name_sorted(void);

#endif
