/* SPDX-License-Identifier: MIT */
/*
 * Directed programs: the slab is out of reach for a moment, and whatever has
 * hidden it notifies nobody. The thread that waits tries again unasked.
 */
#include "pool_acts.h"
#include "pool_directed.h"

#define OTHER ((size_t)128)

static const struct slabs_options two_classes = { .bytes = 3 * 64 + 3 * 128,
	.max_payload = OTHER,
	.rounds = 1,
	.chunk = 1,
	.several = true };

static struct magring_message small[4], kept[3];
static bool freed;
static struct cache *cache; /* the owner's */

static bool is_busy(void)
{
	return atomic_load(&cache->busy) != 0;
}

static bool is_revoked(void)
{
	return atomic_load(&cache->revoked) != 0;
}

static bool is_in_hands(void)
{
	struct chunks *chunks = &slabs_pool()->depot.chunks;
	return atomic_load(&chunks->begun) != atomic_load(&chunks->ended);
}

static bool has_freed(void)
{
	return freed;
}

static void run_until(unsigned int thread, bool (*is_so)(void))
{
	for (int i = 0; i < 2000 && !is_so(); i++)
		sched_run_alone(thread, 1);
}

/* Frees the slab into its cache. Then it is at work there for another class. */
static void free_and_use(void *unused)
{
	struct magring_message message;
	(void)unused;
	slabs_free(&small[0]);
	freed = true;
	if (slabs_take(&message, OTHER, 0) == 0)
		slabs_give(&message);
	slabs_stay();
}

static void end(size_t payload)
{
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	for (int i = 0; i < 3; i++)
		if (kept[i].private_header != 0)
			slabs_free(&kept[i]);
	slabs_end(payload);
}

/* Its owner has stopped at work in the cache that has the slab. */
static unsigned int create_with_busy_owner(void)
{
	slabs_create(&two_classes);
	slabs_take_all(small, SLABS_SMALL, 3);
	slabs_take_all(kept, OTHER, 3);
	slabs_give(&small[1]);
	slabs_give(&small[2]);
	unsigned int owner = slabs_spawn("owner", free_and_use, NULL);
	run_until(owner, has_freed);
	cache = slabs_cache(1);
	run_until(owner, is_busy);
	return owner;
}

static void run_busy(void)
{
	create_with_busy_owner();
	sched_run_alone(slabs_spawn("want", slabs_want, (void *)SLABS_SMALL), 2000);
	end(SLABS_SMALL);
}

static void free_two_and_take(void *unused)
{
	(void)unused;
	slabs_free(&small[0]);
	slabs_free(&small[1]);
	freed = true;
	slabs_take_all(&small[0], SLABS_SMALL, 1);
	slabs_stay();
}

/*
 * The same, and no other class has memory. The owner has two slabs and takes
 * one, so nothing tells of the other one.
 */
static void run_busy_alone(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * 64, .rounds = 2, .chunk = 2 });
	slabs_take_all(small, SLABS_SMALL, 2);
	unsigned int owner = slabs_spawn("owner", free_two_and_take, NULL);
	run_until(owner, has_freed);
	cache = slabs_cache(1);
	run_until(owner, is_busy);
	sched_run_alone(slabs_spawn("want", slabs_want, (void *)SLABS_SMALL), 2000);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_free(&small[0]);
	slabs_end(SLABS_SMALL);
}

static bool is_over(void)
{
	return !is_revoked();
}

static void want_at_once(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, 0);
	sched_require(rc == 0, "refused before the last try: %d", rc);
	slabs_give(&message);
}

/* The owner leaves its cache after the first look at it, and there are more. */
static void run_tries(void)
{
	unsigned int owner = create_with_busy_owner();
	unsigned int wants = slabs_spawn("want", want_at_once, NULL);
	run_until(wants, is_revoked);
	run_until(wants, is_over);
	sched_run_alone(owner, 2000);
	sched_run_alone(wants, 2000);
	end(SLABS_SMALL);
}

static void free_and_stay(void *unused)
{
	(void)unused;
	slabs_free(&small[0]);
	freed = true;
	slabs_stay();
}

static void want_none(void *unused)
{
	struct magring_message message;
	(void)unused;
	sched_require(slabs_take(&message, OTHER, 0) != 0, "a slab too many");
	slabs_stay();
}

/*
 * Another thread empties the cache, of another class. It is done with that
 * after the first look, and there are more.
 */
static void run_revoked(void)
{
	slabs_create(&two_classes);
	slabs_take_all(small, SLABS_SMALL, 3);
	slabs_take_all(kept, OTHER, 3);
	slabs_give(&small[1]);
	slabs_give(&small[2]);
	unsigned int owner = slabs_spawn("owner", free_and_stay, NULL);
	run_until(owner, has_freed);
	cache = slabs_cache(1);
	sched_run_alone(owner, 1);
	unsigned int reclaims = slabs_spawn("reclaim", want_none, NULL);
	run_until(reclaims, is_revoked);
	unsigned int wants = slabs_spawn("want", want_at_once, NULL);
	cache = slabs_cache(3); /* its own, which the other one leaves alone */
	run_until(wants, is_revoked);
	run_until(wants, is_over);
	sched_run_alone(reclaims, 2000);
	sched_run_alone(wants, 2000);
	end(SLABS_SMALL);
}

