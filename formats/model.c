/* SPDX-License-Identifier: MIT */
#include "formats/model.h"

#include "base/le.h"
#include "base/limits.h"

#include <math.h>

static const struct {
	const char *name;
	size_t width;
} dtype_table[] = {
    [DTYPE_F32] = {"f32", 4},
    [DTYPE_F64] = {"f64", 8},
    [DTYPE_F16] = {"f16", 2},
    [DTYPE_BF16] = {"bf16", 2},
    [DTYPE_I64] = {"i64", 8},
    [DTYPE_I32] = {"i32", 4},
    [DTYPE_I16] = {"i16", 2},
    [DTYPE_I8] = {"i8", 1},
    [DTYPE_U8] = {"u8", 1},
    [DTYPE_BOOL] = {"bool", 1},
};
static_assert(ARRAY_LEN(dtype_table) == DTYPE_COUNT, "one row per dtype");

size_t
dtype_width(enum dtype d)
{
	return dtype_table[d].width;
}

const char *
dtype_name(enum dtype d)
{
	return dtype_table[d].name;
}

enum dtype
dtype_parse(const char *s)
{
	size_t d = 0;

	while (d < DTYPE_COUNT && strcmp(dtype_table[d].name, s) != 0)
		d++;
	return (enum dtype)d;
}

void
model_init(struct model *m, size_t cap)
{
	*m = (struct model){.shape = {-1, -1, -1, -1},
	    .input = "",
	    .output = "",
	    .format = "",
	    .producer = "",
	    .note = "",
	    .preprocess.from = ""};
	arena_init(&m->arena, cap);
}

void
model_release(struct model *m)
{
	arena_release(&m->arena);
	*m = (struct model){0};
}

bool
tensor_elements(const struct tensor *t, uint64_t *out)
{
	uint64_t n = 1;

	for (size_t i = 0; i < t->rank; i++)
		if (ckd_mul(&n, n, t->dim[i]))
			return false;
	*out = n;
	return n <= LIMIT_ELEMENTS;
}

/* IEEE 754 binary16, 2008 edition, section 3.6. */
static double
half_to_double(uint16_t h)
{
	unsigned exponent = h >> 10 & 31, fraction = h & 1023;
	double v;

	if (exponent == 31)
		v = fraction != 0 ? (double)NAN : (double)INFINITY;
	else if (exponent == 0)
		v = ldexp(fraction, -24);
	else
		v = ldexp(fraction + 1024.0, (int)exponent - 25);
	return (h & 0x8000) != 0 ? -v : v;
}

uint64_t
tensor_offset(const struct tensor *t, uint64_t i)
{
	uint64_t off = 0;

	if (t->stride == NULL)
		return i * dtype_width(t->dtype);
	for (size_t k = t->rank; k-- > 0; i /= t->dim[k])
		off += i % t->dim[k] * t->stride[k];
	return off;
}

double
tensor_real(const struct tensor *t, uint64_t i)
{
	uint64_t raw =
	    le_get(t->data + tensor_offset(t, i), dtype_width(t->dtype));
	uint32_t raw32 = (uint32_t)raw;
	double d;
	float f;

	switch (t->dtype) {
	case DTYPE_BF16:
	case DTYPE_F32:
		if (t->dtype == DTYPE_BF16)
			raw32 <<= 16;
		memcpy(&f, &raw32, sizeof(f));
		return (double)f;
	case DTYPE_F64:
		memcpy(&d, &raw, sizeof(d));
		return d;
	case DTYPE_F16:
		return half_to_double((uint16_t)raw);
	case DTYPE_I64:
		return (double)(int64_t)raw;
	case DTYPE_I32:
		return (int32_t)raw32;
	case DTYPE_I16:
		return (int16_t)raw;
	case DTYPE_I8:
		return (int8_t)raw;
	case DTYPE_U8:
	case DTYPE_BOOL:
		return (double)raw;
	case DTYPE_COUNT:
		break;
	}
	BUG("dtype");
}

bool
tensor_int(const struct tensor *t, uint64_t i, int64_t *out)
{
	double v;

	if (t->dtype == DTYPE_I64) {
		*out = (int64_t)le_get(t->data + tensor_offset(t, i), 8);
		return true;
	}
	v = tensor_real(t, i);
	if (!(v >= -0x1p53 && v <= 0x1p53) || v != nearbyint(v))
		return false;
	*out = (int64_t)v;
	return true;
}

