/* SPDX-License-Identifier: MIT
 * The probes of formats/identify.def that live in files of their own.  Each
 * returns bits of evidence, 0 when the bytes are not of its format.
 */
#ifndef FORMATS_IDENTIFY_PROBE_H
#define FORMATS_IDENTIFY_PROBE_H

#include "base/rd.h"

unsigned identify_archive_compress(struct rd);
unsigned identify_archive_cpio(struct rd);
unsigned identify_archive_iso9660(struct rd);
unsigned identify_archive_lha(struct rd);
unsigned identify_archive_lzma(struct rd);
unsigned identify_archive_zlib(struct rd);

unsigned identify_zip(struct rd);
unsigned identify_zip_torch(struct rd);
unsigned identify_zip_keras(struct rd);
unsigned identify_zip_npz(struct rd);

unsigned identify_code_batch(struct rd);
unsigned identify_code_class(struct rd);
unsigned identify_code_dex(struct rd);
unsigned identify_code_lnk(struct rd);
unsigned identify_code_pyc(struct rd);

unsigned identify_pickle(struct rd);

unsigned identify_other_savedmodel(struct rd);
unsigned identify_other_tf_graph(struct rd);
unsigned identify_other_tf_meta(struct rd);
unsigned identify_other_pmml(struct rd);
unsigned identify_other_xgboost(struct rd);
unsigned identify_other_lightgbm(struct rd);
unsigned identify_other_joblib(struct rd);
unsigned identify_other_sklearn(struct rd);

unsigned identify_text(struct rd);
unsigned identify_text_json(struct rd);
unsigned identify_text_python(struct rd);
unsigned identify_text_script(struct rd);

#endif