static void use_small(void *unused)
{
	struct magring_message message;
	(void)unused;
	if (slabs_take(&message, SLABS_SMALL, 0) == 0)
		slabs_give(&message);
	slabs_stay();
}

/* The thread that waits has a slab of its class in use. Another cuts a range. */
static void run_hands(void)
{
	struct slabs_options options = two_classes;
	options.bytes = 128 + 4 * 64;
	slabs_create(&options);
	slabs_take_all(kept, OTHER, 1);
	slabs_take_all(small, SLABS_SMALL, 4);
	for (int i = 0; i < 4; i++)
		slabs_free(&small[i]);
	int rc = magring_pool_trim(slabs_pool(), 0, NULL);
	sched_require(rc == 0, "trim: %d", rc);
	slabs_take_all(&small[0], SLABS_SMALL, 1);
	slabs_give(&small[0]);
	slabs_leave_metadata(0, 0); /* a thread at work in a cache hides things, too */
	unsigned int user = slabs_spawn("cut", use_small, NULL);
	run_until(user, is_in_hands);
	sched_run_alone(user, 4 + sched_choose(4));
	sched_run_alone(slabs_spawn("want", slabs_want, (void *)OTHER), 2000);
	end(SLABS_SMALL);
}

#define LARGE ((size_t)256)

static void want_larger(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, 0);
	sched_require(rc == 0, "a larger slab is free: %d", rc);
	slabs_give(&message);
	slabs_stay();
}

static void free_and_take(void *unused)
{
	(void)unused;
	slabs_free(&small[0]);
	int rc = slabs_take(&small[0], LARGE, 0);
	sched_require(rc == 0, "the slab that was freed: %d", rc);
	freed = true;
	slabs_stay();
}

/*
 * Of two larger slabs one is free throughout. The other one is freed, and taken
 * again, while a thread adds up how many are free.
 */
static void run_survey(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * LARGE,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 2,
		.several = true });
	slabs_take_all(small, LARGE, 2);
	slabs_free(&small[1]);
	unsigned int wants = slabs_spawn("want", want_larger, NULL);
	unsigned int other = slabs_spawn("free and take", free_and_take, NULL);
	sched_run_alone(wants, sched_choose(1200));
	run_until(other, has_freed);
	sched_run_alone(wants, 2000);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_free(&small[0]);
	slabs_end(LARGE);
}

static void use_small_for_long(void *unused)
{
	struct magring_message message;
	(void)unused;
	int rc = slabs_take(&message, SLABS_SMALL, -1);
	sched_require(rc == 0, "a small slab: %d", rc);
	slabs_free(&message);
	slabs_stay();
}

/* The memory is another class's that is not counted yet. */
static bool is_uncounted(void)
{
	struct depot *depot = &slabs_pool()->depot;
	return atomic_load(&depot->slabs.taken) > 0 && !is_in_hands() &&
		atomic_load(&depot->chunks.free_bytes) < LARGE &&
		atomic_load(&depot->class[3].carved) == atomic_load(&depot->class[3].trimmed) &&
		atomic_load(&depot->class[0].carved) == 0;
}

/*
 * A small slab is carved, of what a large one has left or of the budget. A
 * thread that wants all of it looks at that moment. No free of its own class
 * follows, so it has to look again.
 */
static void run_uncounted(void)
{
	bool fresh = sched_choose(2) == 0;
	slabs_create(&(struct slabs_options){ .bytes = LARGE,
		.max_payload = LARGE,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	if (!fresh) {
		slabs_take_all(small, LARGE, 1);
		slabs_free(&small[0]);
	}
	slabs_leave_metadata(0, 4096); /* as in run_hands() */
	unsigned int user = slabs_spawn("small", use_small_for_long, NULL);
	run_until(user, is_uncounted);
	sched_run_alone(slabs_spawn("want", slabs_want, (void *)LARGE), 2000);
	sched_resume_all();
	slabs_wait();
	slabs_listen();
	slabs_end(LARGE);
}

const struct sched_program pool_uncounted = { "pool_uncounted",
	"the slab is of memory that another class has just got", run_uncounted, 0 };
const struct sched_program pool_survey = { "pool_survey",
	"a larger slab is free while another is freed and taken", run_survey, 0 };
const struct sched_program pool_busy = { "pool_busy",
	"the slab is in the cache of a thread at work", run_busy, 0 };
const struct sched_program pool_busy_alone = { "pool_busy_alone",
	"the slab is in the cache of a thread at work, which takes another", run_busy_alone, 0 };
const struct sched_program pool_tries = { "pool_tries",
	"the slab is out of reach at the first try alone", run_tries, 0 };
const struct sched_program pool_revoked = { "pool_revoked",
	"the slab is in a cache that another thread empties", run_revoked, 0 };
const struct sched_program pool_hands = { "pool_hands",
	"the slab is in a range that another thread cuts", run_hands, 0 };
