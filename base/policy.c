/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* gmtime_r */
#include "base/policy.h"

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/policy_require.h"
#include "base/text.h"

#include <time.h>

#define REASON_MAX 1000

void
policy_none(struct policy *p)
{
	*p = (struct policy){.fail_at = SEVERITY_HIGH};
}

void
policy_release(struct policy *p)
{
	json_decref(p->doc);
	arena_release(&p->arena);
	policy_none(p);
}

int
policy_now(int64_t *now, struct err *e)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t v = 0;

	*now = (int64_t)time(NULL);
	if (epoch == NULL)
		return 0;
	if (!text_parse_u64(epoch, UINT32_MAX, &v))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "SOURCE_DATE_EPOCH is not a time: '%.40s'", epoch);
	*now = (int64_t)v;
	return 0;
}

/* --- reading ------------------------------------------------------------- */

/* A place in the document: "waive.3.expires". */
struct place {
	char text[64];
};

static struct place
at(const char *list, size_t i, const char *key)
{
	struct place p;

	snprintf(p.text, sizeof(p.text), "%s.%zu.%s", list, i, key);
	return p;
}

static int refuse(struct err *e, const char *where, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static int
refuse(struct err *e, const char *where, const char *fmt, ...)
{
	char text[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "'%s' %s", where, text);
}

/* Every key is one of these; `where` is "" or ends with a dot. */
static int
only_keys(const json_t *j, const char *where, const char *const *known,
    size_t n, struct err *e)
{
	const char *key = json_unknown_key(j, known, n);

	return key == NULL ? 0
			   : err_set(e, ERR_FORMAT, ERR_NOWHERE,
				 "'%s%.60s' is not known", where, key);
}

static bool
date_valid(const char *s)
{
	static const unsigned days[] = {
	    31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned y, m, d;

	if (strlen(s) != 10 || strspn(s, "0123456789-") != 10 || s[4] != '-' ||
	    s[7] != '-' || memchr(s, '-', 4) != NULL || s[5] == '-' ||
	    s[6] == '-' || s[8] == '-' || s[9] == '-')
		return false;
	y = (unsigned)strtoul(s, NULL, 10);
	m = (unsigned)strtoul(s + 5, NULL, 10);
	d = (unsigned)strtoul(s + 8, NULL, 10);
	if (m < 1 || m > 12 || d < 1 || d > days[m - 1])
		return false;
	return m != 2 || d != 29 ||
	       (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

static int
read_severity(const json_t *doc, const char *where, enum finding_severity *out,
    struct err *e)
{
	const char *s;
	int rc;

	if ((rc = json_get_str(doc, where, &s, e)) != 0)
		return rc;
	if (!finding_severity_parse(s, out))
		return refuse(e, where,
		    "is no severity (note, low, medium, high, critical)");
	return 0;
}

static int
read_id(
    const json_t *doc, const char *where, enum finding_id *out, struct err *e)
{
	const char *s;
	int rc;

	if ((rc = json_get_str(doc, where, &s, e)) != 0)
		return rc;
	if ((*out = finding_find(s)) == FINDING_COUNT)
		return refuse(e, where, "names no finding: %.60s", s);
	return 0;
}

static int
read_reason(
    const json_t *doc, const char *where, const char **out, struct err *e)
{
	int rc;

	if ((rc = json_get_str(doc, where, out, e)) != 0)
		return rc;
	if (strspn(*out, " \t\r\n") == strlen(*out))
		return refuse(e, where, "is empty");
	if (strlen(*out) > REASON_MAX)
		return refuse(e, where, "is longer than %d bytes", REASON_MAX);
	return 0;
}

static int
read_expires(const json_t *doc, const char *where, const char *today,
    struct policy_entry *x, struct err *e)
{
	int rc;

	if (!x->waive && json_at(doc, where) == NULL)
		return 0;
	if ((rc = json_get_str(doc, where, &x->expires, e)) != 0)
		return rc;
	if (!date_valid(x->expires))
		return refuse(e, where, "is no date such as 2027-01-31");
	x->expired = strcmp(x->expires, today) < 0;
	return 0;
}

/* A string that may be absent. */
static int
read_some(const json_t *doc, const char *where, const char **out, struct err *e)
{
	int rc;

	if (json_at(doc, where) == NULL)
		return 0;
	if ((rc = json_get_str(doc, where, out, e)) != 0)
		return rc;
	return **out == '\0' ? refuse(e, where, "is empty") : 0;
}

static int
read_digest(
    const json_t *doc, const char *where, const char **out, struct err *e)
{
	struct digest d;
	int rc;

	if ((rc = read_some(doc, where, out, e)) != 0 || *out == NULL)
		return rc;
	if (!digest_parse(*out, &d))
		return refuse(e, where, "is not 64 lower-case hex digits");
	return 0;
}

/* Entry i of "waive" or "change". */
static int
read_entry(struct policy *p, const char *list, size_t i, struct err *e)
{
	static const char *const keys[] = {
	    "id", "reason", "expires", "path", "member", "sha256", "severity"};
	struct policy_entry *x = &p->entry[p->n];
	char where[40];
	const json_t *one;
	int rc;

	x->waive = strcmp(list, "waive") == 0;
	snprintf(where, sizeof(where), "%s.%zu", list, i);
	if ((rc = json_get_object(p->doc, where, &one, e)) != 0)
		return rc;
	snprintf(where, sizeof(where), "%s.%zu.", list, i);
	/* a waiver has no severity */
	if ((rc = only_keys(one, where, keys, ARRAY_LEN(keys) - x->waive, e)) !=
		0 ||
	    (rc = read_id(p->doc, at(list, i, "id").text, &x->id, e)) != 0 ||
	    (rc = read_reason(
		 p->doc, at(list, i, "reason").text, &x->reason, e)) != 0 ||
	    (rc = read_expires(
		 p->doc, at(list, i, "expires").text, p->today, x, e)) != 0 ||
	    (rc = read_some(p->doc, at(list, i, "path").text, &x->path, e)) !=
		0 ||
	    (rc = read_some(
		 p->doc, at(list, i, "member").text, &x->member, e)) != 0 ||
	    (rc = read_digest(
		 p->doc, at(list, i, "sha256").text, &x->sha256, e)) != 0)
		return rc;
	if (!x->waive && (rc = read_severity(p->doc,
			      at(list, i, "severity").text, &x->to, e)) != 0)
		return rc;
	p->n++;
	return 0;
}

static int
read_entries(struct policy *p, struct err *e)
{
	static const char *const list[] = {"change", "waive"};
	size_t n[2] = {0}, i, k;
	int rc;

	for (k = 0; k < ARRAY_LEN(list); k++) {
		const json_t *a = json_at(p->doc, list[k]);

		if (a != NULL &&
		    (rc = json_get_array(p->doc, list[k], &a, e)) != 0)
			return rc;
		n[k] = json_array_size(a);
		if (n[k] > LIMIT_POLICY_ENTRIES)
			return refuse(e, list[k], "has more than %d entries",
			    LIMIT_POLICY_ENTRIES);
	}
	p->entry = arena_alloc(&p->arena, n[0] + n[1] + 1, sizeof(*p->entry));
	if (p->entry == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "the policy is too large");
	for (k = 0; k < ARRAY_LEN(list); k++)
		for (i = 0; i < n[k]; i++)
			if ((rc = read_entry(p, list[k], i, e)) != 0)
				return rc;
	return 0;
}

static int
read_document(struct policy *p, struct err *e)
{
	static const char *const keys[] = {
	    "schema", "name", "fail-at", "change", "waive", "require"};
	const char *text = NULL;
	int rc;

	if (!json_is_object(p->doc))
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "a policy is a JSON object");
	if ((rc = only_keys(p->doc, "", keys, ARRAY_LEN(keys), e)) != 0 ||
	    (rc = json_get_str(p->doc, "schema", &text, e)) != 0)
		return rc;
	if (strcmp(text, "assay-policy/1") != 0)
		return refuse(e, "schema", "is not assay-policy/1");
	text = NULL;
	if ((rc = read_some(p->doc, "name", &text, e)) != 0)
		return rc;
	if (json_at(p->doc, "fail-at") != NULL &&
	    (rc = read_severity(p->doc, "fail-at", &p->fail_at, e)) != 0)
		return rc;
	if ((rc = policy_require_check(p->doc, e)) != 0)
		return rc;
	return read_entries(p, e);
}

int
policy_parse(
    struct policy *p, const void *bytes, size_t len, int64_t now, struct err *e)
{
	time_t when = (time_t)now;
	struct digest d;
	struct tm tm;
	int rc;

	policy_none(p);
	arena_init(&p->arena, (size_t)64 << 20);
	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(p->today, sizeof(p->today), "%Y-%m-%d", &tm) != 10)
		return err_set(
		    e, ERR_USAGE, ERR_NOWHERE, "the clock shows no usable day");
	if ((rc = json_read(bytes, len, &p->doc, e)) != 0)
		return rc;
	if ((rc = read_document(p, e)) != 0) {
		policy_release(p);
		return rc;
	}
	digest_mem(bytes, len, &d);
	digest_hex(&d, p->sha256);
	p->size = len;
	return 0;
}

int
policy_read(struct policy *p, const char *path, int64_t now, struct err *e)
{
	struct file_map m;
	int rc;

	policy_none(p);
	if ((rc = file_map(path, LIMIT_POLICY, &m, e)) != 0)
		return rc;
	if ((rc = policy_parse(p, m.ptr, m.len, now, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

/* --- applying ------------------------------------------------------------ */

/* The digests of the files by path, when some entry asks for one. */
static void
index_files(const struct policy *p, const json_t *files, struct map *m)
{
	bool asked = false;
	json_t *one;
	size_t i;

	for (i = 0; i < p->n; i++)
		asked = asked || p->entry[i].sha256 != NULL;
	if (!asked)
		return;
	/* full: what is not in it is not waived */
	json_array_foreach(files, i,
	    one) if (map_put(m, json_text_at(one, "path"), i) < 0) return;
}

static bool
fits(const struct policy_entry *x, const json_t *f, const json_t *files,
    const struct map *m)
{
	const char *path = json_text_at(f, "path");
	size_t i;

	if (x->path != NULL && strcmp(x->path, path) != 0)
		return false;
	if (x->member != NULL &&
	    strcmp(x->member, json_text_at(f, "member")) != 0)
		return false;
	if (x->sha256 == NULL)
		return true;
	i = map_get(m, path);
	return i != SIZE_MAX &&
	       strcmp(json_text_at(json_array_get(files, i), "sha256"),
		   x->sha256) == 0;
}

static json_t *
because(const struct policy_entry *x)
{
	json_t *j = json_object();

	json_put(j, "reason", json_text(x->reason));
	if (x->expires != NULL)
		json_put(j, "expires", json_text(x->expires));
	return j;
}

static void
apply(const struct policy_entry *x, json_t *f)
{
	if (x->waive) {
		json_put(f, "waived", because(x));
		return;
	}
	json_put(f, "was", json_text(json_text_at(f, "severity")));
	json_put(f, "changed", because(x));
	json_put(f, "severity", json_text(finding_severity_name(x->to)));
}

void
policy_apply(struct policy *p, json_t *findings, const json_t *files)
{
	struct map m;
	json_t *f;
	size_t i;

	map_init(&m, &p->arena);
	index_files(p, files, &m);
	json_array_foreach(findings, i, f)
	{
		enum finding_id id = finding_find(json_text_at(f, "id"));
		bool done[2] = {false, false};

		for (size_t k = 0; k < p->n; k++) {
			struct policy_entry *x = &p->entry[k];

			if (x->id != id || x->expired || done[x->waive] ||
			    !fits(x, f, files, &m))
				continue;
			apply(x, f);
			done[x->waive] = true;
			x->used++;
		}
	}
}

bool
policy_counts(const json_t *finding, enum finding_severity fail_at)
{
	enum finding_severity s;

	if (json_object_get(finding, "waived") != NULL)
		return false;
	return !finding_severity_parse(json_text_at(finding, "severity"), &s) ||
	       s >= fail_at;
}

static json_t *
entry_json(const struct policy_entry *x)
{
	json_t *j = json_object();

	json_put(j, "action", json_text(x->waive ? "waive" : "change"));
	json_put(j, "id", json_text(finding_table[x->id].name));
	if (!x->waive)
		json_put(
		    j, "severity", json_text(finding_severity_name(x->to)));
	json_put(j, "reason", json_text(x->reason));
	if (x->expires != NULL)
		json_put(j, "expires", json_text(x->expires));
	if (x->path != NULL)
		json_put(j, "path", json_text(x->path));
	if (x->member != NULL)
		json_put(j, "member", json_text(x->member));
	if (x->sha256 != NULL)
		json_put(j, "sha256", json_text(x->sha256));
	json_put(j, "state",
	    json_text(x->expired     ? "expired"
		      : x->used == 0 ? "unused"
				     : "applied"));
	json_put(j, "findings", json_integer((json_int_t)x->used));
	return j;
}

json_t *
policy_json(const struct policy *p)
{
	json_t *j = json_object(), *list = json_array();
	json_t *name = json_object_get(p->doc, "name"), *require;

	if (name != NULL)
		json_put(j, "name", json_incref(name));
	json_put(j, "sha256", json_text(p->sha256));
	json_put(j, "date", json_text(p->today));
	json_put(j, "fail-at", json_text(finding_severity_name(p->fail_at)));
	for (size_t i = 0; i < p->n; i++)
		json_add(list, entry_json(&p->entry[i]));
	json_put(j, "entries", list);
	if ((require = json_object_get(p->doc, "require")) != NULL)
		json_put(j, "require", json_incref(require));
	return j;
}
