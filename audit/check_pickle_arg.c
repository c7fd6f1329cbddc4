/* SPDX-License-Identifier: MIT
 * Arguments of the calls that a pickle may make.  Most allowed names do nothing
 * with theirs but keep them; those that call, look up or load what they are
 * given are here.
 */
#include "audit/check_pickle_hook.h"
#include "audit/check_pickle_reach.h"
#include "audit/check_pickle_wrap.h"

typedef const char *predicate(
    struct check_pickle_judge *, const struct pickle_node *args);

bool
check_pickle_arg_class(
    struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct check_pickle_fact *t = check_pickle_judge_fact(j, n);

	/* one that is not allowed is found as that */
	return t != NULL &&
	       (t->allow == NULL || (t->allow->use & USE_NEW) != 0);
}

bool
check_pickle_arg_listed(
    struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct check_pickle_fact *t = check_pickle_judge_fact(j, n);

	return t != NULL &&
	       (t->allow == NULL || (t->allow->use & USE_ONLY) == 0);
}

static const char *
any_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	(void)args;
	return NULL;
}

static bool
holds_name(const struct pickle_node *n, unsigned depth)
{
	if (n->kind == PICKLE_GLOBAL || n->kind == PICKLE_EXT)
		return true;
	if (n->kind != PICKLE_TUPLE && n->kind != PICKLE_LIST)
		return false;
	for (size_t i = 0; i < n->n && i < 16; i++)
		if (depth == 4 || holds_name(n->item[i], depth + 1))
			return true;
	return false;
}

static const char *
data_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return holds_name(args, 0) ? "is given a name where it takes data"
				   : NULL;
}

/* One that ndarray.__new__ makes, as numpy's _reconstruct() has it. */
static bool
is_array(struct check_pickle_judge *j, const struct pickle_node *n)
{
	const struct check_pickle_fact *t = check_pickle_judge_fact(j, n);

	return t->allow != NULL && (t->allow->use & USE_ARRAY) != 0;
}

static const char *
classes_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	for (size_t i = 0; i < args->n; i++)
		if (args->item[i]->kind == PICKLE_GLOBAL &&
		    !check_pickle_arg_class(j, args->item[i]) &&
		    !is_array(j, args->item[i]))
			return "is given what is no class that may be made";
	return NULL;
}

/* A codec's name is looked up as a module; only those that compute nothing. */
static const char *
encode_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	static const char *const plain[] = {
	    "latin1", "latin-1", "iso-8859-1", "utf-8", "utf8", "ascii"};

	(void)j;
	if (!pickle_is(pickle_item(args, 0), PICKLE_STR))
		return "encodes what is no text";
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (args->n == 1 ||
		    pickle_is_text(pickle_item(args, 1), plain[i]))
			return NULL;
	return "uses a codec that is no plain encoding";
}

bool
check_pickle_arg_costly(enum check_pickle_arg arg)
{
	return arg == ARG_size || arg == ARG_digits || arg == ARG_fraction ||
	       arg == ARG_container || arg == ARG_iterable || arg == ARG_one ||
	       arg == ARG_shape;
}

/* What a class is given as it is made, by whatever way. */
static const char *
made_of(struct check_pickle_judge *j, const struct check_pickle_fact *t,
    struct pickle_node *const *item, size_t n)
{
	struct pickle_node args = {.kind = PICKLE_TUPLE, .n = (uint32_t)n};

	if (t == NULL || t->allow == NULL ||
	    !check_pickle_arg_costly(t->allow->arg))
		return NULL;
	args.item = (struct pickle_node **)(uintptr_t)item;
	return check_pickle_arg_wrong(j, t->allow->arg, &args);
}

/* Lib/copyreg.py: base.__new__(class, state), base.__init__(object, state) */
static const char *
reconstructor_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	static const char *const base[] = {"object", "dict", "list", "tuple",
	    "set", "frozenset", "int", "float", "complex", "str", "bytes",
	    "bytearray"};
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 1));

	if (!check_pickle_arg_class(j, pickle_item(args, 0)))
		return "makes what is no class that may be made";
	if (t == NULL || !rd_slice_is(t->module, "builtins"))
		return "makes an object of a base that is not built in";
	for (size_t i = 0; i < ARRAY_LEN(base); i++)
		if (rd_slice_is(t->name, base[i]))
			return i == 0 || args->n < 3
				   ? NULL
				   : made_of(j, t, args->item + 2, 1);
	return "makes an object of a base that is no plain type";
}

