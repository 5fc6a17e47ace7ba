/* SPDX-License-Identifier: MIT */
/*
 * ring batch: push and pop of several messages, for sides that many threads use
 * and for exclusive ones. See struct ring and ring_try_push_batch().
 */
#ifndef MAGRING_RING_BATCH_H
#define MAGRING_RING_BATCH_H

#include "queue/ring_layout.h"

ring_push_batch_call push_batch_shared, push_batch_exclusive;
ring_pop_batch_call pop_batch_shared, pop_batch_exclusive;

#endif
