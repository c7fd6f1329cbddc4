/* SPDX-License-Identifier: MIT */
#include "engine/loss.h"

#include <math.h>

void
loss_softmax(size_t k, const float *z, float *p)
{
	float top = z[0], sum = 0.0f;

	for (size_t i = 1; i < k; i++)
		top = z[i] > top ? z[i] : top;
	for (size_t i = 0; i < k; i++) {
		p[i] = expf(z[i] - top);
		sum += p[i];
	}
	for (size_t i = 0; i < k; i++)
		p[i] /= sum;
}

size_t
loss_argmax(size_t k, const float *z)
{
	size_t best = 0;

	for (size_t i = 0; i < k; i++) {
		if (isnan(z[i]))
			return i;
		if (z[i] > z[best])
			best = i;
	}
	return best;
}

double
loss_cross_entropy(size_t k, const float *z, size_t y, float weight, float *dz)
{
	float top = z[0];
	double sum = 0.0;

	for (size_t i = 1; i < k; i++)
		top = z[i] > top ? z[i] : top;
	for (size_t i = 0; i < k; i++)
		sum += exp((double)(z[i] - top));
	for (size_t i = 0; dz != NULL && i < k; i++) {
		double p = exp((double)(z[i] - top)) / sum;

		dz[i] += weight * (float)(p - (i == y ? 1.0 : 0.0));
	}
	return log(sum) - (double)(z[y] - top);
}

double
loss_towards(
    size_t k, const float *z, const float *goal, float weight, float *dz)
{
	float top = z[0];
	double sum = 0.0, loss = 0.0;

	for (size_t i = 1; i < k; i++)
		top = z[i] > top ? z[i] : top;
	for (size_t i = 0; i < k; i++)
		sum += exp((double)(z[i] - top));
	for (size_t i = 0; i < k; i++) {
		double p = exp((double)(z[i] - top)) / sum;

		if (goal[i] != 0.0f) /* even where z is -inf */
			loss +=
			    (double)goal[i] * (log(sum) - (double)(z[i] - top));
		if (dz != NULL)
			dz[i] += weight * (float)(p - (double)goal[i]);
	}
	return loss;
}