/* copyreg.__newobj__(class, ...), __newobj_ex__(class, (...), {...}) */
static const char *
newobj_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);
	const struct pickle_node *with = pickle_item(args, 1);
	const struct check_pickle_fact *t;

	if (!check_pickle_arg_class(j, of))
		return "makes what is no class that may be made";
	t = check_pickle_judge_fact(j, of);
	if (args->n == 3 && pickle_is(with, PICKLE_TUPLE) &&
	    pickle_is(pickle_item(args, 2), PICKLE_DICT))
		return made_of(j, t, with->item, with->n);
	return made_of(j, t, args->item + 1, args->n - 1);
}

static const char *
factory_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);

	if (of == NULL || of->kind == PICKLE_NONE || of->kind == PICKLE_CALL ||
	    check_pickle_arg_listed(j, of))
		return NULL;
	return "has a factory that is not allowed";
}

static const char *
partial_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *of = pickle_item(args, 0);

	/* of another partial, or of a method of an object */
	if (pickle_is(of, PICKLE_CALL) || check_pickle_arg_listed(j, of))
		return check_pickle_wrap_class(j, of);
	return "wraps a function that is not allowed";
}

static const char *
getattr_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_reach(j, args);
}

/* jax/_src/array.py: fun(*args), __setstate__(arr_state) */
static const char *
jax_array_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *fun = pickle_item(args, 0);
	struct check_pickle_fact *t =
	    fun != NULL ? check_pickle_judge_fact(j, fun) : NULL;

	if (t == NULL || !rd_slice_is(t->name, "_reconstruct") ||
	    (!rd_slice_is(t->module, "numpy.core.multiarray") &&
		!rd_slice_is(t->module, "numpy._core.multiarray")))
		return "is made by what is no function of NumPy";
	if (t->handed != 0)
		t->handed--;
	return NULL;
}

/* torch.load() of these bytes */
static const char *
nested_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_nested_whole(pickle_item(args, 0))
		   ? NULL
		   : "loads what cannot be known";
}

/* torch._tensor._rebuild_from_type_v2(func, type, args, state): func(*args) */
static const char *
rebuild_type_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));
	const struct pickle_node *inner = pickle_item(args, 2);

	if (t == NULL || !pickle_is(inner, PICKLE_TUPLE))
		return "calls what cannot be known";
	t->called = true;
	if (!check_pickle_arg_class(j, pickle_item(args, 1)))
		return "is given a type that is no class that may be made";
	if (check_pickle_hook_state(pickle_item(args, 3)))
		return "is given a state that sets what Python itself calls";
	if (t->allow == NULL)
		return NULL;
	if ((t->allow->use & USE_CALL) == 0 ||
	    t->allow->arg == ARG_rebuild_type)
		return "calls a function that may not be called";
	return check_pickle_arg_wrong(j, t->allow->arg, inner);
}

/* torch._utils._rebuild_parameter_with_state(data, ..., ..., state) */
static const char *
parameter_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_hook_state(pickle_item(args, 3))
		   ? "is given a state that sets what Python itself calls"
		   : NULL;
}

/* astropy.units.core._recreate_irreducible_unit(class, names, ...): class(names) */
static const char *
unit_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	static const char top[] = "astropy.units.";
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));

	return t != NULL && t->module.len >= sizeof(top) &&
		       memcmp(t->module.ptr, top, sizeof(top) - 1) == 0
		   ? classes_arg(j, args)
		   : "makes what is no unit";
}

