/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_export.h"

#include "audit/check_arch_aten.h"
#include "audit/check_arch_build.h"
#include "base/limits.h"
#include "base/text.h"

#define ARGS 64

struct reader {
	struct check_arch_build b; /* and its arena, file, whether it is full */
	const struct conf **value; /* members of tensor_values, by name: */
	struct map by_name;
	struct map user;         /* names of inputs that a caller gives */
	size_t numbers, tensors; /* room for so many */
};

/* --- texts --------------------------------------------------------------- */

/* Of {"as_tensor": {"name": "x"}}; NULL: it is something else. */
static const struct conf *
tensor(const struct conf *arg)
{
	const struct conf *name = conf_get(conf_get(arg, "as_tensor"), "name");

	return name != NULL && name->kind == CONF_STRING ? name : NULL;
}

/* "torch.ops.aten.add.Tensor": "add", and "Tensor" in *overload. */
static const char *
target(struct reader *r, const struct conf *node, const char **overload)
{
	static const char before[] = "torch.ops.aten.";
	const struct conf *t = conf_get(node, "target");
	char *name;

	*overload = "";
	if (t == NULL || t->len < sizeof(before) ||
	    memcmp(t->text, before, sizeof(before) - 1) != 0)
		return "";
	name = arena_strdup(r->b.arena, t->text + sizeof(before) - 1,
	    MIN(t->len - (sizeof(before) - 1), (size_t)LIMIT_NAME));
	if (name == NULL) {
		r->b.full = true;
		return "";
	}
	for (char *dot = name; *dot != '\0'; dot++)
		if (*dot == '.') {
			*dot = '\0';
			*overload = dot + 1;
			break;
		}
	return name;
}

/* ONNX's TensorProto.DataType of a ScalarType of the schema: BYTE 1, HALF 6, FLOAT 7,
 * DOUBLE 8, BOOL 12, BFLOAT16 13, the 8-bit floats from 29 on. */
static int64_t
type_of(int64_t scalar)
{
	if (scalar == 12)
		return 9;
	return scalar == 1 || (scalar >= 6 && scalar <= 11) || scalar >= 13 ||
		       scalar == 0
		   ? 1
		   : 7;
}

/* What is said of a tensor: its type, and its sizes in t. */
static int64_t
meta(struct reader *r, const char *name, struct tensor *t)
{
	size_t at = map_get(&r->by_name, name);
	const struct conf *v = at != SIZE_MAX ? r->value[at] : NULL, *sizes;

	*t = (struct tensor){.name = name, .dtype = DTYPE_F32};
	sizes = conf_get(v, "sizes");
	if (!conf_is_array(sizes))
		return 1;
	for (const struct conf *s = sizes->child; s != NULL; s = s->next)
		if (t->rank < MODEL_MAX_RANK)
			t->dim[t->rank++] = (uint64_t)MAX(
			    check_arch_build_whole(conf_get(s, "as_int")),
			    (int64_t)1);
	return type_of(check_arch_build_whole(conf_get(v, "dtype")));
}

/* --- nodes --------------------------------------------------------------- */

struct args {
	const char *name[ARGS];
	size_t n, tensors;
};

static void
constant(struct reader *r, struct args *to, const struct conf *number)
{
	struct tensor *t;
	float *v = arena_alloc(r->b.arena, 1, sizeof(*v));
	const char *name = arena_printf(r->b.arena, "#%zu", r->numbers++);
	char text[40];
	size_t n = MIN(number->len, sizeof(text) - 1);

	if (v == NULL || name == NULL || r->b.x->ntensor == r->tensors) {
		r->b.full = true;
		return;
	}
	t = &r->b.x->tensor[r->b.x->ntensor].t;
	memcpy(text, number->text, n);
	text[n] = '\0';
	*v = (float)strtod(text, NULL);
	*t = (struct tensor){.name = name,
	    .dtype = DTYPE_F32,
	    .data = (const uint8_t *)v,
	    .size = sizeof(*v)};
	r->b.x->ntensor++;
	to->name[to->n++] = name;
}

