/* SPDX-License-Identifier: MIT
 * What a pickle reaches by getattr().
 */
#ifndef AUDIT_CHECK_PICKLE_REACH_H
#define AUDIT_CHECK_PICKLE_REACH_H

#include "audit/check_pickle_judge.h"

/* What is wrong with getattr(of, name); NULL: nothing. */
const char *check_pickle_reach(
    struct check_pickle_judge *, const struct pickle_node *args);
/* A name that is a class on the list and one of its methods, "DataFrame.dropna"; NULL:
 * it is no such, or the method may not be reached. */
const struct check_pickle_allow *check_pickle_reach_method(
    struct slice module, struct slice name);
/* A word of the name says that it is about files, programs or connections:
 * "to_pickle", "download_images". */
bool check_pickle_reach_acts(struct slice name);
/* The same of a method, and tables that write themselves: "to_csv". */
bool check_pickle_reach_writes(struct slice name);

#endif
