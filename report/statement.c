/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* timegm family, gmtime_r */
#include "report/statement.h"

#include "report/scope.h"
#include "report/waive.h"

#include "base/finding.h"
#include "base/text.h"
#include "base/tool.h"

#include <sys/utsname.h>
#include <time.h>

/* The policy that is built in, in full: its digest is in every statement. */
static const char policy_name[] = "builtin:default";
static const char policy_text[] =
    "PASSED: inspected and scanned to the end, the scan says no-evidence, no "
    "finding is high or critical. FAILED: the scan says evidence, or a "
    "finding is high or critical. INCONCLUSIVE: all else. A policy that is "
    "given may require more for PASSED, and may say what FAILED is.";

static json_t *
digest_set(const struct digest *d)
{
	json_t *j = json_object();
	char hex[DIGEST_HEX];

	digest_hex(d, hex);
	json_put(j, "sha256", json_text(hex));
	return j;
}

static json_t *
policy_json(const struct checks_in *in)
{
	const json_t *given =
	    json_at(case_doc(in->docs, CASE_INSPECT), "policy");
	json_t *j = json_object();
	struct digest d;

	digest_mem(policy_text, strlen(policy_text), &d);
	json_put(j, "name", json_text(policy_name));
	json_put(j, "text", json_text(policy_text));
	json_put(j, "digest", digest_set(&d));
	if (given != NULL) {
		json_put(j, "given", checks_exact(given));
		/* the same audit on another day is the same audit */
		json_object_del(json_object_get(j, "given"), "date");
		waive_expire(NULL,
		    json_object_get(json_object_get(j, "given"), "entries"),
		    in->today);
	}
	return j;
}

/* The finding table is the rule set. */
static json_t *
ruleset_json(void)
{
	json_t *j = json_object();
	struct digest_ctx c;
	struct digest d;

	digest_begin(&c);
	for (size_t i = 0; i < FINDING_COUNT; i++) {
		const struct finding_info *f = &finding_table[i];
		const char *severity = finding_severity_name(f->severity);
		const char *sure = finding_confidence_name(f->confidence);

		digest_update(&c, f->name, strlen(f->name) + 1);
		digest_update(&c, severity, strlen(severity) + 1);
		digest_update(&c, sure, strlen(sure) + 1);
		digest_update(&c, f->summary, strlen(f->summary) + 1);
	}
	digest_end(&c, &d);
	json_put(j, "version", json_text(tool_version));
	json_put(j, "digest", digest_set(&d));
	return j;
}

static json_t *
resources_json(const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++) {
		json_t *one = json_object();
		char hex[DIGEST_HEX], size[24];

		digest_hex(&s->file[i].digest, hex);
		snprintf(size, sizeof(size), "%" PRIu64, s->file[i].size);
		json_put(one, "name", json_text(s->file[i].path));
		json_put(one, "digest", json_text(hex));
		json_put(one, "algorithm", json_text("sha256"));
		json_put(one, "size", json_text(size));
		json_add(list, one);
	}
	return list;
}

static json_t *
manifest_json(const struct checks_in *in)
{
	const json_t *doc = case_doc(in->docs, CASE_MANIFEST);
	json_t *j = json_object();

	json_put(j, "method", json_text("files"));
	json_put(j, "hashType", json_text("sha256"));
	json_put(j, "allowSymlinks", json_false());
	json_put(j, "ignorePaths", json_array());
	json_put(j, "container", checks_exact(json_at(doc, "container")));
	json_put(j, "refused", checks_exact(json_at(doc, "refused")));
	json_put(j, "resources", resources_json(&in->docs->files));
	return j;
}

static json_t *
tool_json(void)
{
	json_t *j = json_object();

	json_put(j, "name", json_text("assay"));
	json_put(j, "version", json_text(tool_version));
	return j;
}

/* The documents of the case, by digest; these include run times. */
static json_t *
documents_json(const struct case_docs *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < CASE_DOCS; i++) {
		const struct case_file *f = &c->file[i];
		json_t *one;

		if (f->doc == NULL)
			continue;
		one = json_object();
		json_put(one, "name", json_text(f->name));
		json_put(one, "digest", digest_set(&f->digest));
		json_put(one, "tool", checks_exact(json_at(f->doc, "tool")));
		json_put(
		    one, "inputs", checks_exact(json_at(f->doc, "inputs")));
		json_add(list, one);
	}
	return list;
}

/* Now, or what SOURCE_DATE_EPOCH says (reproducible-builds.org). */
static json_t *
time_json(void)
{
	const char *fixed = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds;
	time_t t = time(NULL);
	struct tm tm;
	char text[40];

	/* up to the year 9999: four digits, as RFC 3339 wants */
	if (fixed != NULL && text_parse_u64(fixed, 253402300799, &seconds))
		t = (time_t)seconds;
	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		BUG("gmtime_r");
	return json_text(text);
}

