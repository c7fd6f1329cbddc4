/* SPDX-License-Identifier: MIT */
#include "formats/hf.h"

#include "base/limits.h"

#include <stdarg.h>

/* --- the configuration --------------------------------------------------- */

bool
hf_is(const json_t *config, const char *model_type)
{
	const char *s =
	    json_string_value(json_object_get(config, "model_type"));

	return s != NULL && strcmp(s, model_type) == 0;
}

size_t
hf_match(const struct weights *w, const json_t *config, const char *model_type,
    const char *name)
{
	return hf_is(config, model_type) && weights_has(w, name) ? w->n : 0;
}

void
hf_bad(struct draw *a, const char *fmt, ...)
{
	char msg[sizeof(a->e->msg)];
	va_list ap;

	if (a->rc != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	a->rc = err_set(a->e, ERR_FORMAT, ERR_NOWHERE, "%s", msg);
}

/* NULL when absent or null. */
static const json_t *
value(struct draw *a, const char *key)
{
	const json_t *v;

	if (a->hints->config == NULL)
		draw_fail(a, "needs the config.json that belongs to it");
	if (a->rc != 0)
		return NULL;
	v = json_object_get(a->hints->config, key);
	return v != NULL && !json_is_null(v) ? v : NULL;
}

static int64_t
whole(struct draw *a, const char *key, const json_t *v, int64_t lo, int64_t hi)
{
	int64_t n = json_integer_value(v);

	if (!json_is_integer(v))
		hf_bad(a, "config.json: '%s' is not a whole number", key);
	else if (n < lo || n > hi)
		hf_bad(a,
		    "config.json: '%s' is %" PRId64 ", not within %" PRId64
		    " to %" PRId64,
		    key, n, lo, hi);
	return a->rc == 0 ? n : lo;
}

int64_t
hf_int(struct draw *a, const char *key, int64_t absent, int64_t lo, int64_t hi)
{
	const json_t *v = value(a, key);

	return v != NULL ? whole(a, key, v, lo, hi) : absent;
}

double
hf_real(struct draw *a, const char *key, double absent, double lo, double hi)
{
	const json_t *v = value(a, key);

	if (v == NULL)
		return absent;
	if (!json_is_number(v))
		hf_bad(a, "config.json: '%s' is not a number", key);
	else if (!(json_number_value(v) >= lo && json_number_value(v) <= hi))
		hf_bad(a, "config.json: '%s' is %g, not within %g to %g", key,
		    json_number_value(v), lo, hi);
	return a->rc == 0 ? json_number_value(v) : absent;
}

double
hf_epsilon(struct draw *a, const char *key, double absent)
{
	return hf_real(a, key, absent, 1e-30, 0.5);
}

bool
hf_flag(struct draw *a, const char *key, bool absent)
{
	const json_t *v = value(a, key);

	if (v != NULL && !json_is_boolean(v))
		hf_bad(a, "config.json: '%s' is neither true nor false", key);
	return v != NULL && a->rc == 0 ? json_is_true(v) : absent;
}

const char *
hf_text(struct draw *a, const char *key)
{
	const json_t *v = value(a, key);

	if (v != NULL && !json_is_string(v))
		hf_bad(a, "config.json: '%s' is not a string", key);
	return v != NULL && a->rc == 0 ? json_string_value(v) : NULL;
}

void
hf_ints(struct draw *a, const char *key, int64_t *out, size_t *n, int64_t hi)
{
	const json_t *v = value(a, key);

	if (v == NULL)
		return;
	if (!json_is_array(v) || json_array_size(v) > HF_LIST)
		hf_bad(a, "config.json: '%s' is not a list of at most %d", key,
		    HF_LIST);
	for (size_t i = 0; a->rc == 0 && i < json_array_size(v); i++)
		out[i] = whole(a, key, json_array_get(v, i), 0, hi);
	if (a->rc == 0)
		*n = json_array_size(v);
}

void
hf_pair(
    struct draw *a, const char *key, int64_t absent, int64_t hi, int64_t out[2])
{
	const json_t *v = value(a, key);

	out[0] = out[1] = absent;
	if (v == NULL)
		return;
	if (json_is_array(v) && json_array_size(v) == 2) {
		out[0] = whole(a, key, json_array_get(v, 0), 1, hi);
		out[1] = whole(a, key, json_array_get(v, 1), 1, hi);
	} else {
		out[0] = out[1] = whole(a, key, v, 1, hi);
	}
}

/* --- what it must agree with --------------------------------------------- */

/* "(3, 4)"; cut off when it is long. */
static void
dims_text(char *out, size_t size, size_t rank, const int64_t *dim)
{
	int n = snprintf(out, size, "(");

	for (size_t i = 0; i < rank && n > 0 && (size_t)n < size; i++)
		n += snprintf(out + n, size - (size_t)n, "%s%" PRId64,
		    i > 0 ? ", " : "", dim[i]);
	if (n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ")");
}

void
hf_dims(struct draw *a, const char *module, const char *name, size_t rank,
    const int64_t *dim)
{
	const struct tensor *t = draw_weight(a, module, name);
	int64_t have[MODEL_MAX_RANK] = {0};
	char is[64], wanted[64];
	bool same;

	if (a->rc != 0)
		return;
	same = t->rank == rank;
	for (size_t i = 0; i < t->rank; i++) {
		have[i] = (int64_t)t->dim[i];
		same = same && have[i] == dim[i];
	}
	if (same)
		return;
	dims_text(is, sizeof(is), t->rank, have);
	dims_text(wanted, sizeof(wanted), rank, dim);
	hf_bad(a, "tensor '%.80s' is %s, by config.json it were %s", t->name,
	    is, wanted);
}

size_t
hf_count(const struct draw *a, const char *base, const char *tensor)
{
	char name[LIMIT_NAME + 1];
	size_t n = 0;

	for (;; n++) {
		snprintf(name, sizeof(name), "%s.%zu", base, n);
		if (!draw_has(a, name, tensor))
			return n;
	}
}

void
hf_image(struct draw *a, int64_t absent, bool fixed, int64_t out[2])
{
	int64_t *shape = a->m->shape;
	int64_t channels =
	    hf_int(a, "num_channels", 3, 1, LIMIT_IMAGE_CHANNELS);

	hf_pair(a, "image_size", absent, LIMIT_IMAGE_SIDE, out);
	if (fixed && shape[2] > 0 && (shape[2] != out[0] || shape[3] != out[1]))
		hf_bad(a,
		    "%.64s makes images of %" PRId64 " x %" PRId64
		    ", config.json wants %" PRId64 " x %" PRId64,
		    a->hints->preprocess.from, shape[2], shape[3], out[0],
		    out[1]);
	if (shape[2] > 0 && shape[3] > 0) {
		out[0] = shape[2];
		out[1] = shape[3];
	}
	shape[1] = channels;
	shape[2] = out[0];
	shape[3] = out[1];
}

/* --- layers -------------------------------------------------------------- */

/* A text attribute of the node that was drawn last; s is not copied. */
static void
text(struct draw *a, const char *name, const char *s)
{
	struct node *n;

	/* a slot as draw_int() finds it */
	draw_int(a, name, 0);
	if (a->rc != 0)
		return;
	n = &a->m->node[a->m->nnode - 1];
	n->attr[n->nattr - 1].kind = ATTR_TEXT;
	n->attr[n->nattr - 1].s = s;
}

static const char *
gelu(struct draw *a, const char *at, const char *x, const char *how)
{
	x = draw_unary(a, "Gelu", at, x);
	text(a, "approximate", how);
	return x;
}

static const char *
swish(struct draw *a, const char *at, const char *x, double steep)
{
	const char *y = x;

	if (steep != 1.0)
		y = hf_scale(a, at, "steepness", x, steep);
	return draw_binary(a, "Mul", at, x, draw_unary(a, "Sigmoid", at, y));
}

static const char *
relu6(struct draw *a, const char *at, const char *x)
{
	x = draw_unary(a, "Clip", at, x);
	draw_real(a, "min", 0.0);
	draw_real(a, "max", 6.0);
	return x;
}

static const char *
squared_relu(struct draw *a, const char *at, const char *x)
{
	x = draw_unary(a, "Relu", at, x);
	return draw_binary(a, "Mul", at, x, x);
}

static const char *
leaky_relu(struct draw *a, const char *at, const char *x)
{
	x = draw_unary(a, "LeakyRelu", at, x);
	draw_real(a, "alpha", 0.01);
	return x;
}

/* transformers' ACT2FN (activations.py), as far as classifiers use it. */
const char *
hf_activation(struct draw *a, const char *absent, const char *at, const char *x)
{
	static const char *const plain[][2] = {{"relu", "Relu"},
	    {"sigmoid", "Sigmoid"}, {"tanh", "Tanh"}, {"mish", "Mish"}};
	static const char *const tanh_form[] = {"gelu_new", "gelu_fast",
	    "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"};
	const char *s = hf_text(a, "hidden_act");

	if (s == NULL)
		s = absent;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcmp(s, plain[i][0]) == 0)
			return draw_unary(a, plain[i][1], at, x);
	for (size_t i = 0; i < ARRAY_LEN(tanh_form); i++)
		if (strcmp(s, tanh_form[i]) == 0)
			return gelu(a, at, x, "tanh");
	if (strcmp(s, "gelu") == 0 || strcmp(s, "gelu_python") == 0)
		return gelu(a, at, x, "none");
	if (strcmp(s, "quick_gelu") == 0)
		return swish(a, at, x, 1.702);
	if (strcmp(s, "silu") == 0 || strcmp(s, "swish") == 0)
		return swish(a, at, x, 1.0);
	if (strcmp(s, "relu6") == 0)
		return relu6(a, at, x);
	if (strcmp(s, "relu2") == 0)
		return squared_relu(a, at, x);
	if (strcmp(s, "leaky_relu") == 0)
		return leaky_relu(a, at, x);
	if (strcmp(s, "linear") == 0)
		return x;
	draw_fail(a, "config.json: hidden_act '%.40s' is not known here", s);
	return "";
}

