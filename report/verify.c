/* SPDX-License-Identifier: MIT
 * assay-verify: is this report what the holder of the key signed, and is
 * this the bundle that it is about?
 */
#define _GNU_SOURCE /* timegm, strptime */
#include "report/dsse.h"
#include "report/statement.h"
#include "report/subject.h"

#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/text.h"
#include "base/tool.h"

#include <stdarg.h>
#include <time.h>

static const char *opt_key, *opt_bundle, *opt_derived, *opt_pae, *opt_sig;
static uint64_t opt_max_age;
static bool opt_pass, opt_no_derived, opt_json;

static const struct opt options[] = {
    {"key", 'k', OPT_STR, &opt_key, "FILE",
	"the auditor's public key, PEM (required)", 0, 0, 0},
    {"bundle", 'b', OPT_STR, &opt_bundle, "PATH",
	"also check these files: a directory, a case, or the archive", 0, 0, 0},
    {"derived", 'd', OPT_STR, &opt_derived, "DIR",
	"where report.html and the like are (default: beside the report)", 0, 0,
	0},
    {"no-derived", 0, OPT_FLAG, &opt_no_derived, NULL,
	"do not check derived files", 0, 0, 0},
    {"require-pass", 'p', OPT_FLAG, &opt_pass, NULL,
	"fail unless the verdict is PASSED", 0, 0, 0},
    {"max-age", 0, OPT_U64, &opt_max_age, "DAYS",
	"fail when the audit is older", 36500, 0, 0},
    {"pae", 0, OPT_STR, &opt_pae, "FILE",
	"write the bytes that were signed, for openssl", 0, 0, 0},
    {"sig", 0, OPT_STR, &opt_sig, "FILE", "write the signature, for openssl", 0,
	0, 0},
    {"json", 'j', OPT_FLAG, &opt_json, NULL, "print the result as JSON", 0, 0,
	0},
    {0},
};

static const struct opt_tool tool = {
    "assay-verify",
    "check the signature of a report and what it is about",
    "REPORT --key FILE [--bundle PATH] [options]",
    options,
    1,
    1,
};

/* What is known so far; problems are said as they are found. */
struct outcome {
	bool failed;     /* something is not what was signed */
	bool incomplete; /* something could not be read */
	json_t *problems;
	json_t *statement;
	char dir[1024]; /* of the report */
};

static void PRINTF_LIKE(2, 3) problem(struct outcome *o, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tool_warn("%s", text);
	json_add(o->problems, json_text(text));
	o->failed = true;
}

/* An error about content is a failed verification, any other is not. */
static void
judge(struct outcome *o, const struct err *e)
{
	char line[1100];

	if (e->code != ERR_FORMAT && e->code != ERR_TRUNCATED) {
		tool_fail(e);
		o->incomplete = true;
		return;
	}
	err_text(e, line, sizeof(line));
	problem(o, "%s", line);
}

/* --- signature ----------------------------------------------------------- */

static int
write_exports(const struct dsse *d, struct err *e)
{
	struct buf pae = {0};
	int rc = 0;

	dsse_pae(
	    d->type.ptr, d->type.len, d->payload.ptr, d->payload.len, &pae);
	if (opt_pae != NULL)
		rc = file_write(opt_pae, pae.ptr, pae.len, e);
	if (rc == 0 && opt_sig != NULL)
		rc = file_write(opt_sig, d->sig.ptr, d->sig.len, e);
	buf_free(&pae);
	return rc;
}

/* Envelope, signature, then, and only then, the payload. */
static void
check_signature(struct outcome *o, const char *path, const struct keys *k)
{
	struct err e = {0};
	struct file_map m;
	struct dsse d;
	int rc;

	if (file_map(path, LIMIT_DOCUMENT, &m, &e) != 0) {
		judge(o, &e);
		return;
	}
	rc = dsse_read(m.ptr != NULL ? (const char *)m.ptr : "", m.len, &d, &e);
	file_unmap(&m);
	if (rc == 0) {
		rc = write_exports(&d, &e);
		if (rc == 0)
			rc = dsse_verify(&d, k, &e);
		if (rc == 0)
			rc = json_read(
			    d.payload.ptr, d.payload.len, &o->statement, &e);
		dsse_release(&d);
	}
	if (rc != 0) {
		err_in(&e, path);
		judge(o, &e);
	}
}

