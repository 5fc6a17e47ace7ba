/* SPDX-License-Identifier: MIT */
/*
 * tuned: constants of lib/tuning.h that have other values in these builds.
 *
 * Fewer tries are fewer steps, and more runs in which none of them succeeds.
 * The places are half the steps of making a pool, and the buckets of its end. Pages become accessible one
 * by one, so that threads race there. Counts are in C, so that they are steps. A program that includes the
 * library's headers includes this first.
 */
#ifndef MAGRING_SCHED_TUNED_H
#define MAGRING_SCHED_TUNED_H

#define COUNT_IN_C
#define RECLAIM_TRIES 2
#define THREAD_CACHES_MAX 64
#define COOLING_PLACES 16
#define SAMPLE_BUCKETS 16
#define REGION_RIGHTS_STEP ((size_t)4096)
#define REGION_START_BYTES ((size_t)4096)

#endif
