/* SPDX-License-Identifier: MIT */
/*
 * The threads of a scenario, what they send, and how they prove that it arrived.
 *
 *	struct crew crew;
 *
 *	crew_init(&crew);
 *	crew_add_all(&crew, queue, setting, my_sender, my_receiver, NULL);
 *	crew_start(&crew);                 everybody is pinned, attached and goes
 *	pause_for(seconds / 5);
 *	window_open();
 *	... crew_count(&crew, false) ...
 *	window_close(messages);
 *	crew_stop_senders(&crew);          they see worker_stops() and are joined
 *	crew_stop_receivers(&crew);        they see it too, when the queue is empty are joined
 *	right = crew_check(&crew, scenario, setting);
 *	crew_fini(&crew);
 *
 * A thread runs on the CPU that follows the last one's, round robin, in the order in which
 * they are added (see perf/cpus.h). Threads of waiting calls, which do not look at
 * worker_stops(), are to be told by a message, between the two stops.
 *
 * engine.c ends the program, with a line, when a measurement takes far too long: a scenario needs
 * no such clock of its own. It has also made sure that the queue can be created.
 */
#ifndef PERF_WORKER_H
#define PERF_WORKER_H

#include "core/perf.h"
#include "core/waits.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { CREW_MAX = 160, TALLY_SENDERS = 64 };

/* ------------------------------------------------------------------ messages -- */

/* What a side sent or received. Two tallies are of the same messages if they are equal. */
struct tally {
	uint64_t count;
	uint64_t sum; /* of the mixes: which messages, in any order */
	uint64_t
		first_sum; /* of `first`, which a queue that keeps its own word there receives as 0 */
	uint64_t broken;   /* not 0: a message was not as any sender makes them */
	uint64_t
		disorder; /* not 0: messages of a sender were not its next one (one receiver only) */
	uint64_t next[TALLY_SENDERS];
};

/* Different for different messages, and no linear function of either: what two errors
 * do to a sum of these does not cancel out. */
static inline uint64_t message_mix(uint64_t sender, uint64_t sequence)
{
	uint64_t bits = (sequence + (sender << 48)) * 0x9e3779b97f4a7c15 + 1;

	return bits ^ (bits >> 32);
}

/* The message with that number of that sender: the first is 0, and so is the first sender. */
static inline void message_make(struct message *message, uint64_t sender, uint64_t sequence)
{
	uint64_t mix = message_mix(sender, sequence);

	message->first = mix + 4;
	message->words[0] = sender;
	message->words[1] = sequence;
	message->words[2] = mix;
	message->words[3] = mix + 1;
	message->words[4] = mix + 2;
	message->words[5] = mix + 3;
}

/* It was sent. */
static inline void tally_sent(struct tally *tally, const struct message *message)
{
	tally->count++;
	tally->sum += message->words[2];
	tally->first_sum += message->first;
}

/* It was received. A message of which one half is another's is found here, one that was
 * lost or came twice by comparing the sums. */
static inline void tally_received(struct tally *tally, const struct message *message)
{
	uint64_t sender = message->words[0] % TALLY_SENDERS;
	uint64_t mix = message_mix(message->words[0], message->words[1]);

	tally->count++;
	tally->sum += mix;
	tally->first_sum += message->first;
	tally->broken |= (message->words[2] ^ mix) | (message->words[3] ^ (mix + 1)) |
		(message->words[4] ^ (mix + 2)) | (message->words[5] ^ (mix + 3));
	tally->disorder |= message->words[1] ^ tally->next[sender];
	tally->next[sender] = message->words[1] + 1;
}

/* ------------------------------------------------------------------- threads -- */

struct crew;

struct worker {
	pthread_t thread;
	struct crew *crew;
	const struct queue *queue;
	const struct setting *setting;
	const atomic_bool *stop; /* worker_stops() */
	void *made;              /* by queue->create() */
	void *side;              /* by queue->attach(), before run() */
	void (*run)(struct worker *worker);
	void *own;          /* the scenario's */
	unsigned int index; /* among its side */
	unsigned int cpu;   /* see cpus_pin() */
	bool sends;

