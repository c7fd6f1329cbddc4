/* SPDX-License-Identifier: MIT
 * assay-report: one signed report from a case.
 */
#include "report/brief.h"
#include "report/bundle.h"
#include "report/case.h"
#include "report/envelope.h"
#include "report/html.h"
#include "report/oms.h"
#include "report/output.h"
#include "report/overview.h"
#include "report/pdf.h"
#include "report/require.h"
#include "report/shown.h"
#include "report/statement.h"
#include "report/svg.h"

#include "base/file.h"
#include "base/opt.h"
#include "base/rules.h"
#include "base/secret.h"
#include "base/tool.h"

static struct signer signer;
static const char *opt_out, *opt_certificate, *opt_pae, *opt_signature;
static const char *opt_query, *opt_stamp;
static bool opt_force, opt_json, opt_check_key, opt_model, opt_diff, opt_index;
static bool opt_pdf;

static const struct opt options[] = {
    {.name = "key",
	.letter = 'k',
	.kind = OPT_STR,
	.dest = &signer.key,
	.arg = "KEY",
	.help = "sign with this: a PEM file (P-256, Ed25519) or a pkcs11: URI"},
    {.name = "passphrase-file",
	.kind = OPT_STR,
	.dest = &signer.passphrase,
	.arg = "FILE",
	.help = "its first line unlocks the key, or is the PIN"},
    {.name = "sign-command",
	.kind = OPT_STR,
	.dest = &signer.command,
	.arg = "COMMAND",
	.help =
	    "sign by this: what is signed on its input, a signature as output"},
    {.name = "public-key",
	.kind = OPT_STR,
	.dest = &signer.public_key,
	.arg = "FILE",
	.help = "of whoever signs elsewhere, PEM"},
    {.name = "certificate",
	.kind = OPT_STR,
	.dest = &opt_certificate,
	.arg = "FILE",
	.help = "put this certificate of the key into the report, PEM"},
    {.name = "emit-pae",
	.kind = OPT_STR,
	.dest = &opt_pae,
	.arg = "FILE",
	.help = "do not sign: write what is to be signed"},
    {.name = "attach-signature",
	.kind = OPT_STR,
	.dest = &opt_signature,
	.arg = "FILE",
	.help = "put a signature of that into the report"},
    {.name = "timestamp-query",
	.kind = OPT_STR,
	.dest = &opt_query,
	.arg = "FILE",
	.help = "write a request for a timestamp (RFC 3161) of the signature"},
    {.name = "attach-timestamp",
	.kind = OPT_STR,
	.dest = &opt_stamp,
	.arg = "FILE",
	.help = "put the answer to it into the report"},
    {.name = "model-signature",
	.kind = OPT_FLAG,
	.dest = &opt_model,
	.help = "also write model.sig, as OpenSSF model signing has it"},
    {.name = "pdf",
	.kind = OPT_FLAG,
	.dest = &opt_pdf,
	.help = "also print the page to report.pdf, by Chromium or WeasyPrint"},
    {.name = "diff",
	.kind = OPT_FLAG,
	.dest = &opt_diff,
	.help = "say what changed from one report to another: OLD NEW"},
    {.name = "index",
	.kind = OPT_FLAG,
	.dest = &opt_index,
	.help =
	    "list many reports: REPORT... (-o DIR: index.html, index.json)"},
    {.name = "out",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &opt_out,
	.arg = "DIR",
	.help = "where the report goes (default: CASE/report)"},
    {.name = "check-key",
	.kind = OPT_FLAG,
	.dest = &opt_check_key,
	.help = "only see whether the key, and its certificate, can sign"},
    {.name = "force",
	.letter = 'f',
	.kind = OPT_FLAG,
	.dest = &opt_force,
	.help = "replace a report that is there"},
    {.name = "json",
	.letter = 'j',
	.kind = OPT_FLAG,
	.dest = &opt_json,
	.help = "print a summary as JSON"},
    {0},
};

static const struct opt_tool tool = {
    .name = "assay-report",
    .summary = "make one signed report from a case",
    .operands = "CASE|REPORT [--key KEY] [options]",
    .table = options,
    .min_operands = 0,
    .max_operands = 10000,
};

/* Everything that one run holds. */
struct run {
	struct case_docs docs;
	struct evidence scan, rescan;
	struct checks_in in;
	struct rules rules;
	struct diagram diagram;
	struct buf dot, svg, compare_dot, compare_svg, shown, html;
	struct buf payload, envelope, model_sig, pae;
	struct evidence_success *purified; /* by class, or NULL */
	struct buf output[OUTPUT_COUNT];
	json_t *statement, *signatures;
	bool has_key; /* of whoever signs, here or elsewhere */
	struct keys pub;
};

