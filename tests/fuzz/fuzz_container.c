/* SPDX-License-Identifier: MIT
 * All checks on any bytes: nothing is clean that a strict reader refuses:
 * zip.c of a zip, zlib of a gzip stream.
 */
#include "tests/fuzz/fuzz.h"

#include "base/arena.h"
#include "formats/gunzip.h"
#include "formats/zip.h"
#include "tests/fuzz/look.h"

#define MOST ((size_t)64 << 20)

/* What two readers of a zip do not agree on, or one refuses. */
static bool
zip_is_sound(struct rd r)
{
	struct err e = {0};
	struct arena a;
	struct zip z;
	bool ok;
	int rc;

	arena_init(&a, MOST);
	rc = zip_open(&z, r, &a, &e);
	ok = (rc == 0 || rc == ERR_LIMIT || rc == ERR_UNSUPPORTED);
	ok = ok && z.odd[ZIP_DUPLICATE] == 0 && z.odd[ZIP_OVERLAP] == 0 &&
	     z.odd[ZIP_END] == 0;
	for (size_t i = 0; ok && rc == 0 && i < z.n; i++) {
		struct slice out;

		rc = zip_read(&z, &z.entry[i], &out, &e);
		ok = rc == 0 || rc == ERR_LIMIT || rc == ERR_UNSUPPORTED;
		if (rc == 0)
			ok = zip_crc(out.ptr, out.len) == z.entry[i].crc;
		rc = 0;
	}
	arena_release(&a);
	return ok;
}

static bool
gzip_is_sound(struct rd r)
{
	struct err e = {0};
	struct arena a;
	struct rd out;
	int rc;

	arena_init(&a, MOST);
	rc = gunzip(r, &a, MOST, &out, &e);
	arena_release(&a);
	/* bytes behind the end are low */
	return rc == 0 || rc == ERR_LIMIT ||
	       strcmp(e.msg, "gzip: incorrect header check") == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct look l;

	look_at(&l, NULL, "input", r);
	if (look_clean(&l)) {
		if (identify_find(&l.bids, "zip") != NULL &&
		    identify_find(&l.bids, "tflite") == NULL)
			PROPERTY(zip_is_sound(r));
		if (identify_find(&l.bids, "gzip") != NULL)
			PROPERTY(gzip_is_sound(r));
	}
	look_end(&l);
	return 0;
}
