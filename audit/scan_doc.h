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
/* The document's inputs; its head, these among it. */
void scan_inputs(json_t *doc, const struct scan *);
void scan_head(json_t *doc, const struct scan *);
/* Class t's row of geometry g: what was measured, without statistics; its
 * perturbation is written beneath dir (NULL: not). */
int scan_measured(const struct scan *, size_t g, size_t t, const char *dir,
    json_t **out, struct err *) MUST_USE;

/* "examples": with dir, and where there are targets, a few images go there. */
int scan_examples(
    const struct scan *, const char *dir, json_t *doc, struct err *) MUST_USE;

/*
 * The document; with dir, the perturbations are written beneath it first and
 * the document names them.
 */
int scan_doc(
    const struct scan *, const char *dir, json_t **out, struct err *) MUST_USE;
/* What a person wants to know, on stdout. */
void scan_print(const struct scan *, const json_t *doc);

const char *scan_arm_name(enum scan_arm);

/* An earlier scan.json to be repeated for one class (scan_replay): its
 * settings, before scan_open(); then `*same` says whether every geometry has
 * the same numbers and perturbation, a line on stdout for each. */
int scan_replay_open(struct scan *, const char *path, struct err *) MUST_USE;
int scan_replay(
    struct scan *, uint64_t class, bool *same, struct err *) MUST_USE;

/*
 * The scan.json of the model before it was purified, to be released even on
 * failure; and member "before" of the document: what became of its targets.
 */
int scan_before_open(const char *path, json_t **out, struct err *) MUST_USE;
void scan_before(json_t *doc, const json_t *before);

#endif
