/* SPDX-License-Identifier: MIT
 * assay-purify: remove a backdoor from a classifier.
 *
 * The images are split by seed into those that train and a held-out part that
 * only measures accuracy.  The purified model is written in the original
 * file's own format (assay-save patches the changed weights into it).
 */
#include "base/doc.h"
#include "base/limits.h"
#include "base/ranks.h"
#include "base/ranks_doc.h"
#include "base/spawn.h"
#include "base/tool.h"
#include "engine/start.h"
#include "formats/neutral.h"
#include "purify/after.h"
#include "purify/options.h"

#include <omp.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* --- output -------------------------------------------------------------- */

static json_t *
rounds_json(const struct purification *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->done; i++) {
		const struct round *r = &p->round[i];
		const char *const *term = p->cfg.method->term;
		double n = (double)r->terms.n;
		json_t *j = json_object();

		json_put(j, "round", json_integer((json_int_t)i + 1));
		json_put(j, "loss", json_number(r->terms.loss / n));
		for (size_t k = 0; term[k] != NULL; k++)
			json_put(j, term[k], json_number(r->terms.sum[k] / n));
		json_put(j, "accuracy_heldout", json_number(r->accuracy));
		json_add(list, j);
	}
	return list;
}

static json_t *
accuracy_json(const struct purification *p, double v)
{
	json_t *j = json_object();

	json_put(j, "accuracy", json_number(v));
	json_put(j, "n", json_integer((json_int_t)p->nheld));
	return j;
}

static json_t *
rounding_json(const struct purification *p)
{
	json_t *j;

	if (p->rounding.tensors == 0)
		return json_null();
	j = json_object();
	json_put(j, "tensors", json_integer((json_int_t)p->rounding.tensors));
	json_put(j, "numbers", json_integer((json_int_t)p->rounding.numbers));
	json_put(j, "changed", json_integer((json_int_t)p->rounding.changed));
	json_put(j, "farthest", json_number(p->rounding.farthest));
	json_put(j, "accuracy_unrounded", json_number(p->unrounded));
	return j;
}

static int
document(struct purification *p, const struct after *a, const char *model,
    json_t **out, struct err *e)
{
	static const char *const ends[] = {
	    "all rounds", "time", "signal", "nothing to unlearn"};
	json_t *doc = doc_new("assay-purify/1"), *file = json_object();
	json_t *files = NULL;
	char hex[DIGEST_HEX];
	struct digest d;
	uint64_t size;
	int rc;

	*out = doc;
	fetch_input(doc, "model", model, &p->model);
	doc_input(doc, "data", p->cfg.data, &p->data.digest, p->data.size);
	json_put(doc, "preprocess", fetch_json(&p->model, &p->data));
	if (p->cfg.scan != NULL &&
	    (rc = doc_input_path(doc, "scan", p->cfg.scan, e)) != 0)
		return rc;
	if (file_is_dir(p->cfg.output))
		rc = dirhash_dir(p->cfg.output, &d, &size, &files, e);
	else
		rc = digest_file(p->cfg.output, LIMIT_MODEL_FILE, &d, &size, e);
	if (rc != 0)
		return rc;
	digest_hex(&d, hex);
	json_put(file, "name", json_text(file_base(p->cfg.output)));
	json_put(file, "sha256", json_text(hex));
	json_put(file, "size", json_integer((json_int_t)size));
	if (files != NULL)
		json_put(file, "files", files);
	json_put(doc, "method", json_text(p->cfg.method->name));
	json_put(doc, "options", options_json());
	json_put(doc, "rounds", rounds_json(p));
	json_put(doc, "kept_round", json_integer((json_int_t)p->kept_round));
	json_put(doc, "end", json_text(ends[p->end]));
	json_put(doc, "before", accuracy_json(p, p->before));
	json_put(doc, "after", accuracy_json(p, p->after));
	json_put(doc, "rounding", rounding_json(p));
	json_put(doc, "output", file);
	after_put(a, p, doc);
	json_put(
	    doc, "run", doc_run(p->started, p->seconds, omp_get_max_threads()));
	ranks_doc_run(json_object_get(doc, "run"));
	return 0;
}

/* What the purified file's metadata say of where it came from, under a key
 * that no other purification has. */
static void
provenance(const struct purification *p, struct buf *b)
{
	json_t *doc = json_object(), *tool = json_object();
	char hex[DIGEST_HEX];
	char *text;

	digest_hex(&p->model.digest, hex);
	json_put(tool, "name", json_text("assay-purify"));
	json_put(tool, "version", json_text(tool_version));
	json_put(doc, "tool", tool);
	json_put(doc, "method", json_text(p->cfg.method->name));
	json_put(doc, "original_sha256", json_text(hex));
	text = json_dumps(doc, JSON_COMPACT);
	if (text == NULL)
		BUG("json_dumps");
	buf_printf(b, "assay.purified.%.16s=%s", hex, text);
	free(text);
	json_decref(doc);
}

