/* SPDX-License-Identifier: MIT
 * A folder of class folders, root/<class>/<image>: classes are numbered in
 * byte order of their names, images lie in byte order within their class.
 * Every file in a class folder must be an image, all of one size and number
 * of channels; names that start with a dot and files beside the class folders
 * are passed over.
 */
#ifndef FORMATS_IMAGEDIR_H
#define FORMATS_IMAGEDIR_H

#include "formats/dataset.h"

/* Fills d, whose arena is initialised.  root is a directory descriptor. */
int imagedir_parse(int root, struct dataset *, struct err *) MUST_USE;

#endif
