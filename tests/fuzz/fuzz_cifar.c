/* SPDX-License-Identifier: MIT
 * CIFAR, binary and pickled: refused with a message, or every image has its
 * pixels and a label within the classes.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/cifar.h"
#include "formats/cifar_pickle.h"

static void
single(const char *name, const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct dataset d = {0};
	struct err e = {0};

	arena_init(&d.arena, (size_t)64 << 20);
	if (!cifar_probe(name, r)) {
		arena_release(&d.arena);
		return;
	}
	if (cifar_parse(name, r, &d, &e) != 0)
		PROPERTY(e.code < 0 && e.msg[0] != '\0');
	else
		for (size_t i = 0; i < d.n; i++)
			PROPERTY((size_t)d.label[i] < d.classes);
	dataset_release(&d);
}

static void
pickled(const uint8_t *data, size_t len)
{
	struct cifar_pickle p;
	struct slice s;
	struct err e = {0};

	if (cifar_pickle_open(&p, rd_mem(data, len), 3072, &e) == 0) {
		PROPERTY(p.pixels.len == p.n * 3072);
		for (size_t i = 0; i < p.n; i++)
			PROPERTY(cifar_pickle_label(&p, i) >= INT64_MIN);
	}
	cifar_pickle_close(&p);
	if (cifar_pickle_names(&p, rd_mem(data, len), "label_names", 10, &e) ==
	    0)
		for (size_t i = 0; i < 10; i++)
			if (cifar_pickle_name(&p, i, &s, &e) != 0)
				PROPERTY(e.code == ERR_FORMAT);
	cifar_pickle_close(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	single("x.bin", data, len);
	single("test_batch", data, len);
	pickled(data, len);
	return 0;
}
