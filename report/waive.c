/* SPDX-License-Identifier: MIT */
#include "report/waive.h"

#include "base/json.h"
#include "base/policy.h"

enum finding_severity
waive_fail_at(const json_t *policy)
{
	const char *name = json_string_value(json_at(policy, "fail-at"));
	enum finding_severity s;

	if (name == NULL || !finding_severity_parse(name, &s))
		return SEVERITY_HIGH;
	return s;
}

/* An entry as it stood in the policy. */
static json_t *
entry(const json_t *recorded)
{
	json_t *j = json_copy((json_t *)(uintptr_t)recorded);

	json_object_del(j, "action");
	json_object_del(j, "state");
	json_object_del(j, "findings");
	return j;
}

static json_t *
policy_of(const json_t *entries)
{
	json_t *j = json_object(), *waive = json_array(),
	       *change = json_array();
	json_t *one;
	size_t i;

	json_array_foreach(entries, i, one)
	{
		const char *action =
		    json_string_value(json_object_get(one, "action"));
		const char *state =
		    json_string_value(json_object_get(one, "state"));

		if (action == NULL || state == NULL ||
		    strcmp(state, "expired") == 0)
			continue;
		json_add(
		    strcmp(action, "waive") == 0 ? waive : change, entry(one));
	}
	json_put(j, "schema", json_text("assay-policy/1"));
	json_put(j, "waive", waive);
	json_put(j, "change", change);
	return j;
}

void
waive_apply(const json_t *inspect, json_t *findings, const json_t *files)
{
	const json_t *entries = json_at(inspect, "policy.entries");
	struct policy p;
	struct buf b = {0};
	struct err e = {0};
	json_t *j;

	if (json_array_size(entries) == 0)
		return;
	j = policy_of(entries);
	json_pretty(j, &b);
	json_decref(j);
	/* on the first of days: what is left of it had not expired.  One that
	 * is not as it was written waives nothing. */
	if (policy_parse(&p, b.ptr, b.len, 0, &e) == 0) {
		policy_apply(&p, findings, files);
		policy_release(&p);
	}
	buf_free(&b);
}

static bool
is_over(const json_t *what, const char *today)
{
	const char *until = json_text_at(what, "expires");

	return *until != '\0' && strcmp(until, today) < 0;
}

void
waive_expire(json_t *findings, json_t *entries, const char *today)
{
	json_t *one;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		if (is_over(json_object_get(one, "waived"), today))
			json_object_del(one, "waived");
		if (!is_over(json_object_get(one, "changed"), today))
			continue;
		json_put(one, "severity", json_text(json_text_at(one, "was")));
		json_object_del(one, "was");
		json_object_del(one, "changed");
	}
	json_array_foreach(entries, i, one)
	{
		if (is_over(one, today))
			json_put(one, "state", json_text("expired"));
	}
}
