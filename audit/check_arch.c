/* SPDX-License-Identifier: MIT
 * Backdoors in the architecture: what check_arch_flow.h finds suspicious.
 */
#include "audit/check_arch.h"

#include "audit/check_arch_body.h"
#include "audit/check_arch_coreml.h"
#include "audit/check_arch_export.h"
#include "audit/check_arch_keras.h"
#include "audit/check_arch_ov.h"
#include "audit/check_arch_paddle.h"
#include "audit/check_arch_pir.h"
#include "audit/check_arch_script.h"
#include "audit/check_arch_tfjs.h"
#include "audit/check_arch_tflite.h"
#include "base/limits.h"
#include "formats/onnx_probe.h"

#define FEW        4 /* places that are said of one kind */
#define IMAGE_RANK 4

void
check_arch_say(const struct check_file *f, const struct check_arch_flow *w,
    const struct check_arch_node *n, enum check_arch_suspicion s, size_t in)
{
	static const struct {
		enum finding_id id;
		const char *what;
	} kinds[] = {
	    [CHECK_ARCH_GATE] = {FINDING_ARCH_GATE, "a decision"},
	    [CHECK_ARCH_BYPASS] = {FINDING_ARCH_BYPASS, "what"},
	    [CHECK_ARCH_SIDE] = {FINDING_ARCH_SIDE, "what"},
	    [CHECK_ARCH_RESULT] = {FINDING_ARCH_RESULT, "a decision"},
	    [CHECK_ARCH_ODD] = {FINDING_ARCH_OPERATOR, "the image"},
	};
	const char *name = in != SIZE_MAX ? w->g->value[in].name : "";
	uint32_t most = in != SIZE_MAX ? w->state[in].most : 0;

	if (s == CHECK_ARCH_ODD)
		check_find(f, kinds[s].id, ERR_NOWHERE, "node '%.80s' (%.40s)",
		    n->name, n->op);
	else
		check_find(f, kinds[s].id, ERR_NOWHERE,
		    "%s behind %" PRIu32 " of %" PRIu32
		    " layers, '%.80s', goes into node '%.80s' (%.40s)",
		    kinds[s].what, most, w->most, name, n->name, n->op);
}

static void
unused_inputs(const struct check_file *f, const struct check_arch_flow *w)
{
	for (size_t i = 0; i < w->g->ninput; i++)
		if (!w->state[w->g->input[i]].live)
			check_find(f, FINDING_ARCH_INPUT, ERR_NOWHERE,
			    "'%.80s'", w->g->value[w->g->input[i]].name);
}

static void
too_large(const struct check_file *f, const struct err *e)
{
	check_short(f, FINDING_FILE_LIMIT, e->off, "%s", e->msg);
}

enum scope {
	ALL,
	GATES, /* of what was put together without the weights */
	/* of a part of a graph, of which nobody knows what goes in: gates that no
	 * layer had a part in, in place of what all have made */
	STRICT,
};

static bool
counts(const struct check_arch_flow *w, const struct check_arch_node *n,
    enum check_arch_suspicion s, size_t in, enum scope scope)
{
	if (s == CHECK_ARCH_NOTHING || scope == ALL)
		return s != CHECK_ARCH_NOTHING;
	return s == CHECK_ARCH_GATE &&
	       (scope == GATES || (w->state[in].most == 0 &&
				      w->state[n->out[0]].most == w->most));
}

static void
judge(const struct check_file *f, const struct check_arch_graph *g,
    enum scope scope, struct arena *a)
{
	struct check_arch_flow w;
	size_t seen[CHECK_ARCH_ODD + 1] = {0};
	struct err e = {0};

	if (check_arch_flow_init(&w, g, a, &e) != 0) {
		too_large(f, &e);
		return;
	}
	if (scope == ALL)
		unused_inputs(f, &w);
	/* numbers beside token numbers and masks: comparisons of those are how
	 * masks are made */
	if (g->ninput != 0 && g->nother != 0 && g->image != IMAGE_RANK)
		return;
	for (size_t i = 0; i < g->nnode; i++) {
		size_t in;
		enum check_arch_suspicion s =
		    check_arch_flow_judge(&w, &g->node[i], &in);

		if (counts(&w, &g->node[i], s, in, scope) && seen[s]++ < FEW)
			check_arch_say(f, &w, &g->node[i], s, in);
	}
}

void
check_arch_model(const struct check_file *f, const struct model *m)
{
	struct check_arch_graph g;
	struct err e = {0};
	struct arena a;

	if (m->nnode == 0)
		return;
	arena_init(&a, LIMIT_MODEL_ARENA);
	if (check_arch_graph_model(&g, m, &a, &e) == 0)
		judge(f, &g, ALL, &a);
	else
		too_large(f, &e);
	arena_release(&a);
}

static void
judge_gates(const struct check_file *f, const struct onnx_file *x,
    struct arena *a, struct err *e)
{
	struct check_arch_graph g;

	if (e->code == 0 && check_arch_graph_onnx(&g, x, a, e) == 0)
		judge(f, &g, GATES, a);
	if (e->code == ERR_LIMIT)
		too_large(f, e);
}

