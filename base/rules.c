/* SPDX-License-Identifier: MIT */
#include "base/rules.h"

#include "base/finding.h"
#include "base/limits.h"
#include "base/spawn.h"

static int
shared(const char *name, char *out, size_t size, struct err *e)
{
	char rel[64];

	snprintf(rel, sizeof(rel), "../share/assay/%s", name);
	return spawn_path(rel, out, size, e);
}

int
rules_read(
    struct rules *r, const char *taxonomy, struct err *missing, struct err *e)
{
	char path[600];
	struct err why = {0};

	*r = (struct rules){0};
	*missing = (struct err){0};
	if (shared("explain.json", path, sizeof(path), &why) != 0 ||
	    json_read_file(path, LIMIT_POLICY, &r->text, &why) != 0)
		*missing = why;
	if (taxonomy != NULL)
		return taxonomy_read(&r->taxonomy, taxonomy, e);
	if (shared("taxonomy.json", path, sizeof(path), &why) != 0 ||
	    taxonomy_read(&r->taxonomy, path, &why) != 0)
		*missing = why;
	return 0;
}

void
rules_release(struct rules *r)
{
	taxonomy_release(&r->taxonomy);
	json_decref(r->text);
	r->text = NULL;
}

json_t *
rules_one(const struct rules *r, const char *name)
{
	enum finding_id id = finding_find(name);
	const struct finding_info *f;
	json_t *j, *text;

	if (id == FINDING_COUNT)
		return NULL;
	f = &finding_table[id];
	j = json_object();
	json_put(j, "severity", json_text(finding_severity_name(f->severity)));
	json_put(
	    j, "confidence", json_text(finding_confidence_name(f->confidence)));
	json_put(j, "summary", json_text(f->summary));
	json_put(j, "fix", json_text(f->fix));
	text = json_object_get(r->text, name);
	if (json_is_string(text))
		json_put(j, "explanation", json_incref(text));
	if (r->taxonomy.doc != NULL)
		json_put(j, "taxa", taxonomy_of(&r->taxonomy, name));
	return j;
}

json_t *
rules_json(const struct rules *r, const json_t *findings)
{
	json_t *out = json_object(), *one, *rule;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		const char *id = json_string_value(json_object_get(one, "id"));

		if (id == NULL || json_object_get(out, id) != NULL)
			continue;
		if ((rule = rules_one(r, id)) != NULL)
			json_put(out, id, rule);
	}
	return out;
}
