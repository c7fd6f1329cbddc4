/* SPDX-License-Identifier: MIT */
#include "engine/window.h"

#include "base/limits.h"

/* n sizes within [lo, LIMIT_IMAGE_SIDE]; `absent` where not given. */
static int
read_sizes(const struct node *node, const char *name, size_t n, size_t lo,
    size_t absent, size_t *out, struct err *e)
{
	int64_t v[4];

	for (size_t i = 0; i < n; i++)
		out[i] = absent;
	if (node_attr(node, name) == NULL)
		return 0;
	if (!node_ints(node, name, v, n))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s): '%s' is not %zu integers", node->name,
		    node->op, name, n);
	for (size_t i = 0; i < n; i++) {
		if (v[i] < (int64_t)lo || v[i] > LIMIT_IMAGE_SIDE)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "node '%s' (%s): '%s' holds %" PRId64, node->name,
			    node->op, name, v[i]);
		out[i] = (size_t)v[i];
	}
	return 0;
}

int
window_read(struct window *w, const struct node *n, struct err *e)
{
	const struct attr *same = node_attr(n, "auto_pad");
	int rc;

	*w = (struct window){.ceil = node_int(n, "ceil_mode", 0) != 0};
	if ((rc = read_sizes(n, "kernel_shape", 2, 1, 0, w->size, e)) != 0 ||
	    (rc = read_sizes(n, "strides", 2, 1, 1, w->stride, e)) != 0 ||
	    (rc = read_sizes(n, "dilations", 2, 1, 1, w->dilation, e)) != 0 ||
	    (rc = read_sizes(n, "pads", 4, 0, 0, w->pad, e)) != 0)
		return rc;
	if (same == NULL || same->kind != ATTR_TEXT)
		return 0;
	if (strcmp(same->s, "SAME_UPPER") == 0)
		w->same = WINDOW_SAME_UPPER;
	else if (strcmp(same->s, "SAME_LOWER") == 0)
		w->same = WINDOW_SAME_LOWER;
	return 0;
}

int
window_bind(const struct window *w, const struct step *s, size_t h, size_t wd,
    struct window_fit *f, struct err *e)
{
	size_t in[2] = {h, wd};

	for (size_t i = 0; i < 2; i++) {
		size_t reach = (w->size[i] - 1) * w->dilation[i] + 1;
		size_t total, before = w->pad[i], span;

		f->in[i] = in[i];
		if (w->same != WINDOW_EXPLICIT) {
			f->out[i] = (in[i] + w->stride[i] - 1) / w->stride[i];
			span = (f->out[i] - 1) * w->stride[i] + reach;
			total = span > in[i] ? span - in[i] : 0;
			f->pad[i] = w->same == WINDOW_SAME_UPPER
					? total / 2
					: total - total / 2;
			continue;
		}
		total = in[i] + before + w->pad[i + 2];
		if (w->size[i] == 0 || total < reach)
			return op_bad(s, e,
			    "a window of %zu does not fit %zu pixels", reach,
			    total);
		f->pad[i] = before;
		f->out[i] = (total - reach) / w->stride[i] + 1;
		/* ceil mode: one more, if it begins inside input or left pad */
		if (w->ceil && (total - reach) % w->stride[i] != 0 &&
		    f->out[i] * w->stride[i] < in[i] + before)
			f->out[i]++;
	}
	return 0;
}
