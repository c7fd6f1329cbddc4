/* SPDX-License-Identifier: MIT */
#include "formats/pickle.h"

#include "formats/pickle_machine.h"
#include "formats/pickle_ops.h"

static int
run(struct pickle_machine *m)
{
	int rc;

	while (!m->stopped) {
		m->at = rd_pos(m->r);
		if (rd_u8(m->r, &m->op) != 0)
			return err_set(m->e, ERR_TRUNCATED, m->at,
			    "pickle: the file ends before STOP");
		if ((rc = pickle_ops_run(m)) != 0)
			return rc;
	}
	return 0;
}

int
pickle_read(struct pickle *p, struct rd *r, const struct pickle_node **root,
    struct err *e)
{
	struct pickle_machine m;
	struct pickle_node *top;
	int rc;

	pickle_machine_init(&m, p, r, e);
	if ((rc = run(&m)) == 0 && (rc = pickle_machine_pop(&m, &top)) == 0)
		*root = top;
	pickle_machine_release(&m);
	return rc;
}

const char *
pickle_opcode(uint8_t op)
{
	return pickle_ops_name(op);
}

/* --- looking ------------------------------------------------------------- */

static bool
same(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.len == n && (n == 0 || memcmp(s.ptr, text, n) == 0);
}

bool
pickle_is(const struct pickle_node *n, enum pickle_kind kind)
{
	return n != NULL && n->kind == kind;
}

bool
pickle_is_text(const struct pickle_node *n, const char *text)
{
	return pickle_is(n, PICKLE_STR) && same(n->text, text);
}

bool
pickle_is_global(
    const struct pickle_node *n, const char *module, const char *name)
{
	return pickle_is(n, PICKLE_GLOBAL) && same(n->name->name, name) &&
	       (module == NULL || same(n->name->module, module));
}

bool
pickle_int(const struct pickle_node *n, int64_t *out)
{
	if (!pickle_is(n, PICKLE_INT) || n->big)
		return false;
	*out = n->i;
	return true;
}

const struct pickle_node *
pickle_item(const struct pickle_node *n, size_t i)
{
	if (!pickle_is(n, PICKLE_TUPLE) && !pickle_is(n, PICKLE_LIST))
		return NULL;
	return i < n->n ? n->item[i] : NULL;
}

const struct pickle_node *
pickle_dict(const struct pickle_node *n)
{
	if (pickle_is(n, PICKLE_CALL))
		n = n->call->dict;
	return pickle_is(n, PICKLE_DICT) ? n : NULL;
}

const struct pickle_node *
pickle_get(const struct pickle_node *n, const char *key)
{
	const struct pickle_node *d = pickle_dict(n);

	if (d == NULL)
		return NULL;
	for (size_t i = d->n; i >= 2; i -= 2)
		if (pickle_is_text(d->item[i - 2], key))
			return d->item[i - 1];
	return NULL;
}

bool
pickle_calls(const struct pickle_node *n, const char *module, const char *name)
{
	return pickle_is(n, PICKLE_CALL) &&
	       pickle_is_global(n->call->callee, module, name);
}