/* {"as_tensor": ...}, {"as_tensors": [...]}, {"as_float": 3.0} */
static void
argument(struct reader *r, const struct conf *arg, struct args *to)
{
	const struct conf *all = conf_get(arg, "as_tensors");
	const struct conf *one = tensor(arg);
	const struct conf *number = conf_get(arg, "as_float");

	if (number == NULL)
		number = conf_get(arg, "as_int");
	if (one != NULL && to->n < ARGS) {
		to->name[to->n++] =
		    check_arch_build_kept(&r->b, one->text, one->len);
		to->tensors++;
	}
	if (number != NULL && number->kind == CONF_WORD && to->n < ARGS)
		constant(r, to, number);
	all = conf_is_array(all) ? all->child : NULL;
	for (; all != NULL && to->n < ARGS; all = all->next) {
		one = conf_get(all, "name");
		if (one != NULL && one->kind == CONF_STRING) {
			to->name[to->n++] =
			    check_arch_build_kept(&r->b, one->text, one->len);
			to->tensors++;
		}
	}
}

static void
arguments(struct reader *r, const struct conf *list, struct args *to)
{
	*to = (struct args){0};
	list = conf_is_array(list) ? list->child : NULL;
	for (; list != NULL && !r->b.full; list = list->next) {
		const struct conf *arg = conf_get(list, "arg");

		argument(r, arg != NULL ? arg : list, to);
	}
}

/* The operator, of which max and min are two each. */
static const char *
op_of(const char *name, const char *overload)
{
	bool two = strcmp(overload, "other") == 0;

	if (strcmp(name, "max") == 0)
		return two ? "Max" : "ReduceMax";
	if (strcmp(name, "min") == 0)
		return two ? "Min" : "ReduceMin";
	return check_arch_aten(name);
}

static const char **
list(struct reader *r, const struct args *a)
{
	const char **out = arena_alloc(r->b.arena, a->n + 1, sizeof(*out));

	r->b.full = r->b.full || out == NULL;
	if (out != NULL && a->n != 0)
		memcpy(out, a->name, a->n * sizeof(*out));
	return out;
}

static void
take_node(struct reader *r, const struct conf *n)
{
	const char *overload, *name = target(r, n, &overload);
	struct onnx_node *to = &r->b.x->node[r->b.x->nnode];
	struct args in, out;
	struct tensor ignored;

	arguments(r, conf_get(n, "inputs"), &in);
	arguments(r, conf_get(n, "outputs"), &out);
	if (r->b.full || out.n == 0)
		return;
	*to = (struct onnx_node){.op = op_of(name, overload),
	    .name = name,
	    .domain = "",
	    .overload = "",
	    .in = list(r, &in),
	    .nin = in.n,
	    .out = list(r, &out),
	    .nout = out.n};
	to->attr = arena_alloc(r->b.arena, 1, sizeof(*to->attr));
	if (to->attr == NULL)
		r->b.full = true;
	else if (strcmp(to->op, "Cast") == 0)
		to->attr[to->nattr++] = (struct onnx_attr){.name = "to",
		    .type = ONNX_INT,
		    .i = meta(r, out.name[0], &ignored)};
	r->b.x->nnode++;
}

/* --- the program --------------------------------------------------------- */

/* signature.input_specs: {"user_input": {"arg": {"as_tensor": {"name": "x"}}}} */
static void
take_user(struct reader *r, const struct conf *signature)
{
	const struct conf *specs = conf_get(signature, "input_specs");

	specs = conf_is_array(specs) ? specs->child : NULL;
	for (; specs != NULL; specs = specs->next) {
		const struct conf *name =
		    tensor(conf_get(conf_get(specs, "user_input"), "arg"));

		if (name != NULL &&
		    map_put(&r->user,
			check_arch_build_kept(&r->b, name->text, name->len),
			1) == ERR_LIMIT)
			r->b.full = true;
	}
}

