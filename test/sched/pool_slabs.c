/* SPDX-License-Identifier: MIT */
/*
 * The judge of a pool. Its variables are no part of the run's memory, so they
 * are what really happened. A refusal with timeout 0 is wrong if no other thread
 * was in a call meanwhile, memory was left, and the system has refused none. A
 * thread that ends is in a call.
 */
#include "pool_slabs.h"

#include <errno.h>

#include "pool/checked.h"
#include "pool/chunk.h"
#include "pool/message_layout.h"

#define GIVEN 8

static struct {
	struct magring_pool *pool;
	unsigned char *base;
	size_t bytes;
	bool several;
	unsigned int at_work; /* set of threads that are in a call, or end */
	unsigned int begun;   /* calls so far */
	size_t held;          /* bytes */
	uint8_t holder[SLABS_UNITS];
	bool was_held[SLABS_UNITS];
	struct sched_knowledge freed[SLABS_UNITS];
	struct magring_message given[GIVEN];
	unsigned int given_count;
	struct clock told;
	struct magring_message left[SLABS_UNITS];
} slabs;

void slabs_take_turns(void)
{
	tuned_turn_ns = 500;
	tuned_turn_lapse_ns = 100000000;
}

struct magring_pool *slabs_create(const struct slabs_options *options)
{
	const struct magring_pool_options wanted = { .size = sizeof(wanted),
		.memory_limit = options->bytes,
		.max_payload = options->max_payload > 0 ? options->max_payload : SLABS_SMALL,
		.sample_bytes = options->sample,
		.flags = options->checked ? MAGRING_CHECKED : 0 };
	int rc = magring_pool_create(&slabs.pool, &wanted);
	sched_require(rc == 0, "pool_create: %d", rc);
	struct depot *depot = &slabs.pool->depot;
	slabs.base = depot->slabs.base;
	slabs.bytes = options->bytes;
	slabs.several = options->several;
	depot->cooling.places = options->cooling;
	for (unsigned int i = 0; i < depot->classes; i++) {
		struct depot_class *class = &depot->class[i];
		class->places = options->cooling > 0;
		if (options->rounds > 0)
			class->rounds = options->rounds;
		class->batch = 1;
		if (options->chunk > 0)
			class->chunk = options->chunk;
	}
	if (options->metadata > 0)
		depot->metadata.limit = options->metadata;
	sched_name(slabs.pool, sizeof(*slabs.pool), "pool");
	sched_name(depot->metadata.base, 65536, "metadata");
	sched_name(depot->slabs.base, slabs.bytes, "slabs");
	return slabs.pool;
}

struct magring_pool *slabs_pool(void)
{
	return slabs.pool;
}

struct cache *slabs_cache(unsigned int index)
{
	struct thread_registry *registry = &slabs.pool->registry;
	return (struct cache *)(void *)(atomic_load(&registry->group[0]) +
		index * registry->cache_size + registry->colour);
}

void slabs_leave_metadata(unsigned int caches, size_t bytes)
{
	struct region *metadata = &slabs.pool->depot.metadata;
	struct thread_registry *registry = &slabs.pool->registry;
	registry->most = atomic_load(&registry->attached) + caches;
	metadata->limit = atomic_load(&metadata->taken) + bytes;
}

/* Bytes of a slab for so much payload. */
static size_t size_for(size_t payload)
{
	return slab_size(slabs.pool->checked != NULL ? checked_class(slabs.pool, payload)
						     : slab_class(payload));
}

size_t slabs_room(size_t payload)
{
	return slabs.bytes / size_for(payload);
}

size_t slabs_held(void)
{
	return slabs.held;
}

/* ------------------------------------------------------------------ calls -- */

static bool others_at_work(void)
{
	for (unsigned int i = 0; i < SCHED_THREADS; i++)
		if (i != sched_self() && slabs.at_work & 1u << i && !sched_has_ended(i))
			return true;
	return false;
}

void slabs_begin_call(void)
{
	slabs.at_work |= 1u << sched_self();
	slabs.begun++;
}

void slabs_end_call(void)
{
	slabs.at_work &= ~(1u << sched_self());
}

