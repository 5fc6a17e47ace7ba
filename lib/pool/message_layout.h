/* SPDX-License-Identifier: MIT */
/*
 * message_layout: what the bytes of a DataMessage mean: see message.c.
 */
#ifndef MAGRING_MESSAGE_LAYOUT_H
#define MAGRING_MESSAGE_LAYOUT_H

#include <stdbool.h>

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

static inline uint64_t message_with_kind(const struct magring_message *message, unsigned int kind)
{
	return (message->private_header & (UINT64_MAX >> 8)) | (uint64_t)kind << 56;
}

enum message_kind {
	MESSAGE_EMPTY = 0,            /* the whole header is zero */
	MESSAGE_INLINE = 1,           /* payload ++ id in the body */
	MESSAGE_SLAB = 2,             /* MESSAGE_SLAB + class: slab pointer ++ id[40] */
	MESSAGE_RARE = 128,           /* added to the one before: sampled, or the slab has the id */
	MESSAGE_SHARED_CHECKED = 253, /* both of these */
	MESSAGE_SHARED = 254,         /* as MESSAGE_SLAB; share.c knows the kind before */
	MESSAGE_CHECKED = 255, /* as MESSAGE_SLAB; the pointer has a generation: see checked.c */
};

/* The bits of a slab's address. A checked message has a generation above. */
#define MESSAGE_POINTER_BITS 48
#define MESSAGE_ADDRESS (((uint64_t)1 << MESSAGE_POINTER_BITS) - 1)

static inline unsigned char *message_slab(const struct magring_message *message)
{
	return (unsigned char *)(uintptr_t)(message->private_body[0] & MESSAGE_ADDRESS);
}

static inline bool message_is_slab(const struct magring_message *message)
{
	return message_kind(message) >= MESSAGE_SLAB;
}

static inline bool message_is_checked(const struct magring_message *message)
{
	return message_kind(message) == MESSAGE_CHECKED ||
		message_kind(message) == MESSAGE_SHARED_CHECKED;
}

static inline bool message_is_shared(const struct magring_message *message)
{
	return message_kind(message) == MESSAGE_SHARED ||
		message_kind(message) == MESSAGE_SHARED_CHECKED;
}

/* Longer ids are at the start of the slab, before the payload. */
#define MESSAGE_ID_BESIDE_SLAB 40

#define MESSAGE_ID_ALIGNMENT ((size_t)16)

/* Bytes of the slab that the id takes, and the whole message. */
static inline size_t message_id_in_slab(size_t id_size)
{
	if (__builtin_expect(id_size <= MESSAGE_ID_BESIDE_SLAB, 1))
		return 0;
	return (id_size + MESSAGE_ID_ALIGNMENT - 1) & ~(MESSAGE_ID_ALIGNMENT - 1);
}

static inline size_t message_slab_bytes(const struct magring_message *message)
{
	return message_id_in_slab(message_id_size(message)) + message_payload_size(message);
}

#endif
