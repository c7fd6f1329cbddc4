/* SPDX-License-Identifier: MIT */
#include "audit/choose.h"

#include "base/doc.h"
#include "base/file.h"

#define NAMES_SIZE 200

struct choice {
	const char *named;
	size_t n;
	char first[600];
	char names[NAMES_SIZE]; /* for whoever has to choose */
	size_t used;
};

static void
add_name(struct choice *c, const char *name)
{
	size_t room = sizeof(c->names) - c->used;

	/* ", ..." stands for all that come after it */
	if (room == 0)
		return;
	if (strlen(name) + 8 > room) {
		snprintf(c->names + c->used, room, ", ...");
		c->used = sizeof(c->names);
		return;
	}
	c->used += (size_t)snprintf(
	    c->names + c->used, room, "%s%s", c->used != 0 ? ", " : "", name);
}

/* Entries of a list that may be meant. */
static void
count(struct choice *c, const json_t *list, const char *flag)
{
	const json_t *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const char *name = json_string_value(json_at(one, "path"));

		if (name == NULL ||
		    (flag != NULL && !json_is_true(json_at(one, flag))) ||
		    (c->named != NULL && strcmp(c->named, name) != 0))
			continue;
		if (c->n++ == 0)
			snprintf(c->first, sizeof(c->first), "%s", name);
		add_name(c, name);
	}
}

int
choose_model(
    const char *dir, const char *named, char *model, size_t size, struct err *e)
{
	struct choice c = {.named = named}, all = {0};
	char path[600];
	json_t *doc;
	int rc;

	model[0] = '\0';
	if ((rc = file_join(path, sizeof(path), dir, "inspect.json", e)) != 0 ||
	    (rc = doc_read(path, "assay-inspect/1", &doc, e)) != 0)
		return rc;
	count(&c, json_at(doc, "models"), NULL);
	/* a file of a folder that is a model may be named all the same */
	if (c.n == 0 && named != NULL)
		count(&c, json_at(doc, "files"), "model");
	if (c.n == 0 && named != NULL)
		count(&all, json_at(doc, "models"), NULL);
	json_decref(doc);
	if (c.n > 1)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "holds %zu models: name one with --model (%s)", c.n,
		    c.names);
	if (c.n == 0 && named != NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "holds no model '%s' (but %s)", named,
		    all.n != 0 ? all.names : "none");
	if (c.n == 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "holds no model that can be executed here");
	snprintf(model, size, "%s", c.first);
	return 0;
}
