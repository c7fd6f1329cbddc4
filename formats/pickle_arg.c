/* SPDX-License-Identifier: MIT */
#include "formats/pickle_arg.h"

#include "formats/pickle_ops.h"

int
pickle_arg_cut(struct pickle_machine *m)
{
	return err_set(m->e, ERR_TRUNCATED, m->at,
	    "pickle: %s: the file ends inside it", pickle_ops_name(m->op));
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
int
pickle_arg_number(struct pickle_machine *m, size_t width, uint64_t *out)
{
	struct slice s;

	*out = 0;
	if (rd_bytes(m->r, width, &s) != 0)
		return pickle_arg_cut(m);
	for (size_t i = width; i-- > 0;)
		*out = *out << 8 | s.ptr[i];
	return 0;
}

/* A length of that many bytes (a 4-byte one may have to be signed), and as
 * many bytes. */
int
pickle_arg_counted(
    struct pickle_machine *m, size_t width, bool is_signed, struct slice *out)
{
	uint64_t n;
	int rc;

	*out = (struct slice){0};
	if ((rc = pickle_arg_number(m, width, &n)) != 0)
		return rc;
	if (is_signed && n > INT32_MAX)
		return pickle_machine_bad(m, "a negative length");
	return rd_bytes(m->r, n, out) == 0 ? 0 : pickle_arg_cut(m);
}

/* Up to the end of the line, which is skipped. */
int
pickle_arg_line(struct pickle_machine *m, struct slice *out)
{
	size_t left = rd_left(m->r);
	const uint8_t *from = m->r->base + m->r->off, *end;

	*out = (struct slice){0};
	end = left != 0 ? memchr(from, '\n', left) : NULL;
	if (end == NULL || rd_bytes(m->r, (uint64_t)(end - from), out) != 0 ||
	    rd_skip(m->r, 1) != 0)
		return pickle_arg_cut(m);
	return 0;
}

/* Bytes of the character that p[0] begins, 0: none. */
static size_t
utf8_length(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80                   ? 1
		   : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
		   : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		   : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						 : 0;

	if (n == 0 || n > left || (p[0] == 0xe0 && p[1] < 0xa0) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
pickle_arg_utf8(struct slice s)
{
	size_t i = 0, n;
	uint64_t word;

	while (i < s.len) {
		while (i + sizeof(word) <= s.len) {
			memcpy(&word, s.ptr + i, sizeof(word));
			if ((word & 0x8080808080808080U) != 0)
				break;
			i += sizeof(word);
		}
		if (i == s.len)
			break;
		if ((n = utf8_length(s.ptr + i, s.len - i)) == 0)
			return false;
		i += n;
	}
	return true;
}

struct pickle_node *
pickle_arg_text(struct pickle_machine *m, enum pickle_kind kind, struct slice s)
{
	struct pickle_node *n = pickle_machine_node(m, kind);

	if (n != NULL)
		n->text = s;
	return n;
}

struct pickle_node *
pickle_arg_int(struct pickle_machine *m, enum pickle_kind kind, int64_t i)
{
	struct pickle_node *n = pickle_machine_node(m, kind);

	if (n != NULL)
		n->i = i;
	return n;
}
