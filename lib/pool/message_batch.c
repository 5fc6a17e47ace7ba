/* SPDX-License-Identifier: MIT */
/*
 * Messages made and freed by the batch.
 *
 * A batch is cut into runs. The messages of a run are of one pool and one size
 * class, and find slabs, or room for them, in the thread's loaded magazine. A
 * run enters the cache, counts and notifies once. Where no run can begin, one
 * message goes the slow way of single calls. That one also refills the
 * magazine, waits, samples, checks, or ends the process.
 *
 * A run is as long as a magazine at most, so a cache is not busy for longer
 * than that. The rest is as in single calls:
 *
 *	[revoked], [returned]  cache_enter(), before the magazine is read
 *	[account]              counted before others can have a slab of the run
 *	[left]                 cache_leave()
 *	[sleep]                then sleepers of the class are looked for
 *
 * A sleeper that gets a slab wakes the next one, so all that a run has slabs
 * for are woken. But one that stops as it is woken would keep the others
 * asleep. So a run of two or more notifies twice, as two frees would.
 */
#define MAGRING_NO_INLINE
#include <errno.h>
#include <limits.h>

#include "base/prefetch.h"
#include "pool/alloc.h"
#include "pool/message.h"
#include "pool/message_hide.h"
#include "pool/sampler.h"

/* Where the magazines for a run are, if the cache is the thread's own now. */
static inline struct cache *enter(const struct magring_pool *pool)
{
	struct cache *cache = thread_cache_of(pool->registry.key);
	return cache != NULL && cache_enter(cache) ? cache : NULL;
}

/* ------------------------------------------------------------------ make -- */

static void make_inline(struct magring_message *ret_messages, size_t count, size_t payload_size)
{
	for (size_t i = 0; i < count; i++)
		ret_messages[i].private_header = message_header(payload_size, 0, 0, MESSAGE_INLINE);
}

/*
 * Slabs that other threads freed are in their caches: see pool_take(). A run
 * fetches as many bytes in all as a single call does.
 */
static void prefetch(const struct magring_message *messages, size_t count, size_t bytes)
{
	size_t each = count > 0 ? PREFETCH_BYTES / count : 0;
	for (size_t i = 0; i < count; i++)
		prefetch_lines(message_slab(&messages[i]), bytes < each ? bytes : each);
}

/* Returns: how many messages were made, perhaps 0. */
static size_t make_run(struct magring_pool *pool, struct magring_message *ret_messages,
	size_t count, size_t bytes)
{
	struct cache *cache = enter(pool);
	if (cache == NULL)
		return 0;
	struct magazine_pair *pair = &cache->class[slab_class(bytes)];
	uint32_t rounds = pair->loaded_rounds, warm = rounds - pair->cold_rounds;
	size_t run = rounds < count ? rounds : count;
	uint64_t header = pair->header | bytes;
	for (size_t i = 0; i < run; i++) {
		void *slab = depot_slab(&pool->depot, magazine_take(pair));
		sanitizer_alloc(pool, slab, bytes);
		ret_messages[i].private_header = header;
		ret_messages[i].private_body[0] = (uintptr_t)slab;
	}
	if (run > warm)
		pair->cold_rounds = pair->loaded_rounds;
	count_add(&pair->counts.allocated, run);
	count_add(&pair->counts.allocated_bytes, run * bytes);
	cache_leave(cache);
	if (run > warm)
		prefetch(ret_messages + warm, run - warm, bytes);
	return run;
}

/* The same in any pool: up to the next message that is sampled, or checked. */
static size_t make_unsampled(struct magring_pool *pool, struct magring_message *ret_messages,
	size_t count, size_t bytes)
{
	if (pool->profile == NULL && pool->checked == NULL)
		return make_run(pool, ret_messages, count, bytes);
	if (bytes > pool->sampled_max)
		return 0;
	double means = (double)bytes * pool->sample_rate;
	size_t skips = sampler_skips(means, count);
	size_t run = skips > 0 ? make_run(pool, ret_messages, skips, bytes) : 0;
	sampler_skip(means, run);
	return run;
}

