/* SPDX-License-Identifier: MIT */
#include "base/taxonomy.h"

#include "base/file.h"
#include "base/limits.h"

/* --- reading ------------------------------------------------------------- */

static int
bad(struct err *e, const char *part, const char *key, const char *what)
{
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "taxonomy: %s, %.100s: %s",
	    part, key, what);
}

static bool
has_text(const json_t *j, const char *key)
{
	return *json_text_at(j, key) != '\0';
}

static int
check_editions(const json_t *editions, struct err *e)
{
	const char *key;
	json_t *one;

	json_object_foreach((json_t *)(uintptr_t)editions, key, one)
	{
		if (!has_text(one, "name") || !has_text(one, "version") ||
		    !has_text(one, "organization") || !has_text(one, "uri"))
			return bad(e, "editions", key,
			    "wants name, organization, version and uri");
	}
	return 0;
}

static int
check_ids(const json_t *ids, const json_t *editions, struct err *e)
{
	const char *key;
	json_t *one;

	json_object_foreach((json_t *)(uintptr_t)ids, key, one)
	{
		const char *of = json_string_value(json_object_get(one, "of"));

		if (!has_text(one, "name"))
			return bad(e, "ids", key, "has no name");
		if (of == NULL || json_object_get(editions, of) == NULL)
			return bad(e, "ids", key, "is of no edition");
	}
	return 0;
}

/* Lists of ids; of classes too where there are some. */
static int
check_lists(const char *part, const json_t *lists, const json_t *ids,
    const json_t *classes, struct err *e)
{
	const char *key;
	json_t *list, *one;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)lists, key, list)
	{
		if (json_array_size(list) == 0)
			return bad(e, part, key, "is no list of ids");
		json_array_foreach(list, i, one)
		{
			const char *s = json_string_value(one);

			if (s == NULL)
				return bad(e, part, key, "is no list of ids");
			if (json_object_get(ids, s) == NULL &&
			    json_object_get(classes, s) == NULL)
				return bad(e, part, s, "is not in the file");
		}
	}
	return 0;
}

static int
check(const json_t *doc, struct err *e)
{
	const json_t *editions, *ids, *classes, *findings;
	const char *text;
	int rc;

	if ((rc = json_get_str(doc, "schema", &text, e)) != 0)
		return rc;
	if (strcmp(text, "assay-taxonomy/1") != 0)
		return bad(e, "schema", text, "is not known here");
	if ((rc = json_get_str(doc, "date", &text, e)) != 0 ||
	    (rc = json_get_object(doc, "editions", &editions, e)) != 0 ||
	    (rc = json_get_object(doc, "ids", &ids, e)) != 0 ||
	    (rc = json_get_object(doc, "classes", &classes, e)) != 0 ||
	    (rc = json_get_object(doc, "findings", &findings, e)) != 0 ||
	    (rc = check_editions(editions, e)) != 0 ||
	    (rc = check_ids(ids, editions, e)) != 0 ||
	    (rc = check_lists("classes", classes, ids, NULL, e)) != 0)
		return rc;
	return check_lists("findings", findings, ids, classes, e);
}

int
taxonomy_parse(struct taxonomy *t, const void *p, size_t len, struct err *e)
{
	struct digest d;
	int rc;

	if ((rc = json_read(p, len, &t->doc, e)) != 0)
		return rc;
	if ((rc = check(t->doc, e)) != 0) {
		json_decref(t->doc);
		t->doc = NULL;
		return rc;
	}
	digest_mem(p, len, &d);
	digest_hex(&d, t->sha256);
	return 0;
}

int
taxonomy_read(struct taxonomy *t, const char *path, struct err *e)
{
	struct file_map m;
	int rc;

	if ((rc = file_map(path, LIMIT_POLICY, &m, e)) != 0)
		return rc;
	if ((rc = taxonomy_parse(t, m.ptr, m.len, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

void
taxonomy_release(struct taxonomy *t)
{
	json_decref(t->doc);
	t->doc = NULL;
}

/* --- asking -------------------------------------------------------------- */

const json_t *
taxonomy_id(const struct taxonomy *t, const char *id)
{
	return json_object_get(json_object_get(t->doc, "ids"), id);
}

const json_t *
taxonomy_edition(const struct taxonomy *t, const char *key)
{
	return json_object_get(json_object_get(t->doc, "editions"), key);
}

const char *
taxonomy_key(const struct taxonomy *t, const char *finding)
{
	const char *key, *best = NULL;
	json_t *list;

	json_object_foreach(json_object_get(t->doc, "findings"), key, list)
	{
		size_t n = strlen(key);
		bool prefix = n != 0 && key[n - 1] == '*';

		if (strcmp(key, finding) == 0)
			return key;
		if (prefix && strncmp(key, finding, n - 1) == 0 &&
		    (best == NULL || n > strlen(best)))
			best = key;
	}
	return best;
}

static void
add_once(json_t *list, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(
	    list, i, one) if (strcmp(json_string_value(one), id) == 0) return;
	json_add(list, json_text(id));
}

json_t *
taxonomy_of(const struct taxonomy *t, const char *finding)
{
	const json_t *classes = json_object_get(t->doc, "classes");
	const char *key = taxonomy_key(t, finding);
	json_t *out = json_array(), *one, *id;
	size_t i, k;

	if (key == NULL)
		return out;
	json_array_foreach(
	    json_object_get(json_object_get(t->doc, "findings"), key), i, one)
	{
		const char *s = json_string_value(one);
		const json_t *list = json_object_get(classes, s);

		if (list == NULL)
			add_once(out, s);
		json_array_foreach(list, k, id)
		    add_once(out, json_string_value(id));
	}
	return out;
}

json_t *
taxonomy_json(const struct taxonomy *t)
{
	json_t *j = json_object(), *versions = json_object(), *one;
	const char *key;

	json_object_foreach(json_object_get(t->doc, "editions"), key, one)
	    json_put(
		versions, key, json_incref(json_object_get(one, "version")));
	json_put(j, "date", json_incref(json_object_get(t->doc, "date")));
	json_put(j, "sha256", json_text(t->sha256));
	json_put(j, "editions", versions);
	return j;
}
