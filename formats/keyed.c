/* SPDX-License-Identifier: MIT */
#include "formats/keyed.h"

static int
by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof(x->key));

	return c != 0 ? c : (x->index > y->index) - (x->index < y->index);
}

void
keyed_order(
    const struct dataset *d, const void *salt, size_t len, struct keyed *out)
{
	for (size_t i = 0; i < d->n; i++) {
		struct digest_ctx c;
		size_t size;
		const void *p = dataset_bytes(d, i, &size);

		digest_begin(&c);
		if (len != 0)
			digest_update(&c, salt, len);
		digest_update(&c, p, size);
		digest_end(&c, &out[i].key);
		out[i].index = (uint32_t)i;
	}
	qsort(out, d->n, sizeof(*out), by_key);
}
