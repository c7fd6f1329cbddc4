/* SPDX-License-Identifier: MIT
 * A zip is refused, or every entry lies in the file, is found by its name (or
 * shadowed), and can be read or is refused; mending a checksum changes twelve
 * bytes at most.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/zip.h"

static void
mend(const struct zip *z, const struct zip_entry *f)
{
	size_t n = z->file.len, changed = 0;
	uint8_t *copy = malloc(n);

	if (copy == NULL)
		BUG("out of memory");
	memcpy(copy, z->file.base, n);
	zip_mend(z, f, copy);
	for (size_t i = 0; i < n; i++)
		changed += copy[i] != z->file.base[i];
	PROPERTY(changed <= 12);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena a;
	struct zip z;
	struct err e = {0};

	arena_init(&a, (size_t)256 << 20);
	if (zip_open(&z, rd_mem(data, len), &a, &e) == 0) {
		for (size_t i = 0; i < z.n; i++) {
			const struct zip_entry *f = &z.entry[i];
			struct slice s;

			PROPERTY(f->data + f->packed <= len);
			PROPERTY(f->shadowed == (zip_find(&z, f->name) != f));
			if (zip_read(&z, f, &s, &e) == 0)
				PROPERTY(s.len == f->size);
			if (i < 4)
				mend(&z, f);
		}
	}
	arena_release(&a);
	return 0;
}
