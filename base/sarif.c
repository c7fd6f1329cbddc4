/* SPDX-License-Identifier: MIT */
#include "base/sarif.h"

#include "base/finding.h"
#include "base/sarif_text.h"

#define SCHEMA                                                                 \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"  \
	"sarif-schema-2.1.0.json"

/* What is collected while the results are made. */
struct log {
	const struct sarif_in *in;
	json_t *rules, *rule_at; /* list; id to place in it */
	json_t *taxa;            /* edition to list of its ids that are used */
	json_t *known;           /* ids that are in such a list */
	json_t *artifact_at;     /* path to place among the artifacts */
	json_t *seen;            /* fingerprint without number, to count */
};

static enum finding_severity
severity_of(const json_t *j)
{
	enum finding_severity s;

	if (!finding_severity_parse(json_text_at(j, "severity"), &s))
		return SEVERITY_CRITICAL;
	return s;
}

/* --- text and places ----------------------------------------------------- */

static json_t *
artifact_location(const struct log *l, const char *path)
{
	const json_t *at = json_object_get(l->artifact_at, path);
	json_t *j = json_object();
	struct buf uri = {0};

	sarif_text_uri(path, &uri);
	json_put(j, "uri", json_text(buf_str(&uri)));
	buf_free(&uri);
	if (*path != '/')
		json_put(j, "uriBaseId", json_text("BUNDLE"));
	if (at != NULL)
		json_put(j, "index", json_integer(json_integer_value(at)));
	return j;
}

static void
logical_add(json_t *list, const char *kind, const char *name)
{
	json_t *j;

	if (*name == '\0')
		return;
	j = json_object();
	json_put(j, "fullyQualifiedName", json_inert(name));
	json_put(j, "kind", json_text(kind));
	json_add(list, j);
}

static json_t *
location(const struct log *l, const json_t *f)
{
	const json_t *offset = json_object_get(f, "offset");
	json_t *j = json_object(), *physical = json_object();
	json_t *logical = json_array(), *region;

	json_put(physical, "artifactLocation",
	    artifact_location(l, json_text_at(f, "path")));
	/* the offset of a member is not one of the file */
	if (offset != NULL && json_object_get(f, "member") == NULL) {
		region = json_object();
		json_put(region, "byteOffset",
		    json_integer(json_integer_value(offset)));
		json_put(physical, "region", region);
	}
	json_put(j, "physicalLocation", physical);
	logical_add(logical, "resource", json_text_at(f, "member"));
	logical_add(logical, "object", json_text_at(f, "tensor"));
	if (json_array_size(logical) != 0)
		json_put(j, "logicalLocations", json_incref(logical));
	json_decref(logical);
	return j;
}

/* --- rules and taxonomies ------------------------------------------------ */

static const char *
level_of(enum finding_severity s)
{
	if (s >= SEVERITY_HIGH)
		return "error";
	return s == SEVERITY_MEDIUM ? "warning" : "note";
}

static void
use_taxon(struct log *l, const char *id, const char *of)
{
	const json_t *known = taxonomy_id(l->in->taxonomy, id);
	json_t *list = json_object_get(l->taxa, of), *taxon, *more;

	if (json_object_get(l->known, id) != NULL)
		return;
	json_put(l->known, id, json_true());
	if (list == NULL) {
		list = json_array();
		json_put(l->taxa, of, list);
	}
	taxon = json_object();
	json_put(taxon, "id", json_text(id));
	json_put(taxon, "name", json_text(json_text_at(known, "name")));
	json_put(taxon, "shortDescription",
	    sarif_text_message(json_text_at(known, "name")));
	if (json_object_get(known, "supersededBy") != NULL) {
		more = json_object();
		json_put(more, "supersededBy",
		    json_text(json_text_at(known, "supersededBy")));
		json_put(taxon, "properties", more);
	}
	json_add(list, taxon);
}

/* By name: an index would be one into the tool's extensions (3.54.4). */
static json_t *
relationship(const char *id, const char *of)
{
	json_t *j = json_object(), *target = json_object();
	json_t *component = json_object(), *kinds = json_array();

	json_put(component, "name", json_text(of));
	json_put(target, "id", json_text(id));
	json_put(target, "toolComponent", component);
	json_add(kinds, json_text("relevant"));
	json_put(j, "target", target);
	json_put(j, "kinds", kinds);
	return j;
}

