/* SPDX-License-Identifier: MIT */
/*
 * Create and destroy of pools, above all that pools consist of.
 *
 * Create chooses limits and sets up each part. Destroy asks the statistics
 * whether anything is in use, and writes the reports that the environment asks
 * for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sanitizer.h"
#include "base/watched.h"
#include "observe/at_exit.h"
#include "pool/checked.h"
#include "pool/fork.h"
#include "pool/limbo.h"
#include "pool/message_layout.h"
#include "pool/misuse.h"
#include "pool/pool.h"
#include "pool/sample.h"
#include "pool/share.h"
#include "tuning.h"

/* What a message of this payload may need at most, with an id before it. */
static size_t slab_bytes(size_t payload)
{
	return payload + MAGRING_ID_MAX + 1;
}

/* Whether options are right, and the limits that they ask for. */
static int choose_limits(const struct magring_pool_options *options, size_t *ret_limit,
	size_t *ret_payload)
{
	size_t limit = POOL_MEMORY_LIMIT, payload = 0;
	if (options != NULL) {
		int rc = pool_check_size(options->size, sizeof(*options));
		if (rc == 0)
			rc = pool_check_name(options->name);
		if (rc != 0)
			return rc;
		if (options->memory_limit != 0)
			limit = options->memory_limit;
		payload = options->max_payload;
		if (options->sample_bytes > INT64_MAX ||
			options->flags & ~(uint64_t)MAGRING_CHECKED)
			return -EINVAL;
	}
	if (limit < MAGRING_MEMORY_MIN || limit > MAGRING_MEMORY_MAX ||
		payload > MAGRING_PAYLOAD_MAX)
		return -EINVAL;
	if (payload == 0) {
		/* What a slab holds that the budget has room for. */
		unsigned int class_index =
			slab_class(limit < POOL_MAX_PAYLOAD ? limit : POOL_MAX_PAYLOAD);
		while (slab_size(class_index) > limit)
			class_index--;
		payload = slab_size(class_index);
	} else if (slab_size(slab_class(payload)) > limit) {
		return -EINVAL;
	}
	*ret_limit = limit;
	*ret_payload = payload > MAGRING_INLINE_MAX ? payload : MAGRING_INLINE_MAX;
	return 0;
}

static void init_waiting(struct magring_pool *pool, unsigned int classes)
{
	for (unsigned int i = 0; i < classes; i++)
		eventcount_init(&pool->memory[i]);
	CDS_INIT_LIST_HEAD(&pool->queues.queues);
	pool->depot.name = pool->name;
}

/* All but the memory of the structure, which is zero. */
static int init_pool(struct magring_pool *pool, const struct magring_pool_options *options,
	size_t limit, size_t payload)
{
	static const struct magring_pool_options none;
	options = options != NULL ? options : &none;
	const struct profile_options profile = report_options(options->sample_bytes);
	unsigned int classes = slab_class(slab_bytes(payload)) + 1;
	int rc = depot_init(&pool->depot, limit, classes);
	if (rc != 0)
		return rc;
	rc = share_init(&pool->shares, limit, !region_grows(&pool->depot.slabs));
	if (rc != 0)
		goto fini_depot;
	rc = thread_registry_init(&pool->registry, classes);
	if (rc != 0)
		goto fini_shares;
	pool->max_payload = payload;
	init_waiting(pool, classes);
	rc = pool_name(pool->name, options->name, "pool", pool->registry.serial);
	if (rc != 0)
		goto fini_registry;
	rc = profile_create(&pool->profile, &profile, limit);
	if (rc != 0)
		goto fini_registry;
	if (checked_by_default() || options->flags & MAGRING_CHECKED)
		rc = checked_create(&pool->checked, pool->registry.serial, limit);
	if (rc != 0)
		goto destroy_profile;
	rc = -pthread_mutex_init(&pool->queues.lock, NULL);
	if (rc != 0)
		goto destroy_checked;
	return 0;
destroy_checked:
	checked_destroy(pool->checked);
destroy_profile:
	profile_destroy(pool->profile);
fini_registry:
	thread_registry_fini(&pool->registry);
fini_shares:
	region_fini(&pool->shares);
fini_depot:
	depot_fini(&pool->depot);
	return rc;
}