/* Whether what is to come out can be written, before the work and not after. */
static int
outputs_check(const struct purification *p, struct err *e)
{
	const struct purify_config *c = &p->cfg;
	int rc;

	if (!ranks_first())
		return 0;
	if (p->model.nfile == 0 && file_is_dir(c->output)) {
		err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "is a folder, and the model is one file");
		return err_in(e, c->output);
	}
	if ((rc = file_out_check(c->output, e)) != 0 ||
	    (rc = file_out_check(c->document, e)) != 0)
		return rc;
	return file_out_check(c->checkpoint, e);
}

/* assay-save patches the weights, handed over as a neutral model in a nameless
 * file, into a copy of the original. */
static int
write_model(struct purification *p, const char *model, struct err *e)
{
	const char *argv[] = {"assay-save", model, NULL, "-o", p->cfg.output,
	    NULL, NULL, NULL, NULL, NULL};
	size_t n = 5;
	struct file_out out = {.fd = file_temp(e)};
	struct buf note = {0};
	int rc = out.fd < 0 ? out.fd : 0, status;
	struct model m;
	char path[64];

	if (rc != 0)
		return rc;
	argv[2] = path;
	if (p->cfg.provenance) {
		provenance(p, &note);
		argv[n++] = "--note";
		argv[n++] = buf_str(&note);
	}
	if (p->cfg.arch != NULL) {
		argv[n++] = "--arch";
		argv[n++] = p->cfg.arch;
	}
	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), out.fd);
	snprintf(out.path, sizeof(out.path), "%s", path);
	if ((rc = net_export(&p->h, &p->arena, &m, e)) == 0 &&
	    (rc = neutral_write(&out, &m, e)) == 0)
		rc = spawn_tool(argv, SPAWN_OURS, &status, e);
	if (rc == 0 && status != TOOL_PASSED) {
		err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "could not be written (assay-save, status %d)", status);
		rc = err_in(e, p->cfg.output);
	}
	file_out_abort(&out);
	buf_free(&note);
	return rc;
}

static int
output(
    struct purification *p, struct after *a, const char *model, struct err *e)
{
	json_t *doc = NULL;
	int rc = 0;

	/* the model first: what comes then may be stopped */
	if ((ranks_first() && (rc = write_model(p, model, e)) != 0) ||
	    (rc = after_run(a, p, e)) != 0 || !ranks_first())
		return rc;
	rc = document(p, a, model, &doc, e);
	if (rc == 0 && p->cfg.document != NULL)
		rc = json_write_file(p->cfg.document, doc, e);
	if (rc == 0 && p->cfg.json)
		json_print(doc);
	else if (rc == 0) {
		printf("%s: %" PRIu64 " rounds on %zu images, held-out "
		       "accuracy %.4f -> %.4f (n = %zu)\n",
		    p->cfg.output, p->done, p->ntrain, p->before, p->after,
		    p->nheld);
		if (p->rounding.tensors > 0)
			printf("%zu of %zu weights were rounded to the file's "
			       "types, by at most %.3g; accuracy before "
			       "that %.4f\n",
			    p->rounding.changed, p->rounding.numbers,
			    p->rounding.farthest, p->unrounded);
		after_print(a, p);
	}
	json_decref(doc);
	return rc;
}

/* The first signal ends the rounds, the second the process. */
static void
on_signal(int sig)
{
	rounds_stop();
	signal(sig, SIG_DFL);
}

int
main(int argc, char **argv)
{
	static struct purification p;
	static struct after after;
	struct err e = {0};
	int first, rc;

	start_environment(argv);
	if (ranks_start(&e) != 0)
		return tool_end(tool_fail(&e));
	rc = opt_parse(&options_tool, argc, argv, &first);
	if (rc == OPT_GO)
		rc = options_configure(
		    &p.cfg, first < argc ? argv[first] : NULL);
	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	p.started = (int64_t)time(NULL);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if ((rc = start_engine(p.cfg.threads, &e)) == 0 &&
	    (rc = after_open(&after, &p, &e)) == 0 &&
	    (rc = rounds_open(&p, &e)) == 0 &&
	    (rc = outputs_check(&p, &e)) == 0 &&
	    (rc = after_check(&after, &p, &e)) == 0 &&
	    (rc = rounds_run(&p, &e)) == 0)
		rc = output(&p, &after, argv[first], &e);
	if (rc != 0)
		rc = ranks_fail(&e);
	else if (p.end == ROUNDS_SIGNAL || after.failed[0] != '\0')
		rc = TOOL_INCOMPLETE;
	after_release(&after);
	rounds_release(&p);
	return tool_end(rc);
}
