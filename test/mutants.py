#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Tests the tests: breaks the library in one place at a time, and requires that a
program notices.

A mutant is exact text of one file, one piece or several, and what it is replaced by. Text that
is not there exactly once is an error, so that a change to the library cannot
leave a mutant behind that changes nothing. The sources are copied, and only what
includes the changed file is compiled again.

Most mutants name a program of the scheduler, test/sched. It gets a fixed seed and a
number of runs, so what it does depends on the sources alone: a mutant is caught in the
same run on each machine, however busy. It counts as caught when a run fails. A change to
the library moves what a seed does, so a mutant that survives gets three more. The others
name a stress program or test, and fail in their own way: `race`, a report of
ThreadSanitizer; `hang`, a watchdog; `any`, one of these or a violated check or a crash.
In the end every program has to pass on the unchanged sources, for as many runs as it took to
catch any mutant of it.

A mutant stays with a stress program for one of these reasons:
  - the scheduler has no program that reaches it
  - it is a matter of a real kernel: forks, cancellation within a system call, mappings
    that fail
  - it is a matter of the text that the library writes, or of its statistics

EQUIVALENTS are mutants that change no behaviour, each with its reason. No run of any
program may fail with them: --equivalents tries that.
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

THREAD = ["-O1", "-g", "-fsanitize=thread", "-DMAGRING_NO_TSAN", "-Wno-tsan"]
PLAIN = ["-O2"]
# As test/sched/meson.build compiles them.
SCHED = ["-O1", "-fsanitize=thread", "-U__SANITIZE_THREAD__", "-DMAGRING_NO_TSAN", "-Wno-tsan"]
LINKED = {"thread": THREAD, "plain": PLAIN, "sched": []}
COMMON = ["-std=c11", "-D_GNU_SOURCE", "-fexceptions", "-pthread", "-w"]
SEEDS = [1, 2, 3, 4]
ALL = "sched/"  # every program of the scheduler
SKIPPED = 77


@dataclasses.dataclass
class Mutant:
    name: str
    file: str
    old: str  # or a list of texts, of which each is replaced
    new: str
    program: str  # below test/, or "sched/" and a program of the scheduler
    # Of a stress program.
    config: str = "thread"
    by: str = "any"
    seconds: float = 2
    # Of the scheduler: "" is each in turn.
    memory: str = ""
    strategy: str = ""
    runs: int = 1000
    reason: str = ""  # of an equivalent

    def __post_init__(self):
        if self.program.startswith("sched/"):
            self.config = "sched"

    def use(self):
        """What has to pass on the unchanged sources."""
        return self.config, self.program, self.memory, self.strategy


def weak(line, order="acq_rel", to="relaxed"):
    """The access with another order."""
    return line.replace("memory_order_" + order, "memory_order_" + to)


def to_others(text, side):
    """The call wakes the other side and passes nothing on to its own."""
    other = {"SENDER": "RECEIVER", "RECEIVER": "SENDER"}[side]
    return text.replace(f"notify_waiters(queue, {side});",
                        f"fence_light();\n\t\tif (eventcount_has_waiters(&queue->eventcount[{other}]))\n"
                        f"\t\t\twake_waiter(queue, {other});")


def to_own(text, side):
    """The call passes a wake-up on to its own side and wakes nobody of the other."""
    return text.replace(f"notify_waiters(queue, {side});", f"pass_wake_up_on(queue, {side});")


STATE = "\treturn atomic_load_explicit(&cell->state, memory_order_acquire);"
PUBLISH = "atomic_store_explicit(&cell->state, full, memory_order_release);"
RECYCLE = "atomic_store_explicit(&cell->state, free, memory_order_release);"
LEAVE = "atomic_store_explicit(&cache->busy, 0, memory_order_release);"
RETURNED = "reads.\n\t\t */\n\t\tatomic_store_explicit(&cache->revoked, 0, memory_order_release);"
REVOKED = "atomic_load_explicit(&cache->revoked, memory_order_acquire)"
BUSY = "if (atomic_load_explicit(&cache->busy, memory_order_acquire) == 0)"
OWNER = "~((uint64_t)1 << index % 64),\n\t\tmemory_order_release);"
SHARE_LESS = "atomic_fetch_sub_explicit(word, 1, memory_order_release);"
CAS_WAKE = ("\t} while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, next,\n"
            "\t\tmemory_order_acq_rel, memory_order_acquire));")
NOTIFY = "atomic_fetch_add_explicit(&eventcount->word, 0, memory_order_acq_rel)"
NOTIFY_ALL = "next_epoch(word) & ~EVENTCOUNT_ARMED, memory_order_acq_rel, memory_order_relaxed)"
PREPARE = "entered(word) | fenced, memory_order_acq_rel, memory_order_relaxed)"
LEFT = "left(word),\n\t\tmemory_order_acq_rel, memory_order_relaxed)"
ARM = "atomic_fetch_or_explicit(&eventcount->word, armed, memory_order_acq_rel);"
SEEN = ("\t\tfence_heavy();\n"
        "\t\t/* [wake] release: a sleeper that sees it is after the fence. */\n"
        "\t\tif (fenced)\n"
        "\t\t\tatomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_SEEN,\n"
        "\t\t\t\tmemory_order_release);\n")
POLLED = ("\tatomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_POLLED, memory_order_relaxed);\n")
SEEN_ARMED = ("\tfence_heavy();\n"
              "\tuint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);\n"
              "\t/* [wake] release: an arming that sees it is after the fence. */\n"
              "\twhile (fence_asymmetric && (uint32_t)word == (uint32_t)before &&\n"
              "\t\t!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,\n"
              "\t\t\tword | EVENTCOUNT_SEEN, memory_order_release, memory_order_relaxed))\n"
              "\t\t;\n")
CHANGE = "\t\tmemory_order_acq_rel, memory_order_acquire);\n"
END = "CLOSED | (position & POSITION), memory_order_acq_rel, memory_order_acquire))"
CLAIM = "\t\tmemory_order_release, memory_order_relaxed);\n\treturn __builtin_expect(claimed, 1);"
MOVED = "uint64_t now = atomic_load_explicit(end, memory_order_acquire);"
RECV_BATCH = "\t\tnotify_waiters(queue, RECEIVER);\n\t\tif ((size_t)result < count"
RECV_MORE = "\t\tnotify_waiters(queue, RECEIVER);\n\t\treceived +="
SEND_BATCH = "\t\tnotify_waiters(queue, SENDER);\n\t}"

