/* SPDX-License-Identifier: MIT */
/*
 * clock: deadlines, in nanoseconds of CLOCK_MONOTONIC.
 *
 * A sandbox may refuse the clock where the vDSO does not serve it. It then
 * stands still, later than all deadlines: waits with a limit end at once. What
 * the library itself counts from then on is later than that. The kernel's clock
 * goes on, so such a wait is one of the difference: clock_to_kernel().
 */
#ifndef MAGRING_CLOCK_H
#define MAGRING_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_REFUSED ((int64_t)1 << 62)

static inline int64_t clock_now(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return CLOCK_REFUSED;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* As it was at the system's last tick, some milliseconds ago: much cheaper. */
static inline int64_t clock_coarse(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
		return CLOCK_REFUSED;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* 0 for a timeout of 0, INT64_MAX for a negative one: no limit. */
static inline int64_t clock_deadline(int64_t timeout_ns)
{
	if (timeout_ns == 0)
		return 0;
	if (timeout_ns < 0)
		return INT64_MAX;
	int64_t now = clock_now();
	if (now == CLOCK_REFUSED)
		return 1; /* long past, and not 0: the call waits, if for no time */
	return timeout_ns < INT64_MAX - now ? now + timeout_ns : INT64_MAX;
}

/*
 * A deadline, with a limit, as the kernel takes it. Whether it is one from now
 * on. (One of 146 years of an ordinary clock is taken for that, too, and passes
 * early. Whatever waits looks at the clock again.)
 */
static inline bool clock_to_kernel(int64_t deadline_ns, struct timespec *ret_time)
{
	bool relative = deadline_ns > CLOCK_REFUSED;
	int64_t ns = relative ? deadline_ns - CLOCK_REFUSED : deadline_ns;
	*ret_time = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	return relative;
}

#endif
