/* SPDX-License-Identifier: MIT */
#include "formats/torch_called.h"

#include "base/text.h"
#include "formats/torch_call.h"

#include <math.h>

#define CALL 4096 /* bytes of one call that are looked at */
#define WORD 48   /* of the name of a function */

struct row {
	const char *name, *ops;
	bool own;
};

static const struct row row_table[] = {
#define CALLED(name, own, ops) {name, ops, own},
#include "formats/torch_called.def"
#undef CALLED
};

static_assert(ARRAY_LEN(row_table) <= TORCH_CALLED_ROWS, "room for each row");

/* What a graph has only where the code calls one of these. */
static const struct {
	const char *op, *calls;
} made_table[] = {
    {"AveragePool", "avg_pool2d adaptive_avg_pool2d mean"},
    {"BatchNormalization", "batch_norm rsqrt sqrt"},
    {"Clip", "hardtanh relu6 clamp"},
    {"Gelu", "gelu erf tanh"},
    {"GlobalAveragePool", "adaptive_avg_pool2d avg_pool2d mean sum"},
    {"HardSigmoid", "hardsigmoid hardtanh relu6 clamp"},
    {"HardSwish", "hardswish hardtanh relu6 clamp"},
    {"LayerNormalization", "layer_norm native_layer_norm"},
    {"LeakyRelu", "leaky_relu rrelu"},
    {"MaxPool", "max_pool2d max_pool2d_with_indices adaptive_max_pool2d"},
    {"Relu", "relu threshold clamp clamp_min"},
    {"Resize", "upsample_bilinear2d upsample_bicubic2d upsample_nearest2d "
	       "_upsample_bilinear2d_aa _upsample_bicubic2d_aa"},
    {"Sigmoid", "sigmoid silu"},
};

static_assert(ARRAY_LEN(made_table) <= 16, "room for each");

/* Whether w is one of the words of a list with spaces between them. */
static bool
among(const char *list, const char *w)
{
	size_t len = strlen(w);

	for (const char *p = list; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, w, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

bool
torch_called_is_own(const char *name)
{
	static const char *const theirs[] = {
	    "__torch__/torch/", "__torch__/torchvision/ops/"};

	for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
		if (strncmp(name, theirs[i], strlen(theirs[i])) == 0)
			return false;
	return true;
}

/* --- one call ------------------------------------------------------------ */

static void
note_pool(struct torch_called *c, struct slice s, bool own)
{
	struct torch_called_pool p;
	struct slice a;
	size_t n = 0;

	/* the image, then kernel, strides, pads and dilations */
	if (!torch_call_argument(&s, &a))
		return;
	while (n < 4 && torch_call_argument(&s, &a) &&
	       torch_call_pair(a, &p.v[2 * n]))
		n++;
	if (n < 4) {
		c->unsure_pool = c->unsure_pool || own;
		return;
	}
	for (size_t i = 0; i < c->npool; i++)
		if (memcmp(&c->pool[i], &p, sizeof(p)) == 0)
			return;
	if (c->npool == TORCH_CALLED_POOLS)
		c->unsure_pool = true;
	else
		c->pool[c->npool++] = p;
}

/* A decimal number, the whole of s. */
static bool
real(struct slice s, double *out)
{
	char buf[WORD];

	if (s.len == 0 || s.len >= sizeof(buf))
		return false;
	memcpy(buf, s.ptr, s.len);
	buf[s.len] = '\0';
	return text_parse_double(buf, 0.0, 1e3, out);
}

static void
note_eps(double list[TORCH_CALLED_EPS], size_t *n, bool *unsure, double v)
{
	for (size_t i = 0; i < *n; i++)
		if (list[i] == v)
			return;
	if (*n == TORCH_CALLED_EPS)
		*unsure = true;
	else
		list[(*n)++] = v;
}

/* Argument number `at`, which is an epsilon. */
static bool
epsilon(struct slice s, size_t at, double *out)
{
	struct slice a;

	for (size_t i = 0; i <= at; i++)
		if (!torch_call_argument(&s, &a))
			return false;
	return real(a, out);
}

/* torch.<name>(args */
static void
note_call(struct torch_called *c, const char *name, struct slice args, bool own)
{
	double v;

	for (size_t i = 0; i < ARRAY_LEN(row_table); i++)
		if (strcmp(row_table[i].name, name) == 0)
			c->row[i] = c->row[i] || own || !row_table[i].own;
	for (size_t i = 0; i < ARRAY_LEN(made_table); i++)
		c->made[i] = c->made[i] || among(made_table[i].calls, name);
	if (strcmp(name, "max_pool2d") == 0)
		note_pool(c, args, own);
	else if (strcmp(name, "batch_norm") == 0 && epsilon(args, 7, &v))
		note_eps(c->norm, &c->nnorm, &c->unsure_norm, v);
	else if (strcmp(name, "layer_norm") == 0 && epsilon(args, 4, &v))
		note_eps(c->layer, &c->nlayer, &c->unsure_layer, v);
}

/* --- a file -------------------------------------------------------------- */

/* A name with dots: where it is and how long. */
struct reader {
	struct torch_called *c;
	struct slice rest;     /* behind the name */
	struct slice given;    /* the last name that a value was given to */
	struct slice pool;     /* the name that _max_pool2d goes by */
	bool own, norm, layer; /* in a class of these */
};

static bool
is(struct slice a, struct slice b)
{
	return a.len != 0 && a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool
begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.ptr, with, n) == 0;
}

static bool
ends(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.ptr + s.len - n, with, n) == 0;
}

