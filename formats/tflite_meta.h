/* SPDX-License-Identifier: MIT
 * What the metadata of a TensorFlow Lite file says of its image: a flatbuffer
 * of its own (tflite-support, metadata_schema.fbs 1.1) in a buffer.
 */
#ifndef FORMATS_TFLITE_META_H
#define FORMATS_TFLITE_META_H

#include "base/rd.h"
#include "formats/preprocess.h"

/*
 * Mean and standard deviation of the only input, for pixels in [0,1] (the
 * file has them for 0 to 255), and the name of the file that names the
 * classes of the only output; nothing is set where it says none.  Metadata
 * that is damaged is ERR_FORMAT.
 */
int tflite_meta_read(struct rd, struct preprocess *, struct slice *labels,
    struct err *) MUST_USE;

#endif
