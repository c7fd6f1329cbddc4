/* SPDX-License-Identifier: MIT */
#include "formats/image_webp.h"

#include "base/limits.h"

#include <webp/decode.h>

static int
refuse(const char *what, struct err *e)
{
	return err_set(
	    e, ERR_UNSUPPORTED, ERR_NOWHERE, "webp: %s is not read", what);
}

bool
image_webp_probe(struct rd r)
{
	return r.len >= 12 && memcmp(r.base, "RIFF", 4) == 0 &&
	       memcmp(r.base + 8, "WEBP", 4) == 0;
}

int
image_webp_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	WebPBitstreamFeatures f;
	VP8StatusCode code = WebPGetFeatures(r.base, r.len, &f);
	uint8_t *p;
	size_t row;

	if (code != VP8_STATUS_OK)
		return err_set(e,
		    code == VP8_STATUS_NOT_ENOUGH_DATA ? ERR_TRUNCATED
						       : ERR_FORMAT,
		    ERR_NOWHERE, "webp: damaged header");
	if (f.has_animation)
		return refuse("an animation", e);
	/* transparent pixels have colours, too: Pillow's convert("RGB") */
	out->c = 3;
	p = image_alloc(a, out, (uint64_t)f.width, (uint64_t)f.height, e);
	if (p == NULL)
		return e->code;
	row = 3 * out->w;
	if (WebPDecodeRGBInto(r.base, r.len, p, row * out->h, (int)row) == NULL)
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "webp: damaged image");
	return 0;
}
