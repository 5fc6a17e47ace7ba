/* SPDX-License-Identifier: MIT */
/*
 * Programs: some cells between senders and receivers. lib/queue/spacing.c
 * promises what is required here. The ring is of the smallest size that keeps a
 * gap, and is held nearly full, or nearly empty.
 */
#include "tuned.h"

#include <stddef.h>

#include "programs.h"
#include "queue/queue.h"
#include "queue/spacing.h"
#include "queue_checks.h"

#define CELLS 1024
#define CLOSE 128      /* cells between the sides that are too few */
#define EVERY 32       /* positions between two checks */
#define IN_A_ROW 8     /* checks until a sender backs off */
#define SHORT 1000000  /* ns: a call with such a timeout keeps no gap */
#define SKIPS_MAX 255u /* checks */

static struct magring_queue *queue;
static uint64_t sent, received;

/* Each is its place in the order of the only sender. */
static void put(int64_t timeout_ns)
{
	struct magring_message message;
	int rc = magring_message_copy(NULL, &message, NULL, 0, &sent, sizeof(sent), 0);
	sched_require(rc == 0, "a message is not made: %d", rc);
	rc = magring_send(queue, &message, timeout_ns);
	sched_require(rc == 0, "send: %d", rc);
	sent++;
}

static void get(int64_t timeout_ns)
{
	struct magring_message message;
	int rc = magring_recv(queue, &message, timeout_ns);
	sched_require(rc == 0, "receive: %d", rc);
	uint64_t is = *(uint64_t *)magring_message_payload(&message, NULL);
	sched_require(is == received, "message %lu, not %lu", is, received);
	received++;
}

static void put_some(unsigned int count)
{
	while (count-- > 0)
		put(0);
}

static void get_some(unsigned int count)
{
	while (count-- > 0)
		get(0);
}

static void begin(unsigned int there)
{
	queue = checks_queue(CELLS / 2, 0, true);
	put_some(there);
}

static void end(void)
{
	int rc = magring_queue_release(queue);
	sched_require(rc == 0, "release: %d", rc);
}

/* --------------------------------------------------------- alone, by calls -- */

/* One call of a side, and its answer at once: whether the call has backed off.
 * A step takes 1 ns, and a pause 1000. */
static bool call_backs_off(enum side side, int64_t timeout_ns)
{
	int64_t before = sched_time();
	if (side == SENDER)
		put(timeout_ns);
	else
		get(timeout_ns);
	bool backed_off = sched_time() - before >= 1000;
	if (side == SENDER)
		get(0);
	else
		put(0);
	return backed_off;
}

/* Calls before the next one that checks, of which none backs off. */
static void go_to_check(enum side side)
{
	while (ring_position(&queue->ring, side) % EVERY != 0)
		sched_require(!call_backs_off(side, -1), "a call at no check backs off");
}

static bool check_backs_off(enum side side, int64_t timeout_ns)
{
	go_to_check(side);
	return call_backs_off(side, timeout_ns);
}

static void run_sends(void)
{
	bool close = sched_choose(3) > 0;
	int64_t timeout_ns = sched_choose(3) > 0 ? -1 : SHORT + (int64_t)sched_choose(2);
	begin(CELLS - CLOSE - !close);
	for (int i = 1; i <= IN_A_ROW; i++) {
		bool wanted = close && timeout_ns != SHORT && i == IN_A_ROW;
		sched_require(check_backs_off(SENDER, timeout_ns) == wanted,
			"check %d of a sender: not %d", i, wanted);
	}
	end();
}

/* In vain each time, but for the last. */
static void run_receives(void)
{
	bool close = sched_choose(3) > 0;
	int64_t timeout_ns = sched_choose(3) > 0 ? -1 : SHORT + (int64_t)sched_choose(2);
	bool backs_off = close && timeout_ns != SHORT;
	begin(CLOSE + !close);
	sched_require(check_backs_off(RECEIVER, timeout_ns) == backs_off,
		"the first check of a receiver: not %d", backs_off);
	for (int skips = 1; backs_off && skips <= 7; skips = 2 * skips + 1) {
		for (int i = 0; i < skips; i++)
			sched_require(!check_backs_off(RECEIVER, timeout_ns),
				"check %d of %d that are left out", i + 1, skips);
		sched_require(check_backs_off(RECEIVER, timeout_ns), "none after %d left out",
			skips);
	}
	end();
}

