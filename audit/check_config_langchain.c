/* SPDX-License-Identifier: MIT
 * Objects of LangChain (langchain_core/load/load.py):
 *
 *     {"lc": 1, "type": "constructor", "id": ["langchain", ..., "Class"],
 *      "kwargs": {...}}
 *     {"lc": 1, "type": "secret", "id": ["NAME"]}
 *
 * load() imports the module and calls the class; of a secret it takes the
 * variable of that name from the environment of who loads.  What LangChain writes
 * has a secret as an argument of that very name ("openai_api_key":
 * OPENAI_API_KEY); anywhere else it goes where the writer of the file wants it
 * (CVE-2025-68664).
 */
#include "audit/check_config_part.h"

#include "base/text.h"

#include <ctype.h>

#define SHOWN 512
#define PARTS 16
/* "api_key", of an argument that holds a secret of its own; "key" may be any. */
#define ITS_LEAST 7

/* DEFAULT_NAMESPACES: roots from which load() takes a class. */
static const char *const roots[] = {"langchain", "langchain_core",
    "langchain_community", "langchain_anthropic", "langchain_groq",
    "langchain_google_genai", "langchain_aws", "langchain_openai",
    "langchain_google_vertexai", "langchain_mistralai", "langchain_fireworks",
    "langchain_xai", "langchain_sambanova", "langchain_perplexity",
    "langchain_text_splitters", "langchain_classic", "langchain_ollama",
    "langchain_huggingface", "langchain_cohere", "langchain_deepseek"};

/* Parts of names of what runs commands, code or requests when it is used. */
static const char *const acting[] = {"Shell", "Bash", "PythonREPL", "PythonAst",
    "PALChain", "LLMBash", "Subprocess", "Terminal", "FileTool", "Requests",
    "Playwright", "tools", "utilities", "document_loaders", "experimental"};

static bool
is_object(const struct conf *n, const char *type)
{
	const struct conf *lc = conf_value(conf_get(n, "lc"));
	const struct conf *of = conf_get(n, "type");

	return lc != NULL && lc->text != NULL && of != NULL &&
	       conf_text_is(of, type) && conf_is_array(conf_get(n, "id"));
}

static bool
is_word(const struct conf *n)
{
	for (size_t i = 0; i < n->len; i++)
		if (!isalnum((unsigned char)n->text[i]) && n->text[i] != '_')
			return false;
	return n->len != 0 && n->text[0] != '_';
}

/* Words from a root to a class, none of what acts. */
static bool
is_known(const struct conf *id)
{
	const struct conf *last = NULL;
	size_t parts = 0;

	for (const struct conf *n = id->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);

		if (!conf_is_string(v) || !is_word(v) || ++parts > PARTS)
			return false;
		if (parts == 1 &&
		    !text_is_among(v->text, v->len, roots, ARRAY_LEN(roots)))
			return false;
		for (size_t i = 0; i < ARRAY_LEN(acting); i++)
			if (conf_has(v, acting[i]))
				return false;
		last = v;
	}
	return parts > 1 && last->text[0] >= 'A' && last->text[0] <= 'Z';
}

/* ["a", "b"] as a.b */
static const char *
dotted(const struct conf *id, char *out, size_t size)
{
	char part[SHOWN];
	size_t n = 0;

	out[0] = '\0';
	for (const struct conf *c = id->child; c != NULL; c = c->next) {
		int k = snprintf(out + n, size - n, "%s%s", n != 0 ? "." : "",
		    check_config_shown(c, part, sizeof(part)));

		if (k < 0 || (size_t)k >= size - n)
			break;
		n += (size_t)k;
	}
	return out;
}

/* The argument's name is the end of the secret's, in small letters. */
static bool
is_its_own(const struct conf *secret, const struct conf *name)
{
	const struct conf *v = conf_value(name);
	size_t n = secret->key_len;

	if (secret->key == NULL || secret->up == NULL ||
	    !conf_key_is(secret->up, "kwargs") || secret->up->up == NULL ||
	    !is_object(secret->up->up, "constructor") || !conf_is_string(v) ||
	    n < ITS_LEAST || v->len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (tolower((unsigned char)v->text[v->len - n + i]) !=
		    secret->key[i])
			return false;
	return true;
}

/*
 * What load_chain() and load_prompt() made before there were such objects
 * (langchain/chains/loading.py, langchain_core/prompts/loading.py): chains that
 * run what a model writes, and files that are read for their text.
 */
static void
loaded(const struct check_file *f, const struct conf *n)
{
	static const char *const chains[] = {"llm_bash_chain", "pal_chain"};
	static const char *const paths[] = {"template_path", "prefix_path",
	    "suffix_path", "example_prompt_path"};
	const struct conf *type = conf_get(n, "_type");
	char shown[SHOWN];

	if (!conf_is_string(type))
		return;
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		if (conf_text_is(type, chains[i]))
			check_find(f, FINDING_OBJECT_CODE, type->off,
			    "LangChain's '%s' runs what a model writes",
			    chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct conf *path = conf_get(n, paths[i]);

		if (path != NULL && check_config_escapes(path))
			check_find(f, FINDING_CONFIG_PATH, path->off, "%s '%s'",
			    paths[i],
			    check_config_shown(path, shown, sizeof(shown)));
	}
}

void
check_config_langchain(const struct check_file *f, const struct conf_doc *d)
{
	char shown[SHOWN];

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *id;

		if (n->kind == CONF_OBJECT)
			loaded(f, n);
		if (n->kind != CONF_OBJECT || conf_get(n, "lc") == NULL)
			continue;
		id = conf_value(conf_get(n, "id"));
		if (is_object(n, "constructor") && !is_known(id))
			check_find(f, FINDING_CONFIG_TARGET, n->off,
			    "LangChain's constructor '%s'",
			    dotted(id, shown, sizeof(shown)));
		if (is_object(n, "secret"))
			check_find(f,
			    is_its_own(n, id->child)
				? FINDING_CONFIG_ENVIRONMENT
				: FINDING_CONFIG_SECRET,
			    n->off, "LangChain's secret '%s'",
			    dotted(id, shown, sizeof(shown)));
	}
}
