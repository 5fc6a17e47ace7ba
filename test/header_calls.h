/* SPDX-License-Identifier: MIT */
/*
 * header_calls: a program that calls every inline function of the header, in C
 * as of 1999 and C++ as of 2011 alike. header_test.sh compiles it with all
 * warnings that a user's build may have on, as header_calls.c and .cpp.
 */
#include <magring.h>

static int make_and_free(struct magring_pool *pool, size_t size)
{
	struct magring_message message, other, batch[2];
	size_t id_size = 0, payload_size = 0;
	int wrong = magring_message_alloc(pool, &message, "id", 2, size, 0) != 0;
	if (wrong)
		return 1;
	wrong |= !magring_message_id(&message, &id_size) || id_size != 2;
	wrong |= !magring_message_payload(&message, &payload_size) || payload_size != size;
	magring_message_free(&message);
	wrong |= magring_message_copy(pool, &message, "an id", 5, "payload", 7, 0) != 0;
	wrong |= !magring_message_payload(&message, &payload_size) || payload_size != 7;
	wrong |= magring_message_share(&message, &other) != 0;
	wrong |= !magring_message_payload(&other, &payload_size) || payload_size != 7;
	magring_message_free(&other);
	magring_message_free(&message);
	wrong |= magring_message_alloc_batch(pool, batch, 2, size, 0) != 2;
	wrong |= !magring_message_payload(&batch[1], &payload_size) || payload_size != size;
	magring_message_free_batch(batch, 2);
	return wrong;
}

/* The values of all constants, as the documents tell them. */
static int constants_are_wrong(void)
{
	uint64_t memory_max = MAGRING_MEMORY_MAX;
	size_t payload_max = MAGRING_PAYLOAD_MAX, capacity_max = MAGRING_CAPACITY_MAX;
	return memory_max >> 38 != 1 || payload_max >> 30 != 1 || capacity_max >> 28 != 1 ||
		MAGRING_MEMORY_MIN != 64 || MAGRING_INLINE_MAX != 48 || MAGRING_ID_MAX != 255 ||
		MAGRING_NAME_MAX != 63 || MAGRING_SINGLE_SENDER != 1 ||
		MAGRING_SINGLE_RECEIVER != 2;
}
