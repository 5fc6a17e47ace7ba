/* SPDX-License-Identifier: MIT */
/*
 * kernel: futexes and eventfds for GenMC. See kernel.c.
 */
#ifndef GENMC_KERNEL_H
#define GENMC_KERNEL_H

#include <stdbool.h>

/* Every wait with a deadline may end. */
void kernel_end_time(void);
/* Whether a poll() would say so. */
bool kernel_readable(int fd);

#endif
