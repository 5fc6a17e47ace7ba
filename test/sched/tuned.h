/* SPDX-License-Identifier: MIT */
/*
 * tuned: constants of lib/tuning.h that have other values in these builds.
 *
 * Fewer tries are fewer steps, and more runs in which none of them succeeds.
 * The places are half the steps of making a pool, and the buckets of its end. Pages become accessible one
 * by one, so that threads race there. Counts are in C, so that they are steps. A program that includes the
 * library's headers includes this first.
 *
 * Threads that wait for memory take no turns unless a program says so. A thread
 * that tries again when a turn lapses would hide that no other has woken it.
 */
#ifndef MAGRING_SCHED_TUNED_H
#define MAGRING_SCHED_TUNED_H

#include <stdint.h>

#define COUNT_IN_C
extern int64_t tuned_turn_ns, tuned_turn_lapse_ns;
#define TURN_NS tuned_turn_ns
#define TURN_LAPSE_NS tuned_turn_lapse_ns
#define RECLAIM_TRIES 2
#define THREAD_CACHES_MAX 64
#define COOLING_PLACES 16
#define SAMPLE_BUCKETS 16
#define REGION_RIGHTS_STEP ((size_t)4096)
#define REGION_START_BYTES ((size_t)4096)

#endif
