/* SPDX-License-Identifier: MIT
 * assay-eval: accuracy, attack success, recovered accuracy and defence
 * effectiveness of a model, on data and under a known trigger.
 *
 * ASR: share of triggered images, whose class the trigger's map sends
 * elsewhere, that get the class meant.  Recovered accuracy (R-ACC): share of
 * the same images that keep their true class.  Images that carry a trigger
 * already (--poisoned) count the same way, against --target.  DER (Zhu et al.,
 * ICCV 2023, eq. 7) = (max(0, drop of ASR) - max(0, drop of ACC) + 1) / 2
 * against --baseline.
 */
#include "base/doc.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/opt.h"
#include "base/stat.h"
#include "base/text.h"
#include "base/tool.h"
#include "engine/measure.h"
#include "engine/start.h"
#include "formats/fetch.h"

#include <math.h>

static const char *arg_data, *arg_classes, *arg_trigger, *arg_baseline;
static const char *arg_preprocess, *arg_arch, *arg_poisoned, *arg_target,
    *arg_out;
static bool arg_json;
static uint64_t arg_threads;
static double arg_max_asr = 2.0;

static const struct opt table[] = {
    {.name = "data",
	.kind = OPT_STR,
	.dest = &arg_data,
	.arg = "D",
	.help = "images with labels"},
    OPT_CLASSES(&arg_classes),
    OPT_PREPROCESS(&arg_preprocess),
    OPT_ARCH(&arg_arch),
    {.name = "trigger",
	.kind = OPT_STR,
	.dest = &arg_trigger,
	.arg = "T",
	.help = "trigger file: measure attack success too"},
    {.name = "poisoned",
	.kind = OPT_STR,
	.dest = &arg_poisoned,
	.arg = "D",
	.help = "images that carry a trigger, under their true classes"},
    {.name = "target",
	.kind = OPT_STR,
	.dest = &arg_target,
	.arg = "T",
	.help = "the class, name or number, that --poisoned is to become"},
    {.name = "baseline",
	.kind = OPT_STR,
	.dest = &arg_baseline,
	.arg = "MODEL",
	.help = "the model before purification, for DER"},
    {.name = "max-asr",
	.kind = OPT_REAL,
	.dest = &arg_max_asr,
	.arg = "X",
	.help = "exit 1 when ASR is above X (default: never)",
	.lo = 0,
	.hi = 1},
    {.name = "json",
	.kind = OPT_FLAG,
	.dest = &arg_json,
	.help = "print the document instead of a table"},
    {.name = "output",
	.letter = 'o',
	.kind = OPT_STR,
	.dest = &arg_out,
	.arg = "FILE",
	.help = "write the document to FILE"},
    OPT_THREADS(&arg_threads),
    {.name = NULL},
};

static const struct opt_tool tool = {
    .name = "assay-eval",
    .summary = "accuracy and attack success of a model",
    .operands = "MODEL --data D [--trigger T | --poisoned D --target T] "
		"[options]",
    .table = table,
    .min_operands = 1,
    .max_operands = 1,
};

struct figures {
	struct measure_count acc, asr, recovered;
	struct measure_count *by_class; /* of asr, with a trigger; or NULL */
	size_t classes;
};

struct evaluation {
	struct fetched_model file;
	struct fetched_data data, poisoned;
	struct trigger trigger;
	struct file_map trigger_map;
	size_t target; /* of the poisoned images */
	bool has_trigger, has_poisoned, has_baseline;
	struct figures model, baseline;
	json_t *doc;
};

static double
rate(const struct measure_count *c)
{
	return c->n != 0 ? (double)c->hit / (double)c->n : (double)NAN;
}

static json_t *
count_json(const struct measure_count *c)
{
	struct stat_interval i = stat_wilson(c->hit, c->n, 0.95);
	json_t *j = json_object(), *bounds = json_array();

	json_add(bounds, json_number(i.lo));
	json_add(bounds, json_number(i.hi));
	json_put(j, "correct", json_integer((json_int_t)c->hit));
	json_put(j, "n", json_integer((json_int_t)c->n));
	json_put(j, "rate", json_number(rate(c)));
	json_put(j, "interval", bounds);
	return j;
}

static bool
attacked(const struct evaluation *v)
{
	return v->has_trigger || v->has_poisoned;
}

static json_t *
by_class_json(const struct figures *f)
{
	json_t *list = json_array(), *j;

	for (size_t i = 0; i < f->classes; i++) {
		if (f->by_class[i].n == 0)
			continue;
		j = json_object();
		json_put(j, "class", json_integer((json_int_t)i));
		json_put(
		    j, "correct", json_integer((json_int_t)f->by_class[i].hit));
		json_put(j, "n", json_integer((json_int_t)f->by_class[i].n));
		json_add(list, j);
	}
	return list;
}

static void
put_figures(json_t *j, const struct evaluation *v, const struct figures *f)
{
	json_put(j, "accuracy", count_json(&f->acc));
	json_put(j, "asr", attacked(v) ? count_json(&f->asr) : json_null());
	json_put(j, "recovered_accuracy",
	    attacked(v) ? count_json(&f->recovered) : json_null());
	json_put(j, "success_by_class",
	    f->by_class != NULL ? by_class_json(f) : json_null());
}