static void hold(const struct magring_message *message, size_t size)
{
	const unsigned char *slab = message_slab(message);
	size_t first = (size_t)(slab - slabs.base) / SLAB_UNIT;
	struct sched_knowledge now = sched_knowledge();
	sched_require(slab >= slabs.base && slab + size <= slabs.base + slabs.bytes,
		"a slab outside of the budget, at unit %zu", first);
	for (size_t i = first; i < first + size / SLAB_UNIT; i++) {
		sched_require(slabs.holder[i] == 0, "unit %zu is thread %u's", i,
			slabs.holder[i] - 1u);
		sched_require(!slabs.was_held[i] || sched_happens_before(&slabs.freed[i], &now),
			"unit %zu is not known to be free", i);
		slabs.holder[i] = (uint8_t)(sched_self() + 1);
	}
	slabs.held += size;
}

static void let_go(const struct magring_message *message, size_t size)
{
	const unsigned char *slab = message_slab(message);
	size_t first = (size_t)(slab - slabs.base) / SLAB_UNIT;
	struct sched_knowledge now = sched_knowledge();
	for (size_t i = first; i < first + size / SLAB_UNIT; i++) {
		sched_require(slabs.holder[i] != 0, "unit %zu was freed twice", i);
		slabs.holder[i] = 0;
		slabs.was_held[i] = true;
		slabs.freed[i] = now;
	}
	slabs.held -= size;
}

/* One by the single call, more by the batch. Returns how many, or an error. */
static int take(struct magring_message *ret_messages, size_t count, size_t payload,
	int64_t timeout_ns)
{
	if (count > 1)
		return magring_message_alloc_batch(slabs.pool, ret_messages, count, payload,
			timeout_ns);
	int rc = magring_message_alloc(slabs.pool, ret_messages, NULL, 0, payload, timeout_ns);
	return rc == 0 ? 1 : rc;
}

int slabs_take_batch(struct magring_message *ret_messages, size_t count, size_t payload,
	int64_t timeout_ns)
{
	size_t size = size_for(payload), wanted = slabs.held + count * size;
	bool quiet = !others_at_work() && wanted <= slabs.bytes;
	int64_t begin = sched_time();
	unsigned int refused = sched_refused();
	slabs_begin_call();
	unsigned int begun = slabs.begun;
	int rc = take(ret_messages, count, payload, timeout_ns);
	slabs_end_call();
	for (int i = 0; i < rc; i++)
		hold(&ret_messages[i], size);
	if (refused != sched_refused())
		quiet = false;
	else if (rc < 0 && timeout_ns != 0 && !slabs.several)
		sched_require(rc == -ETIMEDOUT, "a waiting allocation: %d", rc);
	sched_require(rc != 0 && rc <= (int)count, "%d of %zu", rc, count);
	sched_require(rc > 0 || rc == -ENOBUFS || timeout_ns != 0, "an allocation: %d", rc);
	sched_require(rc != -ETIMEDOUT || (timeout_ns > 0 && sched_time() - begin >= timeout_ns),
		"-ETIMEDOUT after %ld ns", (long)(sched_time() - begin));
	sched_require(rc == (int)count || slabs.several || !quiet || begun != slabs.begun,
		"refused alone (%d), with %zu of %zu bytes held", rc, slabs.held, slabs.bytes);
	return rc;
}

int slabs_take(struct magring_message *ret_message, size_t payload, int64_t timeout_ns)
{
	int rc = slabs_take_batch(ret_message, 1, payload, timeout_ns);
	return rc < 0 ? rc : 0;
}

void slabs_free_batch(struct magring_message *messages, size_t count)
{
	size_t payload;
	for (size_t i = 0; i < count; i++) {
		(void)magring_message_payload(&messages[i], &payload);
		let_go(&messages[i], size_for(payload));
	}
	slabs_begin_call();
	magring_message_free_batch(messages, count);
	slabs_end_call();
}

void slabs_free(struct magring_message *message)
{
	size_t payload;
	(void)magring_message_payload(message, &payload);
	let_go(message, size_for(payload));
	slabs_begin_call();
	magring_message_free(message);
	slabs_end_call();
}

