/* SPDX-License-Identifier: MIT */
/*
 * Programs: messages that share a payload.
 *
 * A payload has a number, which its first owner writes. All that have it read
 * the number again before they share or free. The engine fails a run in which
 * the next owner of a slab writes without knowing of a read.
 */
#define MAGRING_NO_INLINE
#include "pool_acts.h"
#include "pool_directed.h"
#include "pool_programs.h"

#include <errno.h>
#include <string.h>

#define HELD 3
#define TURNS 8

static uint64_t numbers; /* of payloads */

/* A message, and the number that its payload has. */
struct known {
	struct magring_message message;
	uint64_t number;
};

static uint64_t *payload_of(struct known *known)
{
	size_t size;
	void *payload = magring_message_payload(&known->message, &size);
	sched_require(payload != NULL && size == SLABS_SMALL, "a payload of %zu bytes", size);
	return payload;
}

/* Returns: whether there was memory. */
static bool take(struct known *ret_known, int64_t timeout_ns)
{
	slabs_begin_call();
	int rc = magring_message_alloc(slabs_pool(), &ret_known->message, NULL, 0, SLABS_SMALL,
		timeout_ns);
	slabs_end_call();
	sched_require(rc == 0 || (rc == -ENOBUFS && timeout_ns == 0), "alloc: %d", rc);
	if (rc != 0)
		return false;
	ret_known->number = ++numbers;
	uint64_t *payload = payload_of(ret_known);
	sched_write(payload, SLABS_SMALL);
	*payload = ret_known->number;
	return true;
}

static void check(struct known *known)
{
	uint64_t *payload = payload_of(known);
	sched_read(payload, SLABS_SMALL);
	sched_require(*payload == known->number, "payload %lu is now %lu", known->number, *payload);
}

static void share(struct known *known, struct known *ret_other)
{
	check(known);
	slabs_begin_call();
	int rc = magring_message_share(&known->message, &ret_other->message);
	slabs_end_call();
	sched_require(rc == 0, "share: %d", rc);
	ret_other->number = known->number;
}

static void let_go(struct known *known)
{
	check(known);
	slabs_begin_call();
	magring_message_free(&known->message);
	slabs_end_call();
}

static uint64_t slabs_out(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0, "get_stats: %d", rc);
	return stats.slabs_in_use;
}

/* So many messages of one payload, in the hands of the first thread. */
static void make(struct known *ret_known, unsigned int count, size_t slabs)
{
	slabs_create(
		&(struct slabs_options){ .bytes = slabs * SLABS_SMALL, .rounds = 2, .chunk = 1 });
	bool got = take(&ret_known[0], 0);
	sched_require(got, "no memory");
	for (unsigned int i = 1; i < count; i++)
		share(&ret_known[i - 1], &ret_known[i]);
	slabs_tell();
}

/* Nothing is out. It has been given back once, and all can be had again. */
static void end(void)
{
	slabs_wait();
	slabs_listen();
	sched_require(slabs_out() == 0, "%lu slabs are out", slabs_out());
	slabs_end(SLABS_SMALL);
}

/* ------------------------------------------------------ one payload, freed -- */

static struct known one[HELD];

/* The slab that the last one gives back goes to one thread at most. */
static void free_and_take(void *mine)
{
	struct known other;
	slabs_listen();
	let_go(mine);
	if (take(&other, 0))
		let_go(&other);
	slabs_stay();
}

/*
 * The thread has a magazine with room already. The slab is in there when it is
 * taken again, and no exchange with the depot orders what others did.
 */
static void use_and_free(void *mine)
{
	struct known other;
	if (take(&other, 0))
		let_go(&other);
	free_and_take(mine);
}

static void run_frees(void)
{
	unsigned int count = 2 + sched_choose(2);
	make(one, count, 1 + count);
	for (unsigned int i = 0; i < count; i++)
		slabs_spawn("free", use_and_free, &one[i]);
	end();
}

