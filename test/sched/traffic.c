/* SPDX-License-Identifier: MIT */
/*
 * A run of traffic: threads, and then four moments at which all stand still.
 *
 *	1. As far as they come. A thread may have stopped for good.
 *	2. After another call, if it was needed: see nudge().
 *	3. Threads that had stopped have gone on.
 *	4. The queue was closed, so every thread has ended.
 */
#include "traffic.h"

#include <errno.h>

#include "base/fence.h"
#include "queue/queue.h"
#include "queue_checks.h"

static const struct traffic *chosen;
static struct magring_queue *queue;
static unsigned int batch_max;
static uint64_t edges[SCHED_THREADS]; /* that each thread has seen */
static unsigned int workers;          /* threads 1 to workers send and receive */

static bool one_in(unsigned int n)
{
	return sched_choose(n) == 1;
}

/* ----------------------------------------------------------------- threads -- */

static int64_t choose_timeout(void)
{
	static const struct {
		unsigned int flag;
		int64_t timeout_ns;
	} all[] = { { TRAFFIC_WAIT, -1 }, { TRAFFIC_TRY, 0 }, { TRAFFIC_LIMIT, 3000 },
		{ TRAFFIC_LONG, INT64_MAX }, { TRAFFIC_POLL, 0 }, { TRAFFIC_MAYBE, HISTORY_POLL } };
	int64_t timeouts[6];
	unsigned int n = 0;
	for (unsigned int i = 0; i < 6; i++)
		if (chosen->flags & all[i].flag)
			timeouts[n++] = all[i].timeout_ns;
	return timeouts[sched_choose(n)];
}

/* 0 is a single call. */
static unsigned int choose_count(void)
{
	return batch_max > 0 ? sched_choose(batch_max + 1) : 0;
}

static int call(bool send, unsigned int count, int64_t timeout_ns)
{
	if (send)
		return count > 0 ? history_send_batch(count, timeout_ns) : history_send(timeout_ns);
	return count > 0 ? history_recv_batch(count, timeout_ns) : history_recv(timeout_ns);
}

static int call_or_poll(bool send, unsigned int count, int64_t timeout_ns)
{
	int rc = call(send, count, timeout_ns);
	if (!(chosen->flags & TRAFFIC_POLL))
		return rc;
	int fd = send ? magring_queue_send_fd(queue) : magring_queue_recv_fd(queue);
	sched_require(fd >= 0, "no descriptor: %d", fd);
	/* Made after the first refusal, it is readable: the next one arms it. */
	for (int i = 0; i < 4 && rc == -EAGAIN && history_has_room(batch_max + 4); i++) {
		if (chosen->flags & TRAFFIC_EDGES)
			sched_poll_edge(fd, &edges[sched_self()]);
		else
			sched_poll(fd);
		rc = call(send, count, timeout_ns);
	}
	return rc;
}

static void work(bool send)
{
	unsigned int calls = 1 + sched_choose(chosen->calls);
	for (unsigned int i = 0; i < calls && history_has_room(batch_max + 4); i++)
		if (call_or_poll(send, choose_count(), choose_timeout()) == -EPIPE)
			break;
}

static void sender(void *unused)
{
	(void)unused;
	work(true);
}

static void receiver(void *unused)
{
	(void)unused;
	work(false);
}

static void closer(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(150));
	history_close();
}

static void canceller(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(250));
	sched_cancel(1 + sched_choose(workers));
}

static void observer(void *unused)
{
	(void)unused;
	checks_observe(queue, 3);
}

/* ------------------------------------------------------------------- begin -- */

static void begin(void)
{
	static const int64_t spins[] = { MAGRING_SPIN_NEVER, 1, 3000 };
	size_t capacity = (size_t)2
		<< sched_choose(chosen->capacities > 0 ? chosen->capacities : 1);
	unsigned int exclusive = chosen->exclusive != 0 ? sched_choose(4) & chosen->exclusive : 0;
	queue = checks_queue(capacity, exclusive, chosen->starts);
	history_begin(queue);
	batch_max = chosen->batch < capacity + 2 ? chosen->batch : (unsigned int)capacity + 2;
	if (one_in(2))
		checks_sleep_at_once(queue);
	if (chosen->flags & TRAFFIC_SPIN)
		queue->spin_ns = spins[sched_choose(3)];
	unsigned int senders = 1 + sched_choose(chosen->senders);
	unsigned int receivers = 1 + sched_choose(chosen->receivers);
	senders = exclusive & MAGRING_SINGLE_SENDER ? 1 : senders;
	receivers = exclusive & MAGRING_SINGLE_RECEIVER ? 1 : receivers;
	workers = senders + receivers;
	for (unsigned int i = 0; i < senders; i++)
		sched_spawn("sender", sender, NULL);
	for (unsigned int i = 0; i < receivers; i++)
		sched_spawn("receiver", receiver, NULL);
	if (chosen->flags & TRAFFIC_OBSERVE)
		sched_spawn("observer", observer, NULL);
	if (chosen->flags & TRAFFIC_CLOSE)
		sched_spawn("closer", closer, NULL);
	if (chosen->flags & TRAFFIC_CANCEL)
		sched_spawn("canceller", canceller, NULL);
}

/* Thread 0 stops some of the threads, each wherever it is. */
static void stop_some(void)
{
	unsigned int stops = 1 + sched_choose(2);
	for (unsigned int i = 0; i < stops; i++) {
		sched_pass(sched_choose(200));
		sched_stop(1 + sched_choose(workers));
	}
}

/* --------------------------------------------------------------------- end -- */

/*
 * One stopped thread may owe a wake-up. The next send, or receive, makes up for
 * it. An exclusive side is not thread 0's, so it may have to be the other.
 */
static bool nudge(void)
{
	uint64_t flags = queue->flags;
	bool sent = !(flags & MAGRING_SINGLE_SENDER) && history_send(0) == 1;
	bool received = !(flags & MAGRING_SINGLE_RECEIVER) && history_recv(0) == 1;
	return sent || received;
}

static void stand_still(void)
{
	unsigned int stopped = checks_stopped();
	if (stopped == 0 || history_has_closed()) {
		checks_sleepers(queue);
	} else if (stopped == 1 && checks_sleeps_in_vain(queue) && nudge()) {
		sched_wait();
		checks_sleepers(queue);
	}
}

/* A thread that stops for good does so once. */
static void go_on(void)
{
	if (checks_stopped() == 0)
		return;
	sched_resume_all();
	sched_wait();
	if (checks_stopped() == 0)
		return;
	sched_resume_all();
	sched_wait();
}

void traffic_run(const struct traffic *traffic)
{
	chosen = traffic;
	begin();
	if (traffic->flags & TRAFFIC_STOP)
		stop_some();
	sched_wait();
	stand_still();
	history_judge();
	go_on();
	checks_sleepers(queue);
	if (traffic->flags & TRAFFIC_FILL) {
		checks_capacity(queue);
		return;
	}
	history_close();
	sched_wait();
	go_on();
	checks_end(queue);
}