void
hf_ignore(struct draw *a, const char *module, const char *name)
{
	const struct tensor *t =
	    weights_peek(a->w, draw_path(a, "%s.%s", module, name));

	if (a->rc == 0 && t != NULL)
		a->w->ignored[t - a->w->tensor] = true;
}

static void
want_bias(struct draw *a, const char *module, bool bias)
{
	if (a->rc == 0 && draw_has(a, module, "bias") != bias)
		hf_bad(a,
		    "there is %s tensor '%.80s.bias', by config.json there "
		    "were %s",
		    bias ? "no" : "a", module, bias ? "one" : "none");
}

const char *
hf_linear(struct draw *a, const char *module, const char *x, int64_t in,
    int64_t out, bool bias)
{
	hf_dims(a, module, "weight", 2, (int64_t[]){out, in});
	want_bias(a, module, bias);
	if (bias)
		hf_dims(a, module, "bias", 1, &out);
	return draw_linear(a, module, x);
}

const char *
hf_layer_norm(struct draw *a, const char *module, const char *x, int64_t width,
    double eps)
{
	hf_dims(a, module, "weight", 1, &width);
	hf_dims(a, module, "bias", 1, &width);
	return draw_layer_norm(a, module, x, eps);
}

const char *
hf_batch_norm(struct draw *a, const char *module, const char *x,
    int64_t channels, double eps)
{
	static const char *const part[] = {
	    "weight", "bias", "running_mean", "running_var"};

	for (size_t i = 0; i < ARRAY_LEN(part); i++)
		hf_dims(a, module, part[i], 1, &channels);
	return draw_batch_norm(a, module, x, eps);
}

