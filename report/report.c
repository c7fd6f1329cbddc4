/* SPDX-License-Identifier: MIT
 * assay-report: one signed report from a case.
 */
#include "report/bundle.h"
#include "report/case.h"
#include "report/dsse.h"
#include "report/html.h"
#include "report/statement.h"
#include "report/svg.h"

#include "base/doc.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/text.h"
#include "base/tool.h"

static const char *opt_key, *opt_passphrase, *opt_out;
static bool opt_force, opt_json, opt_check_key;

static const struct opt options[] = {
    {"key", 'k', OPT_STR, &opt_key, "FILE",
	"sign with this private key: P-256 or Ed25519, PEM", 0, 0, 0},
    {"passphrase-file", 0, OPT_STR, &opt_passphrase, "FILE",
	"its first line unlocks an encrypted key", 0, 0, 0},
    {"out", 'o', OPT_STR, &opt_out, "DIR",
	"where the report goes (default: CASE/report)", 0, 0, 0},
    {"check-key", 0, OPT_FLAG, &opt_check_key, NULL,
	"only see whether --key can sign", 0, 0, 0},
    {"force", 'f', OPT_FLAG, &opt_force, NULL, "replace a report that is there",
	0, 0, 0},
    {"json", 'j', OPT_FLAG, &opt_json, NULL, "print a summary as JSON", 0, 0,
	0},
    {0},
};

static const struct opt_tool tool = {
    "assay-report",
    "make one signed report from a case",
    "CASE [--key FILE] [options]",
    options,
    0,
    1,
};

/* Everything that one run holds. */
struct run {
	struct case_docs docs;
	struct evidence scan, rescan;
	struct checks_in in;
	struct diagram diagram;
	struct buf dot, svg, html, payload, envelope;
	json_t *statement;
	bool is_signed;
	enum keys_kind kind;
	char key_id[DIGEST_HEX];
	struct buf pem;
};

static void
run_release(struct run *r)
{
	buf_free(&r->dot);
	buf_free(&r->svg);
	buf_free(&r->html);
	buf_free(&r->payload);
	buf_free(&r->envelope);
	buf_free(&r->pem);
	json_decref(r->statement);
	diagram_release(&r->diagram);
	evidence_release(&r->scan);
	evidence_release(&r->rescan);
	case_release(&r->docs);
}

/* The key is tried before the work, forgotten, and read again to sign: it is
 * not in memory while names from the bundle are drawn. */
static int
try_key(struct run *r, struct err *e)
{
	struct buf sig = {0};
	struct keys k;
	int rc;

	if (opt_key == NULL)
		return 0;
	if ((rc = keys_private(opt_key, opt_passphrase, &k, e)) != 0)
		return rc;
	rc = keys_sign(&k, "", 0, &sig, e);
	r->is_signed = true;
	r->kind = k.kind;
	memcpy(r->key_id, k.id, sizeof(r->key_id));
	buf_append(&r->pem, k.pem.ptr, k.pem.len);
	buf_free(&sig);
	keys_release(&k);
	return rc;
}

static int
sign(struct run *r, struct err *e)
{
	struct keys k;
	int rc;

	if (!r->is_signed)
		return 0;
	if ((rc = keys_private(opt_key, opt_passphrase, &k, e)) != 0)
		return rc;
	if (strcmp(k.id, r->key_id) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the key file changed while the report was made");
	else
		rc = dsse_sign(
		    &k, r->payload.ptr, r->payload.len, &r->envelope, e);
	keys_release(&k);
	return rc;
}

static int
read_scans(struct run *r, struct err *e)
{
	static const enum case_doc which[] = {CASE_SCAN, CASE_RESCAN};
	struct evidence *to[] = {&r->scan, &r->rescan};
	const struct evidence **in[] = {&r->in.scan, &r->in.rescan};

	r->in.docs = &r->docs;
	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		const json_t *doc = case_doc(&r->docs, which[i]);
		int rc;

		if (doc == NULL)
			continue;
		if ((rc = evidence_read(to[i], doc, e)) != 0)
			return err_in(e, r->docs.file[which[i]].name);
		*in[i] = to[i];
	}
	return 0;
}

static int
draw(struct run *r, struct err *e)
{
	int rc;

	if (r->in.scan == NULL)
		return 0;
	if ((rc = diagram_init(&r->diagram, r->in.scan, e)) != 0)
		return rc;
	diagram_dot(&r->diagram, &r->dot);
	return svg_render(buf_str(&r->dot), &r->svg, e);
}

static void
derive(struct run *r, const char *name, const char *type, const struct buf *b)
{
	struct digest d;

	digest_mem(b->ptr, b->len, &d);
	statement_derive(r->statement, name, type, &d);
}

