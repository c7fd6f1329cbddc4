/* SPDX-License-Identifier: MIT
 * A file of weights (safetensors, an index of them, NPZ) is refused or becomes
 * a model that holds the invariants; patched with its own weights it stays the
 * same.  Then its tensors get other shapes and names, and every family tries
 * to draw with them: refused, or a model that holds the invariants, at any rate
 * in an amount of work that the number of tensors bounds.
 */
#include "tests/fuzz/fuzz.h"

#include "base/rng.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/safetensors.h"

#define ROUNDS 4

static const struct format *
format_of(struct rd r)
{
	static const struct format *const all[] = {
	    &format_weights_file, &format_weights_index, &format_weights_npz};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->probe(r) > 0)
			return all[i];
	return NULL;
}

static void
load(const uint8_t *data, size_t len)
{
	const struct format *f = format_of(rd_mem(data, len));
	struct source s;
	struct model m;
	struct err e = {0};

	if (f == NULL)
		return;
	source_mem(&s, data, len);
	if (f->load(&s, &m, &e) == 0) {
		PROPERTY(model_check(&m, &e) == 0);
		PROPERTY(f->patch(&s, &m, &e) == 0);
		PROPERTY(!s.file[0].writable); /* nothing to write */
		model_release(&m);
	}
	source_release(&s);
}

/* Another number in a shape, another rank, or a digit in a name. */
static void
disturb(struct tensor *t, struct arena *a, struct rng *r)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 7, 64, 65535, 1 << 20,
	    INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
	uint64_t n;
	char *name;

	switch (rng_below(r, 4)) {
	case 0:
		t->rank = rng_below(r, MODEL_MAX_RANK + 1);
		break;
	case 1:
		name = arena_strdup(a, t->name, strlen(t->name));
		for (char *p = name; p != NULL && *p != '\0'; p++)
			if (*p >= '0' && *p <= '9' && rng_below(r, 2) == 0)
				*p = (char)('0' + rng_below(r, 10));
		t->name = name != NULL ? name : t->name;
		break;
	default:
		t->dim[rng_below(r, MODEL_MAX_RANK)] =
		    odd[rng_below(r, ARRAY_LEN(odd))];
	}
	/* nobody reads numbers while a graph is drawn */
	if (tensor_elements(t, &n))
		t->size = (size_t)n * dtype_width(t->dtype);
}

static void
draw(const struct safetensors *st, const char *arch, struct rng *r)
{
	struct source s;
	struct weights w;
	struct model m;
	struct tensor *t;
	struct err e = {0};

	source_mem(&s, "", 0);
	s.hints.arch = arch;
	s.hints.config = json_pack("{si}", "num_heads", (int)rng_below(r, 3));
	s.hints.preprocess.resize = RESIZE_EXACT;
	s.hints.preprocess.height = (uint32_t)rng_below(r, 300);
	s.hints.preprocess.width = (uint32_t)rng_below(r, 300);
	model_init(&m, (size_t)1 << 30);
	m.format = m.producer = "";
	t = arena_alloc(&m.arena, st->ntensor + 1, sizeof(*t));
	PROPERTY(t != NULL);
	if (st->ntensor != 0)
		memcpy(t, st->tensor, st->ntensor * sizeof(*t));
	for (size_t i = rng_below(r, 4); st->ntensor != 0 && i > 0; i--)
		disturb(&t[rng_below(r, st->ntensor)], &m.arena, r);
	if (weights_init(&w, &m.arena, t, st->ntensor, NULL, 0, &e) == 0 &&
	    arch_load(&s.hints, &w, &m, &e) == 0)
		PROPERTY(model_check(&m, &e) == 0);
	model_release(&m);
	source_release(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct safetensors st;
	struct arena a;
	struct rng rng;
	struct err e = {0};
	size_t n;
	const struct arch_family *const *all = arch_all(&n);

	load(data, len);
	arena_init(&a, (size_t)1 << 28);
	if (safetensors_parse(&r, &a, &st, &e) == 0) {
		rng_init(
		    &rng, len > 8 ? data[len / 2] * 256U + data[8] : 0, len);
		for (size_t i = 0; i < ROUNDS; i++)
			draw(&st, NULL, &rng);
		draw(&st, all[rng_below(&rng, n)]->name, &rng);
		safetensors_release(&st);
	}
	arena_release(&a);
	return 0;
}
