/* SPDX-License-Identifier: MIT */
#include "formats/tflite.h"

#include "base/limits.h"
#include "formats/binary.h"
#include "formats/format.h"
#include "formats/patch.h"
#include "formats/tflite_label.h"
#include "formats/tflite_lower.h"
#include "formats/tflite_meta.h"

#define NUMBERS 64 /* of an image in a row: 8 x 8 */

struct graph {
	size_t *maker;         /* of each tensor: its node, or SIZE_MAX */
	bool *live;            /* of each node */
	int64_t input, output; /* tensors: the image, what ends the graph */
	size_t tail;           /* the node of the final softmax, or SIZE_MAX */
	bool nchw;             /* the file takes images so */
	uint64_t size[3];      /* of the image: C, H, W */
};

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "tflite: model too large");
}

/* --- what is made where -------------------------------------------------- */

static int
find_makers(const struct tflite_file *f, struct arena *a, struct graph *g,
    struct err *e)
{
	*g = (struct graph){.tail = SIZE_MAX};
	g->maker = arena_alloc(a, f->ntensor + 1, sizeof(*g->maker));
	g->live = arena_alloc(a, f->nnode + 1, sizeof(*g->live));
	if (g->maker == NULL || g->live == NULL)
		return full(e);
	for (size_t i = 0; i < f->ntensor; i++)
		g->maker[i] = SIZE_MAX;
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; k < f->node[i].nout; k++) {
			size_t t = (size_t)f->node[i].out[k];

			if (g->maker[t] != SIZE_MAX ||
			    f->tensor[t].data.len != 0)
				return err_set(e, ERR_FORMAT, f->node[i].at,
				    "tflite: '%.80s' is made twice",
				    f->tensor[t].name);
			g->maker[t] = i;
		}
	return 0;
}

/* Nodes that the output needs; they are in order. */
static void
find_live(const struct tflite_file *f, struct graph *g)
{
	size_t at = g->maker[g->output];

	if (at != SIZE_MAX)
		g->live[at] = true;
	for (size_t i = f->nnode; i-- > 0;)
		for (size_t k = 0; g->live[i] && k < f->node[i].nin; k++) {
			int64_t t = f->node[i].in[k];

			if (t >= 0 && g->maker[t] < i)
				g->live[g->maker[t]] = true;
		}
}

/* --- the image ----------------------------------------------------------- */

/* Whether all that the image goes to is a transposition to NHWC. */
static bool
is_nchw(const struct tflite_file *f, const struct graph *g)
{
	static const uint8_t last[16] = {0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1};
	size_t uses = 0;

	for (size_t i = 0; i < f->nnode; i++) {
		const struct tflite_node *n = &f->node[i];
		const struct tflite_tensor *perm =
		    n->nin == 2 && n->in[1] >= 0 ? &f->tensor[n->in[1]] : NULL;

		for (size_t k = 0; g->live[i] && k < n->nin; k++) {
			if (n->in[k] != g->input)
				continue;
			if (n->op != TFLITE_TRANSPOSE || perm == NULL ||
			    perm->type != TFLITE_I32 ||
			    perm->data.len != sizeof(last) ||
			    memcmp(perm->data.ptr, last, sizeof(last)) != 0)
				return false;
			uses++;
		}
	}
	return uses > 0;
}

/* (N, H, W, C) or (N, C, H, W); (N, H, W) is grey; (N, numbers) a square
 * image, grey or of three channels. */
static bool
is_image(const struct tflite_tensor *x, struct graph *g)
{
	if (x->rank == 4) {
		g->size[0] = x->dim[g->nchw ? 1 : 3];
		g->size[1] = x->dim[g->nchw ? 2 : 1];
		g->size[2] = x->dim[g->nchw ? 3 : 2];
		return true;
	}
	if (x->rank == 3 && x->dim[0] == 1) {
		g->size[0] = 1;
		g->size[1] = x->dim[1];
		g->size[2] = x->dim[2];
		return true;
	}
	if (x->rank != 2 || x->dim[0] != 1 || x->dim[1] < NUMBERS)
		return false;
	for (uint64_t c = 1; c <= 3; c += 2)
		for (uint64_t s = 2; s <= LIMIT_IMAGE_SIDE; s++)
			if (s * s * c == x->dim[1]) {
				g->size[0] = c;
				g->size[1] = g->size[2] = s;
				return true;
			}
	return false;
}