/* numpy.random._pickle: a name, or a class of the module, that is called */
static const char *
bit_generator_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	for (size_t i = 0; i < args->n; i++) {
		const struct check_pickle_fact *t =
		    check_pickle_judge_fact(j, args->item[i]);

		if (args->item[i]->kind == PICKLE_GLOBAL && t->allow != NULL &&
		    (t->allow->arg != ARG_bit_generator ||
			(t->allow->use & USE_CALL) == 0))
			return "is given what is no generator of NumPy";
	}
	return NULL;
}

/* pandas.core.indexes.base._new_Index(cls, d): cls.__new__(cls, **d) */
static const char *
new_index_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));

	if (t == NULL ||
	    (t->allow != NULL &&
		(t->module.len < 14 ||
		    memcmp(t->module.ptr, "pandas.core.in", 14) != 0)))
		return "makes what is no index of pandas";
	return NULL;
}

/* No function, and no object whose class may call one as it is walked through:
 * only those whose entry names them, not those of a family. */
static const char *
iterable_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	for (size_t i = 0; i < args->n; i++) {
		const struct pickle_node *a = args->item[i];
		const struct check_pickle_fact *t;

		if (a->kind == PICKLE_GLOBAL &&
		    check_pickle_judge_fact(j, a) != NULL)
			return "is given a name where it takes data";
		if (a->kind != PICKLE_CALL)
			continue;
		/* SortedKeyList(values, key): called for each of them */
		if (pickle_calls(a, NULL, "partial"))
			return "calls what it is given";
		t = check_pickle_judge_class(j, a);
		if (t == NULL || (t->allow != NULL && t->allow->name[0] == '('))
			return "walks through an object that is no container";
	}
	return NULL;
}

/* iter(function, last) calls it until it returns that */
static const char *
one_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return args->n > 1 ? "calls what it is given" : iterable_arg(j, args);
}

/* typing.List[int] is written as getitem(typing.List, int). */
static const char *
typing_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));

	return args->n == 2 && args->item[0]->kind == PICKLE_GLOBAL &&
		       t != NULL && rd_slice_is(t->module, "typing")
		   ? NULL
		   : "takes a member of what is no type of typing";
}

/* Lib/copyreg.py: int | str is written as reduce(or_, (int, str)). */
static const char *
union_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));
	const struct pickle_node *of = pickle_item(args, 1);

	if (args->n != 2 || t == NULL || args->item[0]->kind != PICKLE_GLOBAL ||
	    !rd_slice_is(t->name, "or_") ||
	    (!rd_slice_is(t->module, "_operator") &&
		!rd_slice_is(t->module, "operator")))
		return "calls what it is given";
	if (!pickle_is(of, PICKLE_TUPLE) || of->big)
		return "joins what is no row of types";
	for (size_t i = 0; i < of->n; i++)
		if (of->item[i]->kind != PICKLE_NONE &&
		    (of->item[i]->kind != PICKLE_GLOBAL ||
			check_pickle_judge_fact(j, of->item[i]) == NULL) &&
		    !pickle_is(of->item[i], PICKLE_CALL))
			return "joins what is no type";
	return NULL;
}

/* dateutil.tz.tz.tzfile(None, name): without a file nothing is opened */
static const char *
tzfile_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return args->n == 2 && args->item[0]->kind == PICKLE_NONE &&
		       (args->item[1]->kind == PICKLE_NONE ||
			   pickle_is(args->item[1], PICKLE_STR))
		   ? NULL
		   : "opens a file";
}

static const char *
container_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = iterable_arg(j, args);

	return bad != NULL ? bad : check_pickle_endless(args, &j->asked);
}

static const char *
size_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = data_arg(j, args);

	return bad != NULL ? bad : check_pickle_endless_size(args, &j->asked);
}

static const char *
shape_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = data_arg(j, args);

	for (size_t i = 0; bad == NULL && i < args->n && i < 2; i++)
		bad = check_pickle_endless_shape(args->item[i], &j->asked);
	return bad;
}

static const char *
digits_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = data_arg(j, args);

	return bad != NULL ? bad : check_pickle_endless_digits(args);
}

static const char *
fraction_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = data_arg(j, args);

	return bad != NULL ? bad : check_pickle_endless_power(args);
}

