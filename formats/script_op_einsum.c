/* SPDX-License-Identifier: MIT
 * einsum(equation, tensors): dots and an equation without a result are written
 * out, more than two tensors are joined from the left.
 */
#include "formats/script_op.h"

#define MOST 8 /* tensors */

struct term {
	char l[MODEL_MAX_RANK + 1]; /* a letter for each dimension */
	size_t n;
};

struct equation {
	struct term in[MOST], out;
	size_t n;
	char dots[MODEL_MAX_RANK + 1]; /* letters of the dots' dimensions */
	size_t ndots;
	int64_t dim[128]; /* of a letter; -1: not known */
};

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
has(const struct term *t, char c)
{
	return memchr(t->l, c, t->n) != NULL;
}

static bool
add(struct term *t, char c)
{
	if (t->n == MODEL_MAX_RANK)
		return false;
	t->l[t->n++] = c;
	t->l[t->n] = '\0';
	return true;
}

/* Of text [p, end) the letters; the dots stand for `ndots` dimensions. */
static bool
read_term(struct equation *q, const char *p, const char *end, size_t n,
    struct term *t)
{
	*t = (struct term){.n = 0};
	for (; p < end; p++) {
		if (*p == ' ')
			continue;
		if (*p == '.' && end - p >= 3 && p[1] == '.' && p[2] == '.') {
			for (size_t i = q->ndots - n; i < q->ndots; i++)
				if (!add(t, q->dots[i]))
					return false;
			n = 0; /* the only ones */
			p += 2;
		} else if (!is_letter(*p) || !add(t, *p)) {
			return false;
		}
	}
	return true;
}

static size_t
letters(const char *p, const char *end)
{
	size_t n = 0;

	for (; p < end; p++)
		n += is_letter(*p);
	return n;
}

static size_t
count(const char *p, const char *end, const char *what)
{
	size_t n = 0, len = strlen(what);

	for (; p + len <= end; p++)
		n += memcmp(p, what, len) == 0;
	return n;
}

/* Letters for the dots of any tensor, which the equation has not. */
static bool
name_dots(struct equation *q, const char *text, size_t most)
{
	if (most > MODEL_MAX_RANK)
		return false;
	for (char c = 'A'; c <= 'Z' && q->ndots < most; c++)
		if (strchr(text, c) == NULL)
			q->dots[q->ndots++] = c;
	return q->ndots == most;
}

/* Without "->": the dots, then the letters that stand but once. */
static bool
imply(struct equation *q)
{
	struct term dots = {.n = q->ndots};

	memcpy(dots.l, q->dots, q->ndots);
	q->out = dots;
	for (int c = 'A'; c <= 'z'; c++) {
		size_t n = 0;

		if (!is_letter((char)c) || has(&dots, (char)c))
			continue;
		for (size_t i = 0; i < q->n; i++)
			for (size_t k = 0; k < q->in[i].n; k++)
				n += q->in[i].l[k] == (char)c;
		if (n == 1 && !add(&q->out, (char)c))
			return false;
	}
	return true;
}

/* What is known of the sizes: 1 goes with any other. */
static void
take_sizes(struct equation *q, const struct term *t, const int64_t *dim)
{
	for (size_t i = 0; i < t->n; i++) {
		int64_t *d = &q->dim[(unsigned char)t->l[i]];

		*d = MAX(*d, dim[i]);
	}
}

static bool
read_inputs(struct equation *q, const char *text, const char *end,
    const struct script_row *l)
{
	size_t ranks[MOST], most = 0;
	const char *p = text;

	for (size_t pass = 0; pass < 2; pass++, p = text) {
		if (pass == 1 && !name_dots(q, text, most))
			return false;
		for (size_t i = 0; i < l->n; i++) {
			const char *to = memchr(p, ',', (size_t)(end - p));
			size_t n, rank = l->v[i].t->rank;

			if ((to == NULL) != (i + 1 == l->n))
				return false;
			to = to != NULL ? to : end;
			n = letters(p, to);
			if (n > rank || count(p, to, "...") > 1 ||
			    (count(p, to, "...") == 0 && n != rank))
				return false;
			ranks[i] = rank - n;
			most = MAX(most, ranks[i]);
			if (pass == 1 &&
			    (!read_term(q, p, to, ranks[i], &q->in[i]) ||
				q->in[i].n != rank))
				return false;
			p = to + 1;
		}
	}
	q->n = l->n;
	return true;
}

