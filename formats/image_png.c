/* SPDX-License-Identifier: MIT
 * libpng reports errors by longjmp, which stays within this file: everything
 * that changes after setjmp lives in struct png_job.
 */
#include "formats/image_png.h"

#include "base/limits.h"

#include <png.h>
#include <setjmp.h>

struct png_job {
	struct rd rd;
	struct arena *arena;
	struct image *out;
	struct err *err;
	png_structp png;
	png_infop info;
	int rc;
};

static NORETURN void
stop(png_structp png, int rc)
{
	struct png_job *j = png_get_error_ptr(png);

	j->rc = rc;
	png_longjmp(png, 1);
}

static NORETURN void
on_error(png_structp png, png_const_charp text)
{
	struct png_job *j = png_get_error_ptr(png);

	stop(png, err_set(j->err, ERR_FORMAT, rd_pos(&j->rd), "png: %s", text));
}

static void
on_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

static void
on_read(png_structp png, png_bytep to, size_t n)
{
	struct png_job *j = png_get_io_ptr(png);
	struct slice s;

	if (rd_bytes(&j->rd, n, &s) != 0)
		stop(png, err_set(j->err, ERR_TRUNCATED,
			      j->rd.start + j->rd.len, "png: ends early"));
	memcpy(to, s.ptr, n);
}

static void
refuse(struct png_job *j, const char *what)
{
	stop(j->png, err_set(j->err, ERR_UNSUPPORTED, ERR_NOWHERE,
			 "png: %s is not read", what));
}

/*
 * After the header: what is taken, and as what.  As Pillow's convert("RGB"),
 * which data loaders call: colours stay what they are where they are
 * transparent, and of 16 bits the upper 8 count (so they do of grey, where
 * Pillow makes white of all above 255).
 */
static void
choose(struct png_job *j)
{
	int type = png_get_color_type(j->png, j->info);
	bool grey = (type & ~PNG_COLOR_MASK_ALPHA) == PNG_COLOR_TYPE_GRAY;

	png_set_strip_16(j->png);
	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(j->png);
	else if (type == PNG_COLOR_TYPE_GRAY)
		png_set_expand_gray_1_2_4_to_8(j->png);
	png_set_strip_alpha(j->png);
	j->out->c = grey ? 1 : 3;
}

static void
decode(struct png_job *j)
{
	int passes;
	uint8_t *p;
	size_t row;

	png_set_read_fn(j->png, j, on_read);
	png_set_user_limits(j->png, LIMIT_IMAGE_SIDE, LIMIT_IMAGE_SIDE);
	png_set_chunk_cache_max(j->png, 100);
	png_set_chunk_malloc_max(j->png, (png_alloc_size_t)8 << 20);
	png_read_info(j->png, j->info);
	choose(j);
	passes = png_set_interlace_handling(j->png);
	png_read_update_info(j->png, j->info);
	p = image_alloc(j->arena, j->out, png_get_image_width(j->png, j->info),
	    png_get_image_height(j->png, j->info), j->err);
	if (p == NULL)
		stop(j->png, j->err->code);
	row = j->out->w * j->out->c;
	if (png_get_rowbytes(j->png, j->info) != row)
		refuse(j, "this pixel layout");
	for (int k = 0; k < passes; k++)
		for (size_t y = 0; y < j->out->h; y++)
			png_read_row(j->png, p + y * row, NULL);
	png_read_end(j->png, NULL);
}

bool
image_png_probe(struct rd r)
{
	return r.len >= 8 && memcmp(r.base, "\x89PNG\r\n\x1a\n", 8) == 0;
}

int
image_png_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct png_job j = {.rd = r, .arena = a, .out = out, .err = e};

	j.png = png_create_read_struct(
	    PNG_LIBPNG_VER_STRING, &j, on_error, on_warning);
	if (j.png == NULL || (j.info = png_create_info_struct(j.png)) == NULL)
		BUG("libpng");
	if (setjmp(png_jmpbuf(j.png)) == 0)
		decode(&j);
	png_destroy_read_struct(&j.png, &j.info, NULL);
	return j.rc;
}