/* --- statement ----------------------------------------------------------- */

static int
expect(const json_t *j, const char *path, const char *want, struct err *e)
{
	const char *have;
	int rc = json_get_str(j, path, &have, e);

	if (rc == 0 && strcmp(have, want) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "not a model audit: %s is '%.100s'", path, have);
	return rc;
}

static int
check_verdict(const json_t *j, struct err *e)
{
	static const char *const word[] = {"PASSED", "FAILED", "INCONCLUSIVE"};
	const char *verdict;
	int rc = json_get_str(j, "predicate.verdict", &verdict, e);

	for (size_t i = 0; i < ARRAY_LEN(word) && rc == 0; i++)
		if (strcmp(verdict, word[i]) == 0)
			return 0;
	return rc != 0 ? rc
		       : err_set(e, ERR_FORMAT, ERR_NOWHERE,
			     "the verdict '%.40s' is none", verdict);
}

static int
same_digest(
    const json_t *j, const char *path, const struct digest *want, struct err *e)
{
	struct digest have;
	const char *hex;
	int rc = json_get_str(j, path, &hex, e);

	if (rc == 0 &&
	    (!digest_parse(hex, &have) || !digest_equal(&have, want)))
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%s is not the digest of what it covers", path);
	return rc;
}

/* The statement is ours and agrees with itself. */
static int
check_statement(const json_t *j, struct subject *files, struct err *e)
{
	const json_t *subject, *list, *p;
	struct digest results;
	int rc;

	if ((rc = expect(j, "_type", STATEMENT_TYPE, e)) != 0 ||
	    (rc = expect(j, "predicateType", STATEMENT_PREDICATE, e)) != 0 ||
	    (rc = json_get_array(j, "subject", &subject, e)) != 0 ||
	    (rc = json_get_object(j, "predicate", &p, e)) != 0 ||
	    (rc = check_verdict(j, e)) != 0 ||
	    (rc = json_get_array(p, "manifest.resources", &list, e)) != 0 ||
	    (rc = json_get_array(p, "derived", &subject, e)) != 0)
		return rc;
	if (json_array_size(json_at(j, "subject")) != 1)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "not exactly one subject");
	if ((rc = statement_results(p, &results, e)) != 0 ||
	    (rc = same_digest(p, "resultsDigest.sha256", &results, e)) != 0 ||
	    (rc = subject_list(files, list, "name", "digest", e)) != 0)
		return rc;
	if ((rc = same_digest(j, "subject.0.digest.sha256", &files->root, e)) ==
	    0)
		rc = same_digest(
		    j, "subject.0.digest.dirHash1", &files->dirhash, e);
	if (rc != 0)
		subject_release(files);
	return rc;
}

/* Seconds since the audit; false when its time is not RFC 3339, UTC. */
static bool
age_of(const json_t *statement, int64_t *seconds)
{
	const char *at =
	    json_string_value(json_at(statement, "predicate.run.auditedAt"));
	struct tm tm = {0};
	char *end;

	if (at == NULL ||
	    (end = strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm)) == NULL ||
	    *end != '\0')
		return false;
	*seconds = (int64_t)(time(NULL) - timegm(&tm));
	return true;
}

static void
check_policy(struct outcome *o)
{
	const char *verdict =
	    json_string_value(json_at(o->statement, "predicate.verdict"));
	int64_t age;

	if (opt_pass && strcmp(verdict, "PASSED") != 0)
		problem(o, "the verdict is %s, PASSED is required", verdict);
	if (opt_max_age == 0)
		return;
	if (!age_of(o->statement, &age))
		problem(o, "the report does not say when the audit was");
	else if (age > (int64_t)opt_max_age * 86400 || age < -86400)
		problem(o, "the audit is %" PRId64 " days old", age / 86400);
}

/* --- files --------------------------------------------------------------- */

