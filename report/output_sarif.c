/* SPDX-License-Identifier: MIT
 * SARIF 2.1.0: the findings, and for each target that the scan named a graph
 * (3.39) of the flips to it: an edge from each class, with the counts.
 */
#include "report/output.h"

#include "report/checks.h"

#include "base/sarif.h"
#include "base/text.h"

static json_t *
files(const json_t *p)
{
	const json_t *list = json_at(p, "manifest.resources"), *one;
	json_t *out = json_array();
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		json_t *f = json_object();

		/* sizes of a statement are text: no double holds all of them */
		json_put(f, "path", json_text(output_text_at(one, "name")));
		json_put(f, "sha256", json_text(output_text_at(one, "digest")));
		json_put(f, "size",
		    json_integer(
			strtoll(output_text_at(one, "size"), NULL, 10)));
		json_add(out, f);
	}
	return out;
}

/* Whether every step was done, and to its end: also a bundle that failed may
 * hold more than was seen. */
static bool
whole(const json_t *p)
{
	static const char *const step[] = {
	    "unpacking", "static supply-chain inspection", "behaviour"};
	const json_t *list = json_at(p, "scope.notTested"), *one;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (text_is_one_of(
			output_text_at(one, "check"), step, ARRAY_LEN(step)))
			return false;
	}
	return strcmp(output_text_at(p, "verdict"), "INCONCLUSIVE") != 0;
}

/* As sarif_log() wants it: like a document of assay-inspect. */
static json_t *
document(const json_t *p)
{
	json_t *doc = json_object();

	json_put(doc, "tool", json_deep_copy(json_at(p, "tool")));
	json_put(doc, "files", files(p));
	json_put(doc, "findings", json_deep_copy(json_at(p, "findings")));
	json_put(doc, "rules", json_object());
	json_put(doc, "complete", json_boolean(whole(p)));
	return doc;
}

/* --- graphs -------------------------------------------------------------- */

/* The flips that a finding is about, one for each source class; a new
 * reference, or NULL. */
static json_t *
flips_of(const json_t *p, const json_t *finding)
{
	const json_t *target = json_at(finding, "target");
	const json_t *source = json_at(finding, "sourceClass"), *list, *one;
	const char *geometry = output_text_at(finding, "geometry");
	struct buf id = {0};
	json_t *flips = NULL;
	size_t i;

	buf_printf(&id, "flip-radius/%s", geometry);
	list = json_at(p, "checks");
	list =
	    source != NULL
		? json_at(checks_find(list, "behaviour"), "evidence.targets")
		: json_at(checks_find(list, buf_str(&id)), "evidence.perClass");
	buf_free(&id);
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		const json_t *only = json_at(one, "flips");

		if (flips != NULL || !json_equal(json_at(one, "class"), target))
			continue;
		if (source == NULL)
			flips = json_deep_copy(json_at(one, "perSource"));
		else if (strcmp(output_text_at(one, "geometry"), geometry) ==
			     0 &&
			 json_equal(json_at(only, "source"), source)) {
			flips = json_array();
			json_add(flips, json_deep_copy(only));
		}
	}
	return flips;
}

static json_t *
node(json_int_t class)
{
	json_t *n = json_object();
	char id[24];

	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, class);
	json_put(n, "id", json_text(id));
	return n;
}

static json_t *
edge(const json_t *source, json_int_t target)
{
	json_int_t from = json_integer_value(json_at(source, "source"));
	json_t *e = json_object(), *label = json_object();
	char id[64], text[96];

	snprintf(id, sizeof(id),
	    "%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT, from, target);
	json_put(e, "id", json_text(id));
	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, from);
	json_put(e, "sourceNodeId", json_text(id));
	snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT, target);
	json_put(e, "targetNodeId", json_text(id));
	snprintf(text, sizeof(text),
	    "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " flip",
	    json_integer_value(json_at(source, "flips")),
	    json_integer_value(json_at(source, "n")));
	json_put(label, "text", json_text(text));
	json_put(e, "label", label);
	json_put(e, "properties", json_deep_copy(source));
	return e;
}

static json_t *
graph(const json_t *flips, const char *geometry, json_int_t target)
{
	const json_t *one;
	json_t *g = json_object(), *nodes = json_array(), *edges = json_array();
	json_t *text = json_object();
	struct buf b = {0};
	size_t i;

	buf_printf(&b, "flips to class %" JSON_INTEGER_FORMAT " (%s)", target,
	    geometry);
	json_put(text, "text", json_inert(buf_str(&b)));
	json_add(nodes, node(target));
	json_array_foreach((json_t *)(uintptr_t)flips, i, one)
	{
		json_add(
		    nodes, node(json_integer_value(json_at(one, "source"))));
		json_add(edges, edge(one, target));
	}
	json_put(g, "description", text);
	json_put(g, "nodes", nodes);
	json_put(g, "edges", edges);
	buf_free(&b);
	return g;
}

/* Results stand in the order of the findings. */
static void
add_graphs(const json_t *p, json_t *log)
{
	json_t *results = (json_t *)(uintptr_t)json_at(log, "runs.0.results");
	json_t *one;
	size_t i;

	json_array_foreach(results, i, one)
	{
		const json_t *f = json_array_get(json_at(p, "findings"), i);
		const json_t *target = json_at(f, "target");
		json_t *graphs, *flips;

		if (!json_is_integer(target))
			continue;
		if ((flips = flips_of(p, f)) == NULL)
			continue;
		graphs = json_array();
		json_add(graphs, graph(flips, output_text_at(f, "geometry"),
				     json_integer_value(target)));
		json_put(one, "graphs", graphs);
		json_decref(flips);
	}
}

void
output_sarif(const json_t *s, struct buf *b)
{
	const json_t *p = json_at(s, "predicate");
	const char *verdict = output_text_at(p, "verdict");
	json_t *doc = document(p), *log;
	struct sarif_in in = {.doc = doc};

	in.status = strcmp(verdict, "PASSED") == 0   ? 0
		    : strcmp(verdict, "FAILED") == 0 ? 1
						     : 2;
	log = sarif_log(&in);
	add_graphs(p, log);
	json_pretty(log, b);
	json_decref(log);
	json_decref(doc);
}
