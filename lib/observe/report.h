/* SPDX-License-Identifier: MIT */
/*
 * report: what the environment wants to be told of a pool's profile. The rest of report.c are
 * calls of magring.h.
 */
#ifndef MAGRING_REPORT_H
#define MAGRING_REPORT_H

struct magring_pool;

/* The pool was created. */
void report_begin(const struct magring_pool *pool);
/* It is to be destroyed, but messages are out. */
void report_busy(struct magring_pool *pool);
/* It is to be destroyed, and will be. */
void report_done(struct magring_pool *pool);

#endif
