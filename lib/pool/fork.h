/* SPDX-License-Identifier: MIT */
/*
 * fork: what the child of a fork finds.
 */
#ifndef MAGRING_FORK_H
#define MAGRING_FORK_H

#include <errno.h>
#include <stdbool.h>

#include "base/init.h"
#include "pool/pool.h"

/* Have forks noticed, unless that is done. False: there is no memory for it. */
bool fork_init(void);

/*
 * Before anything is created: see base/init.h. A fork in base_init() is noticed
 * already. Returns: 0, -ENOMEM.
 */
static inline int fork_base_init(void)
{
	if (!fork_init())
		return -ENOMEM;
	base_init();
	return 0;
}

#endif
