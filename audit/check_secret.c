/* SPDX-License-Identifier: MIT
 * Keys and tokens that somebody forgot.  Each kind is known by its issuer's
 * own prefix, alphabet and length (their documentation, and the rules that
 * gitleaks and GitHub's secret scanning publish), and must look random:
 * placeholders do not.  What was found is never shown, only its kind, its
 * place and eight digits of its SHA-256, to tell one from another.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_secret_part.h"
#include "base/digest.h"
#include "base/find.h"
#include "base/text.h"

#include <ctype.h>

struct kind {
	const char *prefix;
	const char *more;   /* besides letters and digits */
	size_t least, most; /* behind the prefix */
	size_t distinct;    /* different characters at least */
	const char *must;   /* be in it, or NULL */
	const char *what;
};

static const struct kind kinds[] = {
    {"AKIA", "", 16, 16, 8, NULL, "AWS access key"},
    {"ASIA", "", 16, 16, 8, NULL, "AWS session key"},
    {"ghp_", "", 36, 36, 14, NULL, "GitHub token"},
    {"gho_", "", 36, 36, 14, NULL, "GitHub token"},
    {"ghu_", "", 36, 36, 14, NULL, "GitHub token"},
    {"ghs_", "", 36, 36, 14, NULL, "GitHub token"},
    {"ghr_", "", 36, 76, 14, NULL, "GitHub token"},
    {"github_pat_", "_", 82, 82, 20, "_", "GitHub token"},
    {"glpat-", "_-", 20, 20, 10, NULL, "GitLab token"},
    {"hf_", "", 34, 40, 14, NULL, "Hugging Face token"},
    {"sk-", "", 48, 48, 16, "T3BlbkFJ", "OpenAI key"},
    {"sk-proj-", "_-", 40, 200, 20, "T3BlbkFJ", "OpenAI key"},
    {"sk-svcacct-", "_-", 40, 200, 20, "T3BlbkFJ", "OpenAI key"},
    {"sk-ant-", "_-", 80, 120, 20, "-", "Anthropic key"},
    {"xoxb-", "-", 40, 90, 14, "-", "Slack token"},
    {"xoxp-", "-", 40, 90, 14, "-", "Slack token"},
    {"xoxa-", "-", 40, 90, 14, "-", "Slack token"},
    {"xapp-", "-", 60, 130, 14, "-", "Slack token"},
    {"AIza", "_-", 35, 35, 14, NULL, "Google API key"},
    {"npm_", "", 36, 36, 14, NULL, "npm token"},
    {"pypi-AgE", "_-", 60, 400, 20, NULL, "PyPI token"},
    {"sk_live_", "", 24, 120, 12, NULL, "Stripe key"},
    {"rk_live_", "", 24, 120, 12, NULL, "Stripe key"},
    {"SG.", "_-.", 66, 66, 20, ".", "SendGrid key"},
    {"dop_v1_", "", 64, 64, 10, NULL, "DigitalOcean token"},
    {"r8_", "", 37, 37, 14, NULL, "Replicate token"},
    {"dapi", "", 32, 32, 10, NULL, "Databricks token"},
    {"hooks.slack.com/services/T", "/", 40, 60, 14, "/", "Slack webhook"},
    {"discord.com/api/webhooks/", "/_-", 80, 110, 20, "/", "Discord webhook"},
    {"eyJ", "._-", 60, 4000, 20, ".eyJ", "JSON Web Token"},
    {"ABIA", "", 16, 16, 8, NULL, "AWS key"},
    {"LTAI", "", 20, 20, 10, NULL, "Alibaba access key"},
    {"glpat-", "_-.", 27, 300, 14, ".", "GitLab token"},
    {"gldt-", "_-", 20, 20, 10, NULL, "GitLab token"},
    {"glrt-", "_-", 20, 20, 10, NULL, "GitLab token"},
    {"ATBB", "", 32, 32, 14, NULL, "Bitbucket password"},
    {"ATATT3xFfGF0", "_-=", 120, 240, 20, NULL, "Atlassian token"},
    {"gsk_", "", 52, 52, 16, NULL, "Groq key"},
    {"xai-", "", 80, 80, 16, NULL, "xAI key"},
    {"pplx-", "", 48, 56, 14, NULL, "Perplexity key"},
    {"sk-or-v1-", "", 64, 64, 10, NULL, "OpenRouter key"},
    {"csk-", "", 48, 48, 14, NULL, "Cerebras key"},
    {"nvapi-", "_-", 60, 70, 16, NULL, "NVIDIA key"},
    {"jina_", "_-", 55, 65, 16, NULL, "Jina key"},
    {"lsv2_pt_", "_", 43, 43, 10, "_", "LangSmith key"},
    {"lsv2_sk_", "_", 43, 43, 10, "_", "LangSmith key"},
    {"pcsk_", "_", 60, 80, 16, "_", "Pinecone key"},
    {"tvly-", "-", 32, 50, 12, NULL, "Tavily key"},
    {"wandb_v1_", "_", 60, 120, 16, NULL, "W&B key"},
    {"e2b_", "", 40, 40, 8, NULL, "E2B key"},
    {"ya29.", "_-", 60, 400, 20, NULL, "Google access token"},
    {"GOCSPX-", "_-", 28, 28, 12, NULL, "Google client secret"},
    {"1//0", "_-", 95, 105, 20, NULL, "Google refresh token"},
    {"dckr_pat_", "_-", 27, 27, 12, NULL, "Docker token"},
    {"hvs.", "_-", 90, 200, 20, NULL, "Vault token"},
    {"glsa_", "_", 41, 41, 12, "_", "Grafana token"},
    {"sbp_", "", 40, 40, 8, NULL, "Supabase token"},
    {"shpat_", "", 32, 32, 8, NULL, "Shopify token"},
    {"lin_api_", "", 40, 40, 14, NULL, "Linear key"},
    {"ntn_", "", 46, 46, 14, NULL, "Notion token"},
    {"PMAK-", "-", 59, 59, 10, "-", "Postman key"},
    {"NRAK-", "", 27, 27, 10, NULL, "New Relic key"},
    {"sntrys_eyJ", "_=+/", 60, 400, 20, NULL, "Sentry token"},
    {"doo_v1_", "", 64, 64, 10, NULL, "DigitalOcean token"},
    {"rk_test_", "", 90, 120, 12, NULL, "Stripe key"},
    {"whsec_", "+/=", 32, 64, 14, NULL, "Stripe webhook secret"},
    {"xoxe-", "-", 60, 200, 14, "-", "Slack token"},
    {"xoxs-", "-", 40, 90, 14, "-", "Slack token"},
    {"AGE-SECRET-KEY-1", "", 58, 58, 14, NULL, "age key"},
    {"AccountKey=", "+/=", 88, 88, 20, "==", "Azure storage key"},
};

