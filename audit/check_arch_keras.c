/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_keras.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#define DEEP  16 /* models within models */
#define NEST  64 /* arguments within arguments */
#define WIDTH 64 /* of a layer that does not say how wide it is */

/* Names of values, of one call. */
struct names {
	const char **name;
	size_t n, cap;
};

struct reader {
	struct arena *arena;
	struct onnx_file *x;
	size_t nodes, tensors, values, outputs; /* room for */
	size_t numbers, depth;
	bool full;
};

/* One model: where its values' names begin, and what it is called with. */
struct scope {
	const char *prefix;
	const struct names *in; /* NULL: it is the whole */
};

/* --- lists that grow ----------------------------------------------------- */

static void *
grown(struct reader *r, void *old, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap != 0 ? 2 * *cap : 16;
	void *p;

	if (n < *cap)
		return old;
	p = n < LIMIT_NODES ? arena_alloc(r->arena, more, size) : NULL;
	if (p == NULL) {
		r->full = true;
		return NULL;
	}
	if (n != 0)
		memcpy(p, old, n * size);
	*cap = more;
	return p;
}

static void
add_name(struct reader *r, struct names *to, const char *name)
{
	const char **p = grown(r, to->name, to->n, &to->cap, sizeof(*to->name));

	r->full = r->full || name == NULL;
	if (r->full)
		return;
	to->name = p;
	to->name[to->n++] = name;
}

static const char *
value_name(
    struct reader *r, const struct scope *s, const char *layer, json_int_t call)
{
	return arena_printf(
	    r->arena, "%s/%s:%" JSON_INTEGER_FORMAT, s->prefix, layer, call);
}

/* A constant of so many numbers; of one, `value`. */
static const char *
constant(struct reader *r, const uint64_t *dim, size_t rank, double value)
{
	struct onnx_tensor *p = grown(
	    r, r->x->tensor, r->x->ntensor, &r->tensors, sizeof(*r->x->tensor));
	const char *name = arena_printf(r->arena, "#%zu", r->numbers++);
	float *v = arena_alloc(r->arena, 1, sizeof(*v));

	if (r->full || name == NULL || v == NULL) {
		r->full = true;
		return "";
	}
	*v = (float)value;
	r->x->tensor = p;
	p[r->x->ntensor] = (struct onnx_tensor){
	    .t = {.name = name,
		.dtype = DTYPE_F32,
		.rank = rank,
		.data = rank == 0 ? (const uint8_t *)v : NULL,
		.size = rank == 0 ? sizeof(*v) : 0}};
	for (size_t i = 0; i < rank; i++)
		p[r->x->ntensor].t.dim[i] = MAX(dim[i], (uint64_t)1);
	r->x->ntensor++;
	return name;
}

static struct onnx_node *
node(struct reader *r, const char *op, const char *name, const struct names *in,
    const char *out)
{
	struct onnx_node *p =
	    grown(r, r->x->node, r->x->nnode, &r->nodes, sizeof(*r->x->node));
	const char **outs = arena_alloc(r->arena, 1, sizeof(*outs));
	struct onnx_attr *attr = arena_alloc(r->arena, 1, sizeof(*attr));

	if (r->full || outs == NULL || attr == NULL || out == NULL) {
		r->full = true;
		return NULL;
	}
	outs[0] = out;
	r->x->node = p;
	p += r->x->nnode++;
	*p = (struct onnx_node){.op = op,
	    .name = name,
	    .domain = "",
	    .overload = "",
	    .in = in->name,
	    .nin = in->n,
	    .out = outs,
	    .nout = 1,
	    .attr = attr};
	return p;
}

/* --- what a layer is ----------------------------------------------------- */

static const char *
text(const json_t *of, const char *key)
{
	const char *s = json_string_value(json_object_get(of, key));

	return s != NULL ? s : "";
}