static void
run_release(struct run *r)
{
	buf_free(&r->dot);
	buf_free(&r->svg);
	buf_free(&r->compare_dot);
	buf_free(&r->compare_svg);
	buf_free(&r->shown);
	buf_free(&r->html);
	buf_free(&r->payload);
	buf_free(&r->envelope);
	buf_free(&r->model_sig);
	buf_free(&r->pae);
	for (size_t i = 0; i < OUTPUT_COUNT; i++)
		buf_free(&r->output[i]);
	keys_release(&r->pub);
	json_decref(r->statement);
	json_decref(r->signatures);
	diagram_release(&r->diagram);
	evidence_release(&r->scan);
	evidence_release(&r->rescan);
	rules_release(&r->rules);
	case_release(&r->docs);
}

/* The key is tried before the work, forgotten, and read again to sign: it is
 * not in memory while names from the bundle are drawn. */
static int
try_key(struct run *r, struct err *e)
{
	int rc;

	if (!signer_signs(&signer) && opt_pae == NULL)
		return opt_query == NULL && opt_certificate == NULL &&
			       signer.public_key == NULL && !opt_check_key &&
			       !opt_model
			   ? 0
			   : err_set(e, ERR_USAGE, ERR_NOWHERE,
				 "nobody signs: --key, --sign-command");
	if (signer_signs(&signer) && opt_pae != NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--emit-pae is for signing elsewhere");
	if (opt_pae != NULL && (opt_query != NULL || opt_model))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "what is signed elsewhere is stamped afterwards, and has "
		    "no model.sig");
	if ((rc = signer_public(&signer, &r->pub, e)) == 0)
		r->has_key = true;
	return rc;
}

static int
sign_model(struct run *r, const struct envelope_who *w, struct err *e)
{
	const char *name =
	    json_string_value(json_at(r->statement, "subject.0.name"));
	struct buf payload = {0};
	int rc = oms_statement(
	    &r->docs.files, name != NULL ? name : "model", &payload, e);

	if (rc == 0)
		rc = envelope_make(
		    w, payload.ptr, payload.len, &r->model_sig, NULL, e);
	buf_free(&payload);
	return rc;
}

static int
sign(struct run *r, struct err *e)
{
	struct envelope_who w = {
	    .signer = &signer, .pub = &r->pub, .certificate = opt_certificate};
	int rc = 0;

	if (signer_signs(&signer)) {
		rc = envelope_make(
		    &w, r->payload.ptr, r->payload.len, &r->envelope, NULL, e);
		if (rc == 0 && opt_model)
			rc = sign_model(r, &w, e);
	} else if (opt_pae != NULL) {
		dsse_pae(DSSE_PAYLOAD_TYPE, strlen(DSSE_PAYLOAD_TYPE),
		    r->payload.ptr, r->payload.len, &r->pae);
	}
	return rc;
}

