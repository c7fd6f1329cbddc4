/* SPDX-License-Identifier: MIT */
#include "report/case.h"

#include "report/members.h"
#include "report/parts.h"

#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"

static const struct {
	const char *name, *schema;
} known[CASE_DOCS] = {
    [CASE_MANIFEST] = {"manifest.json", "assay-manifest/1"},
    [CASE_INSPECT] = {"inspect.json", "assay-inspect/1"},
    [CASE_SCAN] = {"scan.json", "assay-scan/1"},
    [CASE_PURIFY] = {"purify.json", "assay-purify/1"},
    [CASE_RESCAN] = {"rescan/scan.json", "assay-scan/1"},
    [CASE_EVAL_BEFORE] = {"eval-before.json", "assay-eval/1"},
    [CASE_EVAL_AFTER] = {"eval-after.json", "assay-eval/1"},
    [CASE_EVAL_RECOVERED] = {"eval-recovered.json", "assay-eval/1"},
};

const json_t *
case_doc(const struct case_docs *c, enum case_doc which)
{
	return c->file[which].doc;
}

const json_t *
case_input(const json_t *doc, const char *role)
{
	const json_t *list = json_at(doc, "inputs"), *in;
	size_t i;

	json_array_foreach(list, i, in)
	{
		const char *r = json_string_value(json_at(in, "role"));

		if (r != NULL && strcmp(r, role) == 0)
			return in;
	}
	return NULL;
}

static int
read_doc(struct case_docs *c, enum case_doc which, struct err *e)
{
	struct case_file *f = &c->file[which];
	struct file_map m;
	char path[1024];
	int rc;

	f->name = known[which].name;
	if ((rc = file_join(path, sizeof(path), c->dir, f->name, e)) != 0)
		return rc;
	if (!file_exists(path))
		return 0;
	if ((rc = file_map(path, LIMIT_DOCUMENT, &m, e)) != 0) {
		/* something else under its name is a fault of the case */
		if (rc == ERR_UNSUPPORTED)
			rc = e->code = ERR_FORMAT;
		return rc;
	}
	/* one reading: the digest is of the bytes that are parsed */
	f->size = m.len;
	digest_mem(m.ptr, m.len, &f->digest);
	if ((rc = doc_parse(m.ptr, m.len, known[which].schema, &f->doc, e)) !=
	    0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

/* Digest of the input with that role; the document must have one. */
static int
input_digest(const struct case_docs *c, enum case_doc which, const char *role,
    struct digest *out, struct err *e)
{
	const json_t *in = case_input(c->file[which].doc, role);
	const char *hex = json_string_value(json_at(in, "sha256"));

	if (hex != NULL && digest_parse(hex, out))
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "%s: no input '%s' with a sha256", c->file[which].name, role);
}

static int
broken(const char *doc, const char *what, const struct digest *have,
    const char *other, const struct digest *want, struct err *e)
{
	char a[DIGEST_HEX], b[DIGEST_HEX];

	digest_hex(have, a);
	digest_hex(want, b);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "chain of digests is broken: %s: %s is %s, %s says %s", doc, what,
	    a, other, b);
}

struct first_difference {
	char what[16];
	char path[200];
};

static void
note_first(void *ctx, const char *what, const char *path)
{
	struct first_difference *d = ctx;

	if (d->what[0] != '\0')
		return;
	snprintf(d->what, sizeof(d->what), "%s", what);
	snprintf(d->path, sizeof(d->path), "%.190s", path);
}

static int
check_recorded(const struct case_docs *c, const char *key,
    const struct digest *have, struct err *e)
{
	const char *hex;
	struct digest d;
	int rc;

	if ((rc = json_get_str(c->file[CASE_MANIFEST].doc, key, &hex, e)) != 0)
		return err_wrap(e, "manifest.json");
	if (!digest_parse(hex, &d) || !digest_equal(&d, have)) {
		char text[DIGEST_HEX];

		digest_hex(have, text);
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "chain of digests is broken: manifest.json: %s is %.64s, "
		    "its files give %s",
		    key, hex, text);
	}
	return 0;
}

