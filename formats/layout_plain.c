/* SPDX-License-Identifier: MIT
 * A folder with one model file, whatever else is in it: external data, a
 * licence, a page about it.
 */
#include "base/limits.h"
#include "base/tree.h"
#include "formats/format.h"
#include "formats/layout.h"

#include <sys/stat.h>
#include <unistd.h>

static bool
probe(const struct source *s)
{
	return s->nfile == 0;
}

/* Looked at without becoming a file of the model. */
static bool
loadable(const struct source *s, const char *name)
{
	const struct format *bid;
	struct file_map m;
	struct err ignored;
	bool found;
	int fd;

	if (!source_has(s, name) ||
	    (fd = tree_open(s->folder, name, &ignored)) < 0)
		return false;
	found = file_map_fd(fd, name, LIMIT_MODEL_FILE, &m, &ignored) == 0;
	close(fd);
	if (!found)
		return false;
	found = format_bids(rd_mem(m.ptr, m.len), &bid, 1) != 0 &&
		bid->load != NULL;
	file_unmap(&m);
	return found;
}

static int
open(struct source *s, struct err *e)
{
	const char **name, *model = NULL;
	size_t n, models = 0;
	int rc;

	if ((rc = source_list(s, &name, &n, e)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (!loadable(s, name[i]))
			continue;
		model = name[i];
		models++;
	}
	if (models == 1)
		return source_choose(s, model, e);
	if (models == 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "a folder that is no model of a known layout");
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "a folder with %zu models: name one of its files", models);
}

const struct layout layout_plain = {
    .name = "folder",
    .summary = "folder with one model file",
    .loose = true,
    .probe = probe,
    .open = open,
};