/* Words of who writes documentation. */
static const char *const examples[] = {"EXAMPLE", "example", "XXXX", "xxxx",
    "abcdefghij", "ABCDEFGHIJ", "your", "YOUR", "REDACT", "redact",
    "placeholder", "....", "****",
    /* the payload of jwt.io */
    "eyJzdWIiOiIxMjM0NTY3ODkwI"};

void
check_secret_tell(struct check_tell *t, enum finding_id id, const char *what,
    size_t at, const uint8_t *p, size_t len)
{
	char hex[DIGEST_HEX];
	struct digest d;

	digest_mem(p, len, &d);
	digest_hex(&d, hex);
	check_tell_find(
	    t, id, at, "%s, %zu characters, SHA-256 %.8s...", what, len, hex);
}

size_t
check_secret_distinct(const uint8_t *p, size_t len)
{
	bool seen[256] = {false};
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += !seen[p[i]];
		seen[p[i]] = true;
	}
	return n;
}

bool
check_secret_is_example(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(examples); i++)
		if (memmem(p, len, examples[i], strlen(examples[i])) != NULL)
			return true;
	return false;
}

/* --- tokens -------------------------------------------------------------- */

static bool
in_set(const struct kind *k, uint8_t c)
{
	return isalnum(c) || (c != '\0' && strchr(k->more, c) != NULL);
}

/* The length of a token at p, or 0. */
static size_t
token(const struct kind *k, const uint8_t *p, size_t left, bool text)
{
	size_t n, len;

	if (left == 0 || *p != (uint8_t)k->prefix[0])
		return 0;
	len = n = strlen(k->prefix);
	if (left < n || memcmp(p, k->prefix, n) != 0)
		return 0;
	while (len < left && len - n <= k->most && in_set(k, p[len]))
		len++;
	/* in a pickle the next opcode may be a letter */
	if (!text && len - n > k->most)
		len = n + k->most;
	if (len - n < k->least || len - n > k->most ||
	    check_secret_distinct(p + n, len - n) < k->distinct ||
	    check_secret_is_example(p + n, len - n) ||
	    (k->must != NULL &&
		memmem(p + n, len - n, k->must, strlen(k->must)) == NULL))
		return 0;
	return len;
}

/* The token that begins there, if any; its length. */
static size_t
token_at(struct check_tell *t, struct rd r, size_t at, bool text)
{
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		size_t n = token(&kinds[k], r.base + at, r.len - at, text);

		if (n == 0)
			continue;
		check_secret_tell(
		    t, FINDING_SECRET_TOKEN, kinds[k].what, at, r.base + at, n);
		return n;
	}
	return 0;
}

