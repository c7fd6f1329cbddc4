/* SPDX-License-Identifier: MIT
 * An XGBoost model in JSON (doc/model.schema of XGBoost, Learner::LoadModel()): its
 * members are of the kinds that the library asks for.  In its trees
 * (RegTree::LoadModel()) a node that leads to none, to itself, or to one that another
 * leads to has the library read beyond its memory, or walk for ever.
 */
#include "audit/check_config_part.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"

#define NODES (1 << 24) /* of a tree; no library grows one as large */

/* The numbers of an array, which stand in the file as they are: nodes of a
 * configuration are not made of each. */
static bool
begin(const struct check_file *f, const struct conf *array, struct rd *l)
{
	uint8_t c;

	if (array == NULL || array->kind != CONF_ARRAY ||
	    array->off >= f->bytes.len)
		return false;
	*l = rd_mem(
	    f->bytes.base + array->off, f->bytes.len - (size_t)array->off);
	return rd_u8(l, &c) == 0 && c == '[';
}

/* The next one; false: there is none, or what stands there is no number. */
static bool
next(struct rd *l, long *out)
{
	bool minus = false, digit = false;
	struct rd at = *l;
	uint8_t c;

	*out = 0;
	for (; rd_u8(&at, &c) == 0 && *out < NODES; *l = at) {
		if (c >= '0' && c <= '9') {
			digit = true;
			*out = 10 * *out + (c - '0');
		} else if (c == '-' && !digit && !minus) {
			minus = true;
		} else if (digit || strchr(" \t\r\n,", c) == NULL) {
			break;
		}
	}
	*out = minus ? -*out : *out;
	return digit;
}

