/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_ov.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/xml_text.h"

#define DEEP     8
#define LAYER    3 /* net/layers/layer, net/edges/edge */
#define PART     4 /* net/layers/layer/data, /input, /output */
#define PORT     5
#define DIM      6
#define PROLOGUE 1000 /* comments and declarations before the root */
#define DIGITS   18
#define BODIES   16 /* in one another */

struct layer {
	const char *id, *name, *type, *to, *shape;
	const char **port;  /* of outputs */
	size_t nport, rank; /* of the first input */
	bool whole;         /* of whole numbers */
	size_t nin;
	const char **in; /* "layer:port" */
};

struct edge {
	const char *from, *from_port, *to, *to_port;
};

struct reader {
	struct arena *arena;
	struct xml_text xml;
	struct slice open[DEEP];
	size_t depth, nlayer, nedge, nport;
	struct layer *layer; /* NULL: they are only counted */
	struct edge *edge;
	const char **port;
	struct map by_id;
	size_t first; /* ports of inputs that were seen in this layer */
	bool full;
	bool loose; /* an edge has an end that is no layer */
};

/* --- what stands there --------------------------------------------------- */

static const char *
text(struct reader *r, struct slice s)
{
	const char *p = s.len <= LIMIT_NAME
			    ? arena_strdup(r->arena, (const char *)s.ptr, s.len)
			    : NULL;

	r->full = r->full || p == NULL;
	return p != NULL ? p : "";
}

static bool
is_open(const struct reader *r, size_t depth, const char *name)
{
	return r->depth >= depth && xml_text_is(r->open[depth - 1], name);
}

static void
element(struct reader *r)
{
	if (r->depth == LAYER && is_open(r, 2, "layers") &&
	    is_open(r, LAYER, "layer")) {
		r->first = 0;
		r->nlayer++;
		if (r->layer != NULL)
			r->layer[r->nlayer - 1].port = r->port + r->nport;
	} else if (r->depth == LAYER && is_open(r, LAYER, "edge")) {
		r->nedge++;
	} else if (r->depth == PORT && is_open(r, PART, "output") &&
		   is_open(r, 2, "layers") && is_open(r, LAYER, "layer")) {
		r->nport++;
		if (r->layer != NULL) {
			r->port[r->nport - 1] = "";
			r->layer[r->nlayer - 1].nport++;
		}
	} else if (r->depth == PORT && is_open(r, PART, "input")) {
		r->first++;
	} else if (r->depth == DIM && is_open(r, PART, "input") &&
		   r->first == 1 && r->layer != NULL && r->nlayer != 0) {
		r->layer[r->nlayer - 1].rank++;
	}
}

static void
of_layer(struct reader *r, const struct xml_token *t)
{
	struct layer *l = &r->layer[r->nlayer - 1];

	if (r->depth == LAYER && xml_text_is(t->name, "id"))
		l->id = text(r, t->value);
	else if (r->depth == LAYER && xml_text_is(t->name, "name"))
		l->name = text(r, t->value);
	else if (r->depth == LAYER && xml_text_is(t->name, "type"))
		l->type = text(r, t->value);
	else if (r->depth == PORT && is_open(r, PART, "output") &&
		 xml_text_is(t->name, "id"))
		r->port[r->nport - 1] = text(r, t->value);
	else if (r->depth != PART || !is_open(r, PART, "data"))
		return;
	else if (xml_text_is(t->name, "shape"))
		l->shape = text(r, t->value);
	else if (xml_text_is(t->name, "element_type"))
		l->whole = t->value.len != 0 && *t->value.ptr != 'f' &&
			   *t->value.ptr != 'b' && !xml_text_is(t->value, "u8");
	else if (xml_text_is(t->name, "destination_type"))
		l->to = text(r, t->value);
}

static void
attribute(struct reader *r, const struct xml_token *t)
{
	struct edge *x;

	if (is_open(r, LAYER, "layer") && is_open(r, 2, "layers")) {
		of_layer(r, t);
		return;
	}
	if (r->depth != LAYER || !is_open(r, LAYER, "edge"))
		return;
	x = &r->edge[r->nedge - 1];
	if (xml_text_is(t->name, "from-layer"))
		x->from = text(r, t->value);
	else if (xml_text_is(t->name, "from-port"))
		x->from_port = text(r, t->value);
	else if (xml_text_is(t->name, "to-layer"))
		x->to = text(r, t->value);
	else if (xml_text_is(t->name, "to-port"))
		x->to_port = text(r, t->value);
}

