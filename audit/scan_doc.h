/* SPDX-License-Identifier: MIT
 * scan.json (assay-scan(5)) and the summary: the head (scan_head), the cells
 * (scan_doc), parts of the arms' own, and what is printed (scan_print).
 */
#ifndef AUDIT_SCAN_DOC_H
#define AUDIT_SCAN_DOC_H

#include "audit/scan.h"

/* The name of class t, or its number in `spare`. */
const char *scan_class_name(
    const struct scan *, size_t t, char *spare, size_t size);
/* A p-value, at most 1; null for NaN. */
json_t *scan_p_json(double);
/* The document's head. */
void scan_head(json_t *doc, const struct scan *);

/*
 * The document; with dir, the perturbations are written beneath it first and
 * the document names them.
 */
int scan_doc(
    const struct scan *, const char *dir, json_t **out, struct err *) MUST_USE;
/* What a person wants to know, on stdout. */
void scan_print(const struct scan *);

const char *scan_arm_name(enum scan_arm);

#endif
