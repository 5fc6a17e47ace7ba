/* SPDX-License-Identifier: MIT */
#include "recovery.h"

#include "queue_checks.h"

#include "queue/queue.h"

struct recovery recovery;

static void one_call(bool send)
{
	unsigned int count = recovery.batch > 0 ? sched_choose(recovery.batch + 1) : 0;
	if (send)
		count > 0 ? history_send_batch(count, 0) : history_send(0);
	else
		count > 0 ? history_recv_batch(count, 0) : history_recv(0);
}

void recovery_send(void *unused)
{
	(void)unused;
	one_call(true);
}

void recovery_recv(void *unused)
{
	(void)unused;
	one_call(false);
}

void recovery_sends(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < recovery.calls && history_has_room(recovery.batch + 4); i++)
		one_call(true);
}

void recovery_recvs(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < recovery.calls && history_has_room(recovery.batch + 4); i++)
		one_call(false);
}

void recovery_resume(void *unused)
{
	(void)unused;
	sched_pass(sched_choose(250));
	sched_resume_all();
}

int recovery_one(bool send)
{
	return send ? history_send(0) : history_recv(0);
}

void recovery_some(bool send, unsigned int calls)
{
	for (unsigned int i = 0; i < calls; i++)
		recovery_one(send);
}

unsigned int recovery_spawn(bool send)
{
	return sched_spawn(send ? "sender" : "receiver", send ? recovery_send : recovery_recv,
		NULL);
}

void recovery_run(unsigned int thread, unsigned int steps)
{
	sched_run_alone(thread, steps);
	sched_stop(thread);
}

void recovery_go_on(unsigned int thread, unsigned int most)
{
	recovery_run(thread, sched_choose(most));
}

uint64_t recovery_word(const _Atomic(uint64_t) *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

void recovery_run_until_changed(unsigned int thread, const _Atomic(uint64_t) *word)
{
	uint64_t before = recovery_word(word);
	for (unsigned int i = 0; i < 4000 && recovery_word(word) == before; i++)
		sched_run_alone(thread, 1);
	sched_stop(thread);
}

unsigned int recovery_stop_after_claim(bool send)
{
	unsigned int thread = recovery_spawn(send);
	recovery_run_until_changed(thread, end_of(&recovery.queue->ring, send ? SENDER : RECEIVER));
	return thread;
}

struct ring *recovery_given(size_t capacity, uint64_t flags, unsigned int sent)
{
	recovery.queue = checks_queue(capacity, flags, sched_choose(2) == 1);
	recovery.batch = 0;
	recovery.calls = 1;
	history_begin(recovery.queue);
	recovery_some(true, sent);
	return &recovery.queue->ring;
}

/* An exclusive side has one thread, and thread 0 has to fill before. */
void recovery_begin(size_t capacity, uint64_t flags)
{
	recovery.queue = checks_queue(capacity, flags, sched_choose(2) == 1);
	history_begin(recovery.queue);
	unsigned int sent = sched_choose(2) == 0 ? sched_choose(2)
						 : sched_choose(2 * (unsigned int)capacity + 1);
	for (unsigned int i = 0; i < sent; i++)
		history_send(0);
	for (unsigned int i = 0; i < sent && sched_choose(3) == 1; i++)
		history_recv(0);
}

void recovery_end(void)
{
	sched_wait();
	history_judge();
	sched_resume_all();
	sched_wait();
	if (sched_choose(2) == 1 && !history_is_closed()) {
		checks_capacity(recovery.queue);
		return;
	}
	if (!history_is_closed())
		history_close();
	checks_end(recovery.queue);
}
