/* SPDX-License-Identifier: MIT
 * Einsum of more than two operands, which linear attention is exported with:
 * "nlhd,nhmd,nlh->nlhm" becomes two of two, joined from the left.
 */
#include "formats/onnx_einsum.h"

#define TERMS 8

struct term {
	const char *p;
	size_t n;
};

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The operands' letters, and the result's as the last one; false where there
 * are dots, or another number of operands. */
static bool
read_terms(const char *text, size_t n, struct term *t)
{
	size_t i = 0;

	t[0] = (struct term){.p = text};
	for (const char *p = text; *p != '\0'; p++) {
		bool arrow = p[0] == '-' && p[1] == '>';

		if (is_letter(*p)) {
			t[i].n++;
		} else if (i < n && (i + 1 == n ? arrow : *p == ',')) {
			p += arrow;
			t[++i] = (struct term){.p = p + 1};
		} else {
			return false;
		}
	}
	return i == n;
}

/* "x,t->left": of the letters of both those that one of rest[0..n) has. */
static bool
join(char *left, char *equation, const struct term *t, const struct term *rest,
    size_t n)
{
	size_t len = strlen(left), k = 0;
	char both[2 * MODEL_MAX_RANK + 1], *end = equation + len;

	if (len + t->n >= sizeof(both))
		return false;
	memcpy(both, left, len);
	memcpy(both + len, t->p, t->n);
	memcpy(equation, left, len);
	*end++ = ',';
	memcpy(end, t->p, t->n);
	end += t->n;
	for (size_t i = 0; i < len + t->n; i++) {
		bool wanted = false;

		for (size_t r = 0; r < n; r++)
			wanted = wanted ||
				 memchr(rest[r].p, both[i], rest[r].n) != NULL;
		if (!wanted || memchr(left, both[i], k) != NULL)
			continue;
		if (k == MODEL_MAX_RANK)
			return false;
		left[k++] = both[i];
	}
	if (n == 1) { /* the result itself, in its own order */
		k = MIN(rest->n, MODEL_MAX_RANK);
		memcpy(left, rest->p, k);
	}
	left[k] = '\0';
	memcpy(end, "->", 2);
	memcpy(end + 2, left, k + 1);
	return rest->n <= MODEL_MAX_RANK || n > 1;
}

static int
einsum(struct onnx_lower *l, const struct onnx_node *from)
{
	const char *text = onnx_lower_get_text(l, from, "equation", "");
	char left[MODEL_MAX_RANK + 1], *equation;
	struct term t[TERMS + 1];
	const char *x, *y;
	struct node *n;

	if (from->nin <= 2) {
		n = onnx_lower_node(l, from, "Einsum", from->nin, 1);
		return n != NULL ? onnx_lower_put_rest(l, from, n) : 0;
	}
	if (from->nin > TERMS || !read_terms(text, from->nin, t) ||
	    t[0].n > MODEL_MAX_RANK)
		return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
		    "the equation '%.80s' of %zu operands", text, from->nin);
	memcpy(left, t[0].p, t[0].n);
	left[t[0].n] = '\0';
	x = onnx_lower_name(l, from->in[0]);
	for (size_t i = 1; i < from->nin; i++) {
		equation = arena_alloc(&l->m->arena, 4 * MODEL_MAX_RANK + 4, 1);
		if (equation == NULL)
			return onnx_lower_fail(
			    l, from, ERR_LIMIT, "model too large");
		if (t[i].n > MODEL_MAX_RANK ||
		    !join(left, equation, &t[i], &t[i + 1], from->nin - i))
			return onnx_lower_fail(l, from, ERR_UNSUPPORTED,
			    "the equation '%.80s': too many letters", text);
		y = i + 1 == from->nin
			? from->out[0]
			: onnx_lower_fresh(l, from->out[0], "Einsum");
		if ((n = onnx_lower_insert(l, from, "Einsum", x, y)) == NULL)
			return 0;
		n->in[n->nin++] = onnx_lower_name(l, from->in[i]);
		onnx_lower_put_text(n, "equation", equation);
		x = y;
	}
	return 0;
}

onnx_lower_fn *
onnx_einsum_find(const char *op)
{
	return strcmp(op, "Einsum") == 0 ? einsum : NULL;
}
