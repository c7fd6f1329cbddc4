/* SPDX-License-Identifier: MIT
 * What was audited and how: identity, how to verify, scope, method.
 */
#include "report/html.h"

#include "report/page.h"

static const char *
text_at(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	return s != NULL ? s : "\xe2\x80\x94";
}

/* --- identity, verification ---------------------------------------------- */

static void
put_identity(const struct html_in *h, struct buf *b)
{
	const json_t *p = h->predicate;

	page_section(b, "identity", "Identity");
	buf_puts(b, "<dl>\n");
	page_fact(b, false, "Bundle", text_at(p, "bundle.name"));
	page_fact(b, true, "Bundle, SHA-256", text_at(p, "bundle.sha256"));
	page_fact(b, false, "Container", text_at(p, "manifest.container"));
	page_fact(b, true, "Contents (OMS root)",
	    text_at(h->statement, "subject.0.digest.sha256"));
	page_fact(b, true, "Names and contents (dirHash)",
	    text_at(h->statement, "subject.0.digest.dirHash1"));
	if (h->in->docs->model != NULL)
		page_fact(b, true, "Model scanned", h->in->docs->model);
	page_fact(b, false, "Auditor",
	    h->key_id != NULL
		? "whoever holds the key named below; organisation, person and "
		  "independence are theirs to state"
		: "not stated");
	page_fact(b, false, "Audited at", text_at(p, "run.auditedAt"));
	page_fact(b, false, "On host", text_at(p, "run.host.name"));
	page_fact(b, false, "Tool version", text_at(p, "tool.version"));
	page_fact(
	    b, true, "Results digest", text_at(p, "resultsDigest.sha256"));
	buf_puts(b, "</dl>\n");
	page_el(b, "p class=\"soft\"",
	    "The results digest covers checks, findings, verdict, files, "
	    "policy and rules, but not time and host: the same audit done "
	    "twice has the same one.");
	page_section_end(b);
}

static void
put_verify(const struct html_in *h, struct buf *b)
{
	page_section(b, "verify", "How to verify this report");
	if (h->key_id == NULL) {
		buf_puts(b,
		    "<p><strong>This report is not signed.</strong> "
		    "Its statement is in <code>statement.json</code>; "
		    "anybody could have written it. Run "
		    "<code>assay-report --key</code> to sign it.</p>\n");
		page_section_end(b);
		return;
	}
	buf_puts(b,
	    "<p>Get the auditor\xe2\x80\x99s public key from the auditor, not "
	    "from this folder, and compare its fingerprint. Then, in "
	    "the folder of this page:</p>\n<dl>\n");
	page_fact(b, true, "Key fingerprint", h->key_id);
	page_fact(b, false, "Algorithm", h->key_name);
	buf_puts(b, "</dl>\n<pre>");
	buf_puts(b,
	    "# signature, digest of this page, and every file of the bundle\n"
	    "assay-verify . --key auditor.pem --bundle BUNDLE\n\n"
	    "# the fingerprint of a key\n"
	    "openssl pkey -pubin -in auditor.pem | sha256sum\n\n"
	    "# by openssl: export what was signed, then check it (without "
	    "assay-verify: its manual)\n"
	    "assay-verify . --key auditor.pem --pae audit.pae --sig "
	    "audit.sig\n");
	buf_puts(
	    b, strncmp(h->key_name, "Ed", 2) == 0
		   ? "openssl pkeyutl -verify -pubin -inkey auditor.pem -rawin "
		     "-in audit.pae -sigfile audit.sig\n"
		   : "openssl dgst -sha256 -verify auditor.pem -signature "
		     "audit.sig audit.pae\n");
	buf_puts(b, "</pre>\n");
	page_section_end(b);
}

/* --- scope, method ------------------------------------------------------- */

static void
strings(const json_t *list, struct buf *b)
{
	const json_t *one;
	size_t i;

	buf_puts(b, "<ul>");
	json_array_foreach(list, i, one)
	{
		const char *s = json_string_value(one);

		if (s != NULL)
			page_el(b, "li", "%s", s);
	}
	buf_puts(b, "</ul>\n");
}

static void
put_scope(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {"Not tested", "Reason", NULL};
	const json_t *scope = json_at(h->predicate, "scope"), *one;
	const json_t *missing = json_at(scope, "notTested");
	size_t i;

	page_section(b, "scope", "Scope and limits");
	page_el(b, "h3", "Tested");
	strings(json_at(scope, "tested"), b);
	if (json_array_size(missing) != 0)
		page_table(b, "What this audit did not test", column);
	json_array_foreach(missing, i, one)
	{
		buf_puts(b, "<tr>");
		page_el(b, "th scope=\"row\"", "%s", text_at(one, "check"));
		page_el(b, "td", "%s", text_at(one, "reason"));
		buf_puts(b, "</tr>\n");
	}
	if (json_array_size(missing) != 0)
		page_table_end(b);
	if (json_array_size(json_at(scope, "blindSpots")) != 0) {
		page_el(b, "h3", "Blind spots of what was tested");
		strings(json_at(scope, "blindSpots"), b);
	}
	page_el(b, "p class=\"soft\"",
	    "The audit had the weights and clean images, not the training "
	    "data. It describes these files at this time and no others.");
	page_section_end(b);
}