static void
tokens(struct check_tell *t, struct rd r, bool text)
{
	struct find first = {0};
	size_t i = 0;

	/* by the first letter: words that begin alike share a bucket */
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		find_add(&first, (unsigned)kinds[k].prefix[0], kinds[k].prefix,
		    strlen(kinds[k].prefix));
	while ((i = find_next(&first, r.base, i, r.len)) < r.len) {
		size_t n = 0;

		if (!text || i == 0 ||
		    (!isalnum(r.base[i - 1]) && r.base[i - 1] != '_'))
			n = token_at(t, r, i, text);
		i += MAX(n, 1);
	}
}

/* --- private keys -------------------------------------------------------- */

/* RFC 7468: the label, and at least one line of base64 that is no filling. */
static void
pem(struct check_tell *t, struct rd r)
{
	static const char begin[] = "-----BEGIN ", end[] = "PRIVATE KEY";
	const uint8_t *p = r.base, *last = r.base + r.len;

	while (p < last && (p = memmem(p, (size_t)(last - p), begin,
				sizeof(begin) - 1)) != NULL) {
		const uint8_t *label = p + sizeof(begin) - 1, *q;
		size_t n = MIN((size_t)(last - label), 40), k = 0;

		q = memmem(label, n, end, sizeof(end) - 1);
		p = label;
		if (q == NULL || (q = memmem(q, MIN((size_t)(last - q), 30),
				      "-----", 5)) == NULL)
			continue;
		q += 5;
		/* line ends may be written as in a string */
		while (q < last && (isspace(*q) || *q == '\\'))
			q += *q == '\\' && last - q > 1 ? 2 : 1;
		n = (size_t)(last - q);
		while (k < n && k < 64 &&
		       (isalnum(q[k]) || q[k] == '+' || q[k] == '/'))
			k++;
		if (k >= 48 && check_secret_distinct(q, k) >= 16 &&
		    !check_secret_is_example(q, k))
			check_secret_tell(t, FINDING_SECRET_KEY,
			    "private key (PEM)", (size_t)(p - r.base), q, k);
	}
}

/* --- files that hold them by their nature -------------------------------- */

struct setting {
	const char *file, *key; /* a word, and behind it a value */
};

static const struct setting settings[] = {
    {"netrc", "password"},
    {".npmrc", "_authToken"},
    {".npmrc", "_auth"},
    {".npmrc", "_password"},
    {".pypirc", "password"},
    {".git-credentials", "https:"},
    {".my.cnf", "password"},
    {".s3cfg", "secret_key"},
    {"auth.json", "\"password\""},
    {"credentials.toml", "token"},
    {"application_default_credentials.json", "\"refresh_token\""},
    {"kaggle.json", "\"key\""},
    {"credentials", "aws_secret_access_key"},
};

/* No password is as long. */
#define VALUE_MAX 1024

static void
value(struct check_tell *t, struct rd r, size_t at, const char *key)
{
	size_t from = at + strlen(key), to;

	if (from >= r.len || isalnum(r.base[from]))
		return; /* a longer key */
	while (from < r.len && strchr(" \t=:\"'/", r.base[from]) != NULL &&
	       r.base[from] != '\0')
		from++;
	for (to = from;
	     to < r.len && to - from < VALUE_MAX && !isspace(r.base[to]); to++)
		continue;
	/* a variable is none */
	if (to - from >= 4 && r.base[from] != '$' && r.base[from] != '<' &&
	    r.base[from] != '{' &&
	    check_secret_distinct(r.base + from, to - from) >= 4 &&
	    !check_secret_is_example(r.base + from, to - from))
		check_secret_tell(t, FINDING_SECRET_TOKEN,
		    "stored password or token", from, r.base + from, to - from);
}

static void
stored(struct check_tell *t, struct rd r, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const char *key = settings[i].key;
		const uint8_t *p = r.base, *last = r.base + r.len;

		if (!text_ends_with(name, settings[i].file))
			continue;
		while (p < last && (p = memmem(p, (size_t)(last - p), key,
					strlen(key))) != NULL) {
			value(t, r, (size_t)(p - r.base), key);
			p++;
		}
	}
}

/* Metadata stand at the beginning of models, before any weights. */
#define HEAD_MAX ((size_t)1 << 20)

void
check_secret(const struct check_file *f)
{
	bool text = check_is(f, "text"), whole = text || check_is(f, "pickle");
	struct check_tell t = {.f = f};
	struct rd r = f->bytes;

	if (!whole &&
	    (f->bids->best == NULL || f->bids->best->kind != KIND_MODEL ||
		strcmp(f->bids->best->within, "zip") == 0))
		return;
	if (!whole)
		r.len = MIN(r.len, HEAD_MAX);
	tokens(&t, r, text);
	pem(&t, r);
	if (text) {
		check_secret_text(&t, r);
		stored(&t, r, check_name_of(f));
	}
	check_tell_rest(&t);
}
