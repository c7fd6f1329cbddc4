/* SPDX-License-Identifier: MIT
 * assay-verify: is this report what the holder of the key signed, and is
 * this the bundle that it is about?
 */
#define _GNU_SOURCE /* timegm, strptime */
#include "report/checks.h"
#include "report/outcome.h"
#include "report/verify_files.h"
#include "report/verify_statement.h"
#include "report/waive.h"

#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/text.h"
#include "base/tool.h"

#include <stdarg.h>
#include <time.h>

static struct trust trust;
static const char *opt_bundle, *opt_derived, *opt_pae, *opt_sig;
static const char *opt_version, *opt_ruleset;
static uint64_t opt_max_age;
static bool opt_pass, opt_no_derived, opt_json;

static const struct opt options[] = {
    {.name = "key",
	.letter = 'k',
	.kind = OPT_STR,
	.dest = &trust.key,
	.arg = "FILE",
	.help = "the auditor's public key, PEM"},
    {.name = "ca",
	.kind = OPT_STR,
	.dest = &trust.ca,
	.arg = "FILE",
	.help = "or: trust certificates of these authorities, PEM"},
    {.name = "identity",
	.kind = OPT_STR,
	.dest = &trust.identity,
	.arg = "NAME",
	.help = "with --ca: the e-mail or URI that the certificate is for"},
    {.name = "chain",
	.kind = OPT_STR,
	.dest = &trust.between,
	.arg = "FILE",
	.help = "with --ca: certificates between, PEM"},
    {.name = "tsa-ca",
	.kind = OPT_STR,
	.dest = &trust.tsa,
	.arg = "FILE",
	.help = "require a timestamp by one of these authorities, PEM"},
    {.name = "bundle",
	.letter = 'b',
	.kind = OPT_STR,
	.dest = &opt_bundle,
	.arg = "PATH",
	.help = "also check these files: a directory, a case, or the archive"},
    {.name = "derived",
	.letter = 'd',
	.kind = OPT_STR,
	.dest = &opt_derived,
	.arg = "DIR",
	.help =
	    "where report.html and the like are (default: beside the report)"},
    {.name = "no-derived",
	.kind = OPT_FLAG,
	.dest = &opt_no_derived,
	.help = "do not check derived files"},
    {.name = "require-pass",
	.letter = 'p',
	.kind = OPT_FLAG,
	.dest = &opt_pass,
	.help = "fail unless the verdict is PASSED"},
    {.name = "max-age",
	.kind = OPT_U64,
	.dest = &opt_max_age,
	.arg = "DAYS",
	.help = "fail when the audit is older",
	.max = 36500,
	.min = 1},
    {.name = "min-version",
	.kind = OPT_STR,
	.dest = &opt_version,
	.arg = "VERSION",
	.help = "fail when an older version of the tools made it"},
    {.name = "ruleset",
	.kind = OPT_STR,
	.dest = &opt_ruleset,
	.arg = "SHA256",
	.help = "fail when it is of another set of rules"},
    {.name = "pae",
	.kind = OPT_STR,
	.dest = &opt_pae,
	.arg = "FILE",
	.help = "write the bytes that were signed, for openssl"},
    {.name = "sig",
	.kind = OPT_STR,
	.dest = &opt_sig,
	.arg = "FILE",
	.help = "write the signature, for openssl"},
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &opt_json,
	.help = "print the result as JSON"},
    {0},
};

static const struct opt_tool tool = {
    .name = "assay-verify",
    .summary = "check the signature of a report and what it is about",
    .operands = "REPORT --key FILE|--ca FILE [--bundle PATH] [options]",
    .table = options,
    .min_operands = 1,
    .max_operands = 1,
};

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

/* The bytes that were verified are those that are read, here and later. */
static int
take_payload(struct outcome *o, const struct dsse *d, struct err *e)
{
	int rc =
	    json_read_strict(d->payload.ptr, d->payload.len, &o->statement, e);

	if (rc != 0)
		return err_wrap(e, "payload");
	buf_append(&o->payload, d->payload.ptr, d->payload.len);
	return 0;
}

