/* SPDX-License-Identifier: MIT
 * All checks on any bytes: two runs agree, no secret of the report is longer
 * than it may be, and nothing is clean that a strict reader refuses: zip.c of
 * a zip, zlib of a gzip stream.
 */
#include "tests/fuzz/fuzz.h"

#include "audit/check.h"
#include "base/arena.h"
#include "formats/gunzip.h"
#include "formats/zip.h"

#define MOST ((size_t)64 << 20)

/* Nothing that would stop a gate, and all of it looked at. */
static bool
is_clean(const struct check_sink *s)
{
	json_t *one;
	size_t i;

	if (!s->complete)
		return false;
	json_array_foreach(s->findings, i, one)
	{
		enum finding_severity is;

		PROPERTY(finding_severity_parse(
		    json_string_value(json_object_get(one, "severity")), &is));
		if (is > SEVERITY_LOW)
			return false;
	}
	return true;
}

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
	struct check_sink s[2];
	struct identify_bids bids;
	struct rd r = rd_mem(data, len);

	for (size_t i = 0; i < 2; i++) {
		s[i] = (struct check_sink){
		    .findings = json_array(), .complete = true};
		check_bytes(&s[i], "input", r, &bids);
	}
	PROPERTY(json_equal(s[0].findings, s[1].findings) == 1);
	PROPERTY(s[0].complete == s[1].complete);
	if (is_clean(&s[0])) {
		if (identify_find(&bids, "zip") != NULL &&
		    identify_find(&bids, "tflite") == NULL)
			PROPERTY(zip_is_sound(r));
		if (identify_find(&bids, "gzip") != NULL)
			PROPERTY(gzip_is_sound(r));
	}
	for (size_t i = 0; i < 2; i++)
		json_decref(s[i].findings);
	return 0;
}