static json_t *
run_json(const struct checks_in *in)
{
	const json_t *scan = case_doc(in->docs, CASE_SCAN);
	const json_t *manifest = case_doc(in->docs, CASE_MANIFEST);
	json_t *run = json_object(), *host = json_object();
	struct utsname u;

	if (uname(&u) == 0) {
		json_put(host, "name", json_text(u.nodename));
		json_put(host, "system", json_text(u.sysname));
		json_put(host, "release", json_text(u.release));
		json_put(host, "machine", json_text(u.machine));
	}
	json_put(run, "auditedAt", time_json());
	json_put(run, "host", host);
	json_put(
	    run, "environment", checks_exact(json_at(scan, "environment")));
	json_put(run, "scan", checks_exact(json_at(scan, "run")));
	json_put(run, "sandbox", checks_exact(json_at(manifest, "sandbox")));
	return run;
}

static void
add_edition(json_t *list, const char *name, const char *version)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i,
	    one) if (strcmp(json_text_at(one, "name"), name) == 0 &&
		     strcmp(json_text_at(one, "version"), version) == 0) return;
	one = json_object();
	json_put(one, "name", json_text(name));
	json_put(one, "version", json_text(version));
	json_add(list, one);
}

/* Those of the inspection's ids and of our own, which need not be of one
 * file. */
static json_t *
taxonomies_json(const struct checks_in *in)
{
	json_t *seen = (json_t *)(uintptr_t)json_at(
	    case_doc(in->docs, CASE_INSPECT), "taxonomy.editions");
	json_t *list = json_array(), *one, *own = NULL;
	const char *key;

	json_object_foreach(seen, key, one)
	    add_edition(list, key, json_text_at(one, ""));
	if (in->taxonomy != NULL && in->taxonomy->doc != NULL)
		own = json_object_get(in->taxonomy->doc, "editions");
	if (in->scan != NULL && in->scan->ntarget != 0)
		json_object_foreach(own, key, one)
		    add_edition(list, key, json_text_at(one, "version"));
	return list;
}

int
statement_results(const json_t *p, struct digest *out, struct err *e)
{
	static const char *const part[] = {
	    "checks", "findings", "verdict", "manifest", "policy", "ruleset"};
	const char *version;
	struct buf b = {0};
	json_t *j;
	int rc;

	if ((rc = json_get_str(p, "tool.version", &version, e)) != 0)
		return rc;
	j = json_object();
	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		json_t *v = json_object_get(p, part[i]);

		if (v == NULL) {
			json_decref(j);
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "the predicate has no '%s'", part[i]);
		}
		json_put(j, part[i], json_incref(v));
	}
	json_put(j, "toolVersion", json_text(version));
	if ((rc = json_canonical(j, &b, e)) == 0)
		digest_mem(b.ptr, b.len, out);
	buf_free(&b);
	json_decref(j);
	return rc;
}

static json_t *
predicate_new(const struct checks_in *in)
{
	json_t *p = json_object(), *findings = checks_findings(in);
	json_t *checks = checks_list(in);
	const char *verdict = checks_verdict(in, findings, checks);
	struct digest d;
	struct err e = {0};

	json_put(p, "tool", tool_json());
	json_put(p, "policy", policy_json(in));
	json_put(p, "ruleset", ruleset_json());
	json_put(p, "taxonomies", taxonomies_json(in));
	json_put(p, "bundle",
	    checks_exact(
		case_input(case_doc(in->docs, CASE_MANIFEST), "bundle")));
	json_put(p, "manifest", manifest_json(in));
	json_put(p, "scope", scope_json(in));
	json_put(p, "checks", checks);
	json_put(p, "findings", findings);
	json_put(p, "verdict", json_text(verdict));
	json_put(p, "documents", documents_json(in->docs));
	json_put(p, "derived", json_array());
	json_put(p, "run", run_json(in));
	if (statement_results(p, &d, &e) != 0)
		BUG(e.msg);
	json_put(p, "resultsDigest", digest_set(&d));
	return p;
}

json_t *
statement_new(const struct checks_in *in)
{
	const json_t *bundle =
	    case_input(case_doc(in->docs, CASE_MANIFEST), "bundle");
	const char *name = json_string_value(json_at(bundle, "name"));
	json_t *j = json_object(), *list = json_array();
	json_t *subject = json_object(), *set;
	char hex[DIGEST_HEX];

	set = digest_set(&in->docs->files.root);
	digest_hex(&in->docs->files.dirhash, hex);
	json_put(set, "dirHash1", json_text(hex));
	json_put(subject, "name", json_text(name != NULL ? name : "bundle"));
	json_put(subject, "digest", set);
	json_add(list, subject);
	json_put(j, "_type", json_text(STATEMENT_TYPE));
	json_put(j, "subject", list);
	json_put(j, "predicateType", json_text(STATEMENT_PREDICATE));
	json_put(j, "predicate", predicate_new(in));
	return j;
}

void
statement_derive(json_t *statement, const char *name, const char *media_type,
    const struct digest *d)
{
	json_t *one = json_object();
	json_t *list =
	    json_object_get(json_object_get(statement, "predicate"), "derived");

	json_put(one, "name", json_text(name));
	json_put(one, "mediaType", json_text(media_type));
	json_put(one, "digest", digest_set(d));
	json_add(list, one);
}
