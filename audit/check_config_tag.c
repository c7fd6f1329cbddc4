/* SPDX-License-Identifier: MIT
 * Tags of YAML, which its loaders make objects of.
 */
#include "audit/check_config_part.h"

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
