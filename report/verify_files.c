/* SPDX-License-Identifier: MIT */
#include "report/verify_files.h"

#include "report/envelope.h"
#include "report/oms.h"

#include "base/casedir.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#include <dirent.h>

static void
tell(void *ctx, const char *what, const char *path)
{
	outcome_problem(ctx, "bundle: %s: %s", what, path);
}

/* Whether the audit began with a folder: its digest is of a list of files, and
 * no file is to be taken for it that holds such a list. */
static bool
of_folder(const struct outcome *o)
{
	return strcmp(
		   json_text_at(o->statement, "predicate.manifest.container"),
		   "directory") == 0;
}

static void
check_archive(struct outcome *o, const char *path)
{
	struct err e = {0};
	struct digest d;
	uint64_t size;

	if (of_folder(o))
		outcome_problem(
		    o, "bundle: %s is a file, and a folder was audited", path);
	else if (digest_file(path, LIMIT_MODEL_FILE, &d, &size, &e) != 0)
		outcome_judge(o, &e);
	else if (outcome_digest(
		     o->statement, "predicate.bundle.sha256", &d, &e) != 0)
		outcome_problem(o,
		    "bundle: changed: %s is not the archive that was "
		    "audited",
		    path);
}

/* A folder in which archives lie is not all that was audited, but it is the
 * same folder when its own dirHash is what the audit began with.  That is of
 * lines: a name with a line break could stand for two files (dirhash.go refuses
 * one, too). */
static bool
is_same_folder(const struct outcome *o, const struct subject *have)
{
	struct err ignored;

	for (size_t i = 0; i < have->n; i++)
		if (have->file[i].odd ||
		    strchr(have->file[i].path, '\n') != NULL)
			return false;
	return have->n != 0 && of_folder(o) &&
	       outcome_digest(o->statement, "predicate.bundle.sha256",
		   &have->dirhash, &ignored) == 0;
}

/* --- a case ---------------------------------------------------------------- */

static void
tell_other(void *ctx, const char *name)
{
	outcome_problem(
	    ctx, "bundle: extra: %s, which is no part of a case", name);
}

/* A document that the report is made of, when it is still there, is what it
 * was: who reads it reads what was signed. */
