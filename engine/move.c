/* SPDX-License-Identifier: MIT */
#include "engine/move.h"

int
move_eval(const struct step *s, const struct shape *const *in,
    const struct shape *out, union number *v, struct err *e)
{
	struct box b = s->op->move(s, in, out, true);

	(void)e;
	box_numbers(&b, in[0]->known, v);
	return 0;
}

static struct box
box_of(const struct op_call *c)
{
	return c->step->op->move(c->step, c->shape_in, c->shape_out, false);
}

void
move_forward(const struct op_call *c)
{
	struct box b = box_of(c);

	box_move(&b, c->in[0], c->out, 1.0f, false);
}

void
move_backward(const struct op_call *c)
{
	struct box b = box_of(c), t = box_turned(&b);
	size_t n = shape_elements(c->shape_in[0]);
	bool part = n != shape_elements(c->shape_out);

	if (part && !c->add[0])
		memset(c->din[0], 0, n * sizeof(*c->din[0]));
	box_move(&t, c->dout, c->din[0], 1.0f, part || c->add[0]);
}
