/* SPDX-License-Identifier: MIT */
#include "purify/options.h"

#include <math.h>

#define UNSET UINT64_MAX

static const char *arg_data, *arg_classes, *arg_out, *arg_report;
static const char *arg_preprocess, *arg_arch;
static const char *arg_method, *arg_norm, *arg_init;
static const char *arg_optim, *arg_bn, *arg_schedule, *arg_scan, *arg_guide;
static const char *arg_checkpoint;
static uint64_t arg_warm = UNSET, arg_rounds = UNSET, arg_batch = UNSET,
		arg_steps = UNSET, arg_seed;
static uint64_t arg_threads;
static double arg_alpha = NAN, arg_step = NAN, arg_b1 = NAN, arg_b2 = NAN;
static double arg_l1 = NAN, arg_l2 = NAN, arg_l3 = NAN, arg_lr = NAN;
static double arg_decay = NAN, arg_momentum = NAN, arg_heldout = 0.1;
static double arg_keep = NAN, arg_ld = NAN, arg_lg = NAN, arg_lm = NAN,
	      arg_lv = NAN;
static double arg_max_time, arg_max_memory;
static double arg_rho = NAN, arg_prune = NAN;
static bool arg_confirm, arg_json, arg_list, arg_amsgrad_off,
    arg_no_reactivation, arg_provenance;
static const char *arg_eval_data, *arg_trigger;