static const char *
empty_array_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const char *bad = classes_arg(j, args);

	return bad != NULL ? bad
			   : check_pickle_endless_shape(
				 pickle_item(args, 1), &j->asked);
}

#define CODE(which)                                                            \
	static const char *which##_arg(                                        \
	    struct check_pickle_judge *j, const struct pickle_node *args)      \
	{                                                                      \
		return check_pickle_code_wrong(j, ARG_##which, args);          \
	}
CODE(code)
CODE(code_type)
CODE(code_cell)
CODE(code_module)
CODE(code_function)
#undef CODE

static const char *
fx_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_fx_graph(j, args);
}

static const char *
curry_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_wrap_curry(j, args);
}

static const char *
mixin_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_wrap_mixin(j, args);
}

static const char *
exception_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_wrap_exception(j, args);
}

/* numpy.core._ufunc_reconstruct(module, name): __import__, getattr */
static const char *
ufunc_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *module = pickle_item(args, 0);
	const struct pickle_node *name = pickle_item(args, 1);
	struct check_pickle_fact *t;

	if (!pickle_is(module, PICKLE_STR) || !pickle_is(name, PICKLE_STR))
		return "imports what cannot be known";
	t = check_pickle_judge_name(j, module->text, name->text);
	t->called = t->allow == NULL;
	return NULL;
}

/* Cython writes: X.__new__(class), then the state */
static const char *
cython_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	int64_t sum;

	if (args->n != 3 || !pickle_int(pickle_item(args, 1), &sum))
		return "is not called as Cython's pickles do";
	return newobj_arg(j, args);
}

static const char *
singleton_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct check_pickle_fact *t =
	    check_pickle_judge_fact(j, pickle_item(args, 0));

	if (args->n == 1 &&
	    (args->item[0]->kind == PICKLE_NONE ||
		(t != NULL && t->allow != NULL &&
		    strcmp(t->allow->reason, "a constant") == 0)))
		return NULL;
	return "makes a class";
}

static const char *
dill_type_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_dill_type(args);
}

static const char *
dill_repr_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_dill_repr(args);
}

static const char *
dill_array_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_dill_array(j, args);
}

static const char *
dill_class_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_dill_class(args);
}

static const char *
sympy_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	return check_pickle_sympy_parts(j, args);
}

static const char *
sympy_text_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	(void)j;
	return check_pickle_sympy_text(args);
}

/* operator.attrgetter(names): of data, whoever it is then called for. */
static const char *
getter_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	static const char *const data[] = {"columns", "created", "date",
	    "dtype", "end", "index", "key", "label", "name", "ndim", "priority",
	    "score", "shape", "size", "start", "timestamp", "value", "values"};

	(void)j;
	for (size_t i = 0; i < args->n; i++) {
		size_t k = 0;

		while (k < ARRAY_LEN(data) &&
		       !pickle_is_text(args->item[i], data[k]))
			k++;
		if (k == ARRAY_LEN(data))
			return "reaches more than data";
	}
	return NULL;
}

/* email.headerregistry._reconstruct_header(name, bases, text) makes a class of
 * these and calls its _reconstruct(). */
static const char *
header_arg(struct check_pickle_judge *j, const struct pickle_node *args)
{
	const struct pickle_node *bases = pickle_item(args, 1);

	(void)j;
	if (args->n != 3 || !pickle_is(pickle_item(args, 0), PICKLE_STR) ||
	    !pickle_is(bases, PICKLE_TUPLE) || bases->big)
		return "makes a class of what cannot be known";
	for (size_t i = 0; i < bases->n; i++)
		if (!pickle_is(bases->item[i], PICKLE_GLOBAL) ||
		    !rd_slice_is(
			bases->item[i]->name->module, "email.headerregistry"))
			return "makes a class of others than its own";
	return NULL;
}

const char *
check_pickle_arg_wrong(struct check_pickle_judge *j, enum check_pickle_arg arg,
    const struct pickle_node *args)
{
	static predicate *const table[ARG_COUNT] = {
#define ARG(name) [ARG_##name] = name##_arg,
#include "audit/check_pickle_arg.def"
#undef ARG
	};

	return table[arg](j, args);
}
