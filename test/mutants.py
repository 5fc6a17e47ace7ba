#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Tests the tests: breaks the library in one place at a time, and requires that a
program notices.

A mutant is one exact piece of text of one file, and what it is replaced by. Text that
is not there exactly once is an error, so that a change to the library cannot
leave a mutant behind that changes nothing. The sources are copied, and only what
includes the changed file is compiled again.

Most mutants name a program of the scheduler, test/sched. It gets a fixed seed and a
number of runs, so what it does depends on the sources alone: a mutant is caught in the
same run on each machine, however busy. It counts as caught when a run fails. The others
name a stress program or test, and fail in their own way: `race`, a report of
ThreadSanitizer; `hang`, a watchdog; `any`, one of these or a violated check or a crash.
First of all, every program has to pass on the unchanged sources, as long as for any mutant.

A mutant stays with a stress program for one of these reasons:
  - the scheduler has no program that reaches it (OPEN has those that nothing catches)
  - it is a matter of a real kernel: forks, cancellation within a system call, mappings
    that fail
  - it is a matter of the text that the library writes, or of its statistics

EQUIVALENTS are mutants that change no behaviour, each with its reason. No run of any
program may fail with them: --equivalents tries that. OPEN are those that no program has
caught yet: --open tries all programs on them.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

THREAD = ["-O1", "-g", "-fsanitize=thread", "-Wno-tsan"]
PLAIN = ["-O2"]
# As test/sched/meson.build compiles them.
SCHED = ["-O1", "-fsanitize=thread", "-U__SANITIZE_THREAD__", "-Wno-tsan"]
LINKED = {"thread": THREAD, "plain": PLAIN, "sched": []}
COMMON = ["-std=c11", "-D_GNU_SOURCE", "-fexceptions", "-pthread", "-w"]
SEED = 1
ALL = "sched/"  # every program of the scheduler
SKIPPED = 77


@dataclasses.dataclass
class Mutant:
    name: str
    file: str
    old: str
    new: str
    program: str  # below test/, or "sched/" and a program of the scheduler
    # Of a stress program.
    config: str = "thread"
    by: str = "any"
    seconds: float = 2
    # Of the scheduler: "" is each in turn.
    memory: str = ""
    strategy: str = ""
    runs: int = 2000
    reason: str = ""  # of an equivalent

    def __post_init__(self):
        if self.program.startswith("sched/"):
            self.config = "sched"

    def use(self):
        """What has to pass on the unchanged sources."""
        return self.config, self.program, self.memory, self.strategy


def release_to_relaxed(line):
    return line.replace("memory_order_release", "memory_order_relaxed")


def acquire_to_relaxed(line):
    return line.replace("memory_order_acquire", "memory_order_relaxed")


STATE = "\treturn atomic_load_explicit(&cell->state, memory_order_acquire);"
PUBLISH = "atomic_store_explicit(&cell->state, full, memory_order_release);"
RECYCLE = "atomic_store_explicit(&cell->state, free, memory_order_release);"
LEAVE = "atomic_store_explicit(&cache->busy, 0, memory_order_release);"
RETURNED = "atomic_store_explicit(&cache->revoked, 0, memory_order_release);"
REVOKED = "atomic_load_explicit(&cache->revoked, memory_order_acquire)"
BUSY = "if (atomic_load_explicit(&cache->busy, memory_order_acquire) == 0)"
OWNER = "atomic_store_explicit(&cache->owner, 0, memory_order_release);"
FIRST = "return atomic_load_explicit(&registry->first, memory_order_acquire);"