/* The manifest agrees with itself and with CASE/files. */
static int
check_files(struct case_docs *c, struct err *e)
{
	struct first_difference diff = {{0}, {0}};
	const json_t *list;
	struct subject have;
	char path[1024];
	int rc;

	if ((rc = json_get_array(
		 c->file[CASE_MANIFEST].doc, "files", &list, e)) != 0 ||
	    (rc = subject_list(&c->files, list, "path", "sha256", e)) != 0)
		return err_wrap(e, "manifest.json");
	if ((rc = check_recorded(c, "digests.omsRoot", &c->files.root, e)) !=
		0 ||
	    (rc = check_recorded(c, "digests.dirHash", &c->files.dirhash, e)) !=
		0 ||
	    (rc = file_join(path, sizeof(path), c->dir, "files", e)) != 0 ||
	    (rc = subject_dir(&have, path, e)) != 0)
		return rc;
	if (subject_compare(&c->files, &have, note_first, &diff) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "chain of digests is broken: files/%s: %s since "
		    "manifest.json was written",
		    diff.path, diff.what);
	subject_release(&have);
	return rc;
}

/* An inspection that says that it is complete has looked at every file. */
static int
check_all_seen(
    const struct case_docs *c, const struct subject *seen, struct err *e)
{
	if (!json_is_true(json_at(c->file[CASE_INSPECT].doc, "complete")))
		return 0;
	for (size_t i = 0; i < c->files.n; i++)
		if (i >= seen->n ||
		    strcmp(seen->file[i].path, c->files.file[i].path) != 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "inspect.json: complete, but '%.80s' was not "
			    "inspected",
			    c->files.file[i].path);
	return 0;
}

/* Every file that was inspected is the file of the manifest. */
static int
check_inspect(const struct case_docs *c, struct err *e)
{
	const json_t *list;
	struct subject seen;
	int rc;

	if (c->file[CASE_INSPECT].doc == NULL)
		return 0;
	if ((rc = json_get_array(
		 c->file[CASE_INSPECT].doc, "files", &list, e)) != 0 ||
	    (rc = subject_list(&seen, list, "path", "sha256", e)) != 0)
		return err_wrap(e, "inspect.json");
	for (size_t i = 0, k = 0; i < seen.n && rc == 0; i++) {
		const struct subject_file *f = &seen.file[i];

		while (k < c->files.n &&
		       strcmp(c->files.file[k].path, f->path) < 0)
			k++;
		if (k == c->files.n ||
		    strcmp(c->files.file[k].path, f->path) != 0)
			rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "chain of digests is broken: inspect.json: '%.80s' "
			    "is not a file of manifest.json",
			    f->path);
		else if (!digest_equal(&c->files.file[k].digest, &f->digest))
			rc = broken("inspect.json", "a file", &f->digest,
			    "manifest.json", &c->files.file[k].digest, e);
	}
	if (rc == 0)
		rc = check_all_seen(c, &seen, e);
	subject_release(&seen);
	return rc;
}

/* The input is a file of the manifest, or files of it that lie together. */
static int
find_model(struct case_docs *c, enum case_doc which, const json_t *in,
    const struct digest *have, struct err *e)
{
	const struct subject_file *f;
	struct subject parts;
	char hex[DIGEST_HEX];
	bool several, found;
	int rc;

	if ((rc = parts_read(in, have, &parts, &several, e)) != 0)
		return err_wrap(e, "%s", c->file[which].name);
	if (several) {
		found = parts_among(&parts, &c->files, &c->model);
		subject_release(&parts);
	} else {
		f = subject_find(&c->files, have);
		if ((found = f != NULL))
			c->model = f->path;
	}
	if (found)
		return 0;
	digest_hex(have, hex);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "chain of digests is broken: %s: model %s is not a file "
	    "of manifest.json",
	    c->file[which].name, hex);
}

/*
 * The document's input with that role is the scanned model, or, when there
 * is no scan, one that the manifest has.
 */
static int
check_model(
    struct case_docs *c, enum case_doc which, const char *role, struct err *e)
{
	struct digest have, scanned;
	int rc;

	if ((rc = input_digest(c, which, role, &have, e)) != 0)
		return rc;
	if (which != CASE_SCAN && c->file[CASE_SCAN].doc != NULL) {
		rc = input_digest(c, CASE_SCAN, "model", &scanned, e);
		if (rc == 0 && !digest_equal(&have, &scanned))
			rc = broken(c->file[which].name, role, &have,
			    "scan.json", &scanned, e);
		return rc;
	}
	return find_model(
	    c, which, case_input(c->file[which].doc, role), &have, e);
}

/* The digest of a purified model that is there, a file or a folder. */
static int
digest_purified(const char *path, struct digest *out, struct subject *files,
    bool *folder, struct err *e)
{
	uint64_t size;
	int rc;

	*folder = file_is_dir(path);
	if (!*folder)
		return digest_file(path, LIMIT_MODEL_FILE, out, &size, e);
	if ((rc = subject_dir(files, path, e)) == 0)
		*out = files->dirhash;
	return rc;
}

/* What was scanned again is the purified model: of a folder, at least all
 * that was read of it. */
