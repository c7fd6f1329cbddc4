/* SPDX-License-Identifier: MIT */
#include "audit/data_spec.h"

#include "base/file.h"

int
data_spec_split(const char *spec, char *images, size_t size,
    const char **labels, struct err *e)
{
	const char *comma = strchr(spec, ',');
	size_t n = comma != NULL && !file_exists(spec) ? (size_t)(comma - spec)
						       : strlen(spec);

	if (n >= size)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	memcpy(images, spec, n);
	images[n] = '\0';
	*labels = spec[n] == ',' ? spec + n + 1 : NULL;
	if (n == 0 || (*labels != NULL && **labels == '\0'))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--data: '%s' is no two files, IMAGES,LABELS", spec);
	return 0;
}
