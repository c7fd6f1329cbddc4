/* SPDX-License-Identifier: MIT
 * Datasets: dataspace, datatype and layout messages (IV.A.2.i).
 */
#include "formats/hdf5_data.h"

#include "formats/hdf5_attr.h"
#include "formats/hdf5_chunk.h"
#include "formats/hdf5_object.h"

static int
compact(struct rd r, struct tensor *t, struct err *e)
{
	uint16_t size;
	struct slice s;

	if (rd_u16le(&r, &size) != 0 || rd_bytes(&r, size, &s) != 0)
		return hdf5_object_cut(&r, "compact data", e);
	if (s.len < t->size)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: %zu bytes of compact data for %zu", s.len, t->size);
	t->data = s.ptr;
	return 0;
}

static int
contiguous(const struct hdf5 *h, struct rd r, struct tensor *t, struct err *e)
{
	uint64_t at, size;
	struct slice s;
	struct rd data;
	int rc;

	if (hdf5_object_address(h, &r, &at) != 0 ||
	    hdf5_object_number(&r, h->size, &size) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (at == HDF5_NOWHERE)
		return 0;
	if (size < t->size)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: %" PRIu64 " bytes of data for %zu", size, t->size);
	if ((rc = hdf5_object_at(h, at, "a dataset", &data, e)) != 0)
		return rc;
	if (rd_bytes(&data, t->size, &s) != 0)
		return hdf5_object_cut(&data, "a dataset", e);
	t->data = s.ptr;
	return 0;
}

int
hdf5_data_place(struct hdf5 *h, struct rd r, struct rd filters, size_t width,
    struct tensor *t, struct err *e)
{
	uint8_t version, class;

	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &class) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if (version != 3 && version != 4)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r) - 2,
		    "hdf5: layout version %u, known are 3 and 4", version);
	if (class == 2)
		return width == 0
			   ? hdf5_chunk_read(h, version, r, filters, t, e)
			   : hdf5_chunk_bytes(
				 h, version, r, filters, width, t, e);
	if (filters.base != NULL)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: filters on data that is not in chunks");
	if (class == 0)
		return compact(r, t, e);
	if (class == 1)
		return contiguous(h, r, t, e);
	return err_set(e, ERR_UNSUPPORTED, rd_pos(&r) - 1,
	    "hdf5: layout class %u (a virtual dataset, or none)", class);
}

/* Keras writes bfloat16 as two opaque bytes and says so in an attribute
 * (keras/src/saving/saving_lib.py, H5Entry). */
static int
is_bfloat16(struct hdf5 *h, uint64_t at, bool *out, struct err *e)
{
	struct slice s;
	int rc = hdf5_attr_text(h, at, "dtype", &s, e);

	*out = rc == 0 && s.len == 8 && memcmp(s.ptr, "bfloat16", 8) == 0;
	return rc;
}

static int
describe(struct hdf5 *h, uint64_t at, const struct hdf5_message *type,
    const struct hdf5_message *space, struct tensor *t, struct err *e)
{
	struct hdf5_datatype d;
	struct hdf5_space s;
	bool brain = false;
	int rc;

	if ((rc = hdf5_object_datatype(type->body, &d, e)) != 0 ||
	    (rc = hdf5_object_space(h, space->body, &s, e)) != 0)
		return rc;
	if (d.size == 2 &&
	    (d.kind == HDF5_OPAQUE || d.kind == HDF5_COMPOUND ||
		d.kind == HDF5_OTHER) &&
	    (rc = is_bfloat16(h, at, &brain, e)) != 0)
		return rc;
	t->dtype = brain ? DTYPE_BF16 : d.dtype;
	if (t->dtype == DTYPE_COUNT)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&type->body),
		    "hdf5: a dataset of numbers that are neither "
		    "little-endian floats nor integers");
	t->rank = s.rank;
	memcpy(t->dim, s.dim, sizeof(t->dim));
	t->size = (size_t)s.n * dtype_width(t->dtype);
	return 0;
}

int
hdf5_data_read(struct hdf5 *h, uint64_t at, struct tensor *t, struct err *e)
{
	const struct hdf5_message *type, *space, *place, *filter;
	struct hdf5_message *m;
	struct rd filters = {0};
	int rc;

	*t = (struct tensor){0};
	if ((rc = hdf5_object_read(h, at, &m, e)) != 0)
		return rc;
	type = hdf5_object_find(m, HDF5_DATATYPE);
	space = hdf5_object_find(m, HDF5_SPACE);
	place = hdf5_object_find(m, HDF5_LAYOUT);
	filter = hdf5_object_find(m, HDF5_FILTERS);
	if (type == NULL || space == NULL || place == NULL)
		return err_set(e, ERR_FORMAT, h->file.start + at,
		    "hdf5: what should be a dataset is none");
	if (hdf5_object_find(m, HDF5_EXTERNAL) != NULL)
		return err_set(e, ERR_UNSUPPORTED, h->file.start + at,
		    "hdf5: a dataset keeps its values in another file");
	if (type->shared || space->shared || place->shared ||
	    (filter != NULL && filter->shared))
		return err_set(e, ERR_UNSUPPORTED, h->file.start + at,
		    "hdf5: a dataset shares its description");
	if ((rc = describe(h, at, type, space, t, e)) != 0)
		return rc;
	if (filter != NULL)
		filters = filter->body;
	if (t->size == 0) {
		t->data = h->file.base;
		return 0;
	}
	rc = hdf5_data_place(h, place->body, filters, 0, t, e);
	if (rc == 0 && t->data == NULL)
		return err_set(e, ERR_UNSUPPORTED,
		    rd_pos(&place->body) + 2 + h->off + h->size,
		    "hdf5: a dataset that was never written");
	return rc;
}
