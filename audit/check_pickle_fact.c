/* SPDX-License-Identifier: MIT
 * The names of a pickle, each once however often it stands there: what the lists
 * say of it, and whether the bundle itself brings the class.
 */
#include "audit/check_pickle_reach.h"
#include "audit/check_pickle_wrap.h"

#include "audit/check_config_part.h"

#define SHOWN 120 /* characters of a name that is put together */

/* What is shown also tells names apart, but for very long ones. */
static const char *
show(struct check_pickle_judge *j, struct slice module, struct slice name)
{
	size_t n = module.len + name.len + 2;
	char *s = arena_alloc(&j->arena, n, 1);

	if (s == NULL)
		return NULL;
	if (module.len != 0)
		memcpy(s, module.ptr, module.len);
	s[module.len] = '.';
	if (name.len != 0)
		memcpy(s + module.len + 1, name.ptr, name.len);
	for (size_t i = 0; i + 1 < n; i++)
		if ((uint8_t)s[i] <= ' ' || s[i] == 0x7f)
			s[i] = '?';
	return s;
}

static struct slice
kept(struct check_pickle_judge *j, struct slice s)
{
	char *p = arena_strdup(&j->arena, (const char *)s.ptr, s.len);

	return p == NULL ? (struct slice){(const uint8_t *)"", 0}
			 : (struct slice){(const uint8_t *)p, s.len};
}

static struct check_pickle_fact *
make_fact(struct check_pickle_judge *j, struct slice module, struct slice name,
    const char *shown)
{
	struct check_pickle_fact *t = arena_alloc(&j->arena, 1, sizeof(*t));

	if (t == NULL || shown == NULL)
		return NULL;
	*t = (struct check_pickle_fact){.shown = shown, .at = j->pickle.at};
	t->allow = check_pickle_allow_find(module, name);
	if (t->allow == NULL)
		t->allow = check_pickle_reach_method(module, name);
	if (t->allow == NULL)
		t->danger = check_pickle_danger_find(module, name);
	t->module = kept(j, module);
	t->name = kept(j, name);
	*j->last = t;
	j->last = &t->next;
	return t;
}

/* The facts fill an arena as long as gigabytes of names: then all names are
 * one, which is not allowed. */
static struct check_pickle_fact *
full(struct check_pickle_judge *j)
{
	if (!j->none->said)
		check_short(j->f, FINDING_FILE_LIMIT, j->pickle.at,
		    "a pickle of too many names");
	j->none->said = true;
	return j->none;
}

/* Letters, digits, underscores and dots, as honest names and names of attacks
 * are. */
static bool
is_likely(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') &&
		    !(s.ptr[i] >= '0' && s.ptr[i] <= '9') && s.ptr[i] != '_' &&
		    s.ptr[i] != '.')
			return false;
	return s.len > 1 && s.len < 200;
}

static struct check_pickle_fact *
name_fact(struct check_pickle_judge *j, struct slice module, struct slice name)
{
	struct check_pickle_fact *t;
	const char *shown;
	size_t at;

	if (j->tentative && (!is_likely(module) || !is_likely(name)))
		return j->none;
	if (j->pickle.protocol < 3)
		check_pickle_rename(&module, &name);
	if ((shown = show(j, module, name)) == NULL)
		return full(j);
	/* a dot more or less in the module must not make two names one */
	if ((at = map_get(&j->by_name, shown)) != SIZE_MAX) {
		t = (struct check_pickle_fact *)(uintptr_t)at;
		if (t->module.len == module.len && t->name.len == name.len &&
		    memcmp(t->module.ptr, module.ptr, module.len) == 0 &&
		    memcmp(t->name.ptr, name.ptr, name.len) == 0)
			return t;
		t = make_fact(j, module, name, shown);
		return t != NULL ? t : full(j);
	}
	if ((t = make_fact(j, module, name, shown)) == NULL ||
	    map_put(&j->by_name, shown, (size_t)(uintptr_t)t) < 0)
		return full(j);
	return t;
}

