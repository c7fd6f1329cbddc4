/* SPDX-License-Identifier: MIT
 * Archives and compressed streams whose magic alone is not enough, or not at
 * the beginning.
 */
#include "formats/identify_probe.h"

#include <zlib.h>

/* cpio(5): new and old ASCII headers hold digits; the binary one a magic of 16
 * bits, too few for anything. */
unsigned
identify_archive_cpio(struct rd r)
{
	if (!RD_HAS(r, 0, "070701") && !RD_HAS(r, 0, "070702") &&
	    !RD_HAS(r, 0, "070707"))
		return 0;
	for (size_t i = 6; i < 76; i++)
		if (i >= r.len ||
		    strchr("0123456789abcdefABCDEF", r.base[i]) == NULL)
			return 0;
	return 64;
}

/* The primary volume descriptor of ECMA-119 is at sector 16. */
unsigned
identify_archive_iso9660(struct rd r)
{
	return RD_HAS(r, 0x8001, "CD001\1") ? 48 : 0;
}

/* RFC 1950, and that it does expand; two bytes are like it by chance. */
unsigned
identify_archive_zlib(struct rd r)
{
	uint8_t out[512];
	z_stream z = {0};
	size_t give = MIN(r.len, (size_t)1024);
	int rc;

	if (r.len < 8 || (r.base[0] & 0x0f) != 8 || r.base[0] >> 4 > 7 ||
	    (r.base[1] & 0x20) != 0 ||
	    ((unsigned)r.base[0] * 256 + r.base[1]) % 31 != 0)
		return 0;
	if (inflateInit(&z) != Z_OK)
		BUG("zlib");
	z.next_in = (Bytef *)(uintptr_t)r.base;
	z.avail_in = (uInt)give;
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		rc = inflate(&z, Z_NO_FLUSH);
	} while (rc == Z_OK && z.avail_out == 0 && z.total_out < 1 << 20);
	give = z.total_in;
	inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return 40; /* its checksum is right */
	return (rc == Z_OK || rc == Z_BUF_ERROR) && give >= 64 ? 24 : 0;
}

/*
 * LZMA_alone, as xz(1) tells it from anything: properties below 225, a
 * dictionary of 2^n or 2^n + 2^(n-1) bytes, a size that is unknown or below
 * 256 GiB.  The usual properties only.
 */
unsigned
identify_archive_lzma(struct rd r)
{
	uint8_t props = 0;
	uint32_t dict = 0;
	uint64_t size = 0;

	if (rd_u8(&r, &props) != 0 || rd_u32le(&r, &dict) != 0 ||
	    rd_u64le(&r, &size) != 0 || props != 0x5d || dict < 4096 ||
	    rd_left(&r) < 5 || r.base[13] != 0)
		return 0;
	while ((dict & 1) == 0)
		dict >>= 1;
	if (dict != 1 && dict != 3)
		return 0;
	return size == UINT64_MAX ? 64 : size < (uint64_t)1 << 38 ? 32 : 0;
}

/* compress(1): only what its third byte may be */
unsigned
identify_archive_compress(struct rd r)
{
	return RD_HAS(r, 0, "\x1f\x9d") && r.len > 8 &&
		       (r.base[2] & 0x60) == 0 && (r.base[2] & 0x1f) >= 9 &&
		       (r.base[2] & 0x1f) <= 16
		   ? 17
		   : 0;
}

/* LHA, level 0 to 2: "-lh5-" behind two bytes */
unsigned
identify_archive_lha(struct rd r)
{
	return (RD_HAS(r, 2, "-lh") || RD_HAS(r, 2, "-lz")) && r.len > 24 &&
		       r.base[6] == '-' && r.base[20] <= 2
		   ? 34
		   : 0;
}
