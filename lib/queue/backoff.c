/* SPDX-License-Identifier: MIT */
/*
 * How long a thread spins. The constants are in tuning.h. Those in _NS are
 * nanoseconds, and the others are counts:
 *
 *	SPIN_NS                  of one wait, up to three times that
 *	BACKOFF_MIN_NS, _MAX_NS  from one try to the next
 *	BACKOFF_TRIAL_NS         the same, at least, in every wait of
 *	                         BACKOFF_TRIAL_EVERY
 *	YIELD_LONG_NS            of a yield that may have been a bad choice
 *	WAKE_UP_NS               what a sleep and a wake-up cost
 *	YIELD_BEFORE_NS          a thread nearer to its deadline does not yield
 *	BACKOFF_BACKLOG          messages
 *	YIELDS                   yields of one wait
 *	SLEPT_IN_A_ROW           waits
 *	CHALLENGE_AFTER          tries with one pause each, in ring_batch.c
 *
 * backoff_begin() makes numbers of pauses of the times, by pauses_in(). What a
 * pause costs is measured when the library is loaded: measure() in pause.c. If
 * the clock does not tell, it is PAUSE_COST_PS. When the time is used up the
 * thread yields and then sleeps: blocking.c.
 *
 * Pauses
 *
 * If a receiver takes each message at once, the two sides pass a cache line to
 * and fro for every message. If it backs off for a while it then finds several
 * messages, whose lines travel side by side. But a thread in a dialogue gains
 * nothing by that, and a thread that gets a message now and then only waits
 * longer. So each thread adapts its stride, the time between two tries:
 *
 *	longer   BACKOFF_BACKLOG more are there after a wait
 *	shorter  none is, or half of what the ring holds: then the other side
 *	         may have had to wait
 *	longer   now and then, to find out whether that pays by now
 *
 * A batch leaves nothing to be seen, so it counts by what it brought. It makes
 * the stride longer if it brought more than BACKOFF_BACKLOG messages, and more
 * than one for each BACKOFF_MIN_NS. For a dialogue in batches brings no more,
 * however long its threads wait.
 *
 * The spin budget, drawn at random for each wait
 *
 * With a fixed budget two senders that find the queue full together also yield
 * together. Both receivers then drain the queue together and yield together, so
 * a sender never runs beside a receiver. A random budget breaks the lockstep.
 *
 * Yields
 *
 * No thread wakes one that yields. So a yield that took long, as other threads
 * ran, may have been a bad choice. If little went through the ring meanwhile,
 * these threads have nothing to do with the queue, and the thread had better
 * sleep. If much went through they do the queue's work. A sleeper would be
 * woken for the next message and take the processor from them, again and again.
 */
#include "queue/backoff.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <sched.h>

#include "base/clock.h"
#include "base/pause.h"
#include "base/random.h"
#include "base/thread_id.h"

/* The calling thread's stride, whatever it waits for: BACKOFF_MIN_NS * 2^n. */
static THREAD_LOCAL unsigned int stride_ns = BACKOFF_MIN_NS;

/* From SPIN_NS to three times as long. */
static unsigned int spin_budget_ns(void)
{
	static THREAD_LOCAL uint64_t random;
	if (random == 0)
		random = thread_self();
	return SPIN_NS + (unsigned int)(random_next(&random) % ((uint64_t)2 * SPIN_NS));
}

struct backoff backoff_begin(void)
{
	static THREAD_LOCAL unsigned int waits;
	if (++waits % BACKOFF_TRIAL_EVERY == 0 && stride_ns < BACKOFF_TRIAL_NS)
		stride_ns = BACKOFF_TRIAL_NS;
	return (struct backoff){ .stride = pauses_in(stride_ns),
		.left = pauses_in(spin_budget_ns()) };
}

void backoff_pause(struct backoff *backoff)
{
	unsigned int pauses = backoff->stride < backoff->left ? backoff->stride : backoff->left;
	pause_times(pauses);
	backoff->left -= pauses;
}

void backoff_learn(const struct ring *ring, enum side side, unsigned int came)
{
	bool none = came <= stride_ns / BACKOFF_MIN_NS && !ring_ready(ring, 0, side);
	if (none || ring_ready(ring, ring_cells(ring) / 2, side))
		stride_ns = stride_ns > BACKOFF_MIN_NS ? stride_ns / 2 : BACKOFF_MIN_NS;
	else if (stride_ns < BACKOFF_MAX_NS &&
		(came > BACKOFF_BACKLOG || ring_ready(ring, BACKOFF_BACKLOG - 1, side)))
		stride_ns *= 2;
}

bool backoff_may_yield(struct backoff_yields *yields, int64_t deadline_ns)
{
	if (yields->count == 0)
		yields->after_ns = clock_now();
	return yields->count < YIELDS && !yields->late &&
		deadline_ns - yields->after_ns > YIELD_BEFORE_NS;
}

void backoff_yield(struct backoff_yields *yields, const struct ring *ring, enum side side)
{
	yields->count++;
	yields->position = ring_position(ring, side);
	yields->before_ns = yields->after_ns;
	sched_yield();
}

void backoff_yielded(struct backoff_yields *yields, const struct ring *ring, enum side side,
	int result)
{
	yields->after_ns = clock_now();
	int64_t took_ns = yields->after_ns - yields->before_ns;
	if (took_ns <= YIELD_LONG_NS)
		return;
	uint64_t own = result > 0 ? (uint64_t)result : 0;
	uint64_t moved = ring_position(ring, side) - yields->position - own;
	/* Little: fewer messages than a sleeper could have been woken for. */
	yields->late = moved < (uint64_t)took_ns / WAKE_UP_NS;
}

/*
 * If SLEPT_IN_A_ROW waits in a row ended asleep, trying costs more than
 * sleeping. Then only one wait in so many finds out whether messages come at
 * once again.
 */
bool backoff_is_due(unsigned int slept)
{
	return slept < SLEPT_IN_A_ROW || slept % SLEPT_IN_A_ROW == 0;
}
