/* SPDX-License-Identifier: MIT */
/*
 * Waking sleepers of a kind. A sleeper says of which kinds it is, and the
 * kernel wakes none that is of no kind asked for. eventcount_notify() wakes
 * sleepers of all kinds alike.
 *
 * Such a wake-up is not counted in WAKING. That counts sleepers that were woken
 * and have not left, and here there may be none: all of the kind are awake. So
 * each notification is a system call. A sleeper that leaves takes one from
 * WAKING as always, perhaps that of another. Then more are woken than two at a
 * time, and none fewer.
 *
 * The epoch moves on, as in eventcount_notify(). A sleeper of the kind that has
 * entered and does not sleep yet then does not, and tries. One that enters
 * later tries as well: [wake], or [sleep] for one that was not seen.
 *
 * A sleeper of another kind may have got a wake-up of eventcount_notify() and
 * have no use for it. That notification has moved the epoch on. So it is enough
 * to wake one that sleeps. Sleepers that passed on by moving the epoch could
 * keep one another awake.
 */
#include "base/eventcount.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void eventcount_pass_on_kinds(struct eventcount *eventcount, uint32_t kinds)
{
	syscall(SYS_futex, eventcount_futex(eventcount), FUTEX_WAKE_BITSET_PRIVATE, 1, NULL, NULL,
		kinds);
}

void eventcount_notify_kinds(struct eventcount *eventcount, uint32_t kinds)
{
	uint64_t word = atomic_load_explicit(&eventcount->word, memory_order_relaxed);
	/* [wake] acq_rel: as in eventcount_notify(). */
	while (!atomic_compare_exchange_weak_explicit(&eventcount->word, &word, next_epoch(word),
		memory_order_acq_rel, memory_order_relaxed))
		;
	eventcount_pass_on_kinds(eventcount, kinds);
}
