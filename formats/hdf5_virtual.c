/* SPDX-License-Identifier: MIT */
#include "formats/hdf5_virtual.h"

#include "base/limits.h"
#include "formats/hdf5_attr.h"
#include "formats/hdf5_object.h"

/* Version, class (IV.A.2.i): versions 3 and 4, class 3. */
static bool
head(struct rd *r)
{
	uint8_t version, class;

	return rd_u8(r, &version) == 0 && rd_u8(r, &class) == 0 &&
	       version >= 3 && class == 3;
}

bool
hdf5_virtual(const struct hdf5_message *m)
{
	struct rd r;

	if (m == NULL)
		return false;
	r = m->body;
	return head(&r);
}

static int
text(struct rd *r, const char **out)
{
	size_t left = MIN(rd_left(r), LIMIT_NAME + 1);
	const uint8_t *p = r->base + r->off;
	const uint8_t *end = left != 0 ? memchr(p, '\0', left) : NULL;

	*out = (const char *)p;
	return end == NULL ? ERR_FORMAT : rd_skip(r, (uint64_t)(end - p) + 1);
}

/* A selection (VII.C): those that say how long they are. */
static int
selection(struct rd *r)
{
	uint32_t type, version, len = 0;

	if (rd_u32le(r, &type) != 0 || rd_u32le(r, &version) != 0 ||
	    rd_skip(r, type == 2 && version == 2 ? 1 : 4) != 0 || type > 3 ||
	    version < 1 || version > 2 || (type != 2 && version != 1) ||
	    rd_u32le(r, &len) != 0)
		return ERR_UNSUPPORTED;
	return rd_skip(r, len);
}

int
hdf5_virtual_files(struct hdf5 *h, const struct hdf5_message *m,
    bool (*each)(void *ctx, const char *name), void *ctx, struct err *e)
{
	struct rd r = m->body, list;
	const char *file, *dataset;
	uint64_t at, n = 0;
	struct slice s;
	uint32_t index;
	uint8_t version;
	int rc;

	if (!head(&r) || hdf5_object_address(h, &r, &at) != 0 ||
	    rd_u32le(&r, &index) != 0)
		return hdf5_object_cut(&r, "a layout", e);
	if ((rc = hdf5_attr_heap_object(h, at, index, &s, e)) != 0)
		return rc;
	list = rd_mem(s.ptr, s.len);
	if (rd_u8(&list, &version) != 0 || version != 0 ||
	    hdf5_object_number(&list, h->size, &n) != 0)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: a virtual dataset that is not known");
	for (uint64_t i = 0; i < n; i++) {
		if (text(&list, &file) != 0 || text(&list, &dataset) != 0 ||
		    selection(&list) != 0 || selection(&list) != 0)
			return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
			    "hdf5: a virtual dataset that cannot be followed");
		if (!each(ctx, file))
			return 0;
	}
	return 0;
}
