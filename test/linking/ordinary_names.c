/* SPDX-License-Identifier: MIT */
/*
 * A program with functions and variables of ordinary names, some of which the library uses inside. Each
 * keeps the value that the program has given it, however the library is used.
 */
#include <magring.h>

#define FUNCTIONS(name) \
	name(ring_init) name(ring_close) name(ring_size) name(ring_push) name(ring_pop) name( \
		ring_ready) name(wait_for) name(wait_wake) name(slab_size) name(slab_chunk) \
		name(slab_class) name(stack_push) name(stack_pop) name(clock_now) name( \
			clock_deadline) name(text_compose) name(fence_heavy) name(fence_light) \
			name(thread_self) name(fork_lock) name(fork_unlock) name(thread_flush) name( \
				pool_name) name(pool_memory) name(pool_create) name(pool_destroy) \
				name(pool_alloc_slowly) name(queue_create) name(queue_push) name( \
					queue_pop) name(close_begin) name(close_end) \
					name(depot_init) name(depot_put) name(chunk_carve) name( \
						chunks_init) name(region_init) name(magazine_refill) \
						name(eventcount_init) name(eventcount_notify) name( \
							alloc_wait) name(message_header) \
							name(profile_create) name( \
								profile_alloc) name(report_begin) \
								name(random_next) name( \
									prefetch_lines) \
									name(recovery_init) name( \
										spacing_keep) \
										name(account) name( \
											hash) \
											name(search)
#define VARIABLES(name) \
	name(pools) name(fence_asymmetric) name(thread_directory) name(sampler) name(registry) \
		name(sources)

#define DECLARE_FUNCTION(name) int name(void);
#define DECLARE_VARIABLE(name) extern long name[2];
FUNCTIONS(DECLARE_FUNCTION)
VARIABLES(DECLARE_VARIABLE)

static int calls;

#define DEFINE_FUNCTION(name) \
	int name(void) \
	{ \
		return ++calls; \
	}
#define DEFINE_VARIABLE(name) long name[2] = { 7, 7 };
FUNCTIONS(DEFINE_FUNCTION)
VARIABLES(DEFINE_VARIABLE)

static int use_library(void)
{
	struct magring_pool *pool;
	struct magring_queue *queue;
	struct magring_message message;
	if (magring_pool_create(&pool, NULL) != 0 ||
		magring_queue_create(&queue, pool, NULL) != 0 ||
		magring_message_alloc(pool, &message, "a", 1, 100, 0) != 0 ||
		magring_send(queue, &message, 0) != 0 || magring_recv(queue, &message, 0) != 0)
		return 1;
	magring_message_free(&message);
	return magring_queue_release(queue) != 0 || magring_pool_destroy(pool) != 0;
}

int main(void)
{
	if (use_library() != 0 || calls != 0)
		return 1;
#define CHECK_FUNCTION(name) \
	{ \
		int before = calls; \
		if (name() != before + 1) \
			return 2; \
	}
#define CHECK_VARIABLE(name) \
	if (name[0] != 7 || name[1] != 7) \
		return 3;
	FUNCTIONS(CHECK_FUNCTION)
	VARIABLES(CHECK_VARIABLE)
	return 0;
}