/* Envelope, signature, then, and only then, the payload. */
static void
check_signature(struct outcome *o, const char *path)
{
	struct err e = {0};
	struct file_map m;
	struct dsse d;
	int rc;

	if (file_map(path, LIMIT_DOCUMENT, &m, &e) != 0) {
		outcome_judge(o, &e);
		return;
	}
	rc = dsse_read(m.ptr != NULL ? (const char *)m.ptr : "", m.len, &d, &e);
	file_unmap(&m);
	if (rc == 0) {
		rc = write_exports(&d, &e);
		if (rc == 0)
			rc = trust_check(&trust, &d, &o->who, &e);
		if (rc == 0)
			rc = take_payload(o, &d, &e);
		dsse_release(&d);
	}
	if (rc != 0) {
		if (e.path[0] == '\0')
			err_in(&e, path);
		outcome_judge(o, &e);
	}
}

/* --- policy --------------------------------------------------------------- */

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

/* Dotted numbers: 0.10 is after 0.9; what is no number counts as 0. */
static int
compare_versions(const char *a, const char *b)
{
	for (int part = 0; part < 4; part++) {
		char *ea, *eb;
		unsigned long na = strtoul(a, &ea, 10);
		unsigned long nb = strtoul(b, &eb, 10);

		if (na != nb)
			return na < nb ? -1 : 1;
		a = *ea == '.' ? ea + 1 : "";
		b = *eb == '.' ? eb + 1 : "";
	}
	return 0;
}

static void
check_tool(struct outcome *o)
{
	const char *version =
	    json_string_value(json_at(o->statement, "predicate.tool.version"));
	const char *rules = json_string_value(
	    json_at(o->statement, "predicate.ruleset.digest.sha256"));

	if (opt_version != NULL &&
	    (version == NULL || compare_versions(version, opt_version) < 0))
		outcome_problem(o,
		    "tool.version: version %s of the tools made it, %s is "
		    "required",
		    version != NULL ? version : "-", opt_version);
	if (opt_ruleset != NULL &&
	    (rules == NULL || strcmp(rules, opt_ruleset) != 0))
		outcome_problem(o,
		    "ruleset.digest: it is of another set of rules: %s",
		    rules != NULL ? rules : "-");
}

/* What a waiver let pass is accepted until a day, and that may be over. */
static void
check_waivers(struct outcome *o)
{
	const json_t *p = json_at(o->statement, "predicate");
	const json_t *list = json_at(p, "findings"), *one;
	enum finding_severity fail_at =
	    waive_fail_at(json_at(p, "policy.given"));
	time_t now = time(NULL);
	char today[16] = "";
	struct tm tm;
	size_t i;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(today, sizeof(today), "%Y-%m-%d", &tm) != 10)
		return;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *until = json_text_at(one, "waived.expires");

		if (*until == '\0' || strcmp(until, today) >= 0 ||
		    checks_severity(one) < fail_at)
			continue;
		if (opt_pass)
			outcome_problem(o,
			    "findings.%zu: the waiver of %.60s expired on "
			    "%.10s",
			    i, json_text_at(one, "id"), until);
		else
			tool_warn("the waiver of %.60s expired on %.10s",
			    json_text_at(one, "id"), until);
	}
}

static void
check_policy(struct outcome *o)
{
	const char *verdict =
	    json_string_value(json_at(o->statement, "predicate.verdict"));
	int64_t age;

	if (opt_pass && strcmp(verdict, "PASSED") != 0)
		outcome_problem(
		    o, "verdict: it is %s, PASSED is required", verdict);
	check_tool(o);
	check_waivers(o);
	/* who signs cannot have known what was audited later */
	if (o->who.by_tsa && age_of(o->statement, &age) &&
	    (int64_t)time(NULL) - age > o->who.time + 86400)
		outcome_problem(o,
		    "run.auditedAt: the audit is dated after its signature "
		    "was stamped");
	if (opt_max_age == 0)
		return;
	if (!age_of(o->statement, &age))
		outcome_problem(
		    o, "run.auditedAt does not say when the audit was");
	else if (age > (int64_t)opt_max_age * 86400)
		outcome_problem(o,
		    "run.auditedAt: the audit is %" PRId64 " days old",
		    age / 86400);
	else if (age < -86400)
		outcome_problem(
		    o, "run.auditedAt: the audit is dated in the future");
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
		snprintf(out, size, "%s (%" PRId64 " days %s)",
		    member(statement, "predicate.run.auditedAt"),
		    (age < 0 ? -age : age) / 86400,
		    age < 0 ? "from now: one of two clocks is wrong" : "ago");
	else
		snprintf(out, size, "unknown");
	return out;
}