/* getattr(Class, "name") names what "Class.name" does. */
static struct check_pickle_fact *
attribute_fact(struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct pickle_node *of = pickle_item(n->call->args, 0);
	const struct pickle_node *what = pickle_item(n->call->args, 1);
	const struct check_pickle_allow *a;
	struct slice path;
	char *p;

	if (!pickle_calls(n, NULL, "getattr") ||
	    !pickle_is(of, PICKLE_GLOBAL) || !pickle_is(what, PICKLE_STR) ||
	    what->text.len > SHOWN || of->name->name.len > SHOWN)
		return NULL;
	path.len = of->name->name.len + 1 + what->text.len;
	if ((p = arena_alloc(&j->arena, path.len + 1, 1)) == NULL)
		return full(j);
	snprintf(p, path.len + 1, "%.*s.%.*s", (int)of->name->name.len,
	    (const char *)of->name->name.ptr, (int)what->text.len,
	    (const char *)what->text.ptr);
	path.ptr = (const uint8_t *)p;
	a = check_pickle_allow_find(of->name->module, path);
	return a == NULL ? NULL : name_fact(j, of->name->module, path);
}

struct check_pickle_fact *
check_pickle_judge_name(
    struct check_pickle_judge *j, struct slice module, struct slice name)
{
	return name_fact(j, module, name);
}

struct check_pickle_fact *
check_pickle_judge_fact(
    struct check_pickle_judge *j, const struct pickle_node *n)
{
	/* old modules: ('module', class, file, source) is the class */
	if (pickle_is(n, PICKLE_PERSID) &&
	    pickle_is_text(pickle_item(n->item[0], 0), "module"))
		n = pickle_item(n->item[0], 1);
	if (pickle_is(n, PICKLE_CALL)) {
		struct check_pickle_fact *t = attribute_fact(j, n);

		return t != NULL ? t : check_pickle_dill_fact(j, n);
	}
	if (!pickle_is(n, PICKLE_GLOBAL))
		return NULL;
	if (n->name->tag == NULL)
		n->name->tag = name_fact(j, n->name->module, n->name->name);
	return n->name->tag;
}

struct check_pickle_fact *
check_pickle_judge_class(
    struct check_pickle_judge *j, const struct pickle_node *n)
{
	struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, n->call->callee);
	const struct pickle_node *of = NULL;

	if (t == NULL)
		return check_pickle_wrap_partial(j, n->call);
	if (t->allow == NULL)
		return t;
	if (t->allow->arg == ARG_reconstructor || t->allow->arg == ARG_newobj ||
	    t->allow->arg == ARG_new_index || t->allow->arg == ARG_cython)
		of = pickle_item(n->call->args, 0);
	else if (t->allow->arg == ARG_rebuild_type)
		of = pickle_item(n->call->args, 1);
	return of != NULL ? check_pickle_judge_fact(j, of) : t;
}

/*
 * A class that a file of the bundle makes.  Whoever loads the pickle imports that
 * file, which is looked at as what it is: source.  A function is none, since what
 * it is called with is the pickle's.
 */
bool
check_pickle_judge_local(
    const struct check_pickle_judge *j, const struct check_pickle_fact *t)
{
	char whole[2 * SHOWN];
	int n;

	if (t->danger != NULL || t->hooked || t->reduced || t->name.len == 0 ||
	    !(t->name.ptr[0] >= 'A' && t->name.ptr[0] <= 'Z') ||
	    memchr(t->name.ptr, '.', t->name.len) != NULL ||
	    t->module.len + t->name.len + 2 > sizeof(whole))
		return false;
	n = snprintf(whole, sizeof(whole), "%.*s.%.*s", (int)t->module.len,
	    (const char *)t->module.ptr, (int)t->name.len,
	    (const char *)t->name.ptr);
	return n > 0 && check_config_brings(j->f, whole, (size_t)n);
}
