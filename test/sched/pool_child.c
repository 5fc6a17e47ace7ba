/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: a fork beside a thread that holds a lock of the library or
 * is in a section. The child has no such thread, and must not wait for it. What the child makes
 * itself is as good as any process's, for threads of its own as well.
 */
#include "pool_slabs.h"
#include "pool_directed.h"

#include "base/backtrace.h"
#include "pool/fork.h"
#include "pool/message_layout.h"
#include "pool/sample.h"

static struct magring_queue *queue_of(struct magring_pool *pool)
{
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	struct magring_queue *made;
	int rc = magring_queue_create(&made, pool, &options);
	sched_require(rc == 0, "queue_create: %d", rc);
	return made;
}

static void release(struct magring_queue *made)
{
	int rc = magring_queue_release(made);
	sched_require(rc == 0, "queue_release: %d", rc);
}

static struct magring_pool *pool_of(uint64_t sample_bytes)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 8 * 64,
		.max_payload = SLABS_SMALL,
		.sample_bytes = HAS_BACKTRACE ? sample_bytes : 0 };
	struct magring_pool *made;
	int rc = magring_pool_create(&made, &options);
	sched_require(rc == 0, "pool_create: %d", rc);
	return made;
}

static void destroy(struct magring_pool *made)
{
	int rc = magring_pool_destroy(made);
	sched_require(rc == 0, "pool_destroy: %d", rc);
}

static struct magring_message take(struct magring_pool *from)
{
	struct magring_message message;
	int rc = magring_message_alloc(from, &message, "id", 2, SLABS_SMALL, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	return message;
}

/* ------------------------------------------------------- threads of its own -- */

/* Of the child's own making. */
static struct magring_pool *own;
static void *const frames[] = { (void *)0x1000, (void *)0x2000 };

static void use_own(void *unused)
{
	(void)unused;
	sched_set_stack(frames, 2);
	for (int i = 0; i < 2; i++) {
		struct magring_queue *made = queue_of(sched_choose(2) ? own : NULL);
		struct magring_message message = take(own);
		magring_message_free(&message);
		release(made);
	}
}

/* The table of pools, two lists of queues and the lists of samples, at once. */
static void be_a_process(void)
{
	own = pool_of(1);
	sched_require(own->profile == NULL || !own->profile->inherited, "its own is inherited");
	unsigned int threads[] = { sched_spawn("own", use_own, NULL),
		sched_spawn("own", use_own, NULL) };
	sched_wait();
	for (int i = 0; i < 2; i++)
		sched_require(sched_has_ended(threads[i]), "thread %u has not ended", threads[i]);
	if (own->profile != NULL)
		profile_for_each(own->profile, stack)
			sched_require(stack->allocated.objects == 4 && stack->freed.objects == 4 &&
					cds_list_empty(&stack->live),
				"%lu and %lu messages were sampled", stack->allocated.objects,
				stack->freed.objects);
	sched_require(cds_list_empty(&own->queues.queues), "a queue is left in the list");
	destroy(own);
}

/* Its pools were there and are not any more. A child's child is no different. */
static void run_after(void)
{
	struct magring_pool *pool = pool_of(1);
	struct magring_message message = take(pool);
	magring_message_free(&message);
	for (unsigned int forks = 1 + sched_choose(2); forks > 0; forks--) {
		bool kept = sched_choose(2);
		if (!kept)
			destroy(pool);
		sched_become_child();
		if (kept)
			destroy(pool);
		pool = pool_of(1);
	}
	destroy(pool);
	be_a_process();
}

/* ------------------------------------------------------- beside a busy one -- */

static struct magring_pool *pool, *spare;
static struct magring_queue *left[3];
static struct magring_message handed;

/* First what takes locks in few steps. */
static void change_lists(void *unused)
{
	(void)unused;
	magring_message_free(&handed);
	release(left[1]);
	destroy(spare);
	release(queue_of(pool));
	destroy(pool_of(0));
	struct magring_message message = take(pool);
	magring_message_free(&message);
}

/* At any step of the other thread; the child releases what that did not use. */
static void run_beside(void)
{
	struct magring_pool *listed = sched_choose(2) ? pool_of(0) : NULL;
	sched_set_stack(frames, 2);
	pool = pool_of(1);
	spare = pool_of(0);
	struct magring_message message = take(pool);
	handed = take(pool);
	for (int i = 0; i < 3; i++)
		left[i] = queue_of(listed);
	unsigned int busy = sched_spawn("busy", change_lists, NULL);
	sched_run_alone(busy, sched_choose(sched_choose(2) ? 200 : 900));
	sched_become_child();
	for (unsigned int number = 0; number < MAGRING_POOLS_MAX; number++)
		sched_require(pools[number] == NULL || number < pool_numbers(),
			"pool %u is not among %u", number, pool_numbers());
	magring_message_free(&message);
	unsigned int first = sched_choose(2);
	release(left[2 * first]);
	release(left[2 - 2 * first]);
	message = take(pool);
	sched_require(!(message_kind(&message) & MESSAGE_RARE), "a sample in half a list");
	magring_message_free(&message);
	release(queue_of(listed));
	be_a_process();
}

const struct sched_program pool_child_after = { "pool_child_after",
	"the child of a process that had pools has threads of its own", run_after, 0 };
const struct sched_program pool_child = { "pool_child", "a fork beside a thread that changes lists",
	run_beside, 0 };
