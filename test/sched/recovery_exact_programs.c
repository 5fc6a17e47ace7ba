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

/*
 * A thread stops after its store. The cell's next owner is skipped before the
 * thread reads whether its state stands.
 */
static void run_recovery_late_look(void)
{
	bool send = sched_choose(2) == 0;
	ring = recovery_given(2, 0, send ? 0 : 4);
	struct ring_cell *cell = cell_at(ring, ring_position(ring, send ? SENDER : RECEIVER));
	unsigned int late = recovery_stop_after_claim(send);
	unsigned int more = sched_choose(2);
	recovery_run_until_changed(late, &cell->state);
	recovery_run(late, more);
	recovery_some(send, 3);
	recovery_stop_after_claim(!send);
	recovery_some(!send, 1 + sched_choose(2));
	recovery_one(send);
	recovery_go_on(late, 20);
	recovery_one(sched_choose(2) == 0);
	recovery_end();
}

/* A thread stops as it returns its cell. Meanwhile the cell is skipped again. */
static void run_recovery_late_return(void)
{
	bool send = sched_choose(2) == 0;
	ring = recovery_given(2, 0, send ? 0 : 4);
	unsigned int late = recovery_stop_after_claim(send);
	recovery_some(send, 1 + sched_choose(2));
	recovery_some(!send, 1 + sched_choose(2));
	recovery_go_on(late, 14);
	for (unsigned int i = 0; i < 6; i++) {
		recovery_one(true);
		recovery_one(false);
	}
	recovery_go_on(late, 8);
	recovery_some(sched_choose(2) == 0, 2);
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
	ring = recovery_given(capacity, 0, send ? 0 : 2 * (unsigned int)capacity);
	if (sched_choose(4) > 0) {
		recovery_stop_after_claim(send);
		recovery_one(send);
		recovery_one(!send);
	}
	struct ring_cell *cell = cell_at(ring, ring_position(ring, send ? SENDER : RECEIVER));
	unsigned int owner = recovery_stop_after_claim(send);
	recovery_some(send, 1 + sched_choose(2));
	unsigned int claims = recovery_spawn(!send), decides = recovery_spawn(!send);
	bool claims_first = sched_choose(2) == 0;
	if (claims_first)
		recovery_go_on(claims, 16);
	unsigned int more = sched_choose(12);
	recovery_run_until_changed(decides, &ring->challenged);
	recovery_run(decides, more);
	if (!claims_first) {
		recovery_go_on(claims, 24);
		recovery_go_on(decides, 16);
	}
	if (sched_choose(2) == 0) {
		more = sched_choose(3);
		recovery_run_until_changed(owner, &cell->state);
		recovery_run(owner, more);
	} else {
		recovery_go_on(owner, 8);
	}
	recovery_go_on(claims, 12);
	recovery_go_on(decides, 8);
	recovery_go_on(owner, 8);
	recovery_go_on(claims, 8);
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
	ring = recovery_given(2, 0, send ? 0 : 4);
	unsigned int owner = recovery_stop_after_claim(send);
	recovery_one(send);
	unsigned int sent = history_sent(), received = history_received();
	unsigned int looks = recovery_spawn(!send);
	recovery_go_on(looks, 40);
	bool done = recovery_word(&ring->challenged) > 0; /* and so it is not refused */
	sched_run_alone(owner, 1000);
	recovery_one(send);
	recovery_some(!send, 2);
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
