/* SPDX-License-Identifier: MIT
 * assay-purify: remove a backdoor by Shared Adversarial Unlearning.
 *
 * The images are split by seed into those that train and a held-out part that
 * only measures accuracy.  The purified model is written in the original
 * file's own format (assay-save patches the changed weights into it).
 */
#include "base/doc.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/spawn.h"
#include "base/tool.h"
#include "engine/start.h"
#include "formats/neutral.h"
#include "purify/rounds.h"

#include <omp.h>
#include <time.h>
#include <unistd.h>

static const char *arg_data, *arg_classes, *arg_out, *arg_report;
static const char *arg_preprocess;
static const char *arg_method = "sau", *arg_norm = "linf", *arg_init = "max";
static const char *arg_optim = "adam", *arg_bn = "eval", *arg_scan;
static uint64_t arg_rounds = 100, arg_batch = 256, arg_steps = 5, arg_seed;
static uint64_t arg_threads;
static double arg_alpha = 0.2, arg_step = 0.2, arg_b1 = 0.01, arg_b2 = 1;
static double arg_l1 = 1, arg_l2 = 0, arg_l3 = 1, arg_lr = 1e-4;
static double arg_decay, arg_momentum = 0.9, arg_heldout = 0.1;
static bool arg_json, arg_amsgrad_off;

static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &arg_data,
	.arg = "D",
	.help = "clean images with labels"},
    OPT_CLASSES(&arg_classes),
    OPT_PREPROCESS(&arg_preprocess),
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &arg_out,
	.arg = "OUT",
	.help = "the purified model, in MODEL's own format"},
    {.name = "document",
	.kind = OPT_STR,
	.dest = &arg_report,
	.arg = "FILE",
	.help = "write purify.json to FILE"},
    {.name = "scan",
	.kind = OPT_STR,
	.dest = &arg_scan,
	.arg = "FILE",
	.help = "the scan.json that asked for this, named in the document"},
    {.name = "method",
	.kind = OPT_STR,
	.dest = &arg_method,
	.arg = "M",
	.help = "sau (default)"},
    {.name = "rounds",
	.kind = OPT_U64,
	.dest = &arg_rounds,
	.arg = "N",
	.help = "passes over the training images (default 100)",
	.max = 100000},
    {.name = "batch",
	.kind = OPT_U64,
	.dest = &arg_batch,
	.arg = "N",
	.help = "images a step (default 256)",
	.max = 65536},
    {.name = "lr",
	.kind = OPT_REAL,
	.dest = &arg_lr,
	.arg = "X",
	.help = "learning rate (default 1e-4)",
	.lo = 0,
	.hi = 100},
    {.name = "optimiser",
	.kind = OPT_STR,
	.dest = &arg_optim,
	.arg = "O",
	.help = "adam (default, with AMSGrad), adamw, sgd"},
    {.name = "no-amsgrad",
	.kind = OPT_FLAG,
	.dest = &arg_amsgrad_off,
	.help = "adam and adamw without AMSGrad"},
    {.name = "decay",
	.kind = OPT_REAL,
	.dest = &arg_decay,
	.arg = "X",
	.help = "weight decay (default 0)",
	.lo = 0,
	.hi = 10},
    {.name = "momentum",
	.kind = OPT_REAL,
	.dest = &arg_momentum,
	.arg = "X",
	.help = "momentum of sgd (default 0.9)",
	.lo = 0,
	.hi = 1},
    {.name = "lambda-clean",
	.kind = OPT_REAL,
	.dest = &arg_l1,
	.arg = "X",
	.help = "weight of the clean loss (default 1)",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-adv",
	.kind = OPT_REAL,
	.dest = &arg_l2,
	.arg = "X",
	.help = "weight of the adversarial loss (default 0)",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-shared",
	.kind = OPT_REAL,
	.dest = &arg_l3,
	.arg = "X",
	.help = "weight of the shared loss (default 1)",
	.lo = 0,
	.hi = 1e6},
    {.name = "norm",
	.kind = OPT_STR,
	.dest = &arg_norm,
	.arg = "P",
	.help = "ball of the perturbation: linf (default), l1, l2, free"},
    {.name = "init",
	.kind = OPT_STR,
	.dest = &arg_init,
	.arg = "I",
	.help = "its start: max (default), min, zero, random"},
    {.name = "alpha",
	.kind = OPT_REAL,
	.dest = &arg_alpha,
	.arg = "X",
	.help = "radius of the ball (default 0.2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "step",
	.kind = OPT_REAL,
	.dest = &arg_step,
	.arg = "X",
	.help = "step of the inner problem (default 0.2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "steps",
	.kind = OPT_U64,
	.dest = &arg_steps,
	.arg = "N",
	.help = "steps of the inner problem (default 5)",
	.max = 10000},
    {.name = "beta-adv",
	.kind = OPT_REAL,
	.dest = &arg_b1,
	.arg = "X",
	.help = "weight of L_adv in it (default 0.01)",
	.lo = 0,
	.hi = 1e6},
    {.name = "beta-share",
	.kind = OPT_REAL,
	.dest = &arg_b2,
	.arg = "X",
	.help = "weight of the divergence in it (default 1)",
	.lo = 0,
	.hi = 1e6},
    {.name = "bn",
	.kind = OPT_STR,
	.dest = &arg_bn,
	.arg = "MODE",
	.help = "batch-norm statistics: eval (frozen, default), train"},
    {.name = "held-out",
	.kind = OPT_REAL,
	.dest = &arg_heldout,
	.arg = "X",
	.help = "share of the images that only measures (default 0.1)",
	.lo = 0.01,
	.hi = 0.9},
    {.name = "seed",
	.kind = OPT_U64,
	.dest = &arg_seed,
	.arg = "N",
	.help = "seed of split and order (default 0)"},
    {.name = "json",
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print the document instead of a summary"},
    OPT_THREADS(&arg_threads),
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay-purify",
    .summary = "remove a backdoor by shared adversarial unlearning",
    .operands = "MODEL --data D -o OUT [options]",
    .table = table,
    .min_operands = 1,
    .max_operands = 1,
};

