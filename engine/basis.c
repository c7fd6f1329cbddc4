/* SPDX-License-Identifier: MIT */
#include "engine/basis.h"

#include <math.h>

#define PI 3.14159265358979323846

size_t
basis_floats(size_t h, size_t w, size_t rows, size_t cols)
{
	return rows * h + cols * w + rows * w;
}

static void
place(struct basis *b, size_t h, size_t w, size_t c, size_t rows, size_t cols,
    float *mem)
{
	*b = (struct basis){.h = h, .w = w, .c = c, .rows = rows, .cols = cols};
	b->y = mem;
	b->x = b->y + rows * h;
	b->spare = b->x + cols * w;
}

static void
cosines(float *to, size_t rows, size_t n)
{
	for (size_t q = 0; q < rows; q++)
		for (size_t i = 0; i < n; i++)
			to[q * n + i] =
			    (float)(sqrt((q == 0 ? 1.0 : 2.0) / (double)n) *
				    cos(PI * ((double)i + 0.5) * (double)q /
					(double)n));
}

/* The highest frequency of an even n is a cosine of half the norm. */
static void
waves(float *to, size_t rows, size_t n)
{
	for (size_t q = 0; q < rows; q++) {
		size_t k = (q + 1) / 2;
		bool plain = k == 0 || 2 * k == n;
		double size = sqrt((plain ? 1.0 : 2.0) / (double)n);

		for (size_t i = 0; i < n; i++) {
			double a = 2 * PI * (double)(k * i) / (double)n;

			to[q * n + i] =
			    (float)(size *
				    (q % 2 == 1 || q == 0 ? cos(a) : sin(a)));
		}
	}
}

void
basis_cosine(struct basis *b, size_t h, size_t w, size_t c, size_t rows,
    size_t cols, float *mem)
{
	place(b, h, w, c, rows, cols, mem);
	cosines(b->y, rows, h);
	cosines(b->x, cols, w);
}

void
basis_fourier(struct basis *b, size_t h, size_t w, size_t c, size_t rows,
    size_t cols, float *mem)
{
	place(b, h, w, c, rows, cols, mem);
	waves(b->y, rows, h);
	waves(b->x, cols, w);
}

void
basis_image(const struct basis *b, const float *coef, float *image)
{
	for (size_t k = 0; k < b->c; k++) {
		const float *c = coef + k * b->rows * b->cols;

		/* spare (rows x w) = C X */
		memset(b->spare, 0, b->rows * b->w * sizeof(float));
		for (size_t r = 0; r < b->rows; r++)
			for (size_t q = 0; q < b->cols; q++)
				for (size_t i = 0; i < b->w; i++)
					b->spare[r * b->w + i] +=
					    c[r * b->cols + q] *
					    b->x[q * b->w + i];
		for (size_t i = 0; i < b->h * b->w; i++)
			image[i * b->c + k] = 0.0f;
		for (size_t r = 0; r < b->rows; r++)
			for (size_t i = 0; i < b->h * b->w; i++)
				image[i * b->c + k] +=
				    b->y[r * b->h + i / b->w] *
				    b->spare[r * b->w + i % b->w];
	}
}

void
basis_coefficients(const struct basis *b, const float *image, float *coef)
{
	for (size_t k = 0; k < b->c; k++) {
		float *c = coef + k * b->rows * b->cols;

		/* spare (rows x w) = Y image */
		memset(b->spare, 0, b->rows * b->w * sizeof(float));
		for (size_t r = 0; r < b->rows; r++)
			for (size_t i = 0; i < b->h * b->w; i++)
				b->spare[r * b->w + i % b->w] +=
				    b->y[r * b->h + i / b->w] *
				    image[i * b->c + k];
		for (size_t r = 0; r < b->rows; r++)
			for (size_t q = 0; q < b->cols; q++)
				for (size_t i = 0; i < b->w; i++)
					c[r * b->cols + q] +=
					    b->spare[r * b->w + i] *
					    b->x[q * b->w + i];
	}
}
