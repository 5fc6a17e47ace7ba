/* SPDX-License-Identifier: MIT */
/*
 * A thread's directory of its caches: an array, indexed by the pool's number.
 *
 *	no slots -> THREAD_SLOTS of thread-local storage -> 2^n of the heap
 *
 * It has more slots than the highest number that the thread has used, so two
 * live pools never share one. The number of a destroyed pool is given to
 * another, whose key differs: the old slot does not match, and is overwritten.
 *
 * Static thread-local storage is scarce, as all libraries that are loaded late
 * share a small reserve. So it holds few slots, which suffice for the lowest
 * numbers, and a pool gets the lowest that is free. If the heap refuses more,
 * the thread works without a cache in that pool.
 *
 * Only its thread reads or writes a directory.
 */
#include "pool/thread_directory.h"

#include <stdlib.h>
#include <string.h>

#include "tuning.h"

_Static_assert((MAGRING_POOLS_MAX & (MAGRING_POOLS_MAX - 1)) == 0,
	"the lowest bits of a key are a number");
_Static_assert((THREAD_SLOTS & (THREAD_SLOTS - 1)) == 0, "slots are indexed by a mask");

/* What a thread without caches looks into: no pool has key 0. */
static struct thread_slot no_slot;
/* Its natural alignment and no more: modules share what static TLS there is. */
static THREAD_LOCAL struct thread_slot first_slots[THREAD_SLOTS];
THREAD_LOCAL struct thread_directory thread_directory = { .slots = &no_slot, .mask = 0 };

static void free_slots(void)
{
	if (thread_directory.slots != &no_slot && thread_directory.slots != first_slots)
		free(thread_directory.slots);
}

bool thread_directory_reach(uint64_t key)
{
	struct thread_directory *directory = &thread_directory;
	size_t number = pool_key_number(key), count = THREAD_SLOTS;
	if (number < thread_slots() && directory->slots != &no_slot)
		return true;
	while (count <= number)
		count *= 2;
	struct thread_slot *slots = first_slots;
	if (count > THREAD_SLOTS) {
		slots = calloc(count, sizeof(*slots));
		if (slots == NULL)
			return false;
		memcpy(slots, directory->slots, thread_slots() * sizeof(*slots));
	}
	free_slots();
	directory->slots = slots;
	directory->mask = (count - 1) * sizeof(*slots);
	return true;
}

void thread_directory_set(uint64_t key, struct cache *cache)
{
	*thread_slot_of(key) = (struct thread_slot){ .key = key, .cache = cache };
}

void thread_directory_clear(void)
{
	free_slots();
	memset(first_slots, 0, sizeof(first_slots));
	thread_directory = (struct thread_directory){ .slots = &no_slot, .mask = 0 };
}
