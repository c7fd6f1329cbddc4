/* SPDX-License-Identifier: MIT
 * A TensorFlow Lite file is refused, or the model holds the invariants, every
 * element of every view lies in the file or in the arena, and patched with its
 * own weights the file is the same file.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/tflite.h"

/* Touch the ends of a view and some of its inside. */
static double
touch(const struct tensor *t)
{
	uint64_t n = t->size / dtype_width(t->dtype), step = n / 1000 + 1;
	double sum = 0.0;

	for (uint64_t i = 0; i < n; i += step)
		sum += tensor_real(t, i);
	return n != 0 ? sum + tensor_real(t, n - 1) : 0.0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct source s;
	struct model m;
	struct err e = {0};
	volatile double sum = 0.0;

	if (tflite_parse(rd_mem(data, len), &m, &e) != 0) {
		PROPERTY(e.code != 0 && e.msg[0] != '\0');
		return 0;
	}
	PROPERTY(model_check(&m, &e) == 0);
	PROPERTY(m.classes != 0);
	for (size_t i = 0; i < m.ntensor; i++)
		sum += touch(&m.tensor[i]);
	(void)sum;
	source_mem(&s, data, len);
	PROPERTY(tflite_patch(&s, &m, &e) == 0);
	PROPERTY(!s.file[0].writable); /* nothing to write */
	source_release(&s);
	model_release(&m);
	return 0;
}
