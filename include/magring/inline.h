/* SPDX-License-Identifier: MIT */
/*
 * What is compiled into the caller. magring.h includes this file, and declares
 * and describes the calls.
 *
 * A message that needs no slab costs less work than a function call. So the
 * caller makes, reads and frees such a message itself. It also reads messages
 * with a slab, and calls the library for the slab alone. The layout of a
 * message is therefore a part of the binary interface.
 *
 * The library has all these functions whole as well: for other languages, for
 * programs that take their address, and for C and C++ with MAGRING_NO_INLINE
 * defined. The functions of the library are also used
 *
 * - without optimisation, because compilers then warn of paths that never run;
 * - under gcc's AddressSanitizer, which takes a payload for as good as before
 *   if only one of two paths leads through a free.
 */
#ifndef MAGRING_INLINE_H
#define MAGRING_INLINE_H

#ifndef MAGRING_H
#error "include magring.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's functions, by names that inline functions of the same purpose
 * can call: a function that calls itself is not inlined. */
MAGRING_PUBLIC MAGRING_CHECK int magring_private_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns);
MAGRING_PUBLIC MAGRING_CHECK int magring_private_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns);
MAGRING_PUBLIC const void *magring_private_id(const struct magring_message *message,
	size_t *ret_size);
MAGRING_PUBLIC void *magring_private_payload(struct magring_message *message, size_t *ret_size);

/*
 * The common cases, in registers. Take a slab that the thread has at hand, for
 * a payload of so many bytes: its address, and the header of the message but
 * for the size of the id. The header is 0 if there is none: the library's whole
 * function does the rest. Give takes the header and the slab of a message that
 * is empty by now.
 */
struct magring_private_slab {
	uint64_t header;
	uint64_t slab;
};
MAGRING_PUBLIC struct magring_private_slab magring_private_take(struct magring_pool *pool,
	size_t bytes);
MAGRING_PUBLIC void magring_private_give(uint64_t header, uint64_t slab);

#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(MAGRING_NO_INLINE) && \
	!defined(__SANITIZE_ADDRESS__)

/*
 * The header of a message. The top byte is its kind: 0 in the empty message, 1
 * in one without a slab, 2 to 127 in one with a slab. Bits 48 to 55 are the
 * size of the id, bits 0 to 31 that of the payload.
 *
 * Without a slab, the payload is at the start of the body, and the id behind
 * it. With one, the body is its address and the id. Only the library knows
 * kinds from 128 on, whose addresses may have more in their upper bits.
 */
#define MAGRING_PRIVATE_KIND(message) ((message)->private_header >> 56)
#define MAGRING_PRIVATE_ID_SIZE(message) ((message)->private_header >> 48 & 0xff)
#define MAGRING_PRIVATE_PAYLOAD_SIZE(message) ((message)->private_header & 0xffffffff)
#define MAGRING_PRIVATE_INSIDE 1
#define MAGRING_PRIVATE_ID_BESIDE_SLAB 40
#ifdef __cplusplus
#define MAGRING_PRIVATE_BYTES(message) reinterpret_cast<unsigned char *>((message)->private_body)
#define MAGRING_PRIVATE_CONST_BYTES(message) \
	reinterpret_cast<const unsigned char *>((message)->private_body)
#define MAGRING_PRIVATE_SLAB(message) reinterpret_cast<void *>((message)->private_body[0])
#define MAGRING_PRIVATE_SIGNED(header) static_cast<int64_t>(header)
#else
#define MAGRING_PRIVATE_BYTES(message) ((unsigned char *)(message)->private_body)
#define MAGRING_PRIVATE_CONST_BYTES(message) ((const unsigned char *)(message)->private_body)
#define MAGRING_PRIVATE_SLAB(message) ((void *)(uintptr_t)(message)->private_body[0])
#define MAGRING_PRIVATE_SIGNED(header) ((int64_t)(header))
#endif
/* One comparison: kinds from 128 on are negative. */
#define MAGRING_PRIVATE_IN_SLAB(message) \
	(MAGRING_PRIVATE_SIGNED((message)->private_header) >= 0x0200000000000000)
/* Never instrumented: an instrumented function needs an address, and those of
 * this file that the library does not have would be undefined. */
#define MAGRING_PRIVATE_IN_CALLER \
	extern __inline__ __attribute__((__always_inline__, __gnu_inline__, __artificial__, \
		__no_instrument_function__))

/* Compilers must not know where these bytes are. They would warn of every
 * access beyond the inline part, although that access is to a slab. */
