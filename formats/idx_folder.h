/* SPDX-License-Identifier: MIT
 * A folder of IDX files by the names of MNIST and its like, as they come or as
 * torchvision.datasets keeps them ("MNIST/raw").
 */
#ifndef FORMATS_IDX_FOLDER_H
#define FORMATS_IDX_FOLDER_H

#include "formats/dataset.h"

bool idx_folder_probe(int folder);
/* The test images, else the training images; d is empty with its arena
 * initialised.  Errors name the file within the folder. */
int idx_folder(int folder, struct dataset *d, struct err *) MUST_USE;

#endif
