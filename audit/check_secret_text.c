/* SPDX-License-Identifier: MIT
 * Secrets that are known by what stands before them in a text: keys in base64,
 * addresses with a password, variables of services.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_secret_part.h"

#include "audit/check_decode.h"
#include "base/text.h"

#include <ctype.h>
#include <strings.h>

/* Of base64 that is decoded, of a user with a password, of a value. */
#define CODED_MAX 2048
#define USER_MAX  256
#define VALUE_MAX 1024

/* --- keys ---------------------------------------------------------------- */

/* A PEM key, written as base64 once more: "-----BEGIN " of a kubeconfig, or of
 * a variable. */
static void
coded_pem(struct check_tell *t, struct rd r)
{
	static const char begin[] = "LS0tLS1CRUdJTi", label[] = "PRIVATE KEY";
	const uint8_t *p = r.base, *last = r.base + r.len;
	uint8_t out[CODED_MAX];

	while (p < last && (p = memmem(p, (size_t)(last - p), begin,
				sizeof(begin) - 1)) != NULL) {
		size_t n = check_decode_base64_run((struct slice){
			   p, MIN(CODED_MAX, (size_t)(last - p))}),
		       len = check_decode_base64((struct slice){p, n}, out);
		const uint8_t *q;

		q = memmem(out, MIN(len, 64), label, sizeof(label) - 1);
		if (q != NULL && len > 128 &&
		    check_secret_distinct(out + 64, len - 64) > 16)
			check_secret_tell(t, FINDING_SECRET_KEY,
			    "private key (base64)", (size_t)(p - r.base), p, n);
		p += MAX(n, 1);
	}
}

/* PuTTY's own form (sshpubk.c), of a key that no password protects. */
static void
putty(struct check_tell *t, struct rd r)
{
	static const char begin[] = "PuTTY-User-Key-File-",
			  plain[] = "Encryption: none",
			  lines[] = "Private-Lines: ";
	const uint8_t *last = r.base + r.len, *p;

	if (r.len < sizeof(begin) ||
	    memcmp(r.base, begin, sizeof(begin) - 1) != 0 ||
	    memmem(r.base, r.len, plain, sizeof(plain) - 1) == NULL ||
	    (p = memmem(r.base, r.len, lines, sizeof(lines) - 1)) == NULL ||
	    (p = memchr(p, '\n', (size_t)(last - p))) == NULL)
		return;
	p++;
	if (last - p >= 40 && check_secret_distinct(p, 40) >= 16)
		check_secret_tell(t, FINDING_SECRET_KEY, "private key (PuTTY)",
		    (size_t)(p - r.base), p, 40);
}

/* --- addresses with a password ------------------------------------------- */

static bool
is_word_of_docs(const char *s, size_t len)
{
	static const char *const words[] = {"password", "passwd", "secret",
	    "changeme", "postgres", "username", "mypassword", "your_password"};

	return text_is_among(s, len, words, ARRAY_LEN(words)) ||
	       check_secret_is_example((const uint8_t *)s, len);
}

/* RFC 3986, 3.2.1: user:password@host behind "://"; *len: of the password. */
static const uint8_t *
password(const uint8_t *p, const uint8_t *last, size_t *len)
{
	const uint8_t *colon = NULL, *q = p;

	while (q < last && q - p<USER_MAX && * q> 0x20 && *q < 0x7f &&
	       strchr("/?#\"'<>{}$@", *q) == NULL) {
		if (*q == ':' && colon == NULL)
			colon = q;
		q++;
	}
	if (q >= last || *q != '@' || colon == NULL || colon == p)
		return NULL;
	*len = (size_t)(q - colon - 1);
	return colon + 1;
}

static bool
is_local(const uint8_t *host, const uint8_t *last)
{
	static const char *const names[] = {
	    "localhost", "127.0.0.1", "example.", "host", "db:", "0.0.0.0"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i]);

		if ((size_t)(last - host) >= n &&
		    memcmp(host, names[i], n) == 0)
			return true;
	}
	return false;
}

static void
addresses(struct check_tell *t, struct rd r)
{
	const uint8_t *p = r.base, *last = r.base + r.len;

	while (
	    p < last && (p = memmem(p, (size_t)(last - p), "://", 3)) != NULL) {
		size_t len = 0, digits = 0;
		const uint8_t *word = password(p += 3, last, &len);

		for (size_t i = 0; word != NULL && i < len; i++)
			digits += !!isdigit(word[i]);
		if (word != NULL && len >= 8 && digits != 0 && digits < len &&
		    check_secret_distinct(word, len) >= 6 &&
		    !is_word_of_docs((const char *)word, len) &&
		    !is_local(word + len + 1, last))
			check_secret_tell(t, FINDING_SECRET_TOKEN,
			    "password of an address", (size_t)(word - r.base),
			    word, len);
	}
}

/* --- variables ----------------------------------------------------------- */

/* What stands at p, behind a name, a sign and perhaps quotes: a key has digits, names
 * of variables do not have that many, and letters, which numbers do not. */
