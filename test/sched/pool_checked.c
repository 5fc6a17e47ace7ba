/* SPDX-License-Identifier: MIT */
/*
 * Programs: a checked pool. Freed slabs are in its limbo for a while.
 *
 * The engine fails a run in which a thread fills or compares bytes that another
 * one uses. A line about misuse fails it as well, unless there was some. Then
 * one thread is told of it, and that is one of those that were wrong.
 */
#define MAGRING_NO_INLINE
#include "pool_acts.h"
#include "pool_directed.h"
#include "pool_programs.h"

#include "pool/checked_slab.h"

#include <errno.h>
#include <string.h>

#define SIZE ((size_t)128) /* of a slab for SLABS_SMALL, with its margin */
#define ALL ((size_t)1 << 20)

/* So many slabs. The limbo keeps so many bytes. */
static void create(size_t slabs, size_t limbo)
{
	slabs_create(&(struct slabs_options){ .bytes = slabs * SIZE,
		.max_payload = SIZE,
		.rounds = 2,
		.chunk = 1,
		.checked = true });
	slabs_pool()->checked->bytes_max = limbo;
	sched_require(slabs_room(SLABS_SMALL) == slabs, "room for %zu", slabs_room(SLABS_SMALL));
}

/* ---------------------------------------------------------------- traffic -- */

static void trade(void *unused)
{
	(void)unused;
	slabs_trade(6, 2);
}

static void trade_and_trim(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		slabs_trade(2, 2);
		slabs_begin_call();
		int rc = magring_pool_trim(slabs_pool(), 0, NULL);
		slabs_end_call();
		sched_require(rc == 0, "trim: %d", rc);
	}
}

/* The limbo is full with one slab, or two, or holds all that are free. */
static void run_traffic(void)
{
	create(4, sched_choose(3) * SIZE + (sched_choose(3) == 0 ? ALL : 0));
	slabs_spawn("trader", trade, NULL);
	slabs_spawn("trader", trade, NULL);
	slabs_spawn("trim", trade_and_trim, NULL);
	slabs_wait();
	slabs_end(SLABS_SMALL);
}

static void trim_twice(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		slabs_begin_call();
		int rc = magring_pool_trim(slabs_pool(), 0, NULL);
		slabs_end_call();
		sched_require(rc == 0, "trim: %d", rc);
	}
}

#define PAGE ((size_t)4096)

static void take_pages(void *unused)
{
	struct magring_message message;
	(void)unused;
	for (int i = 0; i < 3; i++)
		if (slabs_take(&message, PAGE - 64, 0) == 0)
			slabs_free(&message);
}

/* Slabs of whole pages, which the system gets, and which are zero then. */
static void run_trimmed(void)
{
	slabs_create(&(struct slabs_options){ .bytes = 2 * PAGE,
		.max_payload = PAGE,
		.rounds = 1,
		.chunk = 1,
		.checked = true,
		.several = true });
	slabs_pool()->checked->bytes_max = sched_choose(2) * ALL;
	slabs_spawn("take", take_pages, NULL);
	slabs_spawn("trim", trim_twice, NULL);
	slabs_wait();
	slabs_end(PAGE - 64);
}

/* ------------------------------------------------------------------ limbo -- */

static struct magring_message held[3];

static void free_first(void *unused)
{
	(void)unused;
	slabs_free(&held[0]);
	slabs_stay();
}

/* A thread sleeps, and the slab comes to the limbo. */
static void run_awaited(void)
{
	create(2, ALL);
	slabs_take_all(held, SLABS_SMALL, 2);
	unsigned int wants = slabs_spawn("want", slabs_want, (void *)SLABS_SMALL);
	sched_run_alone(wants, sched_choose(2) == 0 ? 4000 : sched_choose(400));
	slabs_spawn("free", free_first, NULL);
	slabs_wait();
	sched_require(sched_has_ended(wants), "nothing was found in the limbo");
	slabs_listen();
	slabs_free(&held[1]);
	slabs_end(SLABS_SMALL);
}

static void take_all(void *unused)
{
	(void)unused;
	slabs_listen();
	slabs_take_all(held, SLABS_SMALL, 3);
	slabs_tell();
	slabs_stay();
}

/* All that is free is in the limbo, and one thread takes it without waiting. */
static void run_refused(void)
{
	create(3, ALL);
	slabs_take_all(held, SLABS_SMALL, 3);
	for (int i = 0; i < 3; i++)
		slabs_free(&held[i]);
	sched_require(slabs_pool()->checked->bytes == 3 * SIZE, "what was freed is elsewhere");
	slabs_tell();
	slabs_spawn("take", take_all, NULL);
	slabs_wait();
	slabs_listen();
	for (int i = 0; i < 3; i++)
		slabs_free(&held[i]);
	slabs_end(SLABS_SMALL);
}

/* ----------------------------------------------------------------- misuse -- */

static struct magring_message copy[3];

static void make_copies(struct magring_message *message)
{
	int rc = magring_message_alloc(slabs_pool(), message, NULL, 0, SLABS_SMALL, 0);
	sched_require(rc == 0, "alloc: %d", rc);
	memset(magring_message_payload(message, NULL), 1, SLABS_SMALL);
}

static void free_copy(void *mine)
{
	slabs_listen();
	magring_message_free(mine);
	slabs_stay();
}

static bool has_used; /* a thread that did nothing wrong */

