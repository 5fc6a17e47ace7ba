/* SPDX-License-Identifier: MIT */
/*
 * Memory, as the library's accesses find it. Real memory has the newest value
 * of each location. What the kinds of memory differ in is what a load returns:
 *
 *	SC    the newest value
 *	TSO   the same, but a store stays in a buffer of its thread for a while;
 *	      a full fence, a locked instruction, a system call and an interrupt
 *	      empty it, and so does another thread's membarrier
 *	WEAK  any value that C11 allows: none that is older than what happens
 *	      before the load, or than what the thread has seen of the location.
 *	      A fence orders as its kind says
 *
 * WEAK memory has the executions of RC11 (Lahav et al., 2017) that an order of
 * steps explains. A step comes after what precedes it in its thread, after the
 * store that it reads, after older stores to the location it stores to, and
 * after the fences before it. Only loads look back.
 *
 *	shown      store buffering, message passing and its longer chains, IRIW,
 *	           R, stale values of a failed CAS, weak CAS that fail; membarrier
 *	           as a full fence in each thread
 *	not shown  a store before an earlier load or store of its thread, if
 *	           another thread's step depends on it: load buffering, 2+2W, S.
 *	           Nor values older than the last STORES of a location, and what a
 *	           compiler may reorder: an atomic_signal_fence() has no effect
 *	stronger   a fence orders with all later fences of a run, also where RC11
 *	than RC11  could order them the other way round. A seq_cst load has a full
 *	           fence before it, a seq_cst store one after it, and a seq_cst
 *	           change one before it
 *	weaker     a release sequence has read-modify-writes only, as in C++20: a
 *	than C11   relaxed store by the same thread ends it
 *
 * C11 has no store to two words. Here a thread that has seen one half, and
 * passes an acquire fence, has seen the other: processors store 16 bytes at once.
 *
 * In every kind of memory plain accesses must not race. Two of them race if
 * one writes, and neither happens before the other by the rules of C11. No more
 * than that is asked, so a race is found whichever access comes first. That is
 * also why plain accesses need no buffer and are no steps. As in FastTrack
 * (Flanagan and Freund, 2009), a cell of 4 bytes knows its last write, and the
 * last read of each thread. It becomes four cells when a part of it is accessed.
 * Atomic accesses race with plain ones.
 *
 * Memory that was freed is not used again in the same run.
 *
 * Atomic operations and fences are in this file. Plain accesses are in cells.c,
 * the values of atomic variables in locations.c, the buffers of TSO memory in
 * buffers.c.
 */
#include "memory.h"

/* ------------------------------------------------------------- operations -- */

uint64_t memory_load(uintptr_t address, unsigned int size, int order)
{
	if (!is_running())
		return get(address, size);
	point();
	if (order == __ATOMIC_SEQ_CST)
		memory_fence(order);
	const struct buffered *own = me->buffered > 0 ? buffer_own(address) : NULL;
	if (own != NULL && own->size == size) {
		trace("load own", address, own->value);
		return own->value;
	}
	struct location *location = location_of(address, size, "an atomic load", false);
	unsigned int age = 0;
	if (engine->plan.memory == SCHED_WEAK)
		age = strategy_decide(STALE, location_candidates(location));
	struct store *store = back(location, age);
	location->read[me->id] = now(me);
	location_see(store, order);
	location_note_half(location, store);
	if (acquires(order))
		location_see_halves();
	trace(age > 0 ? "load old" : "load", address, store->value);
	return store->value;
}

void memory_store(uintptr_t address, unsigned int size, uint64_t value, int order)
{
	if (!is_running()) {
		put(address, size, value);
		return;
	}
	point();
	struct location *location = location_of(address, size, "an atomic store", true);
	trace("store", address, value);
	if (engine->plan.memory == SCHED_TSO && cell_of(address) != NULL)
		buffer_add(location, value, carried(order));
	else
		location_commit(location, value, carried(order), me->id, now(me));
	tick(me);
	if (order == __ATOMIC_SEQ_CST)
		memory_fence(order);
}

static uint64_t result_of(enum rmw kind, uint64_t old, uint64_t operand)
{
	switch (kind) {
	case EXCHANGE:
		return operand;
	case ADD:
		return old + operand;
	case SUB:
		return old - operand;
	case AND:
		return old & operand;
	case OR:
		return old | operand;
	case XOR:
		return old ^ operand;
	}
	return 0;
}

/* The running thread replaces the newest store. A release sequence goes on. */
static void replace(struct location *location, uint64_t value, int order)
{
	struct store *old = newest(location);
	struct clock release;
	bool has = old->releases || carried(order) != NULL;
	memset(&release, 0, sizeof(release));
	if (old->releases)
		clock_join(&release, &old->release);
	if (carried(order) != NULL)
		clock_join(&release, carried(order));
	location_commit(location, value, has ? &release : NULL, me->id, now(me));
	tick(me);
}

