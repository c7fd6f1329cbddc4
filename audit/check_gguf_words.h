/* SPDX-License-Identifier: MIT
 * For audit/check_gguf.c: the vocabulary that a GGUF file brings.
 */
#ifndef AUDIT_CHECK_GGUF_WORDS_H
#define AUDIT_CHECK_GGUF_WORDS_H

#include "audit/check.h"

/* What metadata say of it; all of it may be missing. */
struct check_gguf_words {
	struct slice *word; /* owned by whoever read them */
	size_t n;
	struct slice type; /* 32 bits each, little-endian */
	bool has_eos, has_bos;
	uint32_t eos, bos;
};

void check_gguf_words(
    const struct check_file *, const struct check_gguf_words *);

#endif