static int
find_image(const struct tflite_file *f, struct graph *g, struct err *e)
{
	const struct tflite_tensor *x;

	if (f->ninput != 1)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tflite: %zu inputs, an image is one", f->ninput);
	g->input = f->input[0];
	x = &f->tensor[g->input];
	g->nchw = x->rank == 4 && is_nchw(f, g);
	if (!is_image(x, g) || x->data.len != 0 ||
	    (x->type != TFLITE_F32 && x->type != TFLITE_U8 &&
		x->type != TFLITE_I8))
		return err_set(e, ERR_UNSUPPORTED, x->at,
		    "tflite: input '%.80s' is not an image (rank %zu, type "
		    "%" PRId64 ")",
		    x->name, x->rank, x->type);
	if (g->maker[g->input] != SIZE_MAX)
		return err_set(e, ERR_FORMAT, x->at,
		    "tflite: '%.80s' is made twice", x->name);
	for (size_t i = 0; i < 3; i++)
		if (g->size[i] == 0 || g->size[i] > LIMIT_IMAGE_SIDE)
			return err_set(e,
			    g->size[i] == 0 ? ERR_FORMAT : ERR_UNSUPPORTED,
			    x->at,
			    "tflite: input '%.80s' has a dimension of %" PRIu64,
			    x->name, g->size[i]);
	return 0;
}

/* The image as the file takes it, of a lower rank. */
static const char *
lower_image(struct tflite_lower *l, const struct graph *g, const char *image)
{
	const struct tflite_tensor *x = &l->f->tensor[g->input];
	struct draw *d = &l->draw;

	if (x->rank == 3)
		return draw_reshape(d, "image", image, 3,
		    (int64_t[]){0, (int64_t)g->size[1], (int64_t)g->size[2]});
	if (g->size[0] > 1)
		image = draw_channels_last(d, "image", image);
	return draw_flatten(d, "image", image);
}

/* Everything is worked out from here. */
static void
take_image(struct tflite_lower *l, const struct graph *g, struct model *m)
{
	const struct tflite_tensor *x = &l->f->tensor[g->input];
	struct tflite_value *v = &l->value[g->input];

	m->input = strncmp(x->name, "assay.", 6) == 0
		       ? draw_path(&l->draw, "file:%s", x->name)
		       : x->name;
	v->made = true;
	v->rank = x->rank;
	memcpy(v->dim, x->dim, sizeof(v->dim));
	/* what is fixed at one image takes any number of them here */
	for (size_t i = 0; i < 3; i++)
		m->shape[1 + i] = (int64_t)g->size[i];
	if (x->rank == 4)
		*(g->nchw ? &v->plain : &v->image) = m->input;
	else
		v->plain = lower_image(l, g, m->input);
}

/* --- the logits ---------------------------------------------------------- */

static int
find_output(const struct tflite_file *f, struct graph *g, struct err *e)
{
	if (f->noutput != 1)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "tflite: %zu outputs, the logits are one", f->noutput);
	g->output = f->output[0];
	return 0;
}

/* The softmax that ends the graph; an argmax behind it is left out. */
static void
find_tail(const struct tflite_file *f, struct graph *g)
{
	int64_t t = g->output;

	for (size_t hops = 0; hops < f->nnode; hops++) {
		size_t i = g->maker[t];
		const struct tflite_node *n;

		if (i == SIZE_MAX)
			return;
		n = &f->node[i];
		if (n->nin == 0 || n->in[0] < 0)
			return;
		if (n->op == TFLITE_SOFTMAX || n->op == TFLITE_LOG_SOFTMAX ||
		    n->op == TFLITE_LOGISTIC) {
			g->tail = i;
			return;
		}
		t = n->in[0];
		if (n->op == TFLITE_ARG_MAX)
			g->output = t;
		else if (n->op != TFLITE_DEQUANTIZE &&
			 n->op != TFLITE_QUANTIZE && n->op != TFLITE_RESHAPE &&
			 n->op != TFLITE_SQUEEZE)
			return;
	}
}