static int
check_again(struct case_docs *c, enum case_doc which, const struct digest *want,
    struct subject *folder, struct err *e)
{
	struct digest have;
	struct subject parts;
	const char *where;
	bool several, same;
	int rc;

	if (c->file[which].doc == NULL)
		return 0;
	if ((rc = input_digest(c, which, "model", &have, e)) != 0 ||
	    (rc = parts_read(case_input(c->file[which].doc, "model"), &have,
		 &parts, &several, e)) != 0)
		return rc;
	same = digest_equal(&have, want);
	if (several) {
		same = same ||
		       (folder != NULL && parts_among(&parts, folder, &where) &&
			   strcmp(where, ".") == 0);
		subject_release(&parts);
	}
	return same ? 0
		    : broken(c->file[which].name, "model", &have, "purify.json",
			  want, e);
}

/* purify.json's output is what is in purified/ and what was scanned again. */
static int
check_purified(struct case_docs *c, struct err *e)
{
	static const enum case_doc again[] = {
	    CASE_RESCAN, CASE_EVAL_AFTER, CASE_EVAL_RECOVERED};
	const json_t *doc = c->file[CASE_PURIFY].doc;
	struct digest want, have;
	struct subject files;
	const char *hex, *name;
	char path[1024], rel[300];
	bool folder;
	int rc;

	if ((rc = json_get_str(doc, "output.sha256", &hex, e)) != 0 ||
	    (rc = json_get_str(doc, "output.name", &name, e)) != 0)
		return err_wrap(e, "purify.json");
	if (!digest_parse(hex, &want) || strchr(name, '/') != NULL ||
	    !subject_safe(name) ||
	    snprintf(rel, sizeof(rel), "purified/%s", name) >= (int)sizeof(rel))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "purify.json: output is not a file name and its sha256");
	if ((rc = file_join(path, sizeof(path), c->dir, rel, e)) != 0 ||
	    (rc = digest_purified(path, &have, &files, &folder, e)) != 0)
		return rc;
	if (!digest_equal(&have, &want))
		rc = broken("purified model", "the file", &have, "purify.json",
		    &want, e);
	for (size_t i = 0; i < ARRAY_LEN(again) && rc == 0; i++)
		rc = check_again(c, again[i], &want, folder ? &files : NULL, e);
	if (folder)
		subject_release(&files);
	return rc;
}

/* An input that is a scan, where there is one, is this case's. */
static int
check_scan(
    struct case_docs *c, enum case_doc which, const char *role, struct err *e)
{
	const struct digest *want = &c->file[CASE_SCAN].digest;
	struct digest d;
	int rc;

	if (case_input(c->file[which].doc, role) == NULL ||
	    c->file[CASE_SCAN].doc == NULL)
		return 0;
	if ((rc = input_digest(c, which, role, &d, e)) != 0)
		return rc;
	return digest_equal(&d, want) ? 0
				      : broken(c->file[which].name, role, &d,
					    "scan.json", want, e);
}

static int
check_purify(struct case_docs *c, struct err *e)
{
	int rc;

	if (c->file[CASE_PURIFY].doc == NULL) {
		enum case_doc odd = c->file[CASE_RESCAN].doc != NULL
					? CASE_RESCAN
				    : c->file[CASE_EVAL_AFTER].doc != NULL
					? CASE_EVAL_AFTER
					: CASE_EVAL_RECOVERED;

		if (c->file[odd].doc == NULL)
			return 0;
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "chain of digests is broken: %s is there, purify.json is "
		    "not",
		    c->file[odd].name);
	}
	if ((rc = check_model(c, CASE_PURIFY, "model", e)) != 0)
		return rc;
	/* which targets guided it, and which were looked for again */
	if ((rc = check_scan(c, CASE_PURIFY, "scan", e)) != 0 ||
	    (rc = check_scan(c, CASE_RESCAN, "before", e)) != 0)
		return rc;
	return check_purified(c, e);
}

/* Perturbations that the case still holds are those that the scan wrote. */
static int
check_perturbation(const struct case_docs *c, const json_t *row, struct err *e)
{
	const char *rel = json_string_value(json_at(row, "perturbation.path"));
	const char *hex =
	    json_string_value(json_at(row, "perturbation.sha256"));
	struct digest want, have;
	char path[1024];
	uint64_t size;
	int rc;

	if (rel == NULL)
		return 0;
	if (!subject_safe(rel) || hex == NULL || !digest_parse(hex, &want))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "scan.json: a perturbation is not a relative path and "
		    "its sha256");
	if ((rc = file_join(path, sizeof(path), c->dir, rel, e)) != 0)
		return rc;
	if (!file_exists(path))
		return 0;
	rc = digest_file(path, LIMIT_MODEL_FILE, &have, &size, e);
	if (rc == 0 && !digest_equal(&have, &want))
		rc = broken(
		    "perturbation", "the file", &have, "scan.json", &want, e);
	return rc;
}

