/* SPDX-License-Identifier: MIT
 * libjpeg reports errors by a callback that must not return; the longjmp stays
 * within this file.  Damage, on which libjpeg would only warn and make
 * something up, is an error: measured pixels must be those of the file.
 */
#include "formats/image_jpeg.h"

#include "base/limits.h"

#include <stdio.h> /* jpeglib.h needs it first */

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>

struct jpeg_job {
	struct jpeg_error_mgr mgr; /* first: libjpeg knows only this */
	struct jpeg_decompress_struct dec;
	struct jpeg_progress_mgr progress;
	struct rd rd;
	struct arena *arena;
	struct image *out;
	struct err *err;
	struct slice tables; /* a stream of its own before the image's */
	enum image_jpeg_colour colour;
	jmp_buf back;
	int rc;
};

static struct jpeg_job *
job_of(j_common_ptr c)
{
	return (struct jpeg_job *)(void *)c->err;
}

static NORETURN void
stop(struct jpeg_job *j, int rc)
{
	j->rc = rc;
	longjmp(j->back, 1);
}

static NORETURN void
on_error(j_common_ptr c)
{
	struct jpeg_job *j = job_of(c);
	char text[JMSG_LENGTH_MAX];
	size_t left = j->dec.src != NULL ? j->dec.src->bytes_in_buffer : 0;

	c->err->format_message(c, text);
	stop(j,
	    err_set(j->err,
		c->err->msg_code == JWRN_JPEG_EOF ? ERR_TRUNCATED : ERR_FORMAT,
		j->rd.start + (left <= j->rd.len ? j->rd.len - left : 0),
		"jpeg: %s", text));
}

static void
on_message(j_common_ptr c, int level)
{
	if (level < 0 && c->err->msg_code != JWRN_EXTRANEOUS_DATA &&
	    c->err->msg_code != JWRN_ADOBE_XFORM &&
	    c->err->msg_code != JWRN_JFIF_MAJOR)
		on_error(c);
}

static void
on_progress(j_common_ptr c)
{
	struct jpeg_job *j = job_of(c);

	if (j->dec.input_scan_number > LIMIT_JPEG_SCANS)
		stop(j, err_set(j->err, ERR_LIMIT, ERR_NOWHERE,
			    "jpeg: more than %d scans", LIMIT_JPEG_SCANS));
}

static void
choose(struct jpeg_job *j)
{
	static const J_COLOR_SPACE said[] = {[IMAGE_JPEG_GREY] = JCS_GRAYSCALE,
	    [IMAGE_JPEG_YCC] = JCS_YCbCr,
	    [IMAGE_JPEG_RGB] = JCS_RGB};
	struct jpeg_decompress_struct *d = &j->dec;

	if (j->colour != IMAGE_JPEG_AS_SAID) {
		if (d->num_components != (j->colour == IMAGE_JPEG_GREY ? 1 : 3))
			stop(j, err_set(j->err, ERR_FORMAT, 0,
				    "jpeg: another number of colours"));
		d->jpeg_color_space = said[j->colour];
	}
	j->out->c = d->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
	if (d->jpeg_color_space == JCS_GRAYSCALE)
		d->out_color_space = JCS_GRAYSCALE;
	else if (d->jpeg_color_space == JCS_RGB ||
		 d->jpeg_color_space == JCS_YCbCr)
		d->out_color_space = JCS_RGB;
	else if (d->jpeg_color_space == JCS_CMYK ||
		 d->jpeg_color_space == JCS_YCCK)
		d->out_color_space = JCS_CMYK;
	else
		stop(j, err_set(j->err, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "jpeg: an unknown colour space"));
}

/* Room for a row of four inks a pixel. */
static uint8_t *
inks_of(struct jpeg_job *j)
{
	uint8_t *p = arena_alloc(j->arena, j->out->w, 4);

	if (p == NULL)
		err_set(j->err, ERR_LIMIT, ERR_NOWHERE, "data too large");
	return p;
}

/* a b / 255, rounded */
static uint8_t
times(unsigned a, unsigned b)
{
	unsigned v = a * b + 128;

	return (uint8_t)(((v >> 8) + v) >> 8);
}

/* Inks as Adobe's programs write them, 255 being none, to colours as Pillow
 * mixes them (JpegImagePlugin.py, libImaging/Convert.c). */
static void
mix(const uint8_t *inks, size_t n, uint8_t *to)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 3; k++) {
			unsigned white = inks[4 * i + 3];

			to[3 * i + k] =
			    (uint8_t)(white -
				      times(255u - inks[4 * i + k], white));
		}
}

static void
decode(struct jpeg_job *j)
{
	struct jpeg_decompress_struct *d = &j->dec;
	uint8_t *p, *inks = NULL;

	jpeg_create_decompress(d);
	d->progress = &j->progress;
	if (j->tables.len != 0) {
		jpeg_mem_src(d, j->tables.ptr, j->tables.len);
		if (jpeg_read_header(d, FALSE) != JPEG_HEADER_TABLES_ONLY)
			stop(j, err_set(j->err, ERR_FORMAT, 0,
				    "jpeg: an image among its tables"));
	}
	jpeg_mem_src(d, j->rd.base, j->rd.len);
	if (jpeg_read_header(d, TRUE) != JPEG_HEADER_OK)
		stop(j, err_set(j->err, ERR_FORMAT, 0, "jpeg: no image"));
	choose(j);
	d->dct_method = JDCT_ISLOW;
	p = image_alloc(
	    j->arena, j->out, d->image_width, d->image_height, j->err);
	if (p == NULL)
		stop(j, j->err->code);
	jpeg_start_decompress(d);
	if (d->out_color_space == JCS_CMYK && (inks = inks_of(j)) == NULL)
		stop(j, j->err->code);
	while (d->output_scanline < d->output_height) {
		uint8_t *to = p + d->output_scanline * j->out->w * j->out->c;
		JSAMPROW row = inks != NULL ? inks : to;

		jpeg_read_scanlines(d, &row, 1);
		if (inks != NULL)
			mix(inks, j->out->w, to);
	}
	jpeg_finish_decompress(d);
}

bool
image_jpeg_probe(struct rd r)
{
	return r.len >= 3 && memcmp(r.base, "\xff\xd8\xff", 3) == 0;
}

static int
run(struct jpeg_job *j)
{
	j->dec.err = jpeg_std_error(&j->mgr);
	j->mgr.error_exit = on_error;
	j->mgr.emit_message = on_message;
	j->progress.progress_monitor = on_progress;
	if (setjmp(j->back) == 0)
		decode(j);
	jpeg_destroy_decompress(&j->dec);
	return j->rc;
}

int
image_jpeg_read(struct rd r, struct arena *a, struct image *out, struct err *e)
{
	struct jpeg_job j = {.rd = r, .arena = a, .out = out, .err = e};

	return run(&j);
}

int
image_jpeg_part(struct slice tables, struct slice stream,
    enum image_jpeg_colour colour, struct arena *a, struct image *out,
    struct err *e)
{
	struct jpeg_job j = {.rd = rd_mem(stream.ptr, stream.len),
	    .arena = a,
	    .out = out,
	    .err = e,
	    .tables = tables,
	    .colour = colour};

	return run(&j);
}