MUTANTS = [
    # The ring's edges.
    Mutant("[publish] release is relaxed", "queue/claim.h", PUBLISH, weak(PUBLISH, "release"),
           "sched/recovery_from_sender"),
    Mutant("[recycle] release is relaxed", "queue/claim.h", RECYCLE, weak(RECYCLE, "release"),
           "sched/recovery_from_sender"),
    Mutant("[publish] acquire is relaxed", "queue/ring_layout.h", STATE,
           "\tif (atomic_load_explicit(&cell->state, memory_order_relaxed) & 1)\n\t" +
           weak(STATE, "acquire") + "\n" + STATE, "sched/recovery_from_sender"),
    Mutant("[recycle] acquire is relaxed", "queue/ring_layout.h", STATE,
           "\tif (!(atomic_load_explicit(&cell->state, memory_order_relaxed) & 1))\n\t" +
           weak(STATE, "acquire") + "\n" + STATE, "sched/recovery_from_sender"),
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
           "sched/recovery_from_sender"),
    Mutant("senders overlook the closed bit", "queue/ring_batch.c",
           "\t\tif (position & CLOSED)\n\t\t\treturn -EPIPE;", "", "sched/stopped"),
    Mutant("closing does not set the closed bit", "queue/ring_state.c",
           "atomic_fetch_or_explicit(&ring->tail, CLOSED, memory_order_relaxed);",
           "(void)ring;", "sched/recovery_from_sender"),
    Mutant("a closed ring is done when its next cell is not full", "queue/ring_batch.c",
           "if ((tail & POSITION) == *position)",
           "if (tail & CLOSED || tail == *position)", "sched/recovery_from_receiver"),
    Mutant("a position grows past 2^62", "queue/ring_layout.h",
           "return (position + count) & POSITION;", "return position + count;",
           "sched/recovery_from_sender"),
    Mutant("a position has 32 bits", "queue/ring_layout.h",
           "return (position + count) & POSITION;", "return (uint32_t)(position + count);",
           "sched/recovery_from_sender"),
    Mutant("a recycled cell is in its old lap", "queue/ring_layout.h",
           "return ((state | 1) + 1) & (UINT64_MAX >> (ring->lap_shift + 1));", "return state & ~(uint64_t)1;",
           "sched/recovery_from_sender"),
    Mutant("a batch reads one state less than it claims cells", "queue/ring_batch.c",
           "count_claimable(ring, position, count, RECEIVER);\n",
           "count_claimable(ring, position, count, RECEIVER);\n"
           "\t\tready.count += ready.count > 0 && count > 1;\n",
           "sched/recovery_from_sender"),
    Mutant("no thread sees a challenge", "queue/recovery.h",
           "return __builtin_expect(challenges(ring) != known, 0);", "return (void)ring, known == 1;",
           "sched/recovery_from_sender"),
    Mutant("no thread is challenged", "queue/recovery.c",
           "if (challenge(ring, at, wanted(ring, at, side), &word))", "word = 0;\n\t\tif (false)",
           "sched/stopped", runs=4000),
    Mutant("who waits never looks past a stopped thread", "queue/blocking.c",
           "queue_push(queue, messages, count, effort);\n\tint result = queue_pop(queue, messages, count, effort);",
           "queue_push(queue, messages, count, TRY);\n\tint result = queue_pop(queue, messages, count, TRY);",
           "sched/messages_or_deadline"),
    Mutant("full or empty is said before earlier stores are visible", "queue/ring_batch.c",
           "\tfence_full();\n", "", "sched/full_or_empty", memory="tso", runs=1000),
    Mutant("challenges are not announced", "queue/recovery.c",
           "\tatomic_fetch_add_explicit(&ring->challenges, pending->count, memory_order_release);\n", "",
           "sched/recovery_from_sender"),
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
           "sched/recovery_from_receiver"),
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
           "sched/recovery_exclusive"),
    Mutant("a claim that came too late counts", "queue/close.c",
           "return end == (CLOSED | claimed);", "return true;", "sched/recovery_exclusive"),
    Mutant("closing an exclusive sender's ring closes nothing", "queue/ring_state.c",
           "\t\tclose_begin(ring);\n", "", "sched/stopped_tries"),
    Mutant("two senders claim without looking", "queue/queue.c",
           "(flags & MAGRING_SINGLE_SENDER ? RING_EXCLUSIVE_SENDER : 0)", "RING_EXCLUSIVE_SENDER",
           "sched/messages_one_each"),
    Mutant("two receivers claim without looking", "queue/queue.c",
           "(flags & MAGRING_SINGLE_RECEIVER ? RING_EXCLUSIVE_RECEIVER : 0)", "RING_EXCLUSIVE_RECEIVER",
           "sched/fenced_told"),

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
    Mutant("messages that are left are not dropped", "queue/queue.c",
           "if (queue->drop != NULL)", "if (0)", "queue/stress_references", config="plain"),

    # Waiting.
    Mutant("nobody looks for sleepers of the other side", "queue/send_recv.c",
           "if (eventcount_has_waiters(&queue->eventcount[other]))",
           "if (0)", "sched/messages_passed_on"),
    Mutant("no wake-up is passed on", "queue/blocking.c",
           "if (eventcount_has_waiters(&queue->eventcount[side]) && queue_may[side](&queue->ring))",
           "if (0)", "sched/messages_passed_on"),
    Mutant("who got something passes no wake-up on", "queue/send_recv.c",
           "if (eventcount_has_waiters(&queue->eventcount[side]))", "if (0)",
           "sched/messages_passed_on"),
    Mutant("a receiver that waits in vain wakes no sender", "queue/blocking.c",
           "\tif (result == -EAGAIN && skipped)\n\t\tpass_wake_up_on(queue, SENDER);\n", "",
           "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("a receiver that comes in vain wakes no sender", "queue/blocking.c",
           "\tif (side == RECEIVER && ring_take_skipped())\n\t\tpass_wake_up_on(queue, SENDER);\n", "",
           "queue/wakeup_chain_test", config="plain", by="hang"),
    Mutant("a cancelled sleeper passes no wake-up on", "queue/blocking.c",
           "\tpass_wake_up_on(wait->queue, wait->side);", "",
           "sched/messages_or_cancel"),
    Mutant("a cancelled sleeper does not leave", "base/eventcount_await.c",
           "\teventcount_cancel_wait(sleep->eventcount);\n", "",
           "sched/messages_or_cancel", memory="weak", runs=200),
    Mutant("closing wakes no receivers", "queue/queue.c",
           "\teventcount_notify_all(&queue->eventcount[RECEIVER]);\n", "", "sched/messages_or_deadline"),
    Mutant("closing wakes no senders", "queue/queue.c",
           "\teventcount_notify_all(&queue->eventcount[SENDER]);\n", "", "sched/room_one_each"),
    Mutant("closing does not signal the descriptor", "base/eventcount.c",
           "\tif (word & EVENTCOUNT_ARMED)\n\t\teventcount_signal_fd(eventcount);\n\tif (word >=",
           "\tif (0)\n\t\teventcount_signal_fd(eventcount);\n\tif (word >=",
           "sched/eventcount"),
    Mutant("closing does not move the epoch on", "base/eventcount.c",
           "next_epoch(word) & ~EVENTCOUNT_ARMED", "word & ~EVENTCOUNT_ARMED",
           "sched/messages_or_deadline"),
    Mutant("who leaves does not take from WAKING", "base/eventcount.c",
           "word - EVENTCOUNT_SLEEPER - (waking(word) > 0 ? EVENTCOUNT_WAKING : 0)", "word - EVENTCOUNT_SLEEPER",
           "sched/waits"),
    Mutant("a wake-up does not move the epoch on", "base/eventcount.c",
           "next = next_epoch(next) + EVENTCOUNT_WAKING;", "next += EVENTCOUNT_WAKING;",
           "sched/messages_passed_on"),
    Mutant("a wake-up does not wake", "base/eventcount.c",
           "\tfutex_wake(eventcount, 1);", "", "sched/messages_passed_on"),
    Mutant("an armed descriptor is not signalled", "base/eventcount.c",
           "\tif (word & EVENTCOUNT_ARMED)\n\t\teventcount_signal_fd(eventcount);\n\tif (waking(next)",
           "\tif (waking(next)", "sched/eventcount"),
    Mutant("arming does not check the condition again", "base/eventcount_fd.c",
           "\tif (ready(context))\n\t\teventcount_notify(eventcount);", "\t(void)ready, (void)context;",
           "sched/eventcount"),

    # Waiting for memory.
    Mutant("a free looks for no sleepers", "pool/pool.h",
           "if (eventcount_may_have_waiters(eventcount_peek(&pool->memory[class_index])))", "if (0)",
           "sched/memory_burst"),
    Mutant("who got a slab passes no wake-up on", "pool/alloc_wait.c",
           "\tpool_notify_waiters(pool, wait.class_index);\n\treturn rc;",
           "\treturn rc;", "sched/pool_pass_on", runs=100),
    Mutant("a sleeper does not try to get a slab before it sleeps", "base/eventcount_await.c",
           "\tbool done = waiter->try(context);\n\tif (!done) {\n\t\tint64_t again_ns = waiter->before_sleep(context);",
           "\tbool done = false;\n\tif (!done) {\n\t\tint64_t again_ns = INT64_MAX;",
           "sched/messages_one_each"),
    Mutant("a cancelled sleeper does not leave a memory eventcount", "base/eventcount_await.c",
           "\teventcount_cancel_wait(sleep->eventcount);\n",
           "", "sched/pool_left", runs=100),
    Mutant("a sleeper overlooks what other classes have", "pool/alloc_wait.c",
           "\treturn slabs * class->slab_size + free < depot->slabs.limit - left;\n",
           "\treturn slabs > SIZE_MAX;\n", "sched/pool_uncounted", runs=100),
    Mutant("what is left of the budget does not join in", "pool/pressure.c",
           "if (rest_for(trim->pool, class_index) > 0 && trim_take_rest(trim))", "if (0)",
           "sched/memory_rest", runs=100),
    Mutant("a class that looks full is not counted again", "pool/pressure.c",
           "\tpool_count_class(pool, class_index, &later);\n", "\tlater = *counts;\n",
           "sched/pool_survey", runs=100),
    Mutant("a hidden slab is not looked for again", "pool/alloc_wait.c",
           "\tif (!wait->hidden && !may_come(wait->pool, wait->class_index))",
           "\tif (most_ns > 0)", "sched/pool_busy", runs=100),

    # Turns of threads that wait for memory.
    Mutant("a cancelled sleeper stays in its group", "pool/alloc_wait.c",
           "\tturns_leave(turns_of(wait), wait->group);\n\tpool_notify_waiters(wait->pool",
           "\tpool_notify_waiters(wait->pool", "sched/fair_cancel", runs=100),
    Mutant("a thread that gives up stays in its group", "pool/alloc_wait.c",
           "\t\tturns_leave(turns_of(&wait), wait.group);\n", "", "sched/fair_timeout", runs=100),
    Mutant("a class never closes", "pool/turns.c", "memory_order_relaxed) >= TURN_NS &&",
           "memory_order_relaxed) < 0 &&", "sched/fair_hand_off", runs=100),
    Mutant("an offer does not lapse", "pool/turns.c",
           "(offered_ns == 0 || now_ns - offered_ns < TURN_LAPSE_NS)", "(offered_ns >= 0)",
           "sched/fair_stopped", runs=100),
    Mutant("a free keeps its slab in its cache", "pool/notify.c",
           "\t\tflush(pool, class_index);\n", "", "sched/fair_hand_off", runs=100),
    Mutant("a refused sleeper does not try again", "pool/alloc_wait.c",
           "\tif (ns > TURN_LAPSE_NS && ", "\tif (ns < 0 && ", "sched/fair_stopped", runs=100),
    Mutant("the second group does not become the first", "pool/turns.c",
           "\treturn word / SECOND * FIRST | !number_of(word);", "\treturn word - FIRST;",
           "sched/fair_next", runs=100),
    Mutant("sleepers of the group are not woken", "base/eventcount_kinds.c",
           "\tsyscall(SYS_futex, eventcount_futex(eventcount), FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL,\n\t\tkinds);\n",
           "\t(void)eventcount, (void)kinds;\n", "sched/fair_woken", runs=100),
    Mutant("a wake-up is not passed on to the group", "pool/alloc_wait.c",
           "\t\tif (wait->refused && turns_offered(turns_of(wait)))\n\t\t\teventcount_pass_on_kinds(", "\t\tif (0)\n\t\t\teventcount_pass_on_kinds(",
           "sched/fair_passed_on", runs=100),

    # Magazines and caches.
    Mutant("[depot] release is missing", "base/tagged_stack.h",
           "\tedge_release(entry);\n", "", "queue/stress_queue", by="race"),
    Mutant("[depot] acquire is missing", "base/tagged_stack.h",
           "\tedge_acquire(top.head);\n", "", "queue/stress_queue", by="race"),
    Mutant("a slab of the overflow is dropped", "pool/carve.c",
           "\ttagged_stack_push(&depot->class[class_index].overflow.stack, depot_slab(depot, round));", "",
           "sched/memory_cancel"),
    Mutant("a magazine that was filled up is dropped", "pool/depot.c",
           "\t\tdepot_put(depot, class_index, other);\n", "", "sched/memory_pairs"),
    Mutant("[left] release is relaxed", "pool/thread_cache.h", LEAVE, weak(LEAVE, "release"),
           "sched/memory_few"),
    Mutant("[left] acquire is relaxed", "pool/reclaim.c", BUSY, weak(BUSY, "acquire"),
           "sched/memory_few"),
    Mutant("[returned] release is relaxed", "pool/reclaim.c", RETURNED, weak(RETURNED, "release"),
           "sched/memory_few"),
    Mutant("[returned] acquire is relaxed", "pool/thread_cache.h", "(" + REVOKED, "(" + weak(REVOKED, "acquire"),
           "sched/fenced_memory_pairs"),
    Mutant("[returned] acquire is relaxed in the fast call", "pool/thread_cache.h", "reclaimer = " + REVOKED,
           "reclaimer = " + weak(REVOKED, "acquire"), "sched/memory_few"),
    Mutant("an owner overlooks that its cache is revoked", "pool/thread_cache.h",
           "if (__builtin_expect(reclaimer == 0, 1))", "(void)reclaimer;\n\tif (1)", "sched/memory_few"),
    Mutant("a reclaimer overlooks that the owner is at work", "pool/reclaim.c", BUSY, "if (1)", "sched/memory_few"),
    Mutant("nothing is reclaimed", "pool/reclaim.c",
           "slabs += magazine_flush(&cache->class[i], depot, i);", ";",
           "sched/memory_few"),
    Mutant("[owner] release is relaxed", "pool/thread_registry.c", OWNER, weak(OWNER, "release"),
           "sched/memory_few"),
    Mutant("[owner] acquire is relaxed", "pool/thread_registry.c",
           "fetch_or_explicit(word, bit, memory_order_acquire)",
           "fetch_or_explicit(word, bit, memory_order_relaxed)",
           "sched/memory_few"),
    Mutant("a thread that ends keeps its cache", "pool/thread_registry.c",
           "\tthread_unclaim(registry, cache->index);\n", "",
           "pool/stress_threads", config="plain"),
    Mutant("a class that moves is counted twice", "pool/accounts.c",
           "if (sum.step % STEP_CLASSES == class_index + 1)", "if (0)", "sched/memory_ends"),
    Mutant("a sum does not notice that counters moved", "pool/accounts.c",
           "return atomic_load_explicit(&accounts->step, memory_order_relaxed) != sum->step;",
           "return sum == NULL;", "sched/memory_ends"),
    Mutant("[step] has no fence", "pool/accounts.c", "\tfence_full();\n", "", "sched/memory_ends", memory="weak"),
    Mutant("two threads move counters at once", "pool/accounts.c",
           "return false;\n\tfor", "none = 0;\n\tfor", "sched/memory_ends"),
    Mutant("a child leaves a class half moved", "pool/accounts.c",
           "\t\tstore_class(accounts, (unsigned int)moving - 1);\n", "", "sched/memory_ends_fork"),
    Mutant("a reclaimer works in a cache that a trim gave back", "pool/reclaim.c",
           "if (!thread_is_present(registry, index))", "if (0)", "sched/memory_given_back", memory="weak"),
    Mutant("a trim gives back a cache that another thread empties", "pool/past_caches.c",
           "memory_order_acquire, memory_order_relaxed))\n\t\treturn 0;",
           "memory_order_acquire, memory_order_relaxed))\n\t\t;", "sched/memory_given_back"),
    Mutant("a pool goes without a grace period", "pool/table.c",
           "\tthread_wait_for_readers();\n", "", "pool/stress_threads", seconds=4),

    # Cooling.
    Mutant("[cooling] release is relaxed", "pool/cooling.c",
           "place, &old, mine, memory_order_release", "place, &old, mine, memory_order_relaxed",
           "sched/memory_cooling"),
    Mutant("[cooling] acquire of one that takes another's place is relaxed", "pool/cooling.c",
           "place, mine, memory_order_acq_rel",
           "place, mine, memory_order_release", "sched/pool_cool_over", runs=100),
    Mutant("[cooling] acquire is relaxed", "pool/cooling.c",
           "(place, &old, 0,\n\t\t\t\tmemory_order_acquire", "(place, &old, 0,\n\t\t\t\tmemory_order_relaxed",
           "sched/memory_cooling"),
    Mutant("a magazine that has cooled is dropped", "pool/cooling.c",
           "\t\t\tdepot_put(depot, class_at(old), magazine_at(depot, old));", "\t\t\t;",
           "sched/memory_cooling"),
    Mutant("a magazine that has cooled is taken twice", "pool/cooling.c",
           "atomic_compare_exchange_strong_explicit(place, &old, 0,", "atomic_compare_exchange_strong_explicit(place, &old, old,",
           "sched/memory_cooling"),
    Mutant("a magazine that has cooled is another class's", "pool/cooling.c",
           "class_at(old) == class_index &&",
           "(class_at(old) == class_index || class_index > 0) &&", "sched/pool_cool_class", runs=100),
    Mutant("a thread without memory overlooks what cools", "pool/carve.c",
           "\tdepot_put(depot, class_index, magazine);\n\treturn cooling_take(depot, class_index);",
           "\tdepot_put(depot, class_index, magazine);\n\treturn NULL;",
           "sched/memory_cooling"),
    Mutant("a thread without a magazine overlooks what cools", "pool/carve.c",
           "\tif (magazine == NULL)\n\t\treturn cooling_take(depot, class_index);",
           "\tif (magazine == NULL)\n\t\treturn NULL;", "sched/pool_cool_bare", runs=100),
    Mutant("a trim overlooks what cools", "pool/trim_class.c",
           "(magazine = cooling_take(trim->depot, class_index)) != NULL",
           "false", "sched/pool_cool_class", runs=100),

    # Trimming.
    Mutant("a chunk is whole with a slab missing", "pool/trim_class.c",
           "span->free == span->chunk->bytes", "span->free + 8192 >= span->chunk->bytes",
           "sched/memory_trim"),
    Mutant("the notes of a trim are not sorted", "pool/trim_class.c",
           "\tsort(trim->spans, trim->count);\n\twhile", "\twhile", "sched/memory_trim"),
    Mutant("a trim keeps what is not trimmed", "pool/trim_class.c",
           "\tdepot_put_part(trim->depot, class_index, magazine);", "\t(void)left;",
           "sched/memory_trim"),
    Mutant("trimmed slabs are still counted", "pool/trim_class.c", "\t\ttrimmed += chunk->bytes / class->slab_size;\n", "", "sched/memory_rest", runs=2000),
    Mutant("merged ranges are as long as the first", "pool/trim_class.c",
           "\t\t\tlast->bytes += chunk->bytes;\n", "", "sched/memory_hidden"),
    Mutant("what is cut off a range is dropped", "pool/chunk.c",
           "\t\tif (range->bytes > 0)\n\t\t\tchunk_put_range(chunks, range);", "\t\tif (0)\n\t\t\t;",
           "sched/memory_hidden"),
    Mutant("a thread without memory is not told that some moves", "pool/chunk.c",
           "return atomic_load_explicit(&chunks->begun, memory_order_relaxed) != moves;",
           "return (void)chunks, (void)moves, false;", "sched/pool_trim_beside", runs=100),
    Mutant("a page of magazines goes with one of them in use", "pool/trim_magazines.c",
           "empty[end] == MAGAZINES_PER_PAGE; end++)",
           "empty[end] + 1 >= (int)MAGAZINES_PER_PAGE; end++)", "sched/memory_magazines"),
    Mutant("two trims at a time", "pool/trim.c",
           "if (atomic_exchange_explicit(&pool->trimming, true, memory_order_acquire))",
           "if (atomic_exchange_explicit(&pool->trimming, true, memory_order_relaxed) && 0)",
           "sched/memory_two_trims"),

    Mutant("a freed slab is counted twice", "pool/alloc.h",
           "\tcount_add(&pair->counts.freed, 1);", "\tcount_add(&pair->counts.freed, 2);",
           "sched/memory_few"),

    Mutant("a hot slab is taken twice", "pool/alloc.h",
           "\tpair->hot = HOT_NONE;\n", "", "sched/memory_few"),
    Mutant("a flush leaves the hot slab behind", "pool/magazine.c",
           "if (magazine_take_hot(pair, depot, &round)) {", "if (0 && magazine_take_hot(pair, depot, &round)) {",
           "sched/memory_few"),

    # Shared payloads.
    Mutant("a reader's free does not release", "pool/share.c",
           SHARE_LESS, weak(SHARE_LESS, "release"), "sched/share_beside", memory="weak"),
    Mutant("the last free does not acquire", "pool/share.c",
           "(void)atomic_load_explicit(word, memory_order_acquire);", "", "sched/checked_shares", memory="weak", runs=100),
    Mutant("a free of a shared payload is no read-modify-write", "pool/share.c",
           SHARE_LESS, "atomic_load_explicit(word, memory_order_acquire);\n"
           "\tatomic_store_explicit(word, was - 1, memory_order_release);", "sched/share_frees"),
    Mutant("a share is no read-modify-write", "pool/share.c",
           "while (!atomic_compare_exchange_weak_explicit(word, &was, was + 1, memory_order_relaxed,\n"
           "\t\tmemory_order_relaxed));", "while (0);\n"
           "\tatomic_store_explicit(word, was + 1, memory_order_relaxed);", "sched/share_beside"),
    Mutant("the last free of a shared payload gives nothing back", "pool/share.c",
           "if ((was & COUNT_MAX) > 1)", "if ((was & COUNT_MAX) > 0)", "sched/share_awaited", runs=100),
    Mutant("a shared payload is given back too early", "pool/share.c",
           "if ((was & COUNT_MAX) > 1)", "if ((was & COUNT_MAX) > 2)", "sched/share_awaited", runs=100),
    Mutant("the first share counts one message", "pool/share.c",
           "<< SHARE_KIND_SHIFT | 2", "<< SHARE_KIND_SHIFT | 1", "sched/share_beside", runs=100),
    Mutant("the message that is shared does not know", "pool/share.c",
           "\t\tmessage->private_header = message_with_kind(message,\n"
           "\t\t\tchecked ? MESSAGE_SHARED_CHECKED : MESSAGE_SHARED);\n", "",
           "sched/share_beside", runs=100),
    Mutant("counts are touched before they are accessible", "pool/region.c",
           "\tif (!region_open(region, end))\n\t\treturn false;\n\t/* Relaxed: a number", "\t/* Relaxed: a number",
           "sched/share_first_shares", runs=100),
    Mutant("counts of two slabs are one", "pool/share.c",
           "depot_round(&pool->depot, slab);\n}", "depot_round(&pool->depot, slab) / 2;\n}",
           "sched/share_first_shares", runs=100),
    # Messages by the batch.
    Mutant("a run works in a cache that another thread empties", "pool/message_batch.c",
           "cache != NULL && cache_enter(cache) ? cache : NULL", "cache", "sched/memory_batches"),
    Mutant("a batch of frees wakes nobody", "pool/message_batch.c",
           "\tnotify(pool, class_index, run);\n", "\t(void)notify;\n", "sched/pool_batch_wakes",
           runs=100),
    Mutant("a batch holds slabs and waits for more", "pool/message_batch.c",
           "made == 0 ? timeout_ns : 0", "timeout_ns", "sched/memory_batches_wait"),
    Mutant("a batch of frees wakes one thread", "pool/message_batch.c",
           "\tif (freed > 1)\n\t\tpool_notify_fenced(pool, class_index);\n", "\t(void)freed;\n",
           "sched/pool_batch_second", runs=100),
    Mutant("a batch that is cut short forgets what it made", "pool/message_batch.c",
           "return made > 0 ? (int)made : rc;", "return rc;", "sched/pool_batch_cut", runs=100),
    # Checked pools.
    Mutant("two threads free one message of a checked pool", "pool/checked.c",
           "if (!atomic_compare_exchange_strong_explicit(&subject->record->word, &subject->word, word,\n"
           "\t\t    memory_order_relaxed, memory_order_relaxed))\n\t\tstale(call, subject);",
           "(void)call;\n\tatomic_store_explicit(&subject->record->word, word, memory_order_relaxed);",
           "sched/checked_stale_free", runs=300),
    Mutant("a stale free compares what the other one fills", "pool/checked.c",
           ["\tcheck_margin(\"free\", &subject);\n", "\tchange(\"free\", &subject, (uint16_t)"],
           ["", "\tcheck_margin(\"free\", &subject);\n\tchange(\"free\", &subject, (uint16_t)"],
           "sched/checked_stale_free", runs=300),
    Mutant("a stale send compares what a free fills", "pool/checked.c",
           ["\tcheck_margin(\"send\", &subject);\n", "\tchange(\"send\", &subject, checked_generation(subject.word), CHECKED_QUEUED);\n"],
           ["", "\tcheck_margin(\"send\", &subject);\n\tchange(\"send\", &subject, checked_generation(subject.word), CHECKED_QUEUED);\n"],
           "sched/checked_stale_send", runs=300),
    Mutant("a free of a checked pool wakes nobody", "pool/checked.c",
           "\tlimbo_put(pool, round, slab_size(class_index));\n\tpool_notify_waiters(pool, class_index);\n",
           "\tlimbo_put(pool, round, slab_size(class_index));\n", "sched/checked_awaited", runs=300),
    Mutant("an allocation does not look at what it found in the limbo", "pool/limbo.c",
           "bool any = checked->bytes > 0;", "bool any = false;", "sched/checked_refused", runs=100),
    Mutant("a slab joins the limbo without the lock", "pool/limbo.c",
           "\tpthread_mutex_lock(&checked->lock);\n\tif (checked->bytes == 0)", "\tif (checked->bytes == 0)",
           "sched/memory_checked", runs=300),
    Mutant("a slab is filled after it has joined the limbo", "pool/checked.c",
           ["\tfilling_fill(slab, CHECKED_FREE_BYTE, slab_size(class_index));\n", "\tlimbo_put(pool, round, slab_size(class_index));\n"],
           ["", "\tlimbo_put(pool, round, slab_size(class_index));\n\tfilling_fill(slab, CHECKED_FREE_BYTE, slab_size(class_index));\n"],
           "sched/memory_checked", runs=300),
    Mutant("a checked pool does not know what a trim gave up", "pool/checked_slab.c",
           "if (checked_state(word) != CHECKED_NEVER)", "if (0)", "sched/checked_trimmed", runs=100),
    # Memory that another thread maps.
    Mutant("to map memory is no move", "pool/chunk.c",
           "if (!region_grows(chunks->slabs))", "if (true)", "sched/growth_beside", runs=100),
    Mutant("a thread waits until another has counted what it mapped", "pool/region.c",
           "errno != EEXIST || ++tries > RECLAIM_TRIES)", "errno != EEXIST)", "sched/growth_stopped", runs=100),
    # What a free compares.
    Mutant("a carved slab has no kind", "pool/carve.c",
           "\t\tdepot->kinds.base[round] = (unsigned char)(class->header >> 56);\n", "", "sched/memory_few"),

    # What is refused.
    Mutant("a pool that could not be made keeps address space", "pool/depot.c",
           "whole);\n\tif (rc != 0) {\n\t\tregion_fini(&depot->slabs);", "whole);\n\tif (rc != 0) {",
           "failing_calls", config="plain", by="violation"),
    Mutant("a text that was cut short is written", "observe/text.c",
           "\tif (bytes == NULL) {\n\t\ttext->failed = true;\n", "\tif (bytes == NULL) {\n",
           "failing_calls", config="plain", by="violation"),
    Mutant("a barrier that the kernel has no memory for is not tried again", "base/fence.c",
           "while (result != 0 && errno == ENOMEM && (!limited || ++tries < MEMBARRIER_TRIES));", "while (0 && limited && tries);",
           "failing_calls", config="plain", by="violation"),
    Mutant("a mapping that is not taken back is lost", "base/mapping.c",
           "\tput_kept(memory, bytes);\n}", "}", "queue/queue_memory", config="plain", by="violation"),
    Mutant("a mapping that was kept begins with its link", "base/mapping.c",
           "\t\t*first = (struct kept){ .bytes = 0 };", "\t\tfirst->bytes = 0;",
           "queue/queue_memory", config="plain"),
    Mutant("locked pages of a mapping keep what they have", "base/mapping.c",
           "\t\tmemset(memory, 0, bytes);", "\t\t;", "queue/queue_memory", config="plain"),
    Mutant("mappings that were kept are never unmapped", "base/mapping.c",
           "\t\tmemory = take_kept(bytes);\n", "\t\tmemory = NULL;\n",
           "queue/queue_memory", config="plain", by="violation"),
    Mutant("a child takes mappings that its parent has kept", "pool/fork.c",
           "\tmapping_forget_kept();\n", "", "queue/queue_memory", config="plain", by="violation"),
    Mutant("a small ring is as malloc left it", "queue/ring_state.c",
           "(position != 0 || !is_mapped(cells))", "position != 0",
           "queue/queue_memory", config="plain"),
    Mutant("a queue that is gone is counted in its pool", "queue/queue.c",
           "atomic_fetch_sub_explicit(&pool->queue_bytes, bytes, memory_order_relaxed);", ";",
           "queue/queue_memory", config="plain", by="violation"),
    Mutant("a thread without a cache counts as if it were alone", "pool/alloc.c", "\tif (shared)\n", "\tif (0)\n", "sched/memory_overflow", runs=100),

    # A child of a fork.
    Mutant("a child waits for the lock of a list of queues", "pool/fork.c",
           "\tpthread_mutex_init(&list->lock, NULL); /* cannot fail on Linux */\n", "",
           "sched/pool_child", runs=1500),
    Mutant("a child waits for the lock of the queues without a pool", "pool/fork.c",
           "\trenew(&queues_without_pool);\n", "", "sched/pool_child", runs=1500),
    Mutant("a child waits for the lock of a pool's queues", "pool/fork.c",
           "\t\trenew(&pool->queues);\n", "", "sched/pool_child", runs=1500),
    Mutant("a child waits for the lock of samples", "pool/sample.c",
           "\tpthread_mutex_init(&profile->lock, NULL); /* cannot fail on Linux */\n\tprofile->inherited",
           "\tprofile->inherited", "sched/pool_child", runs=1500),
    Mutant("a child changes a list of queues that is half changed", "pool/fork.c",
           "\tCDS_INIT_LIST_HEAD(&list->queues);\n\tlist->generation++;\n", "",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child's list has queues of its parent", "pool/fork.c",
           "\tCDS_INIT_LIST_HEAD(&list->queues);\n", "", "sched/pool_child", runs=1500),
    Mutant("a queue leaves a list in which it is not", "queue/queue.c",
           "\tif (queue->generation != list->generation)\n\t\treturn;\n", "",
           "pool/forked", config="plain", by="violation"),
    Mutant("a queue of a child does not leave its list", "queue/queue.c",
           "\tqueue->generation = list->generation;\n", "", "sched/pool_child", runs=1500),
    Mutant("a child samples into lists that are half changed", "pool/sample.c",
           "if (profile->inherited ||", "if (",
           "sched/pool_child", runs=1500),
    Mutant("a child changes a list of samples that is half changed", "pool/sample.c",
           "\tif (!profile->inherited)\n\t\tcds_list_del", "\tcds_list_del",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child waits for sections of its parent", "pool/fork.c",
           "\tthread_forget_sections();\n", "", "sched/pool_child", runs=1500),
    Mutant("a child waits for a reader of its parent", "pool/table.c",
           "\tfor (int i = 0; i < 2; i++)\n\t\tatomic_store_explicit(&thread_sections[i], 0, memory_order_relaxed);\n",
           "", "sched/pool_child", runs=1500),
    Mutant("a child waits for a grace period of its parent", "pool/table.c",
           "\tpthread_mutex_init(&thread_waiting, NULL); /* cannot fail on Linux */\n", "",
           "sched/pool_child", runs=1500),
    Mutant("a fork finds a pool whose number does not count yet", "pool/table.c",
           "used <= number &&", "used < number &&", "sched/pool_child", runs=1500),
    Mutant("a child keeps the key for a thread of its parent", "pool/fork.c",
           "\tthread_forget_watching();\n", "", "pool/forked", config="plain", by="violation"),
    Mutant("a child reports what is out of its parent's", "observe/at_exit.c",
           " && pool->profile->report && !pool->profile->inherited)", " && pool->profile->report)",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child writes its parent's profiles at exit", "observe/at_exit.c",
           "pool->profile != NULL && !pool->profile->inherited)\n\t\t\treport_done",
           "pool->profile != NULL)\n\t\t\treport_done",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child whose parent had pools writes no profile", "observe/at_exit.c",
           "\tunsigned int half = thread_section_begin();\n",
           "\tif (queues_without_pool.generation > 0)\n\t\treturn;\n\tunsigned int half = thread_section_begin();\n",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child writes what is left of its parent's file", "observe/at_exit.c",
           " && setvbuf(file, NULL, _IONBF, 0) == 0 &&", " &&",
           "pool/forked", config="plain", by="violation"),
    Mutant("exit() writes the file of a pool that is being destroyed", "observe/at_exit.c",
           "\tif (atomic_exchange_explicit(&pool->profile->reported, true, memory_order_relaxed))\n\t\treturn;\n", "",
           "pool/forked", config="plain", by="violation"),
    Mutant("a child waits for a thread that has forks noticed", "pool/fork.c",
           "\tonce = undone;\n", "", "pool/once", config="plain", by="violation"),
    Mutant("a child has forks noticed twice", "pool/fork.c",
           "\twatched = true;\n", "", "pool/once", config="plain", by="violation"),
    Mutant("a child waits for a thread that decides on fences", "base/fence.c",
           "\tdecided = undone;\n", "", "pool/once", config="plain", by="violation"),
    Mutant("a child decides on fences again", "base/fence.c",
           "\tif (atomic_load_explicit(&is_decided, memory_order_relaxed))\n\t\treturn;\n", "", "pool/once", config="plain", by="violation"),
    Mutant("a child waits for a thread that measures a pause", "base/pause.c",
           "\tonce = undone;\n", "", "pool/once", config="plain", by="violation"),
    Mutant("a create goes on though forks go unnoticed", "pool/fork.h",
           "\tif (!fork_init())\n\t\treturn -ENOMEM;\n", "\t(void)fork_init();\n",
           "pool/once", config="plain", by="violation"),
    Mutant("a fork that goes unnoticed at first goes unnoticed for ever", "pool/fork.c",
           "\tif (pthread_atfork(NULL, NULL, after_fork_child) != 0)\n\t\treturn false;\n", "\treturn false;\n",
           "pool/once", config="plain", by="violation"),
    Mutant("a child whose parent had pools takes no locks", "queue/queue.c",
           "\tpthread_mutex_lock(&list->lock);\n\tcds_list_del(&queue->link);\n\tpthread_mutex_unlock(&list->lock);\n",
           "\tif (queues_without_pool.generation == 0)\n\t\tpthread_mutex_lock(&list->lock);\n\tcds_list_del(&queue->link);\n"
           "\tif (queues_without_pool.generation == 0)\n\t\tpthread_mutex_unlock(&list->lock);\n",
           "sched/pool_child_after", runs=100),

    # Cancellation.
    Mutant("a thread can be cancelled anywhere after a wait", "base/eventcount.c",
           "\t\tpthread_setcanceltype(cancel_type, NULL);\n", "",
           "queue/stress_cancel", config="plain", seconds=4),
    Mutant("what a batch has sent stays with the sender as well", "queue/send_recv.c",
           "messages[sent++].private_header = 0;", "sent++;",
           "sched/fenced_told"),

    # Recovery, and the end of a closed ring.
    Mutant("[decision] has no heavy fence", "queue/recovery.c", "\tfence_heavy();\n", "", "sched/batches"),
    Mutant("[decision] has no light fence of an owner", "queue/recovery_return.c", "\tfence_light();\n", "", "sched/fenced_told", runs=66000),
    Mutant("[close] has no heavy fence", "queue/close.c", "\tfence_heavy();\n", "", "sched/exclusive"),
    Mutant("a single push does not read the challenges again", "queue/ring.c",
           "read_state(cell) != free, 0) || challenged_since(ring, known) ||", "read_state(cell) != free, 0) ||", "sched/recovery_from_receiver"),
    Mutant("a single push does not look if its cell was challenged", "queue/ring.c",
           "return challenged_since(ring, known) ? push_challenged(ring, position, message, effort) : 1;", "return 1;", "sched/singles"),
    Mutant("a single pop does not look if its cell was challenged", "queue/ring.c",
           "return challenged_since(ring, known) ? recovery_after_pop(ring, position, 1) : 1;", "return 1;", "sched/told", runs=2000),
    Mutant("a batch of sends does not look if its cells were challenged", "queue/ring_batch.c",
           "if (!challenged_since(ring, claimed.known) || recovery_stands(ring, position, full))", "if (true)", "sched/batches"),
    Mutant("a batch of receives does not look if its cells were challenged", "queue/ring_batch.c",
           "\tif (challenged_since(ring, claimed.known))\n\t\treturn recovery_after_pop(ring, position, n);\n", "", "sched/told", runs=4000),
    Mutant("a cell published at a close is not looked at afterwards", "queue/ring.c",
           "\treturn push_challenged(ring, position, message, effort);\n}\n\n/* ----", "\treturn 1;\n}\n\n/* ----", "sched/exclusive", memory="tso", runs=2649),
    Mutant("an owner takes another's skip for its own: no parity", "queue/recovery_return.c",
           " || later % 2 != 0", "", "sched/recovery", runs=4000),
    Mutant("an owner that returns a cell resolves nothing", "queue/recovery_return.c",
           "\tresolve(ring);\n", "", "sched/told", runs=2000),
    Mutant("a challenge that is decided stays unresolved", "queue/recovery.c",
           "\t\tresolve(ring);\n", "", "sched/told", runs=2000),
    Mutant("an owner does not decide its own challenge", "queue/recovery_return.c",
           "\t\tif (change_recovery(ring, position, &now, recovery_word(own, DONE)))\n\t\t\treturn true;\n",
           "\t\treturn true;\n", "sched/batches", memory="tso", runs=2457),
    Mutant("a challenge is posted over a skip", "queue/recovery.c",
           "if (progress_of(was) == DONE &&", "if (progress_of(was) != PENDING &&", "sched/senders_stopped"),
    Mutant("a decision does not look at the state", "queue/recovery.c",
           "bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;", "bool done = !may_skip;", "sched/batches"),
    Mutant("a decision takes the state that is owed and no later one", "queue/recovery.c",
           "bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) >= 0;",
           "bool done = state_ahead(ring, read_state(cell_at(ring, position)), owed) == 0;", "sched/told", memory="tso", runs=11256),
    Mutant("a cell that was returned too late is waited for", "queue/recovery.c",
           "return state_ahead(ring, read_state(cell_at(ring, position)), owed) > 0;", "return false;", "sched/singles", memory="weak", runs=3543),
    Mutant("a cell that is quarantined for laps is waited for", "queue/recovery.c",
           "\t\tif (behind <= 0)\n\t\t\treturn true;\n", "\t\treturn behind <= 0;\n", "sched/senders_stopped", memory="sc", runs=12000),
    Mutant("a claim among challenges takes a quarantined cell", "queue/recovery.c",
           "if (progress_of(now) == SKIPPED || read_state(cell_at(ring, at)) != ready)", "if (read_state(cell_at(ring, at)) != ready)", "sched/recovery_from_sender", runs=3000),
    Mutant("a claim among challenges takes a pending cell", "queue/recovery.c",
           "\t\tappend(ret_pending, at, now);\n\t}\n\treturn count;", "\t}\n\treturn count;", "sched/recovery_from_receiver", runs=30000),

    # The eventcount and its descriptor.
    Mutant("[wake] release of a look is relaxed", "base/eventcount.c", NOTIFY, weak(NOTIFY, to="acquire"), "sched/messages_one_each", runs=20000),
    Mutant("[wake] release of a wake-up for all is relaxed", "base/eventcount.c", NOTIFY_ALL, weak(NOTIFY_ALL, to="acquire"), "sched/messages_or_cancel"),
    Mutant("[wake] acquire of a wake-up for all is relaxed", "base/eventcount.c", NOTIFY_ALL, weak(NOTIFY_ALL, to="release"), "sched/eventcount_pollers"),
    Mutant("[wake] acquire of a leave is relaxed", "base/eventcount.c", LEFT, weak(LEFT, to="release"), "sched/messages_passed_on"),
    Mutant("[wake] release of an arming is relaxed", "base/eventcount_fd.c", ARM, weak(ARM, to="acquire"), "sched/eventcount_pollers"),
    Mutant("notify begins with a load", "base/eventcount.c", NOTIFY,
           "atomic_load_explicit(&eventcount->word, memory_order_acquire)", "sched/messages_one_each", runs=20000),
    Mutant("a waker that finds FENCED passes no fence", "base/eventcount.c",
           "\tfence_full();\n\tword = atomic_load", "\tword = atomic_load", "sched/eventcount_sleepers", memory="weak", runs=5208),
    Mutant("a waker that finds FENCED does not look again", "base/eventcount.c",
           "\tfence_full();\n\tword = atomic_load_explicit(&eventcount->word, memory_order_relaxed);\n", "\tfence_full();\n", "sched/eventcount_sleepers"),
    Mutant("SEEN is set before the fence", "base/eventcount.c", SEEN,
           SEEN.replace("\t\tfence_heavy();\n", "") + "\t\tfence_heavy();\n", "sched/eventcount_stopped", memory="weak", runs=11694),
    Mutant("[sleep] has no heavy fence", "base/eventcount.c", "\t\tfence_heavy();\n", "", "sched/messages_passed_on"),
    Mutant("[sleep] has no heavy fence of a descriptor", "base/eventcount_fd.c", "\tfence_heavy();\n", "", "sched/eventcount_poll"),
    Mutant("a surplus of wake-ups stays", "base/eventcount.c",
           "return waking(next) > next / EVENTCOUNT_SLEEPER ? next - EVENTCOUNT_WAKING : next;", "return next;", "sched/eventcount"),
    Mutant("one wake-up at a time", "base/eventcount.h", "#define EVENTCOUNT_WAKING_MAX 2", "#define EVENTCOUNT_WAKING_MAX 1", "sched/eventcount_stopped"),
    Mutant("armed although the descriptor was not read", "base/eventcount_fd.c",
           "\t\treturn; /* the signal is on its way", "\t\t; /* the signal is on its way", "sched/eventcount", memory="sc", runs=1464),
    Mutant("a wake-up leaves the descriptor armed", "base/eventcount.c",
           "uint64_t next = word & ~EVENTCOUNT_ARMED;", "uint64_t next = word;", "sched/eventcount"),
    Mutant("a descriptor is made twice", "base/eventcount_fd.c",
           "if (atomic_compare_exchange_strong_explicit(&eventcount->fd, &fd, created,\n"
           "\t\t    memory_order_acq_rel, memory_order_acquire))\n\t\treturn created;",
           "atomic_store_explicit(&eventcount->fd, created, memory_order_release);\n\tif (fd < 0)\n\t\treturn created;", "sched/eventcount"),
    Mutant("a new descriptor is not readable", "base/eventcount_fd.c", "eventfd(1, EFD", "eventfd(0, EFD", "sched/eventcount"),
    Mutant("a cancelled sleeper passes on before it leaves", "base/eventcount_await.c",
           "\teventcount_cancel_wait(sleep->eventcount);\n\tsleep->waiter->cancelled(sleep->context);",
           "\tsleep->waiter->cancelled(sleep->context);\n\teventcount_cancel_wait(sleep->eventcount);", "sched/messages_or_cancel", memory="weak", runs=200),
    Mutant("a sleeper does not try before it sleeps", "base/eventcount_await.c",
           "bool done = waiter->try(context);", "bool done = false;", "sched/messages_passed_on"),
    # What wake-ups lean on: programs that have a thread or two for each.
    Mutant("[wake] acquire of a wake-up is relaxed", "base/eventcount.c", CAS_WAKE,
           CAS_WAKE.replace("acq_rel, memory_order_acquire", "release, memory_order_relaxed"), "sched/wake_new_descriptor", memory="weak", runs=250),
    Mutant("SEEN stays when FENCED goes", "base/eventcount.c",
           "next_epoch(word) & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN)", "next_epoch(word) & ~EVENTCOUNT_FENCED", "sched/wake_marks_go", memory="weak", runs=100),
    Mutant("[sleep] has no full fence where SEEN is", "base/eventcount.c",
           "\tif (word & EVENTCOUNT_SEEN) {\n\t\tfence_full();", "\tif (word & EVENTCOUNT_SEEN) {\n\t\t;", "sched/wake_marked", memory="weak", runs=450),
    Mutant("a sleeper does not try after it has left", "base/eventcount_await.c",
           "return done || waiter->try(context);", "return done;", "sched/wake_in_time", memory="weak", runs=100),
    Mutant("[sleep] has no light fence of one that changed the ring", "queue/notify.h",
           "\tfence_light();\n", "", "sched/wake_returned", memory="weak-full", runs=100),
    Mutant("[sleep] has no light fence of a free", "pool/pool.h", "\tfence_light();\n", "", "sched/wake_by_free", memory="weak-full", runs=450),
    Mutant("[depot] the generation is read after the head", "base/tagged_stack.h",
           "\t\tck_pr_fence_load();\n\t\ttop.head = ck_pr_load_ptr(&stack->head);", "\t\ttop.head = ck_pr_load_ptr(&stack->head);", "sched/memory_stack", memory="weak", runs=900),

    # Wake-ups that are passed on.
    Mutant("a batch of receives passes no wake-up on", "queue/send_recv.c", RECV_BATCH, to_others(RECV_BATCH, "RECEIVER"), "sched/messages_passed_on"),
    Mutant("a batch of receives wakes no sender", "queue/send_recv.c", RECV_BATCH, to_own(RECV_BATCH, "RECEIVER"), "sched/room_one_each"),
    Mutant("what else a batch receives wakes no sender", "queue/send_recv.c", RECV_MORE, to_own(RECV_MORE, "RECEIVER"), "sched/room_passed_on"),
    Mutant("a batch of sends passes no wake-up on", "queue/send_recv.c", SEND_BATCH, to_others(SEND_BATCH, "SENDER"), "sched/room_passed_on"),
    Mutant("a batch of sends wakes no receiver", "queue/send_recv.c", SEND_BATCH, to_own(SEND_BATCH, "SENDER"), "sched/messages_passed_on"),
    Mutant("a send wakes no receiver", "queue/send_recv.c",
           "\tnotify_waiters(queue, SENDER);\n\treturn 0;", "\tpass_wake_up_on(queue, SENDER);\n\treturn 0;", "sched/waits"),
    Mutant("a receive wakes no sender", "queue/send_recv.c",
           "\tnotify_waiters(queue, RECEIVER);\n\treturn 0;", "\tpass_wake_up_on(queue, RECEIVER);\n\treturn 0;", "sched/waits"),
    # Polls.
    Mutant("no poll is sure", "queue/poll.c",
           "if (result == -EAGAIN && is_due(queue, side))", "if (0)", "sched/tries_pass_senders", runs=100),
    Mutant("a poll that is due is not definite", "queue/poll.c",
           "queue_pop(queue, messages, count, DEFINITE);", "queue_pop(queue, messages, count, TRY);", "sched/tries_pass_senders", runs=100),
    Mutant("a poll of a send that is due is not definite", "queue/poll.c",
           "queue_push(queue, messages, count, DEFINITE)", "queue_push(queue, messages, count, TRY)", "sched/tries_pass_receivers", runs=100),
    Mutant("a poll finds nothing to send in a closed queue", "queue/ring.h",
           "return side == RECEIVER ||\n\t\t!(position & CLOSED || atomic_load_explicit(&ring->end, memory_order_relaxed));", "return true;",
           "sched/tries_learn_of_a_close", runs=100),
    Mutant("a poll that sends wakes no receiver", "queue/poll.c",
           "\tnotify_waiters(queue, SENDER);\n\treturn 0;", "\tpass_wake_up_on(queue, SENDER);\n\treturn 0;", "sched/tries_wake"),
    Mutant("a poll that receives wakes no sender", "queue/poll.c",
           "\tnotify_waiters(queue, RECEIVER);\n\treturn 0;", "\tpass_wake_up_on(queue, RECEIVER);\n\treturn 0;", "sched/tries_wake"),
    Mutant("a poll that has returned its cell wakes no sleeper", "queue/poll.c",
           "\tif (result == -EAGAIN)\n\t\tpass_wake_up_on(queue, SENDER);\n", "", "sched/tries_return_room", runs=100),
    Mutant("a wait without spin does", "queue/blocking.c",
           "return spin_ns > 0 && try_awake_for(wait, spin_ns);", "return try_awake_for(wait, spin_ns > 0 ? spin_ns : 1);",
           "sched/tries_then_sleep", runs=100),
    Mutant("a budget ends after one round", "queue/blocking.c", "\t\tif (now_ns >= until_ns)\n\t\t\treturn false;", "\t\treturn false;",
           "sched/tries_then_sleep", runs=100),
    Mutant("a wait that always spins sleeps at its deadline", "queue/blocking.c",
           "\t\t\tif (!try_once(wait, DEFINITE))\n\t\t\t\twait->result = -ETIMEDOUT;\n\t\t\treturn true;", "\t\t\treturn false;",
           "sched/tries_until_deadline", runs=100),
    Mutant("[queues] release is relaxed", "queue/queue.c", "&pool->queue_count, 1, memory_order_release",
           "&pool->queue_count, 1, memory_order_relaxed", "sched/pool_of_queues"),

    # Memory: edges and second looks.
    Mutant("[depot] the link is there after the entry", "base/tagged_stack.h", "\t\tck_pr_fence_store();\n", "", "sched/memory_few"),
    Mutant("[depot] the link is read before the entry", "base/tagged_stack.h",
           "\t\t/* [depot] the entry was seen before its link is read. */\n\t\tck_pr_fence_load();\n", "", "sched/memory_few"),
    Mutant("a pop leaves the generation as it is", "base/tagged_stack.h",
           "rest.generation = top.generation + 1;", "rest.generation = top.generation;", "sched/memory_cooling", memory="sc", runs=771),
    Mutant("[revoked] has no heavy fence", "pool/reclaim.c", "\tfence_heavy();\n", "", "sched/memory_few"),
    Mutant("[revoked] has no light fence", "pool/thread_cache.h", "\tfence_light();\n", "", "sched/fenced_memory_pairs"),
    Mutant("[section] has no heavy fence", "pool/table.c", "\tfence_heavy();\n", "", "sched/pool_goes"),
    Mutant("[grace] release is relaxed", "pool/table.c", "&thread_sections[half], 1, memory_order_release",
           "&thread_sections[half], 1, memory_order_relaxed", "sched/pool_goes"),
    Mutant("[grace] acquire is relaxed", "pool/table.c", "&thread_sections[half], memory_order_acquire",
           "&thread_sections[half], memory_order_relaxed", "sched/pool_goes"),
    Mutant("a free on the slow path wakes nobody", "pool/alloc.c", "\tpool_notify_waiters(pool, request->class_index);\n}", "}", "sched/memory_cancel"),
    Mutant("an owner that may not enter leaves its mark", "pool/thread_cache.h",
           "memory_order_acquire) == 0, 1))\n\t\treturn true;\n\tcache_leave(cache);",
           "memory_order_acquire) == 0, 1))\n\t\treturn true;", "sched/memory_wave"),

    # What is refused, skipped and returned: programs that place threads at the moment that matters.
    Mutant("a scan that finds no free cell finds room", "queue/scan.c",
           "if (ahead(end, until) <= 0)",
           "if (ahead(end, until) < 0)", "sched/refused", runs=100),
    Mutant("an earlier count allows one skip too many", "queue/scan.c",
           "return atomic_load_explicit(&ring->unsent, memory_order_relaxed) + n <=",
           "return atomic_load_explicit(&ring->unsent, memory_order_relaxed) + n <= 1 +", "sched/skips_counted", runs=100),
    Mutant("a count allows one skip too many", "queue/scan.c",
           "if (ahead(most, until) >= 0)",
           "if (ahead(most, until) >= -1)", "sched/skips_counted", runs=100),
    Mutant("a second scan ends before the last cell within reach", "queue/scan.c",
           "scan_ready(ring, from, advance(most, 1), SENDER)",
           "scan_ready(ring, from, most, SENDER)", "sched/skip_beside_receives", runs=100),
    Mutant("a second scan in vain finds room", "queue/scan.c",
           "return ahead(most, *ret_until) >= 0;",
           "return true;", "sched/skips_counted", runs=100),
    Mutant("skips that begin during a count are not left out", "queue/scan.c",
           "set_counted(ring, before + ring->spare - skipped);",
           "set_counted(ring, atomic_load_explicit(&ring->unsent, memory_order_relaxed) + ring->spare - skipped);", "sched/skips_counted", memory="weak", runs=5000),
    Mutant("skips that end during a count are not left out", "queue/scan.c",
           "if (moved_on(&ring->head, &head))\n\t\t\tcontinue; /* some of these are behind it now */\n",
           "if (moved_on(&ring->head, &head))\n\t\t\tcontinue; /* some of these are behind it now */\n\t\tbefore = atomic_load_explicit(&ring->skipped, memory_order_acquire);\n", "sched/skips_counted", memory="weak", runs=8000),
    Mutant("a skip is counted once more when it was made", "queue/skip.c",
           "atomic_fetch_add_explicit(&ring->skipped, n, memory_order_release);",
           "atomic_fetch_add_explicit(&ring->skipped, n + 1, memory_order_release);", "sched/skips_counted", runs=100),
    Mutant("a sender does not look at the last cell within its room", "queue/ring_batch.c",
           "if (room > 1 &&",
           "if (room > 2 &&", "sched/recovery_capacity"),
    Mutant("a receiver skips without a message ready", "queue/ring_batch.c",
           "if (tail & CLOSED || until != (tail & POSITION)) {",
           "if (true) {", "sched/skip_beside_receives", runs=2000),
    Mutant("a quarantined position is not counted in its own lap", "queue/recovery.c",
           "(progress_of(now) == SKIPPED ? 0 : 2);",
           "(progress_of(now) == SKIPPED ? 2 : 2);", "sched/skips_counted", runs=100),
    Mutant("an epoch that wraps adds to WAKING", "base/eventcount.h",
           "return (word & ~EVENTCOUNT_EPOCH) | ((word + 1) & EVENTCOUNT_EPOCH);",
           "return word + 1;", "sched/eventcount_second", runs=100),
    Mutant("[recovery] a change is relaxed", "queue/recovery_word.h",
           "memory_order_acq_rel, memory_order_acquire);",
           "memory_order_relaxed, memory_order_relaxed);", "sched/recovery_claim_beside", runs=400),
    Mutant("a skip in vain leads to the next", "queue/skip.c",
           "skipped == 0 || !skip(ring, &position, skipped, side) ||",
           "skipped == 0 || (!skip(ring, &position, skipped, side) && false) ||", "sched/recovery_closing", runs=1500),
    Mutant("a skip in vain stays counted", "queue/skip.c",
           "\tatomic_fetch_sub_explicit(counter, n, memory_order_relaxed);\n",
           "", "sched/recovery", runs=200),
    Mutant("a receiver does not skip to the end of a closed ring", "queue/ring_batch.c",
           "if (tail & CLOSED || until != (tail & POSITION)) {",
           "if (until != (tail & POSITION)) {", "sched/recovery_closing", runs=3000),
    Mutant("a closed ring without messages is only empty", "queue/ring_batch.c",
           "return tail & CLOSED ? -EPIPE : -EAGAIN;",
           "return -EAGAIN;", "sched/recovery", runs=100),
    Mutant("without membarrier a claim believes that no challenge follows", "queue/recovery.c",
           "return (struct claimable){ n, fence_asymmetric ? known : 0 };",
           "return (struct claimable){ n, known };", "sched/recovery_senders", runs=3000),
    Mutant("an owner takes a word that is not SKIPPED for a skip", "queue/recovery_return.c",
           "progress_of(now) != SKIPPED || later < 0",
           "later < 0", "sched/recovery_senders", runs=1300),
    Mutant("a cell that is returned for a later lap keeps its first state", "queue/recovery_return.c",
           "\tuint64_t free;\n\tdo {\n\t\tfree = state_free_next(ring, owed_of(now));\n\t\t/* [recycle] release: as in recycle(). */\n\t\tatomic_store_explicit(&cell->state, free, memory_order_release);\n",
           "\tuint64_t free = state_free_next(ring, owed_of(now));\n\tatomic_store_explicit(&cell->state, free, memory_order_release);\n\tdo {\n\t\tfree = state_free_next(ring, owed_of(now));\n", "sched/recovery_from_sender", runs=1500),
    Mutant("challenges behind what was skipped are forgotten", "queue/recovery.c",
           "\twhile (decided < pending.count)\n\t\tdecide(ring, &pending.each[decided++], false);\n\treturn skipped;",
           "\treturn skipped;", "sched/recovery_batches", runs=100),
    Mutant("a skip of a later lap leaves the word a lap behind", "queue/recovery.c",
           "uint64_t laps = ((uint64_t)behind + 1) / 2;",
           "uint64_t laps = (uint64_t)behind / 2;", "sched/recovery", runs=2000),
    Mutant("a challenge of another thread is not decided", "queue/recovery.c",
           "return progress_of(was) == PENDING;",
           "return false;", "sched/recovery_receivers", runs=200),
    Mutant("the first position is passed although it is not skipped", "queue/recovery.c",
           "\t\tif (!is_skipped(ring, at, owed))\n\t\t\tbreak;",
           "\t\tif (!is_skipped(ring, at, owed) && skipped > 0)\n\t\t\tbreak;", "sched/recovery", runs=100),
    Mutant("closing leaves the end to the next thread", "queue/close.c", "\tclose_end(ring);\n}", "}", "sched/recovery_exclusive", runs=100),
    Mutant("a wake-up counts without a sleeper", "base/eventcount.c",
           "waking(word) < EVENTCOUNT_WAKING_MAX && word >= EVENTCOUNT_SLEEPER",
           "waking(word) < EVENTCOUNT_WAKING_MAX", "sched/eventcount", runs=100),
    Mutant("a scan does not look if tail has moved", "queue/scan.c",
           "\t\tif (atomic_load_explicit(&ring->tail, memory_order_relaxed) != position)\n\t\t\treturn false;\n",
           "", "sched/skips_counted", runs=1500),
    Mutant("full is said of a position that tail has left", "queue/ring_batch.c",
           "\tif (moved_on(&ring->tail, position))\n\t\treturn 0;\n",
           "", "sched/recovery_long_look", runs=200),
    Mutant("full is said without another look at the cell", "queue/ring_batch.c",
           "return count_claimable(ring, *position, 1, SENDER).count > 0 ? 0 : -EAGAIN;",
           "return -EAGAIN;", "sched/recovery_long_look", memory="weak", runs=8000),
    Mutant("empty is said of a position that head has left", "queue/ring_batch.c",
           "\tif (moved_on(&ring->head, position))\n\t\treturn 0;\n",
           "", "sched/recovery_long_look", runs=200),
    Mutant("empty is said without another look at the cell", "queue/ring_batch.c",
           "return count_claimable(ring, *position, 1, RECEIVER).count > 0 ? 0 : -EAGAIN;",
           "return -EAGAIN;", "sched/recovery_long_look", memory="weak", runs=2000),
    Mutant("a claim among challenges does not read them again", "queue/recovery.c",
           "if (n == 0 || challenges(ring) == known)",
           "if (true)", "sched/recovery_claim_beside", runs=200),
    Mutant("a claim among challenges reads the state before the word", "queue/recovery.c",
           "uint64_t at = advance(position, n), now = read_recovery(ring, at);\n\t\tuint64_t ready = wanted(ring, at, side);\n"
           "\t\tif (progress_of(now) == SKIPPED || read_state(cell_at(ring, at)) != ready)",
           "uint64_t at = advance(position, n), state = read_state(cell_at(ring, at)), now = read_recovery(ring, at);\n"
           "\t\tuint64_t ready = wanted(ring, at, side);\n\t\tif (progress_of(now) == SKIPPED || state != ready)", "sched/recovery_claim_beside"),
    Mutant("[decision] has no light fence in a claim among challenges", "queue/recovery.c",
           "\t\tfence_light();\n",
           "", "sched/recovery_claim_beside", memory="weak-full", runs=1800),
    Mutant("an owner returns a cell with the state of an old lap", "queue/recovery_return.c",
           "} while (!change_recovery(ring, position, &now, recovery_word(free, DONE)));",
           "} while (!change_recovery(ring, position, &now, recovery_word(free, DONE)) && 0);", "sched/recovery_late_return", runs=100),
    Mutant("a sleeper that enters leaves WAKING at its limit", "base/eventcount.c",
           "(waking(word) == EVENTCOUNT_WAKING_MAX ? EVENTCOUNT_WAKING : 0)",
           "0", "sched/eventcount_both", runs=100),
    Mutant("[recovery] acquire of a read is relaxed", "queue/recovery_word.h",
           "return atomic_load_explicit(recovery_at(ring, position), memory_order_acquire);",
           "return atomic_load_explicit(recovery_at(ring, position), memory_order_relaxed);", "sched/recovery_claim_beside", runs=400),
    Mutant("[recovery] release is relaxed", "queue/recovery_word.h", CHANGE, weak(CHANGE, to="acquire"), "sched/recovery_claim_beside", runs=400),
    Mutant("[challenge] release is relaxed", "queue/recovery.c",
           "pending->count, memory_order_release",
           "pending->count, memory_order_relaxed", "sched/recovery_claim_beside", memory="weak", runs=13000),
    Mutant("[challenge] acquire is relaxed", "queue/recovery.h",
           "&ring->challenges, memory_order_acquire",
           "&ring->challenges, memory_order_relaxed", "sched/recovery_claim_beside", memory="weak", runs=13000),
    Mutant("[resolved] release is relaxed", "queue/recovery_word.h",
           "&ring->resolved, 1, memory_order_release",
           "&ring->resolved, 1, memory_order_relaxed", "sched/recovery_claim_beside", memory="weak", runs=40000),
    Mutant("[resolved] acquire is relaxed", "queue/recovery.h",
           "&ring->resolved, memory_order_acquire",
           "&ring->resolved, memory_order_relaxed", "sched/recovery_claim_beside", memory="weak", runs=40000),
    Mutant("[order] release of a claim is relaxed", "queue/claim.h",
           CLAIM,
           weak(CLAIM, "release"), "sched/recovery_long_look", memory="weak", runs=8000),
    Mutant("[order] acquire of an end that is read again is relaxed", "queue/ring_layout.h",
           MOVED,
           weak(MOVED, "acquire"), "sched/recovery_long_look", memory="weak", runs=4500),
    Mutant("[order] release of an exclusive claim is relaxed", "queue/claim.h",
           "atomic_store_explicit(end, advance(position, n), memory_order_release);",
           "atomic_store_explicit(end, advance(position, n), memory_order_relaxed);",
           "sched/order_looks", memory="weak", runs=200),
    Mutant("[order] acquire of tail is relaxed: may push", "queue/ring_state.c",
           "uint64_t position = atomic_load_explicit(&ring->tail, memory_order_acquire);",
           "uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed);",
           "sched/order_looks", memory="weak", runs=200),
    Mutant("[order] acquire of head is relaxed: may pop", "queue/ring_state.c",
           "uint64_t position = atomic_load_explicit(&ring->head, memory_order_acquire);",
           "uint64_t position = atomic_load_explicit(&ring->head, memory_order_relaxed);",
           "sched/order_looks", memory="weak", runs=400),
    Mutant("[order] acquire of head is relaxed: size", "queue/ring_state.c",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);\n\tint64_t size;",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);\n\tint64_t size;",
           "sched/order_looks", memory="weak", runs=300),
    Mutant("[order] acquire of tail is relaxed: size", "queue/ring_state.c",
           "uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);\n\t\tuint64_t end",
           "uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);\n\t\tuint64_t end",
           "sched/order_looks", memory="weak", runs=500),
    Mutant("[order] acquire of head is relaxed: counts", "queue/ring_state.c",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);\n\tdo {\n\t\treturned",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);\n\tdo {\n\t\treturned",
           "sched/order_skip_counts", memory="weak", runs=150),
    Mutant("[order] acquire of tail is relaxed: counts", "queue/ring_state.c",
           "\tuint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);\n\t/* [order] acquire: an exclusive",
           "\tuint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);\n\t/* [order] acquire: an exclusive",
           "sched/order_skip_counts", memory="weak", runs=150),
    Mutant("[order] acquire of the end is relaxed: counts", "queue/ring_state.c",
           "uint64_t end = atomic_load_explicit(&ring->end, memory_order_acquire);\n\tint64_t sent",
           "uint64_t end = atomic_load_explicit(&ring->end, memory_order_relaxed);\n\tint64_t sent",
           "sched/order_end", memory="weak", runs=400),
    Mutant("[order] release of a decided end is relaxed", "queue/close.c", END, weak(END, to="acquire"),
           "sched/order_end", memory="weak", runs=400),
    Mutant("[order] acquire of tail as the end is relaxed", "queue/close.c",
           "atomic_load_explicit(&ring->tail, memory_order_acquire)", "atomic_load_explicit(&ring->tail, memory_order_relaxed)",
           "sched/order_end", memory="weak", runs=7000),
    Mutant("[order] release of a tail that was put back is relaxed", "queue/close.c",
           "atomic_store_explicit(&ring->tail, end, memory_order_release);",
           "atomic_store_explicit(&ring->tail, end, memory_order_relaxed);",
           "sched/order_end", memory="weak", runs=2400),
    Mutant("[order] acquire of what was told is relaxed", "queue/ring_state.c",
           "uint64_t before = atomic_load_explicit(told, memory_order_acquire);",
           "uint64_t before = atomic_load_explicit(told, memory_order_relaxed);",
           "sched/order_told", memory="weak", runs=200),
    Mutant("[order] release of what was told is relaxed", "queue/ring_state.c",
           "memory_order_acq_rel, memory_order_acquire))\n\t\t\treturn (uint64_t)now;",
           "memory_order_acquire, memory_order_acquire))\n\t\t\treturn (uint64_t)now;",
           "sched/order_told", memory="weak", runs=200),
    Mutant("[order] acquire of what was told at a change is relaxed", "queue/ring_state.c",
           "memory_order_acq_rel, memory_order_acquire))\n\t\t\treturn (uint64_t)now;",
           "memory_order_release, memory_order_relaxed))\n\t\t\treturn (uint64_t)now;",
           "sched/order_told", memory="weak", runs=1000),
    Mutant("[order] release of the skips of tail is relaxed", "queue/skip.c",
           "&ring->skipped, n, memory_order_release", "&ring->skipped, n, memory_order_relaxed",
           "sched/order_scan", memory="weak", runs=100),
    Mutant("[order] acquire of the skips is relaxed: scan", "queue/scan.c",
           "&ring->skipped, memory_order_acquire", "&ring->skipped, memory_order_relaxed",
           "sched/order_scan", memory="weak", runs=100),
    Mutant("[recovery] acquire of a change in vain is relaxed", "queue/recovery_word.h", CHANGE,
           "\t\tmemory_order_acq_rel, memory_order_relaxed);\n",
           "sched/order_late_owner", memory="weak", runs=100),
    Mutant("[queues] acquire is relaxed", "observe/statistics.c", "&pool->queue_count, memory_order_acquire",
           "&pool->queue_count, memory_order_relaxed",
           "sched/order_last_queue", memory="weak", runs=100),
    Mutant("a receiver takes CLOSING for the end", "queue/ring_batch.c",
           "\tif (closing(ring))\n\t\treturn close_end(ring);\n",
           "", "sched/recovery_exclusive", runs=100),
    Mutant("an owner takes another's skip for its own: no look at the state", "queue/recovery_return.c",
           " || read_state(cell) != own",
           "", "sched/recovery_next_lap", runs=120),
    Mutant("an exclusive sender does not see that its ring is closing", "queue/ring_batch.c",
           "if (exclusive && closing(ring)) {",
           "if (exclusive && false) {", "sched/exclusive", runs=700),

    # Memory: accounts, moves, and threads that are placed.
    Mutant("a trim takes all empty magazines at once", "pool/trim_magazines.c",
           "\twhile ((magazine = tagged_stack_pop(&depot->empty.stack)) != NULL) {",
           "\tck_stack_entry_t *batch = ck_pr_fas_ptr(&depot->empty.stack.head, NULL);\n\tatomic_thread_fence(memory_order_acquire);\n\twhile ((magazine = trim_next(&batch)) != NULL) {", "sched/pool_pages", runs=1000),
    Mutant("a trim takes all magazines of a class at once", "pool/trim_class.c",
           "\twhile ((magazine = tagged_stack_pop(&class->filled.stack)) != NULL ||",
           "\tck_stack_entry_t *batch = ck_pr_fas_ptr(&class->filled.stack.head, NULL);\n\tatomic_thread_fence(memory_order_acquire);\n\twhile ((magazine = trim_next(&batch)) != NULL ||", "sched/memory_pops", runs=1500),
    Mutant("[account] release of a count is relaxed", "pool/magazine.h",
           "\t\tmemory_order_release);\n",
           "\t\tmemory_order_relaxed);\n", "sched/memory_statistics", runs=100),
    Mutant("[account] release of a count without a cache is relaxed", "pool/alloc.c",
           "counter, amount, memory_order_release",
           "counter, amount, memory_order_relaxed", "sched/memory_bare_statistics", runs=100),
    Mutant("[account] acquire of freed is relaxed", "pool/counts.c",
           "&counts->freed, memory_order_acquire",
           "&counts->freed, memory_order_relaxed", "sched/memory_statistics", runs=100),
    Mutant("[account] acquire of freed bytes is relaxed", "pool/counts.c",
           "&counts->freed_bytes, memory_order_acquire",
           "&counts->freed_bytes, memory_order_relaxed", "sched/memory_statistics", runs=1500),
    Mutant("[account] acquire of trimmed is relaxed", "pool/counts.c",
           "trimmed, memory_order_acquire",
           "trimmed, memory_order_relaxed", "sched/memory_trimmed", memory="weak-full", runs=250),
    Mutant("[section] has no light fence", "pool/table.c", "\tfence_light();\n", "", "sched/memory_destroy", memory="weak-full", runs=900),

    # Memory: samples.
    Mutant("[stack] release is relaxed", "pool/sample.c",
           "memory_order_release, memory_order_acquire))",
           "memory_order_relaxed, memory_order_acquire))", "sched/memory_sampled", runs=100),
    Mutant("[stack] acquire is relaxed", "pool/sample.c",
           "(bucket, memory_order_acquire)",
           "(bucket, memory_order_relaxed)", "sched/memory_sampled", runs=100),
    Mutant("[stack] acquire of a change in vain is relaxed", "pool/sample.c",
           "memory_order_release, memory_order_acquire))",
           "memory_order_release, memory_order_relaxed))", "sched/memory_sampled", runs=100),

    # Memory: what is hidden, what moves twice, and accounts.
    Mutant("a thread that met a move does not try again", "pool/alloc.c",
           "\t\t\t*ret_hidden = true;\n\t\t/* Oth",
           "\t\t\t;\n\t\t/* Oth", "sched/pool_cool_moves", runs=100),
    Mutant("a reclaimer tells nothing of an owner at work", "pool/reclaim.c",
           "\t\telse\n\t\t\t*ret_hidden = true;\n",
           "", "sched/pool_tries", runs=100),
    Mutant("[account] release of trimmed is relaxed", "pool/trim_class.c",
           "&class->trimmed, trimmed, memory_order_release",
           "&class->trimmed, trimmed, memory_order_relaxed", "sched/pool_accounts", runs=5500),
    Mutant("[account] release of absent is relaxed", "pool/chunk.c",
           "&chunks->absent_bytes, more, memory_order_release",
           "&chunks->absent_bytes, more, memory_order_relaxed", "sched/pool_accounts", runs=300),
    Mutant("[account] acquire of absent is relaxed", "pool/counts.c",
           "absent_bytes, memory_order_acquire",
           "absent_bytes, memory_order_relaxed", "sched/pool_accounts", runs=300),
    Mutant("a free wakes nobody", "pool/alloc.h", "\tpool_notify_fenced(pool, class_index);\n", "", "sched/pool_second_wake", runs=100),

    # Rings: challenges that come between a claim and the look for them.
    Mutant("a single pop does not read the challenges again", "queue/ring.c",
           "read_state(cell) != full, 0) || challenged_since(ring, known) ||",
           "read_state(cell) != full, 0) ||", "sched/recovery_claim_beside", memory="weak", runs=300),
    Mutant("a batch does not read the challenges again", "queue/claim.h",
           "\tif (n > 0 && challenged_since(ring, known))\n\t\treturn recovery_claimable(ring, position, n, side);\n",
           "", "sched/recovery_claim_beside", memory="weak"),
    # What a thread reads again before it answers or acts, and the skips.
    Mutant("a cell that another thread has claimed is decided", "queue/recovery.c",
           "\t\tif (state_ahead(ring, owed_of(now), ready) > 0)\n\t\t\treturn n; /* another thread has claimed it */\n", "", "sched/claim_beside_pending", runs=100),
    Mutant("a scan takes a quarantined cell", "queue/scan.c", " && !recovery_quarantined(ring, from) &&", " &&", "sched/scan_quarantined", runs=100),
    Mutant("a scan does not read the state again", "queue/scan.c",
           " &&\n\t\t\tcount_ready(ring, from, 1, side) == 1)", ")", "sched/scan_quarantined", runs=100),
    Mutant("a scan does not look if head has moved", "queue/scan.c",
           "\t\tif (moved_on(&ring->head, &head))\n\t\t\tcontinue; /* some of these are behind it now */\n", "", "sched/scan_beside_head", runs=100),
    Mutant("a scan does not look for a nearer cell", "queue/scan.c",
           "\t\t*ret_until = scan_ready(ring, from, advance(most, 1), SENDER);\n\t\treturn ahead(most, *ret_until) >= 0;",
           "\t\treturn false;", "sched/scan_nearer", runs=100),
    Mutant("a skip does not tell senders of the room", "queue/skip.c", "\t\t\thead_skipped = true;", "\t\t\t;", "sched/skip_tells", runs=100),
    Mutant("an exclusive sender's skip is a shared one", "queue/skip.c", "is_exclusive(ring, side)", "false", "sched/skip_beside_close", runs=100),
    Mutant("may push: no look if tail has moved", "queue/ring_state.c", "} while (moved_on(&ring->tail, &position));", "} while (false);", "sched/look_for_room", runs=100),
    Mutant("may pop: no look if head has moved", "queue/ring_state.c", "} while (moved_on(&ring->head, &position));", "} while (false);", "sched/look_for_message", runs=100),
    Mutant("counts do not look if a message has returned", "queue/ring_state.c",
           "} while (atomic_load_explicit(&ring->returned, memory_order_relaxed) != returned);", "} while (0);", "sched/look_at_counts", runs=100),
    Mutant("size does not look if head has moved", "queue/ring_state.c", "} while (moved_on(&ring->head, &head));", "} while (0);", "sched/look_at_size", runs=100),

    # Memory: rights, the end of threads and of the library, and what they leave.
    Mutant("a grace period waits for one half", "pool/table.c", "for (int i = 0; i < 2; i++) {\n\t\tconst struct timespec",
           "for (int i = 0; i < 1; i++) {\n\t\tconst struct timespec", "sched/pool_two_go", runs=100),
    Mutant("[rights] release is relaxed", "pool/region.c", "\t\t\t    memory_order_release, memory_order_acquire))",
           "\t\t\t    memory_order_acquire, memory_order_acquire))", "sched/memory_pairs", runs=100),
    Mutant("a page that another thread mapped is taken for accessible", "pool/region.c",
           "errno != EEXIST || ++tries > RECLAIM_TRIES)\n\t\t\t\treturn false;", "errno != EEXIST)\n\t\t\t\treturn false;\n\t\t\tif (++tries > RECLAIM_TRIES)\n\t\t\t\treturn true;", "sched/growth_region", runs=100),
    Mutant("a thread that has mapped memory may fail to count it", "pool/region.c",
           "\t\t\twritable = opened;", "\t\t\treturn true;", "sched/growth_region", runs=100),
    Mutant("bytes beside are not accessible", "pool/region.c",
           "region->beside != NULL && !region_open(region->beside, wanted / region->unit)",
           "region->beside != NULL && !region_open(region->beside, writable / region->unit)", "sched/growth_region", runs=100),
    Mutant("[rights] acquire is relaxed", "pool/region.c", "size_t writable = atomic_load_explicit(&region->writable, memory_order_acquire", "size_t writable = atomic_load_explicit(&region->writable, memory_order_relaxed", "sched/memory_pairs", runs=100),
    Mutant("[key] release of the key is relaxed", "pool/thread_exit.c", "usable, memory_order_release", "usable, memory_order_relaxed", "sched/pool_load", runs=100),
    Mutant("[key] has no fence of a thread", "pool/thread_exit.c", "counted before `usable` is read. */\n\tfence_full();", "counted before `usable` is read. */\n\t;", "sched/pool_at_exit", memory="weak", runs=100),
    Mutant("[key] has no fence of the library", "pool/thread_exit.c", "\t * finds the key not usable.\n\t */\n\tfence_full();", "\t * finds the key not usable.\n\t */\n\t;", "sched/pool_at_exit", memory="weak", runs=100),
    Mutant("[key] release of a thread is relaxed", "pool/thread_exit.c", "&thread_watching, 1, memory_order_release", "&thread_watching, 1, memory_order_relaxed", "sched/pool_at_exit", runs=100),
    Mutant("[key] acquire of a thread is relaxed", "pool/thread_exit.c", "&thread_watching, memory_order_acquire", "&thread_watching, memory_order_relaxed", "sched/pool_at_exit", runs=100),
    Mutant("a thread that ends wakes nobody", "pool/past_caches.c", "\tpool_notify_all_classes(pool);\n", "", "sched/pool_end_wakes", runs=100),
    Mutant("a flush wakes nobody", "pool/thread_exit.c", "\tpool_notify_all_classes(pool);\n\treturn 0;", "\treturn 0;", "sched/pool_flush_wakes", runs=100),
    Mutant("a thread that met a hidden slab gives up", "pool/alloc.c", "if (!*ret_hidden && slabs == 0)", "if (slabs == 0)", "sched/pool_tries", runs=100),
    Mutant("a thread that ends does not empty its cache", "pool/past_caches.c", "\tif (!cache_flush(cache, &pool->depot))\n\t\treturn false;\n", "", "sched/pool_left_over", runs=100),
    Mutant("an exchange of what cools is no move", "pool/cooling.c",
           ["\t\tchunk_begin_move(&depot->chunks);\n", "\t\tchunk_end_move(&depot->chunks);\n"],
           ["", ""], "sched/pool_cool_moves", runs=100),
    Mutant("unloading leaves the key", "pool/thread_exit.c", "\t\tpthread_key_delete(thread_key);\n", "\t\t;\n", "sched/pool_unload", runs=100),

    # Memory that the system refuses.
    Mutant("rights that are refused are taken for given", "pool/region.c",
           "rights) == 0 ? end : begin;", "rights) == 0 ? end : end;", "sched/refused_traffic", runs=100),
    Mutant("a thread without the key has a cache", "pool/thread_exit.c",
           "if (thread_state == UNWATCHED && !watch())", "if (thread_state == UNWATCHED && !watch() && !is_key_usable())",
           "sched/refused_traffic", runs=100),
    Mutant("a trim that is refused keeps others out", "pool/trim.c",
           "\t/* [trim] release: pairs with the exchange. */\n", "\tif (rc != 0)\n\t\treturn rc;\n", "sched/refused_trim", runs=100),
    Mutant("a queue that is refused keeps its memory", "queue/queue.c",
           "\tif (rc != 0) {\n\t\tfree(block);\n", "\tif (rc != 0) {\n", "sched/refused_create", runs=100),
    Mutant("a pool that is refused keeps a region", "pool/depot.c",
           "whole);\n\tif (rc != 0) {\n\t\tregion_fini(&depot->slabs);", "whole);\n\tif (rc != 0) {", "sched/refused_create", runs=100),
    Mutant("a pool that is refused its counts keeps its regions", "observe/pool_lifecycle.c",
           "\trc = share_init(&pool->shares, limit, !region_grows(&pool->depot.slabs));\n\tif (rc != 0)\n\t\tgoto fini_depot;",
           "\trc = share_init(&pool->shares, limit, !region_grows(&pool->depot.slabs));\n\tif (rc != 0)\n\t\treturn rc;", "sched/refused_create", runs=100),
    Mutant("a pool without its profile keeps its regions", "observe/pool_lifecycle.c",
           "\trc = profile_create(&pool->profile, &profile, limit);\n\tif (rc != 0)\n\t\tgoto fini_registry;",
           "\trc = profile_create(&pool->profile, &profile, limit);\n\tif (rc != 0)\n\t\treturn rc;", "sched/refused_create", runs=100),
    Mutant("a sample without a stack keeps its notes", "pool/sample.c",
           "\tif (stack == NULL) {\n\t\tfree(live);\n", "\tif (stack == NULL) {\n", "sched/refused_samples", runs=100),

    # membarrier in a process that was restored from a checkpoint.
    Mutant("a lost registration is renewed, and the barrier not passed", "base/fence.c",
           "register_process() &&\n"
           "\t\tcall_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited);",
           "register_process();",
           "sched/eventcount_restored", memory="weak", strategy="random", runs=2000),
    Mutant("a lost registration counts as a barrier", "base/fence.c",
           "errno == EPERM && register_process() &&\n"
           "\t\tcall_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited);",
           "errno == EPERM;", "sched/eventcount_restored", memory="weak", runs=500),
    Mutant("a lost registration is not renewed", "base/fence.c",
           "register_process() &&\n"
           "\t\tcall_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited);",
           "call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, limited);", "sched/eventcount_restored", runs=100),

    # Descriptors: what arms them, and signals that are passed on.
    Mutant("a short batch does not arm", "queue/send_recv.c",
           "if ((size_t)received < count && timeout_ns >= 0)", "if (0)", "sched/workers"),
    Mutant("a call whose time is over does not arm", "queue/descriptor.c",
           "\telse\n\t\teventcount_arm(", "\telse if (result != -ETIMEDOUT)\n\t\teventcount_arm(", "sched/workers"),
    Mutant("a short batch of sends does not arm", "queue/send_recv.c",
           "\tif (__builtin_expect(result < 0, 0))\n\t\tdescriptor_ended(queue, SENDER, result);\n", "", "sched/workers"),
    Mutant("no signal is passed on", "queue/send_recv.c",
           "if (eventcount_has_signal(&queue->eventcount[side]))", "if (0)", "sched/workers_woken"),
    Mutant("no signal is passed on, as nothing tells of it", "base/eventcount_fd.c",
           POLLED, "", "sched/workers_first", runs=100),
    Mutant("an arming lets no thread pass the signal on again", "base/eventcount_fd.c",
           "\tatomic_store_explicit(&eventcount->passed, 0, memory_order_relaxed);\n", "", "sched/workers_rearmed", runs=3000),
    Mutant("a receive that leaves nothing lets no thread pass the signal on again", "queue/descriptor.c",
           "\t\tforget_passed(&queue->eventcount[side], self);\n", "\t\t;\n", "sched/workers_again", runs=300),
    Mutant("a signal is passed on once", "queue/descriptor.c",
           "memory_order_relaxed) != self)", "memory_order_relaxed) == 0)", "sched/workers_twice", runs=3000),
    Mutant("a signal that is passed on is lost", "base/eventcount_fd.c",
           "\teventcount_signal_fd(eventcount);\n\treturn true;", "\treturn true;", "sched/workers"),
    Mutant("a signal is passed on that was not consumed", "base/eventcount_fd.c",
           "memory_order_acquire)))\n\t\treturn false;", "memory_order_acquire)) && !eventcount_has_fd(eventcount))\n\t\treturn false;", "sched/workers", runs=20000),
    Mutant("-EPIPE passes no signal on", "queue/descriptor.c",
           "\t\teventcount_pass_fd_on(&queue->eventcount[side], 0);\n", "\t\t;\n", "sched/workers"),
    Mutant("closing passes no signal on to receivers", "queue/queue.c",
           "\teventcount_pass_fd_on(&queue->eventcount[RECEIVER], 0);\n", "", "sched/workers_woken"),
    Mutant("closing passes no signal on to senders", "queue/queue.c",
           "\teventcount_pass_fd_on(&queue->eventcount[SENDER], 0);\n", "", "sched/workers_woken"),
    Mutant("FENCED is taken back beside a sleeper", "base/eventcount.c",
           "atomic_compare_exchange_strong_explicit(&eventcount->word, &word,\n"
           "\t\t\tnext_epoch(word) & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN),\n"
           "\t\t\tmemory_order_relaxed, memory_order_relaxed);",
           "atomic_fetch_and_explicit(&eventcount->word, ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN),\n"
           "\t\t\tmemory_order_relaxed);", "sched/eventcount_rearmed", runs=1000),
    Mutant("SEEN is set without FENCED", "base/eventcount.c", PREPARE, PREPARE.replace(" | fenced", ""), "sched/eventcount_unfenced", runs=300),
    Mutant("SEEN is set although FENCED has gone", "base/eventcount_fd.c",
           "fence_asymmetric && (uint32_t)word == (uint32_t)before &&", "fence_asymmetric &&", "sched/eventcount_rearmed", runs=8000),
    Mutant("FENCED goes and the epoch stays", "base/eventcount.c",
           "next_epoch(word) & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN)", "word & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN)", "sched/eventcount_rearmed", runs=8000),
    Mutant("an arming sets no FENCED", "base/eventcount_fd.c",
           "(fence_asymmetric ? EVENTCOUNT_FENCED : 0)", "0", "sched/eventcount_rearmed", runs=8000),
    Mutant("SEEN of an arming is set before its fence", "base/eventcount_fd.c", SEEN_ARMED,
           SEEN_ARMED.replace("\tfence_heavy();\n", "") + "\tfence_heavy();\n", "sched/eventcount_rearmed", runs=8000),
    Mutant("an arming passes no fence where SEEN is", "base/eventcount_fd.c",
           "\t\tfence_full();\n\t\treturn;", "\t\treturn;", "sched/workers", memory="weak", runs=4000),
    # Memory in other threads' hands.
    Mutant("a trim is no move", "pool/trim.c",
           ["\tchunk_begin_move(trim.chunks);\n", "\tchunk_end_move(trim.chunks);\n"],
           ["", ""], "sched/pool_trim_beside", runs=100),
    Mutant("a carve is no move", "pool/chunk.c",
           ["\tchunk_begin_move(chunks);\n\tfor", "\tchunk_end_move(chunks);\n\treturn bytes;"],
           ["\tfor", "\treturn bytes;"], "sched/pool_cut_beside", runs=100),
    Mutant("[moves] has no release fence", "pool/chunk.c",
           "\tatomic_thread_fence(memory_order_release);\n",
           "", "sched/pool_trim_beside", memory="weak", runs=100),
    Mutant("[moves] release is relaxed", "pool/chunk.c",
           "&chunks->ended, 1, memory_order_release",
           "&chunks->ended, 1, memory_order_relaxed", "sched/pool_moved", memory="weak-full", runs=5000),
    Mutant("a reclaimer that another has forestalled tells nothing", "pool/reclaim.c",
           "\t\tif (!revoke(registry, i - 1, cache, &revoked))\n\t\t\t*ret_hidden = true;\n",
           "\t\t(void)revoke(registry, i - 1, cache, &revoked);\n", "sched/pool_revoked", runs=100),
    Mutant("what was hidden is not tried for again", "pool/alloc_wait.c",
           "\tif (!wait->hidden && !may_come(",
           "\tif (!may_come(", "sched/pool_busy_alone", runs=100),
    Mutant("a cancelled sleeper passes no wake-up for a slab on", "pool/alloc_wait.c",
           "\tturns_leave(turns_of(wait), wait->group);\n\tpool_notify_waiters(wait->pool, wait->class_index);",
           "\tturns_leave(turns_of(wait), wait->group);", "sched/pool_cancelled", runs=100),
    Mutant("[table] release is relaxed", "pool/table.c",
           "memory_order_release, memory_order_relaxed))\n\t\t\treturn 0;",
           "memory_order_relaxed, memory_order_relaxed))\n\t\t\treturn 0;", "sched/pool_all", runs=100),
    Mutant("[table] acquire is relaxed", "pool/table.h",
           "&pools[number], memory_order_acquire",
           "&pools[number], memory_order_relaxed", "sched/pool_all", runs=100),
]