MUTANTS = [
    # The ring's edges.
    Mutant("[publish] release is relaxed", "queue/claim.h", PUBLISH, release_to_relaxed(PUBLISH),
           "queue/stress_ring", by="race"),
    Mutant("[recycle] release is relaxed", "queue/claim.h", RECYCLE, release_to_relaxed(RECYCLE),
           "queue/stress_ring", by="race"),
    Mutant("[publish] acquire is relaxed", "queue/ring_layout.h", STATE,
           "\tif (atomic_load_explicit(&cell->state, memory_order_relaxed) & 1)\n\t" +
           acquire_to_relaxed(STATE) + "\n" + STATE, "queue/stress_ring", by="race"),
    Mutant("[recycle] acquire is relaxed", "queue/ring_layout.h", STATE,
           "\tif (!(atomic_load_explicit(&cell->state, memory_order_relaxed) & 1))\n\t" +
           acquire_to_relaxed(STATE) + "\n" + STATE, "queue/stress_ring", by="race"),
    # The ring's protocol.
    Mutant("a claim is a load and a store", "queue/claim.h",
           "\tbool claimed = atomic_compare_exchange_strong_explicit(end, position, next,\n"
           "\t\tmemory_order_release, memory_order_relaxed);\n",
           "\tuint64_t now = atomic_load_explicit(end, memory_order_relaxed);\n"
           "\tif (now != *position) {\n"
           "\t\t*position = now;\n"
           "\t\treturn false;\n"
           "\t}\n"
           "\tatomic_store_explicit(end, next, memory_order_relaxed);\n"
           "\tbool claimed = true;\n",
           "queue/stress_ring"),
    Mutant("senders overlook the closed bit", "queue/ring_batch.c",
           "\t\tif (position & CLOSED)\n\t\t\treturn -EPIPE;", "", "queue/stress_close"),
    Mutant("closing does not set the closed bit", "queue/ring_state.c",
           "atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);",
           "(void)ring;", "queue/stress_close", config="plain", by="hang"),
    Mutant("a closed ring is done when its next cell is not full", "queue/ring_batch.c",
           "if ((tail & POSITION) == *position)",
           "if (tail & CLOSED || tail == *position)", "queue/stopped", config="plain"),
    Mutant("a position grows past 2^62", "queue/ring_layout.h",
           "return (position + count) & POSITION;", "return position + count;",
           "queue/stress_ring", config="plain"),
    Mutant("a position has 32 bits", "queue/ring_layout.h",
           "return (position + count) & POSITION;", "return (uint32_t)(position + count);",
           "queue/stress_ring", config="plain"),
    Mutant("a recycled cell is in its old lap", "queue/ring_layout.h",
           "return ((state | 1) + 1) & (UINT64_MAX >> (ring->lap_shift + 1));", "return state & ~(uint64_t)1;",
           "queue/stress_ring", config="plain", by="hang"),
    Mutant("a batch reads one state less than it claims cells", "queue/ring_batch.c",
           "count_claimable(ring, position, count, RECEIVER);\n",
           "count_claimable(ring, position, count, RECEIVER);\n"
           "\t\tready.count += ready.count > 0 && count > 1;\n",
           "queue/stress_ring", config="plain"),
    Mutant("no thread sees a challenge", "queue/recovery.h",
           "return __builtin_expect(challenges(ring) != known, 0);", "return (void)ring, known == 1;",
           "queue/stopped", config="plain"),
    Mutant("no thread is challenged", "queue/recovery.c",
           "if (challenge(ring, at, wanted(ring, at, side), &word))", "word = 0;\n\t\tif (false)",
           "queue/stopped", config="plain", by="hang"),
    Mutant("who waits never looks past a stopped thread", "queue/blocking.c",
           "queue_push(queue, messages, count, effort);\n\tint result = queue_pop(queue, messages, count, effort);",
           "queue_push(queue, messages, count, TRY);\n\tint result = queue_pop(queue, messages, count, TRY);",
           "queue/stopped", config="plain", by="hang"),
    Mutant("full or empty is said before earlier stores are visible", "queue/ring_batch.c",
           "\tfence_full();\n", "",
           "queue/stress_answers", config="plain"),
    Mutant("challenges are not announced", "queue/recovery.c",
           "\tatomic_fetch_add_explicit(&ring->challenges, pending->count, memory_order_release);\n", "",
           "queue/stopped", config="plain"),
    # The capacity.
    Mutant("tail skips whatever there is", "queue/scan.c",
           "if (ahead(until, head) <= (int64_t)ring->spare ||", "if (true ||",
           "queue/ring_promise", config="plain"),
    Mutant("positions whose cells came back are not counted", "queue/recovery.c",
           "(progress_of(now) == SKIPPED ? 0 : 2);", "(progress_of(now) == SKIPPED ? 0 : 4);",
           "queue/ring_promise", config="plain"),
    Mutant("one count serves for ever", "queue/scan.c",
           "set_counted(ring, before + ring->spare - skipped);", "set_counted(ring, before + ring->spare);",
           "queue/ring_promise", config="plain"),
    Mutant("skips are not counted before they are made", "queue/skip.c",
           "\tatomic_fetch_add_explicit(counter, n, memory_order_relaxed);\n\tif (claim(",
           "\tif (side == RECEIVER)\n\t\tatomic_fetch_add_explicit(counter, n, memory_order_relaxed);\n\tif (claim(",
           "queue/ring_promise", config="plain"),
    Mutant("what is to be skipped is not counted", "queue/scan.c",
           "if (ahead(most, until) >= 0)", "if (skipped < ring->spare)",
           "queue/ring_promise", config="plain"),
    Mutant("a sender is skipped behind a live message", "queue/recovery.c",
           "decide(ring, &pending.each[decided++], false);\n\treturn skipped;",
           "decide(ring, &pending.each[decided++], true);\n\treturn skipped;",
           "queue/ring_promise", config="plain"),
    Mutant("a late thread skips one that is not in its way", "queue/recovery.c",
           "bool own = owed_of(pending.each[decided].word) == owed;", "bool own = true;",
           "queue/ring_promise", config="plain"),
    Mutant("challenges to cells that are finished stay pending", "queue/recovery.c",
           "\twhile (decided < pending.count)\n\t\tdecide(ring, &pending.each[decided++], false);\n",
           "\tfor (; decided < pending.count; decided++)\n\t\tresolve(ring);\n",
           "queue/ring_promise", config="plain"),
    Mutant("a claim is of any number of cells", "queue/ring_state.c",
           "at_most(cells / 4, RING_CLAIM_MAX)", "cells",
           "queue/ring_promise", config="plain"),

    # Sides that are one thread's.
    Mutant("an exclusive sender does not check if the ring was closed", "queue/claim.h",
           "\tfence_light_asymmetric();\n\treturn closing(ring);", "\treturn (void)ring, false;",
           "queue/stress_close", config="plain"),
    Mutant("a claim that came too late counts", "queue/close.c",
           "return end == (CLOSED | claimed);", "return true;", "queue/stress_close", config="plain"),
    Mutant("closing an exclusive sender's ring closes nothing", "queue/ring_state.c",
           "\t\tclose_begin(ring);\n", "", "queue/stress_close", config="plain", by="hang"),
    Mutant("two senders claim without looking", "queue/queue.c",
           "(flags & MAGRING_SINGLE_SENDER ? RING_EXCLUSIVE_SENDER : 0)", "RING_EXCLUSIVE_SENDER",
           "queue/stress_queue"),
    Mutant("two receivers claim without looking", "queue/queue.c",
           "(flags & MAGRING_SINGLE_RECEIVER ? RING_EXCLUSIVE_RECEIVER : 0)", "RING_EXCLUSIVE_RECEIVER",
           "queue/stress_queue"),

    # References.
    Mutant("[references] release is relaxed", "queue/queue.c",
           "&queue->references, 1, memory_order_release", "&queue->references, 1, memory_order_relaxed",
           "queue/stress_references", by="race"),
    Mutant("[references] acquire is relaxed", "queue/queue.c",
           "&queue->references, memory_order_acquire", "&queue->references, memory_order_relaxed",
           "queue/stress_references", by="race"),
    Mutant("the first release frees a queue", "queue/queue.c",
           "memory_order_release) > 1)\n\t\treturn 0;", "memory_order_release) > 1)\n\t\t;",
           "queue/stress_references"),
    Mutant("a queue is never freed", "queue/queue.c",
           "\tdestroy(queue);\n", "", "queue/stress_references", config="plain"),
    Mutant("a child waits for a thread of its parent", "queue/queue.c",
           "\tpthread_mutex_init(&no_pool_lock, NULL);\n", "", "pool/stress_fork", config="plain", by="hang"),
    Mutant("messages that are left are not dropped", "queue/queue.c",
           "if (queue->drop != NULL)", "if (0)", "queue/stress_references", config="plain"),

    # Waiting.
    Mutant("nobody looks for sleepers of the other side", "queue/send_recv.c",
           "if (eventcount_has_waiters(&queue->eventcount[other]))",
           "if (0)", "base/stress_eventcount", config="plain", by="hang"),
    Mutant("no wake-up is passed on", "queue/blocking.c",
           "if (eventcount_has_waiters(&queue->eventcount[side]) && may[side](&queue->ring))",
           "if (0)", "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("who got something passes no wake-up on", "queue/send_recv.c",
           "if (eventcount_has_waiters(&queue->eventcount[side]))", "if (0)",
           "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("a receiver that waits in vain wakes no sender", "queue/blocking.c",
           "\tif (result == -EAGAIN && skipped)\n\t\tpass_wake_up_on(queue, SENDER);\n", "",
           "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("a receiver that comes in vain wakes no sender", "queue/blocking.c",
           "\tif (side == RECEIVER && ring_take_skipped())\n\t\tpass_wake_up_on(queue, SENDER);\n", "",
           "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("a cancelled sleeper passes no wake-up on", "queue/blocking.c",
           "\tpass_wake_up_on(wait->queue, wait->side);", "",
           "base/stress_eventcount", config="plain", by="hang"),
    Mutant("a cancelled sleeper does not leave", "base/eventcount_await.c",
           "\teventcount_cancel_wait(sleep->eventcount);\n", "",
           "base/stress_eventcount", config="plain"),
    Mutant("closing wakes no receivers", "queue/queue.c",
           "\teventcount_notify_all(&queue->eventcount[RECEIVER]);\n", "", "base/stress_eventcount", config="plain", by="hang"),
    Mutant("closing wakes no senders", "queue/queue.c",
           "\teventcount_notify_all(&queue->eventcount[SENDER]);\n", "", "base/stress_eventcount", config="plain", by="hang"),
    Mutant("closing does not signal the descriptor", "base/eventcount.c",
           "\tif (word & EVENTCOUNT_ARMED)\n\t\teventcount_signal_fd(eventcount);\n\tif (word >=",
           "\tif (0)\n\t\teventcount_signal_fd(eventcount);\n\tif (word >=",
           "base/stress_eventcount", config="plain", by="hang"),
    Mutant("closing does not move the epoch on", "base/eventcount.c",
           "next_epoch(word) & ~EVENTCOUNT_ARMED", "word & ~EVENTCOUNT_ARMED",
           "base/stress_eventcount", config="plain", by="hang", seconds=4),
    Mutant("who leaves does not take from WAKING", "base/eventcount.c",
           "word - EVENTCOUNT_SLEEPER - (waking(word) > 0 ? EVENTCOUNT_WAKING : 0)", "word - EVENTCOUNT_SLEEPER",
           "base/stress_eventcount", config="plain"),
    Mutant("a wake-up does not move the epoch on", "base/eventcount.c",
           "next = next_epoch(next) + EVENTCOUNT_WAKING;", "next += EVENTCOUNT_WAKING;",
           "base/stress_eventcount", config="plain", by="hang", seconds=4),
    Mutant("a wake-up does not wake", "base/eventcount.c",
           "\tfutex_wake(eventcount, 1);", "", "base/stress_eventcount", config="plain", by="hang"),
    Mutant("an armed descriptor is not signalled", "base/eventcount.c",
           "\tif (word & EVENTCOUNT_ARMED)\n\t\teventcount_signal_fd(eventcount);\n\tif (waking(next)",
           "\tif (waking(next)", "base/stress_eventcount", config="plain", by="hang"),
    Mutant("arming does not check the condition again", "base/eventcount_fd.c",
           "\tif (ready(context))\n\t\teventcount_notify(eventcount);", "\t(void)ready, (void)context;",
           "base/stress_eventcount", config="plain", by="hang", seconds=4),

    # Waiting for memory.
    Mutant("a free looks for no sleepers", "pool/pool.h",
           "if (eventcount_may_have_waiters(eventcount_peek(&pool->memory[class_index])))", "if (0)",
           "pool/stress_last_slab", config="plain", by="hang"),
    Mutant("who got a slab passes no wake-up on", "pool/alloc_wait.c",
           "\tpool_notify_waiters(pool, class_index);\n\treturn rc;", "\treturn rc;",
           "pool/stress_last_slab", config="plain", by="hang"),
    Mutant("a sleeper does not try to get a slab before it sleeps", "base/eventcount_await.c",
           "\tbool done = waiter->try(context);\n\tif (!done) {\n\t\tint64_t again_ns = waiter->before_sleep(context);",
           "\tbool done = false;\n\tif (!done) {\n\t\tint64_t again_ns = INT64_MAX;",
           "pool/stress_last_slab", config="plain", by="hang", seconds=4),
    Mutant("a cancelled sleeper does not leave a memory eventcount", "base/eventcount_await.c",
           "\teventcount_cancel_wait(sleep->eventcount);\n", "",
           "pool/stress_last_slab", config="plain"),
    Mutant("a hidden slab is not looked for again", "pool/alloc_wait.c",
           "bool again = wait->hidden || carved(wait->pool, wait->class_index) == 0;", "bool again = false;",
           "pool/stress_last_slab", config="plain", by="hang", seconds=4),

    # Magazines and caches.
    Mutant("[depot] release is missing", "base/tagged_stack.h",
           "\tedge_release(entry);\n", "", "queue/stress_queue", by="race"),
    Mutant("[depot] acquire is missing", "base/tagged_stack.h",
           "\tedge_acquire(top.head);\n", "", "queue/stress_queue", by="race"),
    Mutant("a slab of the overflow is dropped", "pool/carve.c",
           "\ttagged_stack_push(&depot->class[class_index].overflow.stack, depot_slab(depot, round));", "",
           "pool/stress_budget", config="plain"),
    Mutant("a magazine that was filled up is dropped", "pool/depot.c",
           "\t\tdepot_put(depot, class_index, other);\n", "", "pool/stress_budget", config="plain"),
    Mutant("[left] release is relaxed", "pool/thread_cache.h", LEAVE, release_to_relaxed(LEAVE),
           "pool/stress_budget", by="race"),
    Mutant("[left] acquire is relaxed", "pool/reclaim.c", BUSY, acquire_to_relaxed(BUSY),
           "pool/stress_budget", by="race"),
    Mutant("[returned] release is relaxed", "pool/reclaim.c", RETURNED, release_to_relaxed(RETURNED),
           "pool/stress_budget", by="race"),
    Mutant("[returned] acquire is relaxed", "pool/thread_cache.h", REVOKED, acquire_to_relaxed(REVOKED),
           "pool/stress_budget", by="race"),
    Mutant("an owner overlooks that its cache is revoked", "pool/thread_cache.h",
           "if (__builtin_expect(" + REVOKED + " == 0, 1))", "if (1)", "pool/stress_budget"),
    Mutant("a reclaimer overlooks that the owner is at work", "pool/reclaim.c", BUSY, "if (1)", "pool/stress_budget"),
    Mutant("nothing is reclaimed", "pool/reclaim.c",
           "slabs += magazine_flush(&cache->class[i], depot, i);", ";",
           "pool/stress_budget", config="plain"),
    Mutant("[owner] release is relaxed", "pool/thread_cache.c", OWNER, release_to_relaxed(OWNER),
           "pool/stress_threads", by="race", seconds=4),
    Mutant("[owner] acquire is relaxed", "pool/thread_cache.c",
           "&cache->owner, &nobody, self,\n\t\t\t    memory_order_acquire",
           "&cache->owner, &nobody, self,\n\t\t\t    memory_order_relaxed",
           "pool/stress_threads", by="race", seconds=4),
    Mutant("[registry] release is relaxed", "pool/thread_cache.c",
           "&registry->first, &cache->next, cache,\n\t\tmemory_order_release",
           "&registry->first, &cache->next, cache,\n\t\tmemory_order_relaxed",
           "pool/stress_threads", by="race", seconds=4),
    Mutant("[registry] acquire is relaxed", "pool/thread_cache.c", FIRST, acquire_to_relaxed(FIRST),
           "pool/stress_threads", by="race", seconds=4),
    Mutant("a thread that ends keeps its cache", "pool/thread_cache.c", OWNER, "",
           "pool/stress_threads", config="plain"),
    Mutant("a pool goes without a grace period", "pool/table.c",
           "\tthread_wait_for_readers();\n", "", "pool/stress_threads", seconds=4),

    # Cooling.
    Mutant("[cooling] release is relaxed", "pool/cooling.c",
           "place, &old, mine, memory_order_release", "place, &old, mine, memory_order_relaxed",
           "pool/stress_depot", by="race"),
    Mutant("[cooling] release of one that takes another's place is relaxed", "pool/cooling.c",
           "place, mine, memory_order_acq_rel", "place, mine, memory_order_acquire",
           "pool/stress_depot", by="race"),
    Mutant("[cooling] acquire of one that takes another's place is relaxed", "pool/cooling.c",
           "place, mine, memory_order_acq_rel", "place, mine, memory_order_release",
           "pool/stress_depot", by="race"),
    Mutant("[cooling] acquire is relaxed", "pool/cooling.c",
           "(place, &old, 0,\n\t\t\t\tmemory_order_acquire", "(place, &old, 0,\n\t\t\t\tmemory_order_relaxed",
           "pool/stress_depot", by="race"),
    Mutant("a magazine that has cooled is dropped", "pool/cooling.c",
           "\t\t\tdepot_put(depot, class_at(old), magazine_at(depot, old));", "\t\t\t;",
           "pool/stress_depot", config="plain"),
    Mutant("a magazine that has cooled is taken twice", "pool/cooling.c",
           "atomic_compare_exchange_strong_explicit(place, &old, 0,", "atomic_compare_exchange_strong_explicit(place, &old, old,",
           "pool/stress_depot", config="plain"),
    Mutant("a magazine that has cooled is another class's", "pool/cooling.c",
           "class_at(old) == class_index &&", "(class_at(old) == class_index || class_index > 0) &&",
           "pool/stress_depot", config="plain"),
    Mutant("a thread without memory overlooks what cools", "pool/carve.c",
           "\tdepot_put(depot, class_index, magazine);\n\treturn cooling_take(depot, class_index);",
           "\tdepot_put(depot, class_index, magazine);\n\treturn NULL;",
           "pool/stress_depot", config="plain"),
    Mutant("a thread without a magazine overlooks what cools", "pool/carve.c",
           "\tif (magazine == NULL)\n\t\treturn cooling_take(depot, class_index);",
           "\tif (magazine == NULL)\n\t\treturn NULL;",
           "pool/stress_depot", config="plain"),
    Mutant("a trim overlooks what cools", "pool/trim.c",
           "(magazine = cooling_take(trim->depot, class_index)) != NULL", "false",
           "pool/stress_trim", config="plain"),

    # Trimming.
    Mutant("a chunk is whole with a slab missing", "pool/trim.c",
           "span->free == span->chunk->bytes", "span->free + 8192 >= span->chunk->bytes",
           "pool/stress_trim", config="plain"),
    Mutant("a trim keeps what is not trimmed", "pool/trim.c",
           "\tdepot_put_part(trim->depot, class_index, magazine);", "\t(void)left;",
           "pool/stress_trim", config="plain"),
    Mutant("a trim wakes nobody", "pool/trim.c",
           "\tpool_notify_all_classes(trim->pool);\n", "", "pool/stress_trim", config="plain", by="hang"),
    Mutant("trimmed slabs are still counted", "pool/trim.c",
           "\t\ttrimmed += chunk->bytes / class->slab_size;\n", "",
           "pool/stress_trim", config="plain"),
    Mutant("merged ranges are as long as the first", "pool/trim.c",
           "\t\t\tlast->bytes += chunk->bytes;\n", "", "pool/stress_trim", config="plain"),
    Mutant("what is cut off a range is dropped", "pool/chunk.c",
           "\t\tif (range->bytes > 0)\n\t\t\tchunk_put_range(chunks, range);", "\t\tif (0)\n\t\t\t;",
           "pool/stress_trim", config="plain"),
    Mutant("a thread without memory is not told that some moves", "pool/chunk.c",
           "return atomic_load_explicit(&chunks->begun, memory_order_relaxed) != moves;",
           "return (void)chunks, (void)moves, false;", "pool/stress_trim", config="plain"),
    Mutant("a page of magazines goes with one of them in use", "pool/trim_magazines.c",
           "empty[end] == MAGAZINES_PER_PAGE; end++)",
           "empty[end] + 1 >= (int)MAGAZINES_PER_PAGE; end++)", "pool/stress_trim", config="plain"),
    Mutant("two trims at a time", "pool/trim.c",
           "if (atomic_exchange_explicit(&pool->trimming, true, memory_order_acquire))",
           "if (atomic_exchange_explicit(&pool->trimming, true, memory_order_relaxed) && 0)",
           "pool/stress_trim", by="race"),

    Mutant("a freed slab is counted twice", "pool/alloc.h",
           "\tcount_add(&pair->counts.freed, 1);", "\tcount_add(&pair->counts.freed, 2);",
           "queue/stress_queue", config="plain"),

    # What is refused.
    Mutant("a pool that could not be made keeps address space", "pool/depot.c",
           "\t\tregion_fini(&depot->slabs);\n\t\treturn rc;", "\t\treturn rc;",
           "failing_calls", config="plain", by="violation"),
    Mutant("a text that was cut short is written", "observe/text.c",
           "\t\ttext->failed = true;\n", "",
           "failing_calls", config="plain", by="violation"),
    Mutant("a barrier that the kernel has no memory for is not tried again", "base/fence.c",
           "while (result != 0 && errno == ENOMEM);", "while (0);",
           "failing_calls", config="plain", by="violation"),
    Mutant("a thread without a cache counts as if it were alone", "pool/alloc.c",
           "\tif (shared)\n", "\tif (0)\n", "pool/stress_caches", config="plain", by="violation"),

    # A child of a fork.
    Mutant("a child of a fork waits for locks", "base/fork.c",
           "\tif (!thread_forked)\n\t\tpthread_mutex_lock(lock);", "\tpthread_mutex_lock(lock);",
           "pool/stress_fork", config="plain", by="hang", seconds=8),
    Mutant("a child of a fork reports what is out", "observe/at_exit.c",
           " && !fork_in_child())\n", ")\n", "pool/stress_fork", config="plain", seconds=1),

    # Cancellation.
    Mutant("a thread can be cancelled anywhere after a wait", "base/eventcount.c",
           "\t\tpthread_setcanceltype(cancel_type, NULL);\n", "",
           "queue/stress_cancel", config="plain", seconds=4),
    Mutant("what a batch has sent stays with the sender as well", "queue/send_recv.c",
           "messages[sent++].private_header = 0;", "sent++;",
           "queue/stress_cancel", config="plain"),
]


