/* SPDX-License-Identifier: MIT */
/*
 * misuse: how a process ends that breaks the contract, and what every build
 * checks of a message.
 */
#ifndef MAGRING_MISUSE_H
#define MAGRING_MISUSE_H

#include "pool/pool.h"

/* Two threads are in calls of a side of this queue that is for one. */
_Noreturn void misuse_of_side(const char *queue, bool sends);

/* A message, as far as it is known. */
struct misuse_message {
	uint64_t header;
	uintptr_t address; /* of its slab, or of a byte that is wrong */
	const void *id;    /* NULL: not at hand */
	size_t id_kept;    /* bytes of the id that are there, or more than it has */
};

/*
 * A message, or what it says of itself, is wrong: "free" and " of a message
 * that was freed before". Its slab is not touched.
 */
_Noreturn void misuse_of_message(const char *call, const char *what,
	const struct misuse_message *message);
/* No pool is there. */
_Noreturn void misuse_of_pool(const char *what, const struct magring_pool *pool);

/*
 * What every build checks. `call` is the beginning of a clause, such as "free".
 * The process ends if the message's number is no pool's. It ends if the pointer
 * is not into that pool's slabs, or no slab of the class begins there.
 */
struct magring_pool *misuse_check_pool(const char *call, uint64_t header, uint64_t pointer);
uint32_t misuse_check_round(const char *call, uint64_t header, uint64_t pointer,
	const struct magring_pool *pool);
struct magring_pool *misuse_check_slab(const char *call, uint64_t header, uint64_t pointer);

#endif