/* (N, classes); more dimensions are flattened, (N) is one class. */
static int
take_logits(struct tflite_lower *l, const struct graph *g, struct model *m)
{
	struct tflite_value *v = &l->value[g->output];
	const struct tflite_tensor *x = &l->f->tensor[g->output];
	struct tflite_node end = {
	    .in = (int64_t *)(uintptr_t)&g->output, .nin = 1, .at = x->at};
	uint64_t classes;

	l->n = &end;
	l->at = x->name;
	if (!v->made || g->maker[g->output] == SIZE_MAX || v->constant ||
	    v->ints != NULL)
		return err_set(l->draw.e, ERR_FORMAT, x->at,
		    "tflite: nothing makes the output '%.80s'", x->name);
	if (v->rank < 1 || v->dim[0] != l->f->tensor[g->input].dim[0])
		return err_set(l->draw.e, ERR_UNSUPPORTED, x->at,
		    "tflite: output '%.80s' has rank %zu and is not one row "
		    "for each image",
		    x->name, v->rank);
	classes = tflite_lower_count(v->dim + 1, v->rank - 1);
	if (classes > LIMIT_CLASSES)
		return err_set(l->draw.e, ERR_LIMIT, x->at,
		    "tflite: %" PRIu64 " classes, the limit is %d", classes,
		    LIMIT_CLASSES);
	m->classes = classes;
	m->output =
	    v->rank == 4 && v->image != NULL && v->dim[1] == 1 && v->dim[2] == 1
		? v->image
		: tflite_lower_plain(l, 0);
	if (v->rank == 1) /* one number for each image */
		m->output = draw_reshape(
		    &l->draw, l->at, m->output, 2, (int64_t[]){-1, 1});
	else if (v->rank != 2)
		m->output = draw_flatten(&l->draw, l->at, m->output);
	return l->draw.rc;
}

/* --- pixels -------------------------------------------------------------- */

/*
 * Integers of an image are 255 times the pixel, less 128 when signed; what
 * they stand for is scale (q - zero): (pixel - mean) / std.
 */
static void
from_scale(const struct tflite_tensor *x, struct preprocess *p)
{
	double scale = x->nscale == 1 ? x->scale[0] : 1.0;
	double zero = x->nzero == 1 ? (double)x->zero[0] : 0.0;

	if (!(scale > 0.0))
		return;
	if (x->type == TFLITE_I8)
		zero += 128.0;
	p->mean[0] = zero / 255.0;
	p->std[0] = 1.0 / (255.0 * scale);
	p->nmean = p->nstd = 1;
	p->from = "quantisation of the input";
}

/* Bytes go in as they are, whatever metadata say of floats: their mean and std
 * are often 0 and 1 then. */
static int
take_pixels(const struct tflite_file *f, const struct graph *g, struct model *m,
    struct err *e)
{
	const struct tflite_tensor *x = &f->tensor[g->input];
	struct slice labels = {0};
	int rc = 0;

	if (f->metadata.len != 0)
		rc = tflite_meta_read(rd_mem(f->metadata.ptr, f->metadata.len),
		    &m->preprocess, &labels, e);
	if (rc == 0)
		m->label = tflite_label_read(
		    f->fb.r, labels, (size_t)m->classes, &m->arena);
	if (rc == 0 &&
	    (x->type == TFLITE_U8 ||
		(x->type == TFLITE_I8 && *m->preprocess.from == '\0')))
		from_scale(x, &m->preprocess);
	return rc;
}

/* --- putting it together ------------------------------------------------- */

