/* SPDX-License-Identifier: MIT
 * Names of classes in a TensorFlow Lite file: a text, one name a line, in a
 * zip that tflite-support appends to the file.
 */
#ifndef FORMATS_TFLITE_LABEL_H
#define FORMATS_TFLITE_LABEL_H

#include "base/arena.h"
#include "base/rd.h"

/*
 * The names in member `member` of the appended zip, n of them.  NULL when
 * there is no such member, it is compressed, or it has another number of
 * lines or bytes that are no text.
 */
const char **tflite_label_read(
    struct rd file, struct slice member, size_t n, struct arena *);

#endif
