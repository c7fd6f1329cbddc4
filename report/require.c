/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "report/require.h"

#include "report/oms.h"

#include "base/child.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/sandbox.h"
#include "formats/identify.h"

#include <sys/mman.h>

/* Files that are named one by one; beyond that they are counted. */
#define REQUIRE_NAMED 100

static const json_t *
required(const struct case_docs *c)
{
	return json_at(case_doc(c, CASE_INSPECT), "policy.require");
}

/* --- signatures ------------------------------------------------------------- */

struct attempt {
	const struct file_map *map;
	const struct keys *key;
	const struct subject *files;
	const char *name;
	struct err *e; /* shared with the child */
};

static int
attempt(void *ctx)
{
	const struct sandbox_spec spec = {
	    .memory = (uint64_t)2 << 30, .seconds = 60};
	struct attempt *a = ctx;
	struct sandbox_state st;

	if (sandbox_enter(&spec, &st, a->e) == 0 &&
	    oms_verify(
		a->map->ptr, a->map->len, a->key, a->files, a->name, a->e) == 0)
		a->e->code = 0;
	return 0;
}

/* The child says in *said how it went; ERR_SYSTEM when it could not. */
static int
in_sandbox(struct attempt *a, struct err *said, struct err *e)
{
	int status, rc;

	a->e = mmap(NULL, sizeof(*a->e), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a->e == MAP_FAILED)
		return err_sys(e, "cannot share memory");
	*a->e = (struct err){.code = ERR_SYSTEM};
	rc = child_run(attempt, a, &status, e);
	*said = *a->e;
	/* whatever became of the child, this is text */
	said->path[sizeof(said->path) - 1] = '\0';
	said->msg[sizeof(said->msg) - 1] = '\0';
	munmap(a->e, sizeof(*a->e));
	return rc;
}

/* The file of that path, or the one that ends so: archives often begin with a
 * folder. */
static const char *
find(const struct subject *files, const char *path)
{
	const char *found = NULL;
	size_t n = strlen(path);

	for (size_t i = 0; i < files->n; i++) {
		const char *p = files->file[i].path;
		size_t len = strlen(p);

		if (strcmp(p, path) == 0)
			return p;
		if (len <= n || strcmp(p + len - n, path) != 0 ||
		    p[len - n - 1] != '/')
			continue;
		if (found != NULL)
			return NULL;
		found = p;
	}
	return found;
}

static const char *
status_of(int code)
{
	if (code == 0)
		return "PASSED";
	return code == ERR_FORMAT || code == ERR_TRUNCATED ? "FAILED"
							   : "INCONCLUSIVE";
}

static int
try_one(const struct case_docs *c, const char *name, const struct keys *k,
    struct err *said, struct err *e)
{
	struct attempt a = {.key = k, .files = &c->files, .name = name};
	char rel[1024], path[1024];
	struct file_map m;
	int rc;

	if ((rc = file_join(rel, sizeof(rel), c->dir, "files", e)) != 0 ||
	    (rc = file_join(path, sizeof(path), rel, name, e)) != 0 ||
	    (rc = file_map(path, LIMIT_DOCUMENT, &m, e)) != 0)
		return rc;
	a.map = &m;
	rc = in_sandbox(&a, said, e);
	file_unmap(&m);
	return rc;
}

static int
signature(
    const struct case_docs *c, const json_t *want, json_t *out, struct err *e)
{
	const char *pem = json_text_at(want, "public-key");
	const char *path = json_at(want, "path") != NULL
			       ? json_text_at(want, "path")
			       : "model.sig";
	const char *name = find(&c->files, path);
	struct err said = {0};
	struct keys k;
	json_t *one;
	int rc;

	if ((rc = keys_model_mem(pem, strlen(pem), &k, e)) != 0)
		return err_wrap(e, "policy: required signature");
	if (name == NULL)
		err_set(&said, ERR_FORMAT, ERR_NOWHERE,
		    "there is no such file, or more than one");
	else
		rc = try_one(c, name, &k, &said, e);
	if (rc == 0) {
		one = json_object();
		json_put(one, "path", json_text(name != NULL ? name : path));
		json_put(one, "keyid", json_text(k.id));
		json_put(one, "status", json_text(status_of(said.code)));
		json_put(one, "detail",
		    json_text(said.code != 0 ? said.msg : "signs every file"));
		json_add(out, one);
	}
	keys_release(&k);
	return rc;
}