void
check_arch_configuration(const struct check_file *f, const json_t *document)
{
	struct onnx_file x = {0};
	struct err e = {0};
	struct arena a;

	arena_init(&a, LIMIT_MODEL_ARENA);
	if (check_arch_keras(document, &a, &x, &e))
		judge_gates(f, &x, &a, &e);
	arena_release(&a);
}

void
check_arch_program(const struct check_file *f, const struct conf_doc *d)
{
	struct onnx_file x = {0};
	struct err e = {0};
	struct arena a;

	arena_init(&a, LIMIT_MODEL_ARENA);
	if (check_arch_export(d, &a, &x, &e) ||
	    check_arch_tfjs(d, &a, &x, &e) || check_arch_pir(d, &a, &x, &e))
		judge_gates(f, &x, &a, &e);
	arena_release(&a);
}

void
check_arch_network(const struct check_file *f, struct rd description,
    struct rd network, bool program)
{
	struct onnx_file x = {0};
	struct err e = {0};
	struct arena a;

	arena_init(&a, LIMIT_MODEL_ARENA);
	if (program)
		check_arch_mil(network, &a, &x, &e);
	else
		check_arch_coreml(network, description, &a, &x, &e);
	judge_gates(f, &x, &a, &e);
	arena_release(&a);
}

/* A ProgramDesc, of which check_paddle() says what is wrong with it. */
static void
paddle(const struct check_file *f)
{
	struct onnx_file x = {0};
	struct err e = {0};
	struct arena a;

	if (!check_is(f, "paddle"))
		return;
	arena_init(&a, LIMIT_MODEL_ARENA);
	check_arch_paddle(f->bytes, &a, &x, &e);
	judge_gates(f, &x, &a, &e);
	arena_release(&a);
}

struct part {
	const struct check_file *f;
	struct arena *arena;
};

static int
judge_part(void *ctx, const struct onnx_file *x, struct err *e)
{
	struct part *p = ctx;
	struct check_arch_graph g;
	struct err damage = {0};
	int rc = check_arch_graph_onnx(&g, x, p->arena, &damage);

	if (rc == 0)
		judge(p->f, &g, STRICT, p->arena);
	return rc == ERR_LIMIT
		   ? err_set(e, ERR_LIMIT, damage.off, "%s", damage.msg)
		   : 0;
}

static void
judge_bodies(
    const struct check_file *f, const struct onnx_file *x, struct arena *a)
{
	struct part p = {f, a};
	struct check_arch_bodies s = {
	    .model = f->bytes, .arena = a, .judge = judge_part, .ctx = &p};
	struct err e = {0};

	if (check_arch_bodies(&s, x, 0, &e) == 0)
		return;
	if (e.code == ERR_LIMIT)
		too_large(f, &e);
	else
		check_short(f, FINDING_MODEL_INVALID, e.off, "%s", e.msg);
}

static int
judge_ov(void *ctx, struct rd body)
{
	struct part *p = ctx;
	struct onnx_file x = {0};
	struct err e = {0};

	if (check_arch_ov_body(body, p->arena, &x, &e) && e.code == 0)
		return judge_part(ctx, &x, &e);
	return e.code == ERR_LIMIT ? ERR_LIMIT : 0;
}

/* False: the bytes are no graph. */
static bool
read_graph(
    const struct check_file *f, struct arena *a, struct onnx_file *x, int *rc)
{
	struct err e = {0};

	if (onnx_probe(f->bytes) == 0) {
		bool ov = check_arch_ov(f->bytes, a, x, &e);
		bool is = ov || check_arch_tflite(f->bytes, a, x, &e);

		if (ov && e.code == 0 &&
		    check_arch_ov_bodies(
			f->bytes, judge_ov, &(struct part){f, a}) != 0)
			(void)err_set(&e, ERR_LIMIT, ERR_NOWHERE,
			    "openvino: bodies too deep, or too large");

		if (e.code == ERR_FORMAT)
			check_find(
			    f, FINDING_MODEL_INVALID, e.off, "%s", e.msg);
		else if (e.code != 0)
			too_large(f, &e);
		return is && (*rc = e.code) == 0;
	}
	*rc = onnx_file_parse(f->bytes, a, x, &e);
	return true;
}

void
check_arch(const struct check_file *f)
{
	struct check_arch_graph g;
	struct onnx_file x = {0};
	struct err e = {0};
	struct arena a;
	int rc = 0;

	check_arch_script(f);
	paddle(f);
	arena_init(&a, LIMIT_MODEL_ARENA);
	/* the graph is there when only weights are elsewhere; what else is
	 * wrong is check_model's to say */
	if (read_graph(f, &a, &x, &rc) &&
	    (rc == 0 || (rc == ERR_UNSUPPORTED && x.nnode != 0))) {
		rc = check_arch_graph_onnx(&g, &x, &a, &e);
		if (rc == 0)
			judge(f, &g, ALL, &a);
		else if (rc == ERR_LIMIT)
			too_large(f, &e);
		judge_bodies(f, &x, &a);
	}
	arena_release(&a);
}
