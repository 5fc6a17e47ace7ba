/* SPDX-License-Identifier: MIT */
/*
 * Programs: pages of empty magazines, which a trim gives to the system.
 */
#include "pool_slabs.h"

#include <errno.h>

static void trim(void *unused)
{
	(void)unused;
	slabs_begin_call();
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	slabs_end_call();
	sched_require(rc == 0, "trim: %d", rc);
}

#define MAGAZINES 36

static const struct slabs_options magazines = { .bytes = 8 * 64, .rounds = 1, .chunk = 1 };

/* More pages of empty magazines than the slabs need. */
static void make_magazines(struct depot *depot)
{
	struct magazine *made[MAGAZINES];
	for (int i = 0; i < MAGAZINES; i++) {
		made[i] = depot_take_empty(depot);
		sched_require(made[i] != NULL, "no magazine");
	}
	for (int i = 0; i < MAGAZINES; i++)
		depot_put(depot, 0, made[i]);
}

static void use_slabs(void *unused)
{
	struct magring_message mine[4];
	unsigned int count = 0;
	(void)unused;
	while (count < 4 && slabs_take(&mine[count], SLABS_SMALL, 0) == 0)
		count++;
	while (count > 0)
		slabs_free(&mine[--count]);
}

static void run_magazines(void)
{
	make_magazines(&slabs_create(&magazines)->depot);
	slabs_spawn("trim", trim, NULL);
	slabs_spawn("user", use_slabs, NULL);
	slabs_spawn("user", use_slabs, NULL);
	slabs_wait();
	trim(NULL);
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_magazines = { "memory_magazines",
	"pages of magazines are trimmed beside two users", run_magazines,
	SCHED_MAY_STOP | SCHED_MAY_DIE };
