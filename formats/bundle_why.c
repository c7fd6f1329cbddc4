/* SPDX-License-Identifier: MIT */
#include "formats/bundle_why.h"

#define END         22 /* APPNOTE 4.3.16, without its comment */
#define COMMENT_MAX 65535

bool
bundle_why_last_volume(struct rd whole, unsigned *n)
{
	static const uint8_t magic[] = {'P', 'K', 5, 6};
	size_t from =
	    whole.len > END + COMMENT_MAX ? whole.len - END - COMMENT_MAX : 0;

	for (size_t at = whole.len >= END ? whole.len - END + 1 : 0;
	     at-- > from;) {
		const uint8_t *p = whole.base + at;

		if (memcmp(p, magic, sizeof(magic)) != 0)
			continue;
		if (at + END + p[20] + 256U * p[21] != whole.len)
			continue;
		/* "number of this disk", from 0 on; all ones: of a zip64 */
		*n = (unsigned)p[4] + 256U * p[5] + 1;
		return *n > 1 && *n <= 0xffff;
	}
	return false;
}

/* How many bytes the header of a 7z lies beyond the end (7zFormat.txt: offset
 * and size at 12 and 20, behind the first 32 bytes); 0: it does not. */
static uint64_t
beyond(struct rd whole)
{
	static const uint8_t magic[] = {'7', 'z', 0xbc, 0xaf, 0x27, 0x1c};
	uint64_t off, size, end;
	struct slice head;

	whole.off = 0;
	if (rd_bytes(&whole, sizeof(magic), &head) != 0 ||
	    memcmp(head.ptr, magic, sizeof(magic)) != 0 ||
	    rd_skip(&whole, 6) != 0 || rd_u64le(&whole, &off) != 0 ||
	    rd_u64le(&whole, &size) != 0 || ckd_add(&end, off, size) ||
	    ckd_add(&end, end, 32) || end <= whole.len)
		return 0;
	return end - whole.len;
}

struct bundle_why
bundle_why(struct archive *a, struct rd whole)
{
	struct bundle_why w = {.id = FINDING_ARCHIVE_TRUNCATED};
	const char *said = archive_error_string(a);
	uint64_t more = beyond(whole);

	if (said == NULL)
		said = "damaged";
	if (more != 0)
		snprintf(w.text, sizeof(w.text),
		    "its header ends %" PRIu64 " bytes behind the file: cut "
		    "off, or the first of several volumes, which are to be "
		    "joined first",
		    more);
	else
		snprintf(w.text, sizeof(w.text), "%s", said);
	/* 7z hides names, too: then there is no member to say it of */
	if (more == 0 && strstr(said, "header is encrypted") != NULL)
		w.id = FINDING_ARCHIVE_ENCRYPTED;
	else if (strstr(said, "Unsupported ZIP compression") != NULL)
		w.id = FINDING_ZIP_METHOD;
	return w;
}
