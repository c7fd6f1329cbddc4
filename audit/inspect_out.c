/* SPDX-License-Identifier: MIT */
#include "audit/inspect_out.h"

#include "audit/show.h"
#include "base/doc.h"
#include "base/file.h"
#include "base/map.h"
#include "base/sarif.h"
#include "base/text.h"
#include "base/tool.h"

/* --- before -------------------------------------------------------------- */

static int
not_within(const char *file, bool output, const char *const *path, size_t npath,
    bool is_case, struct err *e)
{
	char files[4096];
	int rc;

	for (size_t i = 0; file != NULL && i < npath; i++) {
		const char *top = path[i];

		if (is_case) {
			if ((rc = file_join(
				 files, sizeof(files), top, "files", e)) != 0)
				return rc;
			top = files;
		}
		/* a file that is to be looked at may be looked at again */
		if (output ? !file_is_dir(top) || !file_out_within(file, top)
			   : !file_within(file, top))
			continue;
		err_set(e, ERR_USAGE, ERR_NOWHERE,
		    output
			? "lies within what is to be inspected, which is not "
			  "written to"
			: "lies within what is to be inspected, which has no "
			  "say in how it is judged");
		return err_in(e, file);
	}
	return 0;
}

int
inspect_out_open(struct inspect_out *o, const char *const *path, size_t npath,
    bool is_case, struct err *e)
{
	struct err missing;
	int64_t now;
	int rc;

	policy_none(&o->policy);
	if ((rc = not_within(o->policy_path, false, path, npath, is_case, e)) !=
		0 ||
	    (rc = not_within(
		 o->taxonomy_path, false, path, npath, is_case, e)) != 0 ||
	    (rc = not_within(o->output_path, true, path, npath, is_case, e)) !=
		0 ||
	    (rc = rules_read(&o->rules, o->taxonomy_path, &missing, e)) != 0)
		return rc;
	if (missing.code != 0)
		tool_warn("findings go without taxonomy ids or explanation: "
			  "%s: %s",
		    missing.path, missing.msg);
	if (o->policy_path == NULL)
		return 0;
	if ((rc = policy_now(&now, e)) != 0)
		return rc;
	return policy_read(&o->policy, o->policy_path, now, e);
}

void
inspect_out_close(struct inspect_out *o)
{
	policy_release(&o->policy);
	rules_release(&o->rules);
}

/* --- verdicts ------------------------------------------------------------ */

struct worst {
	int counts, waived; /* severity, or -1 */
};

/* The worst that was found, and whether all of it was looked at. */
static const char *
verdict_of(const json_t *file, const struct worst *w)
{
	if (w->counts >= SEVERITY_HIGH)
		return w->counts == SEVERITY_CRITICAL ? "malicious"
						      : "suspicious";
	if (!json_is_true(json_object_get(file, "complete")))
		return "incomplete";
	if (w->waived >= SEVERITY_HIGH)
		return "waived";
	return json_is_true(json_object_get(file, "analysed")) ? "clean"
							       : "not-analysed";
}

static void
note_worst(struct worst *w, const json_t *f)
{
	enum finding_severity s = SEVERITY_CRITICAL;
	int *at =
	    json_object_get(f, "waived") != NULL ? &w->waived : &w->counts;

	if (!finding_severity_parse(json_text_at(f, "severity"), &s))
		s = SEVERITY_CRITICAL;
	*at = MAX(*at, (int)s);
}

static void
judge_files(const json_t *files, const json_t *findings)
{
	struct arena arena;
	struct worst *w;
	struct map at;
	json_t *one;
	size_t i, k;

	arena_init(&arena, SIZE_MAX);
	map_init(&at, &arena);
	w = arena_alloc(&arena, json_array_size(files) + 1, sizeof(*w));
	if (w == NULL)
		BUG("out of memory");
	json_array_foreach(files, i, one)
	{
		w[i] = (struct worst){-1, -1};
		if (map_put(&at, json_text_at(one, "path"), i) < 0)
			BUG("out of memory");
	}
	json_array_foreach(findings, i, one)
	{
		k = map_get(&at, json_text_at(one, "path"));
		if (k != SIZE_MAX)
			note_worst(&w[k], one);
	}
	json_array_foreach(files, i, one)
	{
		/* a path that was given twice */
		k = map_get(&at, json_text_at(one, "path"));
		json_put(one, "verdict", json_text(verdict_of(one, &w[k])));
	}
	arena_release(&arena);
}

/* --- afterwards ---------------------------------------------------------- */

/* What of the policy did nothing is said: it may be what was relied on. */
static void
say_entries(const json_t *entries)
{
	json_t *one;
	size_t i;

	json_array_foreach(entries, i, one)
	{
		const char *state = json_text_at(one, "state");

		if (strcmp(state, "expired") == 0)
			tool_warn("policy: %s of %s expired on %s and was not "
				  "applied",
			    json_text_at(one, "action"),
			    json_text_at(one, "id"),
			    json_text_at(one, "expires"));
		else if (strcmp(state, "unused") == 0)
			tool_note("policy: %s of %s fits no finding",
			    json_text_at(one, "action"),
			    json_text_at(one, "id"));
	}
}

static void
apply_policy(struct inspect_out *o, json_t *doc)
{
	struct digest d;
	json_t *p;

	if (o->policy.doc == NULL)
		return;
	policy_apply(&o->policy, json_object_get(doc, "findings"),
	    json_object_get(doc, "files"));
	p = policy_json(&o->policy);
	say_entries(json_object_get(p, "entries"));
	json_put(doc, "policy", p);
	if (!digest_parse(o->policy.sha256, &d))
		BUG("digest");
	doc_input(doc, "policy", o->policy_path, &d, o->policy.size);
}

int
inspect_out_judge(struct inspect_out *o, json_t *doc, bool nothing)
{
	const json_t *findings = json_object_get(doc, "findings");

	apply_policy(o, doc);
	judge_files(json_object_get(doc, "files"), findings);
	json_put(doc, "rules", rules_json(&o->rules, findings));
	if (o->rules.taxonomy.doc != NULL)
		json_put(doc, "taxonomy", taxonomy_json(&o->rules.taxonomy));
	return show_status_at(findings, o->policy.fail_at,
	    json_is_true(json_object_get(doc, "complete")), nothing);
}

void
inspect_out_text(const struct inspect_out *o, const json_t *doc, int status,
    bool sarif, struct buf *out)
{
	struct sarif_in in = {doc, &o->rules.taxonomy, status};
	json_t *log;

	if (!sarif) {
		json_pretty(doc, out);
		return;
	}
	log = sarif_log(&in);
	json_pretty(log, out);
	json_decref(log);
}
