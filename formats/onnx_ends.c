/* SPDX-License-Identifier: MIT */
#include "formats/onnx_ends.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_fact.h"

#include <strings.h>

#define STEPS   64 /* nodes that are seen through */
#define OUTPUTS 64 /* of which one is looked for that has the logits */
#define NUMBERS 64 /* of an image in a row: 8 x 8 */

static bool
is_real(int64_t type)
{
	return type == 1 || type == 10 || type == 11 || type == 16;
}

/* --- the logits ---------------------------------------------------------- */

static const char *const through[] = {"Identity", "Reshape", "Flatten",
    "Squeeze", "Unsqueeze", "Cast", "Dropout"};

/* What makes a value, nodes that change no number seen through. */
static const struct onnx_node *
maker(const struct onnx_file *f, const struct onnx_order *o, const char *name)
{
	const struct onnx_node *n = onnx_order_maker(f, o, name);

	for (size_t i = 0; i < STEPS && n != NULL && n->nin > 0 &&
			   text_is_one_of(n->op, through, ARRAY_LEN(through));
	     i++)
		n = onnx_order_maker(f, o, n->in[0]);
	return n;
}

static bool
is_probability(const struct onnx_node *n)
{
	static const char *const ends[] = {"Softmax", "LogSoftmax", "Sigmoid"};

	return n != NULL && n->nin > 0 &&
	       text_is_one_of(n->op, ends, ARRAY_LEN(ends));
}

/* Whether b is the probabilities of which a is the logits. */
static bool
is_of(const struct onnx_file *f, const struct onnx_order *o, const char *a,
    const char *b)
{
	const struct onnx_node *end = maker(f, o, b);
	const struct onnx_node *made = maker(f, o, a);

	return is_probability(end) && made != NULL &&
	       (strcmp(end->in[0], a) == 0 || maker(f, o, end->in[0]) == made);
}

static bool
called_logits(const char *name)
{
	static const char word[] = "logits";
	size_t n = strlen(name), len = strlen(word);

	return n >= len && strcasecmp(name + n - len, word) == 0;
}

/* Behind what takes the largest, or makes a dictionary: its input. */
static bool
look_behind(const struct onnx_file *f, const struct onnx_order *o,
    const struct onnx_value *v, struct onnx_logits *out)
{
	const struct onnx_node *n = maker(f, o, v->name);
	const struct onnx_attr *axis;

	if (n == NULL || n->nin == 0 ||
	    (strcmp(n->op, "ArgMax") != 0 && strcmp(n->op, "ZipMap") != 0) ||
	    onnx_order_maker(f, o, n->in[0]) == NULL)
		return false;
	axis = onnx_file_attr(n, "axis");
	if (strcmp(n->op, "ArgMax") == 0 &&
	    (axis == NULL || axis->type != ONNX_INT ||
		(axis->i != 1 && axis->i != -1)))
		return false;
	out->value =
	    (struct onnx_value){.name = n->in[0], .at = v->at, .type = 1};
	out->why = n->op;
	return true;
}

/* Whether v can be it at all. */
static bool
possible(const struct onnx_file *f, const struct onnx_order *o,
    const struct onnx_value *v)
{
	const struct onnx_node *n = maker(f, o, v->name);

	return (v->type == 0 || is_real(v->type)) &&
	       (f->noutput == 1 || !v->shaped || v->rank == 2) &&
	       (n == NULL || strcmp(n->op, "ZipMap") != 0);
}

/* Of several: what another one is the probabilities of does not count, then
 * the only one of the name does. */
static const struct onnx_value *
choose(const struct onnx_file *f, const struct onnx_order *o, size_t *count)
{
	const struct onnx_value *found = NULL, *named = NULL;
	size_t n = 0, names = 0;

	for (size_t i = 0; i < f->noutput; i++) {
		const struct onnx_value *v = &f->output[i];
		bool other = !possible(f, o, v);

		for (size_t k = 0; k < MIN(f->noutput, OUTPUTS) && !other; k++)
			other = k != i && possible(f, o, &f->output[k]) &&
				is_of(f, o, f->output[k].name, v->name);
		if (other)
			continue;
		n++;
		found = v;
		names += called_logits(v->name);
		named = called_logits(v->name) ? v : named;
	}
	*count = n;
	if (n > 1 && names == 1) {
		*count = 1;
		return named;
	}
	return found;
}