	_Alignas(128) _Atomic uint64_t count; /* messages so far: worker_show() */
	struct tally tally;                   /* left there at the end of run() */
};

struct crew {
	struct worker *workers;
	unsigned int count;
	const struct queue *queue; /* of crew_add_all(), which crew_fini() destroys */
	void *made;
	pthread_barrier_t start;        /* all workers and the main thread */
	struct sleepers senders_asleep; /* where the wait is WAIT_SLEEP */
	struct sleepers receivers_asleep;
	_Alignas(128) atomic_bool senders_stop;
	atomic_bool receivers_stop;
};

/* The calling thread's side of a queue, or the end of the program. */
void *worker_attach(const struct queue *queue, void *made, bool sends);

void crew_init(struct crew *crew);

/* Whether a queue bears so many threads, and such batches: for struct scenario's applies. Not
 * what is no queue but a program. */
bool crew_applies(const struct queue *queue, const struct setting *setting);

/* Create the queue, and add all senders and then all receivers of the setting. Ends the
 * program if that cannot be. */
void crew_add_all(struct crew *crew, const struct queue *queue, const struct setting *setting,
	void (*send)(struct worker *), void (*receive)(struct worker *), void *own);

/* Add one thread. It is attached to what was made, if that is not NULL; otherwise it sees to
 * its sides itself, in run(). */
struct worker *crew_add(struct crew *crew, const struct queue *queue, const struct setting *setting,
	void *made, bool sends, void (*run)(struct worker *), void *own);

/* Returns when all are attached and go. */
void crew_start(struct crew *crew);

/* Tell one side to stop, and join it. */
void crew_stop_senders(struct crew *crew);
void crew_stop_receivers(struct crew *crew);

/* What the workers of one side have shown so far, all together. */
uint64_t crew_count(const struct crew *crew, bool sends);

/* Whether what was received is what was sent; says so on stderr if it is not. After both
 * sides were stopped. */
bool crew_check(const struct crew *crew, const char *scenario, const struct setting *setting);

void crew_fini(struct crew *crew);

/* For a receiver: true only once all senders have been joined, so ask it *before*
 * the receive that finds nothing, see scenarios/throughput.c. */
static inline bool worker_stops(const struct worker *worker)
{
	/* Acquire: a receiver that sees it also sees what the senders did. */
	return atomic_load_explicit(worker->stop, memory_order_acquire);
}

/*
 * Whether a receiver is done that was told to stop before it received so many. One of them goes
 * on until nothing is left, and the others leave: a queue that all but stands still
 * while a thread of its is preempted would never be empty otherwise.
 */
static inline bool worker_leaves(const struct worker *worker, bool last, size_t received)
{
	return last && (received == 0 || (!worker->sends && worker->index > 0));
}

/* Relaxed: the main thread only wants to know how far the others are. */
static inline void worker_show(struct worker *worker, uint64_t count)
{
	atomic_store_explicit(&worker->count, count, memory_order_relaxed);
}

/* --------------------------------------------------------------------- waits -- */

/* From half to one and a half times as often as worker_wait says, at random: see
 * lib/queue/blocking.c on threads that yield at the same moment. */
unsigned int worker_patience(void);

static inline void worker_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* A pause, and false; true when it is time to yield or sleep. looks is 0 after each success. */
static inline bool worker_has_paused(unsigned int *looks)
{
	enum { LONGEST = 1024 };

	if (worker_wait->kind == WAIT_EXPONENTIAL) {
		*looks = *looks == 0 ? 1 : *looks * 2;
		if (*looks > LONGEST) {
			*looks = LONGEST;
			return true;
		}
		for (unsigned int i = 0; i < *looks; i++)
			worker_relax();
		return false;
	}
	if (*looks == 0)
		*looks = worker_patience() + 1;
	if (*looks == 1)
		return true;
	--*looks;
	worker_relax();
	return false;
}

static inline void worker_look_away(unsigned int *looks)
{
	if (worker_has_paused(looks))
		sched_yield();
}

/* The main thread sleeps. */
void pause_for(double seconds);

#endif
