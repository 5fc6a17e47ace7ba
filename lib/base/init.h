/* SPDX-License-Identifier: MIT */
/*
 * init: what the library finds out about the machine before anything else.
 *
 * A constructor of priority 101 calls pause_init(), and fence_init() waits for
 * the first create: see fence.c. But in a program that is linked statically the
 * program's constructors of that priority come first, and they may create
 * queues. So every create calls base_init(), by fork_base_init(), once its
 * arguments are checked. That does what is not done yet.
 */
#ifndef MAGRING_INIT_H
#define MAGRING_INIT_H

#include "base/fence.h"
#include "base/pause.h"

static inline void base_init(void)
{
	fence_init();
	pause_init();
}

#endif