class Sources:
    """The tree, and objects of it for each configuration."""

    def __init__(self, root, work, cc):
        self.root, self.work, self.cc = root, work, cc
        self.cflags = self.run(["pkg-config", "--cflags", "ck", "liburcu-cds"]).split()
        self.library = sorted(str(path.relative_to(root / "lib")) for path in (root / "lib").rglob("*.c"))
        self.scheduler = sorted(str(path.relative_to(root / "test")) for path in (root / "test/sched").glob("*.c")
                                if not path.name.endswith("_test.c"))
        self.includes = {}

    def flags(self, lib, config, name):
        test = self.root / "test"
        paths = [lib, self.root / "include", test]
        special = LINKED[config]
        if name in self.scheduler:
            special, paths = PLAIN, [test / "sched", *paths]
        elif config == "sched":
            special, paths = [*SCHED, "-include", str(test / "sched/shim.h")], [test / "sched/shim", *paths]
        return COMMON + special + [f"-I{path}" for path in paths] + self.cflags

    def run(self, command):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(" ".join(command) + "\n" + result.stderr)
        return result.stdout

    def compile(self, lib, name, config, output):
        self.run([*self.cc, *self.flags(lib, config, name), "-c", str(self.source(lib, name)), "-o", str(output)])

    def source(self, lib, name):
        return (lib if name in self.library else self.root / "test") / name

    @staticmethod
    def object(directory, name):
        return directory / (name.replace("/", "-") + ".o")

    def objects(self, config):
        return self.work / config

    def parts(self, config, program):
        """All sources of a program."""
        return self.library + (self.scheduler if config == "sched" else [program + ".c"])

    def build_all(self, config, programs, executor):
        self.objects(config).mkdir()
        lib = self.root / "lib"
        names = sorted({name for program in programs for name in self.parts(config, program)})
        jobs = [executor.submit(self.compile, lib, name, config, self.object(self.objects(config), name))
                for name in names]
        for job in jobs:
            job.result()
        for name in names:
            made = self.run([*self.cc, *self.flags(lib, config, name), "-MM", str(self.source(lib, name))])
            self.includes[config, name] = {word.removeprefix(f"{lib}/") for word in made.split()}

    def link(self, config, program, changed, output):
        """The program, of objects of the unchanged sources but for those in `changed`."""
        objects = [str(changed.get(name, self.object(self.objects(config), name)))
                   for name in self.parts(config, program)]
        output.parent.mkdir(parents=True, exist_ok=True)
        self.run([*self.cc, *LINKED[config], *objects, "-pthread", "-o", str(output)])

    def linked(self, directory, config, program):
        return directory / ("scheduler" if config == "sched" else program)

    def mutated(self, mutant):
        """The changed text of its file."""
        text = (self.root / "lib" / mutant.file).read_text()
        if text.count(mutant.old) != 1:
            raise RuntimeError(f"{mutant.file} has {text.count(mutant.old)} times, not once:\n{mutant.old}")
        return text.replace(mutant.old, mutant.new)

    def mutate(self, mutant, directory):
        lib = directory / "lib"
        shutil.copytree(self.root / "lib", lib)
        (lib / mutant.file).write_text(self.mutated(mutant))
        changed = {}
        for name in self.parts(mutant.config, mutant.program):
            if mutant.file in self.includes[mutant.config, name]:
                changed[name] = self.object(directory, name)
                self.compile(lib, name, mutant.config, changed[name])
        output = self.linked(directory, mutant.config, mutant.program)
        self.link(mutant.config, mutant.program, changed, output)
        return output


