/* SPDX-License-Identifier: MIT */
#include "formats/pickle_call.h"

#include "formats/pickle_arg.h"
#include "formats/pickle_ops.h"

static void
tell(struct pickle_machine *m, const struct pickle_node *n)
{
	if (m->p->see != NULL)
		m->p->see(m->p->ctx, m->op, n);
}

static int
push_seen(struct pickle_machine *m, struct pickle_node *n)
{
	int rc = pickle_machine_push(m, n);

	if (rc == 0)
		tell(m, n);
	return rc;
}

static struct pickle_node *
name_node(struct pickle_machine *m, struct slice module, struct slice name)
{
	struct pickle_node *n = pickle_machine_node(m, PICKLE_GLOBAL);

	if (n == NULL)
		return NULL;
	n->name = pickle_machine_chunk(m, sizeof(*n->name));
	if (n->name == NULL)
		return NULL;
	*n->name = (struct pickle_name){.module = module, .name = name};
	return n;
}

int
pickle_call_global(struct pickle_machine *m)
{
	struct pickle_node *a, *b;
	struct slice module, name;
	int rc;

	if (m->op == CODE_GLOBAL) {
		if ((rc = pickle_arg_line(m, &module)) != 0 ||
		    (rc = pickle_arg_line(m, &name)) != 0)
			return rc;
		return push_seen(m, name_node(m, module, name));
	}
	if ((rc = pickle_machine_pop(m, &b)) != 0 ||
	    (rc = pickle_machine_pop(m, &a)) != 0)
		return rc;
	if (a->kind != PICKLE_STR || b->kind != PICKLE_STR) {
		pickle_machine_odd(m, "a name that is no string");
		return pickle_machine_bad(m, "the name is no string");
	}
	module = a->text;
	name = b->text;
	pickle_machine_drop(m, a);
	pickle_machine_drop(m, b);
	return push_seen(m, name_node(m, module, name));
}

static int
push_call(struct pickle_machine *m, struct pickle_node *callee,
    struct pickle_node *args, struct pickle_node *kwargs)
{
	struct pickle_node *n = pickle_machine_node(m, PICKLE_CALL);

	if (n == NULL || callee == NULL || args == NULL)
		return ERR_LIMIT;
	n->call = pickle_machine_chunk(m, sizeof(*n->call));
	if (n->call == NULL)
		return ERR_LIMIT;
	*n->call = (struct pickle_call){
	    .callee = callee, .args = args, .kwargs = kwargs};
	return push_seen(m, n);
}

/* TorchScript writes members of enumerations so: its class and a value, no
 * tuple (torch/csrc/jit/serialization/pickler.cpp).  No module of Python has that
 * name. */
static bool
is_script(const struct pickle_node *callee)
{
	static const char top[] = "__torch__.";

	return callee->kind == PICKLE_GLOBAL &&
	       callee->name->module.len >= sizeof(top) - 1 &&
	       memcmp(callee->name->module.ptr, top, sizeof(top) - 1) == 0;
}

/* The unpickler in Python takes any row of arguments, the one in C only a
 * tuple; what else there is to them cannot be known. */
static int
make_tuple(struct pickle_machine *m, struct pickle_node **args, bool script)
{
	struct pickle_node *t, *from = *args;

	if (from->kind == PICKLE_TUPLE)
		return 0;
	if (m->p->odd == NULL && !script)
		return pickle_machine_bad(m, "the arguments are no tuple");
	if (!script)
		pickle_machine_odd(m, "arguments that are no tuple");
	if ((t = pickle_machine_node(m, PICKLE_TUPLE)) == NULL)
		return ERR_LIMIT;
	*args = t;
	if (script)
		return pickle_machine_extend(m, t, &from, 1);
	if (from->kind != PICKLE_LIST)
		return 0;
	from->kept = true; /* two share its items */
	for (size_t i = 0; i < from->n; i++)
		from->item[i]->kept = true;
	return pickle_machine_extend(m, t, from->item, from->n);
}

