/* SPDX-License-Identifier: MIT */
#include "formats/onnx_graph.h"
#include "formats/onnx_attention.h"

#include "base/limits.h"
#include "formats/onnx_fact.h"
#include "formats/onnx_quant.h"
#include "formats/onnx_quant_op.h"

int
onnx_graph_known(const struct onnx_file *f, int64_t least, struct err *e)
{
	if (f->opset >= least && f->opset <= 21)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "onnx: operator set %" PRId64 ", known are %" PRId64 " to 21",
	    f->opset, least);
}

/* What the layers of quantised models, and fused ones, become besides: nodes
 * and constants. */
static size_t
more_room(const struct onnx_node *n)
{
	if (onnx_attention_find(n->op) != NULL)
		return ONNX_ATTENTION_NODES;
	return onnx_quant_op_find(n->domain, n->op) != NULL ? n->nin + 10 : 0;
}

/*
 * Room for what lowering makes of one node: one for each input (Sum), or up
 * to six more than it has inputs (GroupNormalization), and one constant.
 */
int
onnx_graph_begin(struct onnx_lower *l, struct model *m,
    const struct onnx_file *f, size_t more, struct err *e)
{
	struct arena *a = &m->arena;
	size_t names = f->ninput + f->ninfo + 8, nodes = 8;

	*l = (struct onnx_lower){.m = m, .f = f, .e = e, .batch = m->shape[0]};
	map_init(&l->constant, a);
	map_init(&l->alias, a);
	map_init(&l->fact, a);
	map_init(&l->used, a);
	map_init(&l->taken, a);
	map_init(&l->tried, a);
	map_init(&l->whole, a);
	map_init(&l->behind, a);
	l->budget = onnx_quant_budget(f);
	for (size_t i = 0; i < f->nnode; i++)
		nodes += f->node[i].nin + 6 + more_room(&f->node[i]);
	for (size_t i = 0; i < f->nnode; i++)
		names += f->node[i].nout;
	names += nodes;
	l->node_cap = nodes;
	l->tensor_cap = f->ntensor + f->nnode + more;
	for (size_t i = 0; i < f->nnode; i++)
		l->tensor_cap += more_room(&f->node[i]);
	l->fact_cap = names;
	l->target = arena_alloc(a, f->nnode + 1, sizeof(*l->target));
	l->facts = arena_alloc(a, names, sizeof(*l->facts));
	m->node = arena_alloc(a, l->node_cap, sizeof(*m->node));
	m->tensor = arena_alloc(a, l->tensor_cap + 1, sizeof(*m->tensor));
	if (l->target == NULL || l->facts == NULL || m->node == NULL ||
	    m->tensor == NULL)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
	return 0;
}

void
onnx_graph_names(
    struct onnx_lower *l, const struct onnx_order *o, const char *output)
{
	const struct onnx_file *f = l->f;

	for (size_t i = 0; i < f->ntensor; i++)
		onnx_lower_tensor(l, &f->tensor[i].t);
	for (size_t i = 0; i < f->nnode; i++) {
		for (size_t k = 0; k < f->node[i].nout; k++)
			l->full |= map_put(&l->taken, f->node[i].out[k], 0) < 0;
		for (size_t k = 0; o->live[i] && k < f->node[i].nin; k++)
			l->full |= map_put(&l->used, f->node[i].in[k], 0) < 0;
	}
	for (size_t i = 0; i < f->ntensor; i++)
		l->full |= map_put(&l->taken, f->tensor[i].t.name, 0) < 0;
	for (size_t i = 0; i < f->ninput; i++)
		l->full |= map_put(&l->taken, f->input[i].name, 0) < 0;
	l->full |= map_put(&l->used, output, 0) < 0;
	for (size_t i = 0; i < f->ninfo; i++)
		if (f->info[i].shaped)
			onnx_fact_set(l, f->info[i].name,
			    (struct onnx_fact){
				.ranked = true, .rank = f->info[i].rank});
}

int
onnx_graph_nodes(
    struct onnx_lower *l, const struct onnx_order *o, const char *output)
{
	const struct onnx_file *f = l->f;
	int rc;

	for (size_t i = 0; i < f->nnode; i++)
		if (o->live[o->node[i]] &&
		    (rc = onnx_lower_one(l, &f->node[o->node[i]])) != 0)
			return rc;
	l->m->output = onnx_lower_name(l, output);
	return 0;
}

