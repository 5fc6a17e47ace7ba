/* SPDX-License-Identifier: MIT */
/*
 * judge: whether what calls on a queue answered is possible for a bounded FIFO
 * queue. After Wing and Gong, "Testing and verifying concurrent objects", 1993:
 * a search for an order of the calls that the queue explains. Each call takes
 * effect at one moment between its begin and its end.
 */
#ifndef MAGRING_SCHED_JUDGE_H
#define MAGRING_SCHED_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JUDGE_CALLS 48

enum judge_kind { JUDGE_SEND, JUDGE_RECV, JUDGE_CLOSE };

/* One message sent or received, one close, or one refusal. A batch is several
 * of these in order: each precedes the next. */
struct judge_call {
	enum judge_kind kind;
	unsigned int thread;
	/* 0: done. -EAGAIN (also for a timeout): full or empty. -EPIPE: closed
	 * (for a receiver: and empty). 1: not ended, as its thread has stopped:
	 * it took effect, or did not. */
	int result;
	uint64_t value;  /* sent or received; each value is sent once */
	uint64_t before; /* set of calls (bit i: calls[i]) that come before this one */
};

struct judge_history {
	size_t capacity; /* a full queue holds that many messages */
	size_t count;
	struct judge_call calls[JUDGE_CALLS];
};

/*
 * Whether there is an order. A receive that has taken effect, but is not ended
 * in that order, still takes up its place: a sender may find the queue full.
 */
bool judge(const struct judge_history *history);

/* The history as text, one call a line, for a person. */
void judge_print(const struct judge_history *history);

#endif
