/* SPDX-License-Identifier: MIT */
/*
 * Turns: no thread waits for memory for ever while others get it.
 *
 * A thread that frees and allocates finds the slab in its own cache, long
 * before the thread that the free has woken runs. That is fast, and unfair. So
 * it is allowed for some time only, after which those that have waited longest
 * take turns.
 *
 * The threads that wait for a class are in two groups:
 *
 *	first   those whose turn it is, or will be next
 *	second  those that came while the first group was there
 *
 * A thread joins the second group, or the first if that is empty. It leaves
 * when it has a slab or gives up. The last thread that leaves the first group
 * makes the second group the first. So a thread that gets a slab and waits
 * again is behind all that wait now.
 *
 *	open    free slabs are for any thread
 *	closed  free slabs are for the first group. A free moves what its
 *	        thread's cache has to the depot, and wakes a thread of the
 *	        group. Other threads find no memory, and wait.
 *
 * A class is open at first. It closes when a group has been the first for
 * TURN_NS, and opens when that group has left. So each thread waits for two
 * groups at most, its own included. It waits for TURN_NS of each, and then
 * until each other thread of the group has had one slab. That is as Go's mutex,
 * which is handed over once a thread has waited for 1 ms.
 *
 * Closed, a class also opens if its group does not come for what it is offered:
 * a thread of it may be stopped. TURN_LAPSE_NS after an offer that no try of
 * the group has followed, free slabs are for all. Such a try closes it again,
 * at its end: in the middle of it the thread may be stopped as well. So each
 * offer has another value, later by a nanosecond. A try takes back what it
 * found offered. If more was offered meanwhile that counts from its end.
 * An offer is noted whenever memory may be free without a try of the group to
 * follow that is certain:
 *
 *	- A free has notified, and a sleeper may come, or not.
 *	- The group has become the first one. Or a thread has left it, and
 *	  another one that was not asleep may have been stopped meanwhile.
 *
 * Closing is by the clock and needs no wake-up. A wake-up that a thread outside
 * of the group got before is passed on to the group: alloc_wait.c. Opening does
 * need one. The thread that leaves notifies after it has. No thread notifies
 * when an offer lapses. So a thread that was refused tries again then.
 *
 * The word has one bit for the number of the first group, and the sizes of both
 * groups:
 *
 *	bit  0       the number of the first group; the second has the other
 *	bits 1-31    threads of the first group
 *	bits 32-63   threads of the second group; none if the first has none
 *
 * A group keeps its number until its last thread has left. So a thread knows by
 * its own number where it is.
 */
#include "pool/turns.h"

#include "base/clock.h"
#include "tuning.h"

#define FIRST ((uint64_t)1 << 1)
#define SECOND ((uint64_t)1 << 32)

static unsigned int number_of(uint64_t word)
{
	return word & 1;
}

static uint64_t size_of_first(uint64_t word)
{
	return (word & (SECOND - 1)) / FIRST;
}

static void begin(struct turns *turns)
{
	int64_t now_ns = clock_coarse();
	/* Relaxed, both: one that comes late closes the class early. */
	atomic_store_explicit(&turns->since_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&turns->offered_ns, now_ns, memory_order_relaxed);
}

void turns_offer(struct turns *turns)
{
	int64_t ns = atomic_load_explicit(&turns->offered_ns, memory_order_relaxed), next;
	do {
		next = ns == 0 ? clock_coarse() : ns + 1;
		/* [offer] release: the memory is free before. */
	} while (!atomic_compare_exchange_weak_explicit(&turns->offered_ns, &ns, next,
		memory_order_release, memory_order_relaxed));
}

bool turns_offered(struct turns *turns)
{
	/* Relaxed: an offer comes before the wake-up that a sleeper got. */
	return atomic_load_explicit(&turns->offered_ns, memory_order_relaxed) != 0;
}

unsigned int turns_join(struct turns *turns)
{
	uint64_t word = atomic_load_explicit(&turns->word, memory_order_relaxed), next;
	unsigned int group;
	do {
		bool first = size_of_first(word) == 0;
		if (first)
			begin(turns);
		group = first ? number_of(word) : !number_of(word);
		next = word + (first ? FIRST : SECOND);
		/* Relaxed: [sleep] orders what the thread does next. */
	} while (!atomic_compare_exchange_weak_explicit(&turns->word, &word, next,
		memory_order_relaxed, memory_order_relaxed));
	return group;
}

/* The word with one thread of the group less. */
static uint64_t left(uint64_t word, unsigned int group)
{
	if (group != number_of(word))
		return word - SECOND;
	if (size_of_first(word) > 1)
		return word - FIRST;
	return word / SECOND * FIRST | !number_of(word);
}

void turns_leave(struct turns *turns, unsigned int group)
{
	uint64_t word = atomic_load_explicit(&turns->word, memory_order_relaxed), next;
	do {
		next = left(word, group);
		/* Relaxed: [sleep] orders it before the notification. */
	} while (!atomic_compare_exchange_weak_explicit(&turns->word, &word, next,
		memory_order_relaxed, memory_order_relaxed));
	if (number_of(next) != number_of(word))
		begin(turns);
	else
		turns_offer(turns);
}

unsigned int turns_first(struct turns *turns)
{
	return number_of(atomic_load_explicit(&turns->word, memory_order_relaxed));
}

bool turns_closed(struct turns *turns)
{
	/* Relaxed: see [sleep] for a thread that sleeps then. */
	if (size_of_first(atomic_load_explicit(&turns->word, memory_order_relaxed)) == 0)
		return false;
	int64_t now_ns = clock_coarse();
	if (now_ns == CLOCK_REFUSED)
		return false;
	int64_t offered_ns = atomic_load_explicit(&turns->offered_ns, memory_order_relaxed);
	return now_ns - atomic_load_explicit(&turns->since_ns, memory_order_relaxed) >= TURN_NS &&
		(offered_ns == 0 || now_ns - offered_ns < TURN_LAPSE_NS);
}

bool turns_may_take(struct turns *turns, unsigned int group, int64_t *ret_offer)
{
	*ret_offer = 0;
	if (group != turns_first(turns))
		return !turns_closed(turns);
	/* [offer] acquire: this try finds what was free before. */
	*ret_offer = atomic_load_explicit(&turns->offered_ns, memory_order_acquire);
	return true;
}

void turns_tried(struct turns *turns, int64_t offer)
{
	int64_t ns = offer;
	/* Relaxed, both: one that comes late closes the class late. */
	if (!atomic_compare_exchange_strong_explicit(&turns->offered_ns, &ns, 0,
		    memory_order_relaxed, memory_order_relaxed) &&
		ns != 0)
		atomic_compare_exchange_strong_explicit(&turns->offered_ns, &ns, clock_coarse(),
			memory_order_relaxed, memory_order_relaxed);
}