static void share_and_free(void *mine)
{
	struct known other;
	slabs_listen();
	share(mine, &other);
	let_go(mine);
	let_go(&other);
	slabs_stay();
}

/* A share beside a free of another message of the payload. */
static void run_beside(void)
{
	make(one, 2, 1);
	slabs_spawn("share", share_and_free, &one[0]);
	slabs_spawn("other", sched_choose(2) ? share_and_free : free_and_take, &one[1]);
	end();
}

static void await_memory(void *unused)
{
	struct known other;
	(void)unused;
	take(&other, -1);
	let_go(&other);
	slabs_stay();
}

static void free_one(void *mine)
{
	slabs_listen();
	let_go(mine);
	slabs_stay();
}

/* The slab comes with the last free, and not before. */
static void run_awaited(void)
{
	make(one, 2, 1);
	slabs_spawn("wait", await_memory, NULL);
	slabs_spawn("free", free_one, &one[0]);
	slabs_spawn("free", free_one, &one[1]);
	end();
}

/* ----------------------------------------------------------- first shares -- */

static struct known pair[2][2];

static void share_two(void *number)
{
	struct known *mine = pair[(uintptr_t)number];
	slabs_listen();
	share(&mine[0], &mine[1]);
	let_go(&mine[0]);
	check(&mine[1]);
	let_go(&mine[1]);
	slabs_stay();
}

/* Two payloads, whose counts are the first of a page that is not accessible. */
static void run_first(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * SLABS_SMALL, .rounds = 1, .chunk = 1 });
	for (int i = 0; i < 2; i++)
		sched_require(take(&pair[i][0], 0), "no memory");
	slabs_tell();
	for (uintptr_t i = 0; i < 2; i++)
		slabs_spawn("share", share_two, (void *)i);
	end();
}

/* ---------------------------------------------------------------- traffic -- */

static struct known passed[SCHED_THREADS];
static unsigned int places;

static void pass(struct known *known)
{
	slabs_tell();
	if (places == SCHED_THREADS)
		let_go(known);
	else
		passed[places++] = *known;
}

static bool get(struct known *ret_known)
{
	if (places == 0)
		return false;
	*ret_known = passed[--places];
	slabs_listen();
	return true;
}

static void trade(void *unused)
{
	struct known held[HELD];
	unsigned int count = 0;
	(void)unused;
	for (int i = 0; i < TURNS; i++) {
		unsigned int what = sched_choose(6);
		if (what == 0 && count < HELD)
			count += take(&held[count], 0);
		else if (what == 1 && count < HELD)
			count += get(&held[count]);
		else if (what < 4 && count > 0 && count < HELD)
			share(&held[count - 1], &held[count]), count++;
		else if (what == 4 && count > 0)
			pass(&held[--count]);
		else if (count > 0)
			let_go(&held[--count]);
	}
	while (count > 0)
		let_go(&held[--count]);
}

static void run_shares(void)
{
	struct known left;
	slabs_create(&(struct slabs_options){ .bytes = 3 * SLABS_SMALL,
		.rounds = 1,
		.chunk = 1,
		.several = true });
	for (int i = 0; i < 3; i++)
		slabs_spawn("trade", trade, NULL);
	slabs_wait();
	slabs_listen();
	while (get(&left))
		let_go(&left);
	end();
}

const struct sched_program memory_shares = { "memory_shares",
	"three threads share, pass on and free payloads", run_shares, SCHED_MAY_STOP };
const struct sched_program share_frees = { "share_frees",
	"all messages of a payload are freed at once", run_frees, SCHED_MAY_STOP };
const struct sched_program share_beside = { "share_beside",
	"a payload is shared as another thread frees it", run_beside, SCHED_MAY_STOP };
const struct sched_program share_awaited = { "share_awaited",
	"a thread waits for the slab of a shared payload", run_awaited, SCHED_MAY_INTERRUPT };
const struct sched_program share_first_shares = { "share_first_shares",
	"two payloads are shared for the first time", run_first, SCHED_MAY_STOP };
