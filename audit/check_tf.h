/* SPDX-License-Identifier: MIT
 * TensorFlow's operators and what each can do (audit/check_tf_op.def).
 */
#ifndef AUDIT_CHECK_TF_H
#define AUDIT_CHECK_TF_H

#include "base/finding.h"
#include "base/rd.h"

enum check_tf_class {
	CHECK_TF_SAFE,
	CHECK_TF_SAVER, /* opens the file that its first input names */
	CHECK_TF_TABLE, /* the same, of a vocabulary */
	CHECK_TF_CACHE, /* keeps what it computes in the file that its second
			 * input names, in memory when that is empty */
	CHECK_TF_READ,
	CHECK_TF_WRITE,
	CHECK_TF_NETWORK,
	CHECK_TF_PYTHON,
	CHECK_TF_LIBRARY,
	CHECK_TF_CLOCK,
	CHECK_TF_UNKNOWN, /* TensorFlow has no such operator */
};

enum check_tf_class check_tf_op(struct slice name);
/* A function by its public name without "tf.": "math.add". */
enum check_tf_class check_tf_function(const char *name);
/* Of a class that is not SAFE. */
enum finding_id check_tf_finding(enum check_tf_class);
/* "reads any file" */
const char *check_tf_text(enum check_tf_class);

/* The table is sorted: for the test. */
bool check_tf_sorted(void);

#endif
