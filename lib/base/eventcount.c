/* SPDX-License-Identifier: MIT */
/*
 * A gate is an event count (Reed and Kanodia, 1979; Vyukov's eventcount) in one
 * 64-bit word, so that who sleeps and who is being woken change together:
 *
 *	bits 0-31   epoch: the futex; moves on with every wake-up
 *	bits 32-33  WAKING: how many wake-ups are on their way to a sleeper
 *	bit  34     FENCED: wakers pass a full fence before they believe that nobody waits
 *	bit  35     SEEN: all of them have seen that
 *	bit  36     ARMED: the descriptor waits for a signal
 *	bits 37-63  how many sleepers have entered and not left
 *
 *	WAKING <= 2,  WAKING > 0 only while there are sleepers
 *
 * The side that makes the condition true reads the word, with a plain load
 * after fence_light(). A thread that wants to sleep enters (sleepers + 1),
 * passes fence_heavy() and looks at the condition once more. So either the waker
 * sees the sleeper or the sleeper sees the condition.
 *
 * That fence interrupts every processor that runs a thread of the process. So the first sleeper sets
 * FENCED as it enters, and SEEN after its fence, still entered. From then on a waker's load finds
 * FENCED, which makes it pass a full fence of its own and read again; and whoever enters when SEEN is
 * there needs a full fence and no heavy one. Wakers that meet nobody for long take both
 * back, but only while nobody has entered: so FENCED was there without a break from before a heavy
 * fence until any entry that found SEEN. A load from before that heavy fence has what its thread had
 * changed before it seen by that sleeper; one from between finds FENCED; one
 * from after the entry finds the sleeper.
 *
 * Waking adds to WAKING and moves the epoch on in one CAS. A sleeper that has
 * entered before that holds an older epoch, so its futex wait returns. Whoever
 * leaves takes one from WAKING. While there are two nobody else wakes: a stream of
 * messages costs two system calls, not one a message. That is safe because all of
 * it is read-modify-writes of one word:
 *
 *	- a waker that finds WAKING at its limit comes before the leaves that lower
 *	  it; a leaver therefore sees what the waker published, and looks after;
 *	- a waker that comes after such a leave finds WAKING lower, and wakes.
 *
 * Two, so that one thread that is stopped after it was woken, or while it wakes
 * another, does not keep the rest asleep; even the last sleeper is therefore woken
 * a second time. When it has left, the second wake-up may stay behind and count for
 * a sleeper that came later. It is the only one that does, so the limit is never
 * reached by wake-ups that nobody will answer. And who enters while there are two takes
 * one off: they are not for it, and may both have gone to one thread that is stopped.
 *
 * One wake-up, one sleeper: the rest is passed on. A leaver that found the condition
 * true, took its share and sees that it still holds wakes the next one; and so
 * does one that leaves because of its deadline or is cancelled, since the
 * wake-up may have been meant for it. Without this a wake-up is lost when a batch, or
 * several threads while WAKING is at its limit, have brought more than one.
 *
 * The descriptor is an eventfd used as a level: ARMED, it is not readable, and the
 * next waker clears ARMED and then signals it; not ARMED, it is readable or about
 * to be. One signal per clearing of ARMED and one arming per consumed signal, so no
 * late signal can meet an armed eventcount. A thread that is stopped between the two
 * steps of either keeps the descriptor quiet until it runs again.
 */
#include "base/eventcount.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fence.h"

#define EPOCH ((uint64_t)UINT32_MAX)
/* After how many fences in vain, of one thread, wakers stop to make them. A prime, so that a thread
 * which looks at several gates in turn comes to each of them. */

_Static_assert(sizeof(long) == 8, "SYS_futex takes the 64-bit struct timespec");

/* The half of the word that the kernel compares. */
static uint32_t *futex_of(struct eventcount *eventcount)
{
	uint32_t *halves = (uint32_t *)(void *)&eventcount->word;
	return &halves[__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__];
}

static uint64_t next_epoch(uint64_t word)
{
	return (word & ~EPOCH) | ((word + 1) & EPOCH);
}

void eventcount_init(struct eventcount *eventcount)
{
	atomic_init(&eventcount->word, 0);
	atomic_init(&eventcount->fd, -1);
}

static void close_fd(int fd)
{
	/* It would be a cancellation point. Not by a raw system call: tools that follow
	 * descriptors would miss it. */
	int cancel_state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	close(fd);
	pthread_setcancelstate(cancel_state, NULL);
}

void eventcount_fini(struct eventcount *eventcount)
{
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_relaxed);
	if (fd >= 0)
		close_fd(fd);
}

