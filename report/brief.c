/* SPDX-License-Identifier: MIT */
#include "report/brief.h"

#include "base/doc.h"
#include "base/text.h"

void
brief_json(const struct brief *b)
{
	const json_t *p = json_at(b->statement, "predicate");
	json_t *j = doc_new("assay-report/1");

	json_put(j, "verdict", json_text(json_text_at(p, "verdict")));
	json_put(j, "report", json_text(b->out));
	json_put(
	    j, "subject", json_deep_copy(json_at(b->statement, "subject.0")));
	json_put(
	    j, "resultsDigest", json_deep_copy(json_at(p, "resultsDigest")));
	json_put(j, "notTested", json_deep_copy(json_at(p, "scope.notTested")));
	json_put(j, "findings",
	    json_integer((json_int_t)json_array_size(json_at(p, "findings"))));
	json_put(
	    j, "keyid", b->pub != NULL ? json_text(b->pub->id) : json_null());
	json_put(j, "signed", json_boolean(b->is_signed));
	json_print(j);
	json_decref(j);
}

void
brief_print(const struct brief *b)
{
	char line[2048];

	text_escape(b->out, strlen(b->out), line, sizeof(line));
	printf("%s  %s/report.html\n",
	    json_text_at(b->statement, "predicate.verdict"), line);
	if (b->is_signed && b->pub != NULL)
		printf("signed with %s, key %s\n", keys_kind_name(b->pub->kind),
		    b->pub->id);
	else
		printf(b->pub != NULL ? "to be signed: --attach-signature\n"
				      : "not signed\n");
}
