/* SPDX-License-Identifier: MIT */
#include "formats/torch_resize.h"

#include "formats/torch.h"

#define OUTPUT "assay.resized"
#define NATTR  4

static int
fill_attr(struct model *m, struct attr *at, int64_t height, int64_t width,
    struct err *e)
{
	int64_t *size = arena_alloc(&m->arena, 2, sizeof(*size));
	int64_t *axis = arena_alloc(&m->arena, 2, sizeof(*axis));
	double *real = arena_alloc(&m->arena, 4, sizeof(*real));

	if (size == NULL || axis == NULL || real == NULL)
		return torch_full(e);
	size[0] = height;
	size[1] = width;
	axis[0] = 2;
	axis[1] = 3;
	for (size_t i = 0; i < 2; i++) {
		real[i] = (double)size[i];
		real[2 + i] = (double)axis[i];
	}
	at[0] = (struct attr){.name = "mode", .kind = ATTR_TEXT, .s = "linear"};
	at[1] = (struct attr){.name = "coordinate_transformation_mode",
	    .kind = ATTR_TEXT,
	    .s = "half_pixel"};
	at[2] = (struct attr){.name = "axes",
	    .kind = ATTR_INTS,
	    .ints = axis,
	    .reals = real + 2,
	    .n = 2};
	at[3] = (struct attr){.name = "sizes",
	    .kind = ATTR_INTS,
	    .ints = size,
	    .reals = real,
	    .n = 2};
	return 0;
}

int
torch_resize_front(
    struct model *m, int64_t height, int64_t width, struct err *e)
{
	struct node *node = arena_alloc(&m->arena, m->nnode + 1, sizeof(*node));
	const char **name = arena_alloc(&m->arena, 2, sizeof(*name));
	struct attr *at = arena_alloc(&m->arena, NATTR, sizeof(*at));
	int rc;

	if (node == NULL || name == NULL || at == NULL)
		return torch_full(e);
	if ((rc = fill_attr(m, at, height, width, e)) != 0)
		return rc;
	name[0] = m->input;
	name[1] = OUTPUT;
	node[0] = (struct node){.op = "Resize",
	    .name = OUTPUT,
	    .in = name,
	    .out = name + 1,
	    .nin = 1,
	    .nout = 1,
	    .attr = at,
	    .nattr = NATTR};
	for (size_t i = 0; i < m->nnode; i++) {
		for (size_t k = 0; k < m->node[i].nin; k++)
			if (strcmp(m->node[i].in[k], m->input) == 0)
				m->node[i].in[k] = OUTPUT;
		node[i + 1] = m->node[i];
	}
	if (strcmp(m->output, m->input) == 0)
		m->output = OUTPUT;
	m->node = node;
	m->nnode++;
	m->shape[2] = m->shape[3] = -1;
	return model_check(m, e);
}