/* Numbers that are not given are the method's own. */
static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &arg_data,
	.arg = "D",
	.help = "clean images with labels"},
    OPT_CLASSES(&arg_classes),
    OPT_PREPROCESS(&arg_preprocess),
    OPT_ARCH(&arg_arch),
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
    {.name = "guide",
	.kind = OPT_STR,
	.dest = &arg_guide,
	.arg = "FILE",
	.help = "the scan.json whose findings are unlearned (guided)"},
    {.name = "confirm",
	.kind = OPT_FLAG,
	.dest = &arg_confirm,
	.only = "guided",
	.help = "leave alone what the guide says and is not found again"},
    {.name = "scan",
	.kind = OPT_STR,
	.dest = &arg_scan,
	.arg = "FILE",
	.help = "the scan.json that asked for this, named in the document"},
    {.name = "eval-data",
	.kind = OPT_STR,
	.dest = &arg_eval_data,
	.arg = "D",
	.help = "more clean images, only for what is measured afterwards"},
    {.name = "trigger",
	.kind = OPT_STR,
	.dest = &arg_trigger,
	.arg = "FILE",
	.help = "a known trigger, for what is measured afterwards"},
    {.name = "no-reactivation",
	.kind = OPT_FLAG,
	.dest = &arg_no_reactivation,
	.help = "do not try to wake the backdoor afterwards"},
    {.name = "provenance",
	.kind = OPT_FLAG,
	.dest = &arg_provenance,
	.help = "say in the file's metadata what it was made of"},
    {.name = "method",
	.kind = OPT_STR,
	.dest = &arg_method,
	.arg = "M",
	.help = "sau, guided (with --guide), ft, ft-sam, d3, anp, fp, "
		"i-bau, nad"},
    {.name = "rounds",
	.kind = OPT_U64,
	.dest = &arg_rounds,
	.arg = "N",
	.help = "passes over the training images",
	.max = 100000},
    {.name = "batch",
	.kind = OPT_U64,
	.dest = &arg_batch,
	.arg = "N",
	.help = "images a step",
	.max = 65536,
	.min = 1},
    {.name = "lr",
	.kind = OPT_REAL,
	.dest = &arg_lr,
	.arg = "X",
	.help = "learning rate",
	.lo = 0,
	.hi = 100},
    {.name = "optimiser",
	.kind = OPT_STR,
	.dest = &arg_optim,
	.arg = "O",
	.help = "adam (with AMSGrad), adamw, sgd"},
    {.name = "no-amsgrad",
	.kind = OPT_FLAG,
	.dest = &arg_amsgrad_off,
	.help = "adam and adamw without AMSGrad"},
    {.name = "decay",
	.kind = OPT_REAL,
	.dest = &arg_decay,
	.arg = "X",
	.help = "weight decay",
	.lo = 0,
	.hi = 10},
    {.name = "momentum",
	.kind = OPT_REAL,
	.dest = &arg_momentum,
	.arg = "X",
	.help = "momentum of sgd",
	.lo = 0,
	.hi = 1},
    {.name = "lambda-clean",
	.kind = OPT_REAL,
	.dest = &arg_l1,
	.arg = "X",
	.only = "sau, guided, d3",
	.help = "weight of the clean loss",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-adv",
	.kind = OPT_REAL,
	.dest = &arg_l2,
	.arg = "X",
	.only = "sau",
	.help = "weight of the adversarial loss",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-shared",
	.kind = OPT_REAL,
	.dest = &arg_l3,
	.arg = "X",
	.only = "sau",
	.help = "weight of the shared loss",
	.lo = 0,
	.hi = 1e6},
    {.name = "schedule",
	.kind = OPT_STR,
	.dest = &arg_schedule,
	.arg = "S",
	.help = "of the learning rate: constant, cosine"},
    {.name = "warm",
	.kind = OPT_U64,
	.dest = &arg_warm,
	.arg = "N",
	.help = "rounds in which the learning rate rises",
	.max = 100000},
    {.name = "keep",
	.kind = OPT_REAL,
	.dest = &arg_keep,
	.arg = "X",
	.help = "held-out accuracy that may be lost, as a share",
	.lo = 0,
	.hi = 1},
    {.name = "lambda-distil",
	.kind = OPT_REAL,
	.dest = &arg_ld,
	.arg = "X",
	.only = "guided",
	.help = "weight of the suspect's own answers (default 3)",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-guide",
	.kind = OPT_REAL,
	.dest = &arg_lg,
	.arg = "X",
	.only = "guided",
	.help = "weight of what the scan found (default 4)",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-mix",
	.kind = OPT_REAL,
	.dest = &arg_lm,
	.arg = "X",
	.only = "guided",
	.help = "weight of the suspect's answers on mixed images "
		"(default 2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "lambda-move",
	.kind = OPT_REAL,
	.dest = &arg_lv,
	.arg = "X",
	.only = "guided",
	.help = "weight of moved images (default 2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "rho",
	.kind = OPT_REAL,
	.dest = &arg_rho,
	.arg = "X",
	.only = "ft-sam, anp",
	.help = "how far weights are perturbed (2, 0.4)",
	.lo = 0,
	.hi = 1e6},
    {.name = "prune",
	.kind = OPT_REAL,
	.dest = &arg_prune,
	.arg = "X",
	.only = "anp, fp",
	.help = "up to which mask (anp, 0.2), or until what share of accuracy "
		"is lost (fp, 0.1)",
	.lo = 0,
	.hi = 1},
    {.name = "max-time",
	.kind = OPT_REAL,
	.dest = &arg_max_time,
	.arg = "X",
	.help = "seconds after which no round begins (default: none)",
	.lo = 0,
	.hi = 1e9},
    {.name = "max-memory",
	.kind = OPT_REAL,
	.dest = &arg_max_memory,
	.arg = "X",
	.help = "MiB that may be taken (default: what there is)",
	.lo = 0,
	.hi = 1e9},
    {.name = "checkpoint",
	.kind = OPT_STR,
	.dest = &arg_checkpoint,
	.arg = "FILE",
	.help = "written after each round; a run goes on from it"},
    {.name = "norm",
	.kind = OPT_STR,
	.dest = &arg_norm,
	.arg = "P",
	.only = "sau",
	.help = "ball of the perturbation: linf (default), l1, l2, free"},
    {.name = "init",
	.kind = OPT_STR,
	.dest = &arg_init,
	.arg = "I",
	.only = "sau",
	.help = "its start: max (default), min, zero, random"},
    {.name = "alpha",
	.kind = OPT_REAL,
	.dest = &arg_alpha,
	.arg = "X",
	.only = "sau",
	.help = "radius of the ball (default 0.2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "step",
	.kind = OPT_REAL,
	.dest = &arg_step,
	.arg = "X",
	.only = "sau",
	.help = "step of the inner problem (default 0.2)",
	.lo = 0,
	.hi = 1e6},
    {.name = "steps",
	.kind = OPT_U64,
	.dest = &arg_steps,
	.arg = "N",
	.only = "sau",
	.help = "steps of the inner problem (default 5)",
	.max = 10000},
    {.name = "beta-adv",
	.kind = OPT_REAL,
	.dest = &arg_b1,
	.arg = "X",
	.only = "sau",
	.help = "weight of L_adv in it (default 0.01)",
	.lo = 0,
	.hi = 1e6},
    {.name = "beta-share",
	.kind = OPT_REAL,
	.dest = &arg_b2,
	.arg = "X",
	.only = "sau",
	.help = "weight of the divergence in it (default 1)",
	.lo = 0,
	.hi = 1e6},
    {.name = "bn",
	.kind = OPT_STR,
	.dest = &arg_bn,
	.arg = "MODE",
	.help = "batch-norm statistics: eval (frozen), train"},
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
    {.name = "list",
	.letter = 'L',
	.kind = OPT_FLAG,
	.dest = &arg_list,
	.help = "list the methods"},
    {.name = "json",
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print the document instead of a summary"},
    OPT_THREADS(&arg_threads),
    {.name = NULL},
};

