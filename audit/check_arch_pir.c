/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_pir.h"

#include "audit/check_arch_build.h"
#include "audit/check_arch_paddle_op.h"
#include "base/limits.h"
#include "base/text.h"

#include <math.h>

#define SIDE   8 /* of a matrix of which nothing is known */
#define IMAGE  4 /* rank of what goes into convolutions, */
#define TABLE  2 /* and of what does not */
#define DIGITS 40

struct reader {
	struct check_arch_build b;
	size_t depth;
};

/* --- values -------------------------------------------------------------- */

/* "%": a number; 0 is an operand that is left out. */
static const char *
id_of(struct reader *r, const struct conf *value)
{
	const struct conf *id = conf_get(value, "%");

	return id != NULL && id->text != NULL
		   ? check_arch_build_kept(&r->b, id->text, id->len)
		   : "";
}

/* Operands that are in an array, or results, of which "p" has one by itself. */
static void
ids(struct reader *r, const struct conf *list, struct check_arch_list *to)
{
	if (conf_get(list, "%") != NULL) {
		check_arch_build_add(&r->b, to, id_of(r, list));
		return;
	}
	list = conf_is_array(list) ? list->child : NULL;
	for (; list != NULL && !r->b.full; list = list->next)
		if (conf_get(list, "%") != NULL)
			check_arch_build_add(&r->b, to, id_of(r, list));
}

static void
operands(struct reader *r, const struct conf *op, struct check_arch_list *to)
{
	ids(r, conf_get(op, "I"), to);
	for (size_t i = 0; i < to->n; i++)
		to->name[i] = check_arch_build_get(&r->b, to->name[i]);
}

/* "A": [{"N": "value", "AT": {"#": "0.a_f64", "D": 1.0}}]: what is behind "D" */
static const struct conf *
attribute(const struct conf *op, const char *name)
{
	const struct conf *a = conf_get(op, "A");

	a = conf_is_array(a) ? a->child : NULL;
	for (; a != NULL; a = a->next)
		if (conf_get(a, "N") != NULL &&
		    conf_text_is(conf_get(a, "N"), name))
			return conf_get(conf_get(a, "AT"), "D");
	return NULL;
}

static double
number(const struct conf *n)
{
	char text[DIGITS];

	if (n == NULL || n->kind != CONF_WORD || n->len >= sizeof(text))
		return NAN;
	memcpy(text, n->text, n->len);
	text[n->len] = '\0';
	return strtod(text, NULL);
}

/* ONNX's TensorProto.DataType of "float32", "int64", "bool" */
static int64_t
type_of(const struct conf *type)
{
	if (type == NULL || conf_text_is(type, "uint8"))
		return 1;
	if (conf_text_is(type, "bool"))
		return 9;
	return conf_has(type, "int") ? 7 : 1;
}

/* --- operators ----------------------------------------------------------- */

/* "1.conv2d", of the dialect that is the first there: "conv2d" */
static const char *
name_of(struct reader *r, const struct conf *op)
{
	const struct conf *id = conf_get(op, "#");
	const char *name, *dot;

	if (id == NULL || id->kind != CONF_STRING)
		return "";
	name = check_arch_build_kept(&r->b, id->text, id->len);
	if (strcmp(name, "0.split") == 0)
		return "builtin.split"; /* takes a list of tensors apart */
	dot = strrchr(name, '.');
	return dot != NULL ? dot + 1 : name;
}

static const char *
op_of(const char *name)
{
	/* Fluid's operator of that name adds several tensors */
	return strcmp(name, "sum") == 0 ? "ReduceSum"
					: check_arch_paddle_op(name);
}

static void
constants(struct reader *r, const struct conf *op, bool weights)
{
	struct check_arch_list out = {0};
	struct tensor t = {.rank = weights ? 2 : 0, .dim = {SIDE, SIDE}};

	ids(r, conf_get(op, "O"), &out);
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		(void)check_arch_build_constant(&r->b, out.name[i], &t,
		    weights ? (double)NAN : number(attribute(op, "value")));
}

static void
inputs(struct reader *r, const struct conf *op)
{
	struct check_arch_list out = {0};

	ids(r, conf_get(op, "O"), &out);
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		check_arch_build_input(&r->b,
		    check_arch_build_set(&r->b, out.name[i]),
		    type_of(attribute(op, "dtype")), TABLE);
}

static void
outputs(struct reader *r, const struct conf *op)
{
	struct check_arch_list in = {0};

	operands(r, op, &in);
	for (size_t i = 0; i < in.n && !r->b.full; i++)
		check_arch_build_output(&r->b, in.name[i], 0);
}