@dataclasses.dataclass
class End:
    """How a program ended: passed, race, hang, ..."""
    kind: str
    text: str = ""    # what it says about its failure
    output: str = ""
    runs: int = 1
    seconds: float = 0


def first(pattern, text):
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def run(command, environment, timeout):
    """The exit status, or None, the output, and how long it took."""
    begin = time.monotonic()
    try:
        result = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace",
                                timeout=timeout)
        return result.returncode, result.stdout + result.stderr, time.monotonic() - begin
    except subprocess.TimeoutExpired:
        return None, "", time.monotonic() - begin


def play(program, seconds, seed, watchdog):
    """A stress program."""
    environment = dict(
        os.environ,
        MAGRING_STRESS_SECONDS=str(seconds), MAGRING_STRESS_WATCHDOG=str(watchdog),
        TSAN_OPTIONS="halt_on_error=1:atexit_sleep_ms=0")
    status, output, took = run([str(program), str(seed)], environment, seconds + 60)
    if status is None:
        kind, text = "hang", "no end"
    elif status == 0:
        kind, text = "passed", ""
    elif "ThreadSanitizer: data race" in output:
        kind, text = "race", re.sub(r"/\S*/(lib|test)/", "", first(r"SUMMARY: ThreadSanitizer: (.*)", output))
    elif "nothing has happened for" in output:
        kind, text = "hang", first(r"(nothing has happened for.*)", output)
    elif re.search(r":\d+: not ", output):
        kind, text = "violation", first(r"(\S+:\d+: not .*)", output)
    else:
        kind, text = f"status {status}", ""
    return End(kind, text, output, 1, took)


