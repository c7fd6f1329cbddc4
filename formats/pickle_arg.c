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