int
onnx_ends_output(const struct onnx_file *f, const struct onnx_order *o,
    struct onnx_logits *out, struct err *e)
{
	const struct onnx_value *found;
	size_t n, behind = 0;

	*out = (struct onnx_logits){0};
	for (size_t i = 0; i < f->noutput; i++)
		if (map_get(&o->define, f->output[i].name) == SIZE_MAX)
			return err_set(e, ERR_FORMAT, f->output[i].at,
			    "onnx: the output '%s' is not defined",
			    f->output[i].name);
	found = choose(f, o, &n);
	for (size_t i = 0; n == 0 && i < f->noutput && behind == 0; i++)
		behind += look_behind(f, o, &f->output[i], out);
	if (behind != 0)
		return 0;
	if (n != 1)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "onnx: %zu of %zu outputs could be the logits", n,
		    f->noutput);
	out->value = *found;
	out->why = f->noutput > 1 ? found->name : NULL;
	return 0;
}

/* --- the image ----------------------------------------------------------- */

/* (N, height, width), which is grey; three in front are channels. */
static bool
is_grey(const struct onnx_value *v)
{
	return v->shaped && v->rank == 3 && v->dim[0] != 3 && v->dim[1] != 0 &&
	       v->dim[2] != 0;
}

static int
take_shape(const struct onnx_value *v, struct model *m, struct err *e)
{
	bool grey = is_grey(v);

	if (!v->shaped || (v->rank != 4 && !grey))
		return 0;
	for (size_t i = 0; i < v->rank; i++) {
		if (v->dim[i] == 0)
			return err_set(e, ERR_FORMAT, v->at,
			    "onnx: input '%s' has an empty dimension", v->name);
		if (v->dim[i] > LIMIT_IMAGE_SIDE)
			return err_set(e, ERR_UNSUPPORTED, v->at,
			    "onnx: input '%s' has a dimension of %" PRId64,
			    v->name, v->dim[i]);
		m->shape[i + (grey && i > 0)] = v->dim[i];
	}
	if (grey)
		m->shape[1] = 1;
	return 0;
}

/* (N, numbers) of a square image, grey or of three channels. */
static bool
square(const struct onnx_value *v, struct model *m)
{
	if (!v->shaped || v->rank != 2 || v->dim[1] < NUMBERS)
		return false;
	m->shape[0] = v->dim[0];
	for (int64_t c = 1; c <= 3; c += 2)
		for (int64_t s = 2; s <= LIMIT_IMAGE_SIDE; s++)
			if (s * s * c == v->dim[1]) {
				m->shape[1] = c;
				m->shape[2] = m->shape[3] = s;
				return true;
			}
	return false;
}

static bool
is_image(const struct onnx_value *v, struct model *m)
{
	if (v->type == 2)
		return v->shaped && (v->rank == 4 || is_grey(v));
	if (!is_real(v->type))
		return false;
	return !v->shaped || v->rank == 4 || is_grey(v) || square(v, m);
}

/* The only input that could be one. */
static int
find_input(const struct onnx_file *f, const struct onnx_order *o,
    struct model *m, struct onnx_image *image, struct err *e)
{
	for (size_t i = 0; i < f->ninput; i++) {
		const struct onnx_value *v = &f->input[i];

		if (map_get(&o->init, v->name) != SIZE_MAX)
			continue;
		if (!is_image(v, m))
			return err_set(e, ERR_UNSUPPORTED, v->at,
			    "onnx: input '%s' is not an image of floats "
			    "(rank %zu, data type %" PRId64 ")",
			    v->name, v->rank, v->type);
		if (image->input != NULL)
			return err_set(e, ERR_UNSUPPORTED, v->at,
			    "onnx: inputs '%s' and '%s' could be the image",
			    image->input->name, v->name);
		image->input = v;
	}
	if (image->input == NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "onnx: no input could be the image");
	image->bytes = image->input->type == 2;
	image->flat = image->input->shaped && image->input->rank == 2;
	image->grey = image->input->shaped && image->input->rank == 3;
	return take_shape(image->input, m, e);
}

