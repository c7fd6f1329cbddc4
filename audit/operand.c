/* SPDX-License-Identifier: MIT */
#include "audit/operand.h"

#include "base/limits.h"
#include "base/tool.h"
#include "base/tree.h"
#include "formats/arch.h"
#include "formats/identify.h"
#include "formats/layout.h"

#include <unistd.h>

#define BIDS 8

/* What it is instead, so that nobody takes it for nothing. */
static int
unknown(struct rd r, struct err *e)
{
	struct identify_bids bids;

	identify(r, &bids);
	if (bids.best == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "not a model file of a known format");
	if (bids.best->kind == KIND_MODEL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%s: recognised, but such models cannot be run here",
		    bids.best->summary);
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "not a model file of a known format, but: %s%s", bids.best->summary,
	    bids.best->kind == KIND_ARCHIVE
		? " (assay-unpack takes archives apart)"
		: "");
}

int
operand_open(struct operand *o, const char *path, struct err *e)
{
	bool is_dir = file_is_dir(path);
	int rc;

	*o = (struct operand){.path = path, .folder = -1};
	if ((rc = file_folder(o->dir, sizeof(o->dir), path, e)) != 0)
		return err_in(e, path);
	if (!is_dir && (rc = file_map(path, LIMIT_MODEL_FILE, &o->map, e)) != 0)
		return rc;
	if (!is_dir && o->map.ptr == NULL) { /* an empty file */
		unknown(rd_mem("", 0), e);
		return err_in(e, path);
	}
	if ((o->folder = tree_root(o->dir, e)) < 0) {
		file_unmap(&o->map);
		return o->folder;
	}
	return 0;
}

void
operand_close(struct operand *o)
{
	file_unmap(&o->map);
	if (o->folder >= 0)
		close(o->folder);
}

int
operand_source(const struct operand *o, const char *arch, struct source *s,
    const struct format **f, struct err *e)
{
	const struct format *bid[BIDS];
	size_t n = 0;
	int rc;

	/* also where the file has a graph and would not ask */
	if (arch != NULL && arch_named(arch) == NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "no architecture is called '%.64s'", arch);
	source_init(s, o->map.ptr != NULL ? &o->map : NULL, file_base(o->path),
	    o->folder);
	s->hints.arch = arch;
	if ((rc = layout_open(s, e)) == 0 &&
	    (n = format_bids(s->main, bid, BIDS)) == 0)
		rc = unknown(s->main, e);
	if (rc == 0 && bid[0]->load == NULL)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "a %s file has no graph that could be loaded",
		    bid[0]->name);
	if (rc != 0) {
		err_in(e, o->path);
		source_release(s);
		return rc;
	}
	for (size_t i = 1; i < MIN(n, BIDS); i++)
		tool_warn(
		    "it could also be a file of the format %s", bid[i]->name);
	*f = bid[0];
	return 0;
}

int
operand_files(const struct operand *o, const struct source *s, struct model *m,
    struct err *e)
{
	bool alone = o->map.ptr != NULL && s->nfile == 1;

	/* a neutral model's own list is of what it was made from */
	m->nfile = 0;
	if (alone)
		return 0;
	m->file = arena_alloc(&m->arena, s->nfile + 1, sizeof(*m->file));
	if (m->file == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many files");
	for (size_t i = 0; i < s->nfile; i++)
		m->file[i] = s->file[i].name;
	m->nfile = s->nfile;
	return 0;
}
