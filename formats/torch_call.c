/* SPDX-License-Identifier: MIT */
#include "formats/torch_call.h"

static void
skip_space(struct slice *s)
{
	while (s->len > 0 && (*s->ptr == ' ' || *s->ptr == '\n')) {
		s->ptr++;
		s->len--;
	}
}

bool
torch_call_argument(struct slice *s, struct slice *out)
{
	size_t depth = 0, i = 0;

	skip_space(s);
	for (; i < s->len; i++) {
		uint8_t c = s->ptr[i];

		if (depth == 0 && (c == ',' || c == ')'))
			break;
		if (c == '(' || c == '[')
			depth++;
		else if ((c == ')' || c == ']') && depth > 0)
			depth--;
	}
	*out = (struct slice){s->ptr, i};
	if (i == s->len || i == 0)
		return false;
	if (s->ptr[i] == ',')
		i++;
	s->ptr += i;
	s->len -= i;
	return true;
}

bool
torch_call_number(struct slice *s, int64_t *out)
{
	size_t i = 0;

	skip_space(s);
	for (*out = 0; i < s->len && i < 9; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			break;
		*out = *out * 10 + (s->ptr[i] - '0');
	}
	s->ptr += i;
	s->len -= i;
	return i > 0;
}

bool
torch_call_pair(struct slice s, int64_t out[2])
{
	if (s.len < 3 || *s.ptr != '[')
		return false;
	s.ptr++;
	s.len--;
	if (!torch_call_number(&s, &out[0]))
		return false;
	out[1] = out[0];
	if (s.len > 0 && *s.ptr == ',') {
		s.ptr++;
		s.len--;
		if (!torch_call_number(&s, &out[1]))
			return false;
	}
	return s.len == 1 && *s.ptr == ']';
}