/* Relationships of a rule, and tags that code hosts know. */
static void
rule_taxa(struct log *l, const json_t *rule, json_t *out, json_t *tags)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach(json_object_get(rule, "taxa"), i, one)
	{
		const char *id = json_string_value(one), *of;
		char tag[64];

		if (id == NULL || l->in->taxonomy == NULL ||
		    taxonomy_id(l->in->taxonomy, id) == NULL)
			continue;
		of = json_text_at(taxonomy_id(l->in->taxonomy, id), "of");
		use_taxon(l, id, of);
		json_add(list, relationship(id, of));
		if (strncmp(id, "CWE-", 4) != 0)
			continue;
		snprintf(tag, sizeof(tag), "external/cwe/cwe-%.20s", id + 4);
		json_add(tags, json_text(tag));
	}
	if (json_array_size(list) != 0)
		json_put(out, "relationships", json_incref(list));
	json_decref(list);
}

static void
rule_help(const json_t *rule, json_t *out)
{
	const char *text = json_text_at(rule, "explanation");
	struct buf b = {0};

	if (*text != '\0') {
		json_t *full = json_object();

		json_put(full, "text", json_text(text));
		json_put(out, "fullDescription", full);
		buf_printf(&b, "%s\n\n", text);
	}
	if (*json_text_at(rule, "fix") != '\0') {
		json_t *help = json_object();

		buf_printf(&b, "Fix: %s.", json_text_at(rule, "fix"));
		json_put(help, "text", json_text(buf_str(&b)));
		json_put(out, "help", help);
	}
	buf_free(&b);
}

static void
rule_properties(struct log *l, const json_t *rule, json_t *out)
{
	/* the bands that code hosts draw: 9, 7, 4, 0.1 */
	static const char *const score[] = {"0.0", "2.0", "5.5", "8.0", "9.5"};
	const char *sure = json_text_at(rule, "confidence");
	json_t *more = json_object(), *tags = json_array();

	json_add(tags, json_text("security"));
	rule_taxa(l, rule, out, tags);
	json_put(more, "tags", tags);
	json_put(
	    more, "security-severity", json_text(score[severity_of(rule)]));
	json_put(more, "severity", json_inert(json_text_at(rule, "severity")));
	if (*sure != '\0') {
		json_put(more, "precision", json_inert(sure));
		json_put(more, "confidence", json_inert(sure));
	}
	json_put(out, "properties", more);
}

/* The place of a finding's rule in the list; it is put there when it is new.
 * What the document has no rule for is described by its own summary. */
static json_int_t
rule_of(struct log *l, const json_t *f)
{
	const char *id = json_text_at(f, "id");
	const json_t *at = json_object_get(l->rule_at, id);
	const json_t *rule =
	    json_object_get(json_object_get(l->in->doc, "rules"), id);
	json_t *out, *config;

	if (at != NULL)
		return json_integer_value(at);
	if (rule == NULL)
		rule = f;
	out = json_object();
	config = json_object();
	json_put(out, "id", json_inert(id));
	json_put(out, "shortDescription",
	    sarif_text_message(json_text_at(rule, "summary")));
	rule_help(rule, out);
	json_put(config, "level", json_text(level_of(severity_of(rule))));
	json_put(out, "defaultConfiguration", config);
	rule_properties(l, rule, out);
	json_put(l->rule_at, id,
	    json_integer((json_int_t)json_array_size(l->rules)));
	json_add(l->rules, out);
	return (json_int_t)json_array_size(l->rules) - 1;
}

static json_t *
taxonomies(const struct log *l)
{
	json_t *out = json_array(), *list;
	const char *key;

	json_object_foreach(l->taxa, key, list)
	{
		const json_t *ed = taxonomy_edition(l->in->taxonomy, key);
		json_t *j = json_object();

		json_put(j, "name", json_text(key));
		json_put(j, "fullName", json_text(json_text_at(ed, "name")));
		json_put(j, "organization",
		    json_text(json_text_at(ed, "organization")));
		json_put(j, "version", json_text(json_text_at(ed, "version")));
		json_put(
		    j, "informationUri", json_text(json_text_at(ed, "uri")));
		json_put(j, "isComprehensive", json_false());
		json_put(j, "taxa", json_incref(list));
		json_add(out, j);
	}
	return out;
}

/* --- results ------------------------------------------------------------- */

