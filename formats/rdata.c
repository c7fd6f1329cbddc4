/* SPDX-License-Identifier: MIT */
#include "formats/rdata.h"

#include "base/arena.h"
#include "formats/rdata_in.h"

#define LEVELS   ((size_t)1 << 16)
#define REFS_CAP ((size_t)256 << 20)

/* Rinternals.h, serialize.c */
enum {
	T_SYMBOL = 1,
	T_LIST,
	T_CLOSURE,
	T_ENVIRONMENT,
	T_PROMISE,
	T_CALL,
	T_SPECIAL,
	T_BUILTIN,
	T_CHARS,
	T_LOGICAL,
	T_INTEGER = 13,
	T_REAL,
	T_COMPLEX,
	T_STRINGS,
	T_DOTS,
	T_VECTOR = 19,
	T_EXPRESSION,
	T_BYTECODE,
	T_POINTER,
	T_WEAK,
	T_RAW,
	T_S4,
	T_ALTREP = 238,
	T_ATTR_LIST,
	T_ATTR_CALL,
	T_BASE_ENV,
	T_EMPTY_ENV,
	T_BC_REF,
	T_BC_DEF,
	T_PERSISTENT = 247,
	T_PACKAGE,
	T_NAMESPACE,
	T_BASE_NAMESPACE,
	T_MISSING,
	T_UNBOUND,
	T_GLOBAL_ENV,
	T_NIL,
	T_REF,
};

#define HAS_ATTR 0x200
#define HAS_TAG  0x400

/* What is still to be read, one after the other. */
enum todo {
	ITEM,
	VALUE, /* an item: of a promise, unbound when it was not evaluated */
	CODE,  /* of bytecode: the code and its constants */
	CONSTANTS,
	CONSTANT,
	PART, /* of a constant that is a call or a list */
};

struct level {
	uint64_t left;
	enum todo todo;
	bool kept; /* within an environment */
};

struct walk {
	struct rdata *out;
	struct rdata_in in;
	struct arena arena;
	struct level *level;
	size_t n, nlevel;  /* in use; with room */
	bool kept;         /* of what is being read */
	struct slice *ref; /* the symbols among them have a text */
	size_t nref, room;
	uint64_t at; /* of the item */
};

static int
more_levels(struct walk *w)
{
	size_t room = MAX(w->nlevel * 2, 64);
	struct level *more;

	if (room > LEVELS ||
	    (more = arena_alloc(&w->arena, room, sizeof(*more))) == NULL)
		return err_set(w->in.e, ERR_LIMIT, w->at,
		    "r: more than %zu levels", LEVELS);
	if (w->n != 0)
		memcpy(more, w->level, w->n * sizeof(*more));
	w->level = more;
	w->nlevel = room;
	return 0;
}

static int
later(struct walk *w, enum todo todo, uint64_t n)
{
	int rc;

	if (n == 0)
		return 0;
	if (w->n == w->nlevel && (rc = more_levels(w)) != 0)
		return rc;
	w->level[w->n++] = (struct level){n, todo, w->kept};
	return 0;
}

static void
found(struct walk *w, enum rdata_kind kind)
{
	if (w->out->at[kind] == ERR_NOWHERE)
		w->out->at[kind] = w->at;
}

static int
full(struct walk *w)
{
	return err_set(
	    w->in.e, ERR_LIMIT, w->at, "r: too many symbols and environments");
}

static int
add_ref(struct walk *w, struct slice s)
{
	if (w->nref == w->room) {
		size_t room = MAX(w->room * 2, 64);
		struct slice *more =
		    arena_alloc(&w->arena, room, sizeof(*more));

		if (more == NULL)
			return full(w);
		if (w->nref != 0)
			memcpy(more, w->ref, w->nref * sizeof(*more));
		w->ref = more;
		w->room = room;
	}
	w->ref[w->nref++] = s;
	return 0;
}