/* --- options ------------------------------------------------------------- */

/* Index of `value` among the names, or a complaint. */
static int
choice(const char *option, const char *value, const char *const *names,
    size_t n, size_t *out)
{
	for (*out = 0; *out < n; ++*out)
		if (strcmp(names[*out], value) == 0)
			return OPT_GO;
	return opt_usage(&tool, "--%s cannot be '%s'", option, value);
}

#define CHOICE(option, value, names, out)                                      \
	choice((option), (value), (names), ARRAY_LEN(names), (out))

static int
configure(struct sau_config *c)
{
	static const char *const methods[] = {"sau"};
	static const char *const norms[] = {"linf", "l1", "l2", "free"};
	static const char *const inits[] = {"zero", "random", "max", "min"};
	static const char *const optims[] = {"sgd", "adam", "adamw"};
	static const char *const modes[] = {"eval", "train"};
	size_t method, norm, init, optim, mode;

	if (CHOICE("method", arg_method, methods, &method) != OPT_GO ||
	    CHOICE("norm", arg_norm, norms, &norm) != OPT_GO ||
	    CHOICE("init", arg_init, inits, &init) != OPT_GO ||
	    CHOICE("optimiser", arg_optim, optims, &optim) != OPT_GO ||
	    CHOICE("bn", arg_bn, modes, &mode) != OPT_GO)
		return OPT_USAGE;
	if (arg_batch == 0)
		return opt_usage(&tool, "--batch cannot be 0");
	*c = sau_defaults();
	c->inner.norm = (enum spgd_norm)norm;
	c->inner.init = (enum spgd_init)init;
	c->inner.alpha = arg_alpha;
	c->inner.step = arg_step;
	c->inner.steps = arg_steps;
	c->inner.beta_adv = arg_b1;
	c->inner.beta_share = arg_b2;
	c->inner.seed = arg_seed;
	c->lambda_clean = arg_l1;
	c->lambda_adv = arg_l2;
	c->lambda_shared = arg_l3;
	c->optim = optim_adam(!arg_amsgrad_off);
	c->optim.kind = (enum optim_kind)optim;
	c->optim.decay = (float)arg_decay;
	c->optim.momentum = (float)arg_momentum;
	c->rate = arg_lr;
	c->batch = arg_batch;
	c->mode = (enum batch_mode)mode;
	return OPT_GO;
}

