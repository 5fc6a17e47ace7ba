/* SPDX-License-Identifier: MIT */
/*
 * tuning: every constant that may be worth other values.
 *
 * A comment says the unit and the meaning, and then why it is this value: what
 * is lost at half and at double of it, as far as that was measured. The figures
 * come from docs/decisions.md, which has the machines, where no other page is
 * named. M/s is million messages a second.
 *
 * Times are in nanoseconds, as a pause of the processor takes anything from
 * none to 40 of them: see base/pause.h. (CHALLENGE_AFTER counts tries, and
 * PAUSE_COST_PS and its bounds are picoseconds.)
 */
#ifndef MAGRING_TUNING_H
#define MAGRING_TUNING_H

/* ------------------------------------------------------------------ base -- */

/*
 * Full fences in vain, of one thread, after which it drops FENCED. A prime, so
 * that a thread that reads several eventcounts in turn comes to each of them.
 * Fewer bring heavy fences back at quiet queues, and more keep full fences
 * longer than is needed. Not measured.
 */
#ifndef EVENTCOUNT_FENCES_IN_VAIN
#define EVENTCOUNT_FENCES_IN_VAIN 251
#endif
/* Calls of membarrier without memory before it is given up. Not measured. */
#define MEMBARRIER_TRIES 1000
/*
 * Runs that measure a pause when the library is loaded, of 2 to 4 us each. Of
 * 300 starts on a busy machine the result of each is within 8 % of the median
 * with 12 runs, with 6 and with 24. With 3 it is 50 times too high at worst.
 */
#define PAUSE_RUNS 12
/* Nanoseconds: shorter runs are not used. A reading of the clock, 20 ns, is
 * then 1 % of a run, and 2 % with half. More only make loading slower. */
#define PAUSE_RUN_NS 2000
/* Pauses of the first run. Arbitrary: any of 8 to 64 does. */
#define PAUSE_RUN_FEWEST 32
/* Picoseconds: what a pause costs if the clock does not tell. See SPIN_NS. */
#define PAUSE_COST_PS 20000
/* Picoseconds: the least, a cycle at 4 GHz. */
#define PAUSE_COST_MIN_PS 250
/* Picoseconds: the most. Processors take up to 140 cycles, emulators more. */
#define PAUSE_COST_MAX_PS 1000000

/* Nanoseconds that a sleep and a wake-up cost, about. Not measured. */
#define WAKE_UP_NS 25000
/* Nanoseconds of work of a message, where yields beat sleeps. Not measured. */
#define MESSAGE_NS 1000
/* Nanoseconds: what yields can have saved at most, and so lose again before a
 * thread stops yielding. With a tenth and tenfold no stream differs. */
#define YIELD_CREDIT_NS 10000000
/* How many times as long as it has lost by yields a thread does not yield. */
#define YIELD_REPAY_MIN 128
/*
 * The same, at most. Beside busy processes one part in so many of the time is
 * lost, and so many requests are late: it has to be far more than 100 for p99.
 */
#define YIELD_REPAY_MAX 1024
/* Nanoseconds that one yield is charged at most. Arbitrary. */
#define YIELD_LOSS_MAX_NS 100000000
/*
 * Nanoseconds before a deadline in which a thread does not yield. Beside busy
 * processes, a receive with a timeout of 100 us and yields took up to 246 ms.
 */
#define YIELD_BEFORE_NS 250000000
/* Nanoseconds for which a thread believes that its scheduling policy is still
 * the same. To ask takes 0.2 us, and that is one part in 5,000. */
#define POLICY_NS 1000000

/* ------------------------------------------------------------------ pool -- */

/* Bytes of slabs: the default of memory_limit. A policy. */
#define POOL_MEMORY_LIMIT ((size_t)256 << 20)
/* Bytes: the default of max_payload. A policy. */
#define POOL_MAX_PAYLOAD ((size_t)1 << 20)
/* Slots of 16 bytes of static TLS. Pools beyond need the heap. Not measured. */
#define THREAD_SLOTS 4
/* Caches of a pool at most. More threads work on the depot. A policy. */
#ifndef THREAD_CACHES_MAX
#define THREAD_CACHES_MAX 16384
#endif
/*
 * Bytes of slabs in a full magazine of small slabs. With half, 1,000-byte
 * payloads go at 49 M/s, and with half as much again at 58. 256 KiB bring 60,
 * at 1.8 times the peak of memory.
 */