/* ---------------------------------------------------------------- hand over -- */

void slabs_tell(void)
{
	memory_drain(me);
	memory_release_edge(&slabs.told);
}

void slabs_listen(void)
{
	memory_acquire_edge(&slabs.told);
}

void slabs_give(struct magring_message *message)
{
	if (slabs.given_count == GIVEN) {
		slabs_free(message);
		return;
	}
	slabs_tell();
	slabs.given[slabs.given_count++] = *message;
	message->private_header = 0;
}

bool slabs_receive(struct magring_message *ret_message)
{
	if (slabs.given_count == 0)
		return false;
	*ret_message = slabs.given[--slabs.given_count];
	slabs_listen();
	return true;
}

/* ---------------------------------------------------------------- threads -- */

struct work {
	void (*run)(void *);
	void *context;
};

static void work(void *argument)
{
	struct work *work = argument;
	work->run(work->context);
	slabs_begin_call();
}

unsigned int slabs_spawn(const char *name, void (*run)(void *), void *context)
{
	static struct work works[SCHED_THREADS];
	static unsigned int count;
	works[count] = (struct work){ .run = run, .context = context };
	return sched_spawn(name, work, &works[count++]);
}

static bool any_stopped(void)
{
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		if (sched_has_stopped(i))
			return true;
	return false;
}

void slabs_stand_still(void)
{
	sched_wait();
	if (any_stopped()) {
		sched_resume_all();
		sched_wait();
	}
	for (unsigned int i = 0; i < engine->count; i++)
		memory_fence_of(&engine->threads[i]);
	memory_fence(__ATOMIC_SEQ_CST);
}

void slabs_wait(void)
{
	slabs_stand_still();
	for (unsigned int i = 1; i < SCHED_THREADS; i++)
		sched_require(!sched_is_asleep(i), "thread %u sleeps, with %zu of %zu bytes held",
			i, slabs.held, slabs.bytes);
}

/* -------------------------------------------------------------------- end -- */

/* All stands still: what is held is what is counted. */
static void check_balance(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(slabs.pool, &stats);
	sched_require(rc == 0 && stats.slab_bytes_in_use == slabs.held &&
			stats.slab_bytes_in_use + stats.slab_bytes_cached ==
				stats.slab_bytes_carved,
		"%lu bytes in use, %zu held, %lu cached, %lu carved", stats.slab_bytes_in_use,
		slabs.held, stats.slab_bytes_cached, stats.slab_bytes_carved);
}

/*
 * How many slabs there must be at least. With several classes everything has
 * just been trimmed. What was ever taken is then one range, and the rest is
 * another, unless it has joined the first before.
 */
static size_t least_room(size_t payload)
{
	size_t size = size_for(payload);
	size_t taken = slabs.several ? atomic_load(&slabs.pool->depot.slabs.taken) : 0;
	return taken / size + (slabs.bytes - taken) / size;
}

static void take_all(size_t payload)
{
	size_t count = 0, least = least_room(payload), most = slabs_room(payload);
	while (slabs_take(&slabs.left[count], payload, 0) == 0)
		count++;
	sched_require(count >= least && count <= most, "%zu slabs can be had, not %zu to %zu",
		count, least, most);
	check_balance();
	while (count > 0)
		slabs_free(&slabs.left[--count]);
}

void slabs_end(size_t payload)
{
	struct magring_message message;
	while (slabs_receive(&message))
		slabs_free(&message);
	check_balance();
	sched_require(slabs.held == 0, "%zu bytes are held", slabs.held);
	for (unsigned int i = 0; i < slabs.pool->depot.classes; i++)
		sched_require(atomic_load(&slabs.pool->turns[i].word) < 2,
			"class %u: a thread is said to wait", i);
	if (slabs.several) {
		int rc = magring_pool_trim(slabs.pool, 0, NULL);
		sched_require(rc == 0, "trim: %d", rc);
	}
	take_all(payload);
	int rc = magring_pool_destroy(slabs.pool);
	sched_require(rc == 0, "pool_destroy: %d", rc);
}