/* --- output -------------------------------------------------------------- */

static json_t *
rounds_json(const struct purification *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < arg_rounds; i++) {
		const struct round *r = &p->round[i];
		double n = (double)r->terms.n;
		json_t *j = json_object();

		json_put(j, "round", json_integer((json_int_t)i + 1));
		json_put(j, "loss", json_number(r->loss));
		json_put(j, "loss_clean", json_number(r->terms.clean / n));
		json_put(j, "loss_adv", json_number(r->terms.adv / n));
		json_put(j, "loss_shared", json_number(r->terms.shared / n));
		json_put(j, "shared_rate",
		    json_number((double)r->terms.nshared / n));
		json_put(j, "fooled_rate",
		    json_number((double)r->terms.nfooled / n));
		json_put(j, "accuracy_heldout", json_number(r->accuracy));
		json_add(list, j);
	}
	return list;
}

static json_t *
options_json(void)
{
	json_t *o = json_object();

	json_put(o, "rounds", json_integer((json_int_t)arg_rounds));
	json_put(o, "batch", json_integer((json_int_t)arg_batch));
	json_put(o, "lr", json_number(arg_lr));
	json_put(o, "optimiser", json_text(arg_optim));
	json_put(o, "amsgrad", json_boolean(!arg_amsgrad_off));
	json_put(o, "decay", json_number(arg_decay));
	json_put(o, "momentum", json_number(arg_momentum));
	json_put(o, "lambda_clean", json_number(arg_l1));
	json_put(o, "lambda_adv", json_number(arg_l2));
	json_put(o, "lambda_shared", json_number(arg_l3));
	json_put(o, "norm", json_text(arg_norm));
	json_put(o, "init", json_text(arg_init));
	json_put(o, "alpha", json_number(arg_alpha));
	json_put(o, "step", json_number(arg_step));
	json_put(o, "steps", json_integer((json_int_t)arg_steps));
	json_put(o, "beta_adv", json_number(arg_b1));
	json_put(o, "beta_share", json_number(arg_b2));
	json_put(o, "bn", json_text(arg_bn));
	json_put(o, "held_out", json_number(arg_heldout));
	json_put(o, "seed", json_integer((json_int_t)arg_seed));
	return o;
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
document(struct purification *p, const char *model, json_t **out, struct err *e)
{
	json_t *doc = doc_new("assay-purify/1"), *file = json_object();
	json_t *files = NULL;
	char hex[DIGEST_HEX];
	struct digest d;
	uint64_t size;
	int rc;

	*out = doc;
	fetch_input(doc, "model", model, &p->model);
	doc_input(doc, "data", arg_data, &p->data.digest, p->data.size);
	json_put(doc, "preprocess", fetch_json(&p->model, &p->data));
	if (arg_scan != NULL &&
	    (rc = doc_input_path(doc, "scan", arg_scan, e)) != 0)
		return rc;
	if (file_is_dir(arg_out))
		rc = dirhash_dir(arg_out, &d, &size, &files, e);
	else
		rc = digest_file(arg_out, LIMIT_MODEL_FILE, &d, &size, e);
	if (rc != 0)
		return rc;
	digest_hex(&d, hex);
	json_put(file, "name", json_text(file_base(arg_out)));
	json_put(file, "sha256", json_text(hex));
	json_put(file, "size", json_integer((json_int_t)size));
	if (files != NULL)
		json_put(file, "files", files);
	json_put(doc, "method", json_text(arg_method));
	json_put(doc, "options", options_json());
	json_put(doc, "rounds", rounds_json(p));
	json_put(doc, "before", accuracy_json(p, p->before));
	json_put(doc, "after", accuracy_json(p, p->after));
	json_put(doc, "rounding", rounding_json(p));
	json_put(doc, "output", file);
	json_put(
	    doc, "run", doc_run(p->started, p->seconds, omp_get_max_threads()));
	return 0;
}

/* assay-save patches the weights, handed over as a neutral model in a nameless
 * file, into a copy of the original. */
static int
write_model(struct purification *p, const char *model, struct err *e)
{
	const char *argv[] = {"assay-save", model, NULL, "-o", arg_out, NULL};
	struct file_out out = {.fd = file_temp(e)};
	int rc = out.fd < 0 ? out.fd : 0, status;
	struct model m;
	char path[64];

	if (rc != 0)
		return rc;
	argv[2] = path;
	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(), out.fd);
	snprintf(out.path, sizeof(out.path), "%s", path);
	if ((rc = net_export(&p->h, &p->arena, &m, e)) == 0 &&
	    (rc = neutral_write(&out, &m, e)) == 0)
		rc = spawn_tool(argv, -1, &status, e);
	if (rc == 0 && status != TOOL_PASSED) {
		err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "could not be written (assay-save, status %d)", status);
		rc = err_in(e, arg_out);
	}
	file_out_abort(&out);
	return rc;
}