const struct opt_tool options_tool = {
    .name = "assay-purify",
    .summary = "remove a backdoor from a classifier",
    .operands = "MODEL --data D -o OUT [options]",
    .table = table,
    .max_operands = 1,
};

/* --- options ------------------------------------------------------------- */

#define CHOICE(option, value, names, out)                                      \
	opt_choice(&options_tool, (option), (value), (names),                  \
	    ARRAY_LEN(names), (out))

/* Of an option that only some methods take: without it, it has no value. */
static bool
was_given(const struct opt *o)
{
	switch (o->kind) {
	case OPT_FLAG:
		return *(const bool *)o->dest;
	case OPT_STR:
		return *(const char *const *)o->dest != NULL;
	case OPT_U64:
		return *(const uint64_t *)o->dest != UNSET;
	case OPT_REAL:
		return !isnan(*(const double *)o->dest);
	case OPT_LIST:
		break;
	}
	BUG(o->name);
}

/* An option that would change nothing is a mistake: said, not swallowed. */
static int
foreign(const struct method *m)
{
	for (const struct opt *o = table; o->name != NULL; o++)
		if (!opt_is_of(o, m->name) && was_given(o))
			return opt_usage(&options_tool,
			    "--%s is an option of --method %s, not of %s",
			    o->name, o->only, m->name);
	return OPT_GO;
}

/* The same of what only some optimisers take. */
static int
foreign_optimiser(const struct purify_config *c)
{
	if (c->optim.kind != OPTIM_SGD && !isnan(arg_momentum))
		return opt_usage(&options_tool,
		    "--momentum is an option of --optimiser sgd, not of %s",
		    arg_optim);
	if (c->optim.kind == OPTIM_SGD && arg_amsgrad_off)
		return opt_usage(&options_tool,
		    "--no-amsgrad is an option of --optimiser adam, adamw, "
		    "not of %s",
		    arg_optim);
	return OPT_GO;
}

/* A number that was given, or the method's. */
static double
given(double v, double otherwise)
{
	return isnan(v) ? otherwise : v;
}

static uint64_t
given_n(uint64_t v, uint64_t otherwise)
{
	return v == UNSET ? otherwise : v;
}

