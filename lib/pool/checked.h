/* SPDX-License-Identifier: MIT */
/*
 * checked: pools that find out about misuse: see checked.c.
 */
#ifndef MAGRING_CHECKED_H
#define MAGRING_CHECKED_H

#include "pool/checked_slab.h"

/* The class for so many bytes, and some behind them if the pool has room. */
unsigned int checked_class(const struct magring_pool *pool, size_t bytes);
/* A free slab becomes a message's. First look at it, and then, with the message
 * made, begin. The message becomes a checked one. */
void checked_take(struct magring_pool *pool, unsigned int class_index, void *slab);
void checked_begin(struct magring_pool *pool, unsigned int class_index,
	struct magring_message *message, const void *id, bool sampled);
/* The message's header and pointer; where its slab is. */
void checked_free(uint64_t header, uint64_t pointer);
void checked_look(const char *call, const struct magring_message *message);

/*
 * Before a message goes into a queue, after it did not, and when it has come
 * out. Messages of pools that are not checked are looked at in the common way.
 */
void checked_send(const struct magring_message *message);
void checked_unsend(const struct magring_message *message);
void checked_receive(struct magring_message *message);

#endif
