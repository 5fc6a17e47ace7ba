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
 * A 16-byte store is no C11: a thread that has seen one half of it, and passes an
 * acquire fence, has seen the other, as processors store 16 bytes at once.
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
 */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA ((uintptr_t)0x200000000000)
#define ARENA_BYTES ((size_t)256 << 20)
#define STORES 8
#define LOCATIONS 8192
#define CELL 4
#define HALVES 8 /* that a thread may see between two fences, and more are forgotten */
#define PARTS 65536
#define FREED_MAX 65536 /* bytes of a piece that are marked as freed */

struct store {
	uint64_t value;
	struct clock release;
	uint32_t seen[THREADS]; /* when a thread first saw it; 0: not yet */
	uint32_t pair;          /* the number of the 16-byte store that it is half of; or 0 */
	bool releases;
};

struct location {
	uintptr_t address;
	unsigned int size;
	unsigned int count; /* of stores that are remembered */
	unsigned int newest;
	uint32_t read[THREADS]; /* atomically, last */
	uint32_t written[THREADS];
	struct store stores[STORES];
};

struct cell {
	uint32_t run; /* in which the rest was valid */
	uint32_t written;
	uint8_t writer;
	bool freed;
	uint16_t location; /* and 0 is none */
	uint16_t parts;    /* and 0 is none: a cell for each byte, instead of this one */
	uint32_t read[THREADS];
};

static struct memory {
	char *next; /* free memory of the arena */
	char *first;
	unsigned int locations;
	struct clock fences; /* what the full fences so far order */
	uint32_t pairs;      /* 16-byte stores so far */
	struct half {
		uintptr_t address;
		uint32_t pair;
	} halves[THREADS][HALVES]; /* of which a thread has seen the other one */
	unsigned int halves_count[THREADS];
	struct cell *arena;
	struct cell *globals;
	struct location location[LOCATIONS];
	unsigned int parts;
	struct cell part[PARTS][CELL];
} * memory;

extern char __data_start[], _end[];

static void *map_at(uintptr_t address, size_t bytes)
{
	void *result = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (address ? MAP_FIXED_NOREPLACE : 0),
		-1, 0);
	if (result == MAP_FAILED) {
		perror("sched: mmap");
		exit(2);
	}
	return result;
}

void memory_init(void)
{
	memory = map_at(0, sizeof(*memory));
	memory->first = memory->next = map_at(ARENA, ARENA_BYTES);
	memory->arena = map_at(0, ARENA_BYTES / CELL * sizeof(struct cell));
	memory->globals =
		map_at(0, ((size_t)(_end - __data_start) / CELL + 3) * sizeof(struct cell));
}

void *memory_take(size_t bytes, size_t align)
{
	char *taken = (char *)(((uintptr_t)memory->next + align - 1) / align * align);
	/* Some bytes between two pieces belong to none. */
	if ((uintptr_t)taken > ARENA + ARENA_BYTES - 64 ||
		bytes > ARENA + ARENA_BYTES - 64 - (uintptr_t)taken)
		return NULL;
	memory->next = taken + bytes + 64;
	if (!is_running())
		memory->first = memory->next; /* it outlives every run */
	return taken;
}

/* Memory is zero again, as far as it was taken. */
void memory_begin(void)
{
	size_t used = (size_t)(memory->next - memory->first);
	if (used < (size_t)256 << 10)
		memset(memory->first, 0, used);
	else
		madvise((void *)(((uintptr_t)memory->first + 4095) & ~(uintptr_t)4095),
			(used + 4096) & ~(size_t)4095, MADV_DONTNEED);
	memset(memory->first, 0, 4096);
	memory->next = memory->first;
	memory->locations = memory->parts = 1;
	memset(&memory->fences, 0, sizeof(memory->fences));
	memory->pairs = 0;
	memset(memory->halves_count, 0, sizeof(memory->halves_count));
}

/* ------------------------------------------------------------------ cells -- */

/* NULL: memory that no thread shares, like the thread-local. */
static inline struct cell *cell_of(uintptr_t address)
{
	struct cell *cell;
	if (address - ARENA < ARENA_BYTES)
		cell = &memory->arena[(address - ARENA) / CELL];
	else if (address >= (uintptr_t)__data_start && address < (uintptr_t)_end)
		cell = &memory->globals[address / CELL - (uintptr_t)__data_start / CELL];
	else
		return NULL;
	if (cell->run != engine->run) {
		memset(cell, 0, sizeof(*cell));
		cell->run = engine->run;
	}
	return cell;
}

