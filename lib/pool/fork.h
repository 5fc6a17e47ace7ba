/* SPDX-License-Identifier: MIT */
/*
 * fork: what the child of a fork finds.
 */
#ifndef MAGRING_FORK_H
#define MAGRING_FORK_H

#include <stdbool.h>

#include "base/init.h"
#include "pool/pool.h"

/* Have forks noticed, unless that is done. */
void fork_init(void);
/* Whether fork_init() succeeded. */
bool fork_is_watched(void);

/* Before anything is created: see base/init.h. */
static inline void fork_base_init(void)
{
	base_init();
	fork_init();
}

#endif
