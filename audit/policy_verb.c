/* SPDX-License-Identifier: MIT */
#include "audit/policy_verb.h"

#include "base/doc.h"
#include "base/opt.h"
#include "base/policy.h"
#include "base/text.h"
#include "base/tool.h"
#include "formats/identify.h"

static bool arg_json;

static const struct opt table[] = {
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print what they say as JSON"},
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay policy",
    .summary = "check policies, and say what they do",
    .operands = "check FILE...",
    .table = table,
    .manual = "assay",
    .min_operands = 1,
    .max_operands = 10000,
};

/* base/ does not know the formats. */
static int
check_formats(const struct policy *p, const char *path, struct err *e)
{
	const json_t *list = json_at(p->doc, "require.formats"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *s = json_string_value(one);

		if (identify_is_model(s))
			continue;
		err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'require.formats.%zu' is '%.60s', which is no format of "
		    "models: assay inspect --list has them",
		    i, s);
		return err_in(e, path);
	}
	return 0;
}

static void
say_entry(const struct policy_entry *x)
{
	char raw[600], where[1200];

	snprintf(raw, sizeof(raw), "%s%.200s%s%.200s%s%.64s",
	    x->path != NULL ? ", in " : "", x->path != NULL ? x->path : "",
	    x->member != NULL ? ", member " : "",
	    x->member != NULL ? x->member : "",
	    x->sha256 != NULL ? ", sha256 " : "",
	    x->sha256 != NULL ? x->sha256 : "");
	text_escape(raw, strlen(raw), where, sizeof(where));
	printf("  %-7s %s%s%s%s%s%s\n", x->waive ? "waive" : "change",
	    finding_table[x->id].name, x->waive ? "" : " to ",
	    x->waive ? "" : finding_severity_name(x->to), where,
	    x->expires != NULL ? ", until " : "",
	    x->expires != NULL ? x->expires : "");
	if (x->expired)
		printf("          EXPIRED: does nothing\n");
}

/* Whole, however long: as ASCII it may be escaped in pieces. */
static void
say_value(const json_t *v)
{
	char *text =
	    json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII |
			      JSON_REAL_PRECISION(9));
	char piece[1024];
	size_t n;

	if (text == NULL)
		BUG("json_dumps");
	n = strlen(text);
	for (size_t at = 0; at < n; at += sizeof(piece) / 8) {
		text_escape(text + at, MIN(n - at, sizeof(piece) / 8), piece,
		    sizeof(piece));
		fputs(piece, stdout);
	}
	free(text);
}

static void
say_policy(const struct policy *p, const char *path)
{
	const json_t *require = json_object_get(p->doc, "require");
	char name[4096];
	const char *key;
	json_t *v;

	text_escape(path, strlen(path), name, sizeof(name));
	printf("%s: a policy, sha256 %s\n", name, p->sha256);
	printf("  fails at %s\n", finding_severity_name(p->fail_at));
	for (size_t i = 0; i < p->n; i++)
		say_entry(&p->entry[i]);
	json_object_foreach((json_t *)(uintptr_t)require, key, v)
	{
		printf("  require %s ", key);
		say_value(v);
		putchar('\n');
	}
}

static int
check(const char *path, int64_t now, json_t *list)
{
	struct policy p;
	struct err e = {0};
	json_t *one;
	int rc = policy_read(&p, path, now, &e);

	if (rc == 0 && (rc = check_formats(&p, path, &e)) == 0 && !arg_json)
		say_policy(&p, path);
	one = json_object();
	json_put(one, "file", json_text(path));
	json_put(one, "valid", json_boolean(rc == 0));
	if (rc == 0)
		json_put(one, "policy", policy_json(&p));
	else
		json_put(one, "problem", json_text(e.msg));
	json_add(list, one);
	if (rc != 0) {
		int status = tool_fail(&e);

		/* one that can be read and is none is what was asked about */
		rc =
		    rc == ERR_FORMAT || rc == ERR_LIMIT ? TOOL_FLAGGED : status;
	}
	policy_release(&p);
	return rc;
}

int
policy_verb(int argc, char **argv)
{
	json_t *doc, *list;
	struct err e = {0};
	int64_t now;
	int first, status = TOOL_PASSED, one;

	switch (opt_parse(&tool, argc, argv, &first)) {
	case OPT_DONE:
		return tool_end(TOOL_PASSED);
	case OPT_USAGE:
		return TOOL_USAGE;
	default:
		break;
	}
	if (strcmp(argv[first], "check") != 0)
		return opt_usage(&tool, "no '%s': 'check' is what can be done",
			   argv[first]),
		       TOOL_USAGE;
	if (first + 1 == argc)
		return opt_usage(&tool, "a policy to check is missing"),
		       TOOL_USAGE;
	if (policy_now(&now, &e) != 0)
		return tool_fail(&e);
	doc = doc_new("assay-policy-check/1");
	list = json_array();
	for (int i = first + 1; i < argc; i++) {
		one = check(argv[i], now, list);
		status = status == TOOL_FLAGGED || one == TOOL_FLAGGED
			     ? TOOL_FLAGGED
			     : MAX(status, one);
	}
	json_put(doc, "policies", list);
	if (arg_json)
		json_print(doc);
	json_decref(doc);
	return tool_end(status);
}