static const char *
stamp_text(const struct trusted *t, char *out, size_t size)
{
	time_t when = (time_t)t->time;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "unknown";
	if (!t->by_tsa)
		snprintf(out + strlen(out), size - strlen(out),
		    " (not checked: no --tsa-ca)");
	return out;
}

/* What came of a part that was looked at; its problems begin with its name. */
static const char *
part_text(const struct outcome *o, const char *part)
{
	const json_t *one;
	size_t i;

	json_array_foreach(o->problems, i, one)
	{
		if (strncmp(json_string_value(one), part, strlen(part)) == 0)
			return "do NOT match";
	}
	return o->incomplete ? "not completed" : "checked";
}

/* Only what is signed is printed, and only when the signature holds. */
static void
print_text(const struct outcome *o)
{
	const struct keys *k = &o->who.key;
	const json_t *s = o->statement, *one;
	char room[256];
	size_t i;

	printf("%s\n", o->failed       ? "NOT VERIFIED"
		       : o->incomplete ? "NOT COMPLETED"
				       : "verified");
	if (k->id[0] != '\0') {
		snprintf(room, sizeof(room), "%s (%s)", k->id,
		    keys_kind_name(k->kind));
		field("key", room);
	}
	if (s == NULL)
		return;
	if (trust.ca != NULL)
		field("identity", trust.identity);
	field("verdict", member(s, "predicate.verdict"));
	field("subject", member(s, "subject.0.name"));
	field("contents", member(s, "subject.0.digest.sha256"));
	field("dirHash", member(s, "subject.0.digest.dirHash1"));
	field("audited", age_text(s, room, sizeof(room)));
	if (o->who.stamped)
		field("stamped", stamp_text(&o->who, room, sizeof(room)));
	field("version", member(s, "predicate.tool.version"));
	field("files", opt_bundle != NULL ? part_text(o, "bundle: ")
					  : "not checked: no --bundle");
	field("derived",
	    opt_no_derived ? "not checked" : part_text(o, "derived: "));
	json_array_foreach(o->beside, i, one)
	    field("not signed", json_string_value(one));
	if (strcmp(member(s, "predicate.verdict"), "PASSED") != 0)
		printf("\nThe report is about a model that did NOT pass: %s\n",
		    member(s, "predicate.verdict"));
}

static void
print_json(const struct outcome *o)
{
	const struct keys *k = &o->who.key;
	static const char *const path[] = {
	    "predicate.verdict", "subject.0", "predicate.run.auditedAt"};
	static const char *const name[] = {"verdict", "subject", "auditedAt"};
	json_t *j = doc_new("assay-verify/1");
	int64_t age;

	json_put(j, "verified", json_boolean(!o->failed && !o->incomplete));
	json_put(j, "keyid", k->id[0] != '\0' ? json_text(k->id) : json_null());
	json_put(j, "algorithm",
	    k->id[0] != '\0' ? json_text(keys_kind_name(k->kind))
			     : json_null());
	json_put(j, "identity",
	    trust.ca != NULL && o->statement != NULL ? json_text(trust.identity)
						     : json_null());
	if (o->who.stamped) {
		json_put(j, "stampedAt", json_integer(o->who.time));
		json_put(j, "stampTrusted", json_boolean(o->who.by_tsa));
	}
	for (size_t i = 0; i < ARRAY_LEN(path); i++) {
		const json_t *v = json_at(o->statement, path[i]);

		json_put(
		    j, name[i], v != NULL ? json_deep_copy(v) : json_null());
	}
	if (age_of(o->statement, &age))
		json_put(j, "ageSeconds", json_integer(age));
	json_put(j, "bundleChecked", json_boolean(opt_bundle != NULL));
	json_put(j, "derivedChecked", json_boolean(!opt_no_derived));
	json_put(j, "notSigned", json_incref(o->beside));
	json_put(j, "problems", json_incref(o->problems));
	json_print(j);
	json_decref(j);
}

