/* SPDX-License-Identifier: MIT
 * main() for fuzz targets without libFuzzer: run each file, and each of a
 * few hundred mutations of it (seeded by its bytes), once.
 */
#include "tests/fuzz/fuzz.h"

#include "base/file.h"
#include "base/rng.h"

#define MUTATIONS 200
#define LIMIT     ((uint64_t)64 << 20)

/* A heap block of the exact size, so that ASan sees an overread by a byte. */
static void
run(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len != 0 ? len : 1);

	if (copy == NULL)
		BUG("out of memory");
	if (len != 0)
		memcpy(copy, p, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

/* Cut the end off, or overwrite a few bytes, mostly near the start. */
static void
mutate(struct rng *r, const struct file_map *m)
{
	static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff};
	size_t span = rng_below(r, 2) != 0 ? m->len : MIN(m->len, 512);
	size_t len = m->len;
	uint8_t *copy = malloc(m->len);

	if (copy == NULL)
		BUG("out of memory");
	memcpy(copy, m->ptr, m->len);
	if (rng_below(r, 4) == 0)
		len = rng_below(r, m->len);
	for (uint64_t k = rng_below(r, 4) + 1; k > 0; k--)
		copy[rng_below(r, span)] = rng_below(r, 2) != 0
					       ? odd[rng_below(r, sizeof(odd))]
					       : (uint8_t)rng_u64(r);
	run(copy, len);
	free(copy);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct file_map m;
		struct err e = {0};
		struct rng r;

		if (file_map(argv[i], LIMIT, &m, &e) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], e.msg);
			return 2;
		}
		run(m.ptr, m.len);
		rng_init(&r, m.len, 1);
		for (int k = 0; k < MUTATIONS && m.len != 0 && m.len < 1 << 20;
		     k++)
			mutate(&r, &m);
		file_unmap(&m);
	}
	printf("%s: replayed %d files\n", argv[0], argc - 1);
	return 0;
}
