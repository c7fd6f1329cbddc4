/* SPDX-License-Identifier: MIT
 * A folder of images:
 *
 *   root/<class>/<image>        class folders (torchvision's ImageFolder,
 *                               BackdoorBench's bd_test_dataset, GTSRB)
 *   root/{test,val,train}/...   the first of these that has labels
 *   root/<image> and a table    GTSRB's GT-*.csv (Filename, ClassId), Tiny
 *                               ImageNet's val_annotations.txt
 *
 * Images lie in byte order within their class, or in that of the table.
 * Names that start with a dot, files beside the class folders and files in
 * them whose names are not those of images are passed over.
 */
#ifndef FORMATS_IMAGEDIR_H
#define FORMATS_IMAGEDIR_H

#include "formats/fit.h"

/* Fills d, whose arena is initialised.  root is a directory descriptor. */
int imagedir_parse(int root, const struct fit_shape *, struct dataset *,
    struct err *) MUST_USE;

#endif
