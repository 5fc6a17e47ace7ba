/* SPDX-License-Identifier: MIT */
/*
 * Program: names of pools and queues, given or made up, by three threads at the
 * same time. A name that is refused leaves nothing behind.
 */
#include "pool_slabs.h"
#include "queue/queue.h"

#include <errno.h>
#include <string.h>

#define LONGEST "0123456789012345678901234567890123456789012345678901234567890\xc3\xa9"
_Static_assert(sizeof(LONGEST) - 1 == MAGRING_NAME_MAX, "the longest name");

static const struct name {
	const char *text; /* NULL: one is made up */
	int result;
} names[] = { { NULL, 0 }, { NULL, 0 }, { "", 0 }, { "orders", 0 }, { LONGEST, 0 },
	{ "\xf0\x9f\x90\x9f \xe2\x82\xac", 0 }, { LONGEST "0", -ENAMETOOLONG },
	/* Not UTF-8: no first byte, half a point, too long, a surrogate, too large. */
	{ "\x80", -EINVAL }, { "\xff", -EINVAL }, { "\xe2\x82", -EINVAL }, { "\xc0\xaf", -EINVAL },
	{ "\xed\xa0\x80", -EINVAL }, { "\xf4\x90\x80\x80", -EINVAL } };
#define NAMES (sizeof(names) / sizeof(names[0]))

#define THREADS_HERE 3
#define TURNS 2

/* What is there until the end, so that names that are made up all differ. */
static struct magring_pool *made_pools[THREADS_HERE * TURNS];
static struct magring_queue *made_queues[THREADS_HERE * TURNS];

static void check_name(const char *is, const struct name *wanted, const char *prefix)
{
	if (wanted->text != NULL)
		sched_require(strcmp(is, wanted->text) == 0, "the name is \"%s\"", is);
	else
		sched_require(strncmp(is, prefix, strlen(prefix)) == 0 &&
				is[strlen(prefix)] != '\0',
			"the name is \"%s\", without one", is);
}

static void make_pool(struct magring_pool **ret_pool)
{
	const struct name *name = &names[sched_choose(NAMES)];
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = 64,
		.name = name->text };
	int rc = magring_pool_create(ret_pool, &options);
	sched_require(rc == name->result, "pool_create with name %td: %d, not %d", name - names, rc,
		name->result);
	sched_require((*ret_pool != NULL) == (rc == 0), "a pool that is refused is there");
	if (rc == 0)
		check_name((*ret_pool)->name, name, "pool-");
}

static void make_queue(struct magring_queue **ret_queue)
{
	const struct name *name = &names[sched_choose(NAMES)];
	const struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.name = name->text };
	int rc = magring_queue_create(ret_queue, slabs_pool(), &options);
	sched_require(rc == name->result, "queue_create with name %td: %d, not %d", name - names,
		rc, name->result);
	sched_require((*ret_queue != NULL) == (rc == 0), "a queue that is refused is there");
	if (rc == 0)
		check_name((*ret_queue)->name, name, "queue-");
}

static void create(void *number)
{
	for (uintptr_t i = (uintptr_t)number * TURNS; i < ((uintptr_t)number + 1) * TURNS; i++)
		if (sched_choose(2) == 0)
			make_pool(&made_pools[i]);
		else
			make_queue(&made_queues[i]);
}

/* Two made-up names are never the same; given ones may be. */
static void check_differ(const char *one, const char *other, const char *prefix)
{
	sched_require(strncmp(one, prefix, strlen(prefix)) != 0 || strcmp(one, other) != 0,
		"\"%s\" twice", one);
}

static void check_all(void)
{
	uint64_t there = 0;
	for (int i = 0; i < THREADS_HERE * TURNS; i++) {
		there += made_queues[i] != NULL;
		for (int k = 0; k < i; k++) {
			if (made_queues[i] != NULL && made_queues[k] != NULL)
				check_differ(made_queues[i]->name, made_queues[k]->name, "queue-");
			if (made_pools[i] != NULL && made_pools[k] != NULL)
				check_differ(made_pools[i]->name, made_pools[k]->name, "pool-");
		}
	}
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0 && stats.queues == there, "%lu queues, %lu are there", stats.queues,
		there);
}

static void run_names(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 64, .rounds = 1, .chunk = 1 });
	for (uintptr_t i = 0; i < THREADS_HERE; i++)
		slabs_spawn("creator", create, (void *)i);
	slabs_wait();
	check_all();
	for (int i = 0; i < THREADS_HERE * TURNS; i++) {
		int rc = made_queues[i] != NULL ? magring_queue_release(made_queues[i]) : 0;
		if (rc == 0 && made_pools[i] != NULL)
			rc = magring_pool_destroy(made_pools[i]);
		sched_require(rc == 0, "number %d does not go: %d", i, rc);
	}
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_names = { "memory_names",
	"pools and queues with names of all kinds", run_names, SCHED_MAY_STOP };
