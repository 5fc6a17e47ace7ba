/* SPDX-License-Identifier: MIT */
/*
 * An eventcount (Reed and Kanodia 1979, in the form of Vyukov's) in one 64-bit
 * word, so that the sleepers and the wake-ups for them change together:
 *
 *	bits 0-31   epoch: the futex; moves on with every wake-up
 *	bits 32-33  WAKING: how many wake-ups are on their way
 *	bit  34     FENCED: wakers pass a full fence before they believe that
 *	            there is no sleeper
 *	bit  35     SEEN: all wakers have seen FENCED
 *	bit  36     POLLED: there is a descriptor, or soon; eventcount_fd.c
 *	bit  37     ARMED: it waits for a signal
 *	bits 38-63  how many sleepers have entered and not left
 *
 *	WAKING <= 2,  WAKING > 0 only while there are sleepers
 *
 * Sleeping and waking. A waker without a sleeper needs no locked instruction:
 *
 *	waker: make the condition true    sleeper: enter, sleepers + 1
 *	       fence_light()                       fence_heavy()
 *	       eventcount_peek()                   check the condition
 *
 * The light fence is a compiler barrier and the peek a plain load. The heavy
 * fence is a system call, membarrier, in eventcount_prepare_wait(). It makes
 * each running thread of the process pass a full barrier (fence.c). So the
 * waker sees the sleeper, or the sleeper sees the condition. A sleeper pays for
 * both, and only when it has nothing else to do.
 *
 * For a queue the waker is notify_waiters() in notify.h. It reads the words
 * of both sides at once, by eventcount_may_have_waiters(). Only if one of them
 * has FENCED or more set it calls eventcount_has_waiters(), and then
 * eventcount_notify(). Where membarrier is not allowed, fence_light() is a full
 * fence, and nothing else changes.
 *
 * The waker adds to WAKING and moves the epoch on in one CAS. A sleeper that
 * has entered before holds an older epoch, so its futex wait returns. A sleeper
 * that leaves takes one from WAKING.
 *
 * Two wake-ups at a time. While WAKING is at its limit no other waker wakes. So
 * a stream of messages costs two system calls, and not one a message. All
 * changes are read-modify-writes of one word, and therefore this is safe:
 *
 *	- A waker that finds WAKING at its limit comes before the leave that
 *	  lowers it. So the leaver sees what the waker published, as it checks
 *	  afterwards.
 *	- A waker that comes after that leave finds WAKING lower, and wakes.
 *
 * For that a waker begins with a read-modify-write, though it changes nothing.
 * Its release lets each later change, and so that leave, see what the waker
 * published. What its CAS finds when it fails is a later change. On x86 clang
 * compiles it to a full fence and a load, and that suffices there: what was
 * published is in memory before the load, and the load before the leave. On
 * aarch64 it would not suffice. docs/memory-model.md has the whole argument.
 *
 * With a limit of one, a single thread that stops after it was woken would keep
 * the rest asleep. So would one that stops as it wakes another. For that reason
 * even a lone sleeper may be woken twice. The surplus goes when it leaves, or
 * counts for a sleeper that has entered before. Stale wake-ups alone never
 * reach the limit. A sleeper that enters while WAKING is at its limit takes one
 * off. Both may have gone to one thread that is stopped.
 *
 * One wake-up wakes one sleeper, and the rest is passed on. A thread that
 * leaves, got something and sees that the condition still holds wakes the next
 * sleeper. A thread that leaves because of its deadline or a cancellation does
 * the same, since the wake-up may have been meant for it. Without this a
 * wake-up is lost when a batch brings more than one message. It is also lost
 * when several threads bring one each while WAKING is at its limit.
 *
 * Cheaper fences. fence_heavy() interrupts every processor that runs a thread
 * of the process. So the first sleeper sets FENCED as it enters, and SEEN after
 * its fence, while it is still counted. A waker that finds FENCED passes a full
 * fence of its own and reads again. A sleeper that finds SEEN as it enters
 * needs a full fence instead of a heavy one. Wakers that have met no sleeper
 * for long take both bits back, unless a sleeper has entered or ARMED is set.
 * That moves the epoch on, for an arming that has yet to set SEEN.
 *
 * So when an entry finds SEEN, FENCED was there without a break since before a
 * heavy fence. A waker's load is of one of three moments:
 *
 *	before that heavy fence     the sleeper sees what the waker changed
 *	between fence and entry     the load finds FENCED
 *	after the entry             the load finds the sleeper
 */
#include "base/eventcount.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fence.h"

_Static_assert(sizeof(long) == 8, "SYS_futex takes the 64-bit struct timespec");

void eventcount_init(struct eventcount *eventcount)
{
	atomic_init(&eventcount->word, 0);
	atomic_init(&eventcount->fd, -1);
	atomic_init(&eventcount->passed, 0);
}

static void futex_wake(struct eventcount *eventcount, int sleepers)
{
	syscall(SYS_futex, eventcount_futex(eventcount), FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL,
		0);
}

static uint64_t waking(uint64_t word)
{
	return (word & (EVENTCOUNT_FENCED - 1)) / EVENTCOUNT_WAKING;
}

bool eventcount_has_waiters_fenced(struct eventcount *eventcount)
{
	static THREAD_LOCAL unsigned int in_vain;
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	if (word >= EVENTCOUNT_ARMED)
		return true;
	if (!(word & EVENTCOUNT_FENCED)) /* POLLED alone is none */
		return false;
	/*
	 * [sleep] light side, though it is a full fence: pairs with
	 * eventcount_prepare_wait().
	 */
	fence_full();
	word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	if (word >= EVENTCOUNT_ARMED)
		return true;
	/*
	 * Relaxed: this takes its place among the word's changes. If the word
	 * has changed since, FENCED and SEEN stay.
	 */
	if (++in_vain % EVENTCOUNT_FENCES_IN_VAIN == 0)
		atomic_compare_exchange_strong_explicit(&eventcount->word, &word,
			next_epoch(word) & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN),
			memory_order_relaxed, memory_order_relaxed);
	return false;
}

