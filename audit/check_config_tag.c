/* SPDX-License-Identifier: MIT
 * Tags of YAML, which its loaders make objects of.
 */
#define _GNU_SOURCE /* memrchr */
#include "audit/check_config_part.h"

#include "audit/check_pickle_allow.h"

#include "base/text.h"

#define CORE   "tag:yaml.org,2002:"
#define PYTHON "python/"
#define SHOWN  512

static bool
listed(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

bool
check_config_harmless(const char *name, size_t len, unsigned use)
{
	const char *dot = len != 0 ? memrchr(name, '.', len) : NULL;
	const struct check_pickle_allow *a;
	size_t at = dot != NULL ? (size_t)(dot - name) : 0;

	if (at == 0 || at + 1 == len)
		return false;
	a = check_pickle_allow_find((struct slice){(const uint8_t *)name, at},
	    (struct slice){(const uint8_t *)dot + 1, len - at - 1});
	/* arguments that only a pickle shows are not looked at here */
	return a != NULL && (a->use & use) == use &&
	       ((use & USE_CALL) == 0 || a->arg == ARG_any ||
		   a->arg == ARG_data || a->arg == ARG_container);
}

/*
 * python/object:Class, /new:Class, /apply:callable and /name:name of PyYAML do
 * what GLOBAL, NEWOBJ, BUILD and REDUCE of a pickle do, and what the lists of
 * check_pickle_allow.h permit there is as harmless here.  Names among the
 * arguments have tags of their own.
 */
static bool
harmless(const char *tag)
{
	static const struct {
		const char *form;
		unsigned use;
	} forms[] = {{"object:", USE_NEW | USE_STATE},
	    {"object/new:", USE_NEW | USE_STATE}, {"object/apply:", USE_CALL},
	    {"name:", USE_DATA}};

	/* MkDocs is told so which function of its themes to take */
	static const char *const names[] = {"name:material.extensions.",
	    "name:materialx.emoji.", "name:pymdownx.", "name:mermaid2."};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strncmp(tag, names[i], strlen(names[i])) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t n = strlen(forms[i].form);

		if (strncmp(tag, forms[i].form, n) == 0)
			return check_config_harmless(
			    tag + n, strlen(tag + n), forms[i].use);
	}
	return false;
}

/* What a tag of the core schema is worth; FINDING_COUNT: nothing. */
static enum finding_id
judge(const char *tag)
{
	static const char *const plain[] = {"str", "int", "float", "bool",
	    "null", "map", "seq", "binary", "timestamp", "omap", "set", "pairs",
	    "merge", "value"};
	/* values that need no call; only loaders that also call read them */
	static const char *const values[] = {"tuple", "list", "dict", "str",
	    "unicode", "bytes", "int", "long", "float", "complex", "bool",
	    "none"};
	/* what OpenCV's FileStorage writes, and makes arrays of alone */
	static const char *const opencv[] = {"opencv-matrix",
	    "opencv-nd-matrix", "opencv-sparse-matrix", "opencv-sequence",
	    "opencv-image", "opencv-graph"};

	/* Ruby writes a local tag */
	if (strncmp(tag, "!ruby/", 6) == 0 || strncmp(tag, "!python/", 8) == 0)
		return FINDING_YAML_TAG;
	if (strncmp(tag, CORE, strlen(CORE)) != 0)
		return tag[0] == '!' && tag[1] == '\0' ? FINDING_COUNT
						       : FINDING_YAML_TAG_OTHER;
	tag += strlen(CORE);
	if (listed(plain, ARRAY_LEN(plain), tag) ||
	    listed(opencv, ARRAY_LEN(opencv), tag))
		return FINDING_COUNT;
	if (strncmp(tag, PYTHON, strlen(PYTHON)) == 0 &&
	    listed(values, ARRAY_LEN(values), tag + strlen(PYTHON)))
		return FINDING_YAML_TAG_OTHER;
	if (strncmp(tag, PYTHON, strlen(PYTHON)) == 0 &&
	    harmless(tag + strlen(PYTHON)))
		return FINDING_YAML_TAG_OTHER;
	/* python/object/apply:os.system, ruby/object:X, a class of Java */
	return FINDING_YAML_TAG;
}

void
check_config_tag(const struct check_file *f, const struct conf_doc *d)
{
	char shown[SHOWN];
	size_t other = 0;

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		enum finding_id id;

		if (n->tag == NULL || (id = judge(n->tag)) == FINDING_COUNT)
			continue;
		if (id == FINDING_YAML_TAG_OTHER && other++ != 0)
			continue;
		text_escape(
		    n->tag, MIN(strlen(n->tag), 160), shown, sizeof(shown));
		check_find(f, id, n->off, "'%s'", shown);
	}
}