static bool
from_last(const struct onnx_node *n)
{
	static const int64_t perm[] = {0, 3, 1, 2};
	const struct onnx_attr *at = onnx_file_attr(n, "perm");

	return strcmp(n->op, "Transpose") == 0 && at != NULL &&
	       at->type == ONNX_INTS && at->n == 4 &&
	       memcmp(at->ints, perm, sizeof(perm)) == 0;
}

/* The live node that uses a value alone, or NULL; *turned: all of several are
 * transpositions from NHWC. */
static const struct onnx_node *
only_use(const struct onnx_file *f, const struct onnx_order *o,
    const char *name, bool *turned)
{
	const struct onnx_node *found = NULL;
	size_t uses = 0;

	*turned = true;
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; o->live[i] && k < f->node[i].nin; k++) {
			if (strcmp(f->node[i].in[k], name) != 0)
				continue;
			found = &f->node[i];
			*turned = *turned && from_last(found);
			uses++;
		}
	*turned = *turned && uses > 0;
	return uses == 1 ? found : NULL;
}

/* The numbers of an initialiser or a Constant, or NULL. */
static const struct tensor *
constant(
    const struct onnx_file *f, const struct onnx_order *o, const char *name)
{
	size_t at = map_get(&o->init, name);
	const struct onnx_node *n;
	const struct onnx_attr *a;

	if (at != SIZE_MAX)
		return &f->tensor[at].t;
	n = onnx_order_maker(f, o, name);
	if (n == NULL || strcmp(n->op, "Constant") != 0)
		return NULL;
	a = onnx_file_attr(n, "value");
	return a != NULL && a->type == ONNX_TENSOR && a->t != NULL ? &a->t->t
								   : NULL;
}

/* Whether n brings pixels of 0 to 255 down: divides by 64 or more, takes
 * away more than 1.5 (as formats/keras_norm.c has it). */
static bool
brings_down(const struct onnx_file *f, const struct onnx_order *o,
    const struct onnx_node *n)
{
	const struct tensor *t = n->nin == 2 ? constant(f, o, n->in[1]) : NULL;
	double v;

	if (t == NULL || (t->dtype != DTYPE_F32 && t->dtype != DTYPE_F64) ||
	    t->size < dtype_width(t->dtype))
		return false;
	v = tensor_real(t, 0);
	return (strcmp(n->op, "Div") == 0 && v >= 64.0) ||
	       (strcmp(n->op, "Mul") == 0 && v > 0.0 && v <= 1 / 64.0) ||
	       (strcmp(n->op, "Sub") == 0 && v > 1.5) ||
	       (strcmp(n->op, "Add") == 0 && v < -1.5);
}

/* How the image lies: what is first done to it, and which size is that of
 * channels. */
static void
look(const struct onnx_file *f, const struct onnx_order *o,
    const struct model *m, struct onnx_image *image)
{
	static const char *const each[] = {
	    "Cast", "Identity", "Sub", "Add", "Mul", "Div", "Clip"};
	static const char *const moves[] = {"Cast", "Identity", "Transpose"};
	const char *name = image->input->name;
	bool first = true, turned, narrow;
	const int64_t *s = m->shape;

	for (size_t i = 0; i < STEPS; i++) {
		const struct onnx_node *n = only_use(f, o, name, &turned);

		image->turned = image->turned || (i == 0 && turned);
		image->last = image->last || (i > 0 && turned);
		if (n == NULL || n->nout == 0)
			break;
		if (first && !text_is_one_of(n->op, moves, ARRAY_LEN(moves))) {
			image->large = brings_down(f, o, n);
			first = false;
		}
		if (!text_is_one_of(n->op, each, ARRAY_LEN(each)) &&
		    !(i == 0 && turned))
			break;
		name = n->out[0];
	}
	/* no image has so many channels and is so narrow */
	narrow =
	    (s[3] == 1 || s[3] == 3) && (s[1] > 4 || (s[1] < 0 && s[2] < 0));
	narrow = narrow && !image->grey;
	image->last = !image->flat && !image->turned && (image->last || narrow);
	image->turned = image->turned && !image->flat;
}