/* All tokens; false when it is no XML to its end, which check_xml says. */
static bool
read_all(struct reader *r, struct rd bytes)
{
	struct xml_token t = {.kind = XML_TEXT};
	struct err ignored;

	r->depth = r->nlayer = r->nedge = r->nport = 0;
	xml_text_init(&r->xml, bytes);
	while (!r->full && t.kind != XML_END) {
		if (xml_text_next(&r->xml, &t, &ignored) != 0)
			return false;
		if (t.kind == XML_OPEN) {
			if (r->depth < DEEP)
				r->open[r->depth] = t.name;
			r->depth++;
			element(r);
		} else if (t.kind == XML_ATTR && r->layer != NULL) {
			attribute(r, &t);
		} else if (t.kind == XML_CLOSE ||
			   (t.kind == XML_TAG_END && t.empty)) {
			if (r->depth == 0)
				return false;
			r->depth--;
		}
	}
	return !r->full;
}

/* --- in ONNX's words ----------------------------------------------------- */

static const char *
op_of(const char *type)
{
	static const struct {
		const char *from, *to;
	} ops[] = {{"Convolution", "Conv"}, {"GroupConvolution", "Conv"},
	    {"BinaryConvolution", "Conv"}, {"DeformableConvolution", "Conv"},
	    {"ConvolutionBackpropData", "ConvTranspose"},
	    {"GroupConvolutionBackpropData", "ConvTranspose"},
	    {"LSTMCell", "LSTM"}, {"LSTMSequence", "LSTM"}, {"GRUCell", "GRU"},
	    {"GRUSequence", "GRU"}, {"RNNCell", "RNN"}, {"RNNSequence", "RNN"},
	    {"NotEqual", "Equal"}, {"GreaterEqual", "GreaterOrEqual"},
	    {"LessEqual", "LessOrEqual"}, {"Ceiling", "Ceil"},
	    {"LogicalAnd", "And"}, {"LogicalOr", "Or"}, {"LogicalNot", "Not"},
	    {"LogicalXor", "Xor"}, {"IsFinite", "IsInf"}, {"FloorMod", "Mod"},
	    {"Select", "Where"}, {"Subtract", "Sub"},
	    {"SquaredDifference", "Sub"}, {"Multiply", "Mul"},
	    {"Divide", "Div"}, {"Power", "Pow"}, {"Maximum", "Max"},
	    {"Minimum", "Min"}, {"ReduceLogicalAnd", "ReduceMin"},
	    {"ReduceLogicalOr", "ReduceMax"}, {"StridedSlice", "Slice"},
	    {"AvgPool", "AveragePool"}, {"AdaptiveAvgPool", "AveragePool"},
	    {"AdaptiveMaxPool", "MaxPool"}, {"VariadicSplit", "Split"},
	    {"ShapeOf", "Shape"}, {"Convert", "Cast"},
	    {"ConvertLike", "Identity"}, {"Broadcast", "Expand"},
	    {"Tile", "Expand"}, {"ScatterUpdate", "ScatterND"},
	    {"ScatterNDUpdate", "ScatterND"},
	    {"ScatterElementsUpdate", "ScatterElements"},
	    {"TensorIterator", "Loop"}, {"SoftMax", "Softmax"}};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].from, type) == 0)
			return ops[i].to;
	/* the rest is called the same, or only computes */
	return type;
}

/* ONNX's TensorProto.DataType of "f32", "boolean", "i64" */
static int64_t
type_of(const char *to)
{
	if (strcmp(to, "boolean") == 0)
		return 9;
	return *to == 'f' || strcmp(to, "bf16") == 0 ? 1 : 7;
}

