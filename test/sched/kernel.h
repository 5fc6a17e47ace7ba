/* SPDX-License-Identifier: MIT */
/*
 * kernel: what kernel.c, descriptors.c and cancel.c have for each other and for
 * the engine. The library comes to them by shim.h.
 */
#ifndef MAGRING_SCHED_KERNEL_H
#define MAGRING_SCHED_KERNEL_H

#include "engine.h"

/* kernel.c */
/* A system call begins, which is a full fence for the thread on x86. */
void kernel_enter(void);

/* descriptors.c */
long kernel_use_fd(bool write, int fd, uint64_t *value);

/* heap.c */
/* Memory that is asked for now is refused. */
bool kernel_refuses(void);

/* cancel.c */
/* The thread's own data is destroyed. */
void kernel_thread_ends(void);
/* Does not return if the thread is cancelled, and allows it. */
void kernel_check_cancelled(void);

#endif