# Equivalent to the unchanged sources, and why. --equivalents runs them: none may be caught.
EQUIVALENTS = [
    Mutant("a trim wakes nobody", "pool/trim.c",
           "\tpool_notify_all_classes(pool);\n", "", ALL, runs=300,
           reason="a sleeper that met the trim, or may find memory of other classes, tries again unasked: it "
                  "is served 128 ms later at most"),
    Mutant("[trim] acquire is relaxed", "pool/trim.c",
           "&pool->trimming, true, memory_order_acquire",
           "&pool->trimming, true, memory_order_relaxed", ALL, runs=300,
           reason="pool_raise_highs() follows, and passes an acquire fence in accounts_moved(). The notes on caches "
                  "are read after it"),
    Mutant("[moves] acquire is relaxed", "pool/chunk.c",
           "&chunks->ended, memory_order_acquire",
           "&chunks->ended, memory_order_relaxed", ALL, runs=300,
           reason="thread_reclaim() follows before the thread looks for memory, and its heavy fence is a full one of "
                  "its thread, too"),
    Mutant("a state is challenged twice", "queue/recovery.c",
           "progress_of(was) == DONE && state_ahead(ring, owed_of(was), owed) < 0 &&", "progress_of(was) == DONE &&", ALL, runs=300,
           reason="the look at the state that follows says no as well"),
    Mutant("a challenge does not look at the state", "queue/recovery.c",
           "\t\tstate_ahead(ring, read_state(cell_at(ring, position)), owed) < 0 &&\n", "", ALL, runs=300,
           reason="it costs a challenge, which is decided as DONE"),
    Mutant("closing wakes one receiver", "queue/queue.c", "\teventcount_notify_all(&queue->eventcount[RECEIVER]);",
           "\twake_waiter(queue, RECEIVER);", ALL, runs=300,
           reason="one that gives up passes its wake-up on; each is enough without the other, see test/model"),
    Mutant("[fd] release is relaxed", "base/eventcount_fd.c", "memory_order_acq_rel, memory_order_acquire))\n\t\treturn created;", "memory_order_acquire, memory_order_acquire))\n\t\treturn created;", ALL, runs=300,
           reason="what is behind the number is the kernel's; the word orders the number itself"),
    Mutant("[fd] acquire of a signal is relaxed", "base/eventcount_fd.c",
           "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);\n\t/*\n\t * Raw", "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_relaxed);\n\t/*\n\t * Raw", ALL, runs=300,
           reason="the same"),
    Mutant("[fd] acquire of an arming is relaxed", "base/eventcount_fd.c",
           "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);\n\tuint64_t word", "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_relaxed);\n\tuint64_t word", ALL, runs=300,
           reason="the same"),
    Mutant("[fd] acquire of a descriptor is relaxed", "base/eventcount_fd.c",
           "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);\n\tif (fd >= 0)", "\tint fd = atomic_load_explicit(&eventcount->fd, memory_order_relaxed);\n\tif (fd >= 0)", ALL, runs=300,
           reason="the same"),
    Mutant("[wake] release of SEEN of an arming is relaxed", "base/eventcount_fd.c",
           "word | EVENTCOUNT_SEEN, memory_order_release,", "word | EVENTCOUNT_SEEN, memory_order_relaxed,", ALL, runs=300,
           reason="the heavy fence before it is a full one, and releases as well"),
    Mutant("a thread passes the signal on each time", "queue/descriptor.c",
           "memory_order_relaxed) != self)", "memory_order_relaxed) != self || true)", ALL, runs=300,
           reason="it costs system calls"),
    Mutant("a scan does not read the state before the word", "queue/scan.c",
           "if (count_ready(ring, from, 1, side) == 1 && !recovery",
           "if (!recovery", ALL, runs=300,
           reason="a cell that was returned before its word was read has another state after it, whatever it was before"),
    Mutant("a scan looks again although its cell is the last within reach", "queue/scan.c",
           "if (ahead(most, until) >= 0)",
           "if (ahead(most, until) > 0)", ALL, runs=300,
           reason="the second scan finds the same cell, or another thread has claimed it and tail has moved"),
    Mutant("a skip goes on behind a position that is not skipped", "queue/skip.c",
           "skipped < n)\n\t\t\treturn;",
           "false)\n\t\t\treturn;", ALL, runs=300,
           reason="the next round begins at that position, and skips it only where the next call would"),
    Mutant("a sender looks for a cell behind the last within its room", "queue/ring_batch.c",
           "if (room > 1 &&",
           "if (room > 0 &&", ALL, runs=300,
           reason="with room for one position the scan has no cell to look at"),
    Mutant("a receiver scans from the cell at head on", "queue/ring_batch.c",
           "scan_ready(ring, advance(*position, 1), tail & POSITION, RECEIVER)",
           "scan_ready(ring, *position, tail & POSITION, RECEIVER)", ALL, runs=300,
           reason="if that cell has become ready, the scan ends there and nothing is skipped"),
    Mutant("an owner takes an earlier skip for its own", "queue/recovery_return.c",
           " || later < 0",
           "", ALL, runs=300,
           reason="a cell that is SKIPPED was quarantined before its next owner could have claimed it, and no thread claims a quarantined cell"),
    Mutant("a state is challenged over its own decision", "queue/recovery.c",
           "state_ahead(ring, owed_of(was), owed) < 0 &&",
           "state_ahead(ring, owed_of(was), owed) <= 0 &&", ALL, runs=300,
           reason="(owed, DONE) was written after a state as late was read, so the look at the state that follows says no"),
    Mutant("a claim may skip the cells that it finds ready", "queue/recovery.c",
           "decide(ring, &pending.each[i], false); /* DONE",
           "decide(ring, &pending.each[i], true); /* DONE", ALL, runs=300,
           reason="only challenges to cells whose state was ready are decided there, and states only grow: the answer is DONE"),
    Mutant("a word of this lap is changed to itself", "queue/recovery.c",
           "if (behind <= 0)\n\t\t\treturn true;",
           "if (behind < 0)\n\t\t\treturn true;", ALL, runs=300,
           reason="no laps are to be added, and the change is to the same word"),
    Mutant("a skip of a later lap is of one lap", "queue/recovery.c",
           "uint64_t laps = ((uint64_t)behind + 1) / 2;",
           "uint64_t laps = 1;", ALL, runs=300,
           reason="each lap's visit moves the word on, so it is never more than a lap behind"),
    Mutant("an exclusive sender that closes does not put tail back", "queue/close.c",
           "\tatomic_store_explicit(&ring->tail, end, memory_order_release);\n",
           "", ALL, runs=300,
           reason="each reader of tail looks at `end` before or as well, and the sender's next push ends with -EPIPE"),
    Mutant("a skip beyond the end does not learn where tail is", "queue/claim.h",
           "\t*position = atomic_load_explicit(end, memory_order_relaxed); /* its own store */\n\treturn false;",
           "\treturn false;", ALL, runs=300,
           reason="the next round finds the ring closing, and ends with -EPIPE"),
    Mutant("a sender of a closing ring proposes its own position", "queue/ring_batch.c",
           "close_counts(ring, atomic_load_explicit(&ring->tail, memory_order_relaxed));",
           "close_counts(ring, position);", ALL, runs=300,
           reason="it is what the same thread has stored in tail last"),
    Mutant("[recycle] release of a cell that is returned is relaxed", "queue/recovery_return.c",
           "&cell->state, free, memory_order_release);",
           "&cell->state, free, memory_order_relaxed);", ALL, runs=300,
           reason="a claim of the cell has read the word or `resolved` before, which the owner writes with release after the state"),
    Mutant("[cooling] release of one that takes another's place is relaxed", "pool/cooling.c",
           "place, mine, memory_order_acq_rel",
           "place, mine, memory_order_acquire", ALL, runs=300,
           reason="the release fence of chunk_begin_move() comes directly before"),
    Mutant("[returned] acquire of the next reclaimer is relaxed", "pool/reclaim.c",
           "memory_order_acquire, memory_order_relaxed))\n\t\treturn false;",
           "memory_order_relaxed, memory_order_relaxed))\n\t\treturn false;", ALL, runs=300,
           reason="a heavy fence follows before the magazines are touched, and it is a full fence of its thread, too"),
    Mutant("[trim] release is relaxed", "pool/trim.c",
           "&pool->trimming, false, memory_order_release",
           "&pool->trimming, false, memory_order_relaxed", ALL, runs=300,
           reason="a release fence comes after all that the next trim reads: in chunk_begin_move(), or in the push of a range"),
    Mutant("a batch does not look at challenges before it claims", "queue/claim.h",
           "\tif (__builtin_expect(challenges(ring) != known, 0))\n\t\treturn recovery_claimable(ring, position, count, side);\n", "", ALL, runs=300,
           reason="the look after the states says the same: `challenges` only grows, so it still is not `resolved`. "
                  "If no cell looks ready there, recovery_claimable() counts none and decides none. All four callers "
                  "use nothing but the count then. A single push or pop has the later look alone"),
    Mutant("an exclusive receiver's skip is a shared one", "queue/skip.c", "is_exclusive(ring, side)", "side == SENDER && is_exclusive(ring, side)", ALL, runs=300,
           reason="no other thread moves head, so it is at the position, and the CAS stores what the store does"),
    Mutant("[rights] acquire of a change in vain is relaxed", "pool/region.c", "\t\t\t    memory_order_release, memory_order_acquire))",
           "\t\t\t    memory_order_release, memory_order_relaxed))", ALL, runs=300,
           reason="the first round has made accessible all that lies between a value it has acquired and `end`, or more, so what a later round reads is not relied on"),
    Mutant("[key] acquire of the key is relaxed", "pool/thread_exit.c", "&thread_key_usable, memory_order_acquire", "&thread_key_usable, memory_order_relaxed", ALL, runs=300,
           reason="each use of the key comes after a full fence, and that one after a read that has found it usable"),
    Mutant("[wake] acquire of a look is relaxed", "base/eventcount.c", NOTIFY, weak(NOTIFY, to="release"), ALL, runs=300,
           reason="the CAS that follows has a later place among the word's changes, and acquires all that the look would. If there is no CAS, the caller does nothing that rests on what others did before"),
    Mutant("[wake] release of a wake-up is relaxed", "base/eventcount.c", CAS_WAKE, weak(CAS_WAKE, to="acquire"), ALL, runs=300,
           reason="the same call has released all with its look. The CAS goes on with the release sequence of that, and of every earlier change"),
    Mutant("[wake] release of an entry is relaxed", "base/eventcount.c", PREPARE, weak(PREPARE, to="acquire"), ALL, runs=300,
           reason="all that a waker or sleeper takes from the word is what a waker made true, which its look releases, or the descriptor behind ARMED, which the arming releases. A sleeper that has made something true before told of it by fences or a look of its own"),
    Mutant("[wake] acquire of an entry is relaxed", "base/eventcount.c", PREPARE, weak(PREPARE, to="release"), ALL, runs=300,
           reason="a full fence follows before the condition is checked: fence_full(), or fence_heavy(), which is one of its thread, too. So what the entry read is acquired there"),
    Mutant("[wake] release of SEEN is relaxed", "base/eventcount.c", SEEN, weak(SEEN, "release"), ALL, runs=300,
           reason="fence_heavy() comes directly before it and is a full fence of its thread, too. What is stored after one carries as much as a release"),
    Mutant("[wake] release of a leave is relaxed", "base/eventcount.c", LEFT, weak(LEFT, to="acquire"), ALL, runs=300,
           reason="as of an entry: wakers release what they made true, and what a leaver does before its leave no thread relies on. A message or slab that it took is in the ring's and the depot's own edges"),
    Mutant("[wake] acquire of an arming is relaxed", "base/eventcount_fd.c", ARM, weak(ARM, to="release"), ALL, runs=300,
           reason="fence_heavy() follows before the condition is checked, as after an entry"),
    Mutant("armed twice", "base/eventcount_fd.c", "if (fd < 0 || word & EVENTCOUNT_ARMED)", "if (fd < 0)", ALL, runs=300,
           reason="while ARMED is set the descriptor is not readable, so the read that comes next returns. If it is readable ARMED has been cleared since, and to arm is right"),
    Mutant("an interrupted sleep is taken for a wake-up that is refused", "base/eventcount.c",
           "} while (interrupted);", "} while (0 && interrupted);", ALL, runs=300,
           reason="a sleep may end without a reason, and each caller of eventcount_await() sleeps again if its try is in vain and its deadline has not passed. It counts as parked twice, as it has slept twice"),
    Mutant("what else a batch receives passes no wake-up on", "queue/send_recv.c", RECV_MORE, to_others(RECV_MORE, "RECEIVER"), ALL, runs=300,
           reason="the first part of the batch has passed on what came with this thread's leave, after the leave. The rest is taken by tries that skip nothing and return no message, as by a thread that has not slept"),
    Mutant("a thread that gives up passes no wake-up on", "queue/blocking.c",
           "\tif (wait.result < 0)\n\t\t/* The thread gives up, and may have taken a wake-up with it. */\n\t\tpass_wake_up_on(queue, side);\n", "", ALL, runs=300,
           reason="a definite try follows each leave. If it is in vain nothing is left of what came before the leave, and a later waker finds WAKING lower: VARIANT_TIMEOUT_KEEPS in test/model. A close wakes all sleepers, and no try that comes after it says that the ring is empty, or full"),
    Mutant("[sleep] has no light fence of one that passes on", "queue/blocking.c",
           "\tfence_light();\n", "", ALL, runs=300,
           reason="only a receiver's skip has changed the ring since a fence of the same kind. Where fences are full, the count of claimable cells after the skip passes one; where they are not, the try is a call through a pointer, across which no compiler moves the read of the word"),
    Mutant("[order] acquire of tail is relaxed: may pop", "queue/ring_state.c",
           "uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);\n\t\tif (tail & CLOSED",
           "uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);\n\t\tif (tail & CLOSED", ALL, runs=300,
           reason="head is read with acquire before, so all that its last mover knew is known. A message "
                  "that must be seen is among that: its state reads as full, or a receiver has it, and then "
                  "head has moved on"),
    Mutant("[order] acquire of head is relaxed: scan", "queue/scan.c",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);",
           "uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);", ALL, runs=300,
           reason="tail is read with acquire before each scan, so the free cells that a true answer needs "
                  "are known, and so are the skips before tail, which are counted. Head alone is a bound: it "
                  "is no older than what is known, and an older one allows less"),
    Mutant("[order] acquire of head is relaxed: where free cells end", "queue/scan.h",
           "&ring->head, memory_order_acquire", "&ring->head, memory_order_relaxed", ALL, runs=300,
           reason="tail is read with acquire before, and head is no older than what was known there. With "
                  "room for at most one cell the thread that moved head so far knew nothing of that cell or "
                  "of a later tail. With more, scan_room() reads head again"),
    Mutant("[order] acquire of tail is relaxed: empty", "queue/ring_batch.c",
           "return atomic_load_explicit(&ring->tail, memory_order_acquire);",
           "return atomic_load_explicit(&ring->tail, memory_order_relaxed);", ALL, runs=300,
           reason="head is read with acquire before, so all messages that an answer may not overlook are "
                  "known. A challenge is a CAS, which takes the newest word, and before a thread decides "
                  "one it passes a full fence, in announce(), which acquires what tail brings"),
    Mutant("[order] acquire of whether it closes is relaxed", "queue/close.h",
           "&ring->end, memory_order_acquire", "&ring->end, memory_order_relaxed", ALL, runs=300,
           reason="OPEN is the first value, which nothing released. A thread that finds another value reads "
                  "the word again with acquire, in close_end() or decide_end(), or answers that the other "
                  "side may go on"),
    Mutant("[order] acquire of a decided end is relaxed", "queue/close.c", END,
           "CLOSED | (position & POSITION), memory_order_release, memory_order_relaxed))", ALL, runs=300,
           reason="the sender uses the value alone, and all before it is its own. A receiver that goes on "
                  "to a challenge passes a full fence, in announce(), before it decides, and -EPIPE follows "
                  "from the value. Counts read the word again"),
    Mutant("[order] release of CLOSING is relaxed", "queue/close.c",
           "CLOSING, memory_order_acq_rel,\n\t\tmemory_order_acquire);",
           "CLOSING, memory_order_acquire,\n\t\tmemory_order_acquire);", ALL, runs=300,
           reason="a receiver that reads CLOSING passes the heavy fence before it reads tail, which shows "
                  "all claims before. The sender knows its claims. Counts use nothing behind CLOSING, and "
                  "the others answer that a side may go on"),
    Mutant("[order] acquire of CLOSING is relaxed", "queue/close.c",
           "CLOSING, memory_order_acq_rel,\n\t\tmemory_order_acquire);",
           "CLOSING, memory_order_release,\n\t\tmemory_order_relaxed);", ALL, runs=300,
           reason="a change that is made finds OPEN, which nothing released. After one in vain close_end() "
                  "reads the word again"),
    Mutant("[order] acquire of the end is relaxed", "queue/close.c",
           "&ring->end, memory_order_acquire);\n\tif (end != CLOSING)", "&ring->end, memory_order_relaxed);\n\tif (end != CLOSING)", ALL, runs=300,
           reason="as for a decided end: the receiver uses the value, or passes a full fence in announce() "
                  "before it decides"),
    Mutant("[recovery] acquire of a change is relaxed", "queue/recovery_word.h", CHANGE,
           "\t\tmemory_order_release, memory_order_acquire);\n", ALL, runs=300,
           reason="no value of a recovery word comes twice, as what is owed only grows. The expected value "
                  "was read with acquire before, or stored by the thread itself, so a change that is made "
                  "reads from a store that is known"),
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
        pieces = zip(mutant.old, mutant.new) if isinstance(mutant.old, list) else [(mutant.old, mutant.new)]
        for old, new in pieces:
            if text.count(old) != 1:
                raise RuntimeError(f"{mutant.file} has {text.count(old)} times, not once:\n{old}")
            text = text.replace(old, new)
        return text

    def is_affected(self, mutant, name):
        """Whether the source has to be compiled again. The scheduler's own judge the library from outside:
        inline functions that they call may stay as they are, and constants may not."""
        if mutant.file not in self.includes[mutant.config, name]:
            return False
        return name not in self.scheduler or "#define" in "".join(mutant.old)

    def mutate(self, mutant, directory):
        lib = directory / "lib"
        shutil.copytree(self.root / "lib", lib)
        (lib / mutant.file).write_text(self.mutated(mutant))
        changed = {}
        for name in self.parts(mutant.config, mutant.program):
            if self.is_affected(mutant, name):
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


