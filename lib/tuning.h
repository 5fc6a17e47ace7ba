/* SPDX-License-Identifier: MIT */
/*
 * tuning: every constant that somebody may want to try other values of.
 *
 * Sizes and limits that a layout depends on stand with the layout.
 */
#ifndef MAGRING_TUNING_H
#define MAGRING_TUNING_H

/* ------------------------------------------------------------------ base -- */

/* Full fences in vain, of one thread, after which it drops FENCED. A prime. */
#ifndef EVENTCOUNT_FENCES_IN_VAIN
#define EVENTCOUNT_FENCES_IN_VAIN 251
#endif

/* ------------------------------------------------------------------ pool -- */

/* Bytes of slabs: the default of memory_limit. */
#define POOL_MEMORY_LIMIT ((size_t)256 << 20)
/* Bytes: the default of max_payload. */
#define POOL_MAX_PAYLOAD ((size_t)1 << 20)
/* Caches of pools that a thread finds without a walk. */
#define THREAD_SLOTS 8
/* Bytes of slabs in a full magazine of small slabs. */
#define MAGAZINE_BYTES ((size_t)32 << 10)
/* Bytes of slabs in a full magazine of large slabs. */
#define MAGAZINE_BYTES_MAX ((size_t)256 << 10)
/* Rounds that a magazine has at least, within MAGAZINE_BYTES_MAX. */
#define MAGAZINE_ROUNDS_FEW 16
/* Bytes of slabs that are carved at a time. */
#define CHUNK_BYTES ((size_t)64 << 10)
/* Bytes that one mprotect() makes accessible. */
#define REGION_RIGHTS_STEP ((size_t)256 << 10)
/* Bytes: smaller slabs do not cool. */
#define COOLING_SLAB_MIN ((size_t)2048)
/* Bytes of a core's cache, where the system does not tell. */
#define COOLING_CACHE_BYTES ((size_t)1 << 20)
/* The share of memory_limit that may be cooling: one in so many. */
#define COOLING_SHARE 16
/* Places for cooling magazines. */
#define COOLING_PLACES 1024
/* Bytes of slabs to a place. */
#define COOLING_PLACE_BYTES ((size_t)4096)
/* Bytes of the next slab that an allocation prefetches. */
#define PREFETCH_BYTES ((size_t)4096)
/* How often an allocation reclaims, beside other reclaimers. */
#define RECLAIM_TRIES 8
/* Nanoseconds after which a thread that waits for memory tries again. */
#define MEMORY_RETRY_NS 1000000
/* The same, at most: the time doubles. */
#define MEMORY_RETRY_MAX_NS 16000000
/* Stack frames of a sample. */
#define PROFILE_FRAMES 64
/* Frames of this library, above the caller. */
#define PROFILE_FRAMES_CUT 8
/* Mean bytes between samples, if the environment names a file alone. */
#define PROFILE_SAMPLE_BYTES 524288
/* Bytes of a message's id that a sample keeps. */
#define SAMPLE_ID_KEPT 40
/* Buckets of the table of stacks. */
#define SAMPLE_BUCKETS 1024

/* ----------------------------------------------------------------- queue -- */

/* Messages: the default capacity. */
#define QUEUE_CAPACITY 4096
/* Copies of a queue's slow-path counters. */
#define QUEUE_STRIPES 8
/* Cells that one call claims at most, and so what a stopped thread holds. */
#ifndef RING_CLAIM_MAX
#define RING_CLAIM_MAX 64
#endif
/* Tries of a claimed cell before its owner is challenged. */
#ifndef CHALLENGE_AFTER
#define CHALLENGE_AFTER 64
#endif
/* Cells ahead of the claimed one that a thread prefetches. */
#ifndef PREFETCH_AHEAD
#define PREFETCH_AHEAD 4
#endif
/* Positions between two checks of the gap. */
#define SPACING_EVERY 32
/* Cells between the sides, below which a side backs off. */
#define SPACING_GAP 128
/* Cells of the smallest ring that keeps a gap. */
#define SPACING_CELLS_MIN ((size_t)8 * SPACING_GAP)
/* Pauses of one back-off. */
#define SPACING_PAUSES 384
/* Checks left out after those that did not pay, at most. */
#define SPACING_SKIPS_MAX 255
/* Checks in a row that find a sender close before it backs off. */
#define SPACING_IN_A_ROW 8
/* Nanoseconds: calls with a shorter timeout keep no gap. */
#define SPACING_TIMEOUT_NS 1000000
/* Pauses before a thread yields: so many to three times as many. */
#define SPIN_PAUSES 128
/* Pauses between two tries, at most. */
#define BACKOFF_MAX 256
/* Messages behind the first that make a longer back-off pay. */
#define BACKOFF_BACKLOG 8
/* Pauses of a long back-off for a change. */
#define BACKOFF_PROBE 16
/* Waits between two of these. */
#define BACKOFF_PROBE_EVERY 1024
/* Yields before a thread sleeps. */
#define YIELDS 16
/* Nanoseconds: a yield that took longer may have slept better. */
#define YIELD_LONG_NS 1000000
/* Nanoseconds that putting a thread to sleep and waking it costs. */
#define WAKE_UP_NS 25000
/* Nanoseconds before a deadline in which a thread does not yield. */
#define YIELD_BEFORE_NS 250000000
/* Waits in a row that ended asleep, after which threads sleep at once. */
#define SLEPT_IN_A_ROW 8

/* --------------------------------------------------------------- observe -- */

/* Groups of messages in a report of leaks. */
#define REPORT_GROUPS 20
/* Messages of a group that a report shows. */
#define REPORT_MESSAGES 4

#endif
