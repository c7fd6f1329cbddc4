/* SPDX-License-Identifier: MIT
 * Which ids of MITRE ATLAS, OWASP, NIST and CWE a finding has.  The mapping is
 * a dated file (audit/taxonomy.json), because those lists are numbered anew
 * every year; nothing of it is compiled in.
 *
 * The file: "editions" (the lists), "ids" (of one edition each), "classes"
 * (names for several ids), "findings": a finding's id, or a prefix of some
 * ("ZIP_*"), or "*", to classes and ids.  The longest key that fits counts.
 */
#ifndef BASE_TAXONOMY_H
#define BASE_TAXONOMY_H

#include "base/digest.h"
#include "base/json.h"

struct taxonomy {
	json_t *doc;
	char sha256[DIGEST_HEX]; /* of the file */
};

/* Strictly: an id, class or edition that is not there is ERR_FORMAT. */
int taxonomy_read(struct taxonomy *, const char *path, struct err *) MUST_USE;
int taxonomy_parse(
    struct taxonomy *, const void *, size_t len, struct err *) MUST_USE;
void taxonomy_release(struct taxonomy *);

/* The key of "findings" that counts for a finding; NULL: none does. */
const char *taxonomy_key(const struct taxonomy *, const char *finding);
/* Its ids, each once, in the file's order; a new array, maybe empty. */
json_t *taxonomy_of(const struct taxonomy *, const char *finding);
/* What the file says of an id, {"of","name","supersededBy"?}, or NULL. */
const json_t *taxonomy_id(const struct taxonomy *, const char *id);
/* The edition of that key, {"name","organization","version","uri"}. */
const json_t *taxonomy_edition(const struct taxonomy *, const char *key);

/* {"date","sha256","editions":{key: version}}, for documents; a new reference.
 */
json_t *taxonomy_json(const struct taxonomy *);

#endif
