/* SPDX-License-Identifier: MIT
 * ModelMetadata.subgraph_metadata 3, SubGraphMetadata.input_tensor_metadata 2,
 * TensorMetadata.process_units 4, ProcessUnit.options 0 (type) and 1,
 * NormalizationOptions (member 1 of the union): mean 0, std 1.
 */
#include "formats/tflite_meta.h"

#include "formats/flatbuf.h"

#define MOST 256 /* inputs, units of one */

static void
normalisation(
    struct flatbuf *f, const struct flatbuf_table *t, struct preprocess *p)
{
	struct flatbuf_vector mean = flatbuf_vector(f, t, 0, 4, MOST);
	struct flatbuf_vector std = flatbuf_vector(f, t, 1, 4, MOST);

	if (f->rc != 0 || mean.n == 0 || std.n == 0 ||
	    mean.n > PREPROCESS_CHANNELS || std.n > PREPROCESS_CHANNELS)
		return;
	for (size_t i = 0; i < mean.n; i++)
		p->mean[i] = flatbuf_f32_at(f, &mean, i) / 255.0;
	for (size_t i = 0; i < std.n; i++) {
		p->std[i] = flatbuf_f32_at(f, &std, i) / 255.0;
		if (!(p->std[i] > 0.0)) {
			flatbuf_fail(f, ERR_FORMAT, std.at,
			    "a standard deviation of %g", 255.0 * p->std[i]);
			return;
		}
	}
	p->nmean = mean.n;
	p->nstd = std.n;
	p->from = "TensorFlow Lite metadata";
}

int
tflite_meta_read(struct rd r, struct preprocess *p, struct err *e)
{
	struct flatbuf f;
	struct flatbuf_table t =
	    flatbuf_root(&f, r, "M001", "tflite metadata", e);
	struct flatbuf_vector list = flatbuf_vector(&f, &t, 3, 4, MOST);

	if (list.n == 0)
		return f.rc;
	t = flatbuf_item(&f, &list, 0);
	list = flatbuf_vector(&f, &t, 2, 4, MOST);
	if (list.n != 1)
		return f.rc;
	t = flatbuf_item(&f, &list, 0);
	list = flatbuf_vector(&f, &t, 4, 4, MOST);
	for (size_t i = 0; f.rc == 0 && i < list.n; i++) {
		struct flatbuf_table unit = flatbuf_item(&f, &list, i);
		struct flatbuf_table options = flatbuf_table(&f, &unit, 1);

		if (flatbuf_i8(&f, &unit, 0, 0) == 1)
			normalisation(&f, &options, p);
	}
	return f.rc;
}
