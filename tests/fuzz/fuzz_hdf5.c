/* SPDX-License-Identifier: MIT
 * An HDF5 file is refused, or walked through: every dataset that can be read
 * lies in the file or in the arena, has the bytes that its shape says, and is
 * the same when it is read again.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/hdf5_attr.h"
#include "formats/hdf5_data.h"
#include "formats/hdf5_group.h"

#define DEPTH 6
#define STEPS 2000

struct walk {
	struct hdf5 h;
	size_t steps;
};

static void
dataset(struct walk *w, uint64_t at)
{
	struct tensor t, again;
	struct err e = {0};
	uint64_t n = 0;

	if (hdf5_data_read(&w->h, at, &t, &e) != 0) {
		PROPERTY(e.msg[0] != '\0');
		return;
	}
	PROPERTY(t.size == 0 || tensor_elements(&t, &n));
	PROPERTY(t.size == 0 || t.size == n * dtype_width(t.dtype));
	for (size_t i = 0; i < n; i += n / 64 + 1)
		(void)tensor_real(&t, i);
	if (hdf5_data_read(&w->h, at, &again, &e) != 0) {
		PROPERTY(e.code == ERR_LIMIT);
		return;
	}
	PROPERTY(again.size == t.size);
	PROPERTY(t.size == 0 || memcmp(again.data, t.data, t.size) == 0);
}

static void
group(struct walk *w, uint64_t at, unsigned depth)
{
	static const char *const attr[] = {"layer_names", "weight_names"};
	const struct hdf5_group *g;
	const struct slice *list;
	struct slice s;
	struct err e = {0};
	size_t n, sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(attr); i++)
		if (hdf5_attr_list(&w->h, at, attr[i], &list, &n, &e) == 0 &&
		    n != SIZE_MAX)
			for (size_t k = 0; k < n; k++)
				for (size_t b = 0; b < list[k].len; b += 100)
					sum += list[k].ptr[b];
	(void)!hdf5_attr_text(&w->h, at, "model_config", &s, &e);
	if (hdf5_group_read(&w->h, at, &g, &e) != 0) {
		PROPERTY(e.msg[0] != '\0');
		dataset(w, at);
		return;
	}
	for (size_t i = 0; i < g->n && w->steps < STEPS; i++) {
		uint64_t found = 0;

		w->steps++;
		if (strchr(g->link[i].name, '/') == NULL &&
		    hdf5_group_find(&w->h, at, g->link[i].name, &found, &e) ==
			1)
			PROPERTY(found == g->link[i].at);
		if (found != 0 && depth < DEPTH)
			group(w, found, depth + 1);
	}
	(void)sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct walk w = {.steps = 0};
	struct arena a;
	struct err e = {0};

	arena_init(&a, (size_t)1 << 30);
	if (hdf5_open(&w.h, r, &a, &e) == 0) {
		PROPERTY(hdf5_probe(r));
		group(&w, w.h.root, 0);
	} else {
		PROPERTY(e.msg[0] != '\0');
	}
	arena_release(&a);
	return 0;
}