int
onnx_graph_sweep(struct model *m, struct err *e)
{
	struct arena *a = &m->arena;
	bool *keep = arena_alloc(a, m->nnode + 1, sizeof(*keep));
	struct map need;
	size_t n = 0;

	map_init(&need, a);
	if (keep == NULL || map_put(&need, m->output, 0) < 0)
		goto full;
	for (size_t i = m->nnode; i-- > 0;) {
		const struct node *x = &m->node[i];

		for (size_t k = 0; k < x->nout; k++)
			keep[i] = keep[i] ||
				  (*x->out[k] != '\0' &&
				      map_get(&need, x->out[k]) != SIZE_MAX);
		for (size_t k = 0; keep[i] && k < x->nin; k++)
			if (map_put(&need, x->in[k], 0) < 0)
				goto full;
	}
	for (size_t i = 0; i < m->nnode; i++)
		if (keep[i])
			m->node[n++] = m->node[i];
	m->nnode = n;
	n = 0;
	for (size_t i = 0; i < m->ntensor; i++) {
		const struct tensor *t = &m->tensor[i];

		if (map_get(&need, t->name) == SIZE_MAX)
			continue;
		if (t->dtype == DTYPE_COUNT)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "onnx: tensor '%s' is neither of floats nor of "
			    "signed integers",
			    t->name);
		m->tensor[n++] = *t;
	}
	m->ntensor = n;
	return 0;
full:
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large");
}

/* --- any graph ----------------------------------------------------------- */

/* Before operator set 6: only what has never changed. */
static int
check_sets(struct onnx_lower *l)
{
	static const char *const same[] = {
	    "GlobalAveragePool", "GlobalMaxPool", "Not", "Softplus"};
	const struct onnx_file *f = l->f;

	for (size_t i = 0; f->opset < 6 && i < f->nnode; i++) {
		size_t k = 0;

		while (
		    k < ARRAY_LEN(same) && strcmp(f->node[i].op, same[k]) != 0)
			k++;
		if (k == ARRAY_LEN(same))
			return onnx_lower_fail(l, &f->node[i], ERR_UNSUPPORTED,
			    "its form in operator set %" PRId64, f->opset);
	}
	return 0;
}

/* Each input of the graph is fed or has a default. */
static int
take_feeds(struct onnx_lower *l, const struct onnx_order *o,
    const struct tensor *feed, size_t nfeed, const char *input)
{
	const struct onnx_file *f = l->f;
	struct map fed;

	map_init(&fed, &l->m->arena);
	for (size_t i = 0; i < nfeed; i++) {
		struct onnx_fact x = {.ranked = true, .rank = feed[i].rank};

		if (map_get(&o->define, feed[i].name) != f->nnode ||
		    map_get(&o->init, feed[i].name) != SIZE_MAX ||
		    map_put(&fed, feed[i].name, i) != 1)
			return err_set(l->e, ERR_FORMAT, ERR_NOWHERE,
			    "onnx: '%s' is no input that could be fed",
			    feed[i].name);
		if (input != NULL && strcmp(feed[i].name, input) == 0)
			onnx_fact_set(l, feed[i].name, x);
		else
			onnx_lower_tensor(l, &feed[i]);
	}
	for (size_t i = 0; i < f->ninput; i++)
		if (map_get(&fed, f->input[i].name) == SIZE_MAX &&
		    map_get(&o->init, f->input[i].name) == SIZE_MAX)
			return err_set(l->e, ERR_FORMAT, f->input[i].at,
			    "onnx: nothing is fed to '%s'", f->input[i].name);
	if (input != NULL && map_get(&fed, input) == SIZE_MAX)
		return err_set(l->e, ERR_FORMAT, ERR_NOWHERE,
		    "onnx: there is no input '%s'", input);
	return 0;
}

static int
build(struct model *m, const struct onnx_file *f, const struct tensor *feed,
    size_t nfeed, const char *input, const char *output, struct err *e)
{
	struct onnx_order o;
	struct onnx_lower l;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(m->shape); i++)
		m->shape[i] = -1;
	m->format = "onnx";
	m->producer = m->note = "";
	if ((rc = onnx_graph_known(f, 1, e)) != 0 ||
	    (rc = onnx_order_init(f, &m->arena, &o, e)) != 0)
		return rc;
	if (map_get(&o.define, output) == SIZE_MAX)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "onnx: the output '%s' is not defined", output);
	onnx_order_live(f, &o, output);
	if ((rc = onnx_graph_begin(&l, m, f, nfeed, e)) != 0)
		return rc;
	l.graph = true;
	onnx_graph_names(&l, &o, output);
	m->input =
	    input != NULL ? input : onnx_lower_fresh(&l, "assay.input", "none");
	if ((rc = check_sets(&l)) != 0 ||
	    (rc = take_feeds(&l, &o, feed, nfeed, input)) != 0 ||
	    (rc = onnx_graph_nodes(&l, &o, output)) != 0 ||
	    (rc = onnx_graph_sweep(m, e)) != 0)
		return rc;
	return l.full
		   ? err_set(e, ERR_LIMIT, ERR_NOWHERE, "onnx: model too large")
		   : model_check(m, e);
}

int
onnx_graph(struct model *m, const struct onnx_file *f,
    const struct tensor *feed, size_t nfeed, const char *input,
    const char *output, struct err *e)
{
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	if ((rc = build(m, f, feed, nfeed, input, output, e)) != 0)
		model_release(m);
	return rc;
}
