/* SPDX-License-Identifier: MIT */
#include "engine/regrow.h"

static void
hash_text(struct digest_ctx *c, const char *s)
{
	digest_update(c, s, strlen(s) + 1);
}

static void
hash_number(struct digest_ctx *c, uint64_t v)
{
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> 8 * i);
	digest_update(c, b, sizeof(b));
}

static void
hash_real(struct digest_ctx *c, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	hash_number(c, bits);
}

static void
hash_attr(struct digest_ctx *c, const struct attr *a)
{
	hash_text(c, a->name);
	hash_number(c, (uint64_t)a->kind);
	hash_number(c, a->n);
	if (a->kind == ATTR_INT)
		hash_number(c, (uint64_t)a->i);
	else if (a->kind == ATTR_REAL)
		hash_real(c, a->f);
	else if (a->kind == ATTR_TEXT)
		hash_text(c, a->s);
	for (size_t i = 0; i < a->n; i++)
		if (a->kind == ATTR_INTS)
			hash_number(c, (uint64_t)a->ints[i]);
		else
			hash_real(c, a->reals[i]);
}

void
regrow_key(const struct model *m, struct digest *key)
{
	struct digest_ctx c;

	digest_begin(&c);
	for (size_t i = 0; i < 4; i++)
		hash_number(&c, (uint64_t)m->shape[i]);
	hash_text(&c, m->output);
	for (size_t i = 0; i < m->nnode; i++) {
		const struct node *n = &m->node[i];

		hash_text(&c, n->op);
		hash_number(&c, n->nin);
		for (size_t j = 0; j < n->nin; j++)
			hash_text(&c, n->in[j]);
		hash_number(&c, n->nattr);
		for (size_t j = 0; j < n->nattr; j++)
			hash_attr(&c, &n->attr[j]);
	}
	for (size_t i = 0; i < m->ntensor; i++) {
		const struct tensor *t = &m->tensor[i];

		hash_text(&c, t->name);
		hash_number(&c, (uint64_t)t->dtype);
		hash_number(&c, t->rank);
		for (size_t j = 0; j < t->rank; j++)
			hash_number(&c, t->dim[j]);
		if (t->stride != NULL)
			BUG("a view in a neutral model");
		digest_update(&c, t->data, t->size);
	}
	digest_end(&c, key);
}
