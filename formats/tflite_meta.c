/* SPDX-License-Identifier: MIT
 * ModelMetadata.subgraph_metadata 3, SubGraphMetadata.input_tensor_metadata 2,
 * TensorMetadata.process_units 4, ProcessUnit.options 0 (type) and 1,
 * NormalizationOptions (member 1 of the union): mean 0, std 1.
 * SubGraphMetadata.output_tensor_metadata 3, TensorMetadata.associated_files 6,
 * AssociatedFile: name 0, type 2 (2: TENSOR_AXIS_LABELS).
 */
#include "formats/tflite_meta.h"

#include "base/limits.h"
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

/* The only table of a list of them. */
static struct flatbuf_table
only(struct flatbuf *f, const struct flatbuf_table *t, unsigned field)
{
	struct flatbuf_vector list = flatbuf_vector(f, t, field, 4, MOST);

	return list.n == 1 ? flatbuf_item(f, &list, 0)
			   : (struct flatbuf_table){0};
}

static void
find_normalisation(
    struct flatbuf *f, const struct flatbuf_table *graph, struct preprocess *p)
{
	struct flatbuf_table tensor = only(f, graph, 2);
	struct flatbuf_vector list = flatbuf_vector(f, &tensor, 4, 4, MOST);

	for (size_t i = 0; f->rc == 0 && i < list.n; i++) {
		struct flatbuf_table unit = flatbuf_item(f, &list, i);
		struct flatbuf_table options = flatbuf_table(f, &unit, 1);

		if (flatbuf_i8(f, &unit, 0, 0) == 1)
			normalisation(f, &options, p);
	}
}

static void
find_labels(
    struct flatbuf *f, const struct flatbuf_table *graph, struct slice *labels)
{
	struct flatbuf_table tensor = only(f, graph, 3);
	struct flatbuf_vector list = flatbuf_vector(f, &tensor, 6, 4, MOST);

	for (size_t i = 0; f->rc == 0 && i < list.n; i++) {
		struct flatbuf_table file = flatbuf_item(f, &list, i);

		if (flatbuf_i8(f, &file, 2, 0) == 2 && labels->len == 0)
			*labels = flatbuf_text(f, &file, 0, LIMIT_NAME);
	}
}

int
tflite_meta_read(
    struct rd r, struct preprocess *p, struct slice *labels, struct err *e)
{
	struct flatbuf f;
	struct flatbuf_table t =
	    flatbuf_root(&f, r, "M001", "tflite metadata", e);
	struct flatbuf_vector list = flatbuf_vector(&f, &t, 3, 4, MOST);

	*labels = (struct slice){0};
	if (list.n == 0)
		return f.rc;
	t = flatbuf_item(&f, &list, 0);
	find_normalisation(&f, &t, p);
	find_labels(&f, &t, labels);
	return f.rc;
}
