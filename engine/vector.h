/* SPDX-License-Identifier: MIT
 * VECTOR in front of a function with plain loops makes the compiler build it
 * for the processors of the last decade as well and choose when the program
 * starts.  Contraction to fused multiply-add is off (Makefile), so elementwise
 * results are the same in every version.
 */
#ifndef ENGINE_VECTOR_H
#define ENGINE_VECTOR_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(__SANITIZE_ADDRESS__)
#define VECTOR                                                                 \
	__attribute__((                                                        \
	    target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTOR
#endif

#endif