/* "64,3,7,7"; a dimension that is open ("?", "1..8") counts as one */
static void
shape(const char *s, struct tensor *t)
{
	while (s != NULL && *s != '\0' && t->rank < MODEL_MAX_RANK) {
		uint64_t d = 0;

		for (size_t n = 0; *s >= '0' && *s <= '9'; s++)
			d = n++ < DIGITS ? 10 * d + (uint64_t)(*s - '0') : d;
		t->dim[t->rank++] = MAX(d, (uint64_t)1);
		s += strcspn(s, ",");
		s += *s == ',';
	}
}

static void
take_layer(struct reader *r, struct onnx_file *x, const struct layer *l)
{
	struct onnx_node *n = &x->node[x->nnode];
	const char **out = arena_alloc(r->arena, l->nport + 1, sizeof(*out));
	struct tensor t = {.dtype = DTYPE_F32};

	if (out == NULL) {
		r->full = true;
		return;
	}
	for (size_t i = 0; i < l->nport; i++)
		r->full = (out[i] = arena_printf(
			       r->arena, "%s:%s", l->id, l->port[i])) == NULL ||
			  r->full;
	shape(l->shape, &t);
	if (strcmp(l->type, "Result") == 0 && l->nin != 0) {
		x->output[x->noutput++] = (struct onnx_value){
		    .name = l->in[0], .shaped = l->rank != 0, .rank = l->rank};
	} else if (strcmp(l->type, "Parameter") == 0 && l->nport != 0) {
		x->input[x->ninput++] = (struct onnx_value){.name = out[0],
		    .type = l->whole ? 7 : 1,
		    .shaped = true,
		    .rank = t.rank};
	} else if (strcmp(l->type, "Const") == 0 && l->nport != 0) {
		t.name = out[0];
		x->tensor[x->ntensor++].t = t;
	} else if (strcmp(l->type, "Result") != 0) {
		*n = (struct onnx_node){.op = op_of(l->type),
		    .name = l->name,
		    .domain = "",
		    .overload = "",
		    .in = l->in,
		    .out = out,
		    .nin = l->nin,
		    .nout = l->nport};
		n->attr = arena_alloc(r->arena, 1, sizeof(*n->attr));
		r->full = r->full || n->attr == NULL;
		if (l->to != NULL && n->attr != NULL)
			n->attr[n->nattr++] = (struct onnx_attr){.name = "to",
			    .type = ONNX_INT,
			    .i = type_of(l->to)};
		x->nnode++;
	}
}

static struct layer *
layer_of(struct reader *r, const char *id)
{
	size_t at = id != NULL ? map_get(&r->by_id, id) : SIZE_MAX;

	return at != SIZE_MAX ? &r->layer[at] : NULL;
}

/* By layer, then by the number of its port, which is where the edge ends. */
static int
by_port(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	size_t m = strlen(x->to_port), n = strlen(y->to_port);

	if (m != n)
		return m < n ? -1 : 1;
	return strcmp(x->to_port, y->to_port);
}

/* What each layer gets, in the order of its ports. */
static void
take_edges(struct reader *r)
{
	for (size_t i = 0; i < r->nlayer; i++)
		if (map_put(&r->by_id, r->layer[i].id, i) == ERR_LIMIT)
			r->full = true;
	for (size_t i = 0; i < r->nedge; i++) {
		struct layer *to = layer_of(r, r->edge[i].to);

		if (r->edge[i].to_port == NULL)
			r->edge[i].to_port = "";
		if (to != NULL)
			to->nin++;
	}
	for (size_t i = 0; i < r->nlayer && !r->full; i++) {
		struct layer *l = &r->layer[i];

		l->in = arena_alloc(r->arena, l->nin + 1, sizeof(*l->in));
		r->full = l->in == NULL;
		l->nin = 0;
	}
	qsort(r->edge, r->nedge, sizeof(*r->edge), by_port);
	for (size_t i = 0; i < r->nedge && !r->full; i++) {
		struct layer *to = layer_of(r, r->edge[i].to);
		const char *port = r->edge[i].from_port;

		if (to == NULL || layer_of(r, r->edge[i].from) == NULL) {
			r->loose = true;
			continue;
		}
		to->in[to->nin++] = arena_printf(r->arena, "%s:%s",
		    r->edge[i].from, port != NULL ? port : "");
		r->full = to->in[to->nin - 1] == NULL;
	}
}

