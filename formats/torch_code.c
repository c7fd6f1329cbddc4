/* SPDX-License-Identifier: MIT
 * Calls as torch/csrc/jit/serialization/python_print.cpp writes them:
 * torch.conv2d(x, w, b, [2, 2], [1, 1], [1, 1], groups), and what tracing
 * records, torch._convolution(x, w, b, [2, 2], [1, 1], [1, 1], False, [0, 0],
 * groups, ...).
 */
#include "formats/torch_code.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/torch_call.h"
#include "formats/torch_called.h"
#include "formats/zip.h"

#define KINDS 256       /* of convolutions; ResNet-50 has 6 */
#define TEXT  (4 << 20) /* bytes of source of one file: swin_t has 300,000 */
/* bytes of a call: python_print gives names to expressions of 40 and more */
#define CALL 4096

struct kind {
	int64_t stride[2], pad[2], dilation[2], group;
};

struct code {
	struct kind kind[KINDS];
	size_t n, calls;
	bool unsure; /* a call that was not understood */
	bool cut;    /* not all of the text was read */
	struct torch_called called;
};

/* --- one call ------------------------------------------------------------ */

static bool
read_call(struct slice s, bool traced, struct kind *k)
{
	struct slice a[9] = {{0}};
	size_t n = 0;

	while (n < ARRAY_LEN(a) && torch_call_argument(&s, &a[n]))
		n++;
	k->group = 1;
	if (n < 6 || !torch_call_pair(a[3], k->stride) ||
	    !torch_call_pair(a[4], k->pad) ||
	    !torch_call_pair(a[5], k->dilation))
		return false;
	if (traced)
		return n == 9 && a[6].len == 5 &&
		       memcmp(a[6].ptr, "False", 5) == 0 &&
		       torch_call_number(&a[8], &k->group) && a[8].len == 0;
	return n == 6 || (torch_call_number(&a[6], &k->group) && a[6].len == 0);
}

static bool
same(const struct kind *a, const struct kind *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static bool
known(const struct code *c, const struct kind *k)
{
	for (size_t i = 0; i < c->n; i++)
		if (same(&c->kind[i], k))
			return true;
	return false;
}

static void
read_text(struct code *c, struct slice text)
{
	static const char *const call[] = {
	    "torch.conv2d(", "torch._convolution("};

	for (size_t which = 0; which < ARRAY_LEN(call); which++) {
		size_t len = strlen(call[which]);
		struct slice s = text;

		for (const uint8_t *at; s.len >= len; s.ptr++, s.len--) {
			struct kind k = {0};
			struct slice args;

			at = memchr(s.ptr, 't', s.len - len + 1);
			if (at == NULL)
				break;
			s.len -= (size_t)(at - s.ptr);
			s.ptr = at;
			if (memcmp(at, call[which], len) != 0)
				continue;
			c->calls++;
			args = (struct slice){at + len, MIN(s.len - len, CALL)};
			if (!read_call(args, which == 1, &k))
				c->unsure = true;
			else if (!known(c, &k))
				c->kind[c->n++] = k;
			if ((c->unsure = c->unsure || c->n == KINDS))
				return;
		}
	}
}

/* --- the file, the model ------------------------------------------------- */

static int
read_all(struct torch *t, struct code *c, struct err *e)
{
	char begin[LIMIT_NAME + 8];
	struct slice s;
	size_t left = TEXT;
	int rc;

	snprintf(begin, sizeof(begin), "%.*s/code/", LIMIT_NAME, t->top);
	for (size_t i = 0; i < t->zip.n; i++) {
		const struct zip_entry *f = &t->zip.entry[i];

		if (strncmp(f->name, begin, strlen(begin)) != 0 ||
		    !text_ends_with(f->name, ".py"))
			continue;
		if (f->size > left) {
			c->unsure = c->cut = true;
			continue;
		}
		left -= (size_t)f->size;
		if ((rc = zip_read(&t->zip, f, &s, e)) != 0)
			return rc;
		if (!c->unsure)
			read_text(c, s);
		torch_called_read(&c->called, s,
		    torch_called_is_own(f->name + strlen(begin)));
	}
	return 0;
}

static bool
kind_of(const struct node *n, struct kind *k)
{
	int64_t pads[4];

	k->group = node_int(n, "group", 1);
	if (!node_ints(n, "strides", k->stride, 2) ||
	    !node_ints(n, "dilations", k->dilation, 2) ||
	    !node_ints(n, "pads", pads, 4) || pads[0] != pads[2] ||
	    pads[1] != pads[3])
		return false;
	memcpy(k->pad, pads, sizeof(k->pad));
	return true;
}

/* Whether the model has one of these; what is not square does not say. */
static bool
drawn(const struct model *m, const struct kind *k)
{
	for (size_t i = 0; i < m->nnode; i++) {
		struct kind of = {0};

		if (strcmp(m->node[i].op, "Conv") == 0 &&
		    (!kind_of(&m->node[i], &of) || same(&of, k)))
			return true;
	}
	return false;
}

static int
none_more(const struct code *c, const struct model *m, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct kind *k = &c->kind[i];

		if (!drawn(m, k))
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file has a convolution of "
			    "strides %" PRId64 ",%" PRId64 ", pads %" PRId64
			    ",%" PRId64 ", dilations %" PRId64 ",%" PRId64
			    " and %" PRId64 " groups, which the architecture "
			    "of these weights has not",
			    k->stride[0], k->stride[1], k->pad[0], k->pad[1],
			    k->dilation[0], k->dilation[1], k->group);
	}
	return 0;
}

int
torch_code_check(struct torch *t, const struct model *m, struct err *e)
{
	struct code c = {.n = 0};
	size_t seen = 0;
	int rc = 0;

	if (!t->is_zip)
		return 0;
	if ((rc = read_all(t, &c, e)) != 0)
		return rc;
	if (c.calls == 0 || c.cut) /* no code, or none that says it all */
		return 0;
	if ((rc = torch_called_check(&c.called, m, e)) != 0 || c.unsure)
		return rc;
	for (size_t i = 0; i < m->nnode; i++) {
		const struct node *n = &m->node[i];
		struct kind k = {0};

		if (strcmp(n->op, "Conv") != 0 || !kind_of(n, &k))
			continue;
		if (!known(&c, &k))
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "torch: the code of the file has no convolution "
			    "of strides %" PRId64 ",%" PRId64 ", pads %" PRId64
			    ",%" PRId64 " and %" PRId64
			    " groups, as '%.60s' would be by its name",
			    k.stride[0], k.stride[1], k.pad[0], k.pad[1],
			    k.group, n->nin > 1 ? n->in[1] : n->name);
		seen++;
	}
	if ((rc = none_more(&c, m, e)) != 0)
		return rc;
	torch_note(t,
	    "its code has convolutions of these strides, pads and groups "
	    "(%zu)",
	    seen);
	return 0;
}