static void
plain(struct reader *r, const struct conf *op, const char *name)
{
	struct check_arch_list in = {0}, out = {0};
	const char *to = op_of(name);

	operands(r, op, &in);
	ids(r, conf_get(op, "O"), &out);
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		out.name[i] = check_arch_build_set(&r->b, out.name[i]);
	if (!r->b.full)
		check_arch_build_node(&r->b, to, name, &in, &out,
		    strcmp(to, "Cast") == 0 ? type_of(attribute(op, "dtype"))
					    : 0);
}

/* --- regions ------------------------------------------------------------- */

static void block(
    struct reader *, const struct conf *, struct check_arch_list *yield);

/* What a region's first block gives back; its arguments are `in`. */
static struct check_arch_list
region(struct reader *r, const struct conf *region,
    const struct check_arch_list *in)
{
	struct check_arch_list yield = {0}, args = {0};
	const struct conf *blocks = conf_get(region, "blocks");

	blocks = conf_is_array(blocks) ? blocks->child : NULL;
	if (r->depth == LIMIT_ONNX_DEPTH) {
		r->b.full = true;
		return yield;
	}
	ids(r, conf_get(blocks, "args"), &args);
	for (size_t i = 0; i < args.n && in != NULL && i + 1 < in->n; i++)
		check_arch_build_put(&r->b, args.name[i], in->name[i + 1]);
	r->depth++;
	block(r, blocks, &yield);
	r->depth--;
	return yield;
}

/* if: of a decision, two regions; while: a decision and what goes round, and the
 * region gives back the same. */
static void
within(struct reader *r, const struct conf *op, const struct conf *regions)
{
	struct check_arch_list in = {0}, out = {0}, x, y = {0};
	size_t skip = 0;

	operands(r, op, &in);
	ids(r, conf_get(op, "O"), &out);
	x = region(r, regions->child, &in);
	if (regions->child->next != NULL) {
		y = region(r, regions->child->next, NULL);
	} else {
		y = in;
		skip = 1;
	}
	for (size_t i = 0; i < out.n && !r->b.full; i++)
		check_arch_build_choose(&r->b, out.name[i],
		    in.n != 0 ? in.name[0] : "",
		    i + skip < x.n ? x.name[i + skip] : "",
		    i + skip < y.n ? y.name[i + skip] : "");
}

static void
operator(struct reader *r, const struct conf *op, struct check_arch_list *yield)
{
	static const char *const constant[] = {"full", "full_int_array",
	    "constant", "assign_value", "assign_value_", "arange", "eye"};
	const char *name = name_of(r, op);
	const struct conf *regions = conf_get(op, "regions");

	if (conf_is_array(regions))
		within(r, op, regions);
	else if (strcmp(name, "p") == 0 || strcmp(name, "parameter") == 0)
		constants(r, op, true);
	else if (strcmp(name, "data") == 0 || strcmp(name, "feed") == 0)
		inputs(r, op);
	else if (strcmp(name, "fetch") == 0 ||
		 strcmp(name, "shadow_output") == 0)
		outputs(r, op);
	else if (strcmp(name, "yield") == 0)
		operands(r, op, yield);
	else if (text_is_one_of(name, constant, ARRAY_LEN(constant)))
		constants(r, op, false);
	else
		plain(r, op, name);
}

static void
block(struct reader *r, const struct conf *b, struct check_arch_list *yield)
{
	const struct conf *op = conf_get(b, "ops");

	op = conf_is_array(op) ? op->child : NULL;
	for (; op != NULL && !r->b.full; op = op->next)
		operator(r, op, yield);
}

/* --- the program --------------------------------------------------------- */

/* What goes into a program of convolutions is an image. */
static void
mark_image(struct onnx_file *x)
{
	bool image = false;

	for (size_t i = 0; i < x->nnode; i++)
		image = image || strcmp(x->node[i].op, "Conv") == 0;
	for (size_t i = 0; image && i < x->ninput; i++)
		x->input[i].rank = x->input[i].type == 1 ? IMAGE : TABLE;
}

bool
check_arch_pir(const struct conf_doc *d, struct arena *a, struct onnx_file *x,
    struct err *e)
{
	const struct conf *regions =
	    conf_get(conf_get(d->root, "program"), "regions");
	struct reader r = {0};

	if (!conf_is_array(regions) || d->yaml)
		return false;
	check_arch_build_init(&r.b, a, x);
	(void)region(&r, regions->child, NULL);
	mark_image(x);
	check_arch_build_end(&r.b, e);
	return true;
}
