/* SPDX-License-Identifier: MIT */
/*
 * yield: whether a thread that waits may let others run before it sleeps.
 */
#ifndef MAGRING_YIELD_H
#define MAGRING_YIELD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the calling thread may yield now. Its account is not overdrawn, it
 * has no real-time policy, and its deadline, or INT64_MAX, is not near.
 */
bool yield_allowed(int64_t now_ns, int64_t deadline_ns);

/* Charge the thread what a yield took, and credit what it saved. */
void yield_charge(int64_t now_ns, int64_t took_ns, int64_t saved_ns);

/* Whether the thread had a real-time policy when it last asked. */
bool yield_real_time(void);

#endif