int
onnx_ends_image(const struct onnx_file *f, const struct onnx_order *o,
    struct model *m, struct onnx_image *image, struct err *e)
{
	int64_t s[4];
	int rc;

	*image = (struct onnx_image){0};
	if ((rc = find_input(f, o, m, image, e)) != 0)
		return rc;
	look(f, o, m, image);
	memcpy(s, m->shape, sizeof(s));
	if (image->last || image->turned) {
		m->shape[1] = s[3];
		m->shape[2] = s[1];
		m->shape[3] = s[2];
	}
	m->input = image->input->name;
	return 0;
}

/* --- what is put before the file's nodes ---------------------------------- */

static struct node *
before(struct onnx_lower *l, const char *op, const char **x, bool final,
    const struct onnx_image *image)
{
	static const struct onnx_node none = {.op = "", .name = ""};
	struct node *n = onnx_lower_node(l, &none, op, 0, 0);
	const char *y =
	    final ? image->input->name : onnx_lower_fresh(l, "assay.image", op);

	if (n == NULL || l->full)
		return NULL;
	n->in[n->nin++] = *x;
	n->out[n->nout++] = y;
	*x = y;
	return n;
}

int
onnx_ends_begin(struct onnx_lower *l, const struct onnx_image *image)
{
	static const int64_t perm[] = {0, 2, 3, 1}, plane[] = {1};
	bool turn = image->last || (image->turned && image->bytes);
	struct onnx_fact fact = {.ranked = true, .batch = true, .rank = 4};
	struct node *n;
	const char *x;

	l->m->input = x = image->input->name;
	if (image->bytes || turn || image->flat || image->grey)
		l->m->input = x = onnx_lower_fresh(l, "assay.image", "pixels");
	onnx_fact_set(l, x, fact);
	if (image->bytes) {
		const char *k = onnx_lower_fresh(l, "assay.image", "bytes");

		onnx_lower_number(l, k, DTYPE_F32, 0, 255.0);
		n = before(l, "Mul", &x, !turn && !image->grey, image);
		if (n != NULL)
			n->in[n->nin++] = k;
	}
	if (turn && (n = before(l, "Transpose", &x, true, image)) != NULL)
		onnx_lower_put_ints(n, "perm", perm, 4);
	if (image->flat && (n = before(l, "Flatten", &x, true, image)) != NULL)
		onnx_lower_put_int(n, "axis", 1);
	if (image->grey && (n = before(l, "Squeeze", &x, true, image)) != NULL)
		onnx_lower_put_ints(n, "axes", plane, 1);
	fact.rank = image->flat ? 2 : image->grey ? 3 : 4;
	if (x != l->m->input)
		onnx_fact_set(l, x, fact);
	l->nhwc = image->turned && !image->bytes;
	return l->full ? err_set(l->e, ERR_LIMIT, ERR_NOWHERE,
			     "onnx: model too large")
		       : 0;
}

const char *
onnx_ends_note(const struct onnx_image *image, const struct onnx_logits *out,
    struct arena *a)
{
	const char *s = "";

	if (image->last || image->turned)
		s = "; the file takes images as NHWC";
	if (image->flat)
		s = "; the file takes the numbers of square images in a row";
	if (image->grey)
		s = "; the file takes grey images without an axis of channels";
	if (image->bytes)
		s = arena_printf(a, "%s; it takes bytes", s);
	if (image->large && !image->bytes)
		s = arena_printf(a,
		    "%s; its first arithmetic brings down pixels of 0 to 255, "
		    "which std=1/255 makes of those of 0 to 1",
		    s);
	if (out->why != NULL)
		s = arena_printf(a,
		    "%s; of what the file gives '%.80s' was taken", s,
		    out->value.name);
	return s;
}