/* How many nodes a tree is said to have; false: it is not said. */
static bool
count(const struct conf *n, uint64_t *out)
{
	char digits[24];

	if (n == NULL || (n->kind != CONF_WORD && n->kind != CONF_STRING) ||
	    n->len >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", (int)n->len, n->text);
	return text_parse_u64(digits, NODES, out);
}

/* Marks where the node leads; NULL, or what is wrong with it. */
static const char *
follow(bool *taken, long to, long nodes)
{
	if (to <= 0 || to >= nodes)
		return "leads to a node that is not there";
	if (taken[to])
		return "leads to a node that another leads to";
	taken[to] = true;
	return NULL;
}

/* A leaf has -1 for both. */
static const char *
nodes(struct arena *a, struct rd left, struct rd right, long n)
{
	bool *taken = arena_alloc(a, (size_t)n + 1, sizeof(*taken));
	const char *what = NULL;
	long l, r;

	if (taken == NULL)
		return NULL;
	for (long i = 0; i < n && what == NULL; i++) {
		if (!next(&left, &l) || !next(&right, &r))
			return "is missing";
		if (l == -1 && r == -1)
			continue;
		if ((what = follow(taken, l, n)) == NULL)
			what = follow(taken, r, n);
	}
	if (what == NULL && (next(&left, &l) || next(&right, &r)))
		what = "is one too many";
	return what;
}

/* tree_param.num_nodes says how many there are. */
static const char *
tree(const struct check_file *f, struct arena *a, const struct conf *t)
{
	struct rd left, right;
	uint64_t n;

	if (!count(conf_get(conf_get(t, "tree_param"), "num_nodes"), &n) ||
	    !begin(f, conf_get(t, "left_children"), &left) ||
	    !begin(f, conf_get(t, "right_children"), &right))
		return "is missing";
	return nodes(a, left, right, (long)n);
}

/* A member that is there and of another kind; whether it was said. */
static bool
other(const struct check_file *f, const struct conf *in, const char *key,
    enum conf_kind kind)
{
	const struct conf *v = conf_get(in, key);

	if (v == NULL || v->kind == kind)
		return false;
	check_short(f, FINDING_CONFIG_INVALID, v->off,
	    "xgboost: '%s' is none that the library can load", key);
	return true;
}

/* "learner" alone is many a program's: two of what a model has beside it. */
static bool
is_model(const struct conf *root)
{
	const struct conf *learner = conf_get(root, "learner");
	const struct conf *version = conf_get(root, "version");
	const struct conf *booster = conf_get(learner, "gradient_booster");

	return (version != NULL && version->kind == CONF_ARRAY) +
		   (booster != NULL && booster->kind == CONF_OBJECT) +
		   (conf_get(learner, "learner_model_param") != NULL) >=
	       2;
}

/* What the library asks for by its kind. */
static bool
misshapen(const struct check_file *f, const struct conf *root)
{
	const struct conf *learner = conf_get(root, "learner");
	const struct conf *booster = conf_get(learner, "gradient_booster");

	return other(f, root, "version", CONF_ARRAY) ||
	       other(f, learner, "learner_model_param", CONF_OBJECT) ||
	       other(f, learner, "gradient_booster", CONF_OBJECT) ||
	       other(f, booster, "name", CONF_STRING) ||
	       other(f, booster, "model", CONF_OBJECT) ||
	       other(f, booster, "gbtree", CONF_OBJECT) ||
	       other(f, conf_get(booster, "model"), "trees", CONF_ARRAY);
}

/* DMLC_REGISTER of ObjFunctionReg; one of somebody's own is kept as none of these */
static bool
is_objective(const struct conf *n)
{
	static const char *const names[] = {"reg:squarederror", "reg:linear",
	    "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror",
	    "reg:absoluteerror", "reg:quantileerror", "reg:gamma",
	    "reg:tweedie", "reg:expectileerror", "binary:logistic",
	    "binary:logitraw", "binary:hinge", "count:poisson", "survival:cox",
	    "survival:aft", "multi:softmax", "multi:softprob", "rank:ndcg",
	    "rank:map", "rank:pairwise", "gpu:reg:linear", "gpu:reg:logistic",
	    "gpu:binary:logistic"};

	return text_is_among(n->text, n->len, names, ARRAY_LEN(names));
}

/* Numbers are texts of digits, "num_feature": "13"; base_score is a real one. */
static bool
misnumbered(const struct check_file *f, const struct conf *root)
{
	static const char *const keys[] = {
	    "num_feature", "num_class", "num_target"};
	const struct conf *learner = conf_get(root, "learner");
	const struct conf *param = conf_get(learner, "learner_model_param");
	const struct conf *goal =
	    conf_get(conf_get(learner, "objective"), "name");
	uint64_t ignored;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf *n = conf_get(param, keys[i]);

		if (n == NULL || n->kind != CONF_STRING || count(n, &ignored))
			continue;
		check_short(f, FINDING_CONFIG_INVALID, n->off,
		    "xgboost: %s is no number", keys[i]);
		return true;
	}
	if (goal == NULL || goal->kind != CONF_STRING || is_objective(goal))
		return false;
	check_short(f, FINDING_CONFIG_INVALID, goal->off,
	    "xgboost: an objective that the library does not have, '%.*s'",
	    (int)MIN(goal->len, 60), goal->text);
	return true;
}

void
check_config_xgboost(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *booster =
	    conf_get(conf_get(d->root, "learner"), "gradient_booster");
	const struct conf *dart = conf_get(booster, "gbtree");
	const struct conf *trees =
	    conf_get(conf_get(dart != NULL ? dart : booster, "model"), "trees");
	const char *what = NULL;
	size_t i = 0;

	if (d->yaml ||
	    (is_model(d->root) &&
		(misshapen(f, d->root) || misnumbered(f, d->root))) ||
	    !conf_is_array(trees))
		return;
	for (const struct conf *t = trees->child; t != NULL && what == NULL;
	     t = t->next, i++) {
		struct arena a;

		arena_init(&a, LIMIT_TF_ARENA);
		if ((what = tree(f, &a, conf_value(t))) != NULL)
			check_find(f, FINDING_MODEL_INVALID, t->off,
			    "xgboost: a node of tree %zu %s", i, what);
		arena_release(&a);
	}
}
