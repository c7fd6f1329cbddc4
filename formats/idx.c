/* SPDX-License-Identifier: MIT */
#include "formats/idx.h"

#include "base/limits.h"
#include "formats/gunzip.h"

#define TYPE_U8 8

/* A gzip file is taken for IDX: nothing else comes compressed that way. */
bool
idx_probe(struct rd r)
{
	return gunzip_probe(r) ||
	       (r.len >= 4 && r.base[0] == 0 && r.base[1] == 0 &&
		   r.base[2] >= 8 && r.base[2] <= 14 && r.base[3] >= 1 &&
		   r.base[3] <= ARRAY_MAX_RANK);
}

int
idx_parse(struct rd r, struct arena *a, struct array *out, struct err *e)
{
	uint32_t magic = 0, dim;
	int rc;

	*out = (struct array){.kind = 'u', .width = 1};
	if (gunzip_probe(r) &&
	    (rc = gunzip(r, a, LIMIT_DATASET_BYTES, &r, e)) != 0)
		return rc;
	if ((rc = rd_u32be(&r, &magic)) != 0)
		return err_set(e, rc, rd_pos(&r), "idx: no header");
	out->rank = magic & 0xff;
	if (magic >> 16 != 0 || out->rank == 0 || out->rank > ARRAY_MAX_RANK)
		return err_set(
		    e, ERR_FORMAT, 0, "idx: magic number 0x%08" PRIx32, magic);
	if ((magic >> 8 & 0xff) != TYPE_U8)
		return err_set(e, ERR_UNSUPPORTED, 2,
		    "idx: type 0x%02" PRIx32 ", only unsigned bytes are read",
		    magic >> 8 & 0xff);
	for (size_t i = 0; i < out->rank; i++) {
		if ((rc = rd_u32be(&r, &dim)) != 0)
			return err_set(
			    e, rc, rd_pos(&r), "idx: header ends early");
		out->dim[i] = dim;
	}
	if ((rc = array_take(out, &r, e)) != 0)
		return err_wrap(e, "idx");
	return 0;
}
