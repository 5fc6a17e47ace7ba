#include "scheduler.h"
#include "magring.h"
#include <errno.h>
#include <string.h>

static struct magring_queue *queue;
static void send_one(uint64_t v, int64_t timeout)
{
	struct magring_message m;
	int rc = magring_message_copy(NULL, &m, NULL, 0, &v, sizeof(v), 0);
	sched_require(rc == 0, "init %d", rc);
	rc = magring_send(queue, &m, timeout);
	sched_require(rc == 0, "send %d", rc);
}
static uint64_t got[2];
static void sender(void *c)
{
	for (int i = 0; i < 3; i++)
		send_one((uint64_t)(uintptr_t)c + (unsigned)i, -1);
}
static void receiver(void *c)
{
	for (int i = 0; i < 3; i++) {
		struct magring_message m;
		int rc = magring_recv(queue, &m, -1);
		sched_require(rc == 0, "recv %d", rc);
		uint64_t v;
		size_t n;
		memcpy(&v, magring_message_payload(&m, &n), sizeof(v));
		got[(uintptr_t)c] += v;
	}
}
static void run(void)
{
	struct magring_queue_options o = { .size = sizeof(o), .capacity = 2 };
	int rc = magring_queue_create(&queue, NULL, &o);
	sched_require(rc == 0, "create %d", rc);
	unsigned t[4];
	t[0] = sched_spawn("s1", sender, (void *)10);
	t[1] = sched_spawn("s2", sender, (void *)20);
	t[2] = sched_spawn("r1", receiver, (void *)0);
	t[3] = sched_spawn("r2", receiver, (void *)1);
	sched_wait();
	for (int i = 0; i < 4; i++)
		sched_require(sched_has_ended(t[i]), "thread %u did not end", t[i]);
	sched_require(got[0] + got[1] == 96, "sum %lu", got[0] + got[1]);
	magring_queue_release(queue);
}
static const struct sched_program p = { "two_by_two", "x", run,
	SCHED_MAY_STOP | SCHED_MAY_INTERRUPT };
const struct sched_program *const queue_programs[] = { &p, NULL };
