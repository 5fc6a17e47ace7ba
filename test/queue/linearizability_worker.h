/* SPDX-License-Identifier: MIT */
/*
 * linearizability_worker: a thread that sends to a ring or a queue, receives and closes,
 * and writes down what it was told; that is stopped in the middle of it, and commits
 * faults if it has to.
 */
#ifndef LINEARIZABILITY_WORKER_H
#define LINEARIZABILITY_WORKER_H

#include <ck_pr.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include "queue/history.h"
#include "queue/queue.h"
#include "queue/stopped.h"

#define WORKERS_MAX 8
#define BATCH_MAX 4
#define ONCE_IN 1000000
#define WAIT_NS 20000 /* of a call that waits */

enum fault { SOUND, SAY_EMPTY, SAY_FULL, SWAP, REPEAT, LOSE, SEND_LATE, TOO_WIDE };

static const struct {
	const char *name;
	uint32_t wrongs; /* what it may be found by */
} faults[] = {
	[SOUND] = { "sound", 0 },
	[SAY_EMPTY] = { "say-empty", 1u << NOT_EMPTY | 1u << WRONG_CLOSE },
	[SAY_FULL] = { "say-full", 1u << NOT_FULL | 1u << WRONG_CLOSE },
	[SWAP] = { "swap", 1u << ORDER },
	[REPEAT] = { "repeat", 1u << TWICE },
	[LOSE] = { "lose", 1u << LEFT },
	[SEND_LATE] = { "send-late", 1u << WRONG_CLOSE | 1u << LEFT },
	[TOO_WIDE] = { "too-wide", 1u << OVERFULL },
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static enum fault fault;

/* What the threads of a round share. */
static struct {
	struct ring own;
	struct ring *ring;
	struct magring_queue *queue; /* of which it is the ring, or NULL */
	struct history *history;
	uint32_t stop_one_in; /* messages on their way, 0: none */
	_Alignas(128) _Atomic(uint32_t) clock;
	_Alignas(128) _Atomic(uint32_t) going; /* workers */
} game;

struct worker {
	pthread_t thread;
	uint32_t number;
	struct dice dice;
	bool sends, receives;
	uint32_t batch;              /* messages of a call, at most */
	unsigned char *pages;        /* for messages: see room() */
	uint32_t used;               /* operations */
	uint32_t refusals, ends;     /* REFUSED and ENDED among them */
	uint32_t vain;               /* answers in a row that were no message */
	bool due;                    /* a fault, as soon as there is an opportunity */
	struct magring_message kept; /* for a fault, if keeps */
	bool keeps;
};

/* --------------------------------------------------------------------- faults -- */

/* Most calls do not wait. A call whose time has run out says the same as one
 * that does not wait: full, empty. */
static inline int64_t time_limit(struct worker *worker)
{
	return dice_throw(&worker->dice, 256) == 0 ? WAIT_NS : 0;
}

static inline int without_time(int result)
{
	return result == -ETIMEDOUT ? -EAGAIN : result;
}

/* Some calls poll first. In vain that is no answer, and the call goes on. */
static inline bool polls(struct worker *worker)
{
	return dice_throw(&worker->dice, 8) == 0;
}

static inline int push(struct worker *worker, struct magring_message *messages, uint32_t count)
{
	if (game.queue != NULL && polls(worker)) {
		int result = count > 1 ? magring_try_send_batch(game.queue, messages, count)
				       : magring_try_send(game.queue, messages);
		if (result != -EAGAIN)
			return result == 0 ? 1 : result;
	}
	if (game.queue == NULL)
		return count == 1 ? ring_push(game.ring, messages)
				  : ring_push_batch(game.ring, messages, count);
	int64_t timeout_ns = time_limit(worker);
	if (count > 1)
		return without_time(magring_send_batch(game.queue, messages, count, timeout_ns));
	int result = magring_send(game.queue, messages, timeout_ns);
	return result == 0 ? 1 : without_time(result);
}

static inline int pop(struct worker *worker, struct magring_message *messages, uint32_t count)
{
	if (game.queue != NULL && polls(worker)) {
		int result = count > 1 ? magring_try_recv_batch(game.queue, messages, count)
				       : magring_try_recv(game.queue, messages);
		if (result != -EAGAIN)
			return result == 0 ? 1 : result;
	}
	if (game.queue == NULL)
		return count == 1 ? ring_pop(game.ring, messages)
				  : ring_pop_batch(game.ring, messages, count);
	int64_t timeout_ns = time_limit(worker);
	if (count > 1)
		return without_time(magring_recv_batch(game.queue, messages, count, timeout_ns));
	int result = magring_recv(game.queue, messages, timeout_ns);
	return result == 0 ? 1 : without_time(result);
}

static _Atomic(uint64_t) committed; /* faults */

static inline void commit(struct worker *worker)
{
	worker->due = false;
	/* Relaxed: a number to look at. */
	atomic_fetch_add_explicit(&committed, 1, memory_order_relaxed);
}

/* push() and pop(), but for the fault. */
static inline int do_push(struct worker *worker, struct magring_message *messages, uint32_t count)
{
	worker->due |= fault != SOUND && dice_throw(&worker->dice, ONCE_IN) == 0;
	if (fault == SAY_FULL && worker->due && ring_may_push(game.ring)) {
		commit(worker);
		return -EAGAIN;
	}
	int result = push(worker, messages, count);
	if (fault != SEND_LATE || result != -EPIPE || dice_throw(&worker->dice, 20) != 0)
		return result;
	commit(worker);
	return 1;
}

static inline int do_pop(struct worker *worker, struct magring_message *messages, uint32_t count)
{
	worker->due |= fault != SOUND && dice_throw(&worker->dice, ONCE_IN) == 0;
	if (worker->keeps) {
		messages[0] = worker->kept;
		worker->keeps = false;
		return 1;
	}
	if (fault == SAY_EMPTY && worker->due && ring_may_pop(game.ring)) {
		commit(worker);
		return -EAGAIN;
	}
	if (!worker->due || (fault != LOSE && fault != REPEAT && fault != SWAP))
		return pop(worker, messages, count);
	int result = pop(worker, messages, 1);
	if (result != 1)
		return result;
	commit(worker);
	if (fault == LOSE)
		return pop(worker, messages, 1);
	worker->kept = messages[0];
	worker->keeps = fault == REPEAT || pop(worker, messages, 1) == 1;
	return result;
}

/* ---------------------------------------------------------------------- stops -- */

#define PAGE 65536 /* or less; a multiple of every page size in use */

static unsigned char *pages[1 + WORKERS_MAX];
static _Thread_local unsigned char *own_pages;
static _Thread_local uint64_t own_stops;
static _Atomic(uint64_t) stops;
static struct sigaction without_pages;

/* Wherever it is, the thread goes away for a while. */
static inline void stop_a_while(int signal)
{
	int saved = errno;
	(void)signal;
	uint64_t how = stress_mix(stress_seed + own_stops++);
	if (how % 2 == 0)
		stress_sleep_ns((long)(how >> 8) % 100000);
	else
		sched_yield();
	/* Relaxed: a number to look at. */
	atomic_fetch_add_explicit(&stops, 1, memory_order_relaxed);
	errno = saved;
}

static inline void fault_met(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr, page = (uintptr_t)own_pages + PAGE;
	(void)context;
	if (own_pages == NULL || at < page || at >= page + PAGE) {
		sigaction(number, &without_pages, NULL); /* a real one */
		return;
	}
	stop_a_while(number);
	mprotect(own_pages + PAGE, PAGE, PROT_READ | PROT_WRITE);
}

/* Room for the messages of a call: a page that can be read and written and one that
 * may fault. If the thread is to be stopped, copying one of them does. */
static inline struct magring_message *room(struct worker *worker, uint32_t count, bool *ret_stop)
{
	own_pages = worker->pages;
	*ret_stop = game.stop_one_in > 0 && dice_throw(&worker->dice, game.stop_one_in) == 0;
	if (!*ret_stop)
		return (void *)worker->pages;
	/* magring_send_batch() reads the first words of all its messages first. */
	uint32_t before = game.queue == NULL ? dice_throw(&worker->dice, count) : count - 1;
	size_t readable = before * sizeof(struct magring_message) + sizeof(uint64_t);
	return (void *)(worker->pages + PAGE - readable);
}

static inline void set_trap(struct worker *worker)
{
	if (mprotect(worker->pages + PAGE, PAGE, PROT_NONE) != 0)
		abort();
}

static inline void init_stops(void)
{
	struct sigaction met = { .sa_sigaction = fault_met, .sa_flags = SA_SIGINFO };
	signal(SIGUSR1, stop_a_while);
	sigaction(SIGSEGV, &met, &without_pages);
	for (uint32_t i = 0; i <= WORKERS_MAX; i++) {
		pages[i] = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
		if (pages[i] == MAP_FAILED)
			abort();
	}
}

/* ------------------------------------------------------------------ operations -- */

static inline struct operation *begin(const struct worker *worker)
{
	struct operation *operation =
		&game.history->operations[worker->number * game.history->slice + worker->used];
	/* Relaxed: ordered by the clock, see history_room.c. */
	operation->quarantined =
		(uint32_t)atomic_load_explicit(&game.ring->quarantined, memory_order_relaxed);
	/* What ended before happened before: history.h. */
	operation->begin = atomic_load_explicit(&game.clock, memory_order_acquire);
	return operation;
}

/* So many operations have begun as the first one did; the last one's answer. */
static inline void end(struct worker *worker, struct operation *operation, uint32_t count,
	enum answer answer)
{
	uint32_t tick = atomic_fetch_add_explicit(&game.clock, 1, memory_order_acq_rel);
	for (uint32_t i = 0; i < count; i++) {
		operation[i].begin = operation->begin;
		operation[i].end = tick;
		operation[i].quarantined = operation->quarantined;
		operation[i].answer = answer;
	}
	worker->used += count;
}

/* Who asks in vain all the time makes a long history of little interest. */
static inline void pause_after(struct worker *worker, int result)
{
	worker->vain = result < 0 ? worker->vain + 1 : 0;
	if (worker->vain % 4 == 3)
		sched_yield();
	for (uint32_t i = worker->vain > 0 ? dice_throw(&worker->dice, 50) : 0; i > 0; i--)
		ck_pr_stall();
}

static inline void send_some(struct worker *worker)
{
	bool stop;
	uint32_t count = 1 + dice_throw(&worker->dice, worker->batch);
	struct magring_message *messages = room(worker, count, &stop);
	uint32_t first = worker->number * game.history->slice + worker->used;
	for (uint32_t i = 0; i < count; i++)
		stopped_fill(&messages[i], (uint64_t)first + i + 1);
	if (stop)
		set_trap(worker);
	struct operation *operation = begin(worker);
	int result = do_push(worker, messages, count);
	bool closed = result == -EPIPE;
	CHECK(closed || result == -EAGAIN || (result > 0 && result <= (int)count), "push: %d",
		result);
	end(worker, operation, result > 0 ? (uint32_t)result : 1,
		result > 0       ? SENT
			: closed ? REFUSED
				 : FULL);
	for (int i = 0; i < result; i++)
		operation[i].message = first + (uint32_t)i;
	worker->refusals += closed;
	pause_after(worker, result);
}

static inline void receive_some(struct worker *worker)
{
	bool stop;
	uint32_t count = 1 + dice_throw(&worker->dice, worker->batch);
	struct magring_message *messages = room(worker, count, &stop);
	if (stop)
		set_trap(worker);
	struct operation *operation = begin(worker);
	int result = do_pop(worker, messages, count);
	bool closed = result == -EPIPE;
	CHECK(closed || result == -EAGAIN || (result > 0 && result <= (int)count), "pop: %d",
		result);
	end(worker, operation, result > 0 ? (uint32_t)result : 1,
		result > 0       ? RECEIVED
			: closed ? ENDED
				 : EMPTY);
	for (int i = 0; i < result; i++)
		operation[i].message = (uint32_t)(stopped_number(&messages[i]) - 1);
	worker->ends += closed;
	pause_after(worker, result);
}

static inline void close_all(struct worker *worker)
{
	struct operation *operation = begin(worker);
	if (game.queue != NULL)
		magring_queue_close(game.queue);
	else
		ring_close(game.ring);
	end(worker, operation, 1, CLOSE);
}

#endif
