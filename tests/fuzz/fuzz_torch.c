/* SPDX-License-Identifier: MIT
 * A PyTorch file is refused, or the model holds the invariants, and patched
 * with its own weights nothing is written.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/format.h"

static void
touch(const struct model *m)
{
	double sum = 0;

	for (size_t i = 0; i < m->ntensor; i++) {
		const struct tensor *t = &m->tensor[i];
		uint64_t n = t->size / dtype_width(t->dtype);

		if (n == 0)
			continue;
		sum += tensor_real(t, 0) + tensor_real(t, n - 1);
	}
	PROPERTY(sum <= 0 || sum > 0 || sum != sum);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct source s;
	struct model m;
	struct err e = {0};

	source_mem(&s, data, len);
	(void)format_torch.probe(s.main);
	if (format_torch.load(&s, &m, &e) == 0) {
		PROPERTY(model_check(&m, &e) == 0);
		touch(&m);
		PROPERTY(format_torch.patch(&s, &m, &e) == 0);
		PROPERTY(!s.file[0].writable); /* nothing to write */
		model_release(&m);
	} else {
		PROPERTY(e.msg[0] != '\0');
	}
	source_release(&s);
	return 0;
}
