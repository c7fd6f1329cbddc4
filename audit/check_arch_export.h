/* SPDX-License-Identifier: MIT
 * The graph of a program of torch.export, in ONNX's words, for check_arch.
 */
#ifndef AUDIT_CHECK_ARCH_EXPORT_H
#define AUDIT_CHECK_ARCH_EXPORT_H

#include "formats/conf.h"
#include "formats/onnx_file.h"

/*
 * False when the document is no ExportedProgram (torch/_export/serde/schema.py, of
 * schema 3 to 8).  Weights are elsewhere; of constants only the sizes are there, and
 * numbers among arguments.  Graphs of branches (cond, while_loop) are left out.
 * ERR_LIMIT in *e: too large.
 */
bool check_arch_export(
    const struct conf_doc *, struct arena *, struct onnx_file *, struct err *);

#endif