static void
tell(void *ctx, const char *what, const char *path)
{
	problem(ctx, "bundle: %s: %s", what, path);
}

static void
check_archive(struct outcome *o)
{
	struct err e = {0};
	struct digest d;
	uint64_t size;

	if (digest_file(opt_bundle, LIMIT_MODEL_FILE, &d, &size, &e) != 0)
		judge(o, &e);
	else if (same_digest(o->statement, "predicate.bundle.sha256", &d, &e) !=
		 0)
		problem(o,
		    "bundle: changed: %s is not the archive that was "
		    "audited",
		    opt_bundle);
}

/* A folder in which archives lie is not all that was audited, but it is the
 * same folder when its own dirHash is what the audit began with. */
static bool
is_same_folder(const struct outcome *o, const struct subject *have)
{
	struct err ignored;

	for (size_t i = 0; i < have->n; i++)
		if (have->file[i].odd)
			return false;
	return have->n != 0 &&
	       same_digest(o->statement, "predicate.bundle.sha256",
		   &have->dirhash, &ignored) == 0;
}

static void
check_bundle(struct outcome *o, const struct subject *want)
{
	char files[1024], manifest[1024];
	const char *dir = opt_bundle;
	struct subject have;
	struct err e = {0};

	if (opt_bundle == NULL)
		return;
	if (file_exists(opt_bundle) && !file_is_dir(opt_bundle)) {
		check_archive(o);
		return;
	}
	if (file_join(files, sizeof(files), opt_bundle, "files", &e) != 0 ||
	    file_join(manifest, sizeof(manifest), opt_bundle, "manifest.json",
		&e) != 0) {
		judge(o, &e);
		return;
	}
	if (file_exists(manifest) && file_is_dir(files))
		dir = files;
	if (subject_dir(&have, dir, &e) != 0) {
		judge(o, &e);
		return;
	}
	if (dir != opt_bundle || !is_same_folder(o, &have))
		subject_compare(want, &have, tell, o);
	subject_release(&have);
}

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
		judge(o, &e);
		return;
	}
	if (strchr(name, '/') != NULL || !subject_safe(name) ||
	    !digest_parse(hex, &want)) {
		problem(o, "derived: '%.80s' is not a file name and its sha256",
		    name);
		return;
	}
	if (file_join(path, sizeof(path), dir, name, &e) != 0) {
		judge(o, &e);
		return;
	}
	if (!file_exists(path))
		problem(o, "derived: missing: %s", name);
	else if (digest_file(path, LIMIT_DOCUMENT, &have, &size, &e) != 0)
		judge(o, &e);
	else if (!digest_equal(&have, &want))
		problem(o, "derived: changed: %s", name);
}

static void
check_derived(struct outcome *o)
{
	const json_t *list = json_at(o->statement, "predicate.derived"), *one;
	size_t i;

	if (opt_no_derived)
		return;
	json_array_foreach(list, i, one) check_one_derived(
	    o, opt_derived != NULL ? opt_derived : o->dir, one);
}

/* --- saying it ----------------------------------------------------------- */

static void
field(const char *name, const char *text)
{
	char line[2048];

	text_escape(text, strlen(text), line, sizeof(line));
	printf("  %-11s %s\n", name, line);
}

static const char *
member(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	return s != NULL ? s : "-";
}

static const char *
age_text(const json_t *statement, char *out, size_t size)
{
	int64_t age;

	if (age_of(statement, &age))
		snprintf(out, size, "%s (%" PRId64 " days ago)",
		    member(statement, "predicate.run.auditedAt"), age / 86400);
	else
		snprintf(out, size, "unknown");
	return out;
}

