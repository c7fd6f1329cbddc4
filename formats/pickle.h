/* SPDX-License-Identifier: MIT
 * Python pickles, protocols 0 to 5 (pickletools.py lists the opcodes), read by
 * a machine that builds a tree and does nothing else: what a pickle names is
 * not looked up, what it calls is written down as a call.
 *
 * The tree is a graph: nodes are shared through the memo and may hold
 * themselves, so whoever walks it bounds depth and number of steps.  Nodes live
 * in the arena; strings are the pickle's own bytes where they can be.
 */
#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include "base/arena.h"
#include "base/rd.h"

enum pickle_kind {
	PICKLE_NONE,
	PICKLE_BOOL,  /* i */
	PICKLE_INT,   /* i; or big: text, as the file has it */
	PICKLE_FLOAT, /* f */
	PICKLE_STR,   /* text, mostly UTF-8; Python 2 strings: any bytes */
	PICKLE_BYTES, /* text */
	PICKLE_TUPLE, /* n of item */
	PICKLE_LIST,
	PICKLE_SET,
	PICKLE_FROZENSET,
	PICKLE_DICT,   /* n of item: key, value, key, value; the last one of
			* equal keys counts */
	PICKLE_GLOBAL, /* name */
	PICKLE_CALL,   /* call: REDUCE, NEWOBJ, NEWOBJ_EX, INST, OBJ */
	PICKLE_PERSID, /* item[0] is the identifier */
	PICKLE_EXT,    /* i: a code of the copyreg registry */
	PICKLE_BUFFER, /* out of band: not in the file */
};

struct pickle_node {
	union {
		uint64_t at; /* of the opcode that made it, in the file */
		struct pickle_node
		    *next; /* the machine's, once it is given up */
	};
	uint32_t n;
	uint8_t kind;    /* enum pickle_kind */
	bool big : 1;    /* lean containers: there was more than the n */
	bool built : 1;  /* BUILD was applied to something that is no call */
	bool kept : 1;   /* in the memo, or twice on the stack */
	bool hooks : 1;  /* a dictionary: see pickle_is_hook() */
	bool dunder : 1; /* such a key has underscores */
	bool made : 1;   /* a dictionary: a key is what a call returned */
	bool state : 1;  /* a dictionary: BUILD set it, or a tuple with it */
	/* a container: a walk through it comes to 2 to this power of values */
	uint8_t bulk;
	union {
		int64_t i;
		double f;
		struct slice text;
		struct pickle_node **item;
		struct pickle_name *name;
		struct pickle_call *call;
	};
};

struct pickle_name {
	struct slice module, name;
	void *tag; /* the watcher's own */
};

struct pickle_call {
	struct pickle_node *callee, *args;
	struct pickle_node *kwargs;      /* NEWOBJ_EX; else NULL */
	struct pickle_node *state;       /* of the last BUILD; or NULL */
	struct pickle_node *list, *dict; /* what was added; or NULL */
	uint32_t builds;
};

/*
 * A reader of one or more pickles.  see (may be NULL) is told of every import,
 * call, BUILD and persistent identifier when it is reached, so also of those
 * before an error: the opcode, and the node that it made or changed.
 *
 * With odd (the inspector has it) see is also told of a name that is put into
 * something (the opcode and the name), of a tuple that is made a key or member of
 * a set and costs more than PICKLE_HASH to be so (the tuple), of items that are
 * put into what is no container of their kind (the opcode and the object), of a
 * dictionary that is a state already and gets a hook or a key that a call made,
 * and of strings that may be pickles.  odd is told where readers of pickles differ,
 * which then is no error where it need not be one.
 *
 * A lean reader keeps of a list, set or dictionary only the first
 * PICKLE_LEAN items, and reuses the nodes of what cannot be reached any more:
 * memory is bounded by those of the memo that are asked for.
 */
struct pickle {
	struct arena *arena;
	void (*see)(void *ctx, uint8_t op, const struct pickle_node *);
	void (*odd)(void *ctx, uint64_t at, const char *what);
	/* with odd, or NULL: a key that begins with "_", and its value */
	void (*pair)(void *ctx, const struct pickle_node *key,
	    const struct pickle_node *value);
	void *ctx;
	size_t nodes;              /* so far; bounded by LIMIT_PICKLE_NODES */
	struct pickle_node *fresh; /* the machine's: nfresh never used */
	size_t nfresh;
	bool lean;
	unsigned protocol; /* that the pickle last said that it has, or 0 */
	uint64_t at;       /* of the opcode that see is told of */
	/* see may set it: bytes behind the opcode that are no pickle, which
	 * only a pickle that names PICKLE_ARRAY has */
	uint64_t skip;
};

#define PICKLE_ARRAY "NumpyArrayWrapper"
#define PICKLE_LEAN  64
#define PICKLE_HASH  26 /* the bulk of a key of some seconds */

/* Read one pickle from r, which is then behind its STOP.  *root lives in the arena
 * and borrows from r's bytes.  What Python's unpickler would refuse (an empty
 * stack, a missing mark, no memo entry) is ERR_FORMAT at the opcode's offset. */
int pickle_read(struct pickle *, struct rd *r, const struct pickle_node **root,
    struct err *) MUST_USE;

/* "REDUCE"; NULL: no such opcode. */
const char *pickle_opcode(uint8_t op);

/* A key of an object's state that Python itself acts on ("__setstate__"). */
bool pickle_is_hook(struct slice);
/* --- looking at nodes; all take NULL for a node that is not there -------- */
bool pickle_is(const struct pickle_node *, enum pickle_kind);
/* A string of just these characters. */
bool pickle_is_text(const struct pickle_node *, const char *);
/* A container that takes for ever to walk through, its last item put in at `at`. */
bool pickle_is_endless(const struct pickle_node *, uint64_t at);
/* The global module.name. */
bool pickle_is_global(
    const struct pickle_node *, const char *module, const char *name);
/* An integer that is no big one. */
bool pickle_int(const struct pickle_node *, int64_t *out) MUST_USE;
/* Element i of a tuple or list; NULL when there is none. */
const struct pickle_node *pickle_item(const struct pickle_node *, size_t i);
/* The dictionary that a node is, or that was added to an object of a class
 * derived from it (OrderedDict); NULL: neither. */
const struct pickle_node *pickle_dict(const struct pickle_node *);
/* The value under a string key of pickle_dict(); NULL when absent. */
const struct pickle_node *pickle_get(
    const struct pickle_node *, const char *key);
/* A call of module.name, or of a name of any module with module NULL. */
bool pickle_calls(
    const struct pickle_node *, const char *module, const char *name);

#endif
