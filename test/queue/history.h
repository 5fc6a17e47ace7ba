/* SPDX-License-Identifier: MIT */
/*
 * history: what threads did to a queue and what they were told, and whether a FIFO
 * queue can have told them that.
 *
 * The clock is a counter that all threads share. An operation reads it when it
 * begins and adds one to it when it ends:
 *
 *	begin = load(clock, acquire)    ... the operation ...    end = fetch_add(clock, 1, acq_rel)
 *
 * a.end < b.begin if and only if b's load has read a's addition or a later one, so a
 * then happens before b in the sense of C11, on any processor and under any sanitizer;
 * all others count as concurrent. (A time of day proves less and costs more: it has
 * to be the same on all processors to within the time that a cache line travels, and
 * needs full fences on both sides, for a store may still wait in its processor's store
 * buffer when the clock is read. And this time is dense: everything below is arrays,
 * nothing is sorted.)
 *
 * The additions cut time into gaps; gap g lies between additions g - 1 and g. An
 * operation takes effect at an instant within one of the gaps begin ... end.
 *
 * A batch is recorded as an operation for each message, one after another, with
 * the same begin and end: they take effect one by one, in this order.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_THREADS 12
#define HISTORY_NOBODY UINT32_MAX
/* What history_search() takes, in operations. */
#define HISTORY_SHORT 31

enum answer {
	SENT,
	RECEIVED,
	FULL,
	EMPTY,
	REFUSED, /* a send: closed */
	ENDED,   /* a receive: closed, and everything received */
	CLOSE
};

struct operation {
	uint32_t begin, end;
	uint32_t message;     /* SENT, RECEIVED: the index of the operation that sent it */
	uint32_t quarantined; /* how many cells had ever been quarantined, read before begin */
	enum answer answer;
};

struct history {
	struct operation *operations; /* a slice for each thread, in the order of its program */
	uint32_t threads, slice;
	uint32_t used[HISTORY_THREADS];
	uint32_t cells;       /* of the queue */
	uint32_t full;        /* with fewer cells taken, or out of service, it is not full */
	uint32_t quarantined; /* as in struct operation, at the end */
	uint32_t ticks;       /* the clock's last value */
	struct workspace *workspace;
};

/* A history of threads * slice operations at most. */
void history_init(struct history *history, uint32_t threads, uint32_t slice);
void history_fini(struct history *history);

/* Operations from i on, thread by thread. */
static inline uint32_t history_size(const struct history *history)
{
	return history->threads * history->slice;
}

static inline uint32_t history_skip(const struct history *history, uint32_t i)
{
	while (i < history_size(history) && i % history->slice >= history->used[i / history->slice])
		i += history->slice - i % history->slice;
	return i;
}

#define history_each(i, history) \
	for (uint32_t i = history_skip(history, 0); i < history_size(history); \
		i = history_skip(history, i + 1))

/* Whether i follows i - 1 in one batch. */
static inline bool history_same_batch(const struct history *history, uint32_t i)
{
	return i % history->slice > 0 &&
		history->operations[i - 1].end == history->operations[i].end;
}

/* What a history can do that no queue does, in the order in which it is looked for. */
enum wrong {
	NOTHING,
	FORGED,      /* a message was received that no send sent */
	TWICE,       /* a message was received twice */
	EARLY,       /* ... before its send began */
	WRONG_CLOSE, /* an answer was given on the wrong side of the close */
	LEFT,        /* the end was told, and there was a message left, or one came after */
	ORDER,       /* messages were received in another order than they were sent in */
	NOT_EMPTY,
	OVERFULL, /* more messages were inside than there are cells */
	NOT_FULL
};

struct finding {
	enum wrong wrong;
	uint32_t count;
	uint32_t operations[HISTORY_SHORT]; /* some of those that cannot all be true */
};

/*
 * Whether the history is wrong in one of these ways, in time linear in its length.
 *
 * NOTHING means: without FULL answers and but for the number of cells, it is
 * linearizable (Henzinger, Sezgin, Vafeiadis: Aspect-oriented linearizability
 * proofs, 2013; Bouajjani, Emmi, Enea, Hamza: On reducing linearizability to
 * state reachability, 2015). That is proved for single messages, and holds with
 * batches of sends, or of receives, as far as history_test has tried; with
 * both, a chain that leads through batches of either kind can be missed.
 * NOT_FULL and OVERFULL judge each answer and each instant by itself, which is
 * necessary and not sufficient: history_room.c.
 */
struct finding history_check(struct history *history);

/* The operations of a finding, in words, to stderr. */
void history_print(const struct history *history, const struct finding *finding);
void history_print_all(const struct history *history); /* a short one */
const char *history_wrong(enum wrong wrong);

/*
 * Whether there is an order of instants at which each operation of a short
 * history can have taken effect: all are tried. FULL and the number of cells
 * included; see history_search.c.
 */
bool history_search(const struct history *history);

#endif