static json_t *
result_message(const json_t *f)
{
	json_t *j = json_object();
	struct buf b = {0};

	sarif_text_add(&b, json_text_at(f, "summary"));
	if (*json_text_at(f, "detail") != '\0') {
		buf_puts(&b, ": ");
		sarif_text_add(&b, json_text_at(f, "detail"));
	}
	if (*json_text_at(f, "member") != '\0') {
		buf_puts(&b, "; in ");
		sarif_text_add(&b, json_text_at(f, "member"));
	}
	json_put(j, "text", json_text(buf_str(&b)));
	buf_free(&b);
	return j;
}

/* Of what and where, without offsets and numbers, which move when something
 * else in the file changes; findings alike in these are numbered. */
static json_t *
fingerprints(struct log *l, const json_t *f)
{
	static const char *const part[] = {"id", "path", "member", "tensor"};
	json_t *j = json_object();
	json_int_t nth;
	struct digest_ctx c;
	struct digest d;
	char hex[DIGEST_HEX], text[DIGEST_HEX + 24];

	digest_begin(&c);
	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		digest_update(&c, json_text_at(f, part[i]),
		    strlen(json_text_at(f, part[i])) + 1);
	digest_end(&c, &d);
	digest_hex(&d, hex);
	nth = json_integer_value(json_object_get(l->seen, hex)) + 1;
	json_put(l->seen, hex, json_integer(nth));
	snprintf(text, sizeof(text), "%s:%" JSON_INTEGER_FORMAT, hex, nth);
	json_put(j, "assayFinding/v1", json_text(text));
	return j;
}

static json_t *
suppressions(const json_t *waived)
{
	json_t *list = json_array(), *one = json_object();
	json_t *more = json_object();

	json_put(one, "kind", json_text("external"));
	json_put(one, "status", json_text("accepted"));
	json_put(
	    one, "justification", json_inert(json_text_at(waived, "reason")));
	json_put(more, "expires", json_inert(json_text_at(waived, "expires")));
	json_put(one, "properties", more);
	json_add(list, one);
	return list;
}

static json_t *
result_properties(const json_t *f)
{
	static const char *const part[] = {"severity", "was", "changed",
	    "confidence", "member", "tensor", "offset"};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		json_t *v = json_object_get(f, part[i]);

		if (v != NULL)
			json_put(j, part[i], json_inert_copy(v));
	}
	return j;
}

static json_t *
result(struct log *l, const json_t *f)
{
	const json_t *waived = json_object_get(f, "waived");
	json_t *j = json_object(), *places = json_array();

	json_put(j, "ruleId", json_inert(json_text_at(f, "id")));
	json_put(j, "ruleIndex", json_integer(rule_of(l, f)));
	json_put(j, "kind", json_text("fail"));
	json_put(j, "level", json_text(level_of(severity_of(f))));
	json_put(j, "message", result_message(f));
	if (*json_text_at(f, "path") != '\0')
		json_add(places, location(l, f));
	json_put(j, "locations", places);
	json_put(j, "partialFingerprints", fingerprints(l, f));
	if (waived != NULL)
		json_put(j, "suppressions", suppressions(waived));
	json_put(j, "properties", result_properties(f));
	return j;
}

static json_t *
results(struct log *l)
{
	json_t *out = json_array(), *f;
	size_t i;

	json_array_foreach(json_object_get(l->in->doc, "findings"), i, f)
	    json_add(out, result(l, f));
	return out;
}

/* --- the rest of a run --------------------------------------------------- */

static json_t *
artifacts(struct log *l)
{
	json_t *out = json_array(), *f;
	size_t i;

	json_array_foreach(json_object_get(l->in->doc, "files"), i, f)
	{
		json_t *j = json_object(), *hashes = json_object();
		json_t *more = json_object(), *roles = json_array();
		const char *path = json_text_at(f, "path");

		json_put(l->artifact_at, path, json_integer((json_int_t)i));
		json_put(j, "location", artifact_location(l, path));
		json_put(j, "length",
		    json_integer(
			json_integer_value(json_object_get(f, "size"))));
		json_put(
		    hashes, "sha-256", json_text(json_text_at(f, "sha256")));
		json_put(j, "hashes", hashes);
		json_add(roles, json_text("analysisTarget"));
		json_put(j, "roles", roles);
		json_put(more, "format", json_text(json_text_at(f, "format")));
		json_put(j, "properties", more);
		json_add(out, j);
	}
	return out;
}

static void
notify(json_t *list, const char *id, const char *level, const char *text)
{
	json_t *j = json_object(), *what = json_object();

	json_put(what, "id", json_text(id));
	json_put(j, "descriptor", what);
	json_put(j, "level", json_text(level));
	json_put(j, "message", sarif_text_message(text));
	json_add(list, j);
}