/* "Equal"; of "math.reduce_all" the last part, of an activation its function. */
static const char *
op_of(const json_t *layer, const json_t *config)
{
	static const struct {
		const char *name, *op;
	} ops[] = {
#define ARCH_KERAS(name, op) {name, op},
#include "audit/check_arch_keras.def"
#undef ARCH_KERAS
	};
	const char *name = text(layer, "class_name"), *dot;

	if (strcmp(name, "TFOpLambda") == 0)
		name = text(config, "function");
	if (strcmp(name, "Activation") == 0)
		name = text(config, "activation");
	dot = strrchr(name, '.');
	name = dot != NULL ? dot + 1 : name;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return ops[i].op;
	return name;
}

static uint64_t
number(const json_t *config, const char *key, uint64_t absent)
{
	json_int_t n = json_integer_value(json_object_get(config, key));

	return n > 0 && n < INT32_MAX ? (uint64_t)n : absent;
}

/* What the layer's kernel is: filters by channels by places, units by inputs. */
static const char *
kernel(struct reader *r, const json_t *config, uint64_t channels)
{
	const json_t *size = json_object_get(config, "kernel_size");
	uint64_t out = number(config, "units", number(config, "filters", 0));
	uint64_t dim[3] = {out != 0 ? out : channels, channels, 1};

	for (size_t i = 0; i < MIN(json_array_size(size), (size_t)3); i++)
		dim[2] *= (uint64_t)MAX(
		    MIN(json_integer_value(json_array_get(size, i)), 64), 1);
	return constant(r, dim, size != NULL ? 3 : 2, 0);
}

static bool
has_kernel(const char *op)
{
	static const char *const ops[] = {
	    "Conv", "ConvTranspose", "Gemm", "LSTM", "GRU", "RNN"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

/* ONNX's TensorProto.DataType */
static int64_t
type_of(const char *dtype)
{
	if (strcmp(dtype, "bool") == 0)
		return 9;
	return strncmp(dtype, "int", 3) == 0 || strncmp(dtype, "uint", 4) == 0
		   ? 7
		   : 1;
}

/* --- what a call is given ------------------------------------------------ */

/* The last size of a tensor that is told. */
static uint64_t
last_of(const json_t *shape)
{
	json_int_t n = json_integer_value(
	    json_array_get(shape, json_array_size(shape) - 1));

	return n > 0 && n < INT32_MAX ? (uint64_t)n : WIDTH;
}

static void gather(struct reader *, const struct scope *, const json_t *,
    struct names *, uint64_t *channels);

static void
gather_object(struct reader *r, const struct scope *s, const json_t *v,
    struct names *to, uint64_t *channels)
{
	const char *class = text(v, "class_name"), *key;
	const json_t *config = json_object_get(v, "config");
	json_t *item;

	if (strcmp(class, "__keras_tensor__") == 0) {
		*channels = last_of(json_object_get(config, "shape"));
		gather(r, s, json_object_get(config, "keras_history"), to,
		    channels);
		return;
	}
	if (strcmp(class, "__numpy__") == 0 ||
	    strcmp(class, "__tensor__") == 0) {
		uint64_t one = 1;

		add_name(r, to, constant(r, &one, 1, 0));
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, item)
	    gather(r, s, item, to, channels);
}

/* [layer, call, tensor], with more arguments behind them in Keras 2 */
static bool
is_reference(const json_t *v)
{
	return json_array_size(v) >= 3 &&
	       json_is_string(json_array_get(v, 0)) &&
	       json_is_integer(json_array_get(v, 1)) &&
	       json_is_integer(json_array_get(v, 2));
}

/* The names of values, and of numbers, in a call's arguments, at any depth. */
static void
gather(struct reader *r, const struct scope *s, const json_t *v,
    struct names *to, uint64_t *channels)
{
	if (r->full || r->depth >= NEST)
		return;
	r->depth++;
	if (is_reference(v)) {
		add_name(r, to,
		    value_name(r, s, json_string_value(json_array_get(v, 0)),
			json_integer_value(json_array_get(v, 1))));
		gather(r, s, json_array_get(v, 3), to, channels);
	} else if (json_is_number(json_array_get(v, 0))) {
		uint64_t n = json_array_size(v);

		add_name(r, to,
		    constant(
			r, &n, n > 1, json_number_value(json_array_get(v, 0))));
	} else if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++)
			gather(r, s, json_array_get(v, i), to, channels);
	} else if (json_is_object(v)) {
		gather_object(r, s, v, to, channels);
	} else if (json_is_number(v)) {
		add_name(r, to, constant(r, NULL, 0, json_number_value(v)));
	}
	r->depth--;
}