def schedule(program, mutant, seed):
    """A program of the scheduler. What it does depends on the sources alone."""
    command = [str(program), "--quick", "--seed", str(seed), "--runs", str(mutant.runs)]
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


def link_unchanged(sources, mutants):
    for config, program in sorted({(mutant.config, mutant.program) for mutant in mutants}):
        output = sources.linked(sources.objects(config), config, program)
        if not output.exists():
            sources.link(config, program, {}, output)


def as_far_as_caught(results):
    """Of each program a mutant with the runs that the last of its mutants to be caught took. A run
    depends on its number and the seed alone, so these are the runs that have to pass."""
    most = {}
    for mutant, caught, end in results:
        if caught and end.runs >= (most[mutant.use()].runs if mutant.use() in most else 0):
            most[mutant.use()] = dataclasses.replace(mutant, runs=end.runs)
    return list(most.values())


def check_unchanged(sources, uses, executor):
    """Whether every program passes."""
    jobs = []
    for mutant in uses:
        output = sources.linked(sources.objects(mutant.config), mutant.config, mutant.program)
        if mutant.config == "sched":
            jobs.append(executor.submit(schedule, output, mutant, SEEDS[0]))
        else:
            jobs.append(executor.submit(play, output, 1, 1, 20))
    good = True
    for mutant, job in zip(uses, jobs):
        end = job.result()
        if end.kind != "passed":
            print(f"unchanged, {mutant.program} ({mutant.config}) fails: {end.kind}\n{end.output}")
            good = False
    return good