def schedule(program, mutant):
    """A program of the scheduler. What it does depends on the sources alone."""
    command = [str(program), "--quick", "--seed", str(SEED), "--runs", str(mutant.runs)]
    if mutant.program != ALL:
        command += ["--program", mutant.program.removeprefix("sched/")]
    if mutant.memory:
        command += ["--memory", mutant.memory]
    if mutant.strategy:
        command += ["--strategy", mutant.strategy]
    status, output, took = run(command, None, 300)
    runs = int(first(r"(\d+) runs", output) or 0)
    if status == 0 and runs > 0:
        return End("passed", "", output, runs, took)
    text = first(r"FAILED [^:]*: (.*)", output)
    if status == 1 and text:
        return End("failed", text, output, runs, took)
    return End(f"status {status}", "no failure of a run", output, runs, took)


def check_unchanged(sources, uses, executor):
    """Whether every program passes, with as many runs as any mutant of it gets."""
    for config, program in sorted({(mutant.config, mutant.program) for mutant in uses}):
        output = sources.linked(sources.objects(config), config, program)
        if not output.exists():
            sources.link(config, program, {}, output)
    jobs = []
    for mutant in uses:
        output = sources.linked(sources.objects(mutant.config), mutant.config, mutant.program)
        if mutant.config == "sched":
            jobs.append(executor.submit(schedule, output, mutant))
        else:
            jobs.append(executor.submit(play, output, 1, 1, 20))
    good = True
    for mutant, job in zip(uses, jobs):
        end = job.result()
        if end.kind != "passed":
            print(f"unchanged, {mutant.program} ({mutant.config}) fails: {end.kind}\n{end.output}")
            good = False
    return good