#define MAGAZINE_BYTES ((size_t)32 << 10)
/* Bytes of slabs in a full magazine of large slabs. A thread keeps up to twice
 * as much of a class idle. Not measured. */
#define MAGAZINE_BYTES_MAX ((size_t)256 << 10)
/* Rounds that a magazine has at least, within MAGAZINE_BYTES_MAX. 4,000-byte
 * payloads go at 33 M/s with 6, 43 with 12 and 57 with 60. */
#define MAGAZINE_ROUNDS_FEW 16
/* Bytes of slabs that are carved at a time. More leave more idle, and fewer
 * make carving more frequent. Not measured. */
#define CARVE_BYTES ((size_t)64 << 10)
/*
 * Bytes of a chunk, which stays with its class while one slab of it is in use.
 * Where 1 % of objects of 49 to 8,000 bytes stay, 81 MiB of 162 are pinned, 91
 * with double, and 153 with 64 KiB. Half: a page is what the system takes.
 */
#define CHUNK_BYTES ((size_t)4 << 10)
/* Slabs that a chunk has at least, within CARVE_BYTES. With double, 96 MiB. */
#define CHUNK_SLABS_FEW 4
/* Less than this share of memory_limit, one in so many, is not ample: threads
 * then carve one chunk at a time. Not measured. */
#define CHUNK_AMPLE_SHARE 16
/* Bytes of address space for magazines and records of chunks, beside an eighth
 * of memory_limit. Threads beyond work without magazines. Not measured. */
#define METADATA_BYTES ((size_t)4 << 20)
/* Small pools have this many times memory_limit instead. Arbitrary. */
#define METADATA_SHARE 4
/* And this at least. Arbitrary. */
#define METADATA_BYTES_FEW ((size_t)256 << 10)
/* Bytes of address space that a region begins with, where the system has not as
 * much as its whole. Less is more calls at first. Arbitrary. */
#ifndef REGION_START_BYTES
#define REGION_START_BYTES ((size_t)64 << 10)
#endif
/* Bytes that one mprotect() makes accessible, once each. A larger step saves
 * system calls while memory grows. Not measured. */
#ifndef REGION_RIGHTS_STEP
#define REGION_RIGHTS_STEP ((size_t)256 << 10)
#endif
/*
 * Bytes: smaller slabs do not cool. With half, 1 KiB payloads go at 5.4 instead
 * of 6.8 M/s where both sides share cores. With double, slabs of 2 KiB lose a
 * third.
 */
#define COOLING_SLAB_MIN ((size_t)2048)
/*
 * Bytes of a core's second-level cache, where the system does not tell. One and
 * a half times as many cool. Where the cache has 1 MiB, 4 KiB payloads go at
 * 3.7 M/s, with half at 2.1 to 2.6, and with double at 3.6.
 */
#define COOLING_CACHE_BYTES ((size_t)1 << 20)
/* The share of memory_limit that may cool: one in so many. Not measured. */
#define COOLING_SHARE 16
/* Places for cooling magazines, 8 bytes each. At most 4 MiB cool, which is
 * enough for a second-level cache of 2.7 MiB. Not measured. */
#ifndef COOLING_PLACES
#define COOLING_PLACES 1024
#endif
/* Bytes of slabs to a place: how exactly a magazine counts. Not measured. */
#define COOLING_PLACE_BYTES ((size_t)4096)
/*
 * Bytes of the next slab that an allocation prefetches. 4 KiB payloads go at
 * 1.62 instead of 1.16 M/s, and with half nothing is gained. What is beyond, a
 * processor sees coming. Double: not measured.
 */