/* Not inlined: a profile shows the function that has this call. */
__attribute__((noinline)) int magring_message_alloc_batch(struct magring_pool *pool,
	struct magring_message *ret_messages, size_t count, size_t payload_size, int64_t timeout_ns)
{
	const void *caller = __builtin_return_address(0);
	if ((ret_messages == NULL && count > 0) || count > INT_MAX)
		return -EINVAL;
	if (payload_size <= MAGRING_INLINE_MAX) {
		make_inline(ret_messages, count, payload_size);
		return (int)count;
	}
	if (pool == NULL)
		return -EINVAL;
	if (payload_size > pool->max_payload)
		return -EMSGSIZE;
	size_t made = 0;
	while (made < count) {
		size_t run = make_unsampled(pool, ret_messages + made, count - made, payload_size);
		made += run;
		if (run > 0)
			continue;
		int rc = message_alloc_slowly(pool, &ret_messages[made], NULL, 0, payload_size,
			made == 0 ? timeout_ns : 0, caller);
		if (rc != 0)
			return made > 0 ? (int)made : rc;
		made++;
	}
	return (int)made;
}

/* ------------------------------------------------------------------ free -- */

static void notify(struct magring_pool *pool, unsigned int class_index, size_t freed)
{
	pool_notify_waiters(pool, class_index);
	if (freed > 1)
		pool_notify_fenced(pool, class_index);
}

/* The kind and the pool of a message, by which it belongs to a run. */
static const uint64_t belongs = (uint64_t)UINT8_MAX << 56 | (uint64_t)UINT16_MAX << 32;

/*
 * Put slabs into the magazine as long as messages are like the first. One that
 * is wrong ends the run as well: it goes the slow way, which says so.
 *
 * Returns: how many. Their payloads have *ret_bytes.
 */
static __attribute__((noinline)) size_t put_run(const struct depot *depot,
	struct magring_message *messages, size_t count, uint32_t *round, size_t *ret_bytes)
{
	const unsigned char *kinds = depot->kinds.base;
	/* Relaxed: see depot_has(). */
	size_t kinds_size = atomic_load_explicit(&depot->kinds.writable, memory_order_relaxed);
	size_t bytes = 0, run = 0;
	uint64_t wanted = messages[0].private_header & belongs;
	unsigned char kind = (unsigned char)message_kind(messages);
#pragma GCC unroll 4
	for (; run < count; run++) {
		uint64_t header = messages[run].private_header;
		uint64_t address = messages[run].private_body[0];
		uint64_t payload_size = (header & (belongs | UINT32_MAX)) - wanted;
		uint64_t at = depot_round_of(depot, address);
		if (payload_size > UINT32_MAX || at >= kinds_size || kinds[at] != kind)
			break;
		message_end(header, address);
		messages[run].private_header = 0;
		round[run] = (uint32_t)at;
		bytes += payload_size;
	}
	*ret_bytes = bytes;
	return run;
}

/* Returns: how many messages were freed, perhaps 0. */
static size_t free_run(struct magring_message *messages, size_t count)
{
	unsigned int class_index = message_kind(messages) - MESSAGE_SLAB;
	struct magring_pool *pool =
		pool_published(message_pool(messages) & (MAGRING_POOLS_MAX - 1));
	/* Rare, shared and checked kinds are no class. */
	if (pool == NULL || class_index >= pool->depot.classes)
		return 0;
	struct cache *cache = enter(pool);
	if (cache == NULL)
		return 0;
	struct magazine_pair *pair = &cache->class[class_index];
	size_t run = 0, bytes = 0;
	if (pair->loaded_rounds < pair->loaded_capacity ||
		magazine_drain(pair, &pool->depot, class_index)) {
		size_t room = pair->loaded_capacity - pair->loaded_rounds;
		run = put_run(&pool->depot, messages, count < room ? count : room,
			pair->loaded->round + pair->loaded_rounds, &bytes);
		pair->loaded_rounds += (uint32_t)run;
		count_add(&pair->counts.freed, run);
		count_add(&pair->counts.freed_bytes, bytes);
	}
	cache_leave(cache);
	notify(pool, class_index, run);
	return run;
}

static void free_one(struct magring_message *message)
{
	uint64_t header = message->private_header, address = message->private_body[0];
	message->private_header = 0;
	message_end(header, address);
	message_free_slowly(header, address);
}

void magring_message_free_batch(struct magring_message *messages, size_t count)
{
	for (size_t i = 0; messages != NULL && i < count;) {
		if (!message_is_slab(&messages[i])) {
			messages[i++].private_header = 0;
			continue;
		}
		size_t run = free_run(&messages[i], count - i);
		if (run == 0)
			free_one(&messages[i]);
		i += run > 0 ? run : 1;
	}
}
