/* SPDX-License-Identifier: MIT
 * The names that a pickle may use, and what for: data in
 * check_pickle_allow.def, names that only an attack needs in
 * check_pickle_danger.def.  The first list decides, the second only says how
 * bad a name is that is not on the first.
 */
#ifndef AUDIT_CHECK_PICKLE_ALLOW_H
#define AUDIT_CHECK_PICKLE_ALLOW_H

#include "base/rd.h"

/* What may be done with a name beyond referring to it. */
enum check_pickle_use {
	USE_DATA = 0,
	USE_CALL = 1,    /* REDUCE: called with arguments */
	USE_NEW = 2,     /* NEWOBJ: cls.__new__(cls, ...), no __init__ */
	USE_STATE = 4,   /* BUILD on what came of it */
	USE_ITEMS = 8,   /* SETITEM, SETITEMS on that */
	USE_APPEND = 16, /* APPEND, APPENDS, ADDITEMS on that */
	USE_ONLY = 32,   /* called at once, and never put anywhere */
	USE_ARRAY = 64,  /* made by ndarray.__new__ only: its own opens files */
};

/* Which arguments a call may have: functions in check_pickle_arg.c. */
enum check_pickle_arg {
#define ARG(name) ARG_##name,
#include "audit/check_pickle_arg.def"
#undef ARG
	ARG_COUNT
};

struct check_pickle_allow {
	const char *module, *name;
	unsigned use;
	enum check_pickle_arg arg;
	const char *reason;
};

struct check_pickle_danger {
	const char *module, *name; /* "*": all, and all modules below */
	bool code;                 /* brings code along rather than finds it */
	const char *reason;
};

extern const struct check_pickle_allow check_pickle_allow_table[];
extern const size_t check_pickle_allow_count;

/* Letters, digits and underscores, in ASCII, and this character; at least one. */
bool check_pickle_is_word(struct slice, char also);

/*
 * The entry of exactly this name; NULL: there is none.  Of families (classes
 * of one library that are only made by NEWOBJ) it is the family's.
 */
const struct check_pickle_allow *check_pickle_allow_find(
    struct slice module, struct slice name);
const struct check_pickle_danger *check_pickle_danger_find(
    struct slice module, struct slice name);

/*
 * Names of Python 2, as find_class() changes them for protocols below 3
 * (Lib/_compat_pickle.py).  What is not in the table stays.
 */
void check_pickle_rename(struct slice *module, struct slice *name);

#endif