/* ------------------------------------------------------ alone, by functions -- */

static unsigned int left_out(struct spacing *spacing)
{
	unsigned int checks = 0;
	while (!spacing_is_due(spacing, &queue->ring, RECEIVER))
		sched_require(checks++ < SKIPS_MAX, "%u checks left out", checks);
	return checks;
}

/* What is in vain is done more and more seldom, what has paid each time. */
static void run_learns(void)
{
	struct spacing spacing = { 0 };
	begin(CLOSE);
	sched_require(left_out(&spacing) == 0, "the first check is left out");
	for (unsigned int wanted = 1;; wanted = 2 * wanted + 1) {
		unsigned int wants = wanted < SKIPS_MAX ? wanted : SKIPS_MAX;
		spacing_learn(&spacing, &queue->ring, RECEIVER);
		unsigned int is = left_out(&spacing);
		sched_require(is == wants, "%u checks left out, not %u", is, wants);
		if (wanted > SKIPS_MAX)
			break;
	}
	/* One message less than pays. */
	put_some(CLOSE);
	spacing_learn(&spacing, &queue->ring, RECEIVER);
	get_some(CLOSE);
	sched_require(left_out(&spacing) == SKIPS_MAX, "%d more have paid", CLOSE);
	put_some(CLOSE + 1);
	spacing_learn(&spacing, &queue->ring, RECEIVER);
	get_some(CLOSE + 1);
	sched_require(left_out(&spacing) == 0, "%d more have not paid", CLOSE + 1);
	end();
}

/* ------------------------------------------------------------------ beside -- */

static void send(void *count)
{
	for (uintptr_t i = (uintptr_t)count; i > 0; i--)
		put(-1);
}

static void receive(void *count)
{
	for (uintptr_t i = (uintptr_t)count; i > 0; i--)
		get(-1);
}

/* A third thread, of both sides, that does nothing but check. */
static void check(void *checks)
{
	struct spacing spacing[2] = { { 0 }, { 0 } };
	for (uintptr_t i = (uintptr_t)checks; i > 0; i--) {
		enum side side = sched_choose(2) == 0 ? SENDER : RECEIVER;
		struct spacing *of = &spacing[side == RECEIVER];
		if (spacing_is_due(of, &queue->ring, side))
			spacing_learn(of, &queue->ring, side);
		sched_require((of->skips & (of->skips + 1)) == 0 && of->skip <= of->skips &&
				of->skips <= SKIPS_MAX,
			"%u of %u checks are left out", of->skip, of->skips);
		sched_pass(sched_choose(20));
	}
}

/* Whatever the gap, all messages come, in order. */
static void run_beside(void)
{
	static const unsigned int levels[] = { 0, CLOSE, CELLS - CLOSE, CELLS - 1 };
	unsigned int there = levels[sched_choose(4)];
	uintptr_t more = (IN_A_ROW + 1) * EVERY;
	begin(there);
	sched_spawn("sender", send, (void *)more);
	sched_spawn("receiver", receive, (void *)(more + (there > 0 ? EVERY : 0)));
	sched_spawn("check", check, (void *)(uintptr_t)20);
	sched_wait();
	for (unsigned int i = 1; i <= 3; i++)
		sched_require(sched_has_ended(i), "thread %u has not ended", i);
	while (received < sent)
		get(0);
	sched_require(magring_queue_size(queue) == 0, "%zu messages are left",
		magring_queue_size(queue));
	end();
}

static const struct sched_program sends = { "spacing_sends",
	"a sender that is close to receivers backs off", run_sends, 0 };
static const struct sched_program receives = { "spacing_receives",
	"a receiver that is close to senders backs off", run_receives, 0 };
static const struct sched_program learns = { "spacing_learns",
	"checks are left out after those in vain", run_learns, 0 };
static const struct sched_program beside = { "spacing_beside", "the same beside the other side",
	run_beside, SCHED_MAY_STOP };

const struct sched_program *const spacing_programs[] = { &sends, &receives, &learns, &beside,
	NULL };
