/* SPDX-License-Identifier: MIT */
/*
 * Linked into tests that reach inside: how fences work is decided before any of
 * their rings and eventcounts, which no create of a pool or queue precedes.
 */
#include "base/fence.h"

static __attribute__((constructor)) void decide(void)
{
	fence_init();
}
