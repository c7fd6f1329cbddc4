/* SPDX-License-Identifier: MIT
 * Strings that may be a pickle, as it is, compressed or encoded: how they begin
 * is in formats/pickle_coded.def.
 */
#ifndef FORMATS_PICKLE_CODED_H
#define FORMATS_PICKLE_CODED_H

#include "base/rd.h"

enum pickle_coded {
	PICKLE_CODED_NOT,    /* it begins like none of them */
	PICKLE_CODED_BYTES,  /* the pickle or the compressed stream itself */
	PICKLE_CODED_UTF8,   /* Latin-1 that became UTF-8 */
	PICKLE_CODED_HEX,    /* in hexadecimal */
	PICKLE_CODED_BASE64, /* of either alphabet */
	PICKLE_CODED_BASE85, /* perhaps: any word is base85 of something */
};

/* By its first bytes alone; fewer than four are none. */
enum pickle_coded pickle_coded(struct slice);

#endif