static int
read_scans(struct run *r, struct err *e)
{
	static const enum case_doc which[] = {CASE_SCAN, CASE_RESCAN};
	struct evidence *to[] = {&r->scan, &r->rescan};
	const struct evidence **in[] = {&r->in.scan, &r->in.rescan};

	r->in.docs = &r->docs;
	r->in.signatures = r->signatures;
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

/* The ids that a target has in the lists of others. */
static int
read_taxonomy(struct run *r, struct err *e)
{
	struct err missing = {0};
	int rc = rules_read(&r->rules, NULL, &missing, e);

	if (rc == 0 && missing.code != 0)
		tool_warn("targets go without taxonomy ids: %s: %s",
		    missing.path, missing.msg);
	r->in.taxonomy = &r->rules.taxonomy;
	return rc;
}

static int
render(struct run *r, struct err *e)
{
	struct svg svg;
	int rc = svg_open(&svg, e);

	if (rc != 0)
		return rc;
	rc = svg_render(&svg, buf_str(&r->dot), &r->svg, e);
	if (rc == 0 && r->compare_dot.len != 0)
		rc = svg_render(
		    &svg, buf_str(&r->compare_dot), &r->compare_svg, e);
	svg_close(&svg);
	return rc;
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
	if ((rc = shown_html(&r->docs, &r->scan, &r->shown, e)) != 0)
		return rc;
	if ((rc = evidence_success(&r->scan,
		 case_doc(&r->docs, CASE_EVAL_RECOVERED), &r->purified, e)) !=
	    0)
		return err_in(e, "eval-recovered.json");
	diagram_compare(&r->diagram, r->purified, &r->compare_dot);
	return render(r, e);
}

/* What a report consists of beside the statement, and is named in it. */
struct part {
	const char *name, *type;
	const struct buf *b;
};

#define PARTS 5

static size_t
parts_of(const struct run *r, struct part *part)
{
	const struct part all[PARTS] = {
	    {"report.html", "text/html", &r->html},
	    {"flips.dot", "text/vnd.graphviz", &r->dot},
	    {"flips.svg", "image/svg+xml", &r->svg},
	    {"flips-compared.dot", "text/vnd.graphviz", &r->compare_dot},
	    {"flips-compared.svg", "image/svg+xml", &r->compare_svg},
	};
	size_t n = 0;

	for (size_t i = 0; i < PARTS; i++)
		if (all[i].b->len != 0)
			part[n++] = all[i];
	return n;
}

static void
derive(struct run *r, const char *name, const char *type, const struct buf *b)
{
	struct digest d;

	digest_mem(b->ptr, b->len, &d);
	statement_derive(r->statement, name, type, &d);
}

static void
write_page(struct run *r)
{
	struct html_in h = {.in = &r->in,
	    .statement = r->statement,
	    .predicate = json_at(r->statement, "predicate"),
	    .purified = r->purified};

	if (r->in.scan != NULL) {
		h.diagram = &r->diagram;
		h.svg = buf_str(&r->svg);
		h.shown = buf_str(&r->shown);
	}
	if (r->compare_svg.len != 0)
		h.compare_svg = buf_str(&r->compare_svg);
	if (r->has_key) {
		h.key_id = r->pub.id;
		h.key_name = keys_kind_name(r->pub.kind);
	}
	html_report(&h, &r->html);
}

static int
compose(struct run *r, struct err *e)
{
	struct part part[PARTS];
	size_t n;

	r->statement = statement_new(&r->in);
	write_page(r);
	for (size_t i = 0; i < OUTPUT_COUNT; i++)
		output_table[i].write(r->statement, &r->output[i]);
	n = parts_of(r, part);
	for (size_t i = 0; i < n; i++)
		derive(r, part[i].name, part[i].type, part[i].b);
	for (size_t i = 0; i < OUTPUT_COUNT; i++)
		derive(r, output_table[i].file, output_table[i].type,
		    &r->output[i]);
	return json_canonical(r->statement, &r->payload, e);
}

static int
add_parts(const struct run *r, struct bundle *b, struct err *e)
{
	struct part part[PARTS];
	size_t n = parts_of(r, part);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = bundle_add(
		    b, part[i].name, part[i].b->ptr, part[i].b->len, e);
	for (size_t i = 0; i < OUTPUT_COUNT && rc == 0; i++)
		rc = bundle_add(b, output_table[i].file, r->output[i].ptr,
		    r->output[i].len, e);
	return rc;
}

static int
write_all(struct run *r, const char *out, struct err *e)
{
	const struct {
		const char *name;
		const struct buf *b;
		bool on;
	} part[] = {
	    {ENVELOPE_STATE, &r->payload, true},
	    {ENVELOPE_FILE, &r->envelope, signer_signs(&signer)},
	    {ENVELOPE_KEY, &r->pub.pem, r->has_key},
	    {ENVELOPE_MODEL, &r->model_sig, opt_model},
	};
	struct bundle b;
	int rc;

	if ((rc = bundle_begin(&b, out, opt_force, e)) != 0)
		return rc;
	rc = add_parts(r, &b, e);
	for (size_t i = 0; i < ARRAY_LEN(part) && rc == 0; i++)
		if (part[i].on)
			rc = bundle_add(&b, part[i].name, part[i].b->ptr,
			    part[i].b->len, e);
	if (rc == 0)
		rc = bundle_commit(&b, e);
	bundle_abort(&b);
	if (rc == 0 && opt_pae != NULL)
		rc = file_write(opt_pae, r->pae.ptr, r->pae.len, e);
	if (rc == 0 && opt_query != NULL)
		rc = envelope_query(out, opt_query, e);
	if (rc == 0 && opt_pdf)
		rc = pdf_print(out, e);
	return rc;
}

/* Documents that go to standard output, and leave no place for a summary. */
static int
to_stdout(void)
{
	return (opt_pae != NULL && file_is_stdout(opt_pae)) +
	       (opt_query != NULL && file_is_stdout(opt_query));
}

static void
print_summary(const struct run *r, const char *verdict, const char *out)
{
	const struct brief b = {.statement = r->statement,
	    .out = out,
	    .pub = r->has_key ? &r->pub : NULL,
	    .is_signed = signer_signs(&signer)};

	if (to_stdout() != 0)
		tool_note("%s  %s/report.html", verdict, out);
	else if (opt_json)
		brief_json(&b);
	else
		brief_print(&b);
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
	if (checks_day(&r->in, &e) != 0 || bundle_apart(out, dir, &e) != 0 ||
	    try_key(r, &e) != 0 || (opt_pdf && pdf_check(&e) != 0) ||
	    case_read(&r->docs, dir, &e) != 0 ||
	    require_signatures(&r->docs, &r->signatures, &e) != 0 ||
	    read_scans(r, &e) != 0 || read_taxonomy(r, &e) != 0 ||
	    draw(r, &e) != 0 || compose(r, &e) != 0 || sign(r, &e) != 0 ||
	    case_unchanged(&r->docs, &e) != 0 || write_all(r, out, &e) != 0)
		return tool_fail(&e);
	verdict = json_string_value(json_at(r->statement, "predicate.verdict"));
	print_summary(r, verdict, out);
	return status_of(verdict);
}

/* What is added to a report that is there, before anything that comes of it. */
static int
add_to(const char *dir, struct err *e)
{
	int rc = 0;

	if (signer_signs(&signer) || opt_pae != NULL || opt_model)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "a signature or timestamp is added to what is signed");
	if (opt_signature != NULL)
		rc = envelope_attach_signature(
		    dir, opt_signature, opt_certificate, e);
	if (rc == 0 && opt_query != NULL)
		rc = envelope_query(dir, opt_query, e);
	if (rc == 0 && opt_stamp != NULL)
		rc = envelope_attach_stamp(dir, opt_stamp, e);
	if (rc == 0 && opt_pdf)
		rc = pdf_print(dir, e);
	return rc;
}

