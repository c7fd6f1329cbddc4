/* SPDX-License-Identifier: MIT
 * Configurations, JSON and YAML: read once, judged by every theme.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"

#include "base/limits.h"
#include "base/text.h"

#include <fnmatch.h>

const char *
check_config_shown(const struct conf *n, char *out, size_t size)
{
	n = conf_value(n);
	out[0] = '\0';
	if (n != NULL && n->text != NULL)
		text_escape(n->text, MIN(n->len, 160), out, size);
	return out;
}

bool
check_config_escapes(const struct conf *n)
{
	n = conf_value(n);
	if (!conf_is_string(n) || n->len == 0)
		return false;
	if (n->text[0] == '/' || n->text[0] == '\\' || n->text[0] == '~' ||
	    (n->len > 1 && n->text[1] == ':') || conf_has(n, "://"))
		return true;
	for (size_t i = 0; i + 2 <= n->len; i++) {
		bool first =
		    i == 0 || n->text[i - 1] == '/' || n->text[i - 1] == '\\';
		bool last = i + 2 == n->len || n->text[i + 2] == '/' ||
			    n->text[i + 2] == '\\';

		if (first && last && n->text[i] == '.' && n->text[i + 1] == '.')
			return true;
	}
	return false;
}

static void
themes(const struct check_file *f, const struct conf_doc *d)
{
	check_config_hf(f, d);
	check_config_target(f, d);
	check_config_langchain(f, d);
	check_config_mlflow(f, d);
	check_config_serve(f, d);
	check_config_skops(f, d);
	check_config_string(f, d);
	check_config_tag(f, d);
	check_config_refs(f, d);
	check_config_shards(f, d);
	check_config_tokenizer(f, d);
	check_config_words(f, d);
	check_config_agent(f, d);
	check_config_host(f, d);
	check_config_command(f, d);
	check_config_xgboost(f, d);
	check_config_shape(f, d);
}

/* What stopped the reader; `sure`: the file says that it is of this kind. */
static void
stopped(const struct check_file *f, const struct err *e, bool sure)
{
	if (e->code == ERR_LIMIT)
		check_short(f, FINDING_FILE_LIMIT, e->off, "%s", e->msg);
	else if (sure)
		check_short(f, FINDING_CONFIG_INVALID, e->off, "%s", e->msg);
}

