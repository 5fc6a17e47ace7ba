/* SPDX-License-Identifier: MIT */
/*
 * How long a thread spins. The constants are in tuning.h. Those in _NS are
 * nanoseconds, and the others are counts:
 *
 *	SPIN_NS                  of one wait, up to three times that
 *	BACKOFF_MIN_NS, _MAX_NS  from one try to the next
 *	BACKOFF_TRIAL_NS         the same, at least, in every wait of
 *	                         BACKOFF_TRIAL_EVERY
 *	WAKE_UP_NS               what a sleep and a wake-up cost
 *	MESSAGE_NS               what the work of a message takes
 *	BACKOFF_BACKLOG          messages
 *	YIELDS                   yields of one wait
 *	IN_VAIN_FEW, _MANY       waits
 *	CHALLENGE_AFTER          tries, one each BACKOFF_MIN_NS: ring_batch.c
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
 * A yield is credited with a sleep and a wake-up if messages came or went
 * meanwhile, and with MESSAGE_NS for each of them. That is what the threads of
 * this queue may have worked. A stream on one processor beside a busy process
 * fills the ring in some microseconds and then loses a time slice, which is far
 * more. For what a yield is charged, and when a thread stops yielding, see
 * base/yield.c.
 *
 * What is in vain is left out
 *
 * Pauses are in vain when the threads of the other side need this processor.
 * Pauses and yields are in vain when messages come seldom, as a thread sleeps
 * in the end. After IN_VAIN_FEW such waits in a row only those after 8, 16, 32
 * and so on, and after each IN_VAIN_MANY, find out whether that still holds.
 * The other waits yield, or sleep, at once. With a real-time policy a thread
 * may keep the very thread from running that it waits for. There one wait in
 * vain is enough.
 */
#include "queue/backoff.h"
#include "base/thread_local.h"
#include "tuning.h"

#include <sched.h>

#include "base/clock.h"
#include "base/pause.h"
#include "base/random.h"
#include "base/thread_id.h"
#include "base/yield.h"
#include "queue/ring_layout.h"

/* The calling thread's stride, whatever it waits for: BACKOFF_MIN_NS * 2^n. */
static THREAD_LOCAL unsigned int stride_ns = BACKOFF_MIN_NS;

/* Waits of the thread, in a row, that yields have ended and pauses have not. */
static THREAD_LOCAL unsigned int pauses_in_vain;

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
		.left = backoff_is_due(pauses_in_vain) ? pauses_in(spin_budget_ns()) : 0 };
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
		yields->last_ns = clock_now();
	return yields->count < YIELDS && yield_allowed(yields->last_ns, deadline_ns);
}

/* How many messages have come or gone, as a number that grows. */
static uint64_t moves(const struct ring *ring)
{
	return ring_position(ring, SENDER) + ring_position(ring, RECEIVER);
}

void backoff_yield(struct backoff_yields *yields, const struct ring *ring)
{
	yields->count++;
	yields->moves = moves(ring);
	sched_yield();
}

/* What a yield has saved in which so many messages came or went. */
static int64_t saved_ns(uint64_t moved)
{
	const uint64_t most = UINT32_MAX; /* more than go through in a time slice */
	if (moved == 0)
		return 0;
	return WAKE_UP_NS + (int64_t)(moved < most ? moved : most) * MESSAGE_NS;
}

void backoff_yielded(struct backoff_yields *yields, const struct ring *ring)
{
	int64_t before_ns = yields->last_ns;
	yields->last_ns = clock_now();
	uint64_t moved = (moves(ring) - yields->moves) & POSITION;
	yield_charge(yields->last_ns, yields->last_ns - before_ns, saved_ns(moved));
}

void backoff_end(enum backoff_end end)
{
	pauses_in_vain = end == BY_YIELDS ? pauses_in_vain + 1 : 0;
}

bool backoff_is_due(unsigned int in_vain)
{
	unsigned int few = yield_real_time() ? 1 : IN_VAIN_FEW;
	if (in_vain < IN_VAIN_FEW)
		return in_vain < few;
	return (in_vain & (in_vain - 1)) == 0 || in_vain % IN_VAIN_MANY == 0;
}