/* Only what is signed is printed, and only when the signature holds. */
static void
print_text(const struct outcome *o, const struct keys *k)
{
	const json_t *s = o->statement;
	char room[256];

	printf("%s\n", o->failed       ? "NOT VERIFIED"
		       : o->incomplete ? "NOT COMPLETED"
				       : "verified");
	snprintf(room, sizeof(room), "%s (%s)", k->id, keys_kind_name(k->kind));
	field("key", room);
	if (s == NULL)
		return;
	field("verdict", member(s, "predicate.verdict"));
	field("subject", member(s, "subject.0.name"));
	field("contents", member(s, "subject.0.digest.sha256"));
	field("dirHash", member(s, "subject.0.digest.dirHash1"));
	field("audited", age_text(s, room, sizeof(room)));
	field("version", member(s, "predicate.tool.version"));
	field("files",
	    opt_bundle != NULL ? "checked" : "not checked: no --bundle");
	field("derived", opt_no_derived ? "not checked" : "checked");
	if (strcmp(member(s, "predicate.verdict"), "PASSED") != 0)
		printf("\nThe report is about a model that did NOT pass: %s\n",
		    member(s, "predicate.verdict"));
}

static void
print_json(const struct outcome *o, const struct keys *k)
{
	static const char *const path[] = {
	    "predicate.verdict", "subject.0", "predicate.run.auditedAt"};
	static const char *const name[] = {"verdict", "subject", "auditedAt"};
	json_t *j = doc_new("assay-verify/1");
	int64_t age;

	json_put(j, "verified", json_boolean(!o->failed && !o->incomplete));
	json_put(j, "keyid", json_text(k->id));
	json_put(j, "algorithm", json_text(keys_kind_name(k->kind)));
	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		const json_t *v = json_at(o->statement, path[i]);

		json_put(
		    j, name[i], v != NULL ? json_deep_copy(v) : json_null());
	}
	if (age_of(o->statement, &age))
		json_put(j, "ageSeconds", json_integer(age));
	json_put(j, "bundleChecked", json_boolean(opt_bundle != NULL));
	json_put(j, "derivedChecked", json_boolean(!opt_no_derived));
	json_put(j, "problems", json_incref(o->problems));
	json_print(j);
	json_decref(j);
}

/* --- main ---------------------------------------------------------------- */

/* REPORT is the directory or the file in it. */
static int
locate(const char *report, struct outcome *o, char path[1200], struct err *e)
{
	size_t n;

	if (file_is_dir(report)) {
		if (snprintf(o->dir, sizeof(o->dir), "%s", report) >=
		    (int)sizeof(o->dir))
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "path too long");
		return file_join(path, 1200, o->dir, "audit.sigstore.json", e);
	}
	n = (size_t)(file_base(report) - report);
	if (strlen(report) >= 1200 || n >= sizeof(o->dir))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "path too long");
	memcpy(path, report, strlen(report) + 1);
	memcpy(o->dir, n != 0 ? report : ".", n != 0 ? n : 1);
	return 0;
}

static int
verify(const char *report, struct outcome *o)
{
	struct subject files;
	struct err e = {0};
	char path[1200];
	struct keys k;

	if (locate(report, o, path, &e) != 0 ||
	    keys_public(opt_key, &k, &e) != 0)
		return tool_fail(&e);
	check_signature(o, path, &k);
	if (o->statement != NULL &&
	    check_statement(o->statement, &files, &e) != 0) {
		judge(o, &e);
		json_decref(o->statement);
		o->statement = NULL;
	}
	if (o->statement != NULL) {
		check_policy(o);
		check_bundle(o, &files);
		check_derived(o);
		subject_release(&files);
	}
	if (opt_json)
		print_json(o, &k);
	else
		print_text(o, &k);
	keys_release(&k);
	return o->failed       ? TOOL_FLAGGED
	       : o->incomplete ? TOOL_INCOMPLETE
			       : TOOL_PASSED;
}

int
main(int argc, char **argv)
{
	struct outcome o = {0};
	int first, status;

	tool_name = tool.name;
	switch (opt_parse(&tool, argc, argv, &first)) {
	case OPT_DONE:
		return tool_end(TOOL_PASSED);
	case OPT_USAGE:
		return TOOL_USAGE;
	default:
		break;
	}
	if (opt_key == NULL)
		return opt_usage(&tool, "--key is required") == OPT_USAGE
			   ? TOOL_USAGE
			   : TOOL_INCOMPLETE;
	o.problems = json_array();
	status = verify(argv[first], &o);
	json_decref(o.problems);
	json_decref(o.statement);
	return tool_end(status);
}