int
pickle_call_call(struct pickle_machine *m)
{
	struct pickle_node *callee, *args, *kwargs = NULL;
	int rc = 0;

	if (m->op == CODE_NEWOBJ_EX)
		rc = pickle_machine_pop(m, &kwargs);
	if (rc != 0 || (rc = pickle_machine_pop(m, &args)) != 0 ||
	    (rc = pickle_machine_pop(m, &callee)) != 0)
		return rc;
	if ((rc = make_tuple(m, &args, is_script(callee))) != 0)
		return rc;
	return push_call(m, callee, args, kwargs);
}

/* Protocols 0 and 1: the arguments are above the mark, and for OBJ the class
 * is the first of them. */
int
pickle_call_instance(struct pickle_machine *m)
{
	struct pickle_node **items, *args, *callee;
	struct slice module, name;
	size_t n, skip = 0;
	int rc;

	if (m->op == CODE_INST && ((rc = pickle_arg_line(m, &module)) != 0 ||
				      (rc = pickle_arg_line(m, &name)) != 0))
		return rc;
	if ((rc = pickle_machine_pop_mark(m, &items, &n)) != 0)
		return rc;
	if (m->op == CODE_INST) {
		callee = name_node(m, module, name);
	} else {
		if (n == 0)
			return pickle_machine_bad(m, "there is no class");
		callee = items[0];
		skip = 1;
	}
	if ((args = pickle_machine_node(m, PICKLE_TUPLE)) == NULL)
		return ERR_LIMIT;
	if (n > skip &&
	    (rc = pickle_machine_extend(m, args, items + skip, n - skip)) != 0)
		return rc;
	return push_call(m, callee, args, NULL);
}

/* Who keeps it keeps what is put into it later, too. */
static void
mark_state(struct pickle_node *state)
{
	if (state->kind == PICKLE_DICT)
		state->state = true;
	/* pydantic's models: the object's own dictionary is in it */
	for (size_t i = 0; state->kind == PICKLE_DICT && i + 1 < state->n;
	     i += 2)
		if (state->item[i + 1]->kind == PICKLE_DICT &&
		    pickle_is_text(state->item[i], "__dict__"))
			state->item[i + 1]->state = true;
	for (size_t i = 0; state->kind == PICKLE_TUPLE && i < state->n; i++)
		if (state->item[i]->kind == PICKLE_DICT)
			state->item[i]->state = true;
}

int
pickle_call_build(struct pickle_machine *m)
{
	struct pickle_node *state, *to;
	int rc;

	if ((rc = pickle_machine_pop(m, &state)) != 0 ||
	    (rc = pickle_machine_top(m, &to)) != 0)
		return rc;
	if (to->kind != PICKLE_CALL) {
		to->built = true;
		tell(m, to);
		pickle_machine_drop(m, state);
		return 0;
	}
	pickle_machine_drop(m, to->call->state);
	to->call->state = state;
	mark_state(state);
	to->call->builds++;
	tell(m, to);
	if (state->kind == PICKLE_GLOBAL && m->p->odd != NULL)
		tell(m, state);
	return 0;
}

int
pickle_call_persid(struct pickle_machine *m)
{
	struct pickle_node *id = NULL, *n;
	struct slice s;
	int rc;

	if (m->op == CODE_BINPERSID) {
		rc = pickle_machine_pop(m, &id);
	} else if ((rc = pickle_arg_line(m, &s)) == 0) {
		id = pickle_arg_text(m, PICKLE_STR, s);
		rc = id == NULL ? ERR_LIMIT : 0;
	}
	if (rc != 0)
		return rc;
	if ((n = pickle_machine_node(m, PICKLE_PERSID)) == NULL)
		return ERR_LIMIT;
	rc = pickle_machine_extend(m, n, &id, 1);
	return rc != 0 ? rc : push_seen(m, n);
}

int
pickle_call_extension(struct pickle_machine *m)
{
	size_t width = m->op == CODE_EXT1 ? 1 : m->op == CODE_EXT2 ? 2 : 4;
	uint64_t v;
	int rc = pickle_arg_number(m, width, &v);

	return rc != 0
		   ? rc
		   : push_seen(m, pickle_arg_int(m, PICKLE_EXT, (int64_t)v));
}