/* Of these bytes, the cell that has the first, and how many of them it has. */
static inline struct cell *cell_at(uintptr_t address, size_t bytes, size_t *ret_covered)
{
	struct cell *cell = cell_of(address);
	size_t offset = address % CELL;
	*ret_covered = CELL - offset;
	if (cell == NULL)
		return NULL;
	if (cell->parts == 0) {
		if (offset == 0 && bytes >= CELL)
			return cell;
		if (memory->parts == PARTS)
			sched_fail("too many cells in parts");
		for (int i = 0; i < CELL; i++)
			memory->part[memory->parts][i] = *cell;
		cell->parts = (uint16_t)memory->parts++;
	}
	*ret_covered = 1;
	return &memory->part[cell->parts][offset];
}

static void drain_own(uintptr_t address, size_t bytes);

static uint32_t now(const struct thread *thread)
{
	return thread->clock.at[thread->id];
}

/* A thread that had made such an access, not known to the running one. */
static int unknown(const uint32_t *times)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (times[i] > me->clock.at[i])
			return (int)i;
	return -1;
}

static void race(const char *what, uintptr_t address, int thread)
{
	sched_fail("race at %#lx: %s by thread %u (%s), not ordered after one by thread %d (%s)",
		(unsigned long)address, what, me->id, me->name, thread,
		engine->threads[thread].name);
}

static void check_written(const struct cell *cell, const char *what, uintptr_t address)
{
	if (cell->freed)
		sched_fail("%s of freed memory at %#lx by thread %u (%s)", what,
			(unsigned long)address, me->id, me->name);
	if (cell->written > me->clock.at[cell->writer])
		race(what, address, cell->writer);
}

static void check_times(const uint32_t *times, const char *what, uintptr_t address)
{
	int thread = unknown(times);
	if (thread >= 0)
		race(what, address, thread);
}

static void plain_cell(struct cell *cell, uintptr_t address, bool write)
{
	const char *what = write ? "a plain write" : "a plain read";
	uint32_t time = now(me);
	/* Again: nothing came between, as no thread knows of this time yet. */
	bool again = (cell->written == time && cell->writer == me->id) ||
		(!write && cell->read[me->id] == time);
	if (again && cell->location == 0 && !cell->freed)
		return;
	check_written(cell, what, address);
	if (write)
		check_times(cell->read, what, address);
	if (cell->location != 0) {
		struct location *location = &memory->location[cell->location];
		check_times(location->written, what, address);
		if (write) {
			check_times(location->read, what, address);
			location->count = 0; /* anew from what memory has then */
		}
	}
	if (write) {
		cell->written = time;
		cell->writer = (uint8_t)me->id;
		memset(cell->read, 0, sizeof(cell->read));
	} else {
		cell->read[me->id] = time;
	}
}

void memory_plain(uintptr_t address, size_t bytes, bool write)
{
	if (!is_running())
		return;
	if (me->buffered > 0)
		drain_own(address, bytes);
	trace(write ? "write" : "read", address, bytes);
	size_t covered;
	for (uintptr_t at = address, end = address + bytes; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL)
			return;
		plain_cell(cell, at, write);
	}
}

void memory_freed(uintptr_t address, size_t bytes)
{
	if (!is_running())
		return;
	drain_own(address, bytes);
	trace("free", address, bytes);
	size_t marked = bytes < FREED_MAX ? bytes : FREED_MAX;
	size_t covered;
	for (uintptr_t at = address, end = address + marked; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL)
			return;
		plain_cell(cell, at, true);
		cell->freed = true;
	}
}

/* -------------------------------------------------------------- locations -- */

static uint64_t get(uintptr_t address, unsigned int size)
{
	uint64_t value = 0;
	memcpy(&value, (const void *)address, size);
	return value;
}

static void put(uintptr_t address, unsigned int size, uint64_t value)
{
	memcpy((void *)address, &value, size);
}

static struct store *newest(struct location *location)
{
	return &location->stores[location->newest];
}

static struct store *back(struct location *location, unsigned int n)
{
	return &location->stores[(location->newest + STORES - n) % STORES];
}

/* Of all the bytes. Returns the location of the first. */
static struct location *check_cells(uintptr_t address, unsigned int size, const char *what,
	bool write)
{
	struct location *first = NULL;
	size_t covered;
	for (uintptr_t at = address, end = address + size; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		check_written(cell, what, address);
		if (write)
			check_times(cell->read, what, address);
		if (at == address)
			first = &memory->location[cell->location];
	}
	return first;
}