static int
chars(struct walk *w, struct slice *out)
{
	int32_t n;
	int rc;

	*out = (struct slice){(const uint8_t *)"", 0};
	if ((rc = rdata_in_int(&w->in, &n)) != 0 || n == -1)
		return rc;
	if (n < 0)
		return rdata_in_bad(&w->in, "a negative length");
	return rdata_in_string(&w->in, (uint64_t)n, out);
}

/* A name, however it is written. */
static int
plain_text(struct walk *w, struct slice *s)
{
	uint8_t *to;

	if (w->in.way != RDATA_TEXT || s->len == 0 ||
	    memchr(s->ptr, '\\', s->len) == NULL)
		return 0;
	if ((to = arena_alloc(&w->arena, s->len, 1)) == NULL)
		return full(w);
	*s = (struct slice){to, rdata_in_plain(*s, to)};
	return 0;
}

static int
reference(struct walk *w, int32_t flags, struct slice *out)
{
	int32_t i = (int32_t)((uint32_t)flags >> 8);
	int rc;

	if (i == 0 && (rc = rdata_in_int(&w->in, &i)) != 0)
		return rc;
	if (i < 1 || (size_t)i > w->nref)
		return rdata_in_bad(&w->in, "a reference to nothing");
	*out = w->ref[i - 1];
	return 0;
}

/* Behind the flags of a symbol or of a reference to one. */
static int
symbol(struct walk *w, int32_t flags, struct slice *out)
{
	int32_t inner;
	uint64_t at;
	int rc;

	if ((flags & 255) == T_REF)
		return reference(w, flags, out);
	if ((flags & 255) != T_SYMBOL)
		return rdata_in_bad(&w->in, "no symbol where one must be");
	if ((rc = rdata_in_int(&w->in, &inner)) != 0)
		return rc;
	/* R would read attributes, and be elsewhere from there on */
	if ((inner & 255) != T_CHARS || (inner & HAS_ATTR) != 0)
		return rdata_in_bad(&w->in, "a symbol without a name");
	at = rd_pos(w->in.r);
	if ((rc = chars(w, out)) != 0 || (rc = plain_text(w, out)) != 0 ||
	    (rc = add_ref(w, *out)) != 0)
		return rc;
	if (w->out->symbol != NULL)
		w->out->symbol(w->out->ctx, *out, at);
	return 0;
}

/* Of a package, a namespace, a persistent object: a row of strings. */
static int
names(struct walk *w)
{
	int32_t zero, n;
	int rc;

	if ((rc = rdata_in_int(&w->in, &zero)) != 0 ||
	    (rc = rdata_in_int(&w->in, &n)) != 0 ||
	    (rc = add_ref(w, (struct slice){0})) != 0)
		return rc;
	if (zero != 0 || n < 0)
		return rdata_in_bad(&w->in, "names that are none");
	return later(w, ITEM, (uint64_t)n);
}