static bool
read_equation(struct equation *q, const char *text, const struct script_row *l)
{
	const char *to = strstr(text, "->"), *end = text + strlen(text);

	*q = (struct equation){.n = 0};
	for (size_t i = 0; i < ARRAY_LEN(q->dim); i++)
		q->dim[i] = -1;
	if (!read_inputs(q, text, to != NULL ? to : end, l))
		return false;
	for (size_t i = 0; i < q->n; i++)
		take_sizes(q, &q->in[i], l->v[i].t->dim);
	if (to == NULL)
		return imply(q);
	return count(to, end, "...") <= 1 &&
	       read_term(q, to + 2, end, q->ndots, &q->out);
}

/* --- nodes --------------------------------------------------------------- */

static const char *
draw(struct script *s, const char *const *in, size_t n, const struct term *t,
    const struct term *out)
{
	struct onnx_node *node = script_node(s, "Einsum", 1, in, n);
	const char *text = arena_printf(s->arena, "%s%s%s->%s", t[0].l,
	    n > 1 ? "," : "", n > 1 ? t[1].l : "", out->l);

	return node != NULL && text != NULL &&
		       script_node_text(s, node, "equation", text) == 0
		   ? node->out[0]
		   : NULL;
}

/* What is left of two: what the result or a later tensor has. */
static struct term
kept(const struct equation *q, const struct term *x, size_t i)
{
	struct term t = {.n = 0};

	for (size_t k = 0; k < x->n + q->in[i].n; k++) {
		char c = k < x->n ? x->l[k] : q->in[i].l[k - x->n];
		bool asked = has(&q->out, c);

		for (size_t j = i + 1; j < q->n && !asked; j++)
			asked = has(&q->in[j], c);
		if (asked && !has(&t, c) && !add(&t, c))
			return (struct term){.n = SIZE_MAX};
	}
	return t;
}

/* The name of the result; NULL, the error set or not. */
static const char *
chain(struct script *s, const struct equation *q, const char *const *name)
{
	struct term t[2] = {q->in[0]}, left;
	const char *in[2] = {name[0], NULL};

	if (q->n == 1)
		return draw(s, in, 1, t, &q->out);
	for (size_t i = 1; i < q->n && in[0] != NULL; i++) {
		left = i + 1 < q->n ? kept(q, t, i) : q->out;
		if (left.n == SIZE_MAX)
			return NULL;
		t[1] = q->in[i];
		in[1] = name[i];
		in[0] = draw(s, in, 2, t, &left);
		t[0] = left;
	}
	return in[0];
}

SCRIPT_OP(do_einsum)
{
	const struct script_value *eq = script_op_arg(a, 0, NULL);
	const struct script_value *l = script_op_arg(a, 1, NULL);
	const char *name[MOST], *y;
	struct script_value v;
	struct equation q;
	int rc;

	(void)op;
	if (eq->type != SCRIPT_TEXT || l->type != SCRIPT_ROW ||
	    l->list->n == 0 || l->list->n > MOST)
		return script_fail(s, a->callee, "an unknown form");
	for (size_t i = 0; i < l->list->n; i++) {
		if (l->list->v[i].type != SCRIPT_TENSOR)
			return script_fail(s, a->callee, "of no tensors");
		if ((rc = script_node_float(s, &l->list->v[i], &v)) != 0)
			return rc;
		if ((name[i] = script_node_input(s, &v, false)) == NULL)
			return s->e->code;
	}
	if (!read_equation(&q, eq->s, l->list))
		return script_fail(s, a->callee, "the equation '%.60s'", eq->s);
	if ((y = chain(s, &q, name)) == NULL)
		return s->e->code != 0 ? s->e->code
				       : script_fail(s, a->callee,
					     "the equation '%.60s'", eq->s);
	rc = script_node_value(s, y, q.out.n, out);
	for (size_t i = 0; rc == 0 && i < q.out.n; i++)
		out->t->dim[i] = q.dim[(unsigned char)q.out.l[i]];
	return rc;
}

const struct script_op script_op_einsum[] = {
    {"einsum", "Einsum", do_einsum},
    {NULL, NULL, NULL},
};