def judge(sources, number, mutant, attempts):
    """Whether the mutant was caught, and how its program ended."""
    directory = sources.work / f"mutant-{number}"
    directory.mkdir()
    try:
        program = sources.mutate(mutant, directory)
    except RuntimeError as error:
        return False, End("cannot be made", str(error))
    if mutant.config == "sched":
        end = schedule(program, mutant)
        caught = end.kind == "failed"
    else:
        for attempt in range(1, attempts + 1):
            end = play(program, mutant.seconds, number * 100 + attempt, 2)
            end.runs = attempt
            caught = end.kind != "passed" and mutant.by in ("any", end.kind)
            if caught:
                break
    shutil.rmtree(directory)
    return caught, end


def describe(mutant, caught, end):
    text = f"{'caught  ' if caught else 'SURVIVED'}  {mutant.name}: {mutant.program} ({mutant.config}), "
    text += f"{end.kind}, {end.runs} run{'s' if end.runs != 1 else ''}, {end.seconds:.2f} s"
    return text + (f": {end.text}" if end.text else "")


def has_thread_sanitizer(sources):
    probe = sources.work / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    try:
        sources.run([*sources.cc, *THREAD, str(probe), "-o", str(probe.with_suffix(""))])
        sources.run([str(probe.with_suffix(""))])
        return True
    except RuntimeError as error:
        print(f"skipped: no ThreadSanitizer: {error}")
        return False


