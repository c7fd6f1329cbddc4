/* SPDX-License-Identifier: MIT
 * The assignment problem: a permutation of smallest total cost (the Hungarian
 * method in the form of Jonker and Volgenant, O(n^3)).
 */
#ifndef BASE_ASSIGN_H
#define BASE_ASSIGN_H

#include "base/base.h"

/*
 * to[i] for rows i of the n x n matrix `cost` (finite); returns the sum of
 * cost[i][to[i]].
 */
double assign_least(size_t n, const double *cost, size_t *to);

#endif
