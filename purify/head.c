/* SPDX-License-Identifier: MIT */
#include "purify/head.h"

static bool
is_param(const struct net *net, size_t v)
{
	return v != SIZE_MAX && net->value[v].param != SIZE_MAX;
}

static bool
is_passed(const struct net *net, const struct step *s)
{
	if (s->op == &op_add)
		return is_param(net, s->in[0]) != is_param(net, s->in[1]);
	return (s->op->flags & OP_MOVES) != 0 || s->op == &op_to_rows ||
	       s->op == &op_to_image || s->op == &op_identity ||
	       s->op == &op_global_average_pool;
}

/* Rows of classes, or of features. */
static bool
is_by_class(const struct step *s)
{
	return s->op == &op_conv ||
	       (s->op == &op_gemm && node_int(s->node, "transB", 0) != 0);
}

static bool
is_linear(const struct step *s, const struct param *w)
{
	if (w == NULL || w->n == 0)
		return false;
	if (s->op == &op_conv) /* of 1 x 1: of a pixel's channels */
		return s->nin <= 3 && w->n == w->shape.dim[0] * w->shape.dim[1];
	return (s->op == &op_gemm || s->op == &op_matmul) && w->shape.rank == 2;
}

int
head_find(struct head *h, const struct net *net, struct err *e)
{
	size_t v = net->output;

	while (v != SIZE_MAX && net->value[v].step != SIZE_MAX) {
		const struct step *s = &net->step[net->value[v].step];
		const struct param *w = net_trainable(net, s, 1);
		bool by_class = is_by_class(s);

		if (is_linear(s, w) &&
		    w->shape.dim[by_class ? 0 : 1] == net->classes) {
			size_t f = w->shape.dim[by_class ? 1 : 0];

			*h = (struct head){w->at, w->n, net->classes, f,
			    {by_class ? f : 1, by_class ? 1 : net->classes}};
			return 0;
		}
		if (!is_passed(net, s))
			break;
		v = s->in[is_param(net, s->in[0])];
	}
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "the model's output is not that of a linear layer");
}
