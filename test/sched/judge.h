/* SPDX-License-Identifier: MIT */
/*
 * judge: whether what calls on a queue answered is possible for a bounded FIFO
 * queue. After Wing and Gong, "Testing and verifying concurrent objects", 1993:
 * a search for an order of the calls that the queue explains. Each call takes
 * effect at one moment between its begin and its end.
 *
 *	send   0        appends its value: not closed, fewer than capacity messages
 *	       -EAGAIN  not closed, messages and receives not ended are `full` or more
 *	       -EPIPE   closed
 *	recv   0        takes its value, which is the first
 *	       -EAGAIN  no message, and not closed
 *	       -EPIPE   no message, and closed
 *	close  0        closes; so does a second one
 *
 * A send that has claimed a cell, and has not taken effect, takes up no place.
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
	unsigned int thread; /* for judge_print() alone */
	/* 0: done. -EAGAIN (also for a timeout): full or empty. -EPIPE: closed
	 * (for a receiver: and empty). 1: not ended, as its thread has stopped:
	 * it took effect, or did not. */
	int result;
	/* Sent or received. Sends with the result 0 or 1 have values of their own.
	 * A receive that is not ended takes whatever is the first. */
	uint64_t value;
	/* Set of calls (bit i: calls[i]) that come before this one. Without all of
	 * them it does not take effect. What follows from others may be left out. */
	uint64_t before;
	/* In one batch with calls[i - 1], so both end at the same moment. Else a
	 * receive counts as ended at the next one of its batch. */
	bool batched;
};

struct judge_history {
	size_t capacity; /* a full queue holds that many messages */
	/* A send may find it full from so many on. Zero: only at its capacity. */
	size_t full;
	size_t count;
	struct judge_call calls[JUDGE_CALLS];
};

/*
 * Whether there is an order. A receive that has taken effect, but is not ended
 * in that order, still takes up its place: a sender may find the queue full. It
 * is ended when a call that it comes before takes effect. One with the result 1
 * never is.
 *
 * Nothing is allocated, and tables are static: for one thread at a time.
 */
bool judge(const struct judge_history *history);

/* How many states the last judge() has come to. */
uint64_t judge_states(void);

/* The history as text on stderr, one call a line, for a person. */
void judge_print(const struct judge_history *history);

#endif
