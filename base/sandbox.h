/* SPDX-License-Identifier: MIT
 * Dropping privileges before the first hostile byte: Landlock (no file
 * access, or only beneath one directory), seccomp (an allow-list of system
 * calls) and rlimits.  Applied while the process has one thread; inputs and
 * outputs are opened beforehand.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/err.h"

#include <jansson.h>

enum sandbox_files {
	SANDBOX_NO_FILES,  /* only descriptors that are open already */
	SANDBOX_READ_TREE, /* may also read beneath `dir` */
	SANDBOX_WRITE_TREE /* may also create and read beneath `dir` */
};

struct sandbox_spec {
	enum sandbox_files files;
	const char *dir;         /* for the two TREE kinds, else NULL */
	const char *const *read; /* more files and trees to read; or NULL */
	size_t nread;
	uint64_t memory;  /* RLIMIT_AS in bytes; 0: none */
	uint64_t output;  /* RLIMIT_FSIZE in bytes; 0: none */
	unsigned seconds; /* RLIMIT_CPU; 0: none */
	bool required;    /* fail where a layer is not available */
	bool crew;        /* may fork workers and wait for them (base/crew.h) */
};

/* What is in force afterwards, for the report. */
struct sandbox_state {
	int landlock; /* ABI version, 0: not available */
	bool seccomp;
	bool rlimits;
};

/*
 * Enter.  ERR_SYSTEM when a layer that the kernel has could not be applied,
 * or, with `required`, when the kernel lacks one; else that is a warning.
 */
int sandbox_enter(
    const struct sandbox_spec *, struct sandbox_state *, struct err *) MUST_USE;

/*
 * In a worker that was forked within a sandbox with `crew`: take back what
 * that allowed, and bound its address space (bytes; 0: not).  Nothing where
 * the process is in no sandbox.
 */
int sandbox_worker(uint64_t memory, struct err *) MUST_USE;

/*
 * For a program that is run next and is not ours: no sockets but AF_UNIX and
 * AF_NETLINK, for it and whatever it starts.  Also takes away set-user-ID programs.
 */
int sandbox_no_network(struct err *) MUST_USE;

/* {"landlock":7,"seccomp":true,"rlimits":true}; a new reference. */
json_t *sandbox_json(const struct sandbox_state *);

#endif