/* All that can be wrong with the key before there is anything to sign. */
static int
check_key(struct run *r, struct err *e)
{
	int rc = try_key(r, e);

	if (rc == 0 && opt_certificate != NULL)
		rc = envelope_certificate(opt_certificate, &r->pub, NULL, e);
	return rc;
}

static int
act(struct run *r, const char *operand)
{
	struct err e = {0};
	int rc = 0;

	if (opt_check_key)
		rc = check_key(r, &e);
	else if (opt_signature != NULL || opt_stamp != NULL ||
		 ((opt_query != NULL || opt_pdf) &&
		     envelope_is_report(operand)))
		rc = add_to(operand, &e);
	else
		return report(r, operand);
	return rc == 0 ? TOOL_PASSED : tool_fail(&e);
}

static const char *
bad_operands(int n)
{
	if (to_stdout() + opt_json > 1)
		return "one document at a time goes to standard output";
	if (opt_check_key + opt_index + opt_diff > 1)
		return "--check-key, --index and --diff: one at a time";
	if (opt_check_key)
		return n == 0 ? NULL : "--check-key wants no case";
	if (opt_index)
		return n > 0 ? NULL : "--index wants reports";
	if (opt_diff)
		return n == 2 ? NULL : "--diff wants two reports";
	if (n == 1)
		return NULL;
	return n == 0 ? "an operand is missing" : "one case at a time";
}

int
main(int argc, char **argv)
{
	struct run r = {0};
	struct err e = {0};
	const char *why;
	int first, status;

	switch (opt_parse(&tool, argc, argv, &first)) {
	case OPT_DONE:
		return tool_end(TOOL_PASSED);
	case OPT_USAGE:
		return TOOL_USAGE;
	default:
		break;
	}
	if ((why = bad_operands(argc - first)) != NULL &&
	    opt_usage(&tool, "%s", why) != 0)
		return TOOL_USAGE;
	if (secret_guard(&e) != 0)
		return tool_fail(&e);
	if (opt_index)
		status = overview_list((const char *const *)argv + first,
		    (size_t)(argc - first), opt_out, opt_json);
	else if (opt_diff)
		status =
		    overview_compare(argv[first], argv[first + 1], opt_json);
	else
		status = act(&r, argv[first]);
	run_release(&r);
	return tool_end(status);
}