static struct location *rmw_begin(uintptr_t address, unsigned int size, int order, bool write)
{
	point();
	memory_drain(me);
	if (order == __ATOMIC_SEQ_CST)
		memory_fence(order);
	struct location *location = location_of(address, size, "an atomic change", write);
	location->read[me->id] = now(me);
	return location;
}

static uint64_t mask_of(unsigned int size)
{
	return size == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * size) - 1;
}

uint64_t memory_rmw(uintptr_t address, unsigned int size, enum rmw kind, uint64_t operand,
	int order)
{
	if (!is_running()) {
		uint64_t before = get(address, size);
		put(address, size, result_of(kind, before, operand));
		return before;
	}
	struct location *location = rmw_begin(address, size, order, true);
	uint64_t old = newest(location)->value;
	uint64_t value = result_of(kind, old, operand) & mask_of(size);
	location_see(newest(location), order);
	replace(location, value, order);
	trace("change", address, value);
	return old;
}

bool memory_cas(uintptr_t address, unsigned int size, uint64_t *expected, uint64_t desired,
	int order, int failure, bool weak)
{
	if (!is_running()) {
		uint64_t before = get(address, size);
		bool same = before == *expected;
		*expected = before;
		if (same)
			put(address, size, desired);
		return same;
	}
	struct location *location = rmw_begin(address, size, order, false);
	struct store *store = newest(location);
	bool done = store->value == *expected;
	if (engine->plan.memory == SCHED_WEAK) {
		unsigned int age = strategy_decide(STALE, location_candidates(location));
		if (back(location, age)->value != *expected) {
			store = back(location, age);
			done = false;
		} else if (done && weak) {
			done = strategy_decide(FAIL_WEAK, 2) == 0;
		}
	}
	location_see(store, done ? order : failure);
	if (!done)
		location_note_half(location, store);
	*expected = store->value;
	if (done) {
		if (cell_of(address) != NULL)
			location_check(address, size, "an atomic change", true);
		replace(location, desired, order);
	}
	trace(done ? "cas" : "cas failed", address, done ? desired : store->value);
	return done;
}

/* Two words at once, relaxed. */
bool memory_cas2(uintptr_t address, const uint64_t expected[2], const uint64_t desired[2])
{
	if (!is_running()) {
		bool same = memcmp((const void *)address, expected, 16) == 0;
		if (same)
			memcpy((void *)address, desired, 16);
		return same;
	}
	struct location *word[2];
	word[0] = rmw_begin(address, 8, __ATOMIC_RELAXED, false);
	word[1] = location_of(address + 8, 8, "an atomic change", false);
	word[1]->read[me->id] = now(me);
	bool done = newest(word[0])->value == expected[0] && newest(word[1])->value == expected[1];
	for (int i = 0; i < 2; i++)
		location_see(newest(word[i]), __ATOMIC_RELAXED);
	if (done)
		location_check(address, 16, "an atomic change", true);
	memory->pairs += done;
	for (int i = 0; i < 2 && done; i++) {
		replace(word[i], desired[i], __ATOMIC_RELAXED);
		newest(word[i])->pair = memory->pairs;
	}
	trace(done ? "cas 16" : "cas 16 failed", address, newest(word[0])->value);
	return done;
}

/* ----------------------------------------------------------------- fences -- */

void memory_fence_of(struct thread *thread)
{
	memory_drain(thread);
	if (thread->has_unacquired)
		clock_join(&thread->clock, &thread->unacquired);
	/* Only what loads may not miss goes from fence to fence. */
	for (int i = THREADS; i < 2 * THREADS; i++) {
		uint32_t *own = &thread->clock.at[i], *all = &memory->fences.at[i];
		*own = *own > *all ? *own : *all;
		*all = *own;
	}
	thread->released = thread->clock;
	thread->has_released = true;
	tick(thread);
}

void memory_fence(int order)
{
	if (!is_running())
		return;
	if (order == __ATOMIC_SEQ_CST) {
		point();
		trace("fence", 0, 0);
		location_see_halves();
		memory_fence_of(me);
		return;
	}
	if (acquires(order))
		location_see_halves();
	if (acquires(order) && me->has_unacquired)
		clock_join(&me->clock, &me->unacquired);
	if (releases(order)) {
		me->released = me->clock;
		me->has_released = true;
		tick(me);
	}
}

void sched_fence_light(void)
{
	if (engine->plan.full_fences)
		memory_fence(__ATOMIC_SEQ_CST);
}

void memory_release_edge(struct clock *clock)
{
	clock_join(clock, &me->clock);
	tick(me);
}

void memory_acquire_edge(const struct clock *clock)
{
	clock_join(&me->clock, clock);
}
