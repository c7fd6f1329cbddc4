/* SPDX-License-Identifier: MIT
 * Training with a softmax keeps the classes of a final layer alike: norms of rows are
 * within a factor of two or three of each other, and biases, which carry the classes'
 * shares, within the logarithm of the rarest (10 for one in 20,000).
 */
#include "audit/check_weight_head.h"

#include "base/arena.h"

#include <math.h>

#define CLASSES 65536
#define FEW     4    /* classes that the others are seen by */
#define HEAVY   30.0 /* times the median norm */
#define ALONE   5.0  /* times the second largest, as one that was made so */
#define RAISED  20.0 /* logits: a softmax gives the others 2e-9 */
#define SPREAD  10.0 /* times the spread of the others */

struct most {
	double *value; /* n numbers, sorted */
	uint64_t n, class;
	double largest, second, median, low;
};

/* The last part of the name but "weight" or "bias" is one of a final layer. */
static bool
is_head(const char *name, const char *what)
{
	static const char *const heads[] = {"fc", "classifier", "head", "heads",
	    "last_linear", "linear", "logits", "out", "output", "output_layer",
	    "predictions", "fc_out", "cls_head"};
	size_t len = strlen(name), end = strlen(what), from;

	if (len < end || strcmp(name + len - end, what) != 0)
		return false;
	len -= end;
	if (len == 0 || (name[len - 1] != '.' && name[len - 1] != '/'))
		return false;
	from = --len;
	while (from > 0 && name[from - 1] != '.' && name[from - 1] != '/')
		from--;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (strlen(heads[i]) == len - from &&
		    memcmp(heads[i], name + from, len - from) == 0)
			return true;
	return false;
}

static int
order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* m->value is sorted after that. */
static void
rank(struct most *m)
{
	m->largest = m->value[0];
	for (uint64_t i = 1; i < m->n; i++)
		if (m->value[i] > m->largest) {
			m->largest = m->value[i];
			m->class = i;
		}
	qsort(m->value, m->n, sizeof(*m->value), order);
	m->second = m->value[m->n - 2];
	m->median = m->value[m->n / 2];
	m->low = m->value[0];
}

static double
norm(const struct tensor *t, uint64_t row, uint64_t cols)
{
	double sum = 0;

	for (uint64_t i = 0; i < cols; i++) {
		double v = tensor_real(t, row * cols + i);

		sum += v * v;
	}
	return sqrt(sum);
}

/* All classes have one row, and not of zeros, as a head begins. */
static bool
is_same(const struct tensor *t, uint64_t n)
{
	size_t len = t->size / n;

	for (uint64_t i = 1; i < n; i++)
		if (memcmp(t->data, t->data + i * len, len) != 0)
			return false;
	return norm(t, 0, t->dim[1]) > 0;
}

static void
rows(const struct check_file *f, const struct tensor *t, struct most *m)
{
	if (is_same(t, m->n)) {
		check_find_tensor(f, FINDING_TENSOR_HEAD, t->name,
		    "all %" PRIu64 " classes have the same weights", m->n);
		return;
	}
	for (uint64_t i = 0; i < m->n; i++)
		m->value[i] = norm(t, i, t->dim[1]);
	rank(m);
	if (m->median > 0 && m->largest > HEAVY * m->median &&
	    m->largest > ALONE * m->second)
		check_find_tensor(f, FINDING_TENSOR_HEAD, t->name,
		    "class %" PRIu64 " of %" PRIu64 " has %.0f times the "
		    "norm of the median",
		    m->class, m->n, m->largest / m->median);
}

static void
bias(const struct check_file *f, const struct tensor *t, struct most *m)
{
	for (uint64_t i = 0; i < m->n; i++)
		m->value[i] = tensor_real(t, i);
	rank(m);
	if (m->largest - m->second > RAISED &&
	    m->largest - m->second > SPREAD * (m->second - m->low))
		check_find_tensor(f, FINDING_TENSOR_HEAD, t->name,
		    "class %" PRIu64 " of %" PRIu64 " has a bias of %.4g, the "
		    "next largest is %.4g",
		    m->class, m->n, m->largest, m->second);
}

void
check_weight_head(const struct check_file *f, const struct tensor *t)
{
	struct most m = {.n = t->rank != 0 ? t->dim[0] : 0};
	bool weights = t->rank == 2 && is_head(t->name, "weight");
	struct arena a;

	if ((!weights && (t->rank != 1 || !is_head(t->name, "bias"))) ||
	    m.n < FEW || m.n > CLASSES || (weights && t->dim[1] == 0))
		return;
	arena_init(&a, (CLASSES + 1) * sizeof(double));
	m.value = arena_alloc(&a, m.n, sizeof(*m.value));
	if (m.value != NULL && weights)
		rows(f, t, &m);
	else if (m.value != NULL)
		bias(f, t, &m);
	arena_release(&a);
}
