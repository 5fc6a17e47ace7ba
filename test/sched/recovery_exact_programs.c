/* SPDX-License-Identifier: MIT */
/*
 * Recovery, with threads that stop in exact places: right after a claim, after
 * the store of a state, or after a challenge. Only a few steps are left to
 * choice.
 */
#include "history.h"
#include "programs.h"
#include "queue_checks.h"
#include "recovery.h"

#include <stddef.h>

#include "queue/queue.h"

static struct ring *ring;

static void begin(size_t capacity, size_t sent)
{
	recovery.queue = checks_queue(capacity, 0, sched_choose(2) == 1);
	history_begin(recovery.queue);
	ring = &recovery.queue->ring;
	recovery.batch = 0;
	recovery.calls = 1;
	for (size_t i = 0; i < sent; i++)
		history_send(0);
}

static int one(bool send)
{
	return send ? history_send(0) : history_recv(0);
}

static void some(bool send, unsigned int calls)
{
	for (unsigned int i = 0; i < calls; i++)
		one(send);
}

static unsigned int spawn(bool send)
{
	return sched_spawn(send ? "sender" : "receiver", send ? recovery_send : recovery_recv,
		NULL);
}

/* A word of the ring, as it is in memory. */
static uint64_t now(const _Atomic(uint64_t) *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* A thread goes on until a word has changed, and for some steps more. */
static void run_until_changed(unsigned int thread, const _Atomic(uint64_t) *word, unsigned int more)
{
	uint64_t before = now(word);
	for (unsigned int i = 0; i < 200 && now(word) == before; i++)
		sched_run_alone(thread, 1);
	sched_run_alone(thread, more);
	sched_stop(thread);
}

static void go_on(unsigned int thread, unsigned int most)
{
	sched_run_alone(thread, sched_choose(most));
	sched_stop(thread);
}

static unsigned int stop_after_claim(bool send)
{
	unsigned int thread = spawn(send);
	run_until_changed(thread, end_of(ring, send ? SENDER : RECEIVER), 0);
	return thread;
}

/*
 * A thread stops after its store. The cell's next owner is skipped before the
 * thread reads whether its state stands.
 */
static void run_recovery_late_look(void)
{
	bool send = sched_choose(2) == 0;
	begin(2, send ? 0 : 4);
	struct ring_cell *cell = cell_at(ring, ring_position(ring, send ? SENDER : RECEIVER));
	unsigned int late = stop_after_claim(send);
	run_until_changed(late, &cell->state, sched_choose(2));
	some(send, 3);
	stop_after_claim(!send);
	some(!send, 1 + sched_choose(2));
	one(send);
	go_on(late, 20);
	one(sched_choose(2) == 0);
	recovery_end();
}

/* A thread stops as it returns its cell. Meanwhile the cell is skipped again. */
static void run_recovery_late_return(void)
{
	bool send = sched_choose(2) == 0;
	begin(2, send ? 0 : 4);
	unsigned int late = stop_after_claim(send);
	some(send, 1 + sched_choose(2));
	some(!send, 1 + sched_choose(2));
	go_on(late, 14);
	for (unsigned int i = 0; i < 6; i++) {
		one(true);
		one(false);
	}
	go_on(late, 8);
	some(sched_choose(2) == 0, 2);
	recovery_end();
}

/*
 * A thread is about to claim a cell. Another one challenges the cell's owner and
 * decides, as the owner stores its state after all. Sometimes an earlier
 * owner has stopped, so that all calls take the longer way.
 */
static void run_recovery_claim_beside(void)
{
	bool send = sched_choose(2) == 0;
	size_t capacity = (size_t)2 << sched_choose(2);
	begin(capacity, send ? 0 : 2 * capacity);
	if (sched_choose(4) > 0) {
		stop_after_claim(send);
		one(send);
		one(!send);
	}
	struct ring_cell *cell = cell_at(ring, ring_position(ring, send ? SENDER : RECEIVER));
	unsigned int owner = stop_after_claim(send);
	some(send, 1 + sched_choose(2));
	unsigned int claims = spawn(!send), decides = spawn(!send);
	bool claims_first = sched_choose(2) == 0;
	if (claims_first)
		go_on(claims, 16);
	run_until_changed(decides, &ring->challenged, sched_choose(12));
	if (!claims_first) {
		go_on(claims, 24);
		go_on(decides, 16);
	}
	if (sched_choose(2) == 0)
		run_until_changed(owner, &cell->state, sched_choose(3));
	else
		go_on(owner, 8);
	go_on(claims, 12);
	go_on(decides, 8);
	go_on(owner, 8);
	go_on(claims, 8);
	recovery_end();
}

/*
 * A thread is refused although at each moment there was a message, or room. It
 * has stopped before it challenges the first cell's owner. That and others go on
 * meanwhile.
 */
static void run_recovery_long_look(void)
{
	bool send = sched_choose(2) == 0;
	begin(2, send ? 0 : 4);
	unsigned int owner = stop_after_claim(send);
	one(send);
	unsigned int sent = history_sent(), received = history_received();
	unsigned int looks = spawn(!send);
	go_on(looks, 40);
	bool done = now(&ring->challenged) > 0; /* and so it is not refused */
	sched_run_alone(owner, 1000);
	one(send);
	some(!send, 2);
	sched_run_alone(looks, 1000);
	unsigned int went = send ? history_received() - received : history_sent() - sent;
	sched_require(done || went == 3, "%u of 3 calls went", went);
	recovery_end();
}

#define PROGRAM(symbol, about) \
	static const struct sched_program program_##symbol = { #symbol, about, run_##symbol, 0 };

PROGRAM(recovery_late_look, "a thread looks late, and its cell's next owner was skipped")
PROGRAM(recovery_late_return, "a cell is skipped again as it is returned")
PROGRAM(recovery_long_look, "a call in vain, beside a message or room all the time")
PROGRAM(recovery_claim_beside, "a claim beside a challenge that is decided")

const struct sched_program *const recovery_exact_programs[] = { &program_recovery_late_look,
	&program_recovery_late_return, &program_recovery_claim_beside, &program_recovery_long_look,
	NULL };