/* Classes of base R that hold numbers, or other vectors. */
static bool
is_harmless(struct slice s)
{
	static const char *const known[] = {"compact_intseq", "compact_realseq",
	    "deferred_string", "wrap_integer", "wrap_logical", "wrap_real",
	    "wrap_complex", "wrap_raw", "wrap_string", "wrap_list"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (rd_slice_is(s, known[i]))
			return true;
	return false;
}

/* A list of class, package and type; the state; attributes. */
static int
altrep(struct walk *w)
{
	struct slice class = {0};
	int32_t flags;
	int rc;

	if ((rc = rdata_in_int(&w->in, &flags)) != 0)
		return rc;
	if ((flags & 255) != T_LIST || (flags & (HAS_ATTR | HAS_TAG)) != 0)
		return rdata_in_bad(&w->in, "a class that is no list");
	if ((rc = rdata_in_int(&w->in, &flags)) != 0 ||
	    (rc = symbol(w, flags, &class)) != 0)
		return rc;
	if (!is_harmless(class))
		found(w, RDATA_ALTREP);
	return later(w, ITEM, 3); /* the rest of the list is one */
}

static int
environment(struct walk *w)
{
	int32_t locked;
	bool was = w->kept;
	int rc;

	if ((rc = rdata_in_int(&w->in, &locked)) != 0 ||
	    (rc = add_ref(w, (struct slice){0})) != 0)
		return rc;
	w->kept = true;
	rc = later(w, ITEM, 4); /* enclosing, frame, hash table, attributes */
	w->kept = was;
	return rc;
}

/* Attributes, tag, first, rest; of a promise environment, value, expression. */
static int
pair(struct walk *w, int type, int32_t flags)
{
	uint64_t before =
	    (flags & HAS_ATTR ? 1U : 0) + (flags & HAS_TAG ? 1U : 0);
	int rc;

	if (type == T_CLOSURE)
		found(w, RDATA_FUNCTION);
	if (type != T_PROMISE)
		return later(w, ITEM, before + 2);
	if ((rc = later(w, ITEM, 1)) != 0 || (rc = later(w, VALUE, 1)) != 0)
		return rc;
	return later(w, ITEM, before);
}

static int
vector(struct walk *w, int type)
{
	struct slice s;
	uint64_t n;
	int rc;

	if (type == T_CHARS)
		return chars(w, &s);
	if ((rc = rdata_in_length(&w->in, &n)) != 0)
		return rc;
	switch (type) {
	case T_LOGICAL:
	case T_INTEGER:
		return rdata_in_skip(&w->in, n, 4, 1);
	case T_REAL:
		return rdata_in_skip(&w->in, n, 8, 1);
	case T_COMPLEX:
		return rdata_in_skip(&w->in, n, 16, 2);
	case T_RAW:
		return rdata_in_skip(&w->in, n, 1, 1);
	case T_SPECIAL:
	case T_BUILTIN:
		return rdata_in_string(&w->in, n, &s);
	default:
		return later(w, ITEM, n);
	}
}

static int
pointer(struct walk *w, int type)
{
	int rc = add_ref(w, (struct slice){0});

	found(w, RDATA_POINTER);
	return rc != 0 ? rc : later(w, ITEM, type == T_POINTER ? 2 : 0);
}

static int
bytecode(struct walk *w)
{
	int32_t n;
	int rc = rdata_in_int(&w->in, &n);

	found(w, RDATA_BYTECODE);
	return rc != 0 ? rc : later(w, CODE, 1);
}

/* What has its attributes behind it. */
static int
plain(struct walk *w, int type, int32_t flags)
{
	int rc = 0;

	if ((flags & HAS_ATTR) != 0 && (rc = later(w, ITEM, 1)) != 0)
		return rc;
	switch (type) {
	case T_S4:
		return 0;
	case T_POINTER:
	case T_WEAK:
		return pointer(w, type);
	case T_BYTECODE:
		return bytecode(w);
	case T_SPECIAL:
	case T_BUILTIN:
	case T_CHARS:
	case T_LOGICAL:
	case T_INTEGER:
	case T_REAL:
	case T_COMPLEX:
	case T_STRINGS:
	case T_VECTOR:
	case T_EXPRESSION:
	case T_RAW:
		return vector(w, type);
	default:
		return rdata_in_bad(&w->in, "a type that R does not have");
	}
}

static int
item(struct walk *w, enum todo todo)
{
	struct slice s;
	int32_t flags;
	int rc, type;

	if ((rc = rdata_in_int(&w->in, &flags)) != 0)
		return rc;
	type = flags & 255;
	if (todo == VALUE && type == T_UNBOUND && !w->kept)
		found(w, RDATA_PROMISE);
	switch (type) {
	case T_BASE_ENV:
	case T_EMPTY_ENV:
	case T_BASE_NAMESPACE:
	case T_MISSING:
	case T_UNBOUND:
	case T_GLOBAL_ENV:
	case T_NIL:
		return 0;
	case T_SYMBOL:
	case T_REF:
		return symbol(w, flags, &s);
	case T_PERSISTENT:
	case T_PACKAGE:
	case T_NAMESPACE:
		return names(w);
	case T_ENVIRONMENT:
		return environment(w);
	case T_ALTREP:
		return altrep(w);
	case T_LIST:
	case T_CALL:
	case T_CLOSURE:
	case T_PROMISE:
	case T_DOTS:
		return pair(w, type, flags);
	default:
		return plain(w, type, flags);
	}
}

/* ReadBCLang: calls and lists among the constants have types of their own. */
static int
constant(struct walk *w, enum todo todo)
{
	int32_t type, number;
	bool again; /* other constants refer to it */
	int rc;

	if ((rc = rdata_in_int(&w->in, &type)) != 0)
		return rc;
	if (type == T_BYTECODE && todo == CONSTANT)
		return later(w, CODE, 1);
	if (type == T_BC_REF)
		return rdata_in_int(&w->in, &number);
	if ((again = type == T_BC_DEF) &&
	    ((rc = rdata_in_int(&w->in, &number)) != 0 ||
		(rc = rdata_in_int(&w->in, &type)) != 0))
		return rc;
	if (type != T_CALL && type != T_LIST && type != T_ATTR_CALL &&
	    type != T_ATTR_LIST)
		/* R would read three parts of whatever it is */
		return again ? rdata_in_bad(&w->in, "no part comes again")
			     : later(w, ITEM, 1);
	if ((rc = later(w, PART, 2)) != 0)
		return rc;
	return later(
	    w, ITEM, type == T_ATTR_CALL || type == T_ATTR_LIST ? 2 : 1);
}

static int
step(struct walk *w, enum todo todo)
{
	int32_t n;
	int rc;

	w->at = rd_pos(w->in.r);
	switch (todo) {
	case CODE:
		rc = later(w, CONSTANTS, 1);
		return rc != 0 ? rc : later(w, ITEM, 1);
	case CONSTANTS:
		if ((rc = rdata_in_int(&w->in, &n)) != 0)
			return rc;
		return n < 0 ? rdata_in_bad(&w->in, "a negative length")
			     : later(w, CONSTANT, (uint64_t)n);
	case CONSTANT:
	case PART:
		return constant(w, todo);
	case ITEM:
	case VALUE:
	default:
		return item(w, todo);
	}
}

/* Version, that of the writer, that of readers; the encoding. */
static int
head(struct walk *w)
{
	struct slice encoding;
	int32_t version, v;
	int rc;

	if ((rc = rdata_in_begin(&w->in)) != 0 ||
	    (rc = rdata_in_int(&w->in, &version)) != 0 ||
	    (rc = rdata_in_int(&w->in, &v)) != 0 ||
	    (rc = rdata_in_int(&w->in, &v)) != 0)
		return rc;
	if (version == 2)
		return 0;
	if (version != 3)
		return rdata_in_bad(
		    &w->in, "a version that is neither 2 nor 3");
	return chars(w, &encoding);
}

const char *
rdata_text(enum rdata_kind kind)
{
	static const char *const text[] = {
	    [RDATA_PROMISE] = "an expression that is evaluated when it is used",
	    [RDATA_FUNCTION] = "a function",
	    [RDATA_BYTECODE] = "bytecode",
	    [RDATA_POINTER] = "a pointer",
	    [RDATA_ALTREP] = "an object of a class that reads itself"};

	return text[kind];
}

int
rdata_read(struct rdata *out, struct rd *r, struct err *e)
{
	struct walk w = {.out = out, .in = {.r = r, .e = e}};
	int rc;

	for (size_t i = 0; i < RDATA_KINDS; i++)
		out->at[i] = ERR_NOWHERE;
	arena_init(&w.arena, REFS_CAP);
	if ((rc = head(&w)) == 0)
		rc = later(&w, ITEM, 1);
	while (rc == 0 && w.n != 0) {
		struct level *top = &w.level[w.n - 1];
		enum todo todo = top->todo;

		w.kept = top->kept;
		/* so that the rest of a list takes the place of its first */
		if (--top->left == 0)
			w.n--;
		rc = step(&w, todo);
	}
	arena_release(&w.arena);
	return rc;
}
