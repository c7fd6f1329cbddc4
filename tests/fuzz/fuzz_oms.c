/* SPDX-License-Identifier: MIT
 * What a supplier's model.sig signs is refused, or it lists every file of the
 * bundle but for itself and what git left there, each with its digest.
 */
#include "tests/fuzz/fuzz.h"

#include "report/oms.h"

/* SHA-256 of "a\n", "b\n" and so on. */
/* clang-format off */
static const char bundle[] =
    "[{\"path\":\".gitattributes\",\"sha256\":\"87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7\"},"
    "{\"path\":\"README.md\",\"sha256\":\"0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f\"},"
    "{\"path\":\"docs/x.txt\",\"sha256\":\"a3a5e715f0cc574a73c3f9bebb6bc24f32ffd5b67b387244c2c909da779a1478\"},"
    "{\"path\":\"model.onnx\",\"sha256\":\"8d74beec1be996322ad76813bafb92d40839895d6dd7ee808b17ca201eac98be\"},"
    "{\"path\":\"model.sig\",\"sha256\":\"a2bbdb2de53523b8099b37013f251546f3d65dbe7a0774fa41af0a4176992fd4\"}]";
/* clang-format on */

static bool
listed(const json_t *resources, const struct subject_file *f)
{
	char hex[DIGEST_HEX];
	const json_t *one;
	size_t i;

	digest_hex(&f->digest, hex);
	json_array_foreach((json_t *)(uintptr_t)resources, i, one)
	{
		if (strcmp(json_text_at(one, "name"), f->path) == 0 &&
		    strcmp(json_text_at(one, "digest"), hex) == 0)
			return true;
	}
	return false;
}

static void
check(const uint8_t *data, size_t len, const struct subject *files)
{
	struct err e = {0};
	json_t *s;

	PROPERTY(json_read(data, len, &s, &e) == 0);
	for (size_t i = 1; i + 1 < files->n; i++)
		PROPERTY(
		    listed(json_at(s, "predicate.resources"), &files->file[i]));
	json_decref(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct subject files;
	struct err e = {0};
	json_t *list;
	int rc;

	PROPERTY(json_read(bundle, strlen(bundle), &list, &e) == 0);
	PROPERTY(subject_list(&files, list, "path", "sha256", &e) == 0);
	rc = oms_check(data, len, &files, "model.sig", &e);
	if (rc == 0)
		check(data, len, &files);
	else
		PROPERTY(rc == ERR_FORMAT || rc == ERR_UNSUPPORTED ||
			 rc == ERR_LIMIT);
	subject_release(&files);
	json_decref(list);
	return 0;
}
