/* SPDX-License-Identifier: MIT */
#include "base/casedir.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>

bool
casedir_is(const char *path)
{
	char name[4096];
	struct err e;

	return file_join(name, sizeof(name), path, "files", &e) == 0 &&
	       file_is_dir(name) &&
	       file_join(name, sizeof(name), path, "manifest.json", &e) == 0 &&
	       file_exists(name);
}

static int
by_byte(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int
casedir_others(const char *path, void (*tell)(void *ctx, const char *name),
    void *ctx, struct err *e)
{
	static const char *const ours[] = {".", "..", "files", "manifest.json",
	    "inspect.json", "scan.json", "perturbations",
	    "examples.safetensors", "references", "purify.json", "purified",
	    "rescan", "eval-before.json", "eval-after.json",
	    "eval-recovered.json", "report"};
	struct dirent **name = NULL;
	int n = scandir(path, &name, NULL, by_byte), others = 0;

	if (n < 0) {
		err_sys(e, "cannot list directory");
		return err_in(e, path);
	}
	for (int i = 0; i < n; i++) {
		if (!text_is_one_of(name[i]->d_name, ours, ARRAY_LEN(ours))) {
			tell(ctx, name[i]->d_name);
			others++;
		}
		free(name[i]);
	}
	free(name);
	return others;
}