def hunt(sources, program, mutant):
    """The first seed that catches it, if its program passes with that on the unchanged sources."""
    for seed in SEEDS:
        end = schedule(program, mutant, seed)
        if end.kind != "passed" or mutant in EQUIVALENTS:
            break
    unchanged = sources.linked(sources.objects("sched"), "sched", mutant.program)
    if seed != SEEDS[0] and end.kind == "failed" and schedule(unchanged, mutant, seed).kind != "passed":
        end.kind = "unchanged fails, too"
    return end


def judge(sources, number, mutant, attempts):
    """Whether the mutant was caught, and how its program ended."""
    directory = sources.work / f"mutant-{number}"
    directory.mkdir()
    try:
        program = sources.mutate(mutant, directory)
    except RuntimeError as error:
        return False, End("cannot be made", str(error))
    if mutant.config == "sched":
        end = hunt(sources, program, mutant)
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
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    arguments = parser.parse_args()
    chosen = EQUIVALENTS if arguments.equivalents else MUTANTS
    mutants = [(number, mutant) for number, mutant in enumerate(chosen)
               if not arguments.names or any(name in mutant.name for name in arguments.names)]
    begin = time.monotonic()
    report = []
    with tempfile.TemporaryDirectory(prefix="magring-mutants-") as work, \
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as executor:
        sources = Sources(arguments.source.resolve(), pathlib.Path(work), shlex.split(arguments.cc))
        for mutant in EQUIVALENTS:
            sources.mutated(mutant)
        if not has_thread_sanitizer(sources):
            return SKIPPED
        for config in sorted({mutant.config for _, mutant in mutants}):
            sources.build_all(config, [mutant.program for _, mutant in mutants if mutant.config == config], executor)
        link_unchanged(sources, [mutant for _, mutant in mutants])
        jobs = [executor.submit(judge, sources, number, mutant, arguments.attempts)
                for number, mutant in mutants]
        results = []
        for (_, mutant), job in zip(mutants, jobs):
            caught, end = job.result()
            results.append((mutant, caught, end))
            print(describe(mutant, caught, end), flush=True)
            report.append({"name": mutant.name, "file": mutant.file, "program": mutant.program,
                           "config": mutant.config, "caught": caught, "by": end.kind, "text": end.text,
                           "runs": end.runs, "seconds": round(end.seconds, 3)})
        unchanged_passes = check_unchanged(sources, as_far_as_caught(results), executor)
    survivors = sum(not entry["caught"] for entry in report)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(mutants) - survivors} of {len(mutants)} mutants caught in {time.monotonic() - begin:.0f} s, "
          f"{cpu.ru_utime + cpu.ru_stime:.0f} s of CPU")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if not unchanged_passes:
        return 1
    return 1 if (survivors < len(mutants) if arguments.equivalents else survivors) else 0


if __name__ == "__main__":
    sys.exit(main())