static uint8_t
first_letter(struct rd r)
{
	size_t i = r.len >= 3 && memcmp(r.base, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (i < r.len && (r.base[i] == ' ' || r.base[i] == '\t' ||
				r.base[i] == '\r' || r.base[i] == '\n'))
		i++;
	return i < r.len ? r.base[i] : 0;
}

static bool
named(const struct check_file *f, const char *const *names)
{
	/* what macOS keeps beside a file (AppleDouble), which no loader reads */
	if (text_begins_with(check_name_of(f), 2, "._") &&
	    first_letter(f->bytes) != '{')
		return false;
	for (; *names != NULL; names++)
		if (text_ends_with(check_name_of(f), *names))
			return true;
	return false;
}

/* --- JSON ---------------------------------------------------------------- */

/* Settings of editors and compilers, whose readers take comments.  In other
 * files these are errors to whoever loads a model. */
static bool
takes_comments(const struct check_file *f)
{
	static const char *const names[] = {"tsconfig*.json", "jsconfig.json",
	    "devcontainer.json", ".eslintrc.json", "*.code-workspace"};
	const char *path = f->member != NULL ? f->member : f->path;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (fnmatch(names[i], check_name_of(f), 0) == 0)
			return true;
	return strncmp(path, ".vscode/", 8) == 0 ||
	       strstr(path, "/.vscode/") != NULL;
}

/* Values one after another are rows, each on a line of its own; a reader of one
 * value refuses another, and one that stops behind the first does not see it. */
static bool
same_line(const struct check_file *f, const struct conf_doc *d)
{
	uint64_t at;

	if (d->documents < 2 || !text_ends_with(check_name_of(f), ".json"))
		return false;
	for (at = d->last->off; at > 0; at--)
		if (f->bytes.base[at - 1] == '\n')
			return false;
		else if (strchr(" \t\r", f->bytes.base[at - 1]) == NULL)
			break;
	return at != 0;
}

/* True when it is JSON, or was meant to be. */
static bool
json(const struct check_file *f)
{
	static const char *const names[] = {".json", ".ipynb", ".jsonl", NULL};
	uint8_t c = first_letter(f->bytes);
	bool sure = named(f, names) && f->bytes.len != 0;
	struct err e = {0};
	struct conf_doc d;
	int rc;

	if (!sure && c != '{' && c != '[')
		return false;
	rc = takes_comments(f) ? conf_jsonc(f->bytes, &d, &e)
			       : conf_json(f->bytes, &d, &e);
	if (rc == 0 || sure || d.root->child != NULL)
		themes(f, &d);
	if (rc != 0)
		stopped(f, &e, sure);
	if (rc == 0)
		check_knows(f);
	if (rc == 0 && same_line(f, &d))
		check_short(f, FINDING_CONFIG_INVALID, d.last->off,
		    "json: a second value behind the first");
	/* RFC 8259, 8.1: a reader refuses it, or takes it for another encoding */
	if (rc == 0 &&
	    !text_utf8_valid((const char *)f->bytes.base, f->bytes.len))
		check_short(f, FINDING_CONFIG_INVALID, ERR_NOWHERE,
		    "JSON that is not UTF-8");
	conf_release(&d);
	return rc == 0 || sure;
}

/* --- YAML ---------------------------------------------------------------- */

static bool
mentions(struct rd r, const char *word)
{
	return r.len != 0 && memmem(r.base, r.len, word, strlen(word)) != NULL;
}

/* A line "key: value", "key:" or "- value" at its beginning. */
static bool
looks_like_yaml(struct rd r)
{
	const char *s = (const char *)r.base;
	size_t len = MIN(r.len, 4096), i = 0;

	while (i < len) {
		size_t from = i;

		while (i < len && s[i] != '\n' && s[i] != ':')
			i++;
		if (i < len && s[i] == ':' && i > from && s[from] != '#' &&
		    s[from] != '<' &&
		    (i + 1 == r.len || strchr(" \r\n\t", s[i + 1]) != NULL))
			return true;
		while (i < len && s[i] != '\n')
			i++;
		i++;
	}
	return false;
}

/* In what could not be parsed: a tag is there for whoever parses it better. */
static void
raw_tags(const struct check_file *f)
{
	static const char *const tags[] = {"!!python/", "2002:python/"};

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		const uint8_t *p = f->bytes.len == 0
				       ? NULL
				       : memmem(f->bytes.base, f->bytes.len,
					     tags[i], strlen(tags[i]));

		if (p != NULL)
			check_find(f, FINDING_YAML_TAG,
			    (uint64_t)(p - f->bytes.base), "'%s...'", tags[i]);
	}
}

static void
yaml(const struct check_file *f)
{
	static const char *const names[] = {".yaml", ".yml", "MLmodel", NULL};
	bool sure = named(f, names) && f->bytes.len != 0;
	struct err e = {0};
	struct conf_doc d;
	int rc;

	if (!sure && (f->bytes.len > LIMIT_CONFIG_FILE ||
			 (!looks_like_yaml(f->bytes) &&
			     !mentions(f->bytes, "!!python") &&
			     !mentions(f->bytes, "%TAG"))))
		return;
	rc = conf_yaml(f->bytes, &d, &e);
	/* what a limit stopped was YAML up to there, whatever it is called */
	if (rc == 0 || rc == ERR_LIMIT || sure)
		themes(f, &d);
	if (rc != 0)
		stopped(f, &e, sure);
	if (rc != 0 && sure)
		raw_tags(f);
	if (rc == 0 && sure)
		check_knows(f);
	conf_release(&d);
}

void
check_config(const struct check_file *f)
{
	/* check_wide() hands the text on */
	if (check_is(f, "wide-text"))
		return;
	/* code is judged as code */
	if (!json(f) && check_is(f, "text") && !check_is(f, "python") &&
	    !check_is(f, "script") && !check_is(f, "pickle"))
		yaml(f);
}