static json_t *
notifications(const struct log *l)
{
	json_t *list = json_array(), *one;
	char text[256];
	size_t i;

	if (!json_is_true(json_object_get(l->in->doc, "complete")))
		notify(list, "INCOMPLETE", "error",
		    "Not everything was looked at to its end: that nothing was "
		    "found there means nothing.");
	json_array_foreach(json_at(l->in->doc, "policy.entries"), i, one)
	{
		if (strcmp(json_text_at(one, "state"), "expired") != 0)
			continue;
		snprintf(text, sizeof(text),
		    "The policy's entry for %.60s expired on %.10s and was not "
		    "applied.",
		    json_text_at(one, "id"), json_text_at(one, "expires"));
		notify(list, "POLICY_EXPIRED", "warning", text);
	}
	return list;
}

static json_t *
invocation(const struct log *l)
{
	static const char *const meaning[] = {"nothing counts", "flagged",
	    "incomplete", "nothing to look at", "usage"};
	json_t *list = json_array(), *j = json_object();
	int status = l->in->status;

	json_put(j, "executionSuccessful",
	    json_boolean(
		json_is_true(json_object_get(l->in->doc, "complete"))));
	json_put(j, "exitCode", json_integer(status));
	if (status >= 0 && (size_t)status < ARRAY_LEN(meaning))
		json_put(j, "exitCodeDescription", json_text(meaning[status]));
	json_put(j, "toolExecutionNotifications", notifications(l));
	json_add(list, j);
	return list;
}

static json_t *
notification_rules(void)
{
	static const char *const rule[][2] = {
	    {"INCOMPLETE", "Something was not looked at to its end"},
	    {"POLICY_EXPIRED", "An entry of the policy has expired"}};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(rule); i++) {
		json_t *j = json_object();

		json_put(j, "id", json_text(rule[i][0]));
		json_put(j, "shortDescription", sarif_text_message(rule[i][1]));
		json_add(list, j);
	}
	return list;
}

static json_t *
driver(const struct log *l)
{
	const json_t *tool = json_object_get(l->in->doc, "tool");
	json_t *j = json_object(), *supported = json_array(), *list;
	const char *key;

	json_put(j, "name", json_text(json_text_at(tool, "name")));
	json_put(j, "version", json_text(json_text_at(tool, "version")));
	json_put(
	    j, "semanticVersion", json_text(json_text_at(tool, "version")));
	json_put(j, "rules", json_incref(l->rules));
	json_put(j, "notifications", notification_rules());
	json_object_foreach(l->taxa, key, list)
	{
		json_t *one = json_object();

		json_put(one, "name", json_text(key));
		json_add(supported, one);
	}
	json_put(j, "supportedTaxonomies", supported);
	return j;
}

static json_t *
run(struct log *l)
{
	json_t *j = json_object(), *tool = json_object();
	json_t *bases = json_object(), *base = json_object();
	json_t *more = json_object(), *v;

	/* in this order: results collect rules, rules collect taxa */
	json_put(j, "artifacts", artifacts(l));
	json_put(j, "results", results(l));
	json_put(tool, "driver", driver(l));
	json_put(j, "tool", tool);
	json_put(j, "taxonomies", taxonomies(l));
	json_put(j, "invocations", invocation(l));
	json_put(base, "description", sarif_text_message("what was looked at"));
	json_put(bases, "BUNDLE", base);
	json_put(j, "originalUriBaseIds", bases);
	json_put(j, "columnKind", json_text("unicodeCodePoints"));
	if ((v = json_object_get(l->in->doc, "policy")) != NULL)
		json_put(more, "policy", json_incref(v));
	if ((v = json_object_get(l->in->doc, "taxonomy")) != NULL)
		json_put(more, "taxonomy", json_incref(v));
	json_put(j, "properties", more);
	return j;
}

json_t *
sarif_log(const struct sarif_in *in)
{
	struct log l = {in, json_array(), json_object(), json_object(),
	    json_object(), json_object(), json_object()};
	json_t *j = json_object(), *runs = json_array();

	json_put(j, "$schema", json_text(SCHEMA));
	json_put(j, "version", json_text("2.1.0"));
	json_add(runs, run(&l));
	json_put(j, "runs", runs);
	json_decref(l.rules);
	json_decref(l.rule_at);
	json_decref(l.taxa);
	json_decref(l.known);
	json_decref(l.artifact_at);
	json_decref(l.seen);
	return j;
}