static void futex_wake(struct eventcount *eventcount, int sleepers)
{
	syscall(SYS_futex, futex_of(eventcount), FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
}

static void signal_fd(struct eventcount *eventcount)
{
	/* [fd] acquire: pairs with eventcount_fd(); ARMED was set by who saw the descriptor. */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	/* Raw, as write() would be a cancellation point. It cannot fail: the counter is
	 * 0 or 1. */
	const eventfd_t one = 1;
	syscall(SYS_write, fd, &one, sizeof(one));
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
	/* [sleep] light side, though it is a full fence: pairs with eventcount_prepare_wait(). */
	fence_full();
	word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	if (word >= EVENTCOUNT_ARMED)
		return true;
	/* Relaxed: it takes its place among the word's changes, and if the word has changed, so be it. */
	if (++in_vain % EVENTCOUNT_FENCES_IN_VAIN == 0)
		atomic_compare_exchange_strong_explicit(&eventcount->word, &word, word & ~(EVENTCOUNT_FENCED | EVENTCOUNT_SEEN),
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
	/* [wake] acq_rel: what made the condition true comes before this, so a
	 * leave that lowers the WAKING seen here sees it. An addition of nothing: a
	 * load would not take its place among the word's changes. */
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
		signal_fd(eventcount);
	if (waking(next) == waking(word))
		return false;
	futex_wake(eventcount, 1);
	return true;
}

void eventcount_notify_all(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/* [wake] acq_rel: a sleeper that enters after this sees the condition. */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,
			next_epoch(word) & ~EVENTCOUNT_ARMED, memory_order_acq_rel, memory_order_relaxed))
		;
	if (word & EVENTCOUNT_ARMED)
		signal_fd(eventcount);
	if (word >= EVENTCOUNT_SLEEPER)
		futex_wake(eventcount, INT_MAX);
}

uint32_t eventcount_prepare_wait(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed), next;
	uint64_t fenced = fence_asymmetric ? EVENTCOUNT_FENCED : 0;
	do
		next = (word + EVENTCOUNT_SLEEPER - (waking(word) == EVENTCOUNT_WAKING_MAX ? EVENTCOUNT_WAKING : 0)) | fenced;
	/* [wake] acq_rel: pairs with eventcount_notify() and eventcount_notify_all(), and with SEEN below. */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, next, memory_order_acq_rel,
		memory_order_relaxed));
	/* [sleep] heavy side: the sleeper is counted before it looks again; the light
	 * side is in queue.c, between the change to the ring and eventcount_has_waiters(). */
	if (word & EVENTCOUNT_SEEN) {
		fence_full();
	} else {
		fence_heavy();
		/* [wake] release: who sees this comes after the fence. */
		if (fenced)
			atomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_SEEN, memory_order_release);
	}
	return (uint32_t)(word & EPOCH);
}

/* Not by way of a linkage table: on aarch64 its entries have no unwinding information, and a
 * thread that is cancelled in one ends without running any handler. */
#ifndef __clang__
__attribute__((noplt)) long syscall(long number, ...);
__attribute__((noplt)) int pthread_setcanceltype(int type, int *ret_old);
#endif

/* A cancelled thread leaves this frame in the middle of the system call, with an
 * argument of it on the stack that no unwinding information counts for a landing
 * pad. So there must be none: no caller's by inlining, and none of ThreadSanitizer,
 * after which the unwinder would lose its way and run no handler at all. Nor may there
 * be red zones of AddressSanitizer, which would stay behind for later frames. */
__attribute__((noinline, no_sanitize_address, no_sanitize_thread))
void eventcount_commit_wait(struct eventcount *eventcount, uint32_t ticket, int64_t deadline_ns)
{
	uint32_t *futex = futex_of(eventcount);
	struct timespec deadline = { .tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000 };
	int cancel_type;
	bool interrupted;
	do {
		/* A raw system call is no cancellation point. Nothing of ours but the
		 * call itself runs while cancellation may strike at any instruction. */
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &cancel_type);
		long result = syscall(SYS_futex, futex, FUTEX_WAIT_BITSET_PRIVATE, ticket,
			deadline_ns == INT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
		pthread_setcanceltype(cancel_type, NULL);
		interrupted = result != 0 && errno == EINTR;
	} while (interrupted);
}

static uint64_t left(uint64_t word)
{
	uint64_t next = word - EVENTCOUNT_SLEEPER - (waking(word) > 0 ? EVENTCOUNT_WAKING : 0);
	return waking(next) > next / EVENTCOUNT_SLEEPER ? next - EVENTCOUNT_WAKING : next;
}

void eventcount_cancel_wait(struct eventcount *eventcount)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/* [wake] acq_rel: pairs with an eventcount_notify() that found WAKING at its limit. */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,
			left(word), memory_order_acq_rel, memory_order_relaxed))
		;
}

int eventcount_fd(struct eventcount *eventcount)
{
	/* [fd] acquire: pairs with the CAS below. */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	if (fd >= 0)
		return fd;
	int created = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	if (created < 0)
		return -errno;
	/* [fd] release: the descriptor is made before it is found. */
	if (atomic_compare_exchange_strong_explicit(&eventcount->fd, &fd, created,
			memory_order_acq_rel, memory_order_acquire))
		return created;
	close_fd(created);
	return fd;
}

void eventcount_arm(struct eventcount *eventcount, eventcount_condition *ready, const void *context)
{
	/* [fd] acquire: pairs with eventcount_fd(). */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	eventfd_t signals;
	if (fd < 0 || atomic_load_explicit(&eventcount->word, memory_order_relaxed) & EVENTCOUNT_ARMED)
		return;
	if (syscall(SYS_read, fd, &signals, sizeof(signals)) < 0)
		return; /* the signal is on its way: readable soon, and that is right */
	/* [wake] acq_rel: pairs with eventcount_notify(). */
	atomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_ARMED, memory_order_acq_rel);
	/* [sleep] heavy side: armed before looking again, as in eventcount_prepare_wait(). */
	fence_heavy();
	if (ready(context))
		eventcount_notify(eventcount);
}