static int
output(struct purification *p, const char *model, struct err *e)
{
	json_t *doc = NULL;
	int rc;

	if ((rc = write_model(p, model, e)) != 0)
		return rc;
	rc = document(p, model, &doc, e);
	if (rc == 0 && arg_report != NULL)
		rc = json_write_file(arg_report, doc, e);
	if (rc == 0 && arg_json)
		json_print(doc);
	else if (rc == 0) {
		printf("%s: %" PRIu64 " rounds on %zu images, held-out "
		       "accuracy %.4f -> %.4f (n = %zu)\n",
		    arg_out, arg_rounds, p->ntrain, p->before, p->after,
		    p->nheld);
		if (p->rounding.tensors > 0)
			printf("%zu of %zu weights were rounded to the file's "
			       "types, by at most %.3g; accuracy before "
			       "that %.4f\n",
			    p->rounding.changed, p->rounding.numbers,
			    p->rounding.farthest, p->unrounded);
	}
	json_decref(doc);
	return rc;
}

/* Before the work: a wrong --scan is no reason to lose it. */
static int
check_scan(struct err *e)
{
	json_t *doc;
	int rc;

	if (arg_scan == NULL)
		return 0;
	if ((rc = doc_read(arg_scan, "assay-scan/1", &doc, e)) == 0)
		json_decref(doc);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct purification p;
	struct err e = {0};
	int first, rc;

	start_environment(argv);
	rc = opt_parse(&tool, argc, argv, &first);
	if (rc == OPT_GO && (arg_data == NULL || arg_out == NULL))
		rc = opt_usage(&tool, "--data and -o are needed");
	if (rc == OPT_GO)
		rc = configure(&p.cfg);
	if (rc != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	p.opt = (struct rounds_options){argv[first], arg_data, arg_classes,
	    arg_preprocess, arg_rounds, arg_seed, arg_heldout};
	p.started = (int64_t)time(NULL);
	if ((rc = start_engine(arg_threads, &e)) == 0 &&
	    (rc = check_scan(&e)) == 0 && (rc = rounds_open(&p, &e)) == 0 &&
	    (rc = rounds_run(&p, &e)) == 0)
		rc = output(&p, argv[first], &e);
	rc = rc == 0 ? TOOL_PASSED : tool_fail(&e);
	rounds_release(&p);
	return tool_end(rc);
}