static void
check_document(struct outcome *o, const char *dir, const json_t *one)
{
	const char *name;
	struct digest have;
	struct err e = {0};
	char path[1200];
	uint64_t size;

	if (json_get_str(one, "name", &name, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (!subject_safe(name)) {
		outcome_problem(
		    o, "documents: '%.80s' is not the name of one", name);
		return;
	}
	if (file_join(path, sizeof(path), dir, name, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (!file_exists(path))
		return;
	if (digest_file(path, LIMIT_DOCUMENT, &have, &size, &e) != 0)
		outcome_judge(o, &e);
	else if (outcome_digest(one, "digest.sha256", &have, &e) != 0)
		outcome_problem(o,
		    "bundle: changed: %s is not what the report was made of",
		    name);
}

/* CASE/files is compared by the caller. */
static int
check_case(struct outcome *o, const char *dir, struct err *e)
{
	const json_t *list = json_at(o->statement, "predicate.documents"), *one;
	size_t i;

	if (casedir_others(dir, tell_other, o, e) < 0)
		return e->code;
	json_array_foreach(list, i, one)
	{
		check_document(o, dir, one);
	}
	return 0;
}

void
verify_bundle(struct outcome *o, const struct subject *want, const char *path)
{
	char files[1200];
	const char *dir = path;
	struct subject have;
	struct err e = {0};

	if (file_exists(path) && !file_is_dir(path)) {
		check_archive(o, path);
		return;
	}
	if (casedir_is(path)) {
		if (file_join(files, sizeof(files), path, "files", &e) != 0 ||
		    check_case(o, path, &e) != 0) {
			outcome_judge(o, &e);
			return;
		}
		dir = files;
	}
	if (subject_dir(&have, dir, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (dir != path || !is_same_folder(o, &have))
		subject_compare(want, &have, tell, o);
	subject_release(&have);
}

/* --- derived files --------------------------------------------------------- */

static void
check_one_derived(struct outcome *o, const char *dir, const json_t *one)
{
	const char *name, *hex;
	struct digest want, have;
	struct err e = {0};
	char path[1200];
	uint64_t size;

	if (json_get_str(one, "name", &name, &e) != 0 ||
	    json_get_str(one, "digest.sha256", &hex, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (strchr(name, '/') != NULL || !subject_safe(name) ||
	    !digest_parse(hex, &want)) {
		outcome_problem(o,
		    "derived: '%.80s' is not a file name and its sha256", name);
		return;
	}
	if (file_join(path, sizeof(path), dir, name, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (!file_exists(path))
		outcome_problem(o, "derived: missing: %s", name);
	else if (digest_file(path, LIMIT_DOCUMENT, &have, &size, &e) != 0)
		outcome_judge(o, &e);
	else if (!digest_equal(&have, &want))
		outcome_problem(o, "derived: changed: %s", name);
}

/* --- what else lies there -------------------------------------------------- */

/* statement.json is read by people and scripts: it is the payload, byte for
 * byte, or it is not there. */
static void
check_copy(struct outcome *o, const char *dir)
{
	char path[1200];
	struct file_map m;
	struct err e = {0};

	if (file_join(path, sizeof(path), dir, ENVELOPE_STATE, &e) != 0 ||
	    !file_exists(path))
		return;
	if (file_map(path, LIMIT_DOCUMENT, &m, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (m.len != o->payload.len ||
	    (m.len != 0 && memcmp(m.ptr, o->payload.ptr, m.len) != 0))
		outcome_problem(o, "derived: changed: " ENVELOPE_STATE
				   " is not what was signed");
	file_unmap(&m);
}

/* A key beside the report that is not the one that signed it is there to be
 * mistaken for it. */
static void
check_key(struct outcome *o, const char *dir)
{
	char path[1200];
	struct keys k;
	struct err e = {0};

	if (file_join(path, sizeof(path), dir, ENVELOPE_KEY, &e) != 0 ||
	    !file_exists(path))
		return;
	if (keys_public(path, &k, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	if (strcmp(k.id, o->who.key.id) != 0)
		outcome_problem(o, "derived: changed: " ENVELOPE_KEY
				   " is not the key that signed");
	keys_release(&k);
}

/* A signature of the files alone that lies with the report is by the same key
 * and of the same files. */
static void
check_model(struct outcome *o, const struct subject *files, const char *dir)
{
	char path[1200];
	struct file_map m;
	struct err e = {0};
	int rc;

	if (file_join(path, sizeof(path), dir, ENVELOPE_MODEL, &e) != 0 ||
	    !file_exists(path))
		return;
	if (file_map(path, LIMIT_DOCUMENT, &m, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	/* "": it is not itself one of the files */
	rc = oms_verify(m.ptr, m.len, &o->who.key, files, "", &e);
	if (rc != 0)
		outcome_problem(o,
		    "derived: " ENVELOPE_MODEL " is not of this audit: %s",
		    e.msg);
	file_unmap(&m);
}

static bool
is_derived(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i,
	    one) if (strcmp(json_text_at(one, "name"), name) == 0) return true;
	return false;
}

/* Whether this is the directory of a report: a signed file that was taken
 * elsewhere has none of its own. */
static bool
is_of_report(const char *dir, const json_t *derived)
{
	const json_t *one;
	char path[1200];
	struct err e;
	size_t i;

	if (file_join(path, sizeof(path), dir, ENVELOPE_STATE, &e) == 0 &&
	    file_exists(path))
		return true;
	json_array_foreach(derived, i, one)
	{
		if (file_join(path, sizeof(path), dir,
			json_text_at(one, "name"), &e) == 0 &&
		    file_exists(path))
			return true;
	}
	return false;
}

/* Names in the directory of the report that nobody signed. */
static void
list_beside(struct outcome *o, const char *dir, const json_t *derived)
{
	static const char *const ours[] = {".", "..", ENVELOPE_FILE,
	    ENVELOPE_STATE, ENVELOPE_KEY, ENVELOPE_MODEL};
	struct dirent **name = NULL;
	struct err e = {0};
	int n;

	if (!is_of_report(dir, derived))
		return;
	if ((n = scandir(dir, &name, NULL, alphasort)) < 0) {
		err_sys(&e, "cannot be listed");
		err_in(&e, dir);
		outcome_judge(o, &e);
	}
	for (int i = 0; i < n; i++) {
		const char *s = name[i]->d_name;

		if (!text_is_one_of(s, ours, ARRAY_LEN(ours)) &&
		    !is_derived(derived, s))
			json_add(o->beside, json_text(s));
		free(name[i]);
	}
	free(name);
}

void
verify_derived(struct outcome *o, const struct subject *files, const char *dir)
{
	const json_t *list = json_at(o->statement, "predicate.derived"), *one;
	size_t i;

	json_array_foreach(list, i, one) check_one_derived(o, dir, one);
	check_copy(o, o->dir);
	check_key(o, o->dir);
	check_model(o, files, o->dir);
	list_beside(o, o->dir, list);
}