const char *
hf_classifier(struct draw *a, const char *module, const char *x, int64_t in)
{
	int64_t out = (int64_t)draw_dim(a, module, "weight", 0);

	if (out < 1)
		hf_bad(a, "there are no classes");
	hf_dims(a, module, "weight", 2, (int64_t[]){out, in});
	want_bias(a, module, true);
	hf_dims(a, module, "bias", 1, &out);
	return draw_classifier(a, module, x);
}

const char *
hf_conv(struct draw *a, const char *module, const char *x, struct hf_window v)
{
	const struct tensor *w = draw_weight(a, module, "weight");
	const char *y;

	want_bias(a, module, v.bias);
	if (w != NULL && w->rank != 4)
		hf_bad(
		    a, "tensor '%.80s' has rank %zu, not 4", w->name, w->rank);
	if (a->rc != 0)
		return "";
	y = draw_node(a, "Conv", module, x, w->name,
	    v.bias ? draw_weight(a, module, "bias")->name : NULL, NULL);
	draw_ints(a, "kernel_shape", 2,
	    (int64_t[]){(int64_t)w->dim[2], (int64_t)w->dim[3]});
	draw_ints(
	    a, "strides", 2, (int64_t[]){MAX(v.stride, 1), MAX(v.stride, 1)});
	if (v.same)
		text(a, "auto_pad", "SAME_UPPER");
	else
		draw_ints(a, "pads", 4,
		    (int64_t[]){v.before, v.before, v.after, v.after});
	draw_ints(a, "dilations", 2,
	    (int64_t[]){MAX(v.dilation, 1), MAX(v.dilation, 1)});
	draw_int(a, "group", MAX(v.groups, 1));
	return y;
}

const char *
hf_token(struct draw *a, const char *at, const char *x, int64_t from)
{
	x = draw_unary(a, "Slice", at, x);
	draw_ints(a, "starts", 1, &from);
	draw_ints(a, "ends", 1, (int64_t[]){from + 1});
	draw_ints(a, "axes", 1, (int64_t[]){1});
	draw_ints(a, "steps", 1, (int64_t[]){1});
	return draw_flatten(a, at, x);
}

const char *
hf_scale(
    struct draw *a, const char *at, const char *name, const char *x, double c)
{
	const char *by = draw_constant(
	    a, draw_path(a, "%s.%s", at, name), 1, (uint64_t[]){1}, &c);

	return draw_binary(a, "Mul", at, x, by);
}

const char *
hf_norm_2d(struct draw *a, const char *module, const char *x, int64_t channels,
    double eps)
{
	static const int64_t last[] = {0, 2, 3, 1}, back[] = {0, 3, 1, 2};

	x = draw_transpose(a, module, x, 4, last);
	x = hf_layer_norm(a, module, x, channels, eps);
	return draw_transpose(a, module, x, 4, back);
}
