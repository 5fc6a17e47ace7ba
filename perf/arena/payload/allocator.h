/* SPDX-License-Identifier: MIT */
/*
 * Where the payloads of messages come from. All that is compared is in here: the ring, the
 * payload and the threads are the same for all.
 */
#ifndef ARENA_PAYLOAD_ALLOCATOR_H
#define ARENA_PAYLOAD_ALLOCATOR_H

#include <magring.h>
#include <stdbool.h>
#include <stddef.h>

struct need {
	size_t size;          /* bytes of each payload */
	size_t live;          /* as many may be out, of all threads together */
	unsigned int senders; /* threads that allocate */
	unsigned int threads; /* that allocate or free */
};

struct allocator {
	const char *form;  /* what the program is told */
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

extern const struct allocator allocator_magring;
extern const struct allocator allocator_static;
extern const struct allocator allocator_malloc;
extern const struct allocator allocator_mempool; /* where there is DPDK */
extern const struct allocator allocator_faulty;  /* for tests: see faulty.c */

#endif
