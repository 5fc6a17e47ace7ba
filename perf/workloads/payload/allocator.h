/* SPDX-License-Identifier: MIT */
/*
 * Where the payloads of messages come from. All that is compared is in here: the ring, the
 * payload and the threads are the same for all.
 */
#ifndef PERF_PAYLOAD_ALLOCATOR_H
#define PERF_PAYLOAD_ALLOCATOR_H

#include <err.h>
#include <errno.h>
#include <magring.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct need {
	size_t size;          /* bytes of each payload */
	size_t live;          /* as many may be out, of all threads together */
	unsigned int senders; /* threads that allocate */
	unsigned int threads; /* that allocate or free */
};

struct allocator {
	const char *form; /* what the program is told */
	/* Whether it can be had here. `rest` is what follows the form. */
	bool (*ready)(const char *rest);
	void (*create)(const struct need *need);
	void (*destroy)(void);
	/* A thread's own side, called and used by that thread. */
	void *(*attach)(bool allocates);
	void (*detach)(void *side);
	/* Make a message that leads to a new payload, and return the payload; NULL: none is
	 * free at this moment. */
	void *(*alloc)(void *side, struct magring_message *ret_message);
	void *(*payload)(struct magring_message *message);
	void (*free)(void *side, struct magring_message *message);
};

/* A call of the library must not fail. */
static inline void check(int result, const char *what)
{
	if (__builtin_expect(result < 0, 0)) {
		errno = -result;
		err(2, "%s", what);
	}
}

/* Where the queue is, and messages that carry no more than a pointer: of those who have their own
 * memory. NULL where there is no queue: then nothing of this library is in the way of others. */
extern struct magring_pool *carriers;

static inline void message_carry(struct magring_message *ret_message, void *pointer)
{
	if (carriers == NULL) {
		ret_message->private_body[0] = (uintptr_t)pointer;
		return;
	}
	check(magring_message_copy(carriers, ret_message, NULL, 0, &pointer, sizeof(pointer), 0),
		"magring_message_copy");
}

static inline void *message_carried(struct magring_message *message)
{
	void *pointer;

	if (carriers == NULL)
		return (void *)(uintptr_t)message->private_body[0];
	memcpy(&pointer, magring_message_payload(message, NULL), sizeof(pointer));
	return pointer;
}

extern const struct allocator allocator_magring;
extern const struct allocator allocator_static;
extern const struct allocator allocator_malloc;
extern const struct allocator allocator_mempool; /* where there is DPDK */
extern const struct allocator allocator_faulty;  /* for tests: see faulty.c */

#endif