static struct slice
behind(struct slice s, size_t n)
{
	return (struct slice){s.ptr + n, s.len - n};
}

/* "eps : Final[float] = 1e-05" of a scripted class */
static void
note_final(struct reader *r)
{
	static const char final[] = " : Final[float] = ";
	struct slice s = r->rest;
	double v;

	if (!begins(s, final))
		return;
	s = behind(s, sizeof(final) - 1);
	for (size_t i = 0; i < s.len && i < WORD; i++)
		if (s.ptr[i] == '\n') {
			s.len = i;
			break;
		}
	if (!real(s, &v))
		return;
	if (r->norm)
		note_eps(r->c->norm, &r->c->nnorm, &r->c->unsure_norm, v);
	if (r->layer)
		note_eps(r->c->layer, &r->c->nlayer, &r->c->unsure_layer, v);
}

/* Scripted modules name a function first and call what they named:
 * "_0 = __torch__.torch.nn.functional._max_pool2d", "_0(x, [3, 3], ...)". */
static void
note_name(struct reader *r, struct slice name)
{
	static const char torch[] = "torch.";
	struct slice args = r->rest;
	char word[WORD];
	size_t n;

	if (begins(r->rest, " = "))
		r->given = name;
	if (ends(name, ".functional._max_pool2d") && begins(r->rest, "\n"))
		r->pool = r->given;
	if (is(name, (struct slice){(const uint8_t *)"eps", 3}))
		note_final(r);
	if (!begins(args, "("))
		return;
	args = behind(args, 1);
	args.len = MIN(args.len, CALL);
	if (is(name, r->pool))
		note_pool(r->c, args, true);
	if (!begins(name, torch))
		return;
	name = behind(name, sizeof(torch) - 1);
	n = name.len;
	if (n == 0 || n >= WORD || memchr(name.ptr, '.', n) != NULL)
		return;
	memcpy(word, name.ptr, n);
	word[n] = '\0';
	if (n > 1 && word[n - 1] == '_')
		word[n - 1] = '\0';
	note_call(r->c, word, args, r->own);
}

static bool
in_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.';
}

