/* SPDX-License-Identifier: MIT */
#include "formats/pickle.h"

#include "formats/pickle_fast.h"
#include "formats/pickle_machine.h"
#include "formats/pickle_ops.h"

/* Python's own unpickler in Python minds what its sister in C does not. */
static void
check_frame(struct pickle_machine *m)
{
	uint64_t end = rd_pos(m->r);

	if (m->frame_end != 0 && m->at < m->frame_end &&
	    (end > m->frame_end || (m->stopped && end != m->frame_end))) {
		pickle_machine_odd(m, m->stopped
					  ? "a frame goes on behind STOP"
					  : "a frame ends inside an opcode");
		m->frame_end = 0;
	}
}

/* What the watcher says is no pickle: arrays in joblib's files. */
static int
skip(struct pickle_machine *m)
{
	uint64_t n = m->p->skip;

	m->p->skip = 0;
	if (m->foreseen != 0) /* and something may have been forgotten */
		return err_set(m->e, ERR_FORMAT, m->at,
		    "pickle: an array whose class is not named in plain text");
	if (rd_skip(m->r, n) != 0)
		return err_set(m->e, ERR_TRUNCATED, m->at,
		    "pickle: the file ends inside an array");
	return 0;
}

static int
step(struct pickle_machine *m)
{
	int rc;

	m->at = rd_pos(m->r);
	m->p->at = m->at;
	if (rd_u8(m->r, &m->op) != 0)
		return err_set(m->e, ERR_TRUNCATED, m->at,
		    "pickle: the file ends before STOP");
	if ((rc = pickle_ops_run(m)) == 0)
		check_frame(m);
	return rc;
}

static int
run(struct pickle_machine *m)
{
	int rc = 0;

	while (!m->stopped && rc == 0) {
		if (m->p->lean)
			rc = pickle_fast(m);
		if (rc == 0 && m->p->skip == 0)
			rc = step(m);
		if (rc == 0 && m->p->skip != 0)
			rc = skip(m);
	}
	return rc;
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

bool
pickle_is_hook(struct slice s)
{
	static const char *const hook[] = {"__setstate__", "__class__",
	    "__builtins__", "__getattr__", "__getattribute__", "__reduce__",
	    "__reduce_ex__", "__setitem__", "__dict__", "__globals__",
	    "__code__", "append", "extend", "add",
	    /* statsmodels evaluates a formula when it is there */
	    "restore_design_info"};

	if (s.len < 3 || s.len > 19 ||
	    (s.ptr[0] != '_' && s.ptr[0] != 'a' && s.ptr[0] != 'e' &&
		s.ptr[0] != 'r'))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(hook); i++)
		if (rd_slice_is(s, hook[i]))
			return true;
	return false;
}

/* --- looking ------------------------------------------------------------- */

bool
pickle_is(const struct pickle_node *n, enum pickle_kind kind)
{
	return n != NULL && n->kind == kind;
}

bool
pickle_is_endless(const struct pickle_node *n, uint64_t at)
{
	if (n == NULL || n->kind < PICKLE_TUPLE || n->kind > PICKLE_DICT ||
	    n->bulk < PICKLE_LAUGH)
		return false;
	return at >> (n->bulk >= PICKLE_WALK ? n->bulk
					     : n->bulk - PICKLE_LAUGH_BYTES) ==
	       0;
}

bool
pickle_is_text(const struct pickle_node *n, const char *text)
{
	return pickle_is(n, PICKLE_STR) && rd_slice_is(n->text, text);
}

bool
pickle_is_global(
    const struct pickle_node *n, const char *module, const char *name)
{
	return pickle_is(n, PICKLE_GLOBAL) &&
	       rd_slice_is(n->name->name, name) &&
	       (module == NULL || rd_slice_is(n->name->module, module));
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