/* --- main ---------------------------------------------------------------- */

/* Why there is no signature in a folder, where that is easily said. */
static void
explain_none(const char *dir, const char *path)
{
	char beside[1200];
	struct err e;

	if (file_exists(path))
		return;
	if (file_join(beside, sizeof(beside), dir, "statement.json", &e) == 0 &&
	    file_exists(beside))
		tool_warn("%s: the report is not signed", dir);
	else if (file_join(beside, sizeof(beside), dir, "report", &e) == 0 &&
		 file_is_dir(beside))
		tool_warn("%s: a case, its report is %s", dir, beside);
}

/* REPORT is the directory or the file in it. */
static int
locate(const char *report, struct outcome *o, char path[1200], struct err *e)
{
	size_t n;
	int rc;

	if (file_is_dir(report)) {
		if (snprintf(o->dir, sizeof(o->dir), "%s", report) >=
		    (int)sizeof(o->dir))
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "path too long");
		rc = file_join(path, 1200, o->dir, "audit.sigstore.json", e);
		if (rc == 0)
			explain_none(o->dir, path);
		return rc;
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

	if (locate(report, o, path, &e) != 0 ||
	    trust_open(&trust, &o->who, &e) != 0) {
		trust_release(&o->who);
		return tool_fail(&e);
	}
	check_signature(o, path);
	if (o->statement != NULL &&
	    verify_statement(o->statement, &files, &e) != 0) {
		outcome_judge(o, &e);
		json_decref(o->statement);
		o->statement = NULL;
	}
	if (o->statement != NULL) {
		check_policy(o);
		if (opt_bundle != NULL)
			verify_bundle(o, &files, opt_bundle);
		if (!opt_no_derived)
			verify_derived(o, &files,
			    opt_derived != NULL ? opt_derived : o->dir);
		subject_release(&files);
	}
	if (opt_json)
		print_json(o);
	else
		print_text(o);
	trust_release(&o->who);
	return o->failed       ? TOOL_FLAGGED
	       : o->incomplete ? TOOL_INCOMPLETE
			       : TOOL_PASSED;
}

static const char *
bad_options(void)
{
	if ((trust.key != NULL) == (trust.ca != NULL))
		return "--key, or --ca with --identity, is required";
	if (trust.ca != NULL && trust.identity == NULL)
		return "--ca says who may vouch: --identity says for whom";
	if (trust.ca == NULL &&
	    (trust.identity != NULL || trust.between != NULL))
		return "--identity and --chain go with --ca";
	if ((opt_pae != NULL && file_is_stdout(opt_pae)) ||
	    (opt_sig != NULL && file_is_stdout(opt_sig)))
		return "--pae and --sig want files: the result is what goes to "
		       "standard output";
	if (opt_ruleset != NULL &&
	    !digest_parse(opt_ruleset, &(struct digest){0}))
		return "--ruleset wants 64 hexadecimal digits in lower case";
	/* what is no version would be older than any */
	if (opt_version != NULL &&
	    (strspn(opt_version, "0123456789") == 0 ||
		opt_version[strspn(opt_version, "0123456789.")] != '\0'))
		return "--min-version wants numbers with dots, as 0.1.0";
	return NULL;
}

int
main(int argc, char **argv)
{
	struct outcome o = {0};
	const char *why;
	int first, status;

	switch (opt_parse(&tool, argc, argv, &first)) {
	case OPT_DONE:
		return tool_end(TOOL_PASSED);
	case OPT_USAGE:
		return TOOL_USAGE;
	default:
		break;
	}
	if ((why = bad_options()) != NULL && opt_usage(&tool, "%s", why) != 0)
		return TOOL_USAGE;
	o.problems = json_array();
	o.beside = json_array();
	status = verify(argv[first], &o);
	json_decref(o.problems);
	json_decref(o.beside);
	buf_free(&o.payload);
	json_decref(o.statement);
	return tool_end(status);
}
