/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of an eventcount is an eventfd that is used as a level:
 *
 *	ARMED      it is not readable; the next waker clears ARMED and then
 *	           signals it
 *	not ARMED  it is readable, or a thread is about to signal or arm it
 *
 * The counter is 0 or 1. A waker that clears ARMED signals, and no other does.
 * A thread that consumes the signal arms, or signals again. So no late signal
 * meets an armed eventcount. A thread that stops between the two steps of
 * either keeps the descriptor quiet until it runs again.
 *
 * One signal wakes one waiter, if waiters are exclusive or edge-triggered. So
 * it is passed on like a wake-up. A thread that got something, and sees that
 * the condition still holds, consumes the signal and signals again. A thread
 * that finds none to consume leaves it to the one that has consumed it.
 *
 * POLLED is there before the descriptor is, and stays. It makes the calls that
 * may have to pass a signal on look: it is more than FENCED. The first signal,
 * that of a new descriptor, has to be passed on too.
 *
 * An arming is an entry of a sleeper in all but name. It sets FENCED, passes a
 * heavy fence unless it found SEEN, and sets SEEN then: eventcount.c. So a
 * thread that polls again and again interrupts no processor. But any waker may
 * clear ARMED during that fence. FENCED may then be taken back and set anew, by
 * a thread whose fence has not ended. A late SEEN would be false.
 * Therefore SEEN is set only while the epoch is that of the arming: taking
 * FENCED back moves it on. So does a wake-up, and then a later fence sets SEEN.
 */
#include "base/eventcount.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fence.h"
#include "base/watched.h"

static void close_fd(int fd)
{
	/*
	 * close() is a cancellation point. A raw system call is none, but tools
	 * that follow descriptors would miss it.
	 */
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

void eventcount_signal_fd(struct eventcount *eventcount)
{
	/*
	 * [fd] acquire: pairs with eventcount_fd(); ARMED was set by a thread
	 * that saw the descriptor.
	 */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	/*
	 * Raw, as write() would be a cancellation point. It cannot fail: the
	 * counter is 0 or 1.
	 */
	const eventfd_t one = 1;
	syscall(SYS_write, fd, &one, sizeof(one));
}

int eventcount_fd(struct eventcount *eventcount)
{
	/* [fd] acquire: pairs with the CAS below. */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	if (fd >= 0) {
		watched_acquire(&eventcount->fd);
		return fd;
	}
	int created = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	if (created < 0)
		return -errno;
	/* Relaxed: the CAS below comes after it. */
	atomic_fetch_or_explicit(&eventcount->word, EVENTCOUNT_POLLED, memory_order_relaxed);
	watched_release(&eventcount->fd);
	/* [fd] release: the descriptor is made before it is found. */
	if (atomic_compare_exchange_strong_explicit(&eventcount->fd, &fd, created,
		    memory_order_acq_rel, memory_order_acquire))
		return created;
	close_fd(created);
	watched_acquire(&eventcount->fd);
	return fd;
}

/* The descriptor was armed, in a word that was like this before. */
static void fence_armed(struct eventcount *eventcount, uint64_t before)
{
	if (before & EVENTCOUNT_SEEN) {
		fence_full();
		return;
	}
	fence_heavy();
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/* [wake] release: an arming that sees it is after the fence. */
	while (fence_asymmetric && (uint32_t)word == (uint32_t)before &&
		!atomic_compare_exchange_weak_explicit(&eventcount->word, &word,
			word | EVENTCOUNT_SEEN, memory_order_release, memory_order_relaxed))
		;
}

/* Whether this thread has consumed the signal. */
static bool take_signal(int fd)
{
	eventfd_t signals;
	return fd >= 0 && syscall(SYS_read, fd, &signals, sizeof(signals)) >= 0;
}

bool eventcount_pass_fd_on(struct eventcount *eventcount, uint64_t thread)
{
	/* [fd] acquire: pairs with eventcount_fd(). */
	if (!take_signal(atomic_load_explicit(&eventcount->fd, memory_order_acquire)))
		return false;
	/* Relaxed: it paces. */
	if (thread != 0)
		atomic_store_explicit(&eventcount->passed, thread, memory_order_relaxed);
	eventcount_signal_fd(eventcount);
	return true;
}

void eventcount_arm(struct eventcount *eventcount, eventcount_condition *ready, void *context)
{
	/* [fd] acquire: pairs with eventcount_fd(). */
	int fd = atomic_load_explicit(&eventcount->fd, memory_order_acquire);
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	if (fd < 0 || word & EVENTCOUNT_ARMED)
		return;
	if (!take_signal(fd))
		return; /* the signal is on its way: readable soon, which is right */
	/* Relaxed: as in eventcount_pass_fd_on(). */
	atomic_store_explicit(&eventcount->passed, 0, memory_order_relaxed);
	uint64_t armed = EVENTCOUNT_ARMED | (fence_asymmetric ? EVENTCOUNT_FENCED : 0);
	/* [wake] acq_rel: pairs with eventcount_notify(), and with SEEN. */
	word = atomic_fetch_or_explicit(&eventcount->word, armed, memory_order_acq_rel);
	/*
	 * [sleep] heavy side: the descriptor is armed before the condition is
	 * checked again, as in eventcount_prepare_wait().
	 */
	fence_armed(eventcount, word);
	if (ready(context))
		eventcount_notify(eventcount);
}
