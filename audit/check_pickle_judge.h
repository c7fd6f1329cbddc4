/* SPDX-License-Identifier: MIT
 * The verdict on pickles: what each import, call and change means, as
 * formats/pickle.h tells of them.  A name is judged by check_pickle_allow.h,
 * its use and arguments by what the entry permits.
 */
#ifndef AUDIT_CHECK_PICKLE_JUDGE_H
#define AUDIT_CHECK_PICKLE_JUDGE_H

#include "audit/check.h"
#include "audit/check_pickle_allow.h"
#include "base/map.h"
#include "formats/pickle.h"

/* A name of the file, however often it stands there. */
struct check_pickle_fact {
	const char *shown; /* "os.system" */
	struct slice module, name;
	const struct check_pickle_allow *allow;   /* NULL: not on the list */
	const struct check_pickle_danger *danger; /* looked up if not allowed */
	uint64_t at;
	bool called, said;
	bool reduced;       /* called by REDUCE or the like, not only made */
	bool hooked;        /* state was set that Python itself calls */
	bool put;           /* into something: an argument, an item */
	uint32_t handed;    /* on, as a value; and not to who may call it */
	uint64_t handed_at; /* the last time */
	struct check_pickle_fact *next;
};

struct check_pickle_judge {
	const struct check_file *f;
	struct rd bytes; /* all of them, for what stands between opcodes */
	struct pickle pickle;
	struct arena nodes; /* of the pickle that was read last */
	struct arena arena; /* facts */
	struct map by_name, said;
	const char *last_odd; /* of what was said */
	struct check_pickle_fact *first, **last;
	struct check_pickle_fact *none; /* when the arena is full */
	/* of every persistent identifier that names a storage; or NULL */
	void (*storage)(struct check_pickle_judge *,
	    const struct pickle_node *type, struct slice key, int64_t elements);
	void *ctx;
	bool buffers; /* it was said that some are missing */
	bool inner;   /* a pickle in an array of objects */
	bool endless; /* said of this pickle: nothing walks through it */
	/* chance may have made the bytes look like a pickle: only names that
	 * are names count */
	bool tentative;
	size_t told;   /* imports, calls and the like in this pickle */
	int64_t asked; /* elements and bytes that its calls make of nothing */
};

void check_pickle_judge_init(
    struct check_pickle_judge *, const struct check_file *, struct rd);
/* Report the names that are not allowed, and end. */
void check_pickle_judge_end(struct check_pickle_judge *);

/* Read one pickle from r, lean unless `whole`, telling what is found; *root is
 * valid until the next.  What was found before an error is kept. */
int check_pickle_judge_read(struct check_pickle_judge *, struct rd *r,
    bool whole, const struct pickle_node **root, struct err *) MUST_USE;

/* --- for the parts ------------------------------------------------------- */

/* Why a call with these arguments never returns or asks for too much: one that
 * walks through them, one of a size, one with an array's shape, a fraction's; or NULL.  What all
 * calls of a pickle ask for is added up in *all. */
const char *check_pickle_endless(const struct pickle_node *args, int64_t *all);
const char *check_pickle_endless_size(
    const struct pickle_node *args, int64_t *all);
const char *check_pickle_endless_shape(
    const struct pickle_node *shape, int64_t *all);
const char *check_pickle_endless_digits(const struct pickle_node *args);
const char *check_pickle_endless_power(const struct pickle_node *args);

/* Of a name, or of getattr(name, "attribute"); NULL: it is neither. */
struct check_pickle_fact *check_pickle_judge_fact(
    struct check_pickle_judge *, const struct pickle_node *);
/* Of a name that is made of strings. */
struct check_pickle_fact *check_pickle_judge_name(
    struct check_pickle_judge *, struct slice module, struct slice name);
/* The class that a call makes an object of. */
struct check_pickle_fact *check_pickle_judge_class(
    struct check_pickle_judge *, const struct pickle_node *call);
/* It is a class that a file of the bundle makes. */
bool check_pickle_judge_local(
    const struct check_pickle_judge *, const struct check_pickle_fact *);
/* Objects of a class are made, by name of a package that nobody knows, and no more
 * than that; or something of it is only referred to.  See check_pickle_foreign.c. */
bool check_pickle_foreign(const struct check_pickle_fact *);
/* A finding, once for each `what` and name. */
void check_pickle_judge_say(struct check_pickle_judge *, enum finding_id,
    uint64_t at, const char *what, const char *shown);
/* What is wrong with the arguments of a call; NULL: nothing. */
const char *check_pickle_arg_wrong(struct check_pickle_judge *,
    enum check_pickle_arg, const struct pickle_node *args);
/* They cost as much when cls.__new__() is given them as when the class is called. */
bool check_pickle_arg_costly(enum check_pickle_arg);
/* A name that is on the list and may be made without being called. */
bool check_pickle_arg_class(
    struct check_pickle_judge *, const struct pickle_node *);
/* A name that may be handed on, or one that is not on the list and found as that. */
bool check_pickle_arg_listed(
    struct check_pickle_judge *, const struct pickle_node *);
/* The state of a model of statsmodels with a formula, which is evaluated when the
 * state is set: of names, numbers and signs alone. */
bool check_pickle_state_formula(
    const struct check_pickle_fact *, const struct pickle_node *state);
/* What is wrong with the state of an object that was built; NULL: nothing. */
const char *check_pickle_state_wrong(struct check_pickle_judge *,
    const struct check_pickle_fact *, const struct pickle_node *call);
/* Calls of dill (check_pickle_dill.c): the name that one stands for, or NULL;
 * what is wrong with the arguments of each, NULL: nothing. */
struct check_pickle_fact *check_pickle_dill_fact(
    struct check_pickle_judge *, const struct pickle_node *call);
const char *check_pickle_dill_type(const struct pickle_node *args);
const char *check_pickle_dill_repr(const struct pickle_node *args);
const char *check_pickle_dill_class(const struct pickle_node *args);
const char *check_pickle_dill_array(
    struct check_pickle_judge *, const struct pickle_node *args);
/* SymPy (check_pickle_sympy.c): what is wrong with the parts of an expression,
 * with the text of a symbol, with a state; whether options are no more than that. */
const char *check_pickle_sympy_parts(
    struct check_pickle_judge *, const struct pickle_node *args);
const char *check_pickle_sympy_text(const struct pickle_node *args);
const char *check_pickle_sympy_state(
    struct check_pickle_judge *, const struct pickle_node *state);
bool check_pickle_sympy_options(const struct pickle_node *);
/* Why an expression that is made takes for ever to compute; NULL: it does not. */
const char *check_pickle_sympy_endless(
    const struct check_pickle_fact *, const struct pickle_node *args);
/* A tensor's view must stay within its storage. */
void check_pickle_view(
    struct check_pickle_judge *, const struct pickle_node *call);
/* A string that may be a pickle, as it is or encoded: looked at if it is. */
void check_pickle_nested(
    struct check_pickle_judge *, const struct pickle_node *);
/* Bytes that are a pickle or an archive of PyTorch's, which check_pickle_nested()
 * looks at as they are; not those that another call puts together. */
bool check_pickle_nested_whole(const struct pickle_node *);

#endif