static void
value(struct check_tell *t, struct rd r, const uint8_t *p)
{
	const uint8_t *last = r.base + r.len, *q, *name = p;
	size_t digits = 0, letters = 0;

	while (p < last && *p != 0 && strchr(" \t=:\"'", *p) != NULL)
		p++;
	if (p == name)
		return; /* a longer name */
	for (q = p; q < last && q - p < VALUE_MAX &&
		    (isalnum(*q) || (*q != 0 && strchr("+/=_-", *q) != NULL));
	     q++) {
		digits += !!isdigit(*q);
		letters += !!isalpha(*q);
	}
	if (q - p >= 20 && digits >= 4 && letters >= 2 &&
	    check_secret_distinct(p, (size_t)(q - p)) >= 10 &&
	    !check_secret_is_example(p, (size_t)(q - p)))
		check_secret_tell(t, FINDING_SECRET_TOKEN, "key of a service",
		    (size_t)(p - r.base), p, (size_t)(q - p));
}

/* Docker's config.json: "auth": base64 of a user and a password. */
static void
registry(struct check_tell *t, struct rd r)
{
	static const char all[] = "\"auths\"", key[] = "\"auth\"";
	const uint8_t *p = r.base, *last = r.base + r.len;
	uint8_t out[CODED_MAX];

	if (memmem(r.base, r.len, all, sizeof(all) - 1) == NULL)
		return;
	while (p < last && (p = memmem(p, (size_t)(last - p), key,
				sizeof(key) - 1)) != NULL) {
		size_t n, len;
		const uint8_t *colon;

		p += sizeof(key) - 1;
		while (p < last && *p != 0 && strchr(" \t\r\n:\"", *p) != NULL)
			p++;
		n = check_decode_base64_run(
		    (struct slice){p, MIN(CODED_MAX, (size_t)(last - p))});
		len = check_decode_base64((struct slice){p, n}, out);
		colon = len != 0 ? memchr(out, ':', len) : NULL;
		if (colon != NULL && colon != out && out + len - colon > 6 &&
		    check_secret_distinct(out, len) >= 8 &&
		    !is_word_of_docs((const char *)colon + 1,
			(size_t)(out + len - colon - 1)))
			check_secret_tell(t, FINDING_SECRET_TOKEN,
			    "password of a registry", (size_t)(p - r.base), p,
			    n);
	}
}

/* Telegram: eight to ten digits, a colon, and 35 characters from AA on. */
static void
bot(struct check_tell *t, struct rd r)
{
	const uint8_t *p = r.base, *last = r.base + r.len;

	while (
	    p < last && (p = memmem(p, (size_t)(last - p), ":AA", 3)) != NULL) {
		size_t digits = 0, n = 0;

		while (digits < 11 && p - r.base > (ptrdiff_t)digits &&
		       isdigit(p[-1 - (ptrdiff_t)digits]))
			digits++;
		for (p++; n < 36 && p + n < last &&
			  (isalnum(p[n]) || p[n] == '_' || p[n] == '-');
		     n++)
			;
		if (digits >= 8 && digits <= 10 && n == 35 &&
		    check_secret_distinct(p, n) >= 14 &&
		    !check_secret_is_example(p, n))
			check_secret_tell(t, FINDING_SECRET_TOKEN,
			    "Telegram token", (size_t)(p - r.base), p, n);
	}
}

/* Those that programs take a key from, whatever file sets them. */
static void
variables(struct check_tell *t, struct rd r)
{
	static const char *const names[] = {"CLEARML_API_SECRET_KEY",
	    "NEPTUNE_API_TOKEN", "KAGGLE_KEY", "MLFLOW_TRACKING_TOKEN",
	    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN",
	    "GITHUB_TOKEN", "GITLAB_TOKEN", "WANDB_KEY", "DATABRICKS_TOKEN",
	    "DISCORD_TOKEN", "SECRETACCESSKEY", "WANDB.LOGIN(KEY",
	    /* of any service */
	    "API_KEY", "APIKEY", "API-KEY", "API_TOKEN", "AUTH_TOKEN",
	    "ACCESS_TOKEN", "CLIENT_SECRET", "SECRET_ACCESS_KEY",
	    "AUTHORIZATION: BEARER"};
	bool first[256] = {false};
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		first[(uint8_t)names[k][0]] = true;
		first[tolower((uint8_t)names[k][0])] = true;
	}
	while (i < r.len) {
		size_t k = first[r.base[i]] ? 0 : ARRAY_LEN(names), n = 0;

		for (; k < ARRAY_LEN(names); k++) {
			n = strlen(names[k]);
			if (toupper(r.base[i]) == names[k][0] &&
			    r.len - i >= n &&
			    strncasecmp(
				(const char *)r.base + i, names[k], n) == 0)
				break;
		}
		if (k < ARRAY_LEN(names))
			value(t, r, r.base + i + n);
		i += k < ARRAY_LEN(names) ? n : 1;
	}
}

void
check_secret_text(struct check_tell *t, struct rd r)
{
	if (r.len == 0)
		return;
	coded_pem(t, r);
	putty(t, r);
	registry(t, r);
	bot(t, r);
	addresses(t, r);
	variables(t, r);
}
