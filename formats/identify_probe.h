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
unsigned identify_zip_export(struct rd);
unsigned identify_zip_package(struct rd);

unsigned identify_code_batch(struct rd);
unsigned identify_code_class(struct rd);
unsigned identify_code_dex(struct rd);
unsigned identify_code_lnk(struct rd);
unsigned identify_code_pyc(struct rd);

unsigned identify_document_arrow(struct rd);
unsigned identify_document_autorun(struct rd);
unsigned identify_document_desktop(struct rd);
unsigned identify_document_java(struct rd);
unsigned identify_document_ole2(struct rd);
unsigned identify_document_pdf(struct rd);
unsigned identify_document_reg(struct rd);
unsigned identify_document_wide(struct rd);

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
unsigned identify_text_torchscript(struct rd);

unsigned identify_model_r(struct rd);
unsigned identify_model_julia(struct rd);
unsigned identify_model_bson(struct rd);
unsigned identify_model_torch7(struct rd);
unsigned identify_model_mxnet(struct rd);
unsigned identify_model_catboost(struct rd);
unsigned identify_model_cntk(struct rd);
unsigned identify_model_executorch(struct rd);
unsigned identify_model_tensorrt(struct rd);
unsigned identify_model_rknn(struct rd);
unsigned identify_model_ncnn(struct rd);
unsigned identify_model_flax(struct rd);
unsigned identify_model_coreml(struct rd);
unsigned identify_model_paddle(struct rd);
unsigned identify_model_lua(struct rd);
unsigned identify_model_ape(struct rd);

#endif
