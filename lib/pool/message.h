/* SPDX-License-Identifier: MIT */
/*
 * message: what is done for one message where no short path does.
 */
#ifndef MAGRING_MESSAGE_H
#define MAGRING_MESSAGE_H

#include "magring.h"

/*
 * Make a message with a slab. Arguments are right, but for the size of both
 * parts together. A sample's stack begins at `caller`. Returns as
 * magring_message_alloc().
 */
int message_alloc_slowly(struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, size_t payload_size, int64_t timeout_ns,
	const void *caller);

/* The header and the pointer of a message with a slab that is empty by now. */
void message_free_slowly(uint64_t header, uint64_t address);

#endif
