/* SPDX-License-Identifier: MIT */
/*
 * at_exit: what the environment asks for, at the end of a pool or the process.
 */
#ifndef MAGRING_AT_EXIT_H
#define MAGRING_AT_EXIT_H

#include "pool/sample.h"

struct magring_pool;

/* The profile of a new pool, by its option and the environment. */
struct profile_options report_options(uint64_t sample_bytes);

/* The pool was created, and is about to be found by others. */
void report_begin(const struct magring_pool *pool);
/* The pool is not destroyed, since messages are in use. */
void report_busy(struct magring_pool *pool);
/* The pool is about to be destroyed. */
void report_done(struct magring_pool *pool);

#endif