#define PREFETCH_BYTES ((size_t)4096)
/* How often an allocation reclaims while others hide slabs. Not measured. */
#ifndef RECLAIM_TRIES
#define RECLAIM_TRIES 8
#endif
/* Nanoseconds between two of these. Not measured. */
#define RECLAIM_PAUSE_NS 2500
/*
 * Nanoseconds after which a thread that waits for memory tries again, if slabs
 * were hidden from it. Each try interrupts all processors of the process. Not
 * measured.
 */
#define MEMORY_RETRY_NS 1000000
/* Nanoseconds: the same, at most, as the time doubles. Not measured. */
#define MEMORY_RETRY_MAX_NS 16000000
/* Nanoseconds: the same if none was hidden, but other classes may free. */
#define MEMORY_RETRY_OTHERS_NS 128000000
/*
 * Nanoseconds that threads wait for memory before it is theirs: turns.c. With
 * less, threads that wait are served sooner, and less is allocated in all.
 */
#ifndef TURN_NS
#define TURN_NS 5000000
#endif
/* Nanoseconds after which they are thought to be stopped. It has to be longer
 * than a busy machine keeps a thread from running. Not measured. */
#ifndef TURN_LAPSE_NS
#define TURN_LAPSE_NS 100000000
#endif
/* Bytes freed, one part in so many of memory_limit, after which other classes
 * are trimmed again for a thread without memory: at first. Not measured. */
#define PRESSURE_BAR_MIN 4096
/*
 * The same after many of these in vain. In a shift of sizes, 0.15 % of the
 * allocations are refused, and 0.003 % with an eighth, at half as much time
 * again.
 */
#define PRESSURE_BAR_MAX 16
/* How many times as long as the last of these took there is none, unless so
 * many bytes were freed. They so take a ninth of the time at most. */
#define PRESSURE_REST 8
/* The same if nothing was freed. Not measured. */
#define PRESSURE_REST_QUIET 64
/* Stack frames of a sample, 8 bytes each. Deeper stacks are cut. A policy. */
#define PROFILE_FRAMES 64
/* Frames of this library, above the caller: at least as many as calls nest. */
#define PROFILE_FRAMES_CUT 8
/* Mean bytes between samples, if the environment names a file alone. As of
 * Go's runtime and of jemalloc. A policy: docs/where-did-my-messages-go.md. */
#define PROFILE_SAMPLE_BYTES 524288
/* Bytes of a message's id that a sample keeps and reports show. A policy. */
#define SAMPLE_ID_KEPT 40
/* Buckets of the table of stacks, 8 bytes each. Not measured. */
#ifndef SAMPLE_BUCKETS
#define SAMPLE_BUCKETS 1024
#endif

/* Bytes behind a payload that a checked pool leaves at least. A policy. */
#define CHECKED_MARGIN 16
/* The share of memory_limit in its limbo: one in so many. A policy. */
#define CHECKED_LIMBO_SHARE 64

/* ----------------------------------------------------------------- queue -- */

/* Messages: the default capacity, 576 KiB of address space. A policy. */
#define QUEUE_CAPACITY 4096
/* Copies of a queue's slow-path counters, 64 bytes each. With fewer, threads
 * that poll an empty queue pass cache lines about. Not measured. */
#define QUEUE_STRIPES 8
/* Bytes: larger rings have a mapping each, all others malloc's. A policy. */
#define RING_HEAP_MAX ((size_t)64 << 10)
/* Cells that one call claims at most, and so what a stopped thread holds. A
 * larger batch takes a CAS for each so many. Not measured. */
#ifndef RING_CLAIM_MAX
#define RING_CLAIM_MAX 64
#endif
/* Tries of a claimed cell, one each BACKOFF_MIN_NS, before its owner is
 * challenged by a heavy fence. Fewer challenge slow owners. Not measured. */
#ifndef CHALLENGE_AFTER
#define CHALLENGE_AFTER 64
#endif
/*
 * Cells ahead of the claimed one that a thread prefetches. One sender and one
 * receiver on two cores: 20 M/s with none, 38 with 3, 40 with 4, 41 with 6, 33
 * with 8 and 22 with 12.
 */
