/* SPDX-License-Identifier: MIT */
#include "audit/recovered.h"

#include "base/doc.h"
#include "base/file.h"

int
recovered_trigger(const char *dir, char *path, size_t size, struct err *e)
{
	const json_t *geometries, *target, *row;
	json_t *doc, *one;
	size_t i, class;
	int rc;

	if ((rc = file_join(path, size, dir, "scan.json", e)) != 0 ||
	    (rc = doc_read(path, "assay-scan/1", &doc, e)) != 0)
		return rc;
	path[0] = '\0';
	geometries = json_at(doc, "geometries");
	target = json_at(doc, "targets.0");
	class = (size_t)json_integer_value(json_at(target, "class"));
	json_array_foreach((json_t *)(uintptr_t)geometries, i, one)
	{
		const char *file;

		row = json_array_get(json_at(one, "per_class"), class);
		file = json_string_value(json_at(row, "perturbation.path"));
		if (rc == 0 && file != NULL &&
		    strcmp(json_text_at(one, "name"),
			json_text_at(target, "geometry")) == 0)
			rc = file_join(path, size, dir, file, e);
	}
	json_decref(doc);
	return rc;
}