/* The change that a wake-up makes, if any. */
static uint64_t woken(uint64_t word)
{
	uint64_t next = word & ~EVENTCOUNT_ARMED;
	if (waking(word) < EVENTCOUNT_WAKING_MAX && word >= EVENTCOUNT_SLEEPER)
		next = next_epoch(next) + EVENTCOUNT_WAKING;
	return next;
}

bool eventcount_notify(struct eventcount *eventcount)
{
	/*
	 * [wake] acq_rel: what made the condition true comes before this, so a
	 * leave that lowers the WAKING seen here sees it. An addition of
	 * nothing, as a load would not take its place among the word's changes.
	 * (On x86 clang makes a fence and a load of it: see above.)
	 */
	uint64_t word = atomic_fetch_add_explicit(&eventcount->word, 0, memory_order_acq_rel);
	uint64_t next;
	do {
		next = woken(word);
		if (next == word)
			return false;
		/* [wake] acq_rel: as above. */
	} while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, next,
		memory_order_acq_rel, memory_order_acquire));
	if (word & EVENTCOUNT_ARMED)
		eventcount_signal_fd(eventcount);
	if (waking(next) == waking(word))
		return false;
	futex_wake(eventcount, 1);
	return true;
}

void eventcount_notify_all(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/* [wake] acq_rel: a later sleeper sees the condition. */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,
		next_epoch(word) & ~EVENTCOUNT_ARMED, memory_order_acq_rel, memory_order_relaxed))
		;
	if (word & EVENTCOUNT_ARMED)
		eventcount_signal_fd(eventcount);
	if (word >= EVENTCOUNT_SLEEPER)
		futex_wake(eventcount, INT_MAX);
}

/* One sleeper more. It takes one off a WAKING at its limit: see above. */
static uint64_t entered(uint64_t word)
{
	return word + EVENTCOUNT_SLEEPER -
		(waking(word) == EVENTCOUNT_WAKING_MAX ? EVENTCOUNT_WAKING : 0);
}

uint32_t eventcount_prepare_wait(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	uint64_t fenced = fence_asymmetric ? EVENTCOUNT_FENCED : 0;
	/*
	 * [wake] acq_rel: pairs with eventcount_notify() and
	 * eventcount_notify_all(), and with SEEN below.
	 */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,
		entered(word) | fenced, memory_order_acq_rel, memory_order_relaxed))
		;
	/*
	 * [sleep] heavy side: the sleeper is counted before it checks the
	 * condition. The light side comes between the change that makes the
	 * condition true and eventcount_has_waiters().
	 */
	if (word & EVENTCOUNT_SEEN) {
		fence_full();
	} else {
		fence_heavy();
		/* [wake] release: a sleeper that sees it is after the fence. */
		if (fenced)
			atomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_SEEN,
				memory_order_release);
	}
	return (uint32_t)(word & EVENTCOUNT_EPOCH);
}

/*
 * Not by way of a linkage table. A thread that is cancelled while the dynamic
 * linker resolves a name leaves the linker's state behind. On aarch64 the
 * entries have no unwinding information either.
 */
#ifndef __clang__
__attribute__((noplt)) long syscall(long number, ...);
__attribute__((noplt)) int pthread_setcanceltype(int type, int *ret_old);
#endif

/*
 * A cancelled thread leaves this frame in the middle of the system call. One of
 * the call's arguments is then on the stack, and no landing pad's unwinding
 * information counts it. So the frame must have no landing pad. Its caller in
 * eventcount_await.c has none, so it may be inlined there. ThreadSanitizer
 * would add one. Red zones of AddressSanitizer would stay behind for later
 * frames, so the frame has none of these either.
 */
__attribute__((no_sanitize_address, no_sanitize_thread)) void
eventcount_commit_wait_as(struct eventcount *eventcount, uint32_t ticket, int64_t deadline_ns,
	uint32_t kinds)
{
	uint32_t *futex = eventcount_futex(eventcount);
	struct timespec deadline = { .tv_sec = 0 };
	bool limited = deadline_ns != INT64_MAX;
	bool relative = limited && clock_to_kernel(deadline_ns, &deadline);
	int operation = relative ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT_BITSET_PRIVATE;
	int cancel_type;
	bool interrupted;
	do {
		/*
		 * A raw system call is no cancellation point, so cancellation
		 * is made asynchronous. While it is, nothing of the library
		 * runs but the call itself.
		 */
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &cancel_type);
		long result = syscall(SYS_futex, futex, operation, ticket,
			limited ? &deadline : NULL, NULL, kinds);
		pthread_setcanceltype(cancel_type, NULL);
		interrupted = result != 0 && errno == EINTR;
	} while (interrupted);
}

/* One sleeper less. A second wake-up without a sleeper goes as well. */
static uint64_t left(uint64_t word)
{
	uint64_t next = word - EVENTCOUNT_SLEEPER - (waking(word) > 0 ? EVENTCOUNT_WAKING : 0);
	return waking(next) > next / EVENTCOUNT_SLEEPER ? next - EVENTCOUNT_WAKING : next;
}

void eventcount_cancel_wait(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/*
	 * [wake] acq_rel: pairs with an eventcount_notify() that found WAKING
	 * at its limit.
	 */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, left(word),
		memory_order_acq_rel, memory_order_relaxed))
		;
}
