/* SPDX-License-Identifier: MIT
 * Arrays in joblib's files (joblib/numpy_pickle.py, NumpyArrayWrapper): behind
 * the BUILD of a wrapper come the bytes of its array, or, with elements that are
 * Python objects, a pickle of them.
 */
#include "audit/check_pickle_array.h"

#include "base/limits.h"
#include "base/text.h"

#include <inttypes.h>

/* The size of an element: numpy.dtype("f8", ...), for those of any size and
 * records with a state of (version, order, subtype, names, fields, size,
 * alignment, flags). */
bool
check_pickle_joblib_element(
    const struct pickle_node *dtype, uint64_t *size, bool *objects)
{
	const struct pickle_node *code, *state, *flags;
	char digits[20] = {0};
	int64_t n;

	if (!pickle_calls(dtype, NULL, "dtype"))
		return false;
	code = pickle_item(dtype->call->args, 0);
	state = dtype->call->state;
	if (!pickle_is(code, PICKLE_STR) || code->text.len < 2 ||
	    code->text.len > sizeof(digits))
		return false;
	*objects = code->text.ptr[0] == 'O';
	flags = pickle_item(state, 7);
	if (pickle_int(flags, &n) && (n & 1) != 0)
		*objects = true;
	if (pickle_int(pickle_item(state, 5), &n) && n > 0) {
		*size = (uint64_t)n;
		return true;
	}
	memcpy(digits, code->text.ptr + 1, code->text.len - 1);
	if (!text_parse_u64(digits, INT32_MAX, size))
		return false;
	if (code->text.ptr[0] == 'U')
		*size *= 4;
	return true;
}

static bool
element_count(const struct pickle_node *shape, uint64_t *count)
{
	int64_t n;

	*count = 1;
	if (!pickle_is(shape, PICKLE_TUPLE))
		return false;
	for (size_t i = 0; i < shape->n; i++)
		if (!pickle_int(shape->item[i], &n) || n < 0 ||
		    ckd_mul(count, *count, (uint64_t)n))
			return false;
	return true;
}

/* numpy_array_alignment_bytes: a byte that says how many follow it */
static uint64_t
padding(const struct pickle_node *state, struct rd *r)
{
	const struct pickle_node *n =
	    pickle_get(state, "numpy_array_alignment_bytes");
	uint8_t pad = 0;

	if (n == NULL || n->kind == PICKLE_NONE || rd_u8(r, &pad) != 0)
		return 0;
	return (uint64_t)pad + 1;
}

/* A pickle of its own, which joblib gives to pickle.load(). */
static uint64_t
objects_at(struct check_pickle_judge *j, struct rd r)
{
	struct pickle outer = j->pickle;
	const struct pickle_node *root;
	struct err e = {.off = ERR_NOWHERE};
	size_t from = r.off;
	struct arena a;

	arena_init(&a, LIMIT_PICKLE_LEAN_BYTES);
	j->pickle.arena = &a;
	j->pickle.nodes = j->pickle.nfresh = 0;
	j->pickle.skip = 0;
	j->pickle.lean = true;
	j->inner = true;
	if (pickle_read(&j->pickle, &r, &root, &e) != 0) {
		if (!j->tentative)
			check_short(j->f, FINDING_PICKLE_INVALID, e.off,
			    "array of objects: %s", e.msg);
		r.off = r.len;
	}
	j->inner = false;
	j->pickle = outer;
	arena_release(&a);
	return r.off - from;
}

void
check_pickle_joblib(
    struct check_pickle_judge *j, const struct pickle_node *wrapper)
{
	const struct pickle_node *state = wrapper->call->state;
	uint64_t size, count, bytes;
	struct rd r = j->bytes;
	bool objects = false;

	if (rd_skip(&r, j->pickle.at + 1 - rd_pos(&r)) != 0)
		return;
	if (!check_pickle_joblib_element(
		pickle_get(state, "dtype"), &size, &objects) ||
	    !element_count(pickle_get(state, "shape"), &count) ||
	    ckd_mul(&bytes, size, count)) {
		if (!j->tentative)
			check_short(j->f, FINDING_PICKLE_INVALID, j->pickle.at,
			    "an array of joblib's whose size is not known");
		return;
	}
	if (objects)
		j->pickle.skip = objects_at(j, r);
	else if (ckd_add(&j->pickle.skip, bytes, padding(state, &r)))
		j->pickle.skip = UINT64_MAX;
}

/* How many bytes: bytes, or with protocol 2 and before a text of as many letters,
 * encode(text, "latin1"); false: neither. */
static bool
byte_count(const struct pickle_node *n, uint64_t *count)
{
	const struct pickle_node *text = NULL;

	if (pickle_is(n, PICKLE_BYTES)) {
		*count = n->text.len;
		return true;
	}
	if (pickle_calls(n, "_codecs", "encode"))
		text = pickle_item(n->call->args, 0);
	if (!pickle_is(text, PICKLE_STR))
		return false;
	*count = 0;
	for (size_t i = 0; i < text->text.len; i++)
		*count += (text->text.ptr[i] & 0xc0) != 0x80;
	return true;
}

/* ndarray.__setstate__((version, shape, dtype, Fortran's order, elements)) refuses
 * another number of bytes than the shape has, or of objects. */
void
check_pickle_array(
    struct check_pickle_judge *j, const struct pickle_node *array)
{
	const struct pickle_node *state = array->call->state;
	const struct pickle_node *data = pickle_item(state, 4);
	uint64_t size, count, bytes, got;
	bool objects = false, fits = true;

	if (j->tentative || data == NULL ||
	    !check_pickle_joblib_element(
		pickle_item(state, 2), &size, &objects) ||
	    !element_count(pickle_item(state, 1), &count) ||
	    ckd_mul(&bytes, size, count))
		return;
	if (objects)
		fits = !pickle_is(data, PICKLE_LIST) || data->n == count;
	else if (byte_count(data, &got))
		fits = got == bytes;
	if (!fits)
		check_short(j->f, FINDING_PICKLE_INVALID, j->pickle.at,
		    "an array whose shape has %" PRIu64
		    " elements, and other data",
		    count);
}
