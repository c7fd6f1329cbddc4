/* SPDX-License-Identifier: MIT
 * A configuration as its loader sees it, for checks that judge it: JSON as
 * Python's json module takes it, YAML as PyYAML composes it.  Nothing is
 * dropped: all members of a key that occurs twice are there, and what was read
 * before an error stays.  Numbers in arrays are left out, being most of a file
 * and never of interest.
 *
 * The tree is walked without recursion (conf_next), and an alias is a node of
 * its own that conf_next never walks into.  Who looks through one (conf_value)
 * is bounded too: a document whose aliases stand for more than
 * LIMIT_YAML_ALIASED members ends there with ERR_LIMIT.
 */
#ifndef FORMATS_CONF_H
#define FORMATS_CONF_H

#include "base/arena.h"
#include "base/rd.h"

enum conf_kind {
	CONF_OBJECT,
	CONF_ARRAY,
	CONF_STRING, /* every scalar of YAML is one */
	CONF_WORD,   /* a number, true, false, null: as it is written */
	CONF_ALIAS,
};

struct conf {
	enum conf_kind kind;
	const char *key;
	size_t key_len;   /* key is NULL in an array; never terminated */
	const char *text; /* of a scalar, unescaped; never terminated */
	size_t len;
	const char *tag; /* of YAML, resolved and terminated; or NULL */
	uint64_t off;    /* in the file */
	struct conf *up, *child, *last, *next;
	struct conf *target; /* of an alias */
	size_t members;      /* of YAML, and itself; 0: not yet complete */
};

struct conf_doc {
	struct arena arena;
	struct conf *root; /* NULL: nothing was read; of the first document */
	struct conf *last; /* the root of the last: they are linked by next */
	size_t documents;
	bool yaml; /* read as YAML */
};

/*
 * Both leave in *doc what was read, also when they fail, and are released by
 * conf_release().  JSON: values one after another (JSON lines) are documents.
 */
int conf_json(struct rd, struct conf_doc *, struct err *) MUST_USE;
/* JSON with comments and a comma behind the last value, as editors and
 * TypeScript read their settings (jsonc-parser). */
int conf_jsonc(struct rd, struct conf_doc *, struct err *) MUST_USE;
int conf_yaml(struct rd, struct conf_doc *, struct err *) MUST_USE;
void conf_release(struct conf_doc *);

/* For the readers: a node behind the others of `up` (NULL: a document); NULL
 * when the arena is full. */
struct conf *conf_add(struct conf_doc *, struct conf *up, enum conf_kind);

/* The node after this in document order, within all documents; or NULL. */
const struct conf *conf_next(const struct conf *);
/* What it is for a reader: the target of an alias. */
const struct conf *conf_value(const struct conf *);
/* The last member of that key: the one that loaders take; NULL: none. */
const struct conf *conf_get(const struct conf *object, const char *key);
/* Its key, or its text when it is a string, is exactly this. */
bool conf_key_is(const struct conf *, const char *);
bool conf_text_is(const struct conf *, const char *);
/* Its text begins so, or ends so. */
bool conf_begins_with(const struct conf *, const char *);
bool conf_ends_with(const struct conf *, const char *);
/* An object or array that has anything in it. */
bool conf_is_object(const struct conf *);
bool conf_is_array(const struct conf *);
bool conf_is_string(const struct conf *);
/* Neither absent, false, null, 0, "no" nor empty. */
bool conf_true(const struct conf *);
/* The text contains the word. */
bool conf_has(const struct conf *, const char *);

#endif