/* What the location was before has no more threads that know it. */
static void leave(const struct location *before, uintptr_t address, unsigned int size)
{
	if (unknown(before->written) >= 0 || unknown(before->read) >= 0)
		sched_fail("atomic accesses of %u bytes at %#lx and %u at %#lx", before->size,
			(unsigned long)before->address, size, (unsigned long)address);
}

static struct location *add_location(uintptr_t address, unsigned int size)
{
	size_t covered;
	if (memory->locations == LOCATIONS)
		sched_fail("too many atomic locations");
	drain_own(address, size);
	for (uintptr_t at = address, end = address + size; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell->location != 0)
			leave(&memory->location[cell->location], address, size);
		cell->location = (uint16_t)memory->locations;
	}
	return &memory->location[memory->locations++];
}

/* All that memory has is one store, which every thread knows. */
static void begin(struct location *location, uintptr_t address, unsigned int size)
{
	memset(location, 0, offsetof(struct location, stores));
	location->address = address;
	location->size = size;
	location->count = 1;
	memset(newest(location), 0, sizeof(struct store));
	newest(location)->value = get(address, size);
}

static struct location *location_of(uintptr_t address, unsigned int size, const char *what,
	bool write)
{
	static struct location local; /* of memory that no thread shares */
	struct location *location = &local;
	if (cell_of(address) == NULL) {
		begin(location, address, size);
		return location;
	}
	location = check_cells(address, size, what, write);
	if (location->address != address || location->size != size)
		location = add_location(address, size);
	else if (location->count > 0)
		return location;
	begin(location, address, size);
	return location;
}

static bool is_known(const struct store *store)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (store->seen[i] != 0 && store->seen[i] <= me->clock.at[THREADS + i])
			return true;
	return false;
}

/* How many stores, from the newest, a load may return one of. */
static unsigned int candidates(struct location *location)
{
	unsigned int n = 1;
	while (n < location->count && !is_known(back(location, n - 1)))
		n++;
	return n;
}