def main():
    parser = argparse.ArgumentParser(description="break the library and see that its tests notice")
    parser.add_argument("--source", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument("--cc", default=os.environ.get("CC", "cc"))
    parser.add_argument("--attempts", type=int, default=8, help="of a stress program")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=pathlib.Path, help="also write what caught each mutant to this file")
    parser.add_argument("--equivalents", action="store_true", help="these instead, of which none may be caught")
    parser.add_argument("--open", action="store_true", help="those that nothing has caught so far instead")
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    arguments = parser.parse_args()
    chosen = EQUIVALENTS if arguments.equivalents else OPEN if arguments.open else MUTANTS
    mutants = [(number, mutant) for number, mutant in enumerate(chosen)
               if not arguments.names or any(name in mutant.name for name in arguments.names)]
    begin = time.monotonic()
    report = []
    with tempfile.TemporaryDirectory(prefix="magring-mutants-") as work, \
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as executor:
        sources = Sources(arguments.source.resolve(), pathlib.Path(work), shlex.split(arguments.cc))
        for mutant in EQUIVALENTS + OPEN:
            sources.mutated(mutant)
        if not has_thread_sanitizer(sources):
            return SKIPPED
        for config in sorted({mutant.config for _, mutant in mutants}):
            sources.build_all(config, [mutant.program for _, mutant in mutants if mutant.config == config], executor)
        most = {}
        for _, mutant in sorted(mutants, key=lambda numbered: numbered[1].runs):
            most[mutant.use()] = mutant
        if not check_unchanged(sources, list(most.values()), executor):
            return 1
        jobs = [executor.submit(judge, sources, number, mutant, arguments.attempts)
                for number, mutant in mutants]
        for (_, mutant), job in zip(mutants, jobs):
            caught, end = job.result()
            print(describe(mutant, caught, end), flush=True)
            report.append({"name": mutant.name, "file": mutant.file, "program": mutant.program,
                           "config": mutant.config, "caught": caught, "by": end.kind, "text": end.text,
                           "runs": end.runs, "seconds": round(end.seconds, 3)})
    survivors = sum(not entry["caught"] for entry in report)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants caught in {time.monotonic() - begin:.0f} s, "
          f"{cpu.ru_utime + cpu.ru_stime:.0f} s of CPU")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return 1 if (survivors < len(mutants) if arguments.equivalents else survivors) else 0


if __name__ == "__main__":
    sys.exit(main())