static void use_another(void *unused)
{
	struct magring_message message;
	(void)unused;
	slabs_listen();
	int rc = magring_message_alloc(slabs_pool(), &message, NULL, 0, SLABS_SMALL, 0);
	sched_require(rc == 0 || rc == -ENOBUFS, "alloc: %d", rc);
	if (rc == 0) {
		memset(magring_message_payload(&message, NULL), 2, SLABS_SMALL);
		magring_message_free(&message);
	}
	has_used = true;
	slabs_stay();
}

/* One thread is told, and of a message that is stale. Nothing is out. */
static void check_told(const char *call, size_t out)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	const char *line = sched_last_line();
	slabs_stand_still();
	slabs_listen();
	sched_require(sched_aborts() == 1, "%u threads are told: %s", sched_aborts(), line);
	sched_require(strstr(line, call) != NULL || call[0] == '\0', "%s is not told: %s", call,
		line);
	sched_require(strstr(line, "freed before") != NULL || strstr(line, "of a copy") != NULL,
		"a stale message is told of as: %s", line);
	int rc = magring_pool_get_stats(slabs_pool(), &stats);
	sched_require(rc == 0 && stats.slabs_in_use == out, "%lu slabs are out, not %zu",
		(unsigned long)stats.slabs_in_use, out);
}

/* Two threads free one message. A third may get the slab in between. */
static void run_stale_free(void)
{
	has_used = false;
	create(1, sched_choose(2) * ALL);
	make_copies(&copy[0]);
	copy[1] = copy[0];
	sched_expect_abort();
	slabs_tell();
	slabs_spawn("free", free_copy, &copy[0]);
	slabs_spawn("free", free_copy, &copy[1]);
	slabs_spawn("use", use_another, NULL);
	check_told("free", 0);
	sched_require(has_used, "a thread that did nothing wrong goes no further");
}

static struct magring_queue *queue;

static void send_copy(void *mine)
{
	slabs_listen();
	int rc = magring_send(queue, mine, 0);
	sched_require(rc == 0, "send: %d", rc);
	slabs_stay();
}

/* Of a send and a free, or of two sends, one is told. The queue has it, or none. */
static void run_stale_send(void)
{
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	bool frees = sched_choose(2) == 0;
	create(1, ALL);
	int rc = magring_queue_create(&queue, slabs_pool(), &options);
	sched_require(rc == 0, "queue_create: %d", rc);
	make_copies(&copy[0]);
	copy[1] = copy[0];
	sched_expect_abort();
	slabs_tell();
	slabs_spawn("send", send_copy, &copy[0]);
	slabs_spawn("other", frees ? free_copy : send_copy, &copy[1]);
	sched_wait();
	slabs_listen();
	struct magring_message message;
	bool sent = magring_recv(queue, &message, 0) == 0;
	sched_require(sent || frees, "neither was sent");
	check_told(sent && frees ? "free" : "send", sent);
	if (sent)
		magring_message_free(&message);
	sched_require(sched_aborts() == 1, "%s", sched_last_line());
}

/* Of two messages with one payload three are freed. */
static void run_stale_shared(void)
{
	create(1, sched_choose(2) * ALL);
	make_copies(&copy[0]);
	int rc = magring_message_share(&copy[0], &copy[1]);
	sched_require(rc == 0, "share: %d", rc);
	copy[2] = copy[1];
	sched_expect_abort();
	slabs_tell();
	for (int i = 0; i < 3; i++)
		slabs_spawn("free", free_copy, &copy[i]);
	check_told("free", 0);
}

/* ----------------------------------------------------------------- shared -- */

static void read_share_and_free(void *mine)
{
	struct magring_message *message = mine, other;
	slabs_listen();
	sched_read(magring_message_payload(message, NULL), SLABS_SMALL);
	int rc = magring_message_share(message, &other);
	sched_require(rc == 0, "share: %d", rc);
	magring_message_free(message);
	sched_read(magring_message_payload(&other, NULL), SLABS_SMALL);
	magring_message_free(&other);
	use_another(NULL);
}

/* Two threads share and free a payload further, and one of them uses the slab
 * for the next message. */
static void run_shares(void)
{
	create(1, sched_choose(2) * ALL);
	make_copies(&copy[0]);
	int rc = magring_message_share(&copy[0], &copy[1]);
	sched_require(rc == 0, "share: %d", rc);
	slabs_tell();
	for (int i = 0; i < 2; i++)
		slabs_spawn("share", read_share_and_free, &copy[i]);
	slabs_wait();
	slabs_listen();
	slabs_end(SLABS_SMALL);
}

const struct sched_program memory_checked = { "memory_checked",
	"three threads trade slabs of a checked pool, and one trims", run_traffic, SCHED_MAY_STOP };
const struct sched_program checked_trimmed = { "checked_trimmed",
	"slabs of a checked pool go to the system", run_trimmed, SCHED_MAY_STOP };
const struct sched_program checked_awaited = { "checked_awaited",
	"a thread waits for a slab that comes to the limbo", run_awaited, 0 };
const struct sched_program checked_refused = { "checked_refused", "all free slabs are in the limbo",
	run_refused, 0 };
const struct sched_program checked_stale_free = { "checked_stale_free",
	"two threads free one message", run_stale_free, SCHED_MAY_STOP };
const struct sched_program checked_stale_send = { "checked_stale_send",
	"two threads send one message, or one frees it", run_stale_send, 0 };
const struct sched_program checked_stale_shared = { "checked_stale_shared",
	"a shared payload is freed once too often", run_stale_shared, SCHED_MAY_STOP };
const struct sched_program checked_shares = { "checked_shares",
	"two threads share and free a payload of a checked pool", run_shares, SCHED_MAY_STOP };