/* --- models -------------------------------------------------------------- */

/* A call that is put into the graph. */
struct call {
	const json_t *layer, *args; /* args NULL: of a chain */
	struct names in;
	uint64_t channels;
	const char *out;
};

static void model(struct reader *, const struct scope *, const json_t *config,
    const char *out, unsigned deep);

static bool
is_model(const json_t *layer)
{
	static const char *const classes[] = {
	    "Functional", "Model", "Sequential"};

	return text_is_one_of(
		   text(layer, "class_name"), classes, ARRAY_LEN(classes)) &&
	       json_is_array(
		   json_object_get(json_object_get(layer, "config"), "layers"));
}

/* The type that a cast is asked for: {"kwargs": {"dtype": ...}}, or behind the
 * reference of Keras 2. */
static int64_t
cast_to(const struct call *c)
{
	const json_t *kwargs = json_object_get(c->args, "kwargs");

	if (kwargs == NULL)
		kwargs = json_array_get(json_array_get(c->args, 0), 3);
	if (json_object_get(kwargs, "dtype") == NULL)
		kwargs = json_object_get(c->layer, "config");
	return type_of(text(kwargs, "dtype"));
}

static void
put(struct reader *r, struct call *c, unsigned deep)
{
	const json_t *config = json_object_get(c->layer, "config");
	const char *op = op_of(c->layer, config);
	const json_t *scale = json_object_get(config, "scale");
	struct onnx_node *n;

	if (is_model(c->layer)) {
		struct scope within = {c->out, &c->in};

		model(r, &within, config, c->out, deep + 1);
		return;
	}
	if (has_kernel(op))
		add_name(r, &c->in, kernel(r, config, c->channels));
	if (strcmp(text(c->layer, "class_name"), "Rescaling") == 0 &&
	    json_is_number(scale))
		add_name(
		    r, &c->in, constant(r, NULL, 0, json_number_value(scale)));
	n = node(r, op, text(config, "name"), &c->in, c->out);
	if (n != NULL && strcmp(op, "Cast") == 0)
		n->attr[n->nattr++] = (struct onnx_attr){
		    .name = "to", .type = ONNX_INT, .i = cast_to(c)};
}

static size_t
rank_of(const json_t *config)
{
	const json_t *shape = json_object_get(config, "batch_shape");

	if (shape == NULL)
		shape = json_object_get(config, "batch_input_shape");
	return json_array_size(shape);
}

/* Input `at` of the model: of the whole, or what it is called with. */
static void
input(struct reader *r, const struct scope *s, const json_t *config, size_t at,
    const char *out)
{
	struct names one = {0};
	struct onnx_value *p;

	if (s->in != NULL && at < s->in->n) {
		add_name(r, &one, s->in->name[at]);
		(void)node(r, "Identity", "", &one, out);
		return;
	}
	p = grown(r, r->x->input, r->x->ninput, &r->values, sizeof(*p));
	r->full = r->full || out == NULL;
	if (r->full)
		return;
	r->x->input = p;
	p[r->x->ninput++] = (struct onnx_value){.name = out,
	    .type = type_of(text(config, "dtype")),
	    .shaped = rank_of(config) != 0,
	    .rank = rank_of(config)};
}