/* How images became the model's input, and what was said of the model. */
static void
put_input(struct buf *b, const json_t *preprocess)
{
	static const char *const part[][2] = {
	    {"arch", "Architecture, as given"},
	    {"note", "How the model was read"},
	    {"model.from", "Preprocessing, said by"}, {"data", "Images"}};
	static const char *const list[] = {"mean", "std"};
	char path[32], text[160], room[64];

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		if (json_is_string(json_at(preprocess, part[i][0])) &&
		    *json_string_value(json_at(preprocess, part[i][0])) != '\0')
			page_fact(b, false, part[i][1],
			    page_value(
				preprocess, part[i][0], room, sizeof(room)));
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		const json_t *v;
		size_t n = 0;

		snprintf(path, sizeof(path), "model.%s", list[i]);
		v = json_at(preprocess, path);
		text[0] = '\0';
		for (size_t k = 0; k < json_array_size(v) && n < 120; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%.6g", k > 0 ? ", " : "",
			    json_number_value(json_array_get(v, k)));
		if (n > 0)
			page_fact(b, false,
			    i == 0 ? "Preprocessing, mean"
				   : "Preprocessing, deviation",
			    text);
	}
}

/* What the scan was run with. */
static void
put_numbers(const json_t *scan, struct buf *b)
{
	const json_t *options = json_at(scan, "options");
	const char *key;
	json_t *v;
	char room[64];

	buf_puts(b, "<dl>\n");
	page_fact(b, false, "Images, fitted on",
	    page_value(scan, "images.fit", room, sizeof(room)));
	page_fact(b, false, "Images, counted on",
	    page_value(scan, "images.test", room, sizeof(room)));
	put_input(b, json_at(scan, "preprocess"));
	json_object_foreach((json_t *)(uintptr_t)options, key, v)
	{
		char name[80];

		if (json_is_object(v) || json_is_array(v))
			continue;
		snprintf(name, sizeof(name), "Option %.60s", key);
		page_fact(
		    b, false, name, page_value(v, "", room, sizeof(room)));
	}
	buf_puts(b, "</dl>\n");
}

/* What the kernel of those that read the bundle had not. */
static void
put_sandbox(const struct html_in *h, struct buf *b)
{
	static const enum case_doc step[] = {CASE_MANIFEST, CASE_INSPECT};
	bool landlock = true, seccomp = true;

	for (size_t i = 0; i < ARRAY_LEN(step); i++) {
		const json_t *doc = case_doc(h->in->docs, step[i]);

		if (doc == NULL)
			continue;
		landlock = landlock && json_integer_value(json_at(
					   doc, "sandbox.landlock")) > 0;
		seccomp =
		    seccomp && json_is_true(json_at(doc, "sandbox.seccomp"));
	}
	if (!landlock || !seccomp)
		buf_printf(b, ", but the kernel had no %s",
		    seccomp    ? "Landlock"
		    : landlock ? "seccomp"
			       : "Landlock and no seccomp");
}

static void
put_method(const struct html_in *h, struct buf *b)
{
	page_section(b, "method", "Method");
	buf_puts(b,
	    "<p><strong>Files.</strong> The bundle was unpacked and every file "
	    "inspected in a sandbox");
	put_sandbox(h, b);
	buf_puts(b,
	    ". Nothing in it was executed, imported or "
	    "resolved.</p>\n"
	    "<p><strong>Flip radius.</strong> For each class, the scan looks "
	    "for one small change, the same for all images, that turns images "
	    "of other classes into this one. The size at which 90 % of "
	    "held-out images turn is the flip radius. Some classes are easy "
	    "to reach in every model, so the suspect is compared with "
	    "reference models: the residual is log(reference radius / suspect "
	    "radius), the mean of that at 75, 90 and 95 %, less its median "
	    "over classes. A large one means that only the suspect gives "
	    "way. A fixed set of simple triggers (small squares, sinusoids) is "
	    "put on images as it is as well, and compared with the references "
	    "in the same way.</p>\n"
	    "<p><strong>Shared adversarial examples.</strong> Each flip on a "
	    "held-out image is counted as shared (the reference is fooled in "
	    "the same way), different, or unshared (only the suspect is "
	    "fooled). A natural weakness is shared; a backdoor is not.</p>\n"
	    "<p><strong>Statistics.</strong> A residual is judged by what "
	    "clean models differ in, those that calibrated the scan and the "
	    "references among each other. p-values are corrected over "
	    "classes, pairs of classes and geometries. Images are split by "
	    "digest: changes are "
	    "found on one part and counted on the other.</p>\n");
	if (h->in->scan != NULL)
		put_numbers(case_doc(h->in->docs, CASE_SCAN), b);
	page_section_end(b);
}

void
html_top(const struct html_in *h, struct buf *b)
{
	put_identity(h, b);
	put_verify(h, b);
	put_scope(h, b);
	put_method(h, b);
}
