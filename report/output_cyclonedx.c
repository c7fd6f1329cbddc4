/* SPDX-License-Identifier: MIT
 * CycloneDX 1.6: the bundle as a machine-learning model with its files, and
 * what the audit declares about it (CDXA): each check a requirement, met by a
 * claim or contradicted by one.
 */
#include "report/output.h"

#include "report/checks.h"

#include "base/digest.h"

static json_t *
hashes(const char *sha256)
{
	json_t *list = json_array(), *h = json_object();

	json_put(h, "alg", json_text("SHA-256"));
	json_put(h, "content", json_text(sha256));
	json_add(list, h);
	return list;
}

static json_t *
files(const json_t *p)
{
	const json_t *list = json_at(p, "manifest.resources"), *one;
	json_t *out = json_array();
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		json_t *f = json_object();

		json_put(f, "type", json_text("file"));
		json_put(f, "name", json_text(output_text_at(one, "name")));
		json_put(f, "hashes", hashes(output_text_at(one, "digest")));
		json_add(out, f);
	}
	return out;
}

static void
metric(json_t *list, const char *type, const json_t *evidence, const char *path)
{
	const char *value = json_string_value(json_at(evidence, path));
	json_t *m;

	if (value == NULL)
		return;
	m = json_object();
	json_put(m, "type", json_text(type));
	json_put(m, "value", json_text(value));
	json_add(list, m);
}

/* What the scan measured of the model as it was delivered. */
static json_t *
model_card(const json_t *p)
{
	const json_t *scan =
	    json_at(checks_find(json_at(p, "checks"), "behaviour"), "evidence");
	json_t *card = json_object(), *all = json_object();
	json_t *metrics = json_array();

	metric(metrics, "accuracy on the auditor's images", scan,
	    "accuracy.suspect");
	metric(metrics, "backdoor score", scan, "score");
	json_put(all, "performanceMetrics", metrics);
	json_put(card, "quantitativeAnalysis", all);
	return card;
}

static json_t *
component(const json_t *s)
{
	const json_t *p = json_at(s, "predicate");
	json_t *c = json_object();

	json_put(c, "type", json_text("machine-learning-model"));
	json_put(c, "bom-ref", json_text("bundle"));
	json_put(c, "name", json_inert(output_text_at(s, "subject.0.name")));
	json_put(c, "version", json_text(""));
	json_put(c, "hashes", hashes(output_text_at(p, "bundle.sha256")));
	json_put(c, "modelCard", model_card(p));
	json_put(c, "components", files(p));
	return c;
}

/* --- declarations -------------------------------------------------------- */

static json_t *
refs(const char *one)
{
	json_t *list = json_array();

	json_add(list, json_text(one));
	return list;
}

/* One check: a requirement, a claim about it, and how far it holds. */
static void
declare(const json_t *check, json_t *claims, json_t *map, json_t *requirements)
{
	const char *status = output_text_at(check, "status");
	const char *id = output_text_at(check, "id");
	bool passed = strcmp(status, "PASSED") == 0;
	json_t *claim = json_object(), *m = json_object();
	json_t *r = json_object(), *conformance = json_object();
	struct buf ref = {0};

	buf_printf(&ref, "requirement/%s", id);
	json_put(r, "bom-ref", json_text(buf_str(&ref)));
	json_put(r, "identifier", json_text(id));
	json_put(r, "title", json_text(id));
	json_add(requirements, r);
	json_put(m, "requirement", json_text(buf_str(&ref)));
	ref.len = 0;
	buf_printf(&ref, "claim/%s", id);
	json_put(claim, "bom-ref", json_text(buf_str(&ref)));
	json_put(claim, "target", json_text("bundle"));
	json_put(claim, "predicate", json_text(status));
	json_put(claim, "reasoning",
	    json_text("the evidence is in the signed statement, under checks"));
	json_add(claims, claim);
	json_put(m, passed ? "claims" : "counterClaims", refs(buf_str(&ref)));
	json_put(conformance, "score", json_integer(passed ? 1 : 0));
	json_put(conformance, "rationale", json_text(status));
	json_put(m, "conformance", conformance);
	json_add(map, m);
	buf_free(&ref);
}

static json_t *
standard(const json_t *p, json_t *requirements)
{
	json_t *defs = json_object(), *list = json_array();
	json_t *one = json_object();

	json_put(one, "bom-ref", json_text("policy"));
	json_put(one, "name", json_text(output_text_at(p, "policy.name")));
	json_put(
	    one, "description", json_text(output_text_at(p, "policy.text")));
	json_put(one, "requirements", requirements);
	json_add(list, one);
	json_put(defs, "standards", list);
	return defs;
}

static json_t *
attestations(const json_t *p, json_t *map)
{
	json_t *list = json_array(), *a = json_object();

	json_put(a, "summary", json_text(output_text_at(p, "verdict")));
	json_put(a, "assessor", json_text("assessor"));
	json_put(a, "map", map);
	json_add(list, a);
	return list;
}

static void
declarations(const json_t *p, json_t *bom)
{
	json_t *d = json_object(), *claims = json_array(), *map = json_array();
	json_t *requirements = json_array(), *assessors = json_array();
	json_t *assessor = json_object();
	const json_t *list = json_at(p, "checks"), *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	    declare(one, claims, map, requirements);
	json_put(assessor, "bom-ref", json_text("assessor"));
	json_add(assessors, assessor);
	json_put(d, "assessors", assessors);
	json_put(d, "attestations", attestations(p, map));
	json_put(d, "claims", claims);
	json_put(bom, "declarations", d);
	json_put(bom, "definitions", standard(p, requirements));
}

/* A UUID (RFC 9562, version 8: by a rule of ours) from the results, so that
 * the same audit has the same serial number. */
static json_t *
serial(const json_t *p)
{
	const char *hex = output_text_at(p, "resultsDigest.sha256");
	struct digest d = {{0}};
	struct buf b = {0};
	json_t *j;

	if (!digest_parse(hex, &d))
		memset(&d, 0, sizeof(d));
	d.byte[6] = (uint8_t)((d.byte[6] & 0x0f) | 0x80);
	d.byte[8] = (uint8_t)((d.byte[8] & 0x3f) | 0x80);
	buf_puts(&b, "urn:uuid:");
	for (size_t i = 0; i < 16; i++)
		buf_printf(&b, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
		    d.byte[i]);
	j = json_text(buf_str(&b));
	buf_free(&b);
	return j;
}

static json_t *
metadata(const json_t *s)
{
	const json_t *p = json_at(s, "predicate");
	json_t *m = json_object(), *tools = json_object();
	json_t *list = json_array(), *tool = json_object();

	json_put(tool, "type", json_text("application"));
	json_put(tool, "name", json_text(output_text_at(p, "tool.name")));
	json_put(tool, "version", json_text(output_text_at(p, "tool.version")));
	json_add(list, tool);
	json_put(tools, "components", list);
	json_put(m, "timestamp", json_text(output_text_at(p, "run.auditedAt")));
	json_put(m, "tools", tools);
	json_put(m, "component", component(s));
	return m;
}

void
output_cyclonedx(const json_t *s, struct buf *b)
{
	const json_t *p = json_at(s, "predicate");
	json_t *bom = json_object();

	json_put(bom, "bomFormat", json_text("CycloneDX"));
	json_put(bom, "specVersion", json_text("1.6"));
	json_put(bom, "serialNumber", serial(p));
	json_put(bom, "version", json_integer(1));
	json_put(bom, "metadata", metadata(s));
	declarations(p, bom);
	json_pretty(bom, b);
	json_decref(bom);
}
