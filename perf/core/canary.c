/* SPDX-License-Identifier: MIT */
/*
 * A queue with an error: a run with it has to fail, whatever the scenario, or the scenario does not
 * check what it receives.
 *
 * It is another queue, but that the 100th message that is sent through each queue made by it
 * is not sent as it should be. (Not the first, which scenarios may use to warm up.)
 */
#include "core/canary.h"

#include <stdatomic.h>
#include <string.h>

enum { SPOILED = 100 };

enum error { DAMAGE, LOSE, REPEAT, SWAP, ERRORS };

static const char *const error_names[ERRORS] = { "damage", "lose", "repeat", "swap" };

static struct queue canary;
static const struct queue *model;
static enum error error;
static _Atomic uint64_t sent;

static void *create(size_t capacity, unsigned int senders, unsigned int receivers)
{
	atomic_store_explicit(&sent, 0, memory_order_relaxed);
	return model->create(capacity, senders, receivers);
}

/* How many of the messages are to be sent next as they are; none: the first is to be spoiled. */
static size_t before_error(size_t count)
{
	uint64_t now = atomic_load_explicit(&sent, memory_order_relaxed);

	return now > SPOILED || now + count <= SPOILED ? count : (size_t)(SPOILED - now);
}

static size_t send(void *side, const struct message *messages, size_t count)
{
	struct message spoiled = messages[0];
	size_t some = before_error(count);

	if (some > 0) {
		some = model->send(side, messages, some);
		atomic_fetch_add_explicit(&sent, some, memory_order_relaxed);
		return some;
	}
	switch (error) {
	case DAMAGE:
		spoiled.words[4] ^= 1;
		break;
	case SWAP: /* as if the next one had come first */
		spoiled.words[1]++;
		break;
	case LOSE:
		atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
		return 1;
	case REPEAT:
		if (model->send(side, messages, 1) == 0)
			return 0;
		atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed);
		return model->send(side, messages, 1); /* 0: the sender repeats it itself */
	default:
		break;
	}
	some = model->send(side, &spoiled, 1);
	atomic_fetch_add_explicit(&sent, some, memory_order_relaxed);
	return some;
}

static void send_waiting(void *side, const struct message *message)
{
	struct message spoiled = *message;

	if (atomic_fetch_add_explicit(&sent, 1, memory_order_relaxed) == SPOILED)
		spoiled.words[4] ^= 1; /* to lose one would leave its receiver asleep */
	model->send_waiting(side, &spoiled);
}

const struct queue *canary_of(const struct queue *queue, const char *name)
{
	for (error = 0; error < ERRORS; error++)
		if (strcmp(name, error_names[error]) == 0)
			break;
	if (error == ERRORS)
		return NULL;
	model = queue;
	canary = *queue;
	canary.create = create;
	canary.send = send;
	canary.send_patiently = NULL;
	canary.receive_patiently = NULL;
	if (queue->send_waiting != NULL)
		canary.send_waiting = send_waiting;
	return &canary;
}