void
torch_called_read(struct torch_called *c, struct slice text, bool own)
{
	struct reader r = {.c = c, .own = own};

	while (text.len > 0) {
		struct slice name = {text.ptr, 0};

		while (name.len < text.len && in_name(text.ptr[name.len]))
			name.len++;
		if (name.len == 0) {
			text = behind(text, 1);
			continue;
		}
		text = r.rest = behind(text, name.len);
		if (is(name, (struct slice){(const uint8_t *)"class", 5})) {
			r.norm = begins(r.rest, " BatchNorm");
			r.layer = begins(r.rest, " LayerNorm");
			r.pool = (struct slice){0};
		}
		if (ends(name, ".transform_input"))
			c->changes_input = true;
		note_name(&r, name);
	}
}

/* --- beside the graph ---------------------------------------------------- */

#define EXPORT "export the model as ONNX"

/* A pool to a number of rows and columns, for images of any size, is drawn by
 * arithmetic with the sizes (layer_adaptive_pool). */
static bool
by_sizes(const struct model *m)
{
	bool sizes = false;

	for (size_t i = 0; i < m->nnode; i++) {
		if (strcmp(m->node[i].op, "Softmax") == 0)
			return false;
		sizes = sizes || strcmp(m->node[i].op, "Shape") == 0;
	}
	return sizes;
}

static bool
explained(const struct model *m, const struct row *r, bool sizes)
{
	static const char *const size_ops[] = {
	    "Add", "Concat", "Div", "Mul", "Slice"};

	for (size_t i = 0; i < m->nnode; i++) {
		const char *op = m->node[i].op;

		if (among(r->ops, op) &&
		    !(sizes && r->own &&
			text_is_one_of(op, size_ops, ARRAY_LEN(size_ops))))
			return true;
	}
	return false;
}

/* What is not drawn: a normalisation that became preprocessing, the branch of
 * transform_input that is not taken. */
static bool
elsewhere(const struct torch_called *c, const struct model *m, const char *name)
{
	static const char *const norm[] = {"div", "sub"};
	static const char *const input[] = {"mul", "select"};

	if (m->preprocess.nmean + m->preprocess.nstd != 0 &&
	    text_is_one_of(name, norm, ARRAY_LEN(norm)))
		return true;
	return c->changes_input &&
	       text_is_one_of(name, input, ARRAY_LEN(input));
}

static bool
called(const struct torch_called *c, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(row_table); i++)
		if (strcmp(row_table[i].name, name) == 0)
			return c->row[i];
	BUG("no such row");
}

/* A difference and a quotient: a transformer of those that are known has the
 * one or the other, a normalisation in front of it has both. */
static bool
normalises(const struct torch_called *c, const struct model *m)
{
	return called(c, "sub") && called(c, "div") && !elsewhere(c, m, "sub");
}

static int
check_calls(const struct torch_called *c, const struct model *m, struct err *e)
{
	bool sizes = by_sizes(m);

	for (size_t i = 0; i < ARRAY_LEN(row_table); i++) {
		const struct row *r = &row_table[i];

		if (c->row[i] && !elsewhere(c, m, r->name) &&
		    !explained(m, r, sizes))
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file calls torch.%s, for "
			    "which the architecture of these weights has "
			    "nothing: " EXPORT,
			    r->name);
	}
	if (normalises(c, m))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "torch: the code of the file subtracts and divides, which "
		    "the architecture of these weights does not: " EXPORT);
	return 0;
}

static int
check_made(const struct torch_called *c, const struct model *m, struct err *e)
{
	for (size_t i = 0; i < m->nnode; i++)
		for (size_t k = 0; k < ARRAY_LEN(made_table); k++)
			if (!c->made[k] &&
			    strcmp(made_table[k].op, m->node[i].op) == 0)
				return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
				    "torch: the architecture of these weights "
				    "has a %s ('%.60s'), and the code of the "
				    "file calls nothing like it: " EXPORT,
				    m->node[i].op, m->node[i].name);
	return 0;
}

