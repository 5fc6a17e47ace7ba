/* SPDX-License-Identifier: MIT */
#ifndef PERF_WATCHDOG_H
#define PERF_WATCHDOG_H

/* From now on this is measured, for so many seconds: end the program with 2, and say what
 * it was, if it takes far longer. */
void watchdog_set(const char *what, double seconds);
void watchdog_unset(void);

#endif