static int
choices(struct purify_config *c, const struct method_defaults *d)
{
	static const char *const norms[] = {"linf", "l1", "l2", "free"};
	static const char *const inits[] = {"zero", "random", "max", "min"};
	static const char *const optims[] = {"sgd", "adam", "adamw"};
	static const char *const modes[] = {"eval", "train"};
	static const char *const schedules[] = {"constant", "cosine"};
	size_t norm = c->inner.norm, init = c->inner.init;
	size_t optim = d->optim, mode = d->mode;
	size_t schedule = d->schedule;

	if ((arg_norm != NULL &&
		CHOICE("norm", arg_norm, norms, &norm) != OPT_GO) ||
	    (arg_init != NULL &&
		CHOICE("init", arg_init, inits, &init) != OPT_GO) ||
	    (arg_optim != NULL &&
		CHOICE("optimiser", arg_optim, optims, &optim) != OPT_GO) ||
	    (arg_bn != NULL && CHOICE("bn", arg_bn, modes, &mode) != OPT_GO) ||
	    (arg_schedule != NULL && CHOICE("schedule", arg_schedule, schedules,
					 &schedule) != OPT_GO))
		return OPT_USAGE;
	c->inner.norm = (enum spgd_norm)norm;
	c->inner.init = (enum spgd_init)init;
	c->optim.kind = (enum optim_kind)optim;
	c->mode = (enum batch_mode)mode;
	c->schedule = (enum method_schedule)schedule;
	arg_norm = norms[norm];
	arg_init = inits[init];
	arg_optim = optims[optim];
	arg_bn = modes[mode];
	arg_schedule = schedules[schedule];
	return OPT_GO;
}

static void
numbers(struct purify_config *c, const struct method_defaults *d)
{
	c->rounds = arg_rounds = given_n(arg_rounds, d->rounds);
	c->batch = arg_batch = given_n(arg_batch, d->batch);
	c->rate = arg_lr = given(arg_lr, d->rate);
	c->warm = arg_warm = given_n(arg_warm, d->warm);
	c->keep = arg_keep = given(arg_keep, d->keep);
	c->lambda_clean = arg_l1 = given(arg_l1, d->lambda_clean);
	c->lambda_adv = arg_l2 = given(arg_l2, d->lambda_adv);
	c->lambda_shared = arg_l3 = given(arg_l3, d->lambda_shared);
	arg_decay = given(arg_decay, d->decay);
	arg_momentum = given(arg_momentum, d->momentum);
	c->rho = arg_rho = given(arg_rho, d->rho);
	c->prune = arg_prune = given(arg_prune, d->prune);
	c->lambda_distil = arg_ld = given(arg_ld, 3);
	c->lambda_guide = arg_lg = given(arg_lg, 4);
	c->lambda_mix = arg_lm = given(arg_lm, 2);
	c->lambda_move = arg_lv = given(arg_lv, 2);
	c->held_out = arg_heldout;
	c->max_seconds = arg_max_time;
	c->max_memory = (uint64_t)(arg_max_memory * (1 << 20));
	c->seed = arg_seed;
	c->inner.alpha = arg_alpha = given(arg_alpha, c->inner.alpha);
	c->inner.step = arg_step = given(arg_step, c->inner.step);
	c->inner.steps = arg_steps = given_n(arg_steps, c->inner.steps);
	c->inner.beta_adv = arg_b1 = given(arg_b1, c->inner.beta_adv);
	c->inner.beta_share = arg_b2 = given(arg_b2, c->inner.beta_share);
	c->inner.seed = arg_seed;
	c->optim.decay = (float)arg_decay;
	c->optim.momentum = (float)arg_momentum;
}

/* The method that is asked for; NULL where there is none of that name. */
static const struct method *
method(void)
{
	if (arg_method == NULL)
		return arg_guide != NULL ? &method_guided : &method_sau;
	return method_find(arg_method);
}

/* Of what the rounds depend on, not of what comes after them. */
static void
digest_options(struct digest *out)
{
	json_t *o = options_json();
	char *text;

	json_object_del(o, "reactivation");
	json_object_del(o, "provenance");
	if ((text = json_dumps(o, JSON_SORT_KEYS)) == NULL)
		BUG("json_dumps");
	digest_mem(text, strlen(text), out);
	free(text);
	json_decref(o);
}

static int
list_methods(void)
{
	for (size_t i = 0; i < method_count; i++)
		printf("%-8s %s\n", method_table[i]->name,
		    method_table[i]->summary);
	return OPT_DONE;
}