static int
compose(struct run *r, struct err *e)
{
	struct html_in h = {.in = &r->in};

	r->statement = statement_new(&r->in);
	h.statement = r->statement;
	h.predicate = json_at(r->statement, "predicate");
	if (r->in.scan != NULL) {
		h.diagram = &r->diagram;
		h.svg = buf_str(&r->svg);
	}
	if (r->is_signed) {
		h.key_id = r->key_id;
		h.key_name = keys_kind_name(r->kind);
	}
	html_report(&h, &r->html);
	derive(r, "report.html", "text/html", &r->html);
	if (r->in.scan != NULL) {
		derive(r, "flips.dot", "text/vnd.graphviz", &r->dot);
		derive(r, "flips.svg", "image/svg+xml", &r->svg);
	}
	return json_canonical(r->statement, &r->payload, e);
}

static int
write_all(struct run *r, const char *out, struct err *e)
{
	const struct {
		const char *name;
		const struct buf *b;
		bool on;
	} part[] = {
	    {"statement.json", &r->payload, true},
	    {"report.html", &r->html, true},
	    {"flips.dot", &r->dot, r->in.scan != NULL},
	    {"flips.svg", &r->svg, r->in.scan != NULL},
	    {"audit.sigstore.json", &r->envelope, r->is_signed},
	    {"public.pem", &r->pem, r->is_signed},
	};
	struct bundle b;
	int rc;

	if ((rc = bundle_begin(&b, out, opt_force, e)) != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(part) && rc == 0; i++)
		if (part[i].on)
			rc = bundle_add(&b, part[i].name, part[i].b->ptr,
			    part[i].b->len, e);
	if (rc == 0)
		rc = bundle_commit(&b, e);
	bundle_abort(&b);
	return rc;
}

static void
print_summary(const struct run *r, const char *verdict, const char *out)
{
	const json_t *p = json_at(r->statement, "predicate");
	char line[2048];

	text_escape(out, strlen(out), line, sizeof(line));
	if (opt_json) {
		json_t *j = doc_new("assay-report/1");

		json_put(j, "verdict", json_text(verdict));
		json_put(j, "report", json_text(out));
		json_put(j, "subject",
		    json_deep_copy(json_at(r->statement, "subject.0")));
		json_put(j, "resultsDigest",
		    json_deep_copy(json_at(p, "resultsDigest")));
		json_put(j, "notTested",
		    json_deep_copy(json_at(p, "scope.notTested")));
		json_put(j, "findings",
		    json_integer(
			(json_int_t)json_array_size(json_at(p, "findings"))));
		json_put(j, "keyid",
		    r->is_signed ? json_text(r->key_id) : json_null());
		json_print(j);
		json_decref(j);
		return;
	}
	printf("%s  %s/report.html\n", verdict, line);
	if (r->is_signed)
		printf("signed with %s, key %s\n", keys_kind_name(r->kind),
		    r->key_id);
	else
		printf("not signed\n");
}

static int
status_of(const char *verdict)
{
	if (strcmp(verdict, "PASSED") == 0)
		return TOOL_PASSED;
	return strcmp(verdict, "FAILED") == 0 ? TOOL_FLAGGED : TOOL_INCOMPLETE;
}

/* The exit status. */
static int
report(struct run *r, const char *dir)
{
	struct err e = {0};
	const char *verdict;
	char out[1024];

	if (opt_out != NULL
		? snprintf(out, sizeof(out), "%s", opt_out) >= (int)sizeof(out)
		: file_join(out, sizeof(out), dir, "report", &e) != 0) {
		err_set(&e, ERR_LIMIT, ERR_NOWHERE, "path too long");
		return tool_fail(&e);
	}
	if (try_key(r, &e) != 0 || case_read(&r->docs, dir, &e) != 0 ||
	    read_scans(r, &e) != 0 || draw(r, &e) != 0 || compose(r, &e) != 0 ||
	    sign(r, &e) != 0 || write_all(r, out, &e) != 0)
		return tool_fail(&e);
	verdict = json_string_value(json_at(r->statement, "predicate.verdict"));
	print_summary(r, verdict, out);
	return status_of(verdict);
}

int
main(int argc, char **argv)
{
	struct run r = {0};
	struct err e = {0};
	int first, status;

	tool_name = tool.name;
	switch (opt_parse(&tool, argc, argv, &first)) {
	case OPT_DONE:
		return tool_end(TOOL_PASSED);
	case OPT_USAGE:
		return TOOL_USAGE;
	default:
		break;
	}
	if (opt_check_key ? opt_key == NULL || first < argc : first == argc)
		return opt_usage(&tool,
			   opt_check_key ? "--check-key wants --key and no case"
					 : "an operand is missing"),
		       TOOL_USAGE;
	if (!opt_check_key)
		status = report(&r, argv[first]);
	else
		status = try_key(&r, &e) == 0 ? TOOL_PASSED : tool_fail(&e);
	run_release(&r);
	return tool_end(status);
}