const struct tensor *
model_tensor(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->ntensor; i++)
		if (strcmp(m->tensor[i].name, name) == 0)
			return &m->tensor[i];
	return NULL;
}

const struct attr *
node_attr(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->nattr; i++)
		if (strcmp(n->attr[i].name, name) == 0)
			return &n->attr[i];
	return NULL;
}

int64_t
node_int(const struct node *n, const char *name, int64_t absent)
{
	const struct attr *a = node_attr(n, name);

	return a != NULL && a->kind == ATTR_INT ? a->i : absent;
}

double
node_real(const struct node *n, const char *name, double absent)
{
	const struct attr *a = node_attr(n, name);

	if (a == NULL)
		return absent;
	if (a->kind == ATTR_INT)
		return (double)a->i;
	return a->kind == ATTR_REAL ? a->f : absent;
}

bool
node_ints(const struct node *n, const char *name, int64_t *out, size_t want)
{
	const struct attr *a = node_attr(n, name);

	if (a == NULL || a->kind != ATTR_INTS || a->n != want)
		return false;
	memcpy(out, a->ints, want * sizeof(*out));
	return true;
}

/* --- invariants ---------------------------------------------------------- */

static int
check_tensor(const struct tensor *t, struct err *e)
{
	uint64_t n;

	if (t->rank > MODEL_MAX_RANK || t->dtype >= DTYPE_COUNT)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "tensor '%s' has rank %zu", t->name, t->rank);
	if (!tensor_elements(t, &n))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "tensor '%s' is too large", t->name);
	if (n * dtype_width(t->dtype) != t->size)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "tensor '%s': %zu bytes for %" PRIu64 " elements of %s",
		    t->name, t->size, n, dtype_name(t->dtype));
	return 0;
}

/* A name that nothing before it has. */
static int
claim(struct map *names, const char *name, const char *what, struct err *e)
{
	int rc;

	if (*name == '\0')
		return err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "%s without a name", what);
	if ((rc = map_put(names, name, 0)) < 0)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many names");
	if (rc == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%s '%s': the name is defined twice", what, name);
	return 0;
}

static int
check_node(const struct node *n, struct map *names, struct err *e)
{
	int rc;

	if (n->nout == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "node '%s' (%s) has no output", n->name, n->op);
	for (size_t i = 0; i < n->nin; i++)
		if (*n->in[i] != '\0' && map_get(names, n->in[i]) == SIZE_MAX)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "node '%s' (%s) uses '%s', which nothing before "
			    "it defines",
			    n->name, n->op, n->in[i]);
	/* as LSTM may, of which nothing but the last state is asked for */
	if (*n->out[0] == '\0' && n->nout > 1 && *n->out[1] != '\0')
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "node '%s' (%s) has a second output without a first",
		    n->name, n->op);
	for (size_t i = 0; i < n->nout; i++) {
		if (i > 0 && *n->out[i] == '\0')
			continue;
		if ((rc = claim(names, n->out[i], "node output", e)) != 0)
			return rc;
	}
	return 0;
}

static int
check_graph(const struct model *m, struct map *names, struct err *e)
{
	int rc;

	if ((rc = claim(names, m->input, "input", e)) != 0)
		return rc;
	for (size_t i = 0; i < m->ntensor; i++)
		if ((rc = check_tensor(&m->tensor[i], e)) != 0 ||
		    (rc = claim(names, m->tensor[i].name, "tensor", e)) != 0)
			return rc;
	for (size_t i = 0; i < m->nnode; i++)
		if ((rc = check_node(&m->node[i], names, e)) != 0)
			return rc;
	if (map_get(names, m->output) == SIZE_MAX)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "the output '%s' is not defined", m->output);
	return 0;
}

int
model_check(const struct model *m, struct err *e)
{
	struct arena a;
	struct map names;
	int rc;

	if (m->ntensor > LIMIT_TENSORS || m->nnode > LIMIT_NODES)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "%zu tensors and %zu nodes", m->ntensor, m->nnode);
	arena_init(&a, (size_t)1 << 30);
	map_init(&names, &a);
	rc = check_graph(m, &names, e);
	arena_release(&a);
	return rc;
}

int
model_dense(const struct model *m, struct err *e)
{
	for (size_t i = 0; i < m->ntensor; i++)
		if (m->tensor[i].stride != NULL)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "tensor '%s' is a view of a file, not a neutral "
			    "model's",
			    m->tensor[i].name);
	return 0;
}