#ifndef PREFETCH_AHEAD
#define PREFETCH_AHEAD 4
#endif
/* Positions between two checks of the gap. A check reads a cache line that the
 * other side has. Not measured. */
#define SPACING_EVERY 32
/* Cells between the sides, below which a side backs off. The other side has to
 * move that far in SPACING_NS. Not measured. */
#define SPACING_GAP 128
/*
 * Cells of the smallest ring that keeps a gap. In smaller ones a gap gained
 * nothing, and cost up to a quarter between cores with a common cache. Double:
 * not measured.
 */
#define SPACING_CELLS_MIN ((size_t)8 * SPACING_GAP)
/*
 * Nanoseconds of one back-off: 384 pauses of 19 ns (AMD EPYC, family 26). The
 * figures were found with as many pauses of 25 ns (family 25). One sender and
 * one receiver had 54 M/s with 384 pauses and 30 with 256, as a sender that
 * takes 20 ns a message does not bring SPACING_GAP in these. Double: not
 * measured.
 */
#define SPACING_NS 7300
/* Checks left out after those that did not pay, at most: 2^n - 1. A gap that
 * never pays then delays one message in eight thousand. Not measured. */
#define SPACING_SKIPS_MAX 255
/*
 * Checks in a row that find a sender close before it backs off. Four senders
 * and four receivers without a common cache: 62 M/s, and 49 with 1. With a
 * common cache: 86 and 52. Half and double: not measured.
 */
#define SPACING_IN_A_ROW 8
/* Nanoseconds: calls with a shorter timeout keep no gap. It has to be many
 * times SPACING_NS. Not measured. */
#define SPACING_TIMEOUT_NS 1000000
/*
 * Nanoseconds. A wait spins for a random time between this and three times
 * this, and then yields. That is 128 to 384 pauses of 19 ns (AMD EPYC, family
 * 26; the figures were found with 25 ns). Two senders and two receivers on two
 * cores: 70 M/s, and 29 with always twice as many. Half and double: not
 * measured.
 */
#define SPIN_NS 2400
/*
 * Nanoseconds between two tries, at least: about one pause of 19 ns. For a
 * longer stride a batch has to bring one message in each of these. Not
 * measured.
 */
#define BACKOFF_MIN_NS 20
/*
 * Nanoseconds between two tries, at most: 256 * BACKOFF_MIN_NS. One sender and
 * one receiver on two cores: 69 M/s, and 20 with a quarter and no
 * PREFETCH_AHEAD. Half and double: not measured.
 */
#define BACKOFF_MAX_NS 5120
/* Messages behind the first that make a longer stride pay. A message now and
 * then waits no longer than so many take to come. Not measured. */
#define BACKOFF_BACKLOG 8
/* Nanoseconds of a stride for a trial: 16 * BACKOFF_MIN_NS. Not measured. */
#define BACKOFF_TRIAL_NS 320
/*
 * Waits between two trials. With a quarter, 99 % of round trips between threads
 * of one core take up to 288 instead of 215 ns: docs/performance.md. Double:
 * not measured.
 */
#define BACKOFF_TRIAL_EVERY 1024
/* Yields before a thread sleeps. Not measured. */
#define YIELDS 16
/* Waits in vain, in a row, after which trying gets rarer. Not measured. */
#define IN_VAIN_FEW 8
/* Waits in vain after which it is tried at the latest. Not below some 300: p99
 * of a dialogue beside two busy processes would be that of a try. */
#define IN_VAIN_MANY 1024
/* Polls of a queue in vain of which one is made sure of, with a full fence. */
#ifndef POLLS_TO_BE_SURE
#define POLLS_TO_BE_SURE 256
#endif
/* Nanoseconds, and a tick, after which a thread passes a signal on again. */
#define PASS_ON_NS 1000000

/* --------------------------------------------------------------- observe -- */

/* Groups of messages in a report of leaks. The rest is counted. A policy. */
#define REPORT_GROUPS 20
/* Messages of a group that a report shows: the oldest. A policy. */
#define REPORT_MESSAGES 4

#endif
