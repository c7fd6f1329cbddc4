/* SPDX-License-Identifier: MIT
 * Repositories of models whose owner is written so that it looks like another:
 * "meta-Ilama/..." with a capital i, "m1stralai", "rnicrosoft".  Hubs let anybody
 * take such a name, and from_pretrained() takes code from there where it is told
 * to.  Only letters that are drawn alike count: who mistypes makes other mistakes,
 * and owners with similar names there are many.
 */
#include "audit/check.h"

#include "audit/check_tell.h"
#include "base/limits.h"
#include "base/text.h"

#include <ctype.h>
#include <strings.h>

#define NAME  48
#define LEAST 6 /* shorter names look like words of something else */

/* Owners of models that are downloaded most, on Hugging Face's hub. */
static const char *const owners[] = {"meta-llama", "facebook", "FacebookAI",
    "google", "google-bert", "google-t5", "microsoft", "openai",
    "openai-community", "mistralai", "deepseek-ai", "stabilityai",
    "stable-diffusion-v1-5", "huggingface", "HuggingFaceH4", "HuggingFaceTB",
    "bigscience", "bigcode", "EleutherAI", "nvidia", "ibm-granite",
    "sentence-transformers", "CohereForAI", "CohereLabs", "intfloat",
    "runwayml", "CompVis", "black-forest-labs", "databricks", "allenai",
    "cardiffnlp", "ProsusAI", "distilbert", "unsloth", "TheBloke",
    "NousResearch", "internlm", "moonshotai", "pyannote", "Salesforce",
    "openbmb", "Snowflake", "nomic-ai", "mixedbread-ai", "Alibaba-NLP",
    "MiniMaxAI", "tencent", "baidu", "perplexity-ai", "anthropic", "dmis-lab",
    "emilyalsentzer", "laion", "monologg", "Helsinki-NLP", "speechbrain",
    "ultralytics", "lmstudio-community", "bartowski", "jinaai", "kakaobrain",
    "OpenGVLab", "vikhyatk", "xai-org"};

/* As it is drawn: I as l, 0 as o, rn as m, vv as w. */
static size_t
drawn(const char *s, size_t len, char out[NAME])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < NAME; i++) {
		char c = s[i], next = i + 1 < len ? s[i + 1] : '\0';

		if (c == 'I' || c == '|')
			c = 'l';
		else if (c == '0')
			c = 'o';
		else if ((c == 'r' && next == 'n') ||
			 (c == 'v' && next == 'v')) {
			c = c == 'r' ? 'm' : 'w';
			i++;
		}
		out[n++] = (char)tolower((unsigned char)c);
	}
	out[n] = '\0';
	return n;
}

/* A 1 may stand for an l or an i. */
static bool
is_drawn_alike(const char *name, const char *owner)
{
	for (; *name != '\0' || *owner != '\0'; name++, owner++)
		if (*name != *owner &&
		    (*name != '1' || (*owner != 'l' && *owner != 'i')))
			return false;
	return true;
}

/* The owner that the name looks like and is not; NULL: none. */
static const char *
looks_like(const char *s, size_t len)
{
	char name[NAME], other[NAME];
	const char *found = NULL;

	if (drawn(s, len, name) == 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		size_t n = strlen(owners[i]);

		/* hubs do not tell capitals from small letters */
		if (n == len && strncasecmp(owners[i], s, n) == 0)
			return NULL;
		/* rn and vv are drawn as one letter; most names differ at once */
		if (n > len || n + len / 2 < len ||
		    tolower((unsigned char)owners[i][0]) != name[0])
			continue;
		(void)drawn(owners[i], n, other);
		if (is_drawn_alike(name, other))
			found = owners[i];
	}
	return found;
}

static bool
in_name(uint8_t c)
{
	return isalnum(c) || c == '-' || c == '_' || c == '.' || c == '|';
}

/* A sign that a name of a repository begins behind, or an address's "/". */
static bool
opens(uint8_t c)
{
	return isspace(c) || strchr("\"'`(=/:@,[", c) != NULL;
}

void
check_owner(const struct check_file *f)
{
	struct check_tell t = {.f = f};
	const uint8_t *p = f->bytes.base;
	size_t len = f->bytes.len;

	if (!check_is(f, "text") || len > LIMIT_INSPECT_SOURCE)
		return;
	for (size_t i = 1; i + 1 < len; i++) {
		size_t from = i;
		const char *other;

		if (p[i] != '/' || !isalnum(p[i + 1]))
			continue;
		while (from > 0 && i - from < NAME && in_name(p[from - 1]))
			from--;
		if (i - from < LEAST || i - from >= NAME ||
		    (from > 0 && !opens(p[from - 1])) ||
		    (other = looks_like((const char *)p + from, i - from)) ==
			NULL)
			continue;
		check_tell_find(&t, FINDING_DEPEND_OWNER, from,
		    "'%.*s', not '%s'", (int)(i - from), (const char *)p + from,
		    other);
	}
	check_tell_rest(&t);
}
