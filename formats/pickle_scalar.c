/* SPDX-License-Identifier: MIT
 * dtype's arguments are its letter and width, '<' or '>' is in its state
 * (numpy/core/src/multiarray/descriptor.c, arraydescr_reduce).  Protocol 2 has
 * no bytes: CPython writes _codecs.encode(text, "latin1").
 */
#include "formats/pickle_scalar.h"

#define WIDTH 8

/* Characters below 256 in UTF-8, back to the bytes that they stood for. */
static bool
from_latin(struct slice s, uint8_t out[WIDTH], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned c = s.ptr[i];

		if (c >= 0x80) {
			if ((c != 0xc2 && c != 0xc3) || ++i == s.len ||
			    (s.ptr[i] & 0xc0) != 0x80)
				return false;
			c = (c & 3) << 6 | (s.ptr[i] & 0x3f);
		}
		if (*n == WIDTH)
			return false;
		out[(*n)++] = (uint8_t)c;
	}
	return true;
}

static bool
take_bytes(const struct pickle_node *x, uint8_t out[WIDTH], size_t *n)
{
	const struct pickle_node *text;

	if (pickle_calls(x, "_codecs", "encode")) {
		text = pickle_item(x->call->args, 0);
		return pickle_is(text, PICKLE_STR) &&
		       pickle_is_text(
			   pickle_item(x->call->args, 1), "latin1") &&
		       from_latin(text->text, out, n);
	}
	/* protocol 3 and later; Python 2's strings */
	if ((!pickle_is(x, PICKLE_BYTES) && !pickle_is(x, PICKLE_STR)) ||
	    x->text.len > WIDTH)
		return false;
	*n = x->text.len;
	if (*n != 0)
		memcpy(out, x->text.ptr, *n);
	return true;
}

/* "i8", "u1", "b1" and the order of the bytes; a dtype without state (which
 * numpy never writes) is of the machine that reads it. */
static bool
take_type(const struct pickle_node *x, char *kind, size_t *width, bool *big)
{
	const struct pickle_node *name, *order;

	if (!pickle_calls(x, "numpy", "dtype"))
		return false;
	name = pickle_item(x->call->args, 0);
	order = pickle_item(x->call->state, 1);
	if (!pickle_is(name, PICKLE_STR) || name->text.len != 2)
		return false;
	*kind = (char)name->text.ptr[0];
	*width = (size_t)(name->text.ptr[1] - '0');
	*big = pickle_is_text(order, ">");
	return (*kind == 'i' || *kind == 'u' || *kind == 'b') &&
	       (*width == 1 || *width == 2 || *width == 4 || *width == 8);
}

bool
pickle_scalar_int(const struct pickle_node *x, int64_t *out)
{
	uint8_t bytes[WIDTH];
	size_t width, n = 0;
	uint64_t v = 0;
	bool big;
	char kind;

	if (pickle_int(x, out))
		return true;
	if (!pickle_calls(x, "numpy.core.multiarray", "scalar") &&
	    !pickle_calls(x, "numpy._core.multiarray", "scalar"))
		return false;
	if (!take_type(pickle_item(x->call->args, 0), &kind, &width, &big) ||
	    !take_bytes(pickle_item(x->call->args, 1), bytes, &n) || n != width)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | bytes[big ? i : n - 1 - i];
	if (kind == 'i' && n < 8 && (v >> (8 * n - 1)) != 0)
		v |= UINT64_MAX << 8 * n;
	if (kind == 'u' && v > INT64_MAX)
		return false;
	*out = (int64_t)v;
	return true;
}