/* Its first element is a net, whatever stands before it. */
static bool
begins(struct rd r)
{
	struct xml_text xml;
	struct xml_token t = {.kind = XML_TEXT};
	struct err ignored;

	xml_text_init(&xml, r);
	for (size_t i = 0; i < PROLOGUE && t.kind != XML_OPEN; i++)
		if (xml_text_next(&xml, &t, &ignored) != 0 || t.kind == XML_END)
			return false;
	return t.kind == XML_OPEN && xml_text_is(t.name, "net");
}

static bool
room(struct reader *r, struct onnx_file *x)
{
	struct arena *a = r->arena;

	r->layer = arena_alloc(a, r->nlayer + 1, sizeof(*r->layer));
	r->edge = arena_alloc(a, r->nedge + 1, sizeof(*r->edge));
	r->port = arena_alloc(a, r->nport + 1, sizeof(*r->port));
	x->node = arena_alloc(a, r->nlayer + 1, sizeof(*x->node));
	x->tensor = arena_alloc(a, r->nlayer + 1, sizeof(*x->tensor));
	x->input = arena_alloc(a, r->nlayer + 1, sizeof(*x->input));
	x->output = arena_alloc(a, r->nlayer + 1, sizeof(*x->output));
	return r->layer != NULL && r->edge != NULL && r->port != NULL &&
	       x->node != NULL && x->tensor != NULL && x->input != NULL &&
	       x->output != NULL;
}

bool
check_arch_ov(
    struct rd bytes, struct arena *a, struct onnx_file *x, struct err *e)
{
	return begins(bytes) && check_arch_ov_body(bytes, a, x, e);
}

bool
check_arch_ov_body(
    struct rd bytes, struct arena *a, struct onnx_file *x, struct err *e)
{
	struct reader r = {.arena = a};

	if (!read_all(&r, bytes) || r.nlayer == 0)
		return false;
	map_init(&r.by_id, a);
	r.full = !room(&r, x) || !read_all(&r, bytes);
	for (size_t i = 0; i < r.nlayer && !r.full; i++) {
		struct layer *l = &r.layer[i];

		l->id = l->id != NULL ? l->id : "";
		l->name = l->name != NULL ? l->name : "";
		l->type = l->type != NULL ? l->type : "";
	}
	if (!r.full)
		take_edges(&r);
	for (size_t i = 0; i < r.nlayer && !r.full; i++)
		take_layer(&r, x, &r.layer[i]);
	if (r.full)
		(void)err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "graph: more than memory for it");
	else if (r.loose)
		(void)err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "openvino: an edge names a layer that is not there");
	return true;
}

/* --- bodies -------------------------------------------------------------- */

static bool
is_body(struct slice name)
{
	return xml_text_is(name, "body") || xml_text_is(name, "then_body") ||
	       xml_text_is(name, "else_body");
}

int
check_arch_ov_bodies(
    struct rd bytes, int (*judge)(void *, struct rd), void *ctx)
{
	struct xml_text xml;
	struct xml_token t = {.kind = XML_TEXT};
	size_t begin[BODIES], at[BODIES], depth = 0, open = 0;
	struct err ignored;
	int rc = 0;

	xml_text_init(&xml, bytes);
	while (rc == 0 && t.kind != XML_END) {
		if (xml_text_next(&xml, &t, &ignored) != 0)
			return 0; /* check_xml says it */
		if (t.kind == XML_OPEN) {
			depth++;
			if (!is_body(t.name))
				continue;
			if (open == BODIES)
				return ERR_LIMIT;
			at[open] = depth;
			begin[open++] = (size_t)(t.name.ptr - bytes.base) - 1;
		} else if (t.kind == XML_CLOSE ||
			   (t.kind == XML_TAG_END && t.empty)) {
			if (open != 0 && at[open - 1] == depth) {
				size_t from = begin[--open];

				rc =
				    judge(ctx, rd_mem(bytes.base + from,
						   (size_t)(xml.r.off - from)));
			}
			depth -= depth != 0;
		}
	}
	return rc;
}
