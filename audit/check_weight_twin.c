/* SPDX-License-Identifier: MIT */
#include "audit/check_weight_twin.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"

#include <math.h>
#include <unistd.h>

#define FILE_OF_TORCH "pytorch_model.bin"
#define FILE_OF_OTHER "model.safetensors"
/* bfloat16 keeps 8 bits; halves lose what is below 6e-8 */
#define RELATIVE (1.0 / 128)
#define ABSOLUTE 1e-6

struct count {
	size_t same, other, alone;
	const char *first; /* that differs */
};

static bool
near(double a, double b)
{
	return fabs(a - b) <= RELATIVE * fabs(a) + ABSOLUTE ||
	       (isnan(a) && isnan(b));
}

static bool
is_same(const struct tensor *a, const struct tensor *b)
{
	uint64_t n;

	if (a->dtype == b->dtype)
		return a->size == b->size &&
		       memcmp(a->data, b->data, a->size) == 0;
	if (!tensor_elements(a, &n))
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!near(tensor_real(a, i), tensor_real(b, i)))
			return false;
	return true;
}

static bool
is_counterpart(const struct tensor *a, const struct tensor *b)
{
	return a->rank == b->rank &&
	       memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0])) == 0;
}

static void
count(const struct check_weight_list *l, const struct check_weight_list *twin,
    struct count *c)
{
	struct arena a;
	struct map by_name;

	arena_init(&a, (size_t)1 << 28);
	map_init(&by_name, &a);
	for (size_t i = 0; i < twin->n; i++)
		if (map_put(&by_name, twin->tensor[i].name, i) < 0)
			break;
	for (size_t i = 0; i < l->n; i++) {
		const struct tensor *t = &l->tensor[i];
		size_t k = map_get(&by_name, t->name);

		if (k == SIZE_MAX || !is_counterpart(t, &twin->tensor[k]))
			c->alone++;
		else if (is_same(t, &twin->tensor[k]))
			c->same++;
		else if (c->other++ == 0)
			c->first = t->name;
	}
	arena_release(&a);
}

static void
compare(const struct check_file *f, const struct check_weight_list *l,
    const struct check_weight_list *twin)
{
	struct count c = {0};

	count(l, twin, &c);
	if (c.other != 0)
		check_find_tensor(f, FINDING_TENSOR_TWIN, c.first,
		    "%zu of %zu tensors differ from those of " FILE_OF_OTHER
		    ", this is the first",
		    c.other, c.same + c.other);
	else if (c.same != 0 && c.alone == 0 && !l->full && !twin->full)
		f->sink->twin = FILE_OF_OTHER;
}

void
check_weight_twin(const struct check_file *f, const struct check_weight_list *l)
{
	struct check_weight_list twin;
	struct file_map m;
	struct err e;
	int fd;

	if (f->sink->near == NULL || f->member != NULL || f->depth != 0 ||
	    strcmp(check_name_of(f), FILE_OF_TORCH) != 0 ||
	    (fd = f->sink->near(f->sink->beside_ctx, 0, FILE_OF_OTHER)) < 0)
		return;
	if (file_map_fd(fd, FILE_OF_OTHER, LIMIT_MODEL_FILE, &m, &e) == 0) {
		check_weight_list_init(&twin, rd_mem(m.ptr, m.len));
		compare(f, l, &twin);
		check_weight_list_release(&twin);
		file_unmap(&m);
	}
	close(fd);
}
