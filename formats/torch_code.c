/* SPDX-License-Identifier: MIT
 * Calls as torch/csrc/jit/serialization/python_print.cpp writes them:
 * torch.conv2d(x, w, b, [2, 2], [1, 1], [1, 1], groups), and what tracing
 * records, torch._convolution(x, w, b, [2, 2], [1, 1], [1, 1], False, [0, 0],
 * groups, ...).
 */
#include "formats/torch_code.h"

#include "base/limits.h"
#include "base/text.h"
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
};

/* --- one call ------------------------------------------------------------ */

static void
skip_space(struct slice *s)
{
	while (s->len > 0 && (*s->ptr == ' ' || *s->ptr == '\n')) {
		s->ptr++;
		s->len--;
	}
}

/* The next argument, without the comma behind it; false after the last. */
static bool
argument(struct slice *s, struct slice *out)
{
	size_t depth = 0, i = 0;

	skip_space(s);
	for (; i < s->len; i++) {
		uint8_t c = s->ptr[i];

		if (depth == 0 && (c == ',' || c == ')'))
			break;
		if (c == '(' || c == '[')
			depth++;
		else if ((c == ')' || c == ']') && depth > 0)
			depth--;
	}
	*out = (struct slice){s->ptr, i};
	if (i == s->len || i == 0)
		return false;
	if (s->ptr[i] == ',')
		i++;
	s->ptr += i;
	s->len -= i;
	return true;
}

static bool
number(struct slice *s, int64_t *out)
{
	size_t i = 0;

	skip_space(s);
	for (*out = 0; i < s->len && i < 9; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			break;
		*out = *out * 10 + (s->ptr[i] - '0');
	}
	s->ptr += i;
	s->len -= i;
	return i > 0;
}

/* "[2, 2]" or "[2]" */
static bool
pair(struct slice s, int64_t out[2])
{
	if (s.len < 3 || *s.ptr != '[')
		return false;
	s.ptr++;
	s.len--;
	if (!number(&s, &out[0]))
		return false;
	out[1] = out[0];
	if (s.len > 0 && *s.ptr == ',') {
		s.ptr++;
		s.len--;
		if (!number(&s, &out[1]))
			return false;
	}
	return s.len == 1 && *s.ptr == ']';
}

static bool
read_call(struct slice s, bool traced, struct kind *k)
{
	struct slice a[9] = {{0}};
	size_t n = 0;

	while (n < ARRAY_LEN(a) && argument(&s, &a[n]))
		n++;
	k->group = 1;
	if (n < 6 || !pair(a[3], k->stride) || !pair(a[4], k->pad) ||
	    !pair(a[5], k->dilation))
		return false;
	if (traced)
		return n == 9 && a[6].len == 5 &&
		       memcmp(a[6].ptr, "False", 5) == 0 &&
		       number(&a[8], &k->group) && a[8].len == 0;
	return n == 6 || (number(&a[6], &k->group) && a[6].len == 0);
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
			c->unsure = true;
			continue;
		}
		left -= (size_t)f->size;
		if ((rc = zip_read(&t->zip, f, &s, e)) != 0)
			return rc;
		if (!c->unsure)
			read_text(c, s);
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
	if (c.calls == 0 || c.unsure) /* no code, or none that says it all */
		return 0;
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
	torch_note(t,
	    "its code has convolutions of these strides, pads and groups "
	    "(%zu)",
	    seen);
	return 0;
}
