/* SPDX-License-Identifier: MIT */
#include "report/oms.h"

#define OMS_TYPE      "https://in-toto.io/Statement/v1"
#define OMS_PREDICATE "https://model_signing/signature/v1.0"

static json_t *
resources(const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		json_t *one = json_object();
		char hex[DIGEST_HEX];

		digest_hex(&s->file[i].digest, hex);
		json_put(one, "name", json_text(s->file[i].path));
		json_put(one, "digest", json_text(hex));
		json_put(one, "algorithm", json_text("sha256"));
		json_add(list, one);
	}
	return list;
}

/* What specification section 5.2 calls files: each whole, no link followed,
 * nothing left out. */
static json_t *
serialization(void)
{
	json_t *j = json_object();

	json_put(j, "method", json_text("files"));
	json_put(j, "hash_type", json_text("sha256"));
	json_put(j, "allow_symlinks", json_false());
	json_put(j, "ignore_paths", json_array());
	return j;
}

int
oms_statement(
    const struct subject *s, const char *name, struct buf *out, struct err *e)
{
	json_t *j = json_object(), *subject = json_object();
	json_t *digest = json_object(), *all = json_array();
	json_t *predicate = json_object();
	char hex[DIGEST_HEX];
	int rc;

	digest_hex(&s->root, hex);
	json_put(digest, "sha256", json_text(hex));
	json_put(subject, "name", json_text(name));
	json_put(subject, "digest", digest);
	json_add(all, subject);
	json_put(predicate, "resources", resources(s));
	json_put(predicate, "serialization", serialization());
	json_put(j, "_type", json_text(OMS_TYPE));
	json_put(j, "subject", all);
	json_put(j, "predicateType", json_text(OMS_PREDICATE));
	json_put(j, "predicate", predicate);
	rc = json_canonical(j, out, e);
	json_decref(j);
	return rc;
}
