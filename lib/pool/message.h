/* SPDX-License-Identifier: MIT */
/*
 * message: the header of a DataMessage, for files that read it.
 */
#ifndef MAGRING_MESSAGE_H
#define MAGRING_MESSAGE_H

#include "base/sanitizer.h"
#include "magring.h"

/*
 * The header, from its lowest bit: payload size (32 bits), pool number (16), id
 * size (8), kind (8).
 *
 * It is one word, written by one store. A ring loads a message in wide parts,
 * and a part that was just written by several stores would have to wait for
 * them.
 */
static inline uint64_t message_header(size_t payload_size, unsigned int pool, size_t id_size,
	unsigned int kind)
{
	return payload_size | (uint64_t)pool << 32 | (uint64_t)id_size << 48 | (uint64_t)kind << 56;
}

static inline size_t message_payload_size(const struct magring_message *message)
{
	return (uint32_t)message->private_header;
}

static inline unsigned int message_pool(const struct magring_message *message)
{
	return (uint16_t)(message->private_header >> 32);
}

static inline size_t message_id_size(const struct magring_message *message)
{
	return (uint8_t)(message->private_header >> 48);
}

static inline unsigned int message_kind(const struct magring_message *message)
{
	return (unsigned int)(message->private_header >> 56);
}

enum message_kind {
	MESSAGE_EMPTY = 0,  /* the whole header is zero */
	MESSAGE_INLINE = 1, /* id ++ payload in the body */
	MESSAGE_SLAB = 2,   /* MESSAGE_SLAB + class: slab pointer ++ id[40] */
	MESSAGE_RARE = 128, /* added to the one before: sampled, or the slab has the id */
};

/* Longer ids are at the start of the slab, before the payload. */
#define MESSAGE_ID_BESIDE_SLAB 40
/* The bits of a slab's address. */
#define MESSAGE_ADDRESS (((uint64_t)1 << 48) - 1)

/* A slab has no owner while it is in a queue: sanitizers are told so. */
#ifdef SANITIZER
void message_hide(const struct magring_message *messages, size_t count);
void message_show(const struct magring_message *messages, size_t count);
#else
static inline void message_hide(const struct magring_message *messages, size_t count)
{
	(void)messages, (void)count;
}

static inline void message_show(const struct magring_message *messages, size_t count)
{
	(void)messages, (void)count;
}
#endif

#endif
