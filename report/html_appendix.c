/* SPDX-License-Identifier: MIT
 * The appendix: what was used, the scale of severities, words.
 */
#include "report/html.h"

#include "report/page.h"

/* The scale of assay-findings(7). */
static void
put_scale(struct buf *b)
{
	static const char *const column[] = {"Severity", "Meaning", NULL};
	static const struct {
		const char *name, *meaning;
	} level[] = {
	    {"critical", "is an attack"},
	    {"high", "would mislead or harm a user of the bundle"},
	    {"medium", "wants a person to look"},
	    {"low", "is unusual"},
	    {"note", "is worth knowing"},
	};

	page_el(b, "h3", "Severities");
	page_table(b, "What a severity says", column);
	for (size_t i = 0; i < ARRAY_LEN(level); i++) {
		buf_puts(b, "<tr><th scope=\"row\">");
		html_tag(b, level[i].name);
		buf_puts(b, "</th>");
		page_el(b, "td", "%s", level[i].meaning);
		buf_puts(b, "</tr>\n");
	}
	page_table_end(b);
}

/* After NIST AI 100-2e2025 where that has the word. */
static void
put_glossary(struct buf *b)
{
	static const struct {
		const char *word, *meaning;
	} entry[] = {
	    {"Backdoor", "What makes a model answer as an attacker wants "
			 "whenever a trigger is present, and as expected "
			 "otherwise."},
	    {"Trigger", "The change of an input that a backdoor answers to."},
	    {"Target", "The class that a backdoor answers with."},
	    {"Flip", "An image that gets another class after a change."},
	    {"Universal perturbation", "One change for all images, as opposed "
				       "to one for each."},
	    {"Flip radius", "The size of the smallest universal perturbation "
			    "found under which 90 % of held-out images of "
			    "other classes become a class."},
	    {"Reference", "A model of the same classes that is trusted."},
	    {"Shared adversarial example", "An image whose change fools two "
					   "models into the same class."},
	    {"SAE rate", "Of the images that flip in the suspect, the share "
			 "that flips alike in most references."},
	    {"Residual, z", "How much easier than in the references a class "
			    "is to reach; the same in standard deviations of "
			    "clean models."},
	    {"p of the class", "How often a class of a clean model would look "
			       "as extreme by chance, with all tests counted "
			       "that were made; one for all kinds of change."},
	    {"Purification", "Training that makes a model forget its "
			     "backdoor."},
	};

	page_el(b, "h3", "Words");
	buf_puts(b, "<dl>\n");
	for (size_t i = 0; i < ARRAY_LEN(entry); i++)
		page_fact(b, false, entry[i].word, entry[i].meaning);
	buf_puts(b, "</dl>\n");
}

static void
input_row(struct buf *b, const char *doc, const char *role, const char *name,
    const char *hex)
{
	buf_puts(b, "<tr>");
	page_el(b, "th scope=\"row\"", "%s", doc);
	page_el(b, "td", "%s", role);
	page_el(b, "td", "%s", name);
	buf_puts(b, "<td>");
	page_el(b, "code", "%s", hex);
	buf_puts(b, "</td></tr>\n");
}

static void
put_environment(const struct html_in *h, struct buf *b)
{
	const json_t *env = json_at(h->predicate, "run.environment");
	const char *key;
	json_t *v;
	char room[64];

	page_el(b, "h3", "Environment");
	buf_puts(b, "<dl>\n");
	page_fact(
	    b, false, "System", json_text_at(h->predicate, "run.host.system"));
	page_fact(b, false, "Release",
	    json_text_at(h->predicate, "run.host.release"));
	json_object_foreach((json_t *)(uintptr_t)env, key, v)
	{
		const char *part;
		json_t *one;
		char name[80];

		if (!json_is_object(v))
			page_fact(b, false, key,
			    page_value(v, "", room, sizeof(room)));
		json_object_foreach(v, part, one)
		{
			snprintf(name, sizeof(name), "%.30s, %.40s", key, part);
			page_fact(b, false, name,
			    page_value(one, "", room, sizeof(room)));
		}
	}
	json_object_foreach(
	    json_object_get(json_object_get(h->predicate, "run"), "sandbox"),
	    key, v)
	{
		char name[80];

		snprintf(name, sizeof(name), "Sandbox, %.60s", key);
		page_fact(
		    b, false, name, page_value(v, "", room, sizeof(room)));
	}
	buf_puts(b, "</dl>\n");
}

void
html_appendix(const struct html_in *h, struct buf *b)
{
	static const char *const column[] = {
	    "Document", "Role", "Name", "SHA-256", NULL};
	const json_t *docs = json_at(h->predicate, "documents"), *d, *in;
	size_t i, k;

	page_section(b, "appendix", "Appendix");
	put_environment(h, b);
	page_el(b, "h3", "Inputs");
	page_table(
	    b, "Documents of the case and what they were made from", column);
	json_array_foreach(docs, i, d)
	{
		input_row(b, json_text_at(d, "name"), "document itself",
		    json_text_at(d, "tool.name"),
		    json_text_at(d, "digest.sha256"));
		json_array_foreach(json_at(d, "inputs"), k, in) input_row(b,
		    json_text_at(d, "name"), json_text_at(in, "role"),
		    json_text_at(in, "name"), json_text_at(in, "sha256"));
	}
	page_table_end(b);
	buf_puts(b, "<dl>\n");
	page_fact(b, true, "Policy digest",
	    json_text_at(h->predicate, "policy.digest.sha256"));
	if (json_at(h->predicate, "policy.given") != NULL)
		page_fact(b, true, "Digest of the policy given",
		    json_text_at(h->predicate, "policy.given.sha256"));
	page_fact(b, true, "Rule set digest",
	    json_text_at(h->predicate, "ruleset.digest.sha256"));
	buf_puts(b, "</dl>\n");
	put_scale(b);
	put_glossary(b);
	page_section_end(b);
}
