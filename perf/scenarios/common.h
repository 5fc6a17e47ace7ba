/* SPDX-License-Identifier: MIT */
/* What several scenarios need beside worker.h; see common.c. */
#ifndef PERF_SCENARIOS_COMMON_H
#define PERF_SCENARIOS_COMMON_H

#include "core/worker.h"

#include <time.h>

struct latency;

/* crew_applies(), and messages come out of the queue at all. */
bool common_moves(const struct queue *queue, const struct setting *setting);

/* That, and receivers can sleep in it. */
bool common_sleeps(const struct queue *queue, const struct setting *setting);

/* Zeroed; ends the program if there is none. */
void *common_alloc(size_t count, size_t size);

/* Whether what was received is what was sent, by two tallies of the scenario's own; says so on
 * stderr if it is not. One receiver. */
bool common_agree(const char *scenario, const struct queue *queue, const struct setting *setting,
	const struct tally *sent, const struct tally *received);

/* On the clock that all is timed with. */
static inline uint64_t common_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How long it takes to ask that clock. */
double common_clock_cost_ns(void);

/* A message carries a time beside what tells that it is intact: so that a time that was
 * changed on the way is found as well, it is in one word and mixed into another. */
static inline void message_stamp(struct message *message, uint64_t stamp)
{
	message->words[4] ^= stamp;
	message->words[5] = stamp;
}

/* The time, which is taken out: the message is as message_make() made it. */
static inline uint64_t message_unstamp(struct message *message)
{
	uint64_t stamp = message->words[5];

	message->words[4] ^= stamp;
	message->words[5] = message->words[2] + 3;
	return stamp;
}

/* A message that tells a receiver in a call that waits to stop; it is no part of any tally. */
static inline void message_make_last(struct message *message)
{
	message_make(message, UINT64_MAX, 0);
}

static inline bool message_is_last(const struct message *message)
{
	return message->words[0] == UINT64_MAX;
}

/* Look until they are sent, in as many calls as it takes. */
static inline void common_send(const struct queue *queue, void *side,
	const struct message *messages, size_t count)
{
	unsigned int looks = 0;
	size_t sent = 0;

	while (sent < count) {
		size_t now = queue->send(side, messages + sent, count - sent);

		sent += now;
		if (now == 0)
			worker_look_away(&looks);
	}
}

/* One message, sleeping if that is how the queue waits for room. */
static inline void common_send_waking(const struct queue *queue, void *side,
	const struct message *message)
{
	if (queue->send_waiting != NULL)
		queue->send_waiting(side, message);
	else
		common_send(queue, side, message, 1);
}

#endif
