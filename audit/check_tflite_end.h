/* SPDX-License-Identifier: MIT
 * Where a TensorFlow Lite model ends.
 */
#ifndef AUDIT_CHECK_TFLITE_END_H
#define AUDIT_CHECK_TFLITE_END_H

#include "audit/check.h"

/*
 * Bytes behind all tables, vectors, texts and buffers of the model are looked
 * at where something begins there that would be loaded or run.  What a table
 * of options refers to is not followed, so other bytes say nothing.
 */
void check_tflite_end(const struct check_file *);

#endif