int
options_configure(struct purify_config *c, const char *model)
{
	const struct method *m = method();

	if (!arg_list && (model == NULL || arg_data == NULL || arg_out == NULL))
		return opt_usage(
		    &options_tool, "a model, --data and -o are needed");
	if (m == NULL)
		return opt_usage(&options_tool,
		    "--method cannot be '%s'; --list has them", arg_method);
	*c = (struct purify_config){.method = m,
	    .model = model,
	    .data = arg_data,
	    .classes = arg_classes,
	    .preprocess = arg_preprocess,
	    .arch = arg_arch,
	    .guide = arg_guide,
	    .scan = arg_scan != NULL ? arg_scan : arg_guide,
	    .checkpoint = arg_checkpoint,
	    .output = arg_out,
	    .document = arg_report,
	    .eval_data = arg_eval_data,
	    .trigger = arg_trigger,
	    .no_reactivation = arg_no_reactivation,
	    .provenance = arg_provenance,
	    .confirm = arg_confirm,
	    .json = arg_json,
	    .threads = arg_threads,
	    .inner = spgd_defaults(),
	    .optim = optim_adam(!arg_amsgrad_off)};
	if (foreign(m) != OPT_GO || choices(c, &m->defaults) != OPT_GO ||
	    foreign_optimiser(c) != OPT_GO)
		return OPT_USAGE;
	numbers(c, &m->defaults);
	if (arg_list)
		return list_methods();
	if (m == &method_guided && arg_guide == NULL)
		return opt_usage(
		    &options_tool, "--method guided needs --guide");
	digest_options(&c->options);
	return OPT_GO;
}

/* What only other methods take. */
static void
drop_foreign(json_t *o)
{
	char key[32];

	for (const struct opt *p = table; p->name != NULL; p++) {
		if (opt_is_of(p, method()->name))
			continue;
		snprintf(key, sizeof(key), "%s", p->name);
		for (char *c = key; *c != '\0'; c++)
			*c = *c == '-' ? '_' : *c;
		json_object_del(o, key);
	}
}

json_t *
options_json(void)
{
	json_t *o = json_object();

	json_put(o, "rounds", json_integer((json_int_t)arg_rounds));
	json_put(o, "batch", json_integer((json_int_t)arg_batch));
	json_put(o, "lr", json_number(arg_lr));
	json_put(o, "optimiser", json_text(arg_optim));
	json_put(o, "amsgrad",
	    json_boolean(strcmp(arg_optim, "sgd") != 0 && !arg_amsgrad_off));
	json_put(o, "decay", json_number(arg_decay));
	json_put(o, "momentum", json_number(arg_momentum));
	json_put(o, "lambda_clean", json_number(arg_l1));
	json_put(o, "lambda_adv", json_number(arg_l2));
	json_put(o, "lambda_shared", json_number(arg_l3));
	json_put(o, "schedule", json_text(arg_schedule));
	json_put(o, "warm", json_integer((json_int_t)arg_warm));
	json_put(o, "keep", json_number(arg_keep));
	json_put(o, "confirm", json_boolean(arg_confirm));
	json_put(o, "norm", json_text(arg_norm));
	json_put(o, "init", json_text(arg_init));
	json_put(o, "alpha", json_number(arg_alpha));
	json_put(o, "step", json_number(arg_step));
	json_put(o, "steps", json_integer((json_int_t)arg_steps));
	json_put(o, "beta_adv", json_number(arg_b1));
	json_put(o, "beta_share", json_number(arg_b2));
	json_put(o, "lambda_distil", json_number(arg_ld));
	json_put(o, "lambda_guide", json_number(arg_lg));
	json_put(o, "lambda_mix", json_number(arg_lm));
	json_put(o, "lambda_move", json_number(arg_lv));
	json_put(o, "rho", json_number(arg_rho));
	json_put(o, "prune", json_number(arg_prune));
	json_put(o, "bn", json_text(arg_bn));
	json_put(o, "held_out", json_number(arg_heldout));
	json_put(o, "reactivation", json_boolean(!arg_no_reactivation));
	json_put(o, "provenance", json_boolean(arg_provenance));
	json_put(o, "seed", json_integer((json_int_t)arg_seed));
	drop_foreign(o);
	return o;
}
