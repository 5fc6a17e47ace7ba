/* SPDX-License-Identifier: MIT */
/*
 * history_work: what the parts of history_check() share.
 */
#ifndef HISTORY_WORK_H
#define HISTORY_WORK_H

#include "queue/history.h"

#define EXCERPT 12 /* operations of a finding */

/* One half of what puts messages in order: the spans of their sends, or of their
 * receives. A message may come next if its span begins before the first end. */
struct half {
	uint32_t *first, *next; /* messages by the begin of their span, as lists */
	uint32_t *left;         /* how many are left, by the end of their span */
	uint32_t now;           /* the first end with any left */
};

struct workspace {
	uint32_t *receive;           /* of each message: the operation that received it */
	uint32_t *received_by;       /* by tick: messages received by then; see count_received() */
	uint32_t *received_at;       /* in that order: the ticks */
	int32_t *certain, *possible; /* by gap: messages inside */
	struct half sends, receives;
	uint32_t *missing; /* of each message: what keeps it from coming next */
	uint32_t *ready;
	uint32_t closed;
};

struct span {
	uint32_t begin, end;
};

/* These come after each other: each relies on what the ones before it have found. */
struct finding check_messages(const struct history *history); /* FORGED, TWICE, EARLY */
struct finding check_close(const struct history *history);    /* WRONG_CLOSE, LEFT */
struct finding check_order(const struct history *history);    /* ORDER */
struct finding check_room(const struct history *history);     /* NOT_EMPTY, OVERFULL, NOT_FULL */

static inline struct finding found_wrong(enum wrong wrong, uint32_t a, uint32_t b)
{
	struct finding found = { .wrong = wrong, .count = 1, .operations = { a, b } };
	found.count += b != HISTORY_NOBODY;
	return found;
}

static inline void add(struct finding *found, uint32_t operation)
{
	if (operation != HISTORY_NOBODY && found->count < EXCERPT)
		found->operations[found->count++] = operation;
}

static inline void add_message(const struct history *history, struct finding *found,
	uint32_t message)
{
	add(found, message);
	add(found, history->workspace->receive[message]);
}

static inline struct span sent_in(const struct history *history, uint32_t message)
{
	const struct operation *send = &history->operations[message];
	return (struct span){ send->begin, send->end };
}

static inline struct span received_in(const struct history *history, uint32_t message)
{
	uint32_t receive = history->workspace->receive[message];
	if (receive == HISTORY_NOBODY)
		return (struct span){ history->ticks, history->ticks };
	return (struct span){ history->operations[receive].begin,
		history->operations[receive].end };
}

static inline bool is_sent(const struct history *history, uint32_t i)
{
	return history->operations[i].answer == SENT;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

#endif