static bool
pool_of(const struct node *n, struct torch_called_pool *p)
{
	int64_t pads[4];

	if (strcmp(n->op, "MaxPool") != 0 ||
	    !node_ints(n, "kernel_shape", p->v, 2) ||
	    !node_ints(n, "strides", p->v + 2, 2) ||
	    !node_ints(n, "dilations", p->v + 6, 2) ||
	    !node_ints(n, "pads", pads, 4))
		return false;
	p->v[4] = pads[0];
	p->v[5] = pads[1];
	return true;
}

static int
check_pools(const struct torch_called *c, const struct model *m, struct err *e)
{
	struct torch_called_pool p;
	bool met[TORCH_CALLED_POOLS] = {false};
	size_t at, seen = 0;

	if (c->unsure_pool || c->npool == 0)
		return 0;
	for (size_t i = 0; i < m->nnode; i++) {
		if (!pool_of(&m->node[i], &p))
			continue;
		for (at = 0; at < c->npool; at++)
			if (memcmp(&c->pool[at], &p, sizeof(p)) == 0)
				break;
		if (at == c->npool)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file has no max-pool of "
			    "kernel %" PRId64 ", stride %" PRId64
			    " and pad %" PRId64 ", as the architecture of "
			    "these weights has: " EXPORT,
			    p.v[0], p.v[2], p.v[4]);
		seen += !met[at];
		met[at] = true;
	}
	for (at = 0; at < c->npool; at++)
		if (!met[at])
			break;
	return seen == c->npool
		   ? 0
		   : err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			 "torch: the code of the file has a max-pool of kernel "
			 "%" PRId64 ", stride %" PRId64 " and pad %" PRId64
			 ", which the architecture of these weights has "
			 "not: " EXPORT,
			 c->pool[at].v[0], c->pool[at].v[2], c->pool[at].v[4]);
}

/* The epsilon of a node of this operator, which text and graph may have with
 * other last digits. */
static bool
has_eps(const struct node *n, const char *op, double v)
{
	return strcmp(n->op, op) == 0 &&
	       fabs(node_real(n, "epsilon", 0.0) - v) <= 1e-3 * v;
}

static int
check_eps(const struct model *m, const char *op, const double *list, size_t n,
    struct err *e)
{
	for (size_t k = 0; k < n; k++) {
		const struct node *other = NULL;
		bool found = false;

		for (size_t i = 0; i < m->nnode && !found; i++) {
			found = has_eps(&m->node[i], op, list[k]);
			if (strcmp(m->node[i].op, op) == 0)
				other = &m->node[i];
		}
		if (!found && other != NULL)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file has epsilon %g in a "
			    "normalisation, which the architecture of these "
			    "weights has not (%g): " EXPORT,
			    list[k], node_real(other, "epsilon", 0.0));
	}
	for (size_t i = 0; i < m->nnode; i++) {
		bool found = strcmp(m->node[i].op, op) != 0;

		for (size_t k = 0; k < n && !found; k++)
			found = has_eps(&m->node[i], op, list[k]);
		if (!found)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file has no epsilon of %g, "
			    "as the architecture of these weights has "
			    "('%.60s'): " EXPORT,
			    node_real(&m->node[i], "epsilon", 0.0),
			    m->node[i].name);
	}
	return 0;
}

int
torch_called_check(
    const struct torch_called *c, const struct model *m, struct err *e)
{
	int rc;

	if ((rc = check_calls(c, m, e)) != 0 ||
	    (rc = check_made(c, m, e)) != 0 || (rc = check_pools(c, m, e)) != 0)
		return rc;
	if (!c->unsure_norm && c->nnorm != 0 &&
	    (rc = check_eps(m, "BatchNormalization", c->norm, c->nnorm, e)) !=
		0)
		return rc;
	if (!c->unsure_layer && c->nlayer != 0)
		return check_eps(
		    m, "LayerNormalization", c->layer, c->nlayer, e);
	return 0;
}
