/* SPDX-License-Identifier: MIT
 * What each rank (base/ranks.h) found for its share of the cells, to all.
 */
#ifndef ENGINE_UAP_EXCHANGE_H
#define ENGINE_UAP_EXCHANGE_H

#include "engine/uap.h"

/* found[i] is set for this rank's share of the n cells; afterwards for all.
 * Collective. */
void uap_exchange(const struct net *, const struct uap_cell *, size_t n,
    struct uap_found *found);

#endif
