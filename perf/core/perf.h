/* SPDX-License-Identifier: MIT */
/*
 * This library's queues beside those of other projects, in the same scenarios, in the same run.
 *
 * A queue (queues/) is an adapter, as thin as it can be, that every scenario calls
 * through pointers: all pay for the call alike, and what the harness itself
 * costs is measured with a queue that does nothing. A scenario (scenarios/) measures one queue
 * in one setting once. engine.c decides who is measured when, which rounds count and what they
 * amount to.
 */
#ifndef PERF_PERF_H
#define PERF_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is sent: as much as a cell of this library holds beside its state. A queue whose messages
 * have a word of their own in front may keep that in `first`, so that its messages are made and
 * read where they are, as its users would (0 is received then); `carries` says who does. What is
 * checked is in the others. */
struct message {
	uint64_t first;
	uint64_t words[6];
};

enum {
	QUEUE_SINGLE_SENDER = 1, /* at most one thread sends */
	QUEUE_SINGLE_RECEIVER = 2,
	QUEUE_UNBOUNDED =
		4, /* a send never fails; the adapter keeps to the capacity by a count if it can */
	QUEUE_LINKED_TO_NOTHING = 8, /* moves no message at all: the cost of the harness */
	QUEUE_PROGRAM =
		16, /* another program: no function here, but measured by program_throughput() */
	QUEUE_ALLOCATOR = 32, /* no queue, but where payloads come from: scenarios/allocators.c */
	QUEUE_SPARE = 128,    /* takes up to twice the capacity */
	QUEUE_FIRST = 64,     /* where queues[0] takes no part, others are compared with this one */
	QUEUE_NO_PEER = 256,  /* shown, but nothing that a program could use in our place */
};

/* A message of any size: an id and a payload. */
struct record {
	const void *id;
	const void *payload;
	size_t id_size;
	size_t payload_size;
	uint64_t own[8]; /* the queue's: of a record that was received */
};

/* How a queue carries copies of records, whatever memory that takes. Both calls wait for a
 * while, in the way of the queue's users; false: the queue is still full (empty). A record
 * that was received stays where it is until it is released. */
struct record_calls {
	bool (*send)(void *side, const struct record *record);
	bool (*receive)(void *side, struct record *ret_record);
	void (*release)(struct record *record);
};

struct queue {
	const char *name;    /* "ck_ring", "rte_ring HTS" */
	const char *origin;  /* "ConcurrencyKit 0.7.0" */
	const char *carries; /* "56 bytes", "pointer to a preallocated node" */
	unsigned int flags;
	size_t batch_max; /* of one call that is one operation of the queue's; 1: single only */
	/* Capacity is a power of two. NULL if it cannot be had here (errno says why). */
	void *(*create)(size_t capacity, unsigned int senders, unsigned int receivers);
	void (*destroy)(void *queue);
	/* A thread's own side: tokens, nodes, whatever it takes. Called and used by that thread. */
	void *(*attach)(void *queue, bool sends);
	void (*detach)(void *side);
	/* Up to count messages, as many as go: how many; 0 when full (empty). Never waits. */
	size_t (*send)(void *side, const struct message *messages, size_t count);
	size_t (*receive)(void *side, struct message *ret_messages, size_t count);
	/* The same, but waiting for a while, in the way of the queue's users, for the first of them.
	 * `end`, after the last send, has those who wait for a message go on. NULL: not such a
	 * queue, or one that could not be ended. */
	size_t (*send_patiently)(void *side, const struct message *messages, size_t count);
	size_t (*receive_patiently)(void *side, struct message *ret_messages, size_t count);
	void (*end)(void *queue);
	/* One message; sleeps in the kernel, if need be, until it goes (comes). NULL where the
	 * queue has no such call: scenarios that need it leave the queue out. */
	void (*send_waiting)(void *side, const struct message *message);
	void (*receive_waiting)(void *side, struct message *ret_message);
	/* NULL: not such a queue. */
	const struct record_calls *records;
	/* What a QUEUE_PROGRAM (or the program that measures a QUEUE_ALLOCATOR) is told to be, see
	 * go.h (workloads/payload/main.c); NULL for queues. */
	const char *program_form;
};

/* All that are built in, this library's first; NULL ends them. queues.c */
extern const struct queue *const queues[];

struct setting {
	const char *name; /* "4x4, 16 at once" */
	unsigned int senders;
	unsigned int receivers;
	size_t capacity;
	size_t batch;
	size_t payload; /* bytes allocated by the sender for each message, 0: none */
	double rate;    /* messages a second of all senders, 0: as fast as they can */
	unsigned int
		processors; /* CPUs that the threads share, 0: all, and each is pinned to one */
	unsigned int busy;  /* processes beside them, on the same CPUs, that spin */
};

struct wait;

enum { VALUES_MAX = 12 };

struct value {
	const char *name; /* "messages_per_second", "p99_ns" */
	const char *unit;
	bool more_is_better;
};

struct scenario {
	const char *name;                /* "round trip" */
	const char *what;                /* a line that tells what is measured, for the report */
	struct value values[VALUES_MAX]; /* the first is the one that bars and ratios are about */
	unsigned int value_count;
	const struct setting *settings;
	unsigned int setting_count;
	/* Why it cannot be measured on this machine, or NULL. A scenario without
	 * this function can be measured everywhere. */
	const char *(*hindrance)(void);
	/* Whether this queue can be measured so. */
	bool (*applies)(const struct queue *queue, const struct setting *setting);
	/* Whether threads may wait so (core/waits.h), and the best is to be found first. A scenario
	 * without this function has one way to wait, for all queues. */
	bool (*allows)(const struct queue *queue, const struct wait *wait);
	/* Once, for about so many seconds. False, and a line on stderr, when what was
	 * received is not what was sent. A value that could not be had is NAN. */
	bool (*measure)(const struct queue *queue, const struct setting *setting, double seconds,
		double *ret_values);
};

/* A QUEUE_PROGRAM in that setting (senders, receivers, capacity) for about so many seconds; it
 * makes messages as the profiled one did. False, and a line on stderr, if it could not be run
 * or did not receive what it sent. go.c */
bool program_throughput(const struct queue *queue, const struct setting *setting, double seconds,
	double *ret_messages_per_second);

/* All scenarios, in the order of the report; NULL ends them. scenarios.c */
extern const struct scenario *const scenarios[];

/* Why it is left out on this machine; NULL: it is not. */
const char *scenario_hindrance(const struct scenario *scenario);

/* Between these calls is what a scenario measures: hardware counters and perf's own are on,
 * where there are any. engine.c; called by the scenario's main thread. */
void window_open(void);
void window_close(uint64_t messages);

#ifdef __cplusplus
}
#endif

#endif