/* NaN where no image could show an attack. */
static double
der(const struct evaluation *v)
{
	double asr = rate(&v->baseline.asr) - rate(&v->model.asr);
	double acc = rate(&v->baseline.acc) - rate(&v->model.acc);

	if (isnan(asr))
		return asr;
	return (fmax(0, asr) - fmax(0, acc) + 1) / 2;
}

static int
open_trigger(struct evaluation *v, struct err *e)
{
	struct digest d;
	struct rd r;
	int rc;

	if (arg_trigger == NULL)
		return 0;
	if ((rc = file_map(arg_trigger, LIMIT_DOCUMENT, &v->trigger_map, e)) !=
	    0)
		return rc;
	r = rd_mem(v->trigger_map.ptr, v->trigger_map.len);
	if ((rc = trigger_parse(&r, &v->trigger, e)) != 0)
		return err_in(e, arg_trigger);
	v->has_trigger = true;
	digest_mem(v->trigger_map.ptr, v->trigger_map.len, &d);
	doc_input(v->doc, "trigger", arg_trigger, &d, v->trigger_map.len);
	return 0;
}

/* A class by its name, or its number. */
static int
find_target(struct evaluation *v, struct err *e)
{
	const struct dataset *d = &v->data.data;
	uint64_t n;

	for (v->target = 0; v->target < d->classes; v->target++)
		if (strcmp(d->name[v->target], arg_target) == 0)
			return 0;
	if (!text_parse_u64(arg_target, LIMIT_CLASSES - 1, &n))
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--target: no class is '%.60s'", arg_target);
	v->target = n;
	return 0;
}

static int
open_poisoned(struct evaluation *v, struct err *e)
{
	struct fetch_want want = {.spec = arg_poisoned,
	    .classes = arg_classes,
	    .model = &v->file.model};
	int rc;

	if (arg_poisoned == NULL)
		return 0;
	if ((rc = find_target(v, e)) != 0 ||
	    (rc = fetch_data(&want, &v->poisoned, e)) != 0)
		return rc;
	v->has_poisoned = true;
	doc_input(v->doc, "poisoned", arg_poisoned, &v->poisoned.digest,
	    v->poisoned.size);
	json_put(v->doc, "target", json_integer((json_int_t)v->target));
	return 0;
}

/* Images that carry their trigger already. */
static int
measure_poisoned(const struct evaluation *v, const struct net *net,
    struct figures *f, struct err *e)
{
	const struct dataset *d = &v->poisoned.data;
	struct arena a;
	int32_t *pred;
	int rc;

	if (v->target >= net->classes)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "--target: no class %zu, the model has %zu, from 0 on",
		    v->target, net->classes);
	arena_init(&a, (size_t)1 << 30);
	if ((pred = arena_alloc(&a, d->n, sizeof(*pred))) == NULL)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many images");
	else if ((rc = measure_fits(net, d, NULL, e)) == 0)
		rc = measure_predict(net, d, 0, d->n, NULL, pred, e);
	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		if ((size_t)d->label[i] == v->target)
			continue;
		f->asr.n++;
		f->recovered.n++;
		f->asr.hit += (size_t)pred[i] == v->target;
		f->recovered.hit += pred[i] == d->label[i];
	}
	arena_release(&a);
	return rc;
}

static int
measure_net(struct evaluation *v, const struct net *net, struct figures *f,
    struct err *e)
{
	const struct dataset *d = &v->data.data;
	struct trigger *t = v->has_trigger ? &v->trigger : NULL;
	int rc;

	if ((rc = measure_fits(net, d, t, e)) != 0 ||
	    (rc = measure_accuracy(net, d, 0, d->n, &f->acc, e)) != 0)
		return rc;
	if (t != NULL) {
		f->classes = t->classes;
		f->by_class =
		    arena_alloc(&t->arena, t->classes, sizeof(*f->by_class));
		if (f->by_class == NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
		return measure_attack(
		    net, d, 0, d->n, t, &f->asr, &f->recovered, f->by_class, e);
	}
	return v->has_poisoned ? measure_poisoned(v, net, f, e) : 0;
}

static int
measure(struct evaluation *v, const struct fetched_model *m, const char *path,
    struct figures *f, struct err *e)
{
	const struct dataset *d = &v->data.data;
	struct net net = {0};
	int rc;

