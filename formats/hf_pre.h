/* SPDX-License-Identifier: MIT
 * What repositories of models say of the images that they take:
 * preprocessor_config.json of transformers, in every form that its versions
 * have written, and pretrained_cfg of timm.
 */
#ifndef FORMATS_HF_PRE_H
#define FORMATS_HF_PRE_H

#include "formats/preprocess.h"

/*
 * A preprocessor_config.json.  What it leaves out has the defaults of the
 * image processor that it names, where that is known.  Errors name the field;
 * ERR_UNSUPPORTED: a step that cannot be expressed, or means different things
 * in different versions.
 */
int hf_pre_processor(
    const json_t *, struct preprocess *, struct err *) MUST_USE;

/* timm: pretrained_cfg, or a configuration that has its fields. */
int hf_pre_timm(const json_t *, struct preprocess *, struct err *) MUST_USE;

#endif
