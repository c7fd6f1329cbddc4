/* SPDX-License-Identifier: MIT
 * CIFAR-10 and CIFAR-100 as their authors hand them out: binary files of
 * records (a label byte, or coarse and fine, then 3072 bytes of planes), and
 * Python pickles of dictionaries with "data" (an array of N x 3072 bytes) and
 * "labels" or "fine_labels".  Of a folder the test batch is read.
 */
#ifndef FORMATS_CIFAR_H
#define FORMATS_CIFAR_H

#include "base/rd.h"
#include "formats/dataset.h"

bool cifar_folder_probe(int folder);
int cifar_folder(int folder, struct dataset *, struct err *) MUST_USE;

/* One binary file, by its name and size, or one pickle of the names that its
 * authors gave them ("data_batch_1", "train"). */
bool cifar_probe(const char *path, struct rd);
int cifar_parse(
    const char *path, struct rd, struct dataset *, struct err *) MUST_USE;

#endif