	if ((rc = net_build(&net, &m->model, d->h, d->w, d->c, e)) == 0 &&
	    (rc = measure_net(v, &net, f, e)) == 0 &&
	    measure_near_chance(f->acc.hit, f->acc.n, net.classes))
		tool_warn(MEASURE_NEAR_CHANCE, path, 100 * rate(&f->acc));
	net_release(&net);
	return rc != 0 ? err_in(e, path) : 0;
}

static int
measure_baseline(struct evaluation *v, struct err *e)
{
	struct fetched_model m;
	int rc = fetch_model(arg_baseline, arg_preprocess, arg_arch, &m, e);

	if (rc != 0)
		return rc;
	v->has_baseline = true;
	fetch_input(v->doc, "baseline", arg_baseline, &m);
	rc = measure(v, &m, arg_baseline, &v->baseline, e);
	fetch_model_release(&m);
	return rc;
}

static int
evaluate(struct evaluation *v, const char *model, struct err *e)
{
	struct fetch_want want = {
	    .spec = arg_data, .classes = arg_classes, .model = &v->file.model};
	json_t *j;
	int rc;

	if ((rc = fetch_model(model, arg_preprocess, arg_arch, &v->file, e)) !=
		0 ||
	    (rc = fetch_data(&want, &v->data, e)) != 0 ||
	    (rc = open_trigger(v, e)) != 0)
		return rc;
	doc_input(v->doc, "data", arg_data, &v->data.digest, v->data.size);
	fetch_input(v->doc, "model", model, &v->file);
	if ((rc = open_poisoned(v, e)) != 0 ||
	    (rc = measure(v, &v->file, model, &v->model, e)) != 0)
		return rc;
	if (arg_baseline != NULL && (rc = measure_baseline(v, e)) != 0)
		return rc;
	put_figures(v->doc, v, &v->model);
	j = json_null();
	if (v->has_baseline) {
		j = json_object();
		put_figures(j, v, &v->baseline);
	}
	json_put(v->doc, "baseline", j);
	json_put(v->doc, "der",
	    v->has_baseline && attacked(v) ? json_number(der(v)) : json_null());
	json_put(v->doc, "preprocess", fetch_json(&v->file, &v->data));
	json_put(v->doc, "environment", start_json());
	return 0;
}

static void
print_row(const char *name, const struct measure_count *c)
{
	struct stat_interval i = stat_wilson(c->hit, c->n, 0.95);

	if (c->n == 0)
		printf("%-20s      -\n", name);
	else
		printf("%-20s %.4f  [%.4f, %.4f]  %" PRIu64 " of %" PRIu64 "\n",
		    name, rate(c), i.lo, i.hi, c->hit, c->n);
}

static void
print_der(double der)
{
	if (isnan(der))
		printf("%-20s      -\n", "DER");
	else
		printf("%-20s %.4f\n", "DER", der);
}

static void
print_table(const struct evaluation *v)
{
	printf("%-20s %-7s %s\n", "", "share", "95 % interval");
	print_row("accuracy", &v->model.acc);
	if (attacked(v)) {
		print_row("attack success", &v->model.asr);
		print_row("recovered accuracy", &v->model.recovered);
	}
	if (v->has_baseline) {
		print_row("baseline accuracy", &v->baseline.acc);
		if (attacked(v)) {
			print_row("baseline success", &v->baseline.asr);
			print_der(der(v));
		}
	}
}

static int
output(const struct evaluation *v, struct err *e)
{
	int rc = 0;

	if (arg_out != NULL)
		rc = json_write_file(arg_out, v->doc, e);
	if (rc == 0 && arg_json)
		json_print(v->doc);
	else if (rc == 0)
		print_table(v);
	return rc;
}

/* Against --max-asr: an attack that no image could show is not a pass. */
static int
judge(const struct measure_count *asr)
{
	if (arg_max_asr > 1.0)
		return TOOL_PASSED;
	if (asr->n == 0) {
		tool_warn("--max-asr: no image is of a class that the trigger "
			  "changes");
		return TOOL_INCOMPLETE;
	}
	return rate(asr) > arg_max_asr ? TOOL_FLAGGED : TOOL_PASSED;
}

int
main(int argc, char **argv)
{
	static struct evaluation v;
	struct err e = {0};
	int first, rc, status;

	start_environment(argv);
	if ((rc = opt_parse(&tool, argc, argv, &first)) != OPT_GO)
		return rc == OPT_DONE ? tool_end(TOOL_PASSED) : TOOL_USAGE;
	if (arg_out != NULL && file_is_stdout(arg_out)) {
		arg_json = true; /* and no table */
		arg_out = NULL;
	}
	if (arg_data == NULL)
		return opt_usage(&tool, "--data is needed"), TOOL_USAGE;
	if ((arg_poisoned != NULL) != (arg_target != NULL) ||
	    (arg_poisoned != NULL && arg_trigger != NULL))
		return opt_usage(&tool, "--poisoned and --target go together, "
					"without --trigger"),
		       TOOL_USAGE;
	if (arg_max_asr <= 1.0 && arg_poisoned == NULL && arg_trigger == NULL)
		return opt_usage(
			   &tool, "--max-asr wants --trigger or --poisoned"),
		       TOOL_USAGE;
	v.doc = doc_new("assay-eval/1");
	if ((rc = start_engine(arg_threads, &e)) == 0 &&
	    (rc = evaluate(&v, argv[first], &e)) == 0)
		rc = output(&v, &e);
	status = rc != 0 ? tool_fail(&e) : judge(&v.model.asr);
	json_decref(v.doc);
	trigger_release(&v.trigger);
	file_unmap(&v.trigger_map);
	fetch_data_release(&v.poisoned);
	fetch_data_release(&v.data);
	fetch_model_release(&v.file);
	return tool_end(status);
}