static int
check_perturbations(const struct case_docs *c, struct err *e)
{
	const json_t *list = json_at(c->file[CASE_SCAN].doc, "geometries");
	int rc = 0;

	for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
		const json_t *rows =
		    json_at(json_array_get(list, i), "per_class");

		for (size_t k = 0; k < json_array_size(rows) && rc == 0; k++)
			rc = check_perturbation(c, json_array_get(rows, k), e);
	}
	return rc;
}

/* A recovered trigger is a perturbation of the scan, on its model before and
 * on the purified one (check_purified). */
static int
check_recovered(struct case_docs *c, struct err *e)
{
	const json_t *list = json_at(c->file[CASE_SCAN].doc, "geometries");
	struct digest used, one;
	int rc;

	if (c->file[CASE_EVAL_RECOVERED].doc == NULL)
		return 0;
	if ((rc = check_model(c, CASE_EVAL_RECOVERED, "baseline", e)) != 0 ||
	    (rc = input_digest(c, CASE_EVAL_RECOVERED, "trigger", &used, e)) !=
		0)
		return rc;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rows =
		    json_at(json_array_get(list, i), "per_class");

		for (size_t k = 0; k < json_array_size(rows); k++) {
			const char *hex = json_string_value(json_at(
			    json_array_get(rows, k), "perturbation.sha256"));

			if (hex != NULL && digest_parse(hex, &one) &&
			    digest_equal(&one, &used))
				return 0;
		}
	}
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "chain of digests is broken: eval-recovered.json: its trigger is "
	    "no perturbation of scan.json");
}

static int
check_chain(struct case_docs *c, struct err *e)
{
	int rc;

	for (size_t i = 0; i < CASE_DOCS; i++)
		if (c->file[i].doc != NULL &&
		    (rc = members_check(c->file[i].doc, e)) != 0)
			return err_wrap(e, "%s", c->file[i].name);
	if ((rc = check_files(c, e)) != 0 || (rc = check_inspect(c, e)) != 0)
		return rc;
	if (c->file[CASE_SCAN].doc != NULL &&
	    (rc = check_model(c, CASE_SCAN, "model", e)) != 0)
		return rc;
	if (c->file[CASE_EVAL_BEFORE].doc != NULL &&
	    (rc = check_model(c, CASE_EVAL_BEFORE, "model", e)) != 0)
		return rc;
	if (case_input(c->file[CASE_EVAL_AFTER].doc, "baseline") != NULL &&
	    (rc = check_model(c, CASE_EVAL_AFTER, "baseline", e)) != 0)
		return rc;
	if ((rc = check_perturbations(c, e)) != 0 ||
	    (rc = check_recovered(c, e)) != 0)
		return rc;
	return check_purify(c, e);
}

int
case_read(struct case_docs *c, const char *dir, struct err *e)
{
	int rc = 0;

	*c = (struct case_docs){.dir = dir};
	if (!file_is_dir(dir)) {
		err_set(
		    e, ERR_UNSUPPORTED, ERR_NOWHERE, "not a case directory");
		return err_in(e, dir);
	}
	rc = subject_state(&c->state, dir, e);
	for (size_t i = 0; i < CASE_DOCS && rc == 0; i++)
		rc = read_doc(c, (enum case_doc)i, e);
	if (rc == 0 && c->file[CASE_MANIFEST].doc == NULL) {
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no manifest.json: nothing was unpacked here");
		err_in(e, dir);
	}
	if (rc == 0)
		rc = check_chain(c, e);
	if (rc != 0)
		case_release(c);
	return rc;
}

int
case_unchanged(const struct case_docs *c, struct err *e)
{
	struct first_difference diff = {{0}, {0}};
	struct subject now;
	int rc;

	if ((rc = subject_state(&now, c->dir, e)) != 0)
		return rc;
	if (subject_compare(&c->state, &now, note_first, &diff) != 0) {
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%s: %s while the report was made", diff.path, diff.what);
		err_in(e, c->dir);
	}
	subject_release(&now);
	return rc;
}

void
case_release(struct case_docs *c)
{
	for (size_t i = 0; i < CASE_DOCS; i++)
		json_decref(c->file[i].doc);
	subject_release(&c->files);
	subject_release(&c->state);
	*c = (struct case_docs){0};
}