/* Which input of its model a layer is, by its name. */
static void
take_places(struct reader *r, const json_t *model, struct map *places)
{
	const json_t *all = json_object_get(model, "input_layers");

	map_init(places, r->arena);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		const char *name = json_string_value(
		    json_is_array(one) ? json_array_get(one, 0) : one);

		if (name != NULL && map_put(places, name, i) == ERR_LIMIT)
			r->full = true;
	}
}

static const char *
name_of(const json_t *layer)
{
	const char *name = text(layer, "name");

	return *name != '\0' ? name
			     : text(json_object_get(layer, "config"), "name");
}

static void
functional(struct reader *r, const struct scope *s, const json_t *config,
    unsigned deep)
{
	const json_t *layers = json_object_get(config, "layers");
	struct map places;

	take_places(r, config, &places);
	for (size_t i = 0; i < json_array_size(layers) && !r->full; i++) {
		const json_t *l = json_array_get(layers, i);
		const json_t *calls = json_object_get(l, "inbound_nodes");
		const char *name = name_of(l);

		if (strcmp(text(l, "class_name"), "InputLayer") == 0) {
			size_t at = map_get(&places, name);

			input(r, s, json_object_get(l, "config"),
			    at != SIZE_MAX ? at : 0, value_name(r, s, name, 0));
			continue;
		}
		for (size_t k = 0; k < json_array_size(calls) && !r->full;
		     k++) {
			struct call c = {.layer = l,
			    .args = json_array_get(calls, k),
			    .channels = WIDTH,
			    .out = value_name(r, s, name, (json_int_t)k)};

			gather(r, s, c.args, &c.in, &c.channels);
			put(r, &c, deep);
		}
	}
}

/* Layers one behind the other; what the last one makes is called `last`. */
static void
chain(struct reader *r, const struct scope *s, const json_t *config,
    struct names *last, unsigned deep)
{
	const json_t *layers = json_object_get(config, "layers");
	const char *at = value_name(r, s, "input", 0);
	const json_t *first = json_array_get(layers, 0);

	input(r, s, json_object_get(first, "config"), 0, at);
	for (size_t i = 0; i < json_array_size(layers) && !r->full; i++) {
		struct call c = {
		    .layer = json_array_get(layers, i), .channels = WIDTH};

		if (strcmp(text(c.layer, "class_name"), "InputLayer") == 0)
			continue;
		c.out = value_name(r, s, name_of(c.layer), (json_int_t)i);
		add_name(r, &c.in, at);
		put(r, &c, deep);
		at = c.out;
	}
	add_name(r, last, at);
}

static void
model(struct reader *r, const struct scope *s, const json_t *config,
    const char *out, unsigned deep)
{
	struct names last = {0};
	uint64_t ignored;

	if (deep > DEEP) {
		r->full = true;
		return;
	}
	if (json_object_get(config, "output_layers") != NULL) {
		functional(r, s, config, deep);
		gather(r, s, json_object_get(config, "output_layers"), &last,
		    &ignored);
	} else {
		chain(r, s, config, &last, deep);
	}
	if (s->in != NULL) {
		(void)node(r, "Identity", "", &last, out);
		return;
	}
	for (size_t i = 0; i < last.n && !r->full; i++) {
		struct onnx_value *p = grown(
		    r, r->x->output, r->x->noutput, &r->outputs, sizeof(*p));

		if (p == NULL)
			return;
		r->x->output = p;
		p[r->x->noutput++] = (struct onnx_value){.name = last.name[i]};
	}
}

bool
check_arch_keras(
    const json_t *document, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct reader r = {.arena = a, .x = x};
	struct scope whole = {"", NULL};
	const json_t *topology = json_object_get(document, "modelTopology");

	/* model.json of TensorFlow.js */
	if (json_object_get(topology, "model_config") != NULL)
		topology = json_object_get(topology, "model_config");
	if (topology != NULL)
		document = topology;
	if (!is_model(document))
		return false;
	model(&r, &whole, json_object_get(document, "config"), "", 0);
	if (r.full)
		(void)err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "graph: more than memory for it");
	return true;
}
