/* SPDX-License-Identifier: MIT */
#include "formats/source.h"

#include "base/limits.h"
#include "base/tree.h"
#include "formats/member.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void
source_init(
    struct source *s, const struct file_map *main, const char *name, int folder)
{
	*s = (struct source){.folder = folder};
	s->hints.preprocess.from = "";
	arena_init(&s->arena, LIMIT_SOURCE_ARENA);
	arena_init(&s->made, LIMIT_MODEL_ARENA);
	s->file = arena_alloc(&s->arena, LIMIT_SOURCE_FILES, sizeof(*s->file));
	if (s->file == NULL)
		BUG("LIMIT_SOURCE_ARENA");
	if (main == NULL)
		return;
	s->main = rd_mem(main->ptr, main->len);
	s->file[s->nfile++] = (struct source_file){.name = name, .map = *main};
}

void
source_mem(struct source *s, const void *p, size_t len)
{
	source_init(s, &(struct file_map){p, len}, "", -1);
}

void
source_release(struct source *s)
{
	/* the first mapping is the caller's, unless there was only a folder */
	for (size_t i = 0; i < s->nfile; i++)
		if (s->file[i].owned)
			file_unmap(&s->file[i].map);
	json_decref(s->hints.config);
	arena_release(&s->arena);
	arena_release(&s->made);
	*s = (struct source){.folder = -1};
}

/* --- companions ---------------------------------------------------------- */

static const struct source_file *
opened(const struct source *s, const char *name)
{
	for (size_t i = 0; i < s->nfile; i++)
		if (strcmp(s->file[i].name, name) == 0)
			return &s->file[i];
	return NULL;
}

static bool
acceptable(const char *name)
{
	struct member m;

	return member_check(name, &m) == MEMBER_ACCEPTED &&
	       strcmp(m.path, name) == 0;
}

bool
source_has(const struct source *s, const char *name)
{
	struct stat st;
	struct err ignored;
	bool found;
	int fd;

	if (opened(s, name) != NULL)
		return true;
	if (s->folder < 0 || !acceptable(name))
		return false;
	if ((fd = tree_open(s->folder, name, &ignored)) < 0)
		return false;
	found = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	return found;
}

int
source_list(struct source *s, const char ***names, size_t *n, struct err *e)
{
	*n = 0;
	return s->folder < 0 ? 0 : tree_list(s->folder, &s->arena, names, n, e);
}

bool
source_is_link(const struct source *s, const char *name)
{
	struct stat st;

	return s->folder >= 0 && acceptable(name) &&
	       fstatat(s->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static int
map_companion(
    struct source *s, const char *name, struct source_file *f, struct err *e)
{
	int fd, rc;

	if (s->folder < 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "is wanted, but there is no folder to look in");
	if (!acceptable(name))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "is no plain path within the model's folder");
	if (!source_has(s, name))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "belongs to the model but is not there");
	if (s->nfile == LIMIT_SOURCE_FILES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "would be file %d of one model", LIMIT_SOURCE_FILES + 1);
	if ((f->name = arena_strdup(&s->arena, name, strlen(name))) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many names");
	if ((fd = tree_open(s->folder, name, e)) < 0)
		return fd;
	rc = file_map_fd(fd, name, LIMIT_MODEL_FILE, &f->map, e);
	f->owned = true;
	close(fd);
	return rc;
}

int
source_open(struct source *s, const char *name, struct rd *out, struct err *e)
{
	const struct source_file *f = opened(s, name);
	struct source_file new = {0};
	int rc;

	if (f == NULL) {
		if ((rc = map_companion(s, name, &new, e)) != 0)
			return err_in(e, name);
		s->file[s->nfile] = new;
		f = &s->file[s->nfile++];
	}
	*out = f->replaced != NULL ? rd_mem(f->replaced, f->replaced_len)
				   : rd_mem(f->map.ptr, f->map.len);
	return 0;
}

int
source_choose(struct source *s, const char *name, struct err *e)
{
	return source_open(s, name, &s->main, e);
}

void
source_forget(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->nfile; i++) {
		struct source_file *f = &s->file[i];

		if (!f->owned || strcmp(f->name, name) != 0)
			continue;
		file_unmap(&f->map);
		s->nfile--;
		memmove(f, f + 1, (s->nfile - i) * sizeof(*f));
		return;
	}
}

/* --- writing ------------------------------------------------------------- */

bool
source_place(const struct source *s, const void *p, size_t len, size_t *file,
    uint64_t *offset)
{
	uintptr_t at = (uintptr_t)p;

	for (size_t i = 0; i < s->nfile; i++) {
		uintptr_t base = (uintptr_t)s->file[i].map.ptr;

		if (at < base || at - base > s->file[i].map.len ||
		    len > s->file[i].map.len - (at - base))
			continue;
		*file = i;
		*offset = at - base;
		return true;
	}
	return false;
}

size_t
source_main(const struct source *s)
{
	for (size_t i = 0; i < s->nfile; i++)
		if (s->file[i].map.ptr == s->main.base ||
		    (s->file[i].replaced != NULL &&
			s->file[i].replaced == s->main.base))
			return i;
	BUG("no main file");
}

int
source_writable(struct source *s, size_t file, uint8_t **out, struct err *e)
{
	struct source_file *f = &s->file[file];
	void *p = (void *)(uintptr_t)f->map.ptr;

	if (!f->writable && f->map.len != 0 &&
	    mprotect(p, f->map.len, PROT_READ | PROT_WRITE) != 0) {
		err_sys(e, "cannot copy");
		return err_in(e, f->name);
	}
	f->writable = true;
	*out = p;
	return 0;
}

void
source_replace(struct source *s, const uint8_t *p, size_t len)
{
	struct source_file *f = &s->file[source_main(s)];

	f->replaced = p;
	f->replaced_len = len;
	s->main = rd_mem(p, len);
}