static void
describe(struct model *m, const struct tflite_file *f, const struct graph *g,
    const struct tflite_lower *l)
{
	struct arena *a = &m->arena;
	char op[40], quantised[120] = "";

	if (l->dequantised != 0)
		snprintf(quantised, sizeof(quantised),
		    "; dequantised: %zu tensors of integers as floats, "
		    "rounding between layers left out",
		    l->dequantised);
	m->format = "tflite";
	m->producer = f->description;
	m->note = arena_printf(a, "%s%s%s%s%s%s",
	    f->tensor[g->input].rank == 2
		? "the file takes the numbers of square images in a row"
	    : g->nchw ? "images as NCHW"
		      : "images as NHWC in the file",
	    g->tail != SIZE_MAX ? "; logits are the input of the final " : "",
	    g->tail != SIZE_MAX
		? tflite_file_op(f->node[g->tail].op, op, sizeof(op))
		: "",
	    g->output != f->output[0] ? "; without the final ARG_MAX" : "",
	    quantised,
	    f->subgraphs > 1 ? "; other subgraphs are not looked at" : "");
}

/* The final softmax by ONNX's name, or NULL. */
static const char *
tail_of(const struct tflite_file *f, const struct graph *g)
{
	if (g->tail == SIZE_MAX)
		return NULL;
	return f->node[g->tail].op == TFLITE_LOGISTIC ? "Sigmoid" : "Softmax";
}

static int
build(struct tflite_file *f, struct model *m, struct err *e)
{
	struct tflite_lower l;
	struct graph g;
	int rc;

	if ((rc = find_makers(f, &m->arena, &g, e)) != 0 ||
	    (rc = find_output(f, &g, e)) != 0)
		return rc;
	find_tail(f, &g);
	find_live(f, &g);
	if ((rc = find_image(f, &g, e)) != 0 ||
	    (rc = tflite_lower_init(&l, f, m, e)) != 0)
		return rc;
	l.tail = g.tail;
	take_image(&l, &g, m);
	for (size_t i = 0; i < f->nnode; i++)
		if (g.live[i] && (rc = tflite_lower_node(&l, i)) != 0)
			return rc;
	if ((rc = take_logits(&l, &g, m)) != 0)
		return rc;
	describe(m, f, &g, &l);
	if (l.dequantised != 0)
		m->fixed = arena_printf(&m->arena,
		    "%zu tensors are kept as integers, which stand for the "
		    "weights by a scale",
		    l.dequantised);
	if ((rc = binary_classes(m, tail_of(f, &g), e)) != 0 ||
	    (rc = take_pixels(f, &g, m, e)) != 0)
		return rc;
	if (*m->preprocess.from == '\0')
		m->note = arena_printf(
		    &m->arena, "%s; preprocessing is unknown", m->note);
	return model_check(m, e);
}

int
tflite_parse(struct rd r, struct model *m, struct err *e)
{
	struct tflite_file f;
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	if ((rc = tflite_file_parse(r, &m->arena, &f, e)) != 0 ||
	    (rc = build(&f, m, e)) != 0)
		model_release(m);
	return rc;
}

static int
load(struct source *s, struct model *m, struct err *e)
{
	return tflite_parse(s->main, m, e);
}

int
tflite_patch(struct source *s, const struct model *neutral, struct err *e)
{
	struct model old;
	int rc;

	if ((rc = load(s, &old, e)) != 0)
		return rc;
	rc = patch_in_place(s, &old, neutral, e);
	/* all other weights are bytes of the file */
	if (rc == ERR_UNSUPPORTED)
		rc = err_wrap(e,
		    "tflite: weights that are kept as integers cannot be "
		    "changed without quantising anew");
	model_release(&old);
	return rc;
}

static int
probe(struct rd r)
{
	return r.len >= 8 && memcmp(r.base + 4, "TFL3", 4) == 0 ? 60 : 0;
}

const struct format format_tflite = {
    .name = "tflite",
    .summary = "TensorFlow Lite classifier, of floats or quantised",
    .probe = probe,
    .load = load,
    .patch = tflite_patch,
};