static void
take_ends(struct reader *r, const struct conf *graph)
{
	struct onnx_file *x = r->b.x;
	struct args in, out;

	const struct conf *inputs = conf_get(graph, "inputs");

	inputs = conf_is_array(inputs) ? inputs->child : NULL;
	for (; inputs != NULL && !r->b.full; inputs = inputs->next) {
		struct tensor t;
		int64_t type;

		in = (struct args){0};
		argument(r, inputs, &in);
		if (in.tensors != 1)
			continue;
		type = meta(r, in.name[0], &t);
		if (x->ntensor == r->tensors)
			r->b.full = true;
		else if (map_get(&r->user, in.name[0]) == SIZE_MAX)
			x->tensor[x->ntensor++].t = t;
		else
			x->input[x->ninput++] =
			    (struct onnx_value){.name = in.name[0],
				.type = type,
				.shaped = true,
				.rank = t.rank};
	}
	arguments(r, conf_get(graph, "outputs"), &out);
	for (size_t i = 0; i < out.n && !r->b.full; i++) {
		struct tensor t;

		(void)meta(r, out.name[i], &t);
		x->output[x->noutput++] = (struct onnx_value){
		    .name = out.name[i], .shaped = t.rank != 0, .rank = t.rank};
	}
}

/* Arguments that are numbers, each of which is a constant. */
static size_t
numbers(const struct conf_doc *d)
{
	size_t count = 0;

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n))
		count += conf_key_is(n, "as_float") || conf_key_is(n, "as_int");
	return count;
}

static void
take_values(struct reader *r, const struct conf *values)
{
	size_t n = 0;

	r->value = arena_alloc(r->b.arena, check_arch_build_members(values) + 1,
	    sizeof(*r->value));
	map_init(&r->by_name, r->b.arena);
	r->b.full = r->value == NULL;
	values = values != NULL ? values->child : NULL;
	for (; values != NULL && !r->b.full; values = values->next) {
		char *name =
		    values->key != NULL
			? arena_strdup(r->b.arena, values->key, values->key_len)
			: NULL;

		r->b.full =
		    name == NULL || map_put(&r->by_name, name, n) == ERR_LIMIT;
		r->value[n++] = conf_value(values);
	}
}

static bool
room(struct reader *r, const struct conf_doc *d, const struct conf *graph)
{
	struct onnx_file *x = r->b.x;
	size_t nodes = check_arch_build_members(conf_get(graph, "nodes"));
	size_t inputs = check_arch_build_members(conf_get(graph, "inputs"));

	if (nodes > LIMIT_NODES || inputs > LIMIT_TENSORS)
		return false;
	x->node = arena_alloc(r->b.arena, nodes + 1, sizeof(*x->node));
	r->tensors = numbers(d) + inputs + 1;
	x->tensor = arena_alloc(r->b.arena, r->tensors, sizeof(*x->tensor));
	x->input = arena_alloc(r->b.arena, inputs + 1, sizeof(*x->input));
	x->output = arena_alloc(r->b.arena, ARGS + 1, sizeof(*x->output));
	return x->node != NULL && x->tensor != NULL && x->input != NULL &&
	       x->output != NULL;
}

bool
check_arch_export(const struct conf_doc *d, struct arena *a,
    struct onnx_file *x, struct err *e)
{
	const struct conf *module = conf_get(d->root, "graph_module");
	const struct conf *graph = conf_get(module, "graph");
	const struct conf *nodes = conf_get(graph, "nodes");
	struct reader r = {.b = {.arena = a, .x = x}};

	/* JSON, in which nothing stands for more than it is */
	if (!conf_is_array(nodes) || d->yaml)
		return false;
	map_init(&r.user, a);
	take_values(&r, conf_get(graph, "tensor_values"));
	r.b.full = r.b.full || !room(&r, d, graph);
	if (!r.b.full) {
		take_user(&r, conf_get(module, "signature"));
		take_ends(&r, graph);
	}
	for (const struct conf *n = nodes->child; n != NULL && !r.b.full;
	     n = n->next)
		take_node(&r, n);
	check_arch_build_end(&r.b, e);
	return true;
}