int
require_signatures(const struct case_docs *c, json_t **out, struct err *e)
{
	const json_t *list = json_at(required(c), "signatures"), *one;
	size_t i;
	int rc = 0;

	*out = NULL;
	if (json_array_size(list) == 0)
		return 0;
	*out = json_array();
	json_array_foreach(list, i, one)
	{
		if (rc == 0)
			rc = signature(c, one, *out, e);
	}
	if (rc != 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

/* --- what is met ------------------------------------------------------------ */

static void say(json_t *list, const char *rule, const char *status,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

static void
say(json_t *list, const char *rule, const char *status, const char *fmt, ...)
{
	json_t *one = json_object();
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_put(one, "rule", json_text(rule));
	json_put(one, "status", json_text(status));
	json_put(one, "detail", json_text(text));
	json_add(list, one);
}

static bool
holds(const json_t *list, const char *s)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i,
	    one) if (json_is_string(one) &&
		     strcmp(json_string_value(one), s) == 0) return true;
	return false;
}

/* One that holds a model, whoever can execute it. */
static bool
is_model(const json_t *file)
{
	return json_is_true(json_at(file, "model")) ||
	       identify_is_model(json_text_at(file, "format"));
}

static void
formats(const struct case_docs *c, const json_t *allowed, json_t *out)
{
	const json_t *doc = case_doc(c, CASE_INSPECT), *one;
	const json_t *files = json_at(doc, "files");
	size_t i, bad = 0, models = 0;

	json_array_foreach(files, i, one)
	{
		const char *format = json_text_at(one, "format");

		if (!is_model(one))
			continue;
		models++;
		if (holds(allowed, format))
			continue;
		if (bad++ < REQUIRE_NAMED)
			say(out, "formats", "FAILED",
			    "%.200s is of the format '%.60s'",
			    json_text_at(one, "path"), format);
	}
	if (bad > REQUIRE_NAMED)
		say(out, "formats", "FAILED", "and %zu files more",
		    bad - REQUIRE_NAMED);
	if (bad == 0)
		say(out, "formats",
		    json_is_true(json_at(doc, "complete")) ? "PASSED"
							   : "INCONCLUSIVE",
		    "%zu files of models are of formats that are allowed",
		    models);
}

static void
checks(const json_t *want, const json_t *have, json_t *out)
{
	const json_t *id, *one;
	size_t i, k;

	json_array_foreach(want, i, id)
	{
		const char *name = json_string_value(id), *status = NULL;

		json_array_foreach(have, k,
		    one) if (strcmp(json_text_at(one, "id"), name) == 0)
		    status = json_text_at(one, "status");
		if (status == NULL)
			say(out, "checks", "INCONCLUSIVE",
			    "%.100s was not done", name);
		else
			say(out, "checks", status, "%.100s: %.20s", name,
			    status);
	}
}

/* References that somebody trusts: not those that the scan grew itself. */
static void
references(const struct case_docs *c, int64_t least, json_t *out)
{
	const json_t *scan = case_doc(c, CASE_SCAN), *one;
	const json_t *inputs = json_at(scan, "inputs");
	const char *arm = json_text_at(scan, "arm");
	int64_t n = 0;
	size_t i;

	if (*arm == '\0' || strcmp(arm, "references") == 0)
		json_array_foreach(inputs, i, one) n +=
		    strcmp(json_text_at(one, "role"), "reference") == 0;
	say(out, "references", n >= least ? "PASSED" : "INCONCLUSIVE",
	    "%" PRId64 " trusted references, %" PRId64 " are required", n,
	    least);
}

struct measure {
	const char *rule;
	enum case_doc doc[2]; /* the first that has it counts */
	const char *path[2];
	bool least; /* else at most */
};

static void
threshold(const struct case_docs *c, const json_t *require,
    const struct measure *m, json_t *out)
{
	const json_t *limit = json_object_get(require, m->rule), *v = NULL;
	double have, want = json_number_value(limit);
	bool met;

	if (limit == NULL)
		return;
	for (size_t i = 0; i < 2 && !json_is_number(v); i++)
		v = json_at(case_doc(c, m->doc[i]), m->path[i]);
	if (!json_is_number(v)) {
		say(out, m->rule, "INCONCLUSIVE", "was not measured");
		return;
	}
	have = json_number_value(v);
	met = m->least ? have >= want : have <= want;
	say(out, m->rule, met ? "PASSED" : "FAILED", "%.6g, at %s %.6g is %s",
	    have, m->least ? "least" : "most", want,
	    m->least ? "required" : "allowed");
}

static void
signatures(const json_t *list, json_t *out)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	    say(out, "signatures", json_text_at(one, "status"),
		"%.100s, key %.16s: %.220s", json_text_at(one, "path"),
		json_text_at(one, "keyid"), json_text_at(one, "detail"));
}

static const char *
worst(const json_t *list)
{
	const char *status = "PASSED";
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *s = json_text_at(one, "status");

		if (strcmp(s, "FAILED") == 0)
			return "FAILED";
		if (strcmp(s, "PASSED") != 0)
			status = "INCONCLUSIVE";
	}
	return status;
}

json_t *
require_check(
    const struct case_docs *c, const json_t *all, const json_t *signed_ones)
{
	static const struct measure measures[] = {
	    {"score", {CASE_SCAN, CASE_SCAN}, {"score", "score"}, false},
	    {"accuracy", {CASE_EVAL_BEFORE, CASE_SCAN},
		{"accuracy.rate", "accuracy.suspect"}, true},
	    {"attack-success", {CASE_EVAL_BEFORE, CASE_EVAL_BEFORE},
		{"asr.rate", "asr.rate"}, false},
	};
	const json_t *r = required(c);
	json_t *check, *evidence, *out;

	if (!json_is_object(r) || json_object_size(r) == 0)
		return NULL;
	out = json_array();
	checks(json_at(r, "checks"), all, out);
	if (json_at(r, "formats") != NULL)
		formats(c, json_at(r, "formats"), out);
	if (json_at(r, "references") != NULL)
		references(
		    c, json_integer_value(json_at(r, "references")), out);
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		threshold(c, r, &measures[i], out);
	signatures(signed_ones, out);
	check = json_object();
	evidence = json_object();
	json_put(check, "id", json_text("policy"));
	json_put(check, "status", json_text(worst(out)));
	json_put(evidence, "required", out);
	json_put(check, "evidence", evidence);
	return check;
}