static bool acquires(int order)
{
	return order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static void see(struct store *store, int order)
{
	if (store->seen[me->id] == 0)
		store->seen[me->id] = now(me);
	if (!store->releases)
		return;
	if (acquires(order)) {
		clock_join(&me->clock, &store->release);
	} else {
		clock_join(&me->unacquired, &store->release);
		me->has_unacquired = true;
	}
}

static void note_half(const struct location *location, const struct store *store)
{
	unsigned int *count = &memory->halves_count[me->id];
	if (store->pair != 0)
		memory->halves[me->id][(*count)++ % HALVES] =
			(struct half){ .address = location->address ^ 8, .pair = store->pair };
}

/* The running thread passes an acquire fence. */
static void see_halves(void)
{
	unsigned int *count = &memory->halves_count[me->id];
	for (unsigned int i = 0; i < *count && i < HALVES; i++) {
		const struct half *half = &memory->halves[me->id][i];
		struct cell *cell = cell_of(half->address);
		struct location *location = &memory->location[cell->location];
		for (unsigned int n = 0; cell->location != 0 && n < location->count; n++)
			if (back(location, n)->pair == half->pair &&
				back(location, n)->seen[me->id] == 0)
				back(location, n)->seen[me->id] = now(me);
	}
	*count = 0;
}

/* What the thread does from now on is not in what it has released so far. */
static void tick(struct thread *thread)
{
	thread->clock.at[thread->id]++;
	thread->clock.at[THREADS + thread->id]++;
}

static void commit(struct location *location, uint64_t value, const struct clock *release,
	unsigned int writer, uint32_t epoch)
{
	location->newest = (location->newest + 1) % STORES;
	location->count += location->count < STORES;
	struct store *store = newest(location);
	memset(store->seen, 0, sizeof(store->seen));
	store->value = value;
	store->pair = 0;
	store->seen[writer] = epoch;
	store->releases = release != NULL;
	if (release != NULL)
		store->release = *release;
	location->written[writer] = epoch;
	put(location->address, location->size, value);
}

/* What a store by the running thread carries, or NULL. */
static const struct clock *carried(int order)
{
	return releases(order) ? &me->clock : me->has_released ? &me->released : NULL;
}

/*
 * The system takes pages, and they read as zeroes. A thread may read an atomic
 * variable there at that moment, as pops of a stack do, but not change it.
 */
void memory_zero(uintptr_t address, size_t bytes)
{
	memory_drain(me);
	memset((void *)address, 0, bytes);
	size_t covered;
	for (uintptr_t at = address, end = address + bytes; at < end; at += covered) {
		struct cell *cell = cell_at(at, end - at, &covered);
		if (cell == NULL || cell->location == 0) {
			plain_cell(cell, at, true);
			continue;
		}
		struct location *location = &memory->location[cell->location];
		check_written(cell, "zeroing", at);
		check_times(cell->read, "zeroing", at);
		check_times(location->written, "zeroing", at);
		if (location->address == at)
			commit(location, 0, NULL, me->id, now(me));
	}
}

/* ----------------------------------------------------------------- buffers -- */

void memory_drain_one(struct thread *thread)
{
	if (thread->buffered == 0)
		return;
	struct buffered first = thread->buffer[0];
	memmove(thread->buffer, thread->buffer + 1, --thread->buffered * sizeof(thread->buffer[0]));
	size_t covered;
	struct cell *cell = cell_at(first.address, first.size, &covered);
	if (cell->freed || memory->location[cell->location].address != first.address ||
		memory->location[cell->location].count == 0)
		sched_fail("a buffered store to memory that has gone, at %#lx",
			(unsigned long)first.address);
	commit(&memory->location[cell->location], first.value,
		first.releases ? &first.release : NULL, thread->id, first.epoch);
}

void memory_drain(struct thread *thread)
{
	while (thread->buffered > 0)
		memory_drain_one(thread);
}

static void buffer(struct location *location, uint64_t value, const struct clock *release)
{
	if (me->buffered == BUFFERED)
		memory_drain_one(me);
	struct buffered *store = &me->buffer[me->buffered++];
	*store = (struct buffered){ .address = location->address,
		.size = location->size,
		.value = value,
		.releases = release != NULL,
		.epoch = now(me) };
	if (release != NULL)
		store->release = *release;
	location->written[me->id] = now(me);
}

/* The newest store of the running thread that is still in its buffer. */
static const struct buffered *own_store(uintptr_t address)
{
	for (unsigned int i = me->buffered; i > 0; i--)
		if (me->buffer[i - 1].address == address)
			return &me->buffer[i - 1];
	return NULL;
}

/* Before other accesses to the same memory: they find the stores there. */
static void drain_own(uintptr_t address, size_t bytes)
{
	for (unsigned int i = 0; i < me->buffered; i++) {
		const struct buffered *store = &me->buffer[i];
		if (store->address < address + bytes && address < store->address + store->size) {
			memory_drain(me);
			return;
		}
	}
}

/* ------------------------------------------------------------- operations -- */

uint64_t memory_load(uintptr_t address, unsigned int size, int order)
{
	if (!is_running())
		return get(address, size);
	point();
	if (order == __ATOMIC_SEQ_CST)
		memory_fence(order);
	const struct buffered *own = me->buffered > 0 ? own_store(address) : NULL;
	if (own != NULL && own->size == size) {
		trace("load own", address, own->value);
		return own->value;
	}
	struct location *location = location_of(address, size, "an atomic load", false);
	unsigned int age = 0;
	if (engine->plan.memory == SCHED_WEAK)
		age = strategy_decide(STALE, candidates(location));
	struct store *store = back(location, age);
	location->read[me->id] = now(me);
	see(store, order);
	note_half(location, store);
	if (acquires(order))
		see_halves();
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
		buffer(location, value, carried(order));
	else
		commit(location, value, carried(order), me->id, now(me));
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
	commit(location, value, has ? &release : NULL, me->id, now(me));
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
	see(newest(location), order);
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
		unsigned int age = strategy_decide(STALE, candidates(location));
		if (back(location, age)->value != *expected) {
			store = back(location, age);
			done = false;
		} else if (done && weak) {
			done = strategy_decide(FAIL_WEAK, 2) == 0;
		}
	}
	see(store, done ? order : failure);
	if (!done)
		note_half(location, store);
	*expected = store->value;
	if (done) {
		if (cell_of(address) != NULL)
			check_cells(address, size, "an atomic change", true);
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
		see(newest(word[i]), __ATOMIC_RELAXED);
	if (done)
		check_cells(address, 16, "an atomic change", true);
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
		see_halves();
		memory_fence_of(me);
		return;
	}
	if (acquires(order))
		see_halves();
	if (acquires(order) && me->has_unacquired)
		clock_join(&me->clock, &me->unacquired);
	if (releases(order)) {
		me->released = me->clock;
		me->has_released = true;
		tick(me);
	}
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