MAGRING_PRIVATE_IN_CALLER void *magring_private_bytes(struct magring_message *message,
	size_t offset)
{
	unsigned char *bytes = MAGRING_PRIVATE_BYTES(message) + offset;
	__asm__("" : "+r"(bytes));
	return bytes;
}

/* Make a message without a slab, or with one that is at hand: 1. Else 0, and
 * the library makes the message or answers what is wrong. */
MAGRING_PRIVATE_IN_CALLER int magring_private_make(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size)
{
	uint64_t id_size_wide = id_size, kind = MAGRING_PRIVATE_INSIDE;
	if (!ret_message || (!id && id_size > 0) || id_size > MAGRING_INLINE_MAX)
		return 0;
	if (payload_size <= MAGRING_INLINE_MAX - id_size) {
		ret_message->private_header = payload_size | id_size_wide << 48 | kind << 56;
		if (id_size > 0)
			__builtin_memcpy(magring_private_bytes(ret_message, payload_size), id,
				id_size);
		return 1;
	}
	if (id_size > MAGRING_PRIVATE_ID_BESIDE_SLAB)
		return 0;
	struct magring_private_slab slab = magring_private_take(pool, payload_size);
	if (__builtin_expect(slab.header == 0, 0))
		return 0;
	ret_message->private_header = slab.header | id_size_wide << 48;
	/* Two stores of a register, not one of a vector, which a load of the
	 * second half has to wait for. */
	__asm__("" : "+m"(ret_message->private_header));
	ret_message->private_body[0] = slab.slab;
	if (id_size > 0)
		__builtin_memcpy(magring_private_bytes(ret_message, 8), id, id_size);
	return 1;
}

MAGRING_PRIVATE_IN_CALLER int magring_message_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	if (magring_private_make(pool, ret_message, id, id_size, payload_size))
		return 0;
	return magring_private_alloc(pool, ret_message, id, id_size, payload_size, timeout_ns);
}

MAGRING_PRIVATE_IN_CALLER const void *magring_message_id(const struct magring_message *message,
	size_t *ret_size)
{
	const void *id;
	if (!message ||
		(MAGRING_PRIVATE_KIND(message) != MAGRING_PRIVATE_INSIDE &&
			!MAGRING_PRIVATE_IN_SLAB(message)))
		return magring_private_id(message, ret_size);
	if (ret_size)
		*ret_size = MAGRING_PRIVATE_ID_SIZE(message);
	id = MAGRING_PRIVATE_CONST_BYTES(message) +
		(MAGRING_PRIVATE_IN_SLAB(message) ? sizeof(message->private_body[0])
						  : MAGRING_PRIVATE_PAYLOAD_SIZE(message));
	__asm__("" : "+r"(id));
	return id;
}

MAGRING_PRIVATE_IN_CALLER void *magring_message_payload(struct magring_message *message,
	size_t *ret_size)
{
	if (!message ||
		(!MAGRING_PRIVATE_IN_SLAB(message) &&
			MAGRING_PRIVATE_KIND(message) != MAGRING_PRIVATE_INSIDE))
		return magring_private_payload(message, ret_size);
	if (ret_size)
		*ret_size = MAGRING_PRIVATE_PAYLOAD_SIZE(message);
	if (MAGRING_PRIVATE_IN_SLAB(message))
		return MAGRING_PRIVATE_SLAB(message);
	return magring_private_bytes(message, 0);
}

MAGRING_PRIVATE_IN_CALLER int magring_message_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	if ((!payload && payload_size > 0) ||
		!magring_private_make(pool, ret_message, id, id_size, payload_size))
		return magring_private_copy(pool, ret_message, id, id_size, payload, payload_size,
			timeout_ns);
	if (payload_size > MAGRING_INLINE_MAX - id_size) {
		/* Or compilers warn of sizes that do not come here. */
		__asm__("" : "+r"(payload));
		__builtin_memcpy(MAGRING_PRIVATE_SLAB(ret_message), payload, payload_size);
	} else if (payload_size > 0)
		__builtin_memcpy(magring_private_bytes(ret_message, 0), payload, payload_size);
	return 0;
}

MAGRING_PRIVATE_IN_CALLER void magring_message_free(struct magring_message *message)
{
	uint64_t header;
	if (!message)
		return;
	header = message->private_header;
	message->private_header = 0;
	if (header >> 56 > MAGRING_PRIVATE_INSIDE)
		magring_private_give(header, message->private_body[0]);
}

#endif

#ifdef __cplusplus
}
#endif

#endif