static void fini_pool(struct magring_pool *pool)
{
	watched_remove_root(pool->depot.slabs.base, pool->depot.slabs.whole);
	pthread_mutex_destroy(&pool->queues.lock);
	checked_destroy(pool->checked);
	profile_destroy(pool->profile);
	thread_registry_fini(&pool->registry);
	region_fini(&pool->shares);
	depot_fini(&pool->depot);
}

/*
 * What the fast paths read, in a pool that has its number. It is decided by now
 * whether fences are asymmetric. If they are not, each allocation and free
 * takes the slow path, where its fences are. So the fast ones do not ask.
 */
static void init_fast(struct magring_pool *pool)
{
	pool->fast_key = fence_asymmetric ? pool->registry.key : NO_KEY;
	pool->fast_max = pool->max_payload < FAST_MAX ? pool->max_payload : FAST_MAX;
	if (pool->profile != NULL && pool->profile->mean > 1 && pool->checked == NULL) {
		pool->sampled_max = pool->fast_max;
		pool->sample_rate = 1 / (double)pool->profile->mean;
	}
	if (pool->profile != NULL || pool->checked != NULL)
		pool->fast_max = 0; /* the slow path samples, and checks */
	pool->fast_small = pool->fast_max < FAST_SMALL ? pool->fast_max : FAST_SMALL;
	for (size_t i = 1; i < FAST_SIZES; i++) {
		size_t bytes = i <= FAST_SMALL / SLAB_UNIT
			? i * SLAB_UNIT
			: FAST_SMALL + (i - FAST_SMALL / SLAB_UNIT) * 1024;
		pool->pair_offset[i] = (uint16_t)(offsetof(struct cache, class) +
			slab_class(bytes) * sizeof(struct magazine_pair));
	}
	for (unsigned int i = 0; i < pool->depot.classes; i++)
		pool->depot.class[i].header = message_header(0, pool->number, 0, MESSAGE_SLAB + i);
}

int magring_pool_create(struct magring_pool **ret_pool, const struct magring_pool_options *options)
{
	size_t limit, payload;
	if (ret_pool == NULL)
		return -EINVAL;
	int rc = choose_limits(options, &limit, &payload);
	/* Arguments that are wrong decide nothing: see fence.c. */
	if (rc == 0)
		rc = fork_base_init();
	if (rc != 0)
		return rc;
	struct magring_pool *pool = aligned_alloc(_Alignof(struct magring_pool), sizeof(*pool));
	if (pool == NULL)
		return -ENOMEM;
	memset(pool, 0, sizeof(*pool));
	rc = init_pool(pool, options, limit, payload);
	if (rc != 0)
		goto free_pool;
	report_begin(pool);
	watched_add_root(pool->depot.slabs.base, pool->depot.slabs.whole);
	watched_release(&pool->queues);
	rc = pool_publish(pool, &pool->number);
	if (rc != 0)
		goto fini_pool;
	thread_registry_number(&pool->registry, pool->number);
	init_fast(pool);
	sanitizer_create(pool);
	*ret_pool = pool;
	return 0;

fini_pool:
	fini_pool(pool);
free_pool:
	free(pool);
	return rc;
}

int magring_pool_destroy(struct magring_pool *pool)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	if (pool != NULL && !pool_is_published(pool))
		misuse_of_pool("destroy of a pool that is not there", pool);
	int rc = magring_pool_get_stats(pool, &stats);
	if (rc != 0)
		return rc;
	if (stats.slabs_in_use != 0)
		report_busy(pool);
	if (stats.slabs_in_use != 0 || stats.queues != 0)
		return -EBUSY;
	if (pool->checked != NULL)
		limbo_empty(pool);
	report_done(pool);
	pool_withdraw(pool->number);
	watched_acquire(&pool->queues);
	sanitizer_destroy(pool);
	fini_pool(pool);
	free(pool);
	return 0;
}
