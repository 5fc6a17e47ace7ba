/* SPDX-License-Identifier: MIT */
/*
 * What ThreadSanitizer is told when a program is compiled with it. magring.h
 * includes this file. In any other program it is empty.
 *
 * The installed library is not instrumented. So ThreadSanitizer does not see
 * that a send comes before the receive of its message, and calls what is handed
 * over a race. The functions of this file take the place of the library's by
 * macros of their names, also where a program takes an address. They tell of
 * these edges alone:
 *
 *	send -> receive of the message   by the slab, or, for a message without
 *	                                 one, by the queue
 *	free -> next alloc of the slab   by the slab
 *
 * Each release comes before its call, since another thread may go on before the
 * call returns. What a thread touches later is not covered, and is reported.
 * The library itself tells of references to queues, trims and descriptors, in
 * calls that are rare (lib/base/watched.h).
 *
 * MAGRING_NO_TSAN leaves all this out: for a library that is instrumented, too,
 * so that its own order is what is checked.
 */
#ifndef MAGRING_SANITIZERS_H
#define MAGRING_SANITIZERS_H

#ifndef MAGRING_H
#error "include magring.h"
#endif

#if defined(MAGRING_NO_TSAN)
#elif defined(__SANITIZE_THREAD__)
#define MAGRING_PRIVATE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAGRING_PRIVATE_TSAN 1
#endif
#endif

#ifdef MAGRING_PRIVATE_TSAN

/* One definition for a program, which other languages and -O0 have as well. In
 * a checked pool other bits are above a slab's address: they change on the way.
 */
#ifdef __cplusplus
#define MAGRING_PRIVATE_WATCHED inline __attribute__((__visibility__("hidden")))
#define MAGRING_PRIVATE_ADDRESS(word) reinterpret_cast<void *>((word)&0xffffffffffff)
#else
#define MAGRING_PRIVATE_WATCHED __attribute__((__weak__, __visibility__("hidden")))
#define MAGRING_PRIVATE_ADDRESS(word) ((void *)((word)&0xffffffffffff))
#endif

#include <sanitizer/tsan_interface.h>

#ifdef __cplusplus
extern "C" {
#endif

MAGRING_CHECK int magring_watched_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns);
MAGRING_CHECK int magring_watched_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns);
void magring_watched_free(struct magring_message *message);
MAGRING_CHECK int magring_watched_alloc_batch(struct magring_pool *pool,
	struct magring_message *ret_messages, size_t count, size_t payload_size,
	int64_t timeout_ns);
void magring_watched_free_batch(struct magring_message *messages, size_t count);
MAGRING_CHECK int magring_watched_send(struct magring_queue *queue, struct magring_message *message,
	int64_t timeout_ns);
MAGRING_CHECK int magring_watched_recv(struct magring_queue *queue,
	struct magring_message *ret_message, int64_t timeout_ns);
MAGRING_CHECK int magring_watched_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count, int64_t timeout_ns);
MAGRING_CHECK int magring_watched_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count, int64_t timeout_ns);
MAGRING_CHECK int magring_watched_try_send(struct magring_queue *queue,
	struct magring_message *message);
MAGRING_CHECK int magring_watched_try_recv(struct magring_queue *queue,
	struct magring_message *ret_message);
MAGRING_CHECK int magring_watched_try_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count);
MAGRING_CHECK int magring_watched_try_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count);

/* What stands for a message on its way: its slab, or the queue. */
MAGRING_PRIVATE_WATCHED void *magring_watched_edge(struct magring_queue *queue,
	const struct magring_message *message);
MAGRING_PRIVATE_WATCHED void *magring_watched_edge(struct magring_queue *queue,
	const struct magring_message *message)
{
	return message->private_header >> 56 > 1 ? MAGRING_PRIVATE_ADDRESS(message->private_body[0])
						 : queue;
}

/* Messages are to be sent. Too many are refused, and perhaps not there. */
MAGRING_PRIVATE_WATCHED void magring_watched_hand_over(struct magring_queue *queue,
	const struct magring_message *messages, size_t count);
MAGRING_PRIVATE_WATCHED void magring_watched_hand_over(struct magring_queue *queue,
	const struct magring_message *messages, size_t count)
{
	size_t i = queue && messages && count <= INT32_MAX ? 0 : count;
	for (; i < count; i++)
		__tsan_release(magring_watched_edge(queue, &messages[i]));
}

/* They were received. None or an error: nothing was. */
MAGRING_PRIVATE_WATCHED void magring_watched_take_over(struct magring_queue *queue,
	const struct magring_message *messages, int count);
MAGRING_PRIVATE_WATCHED void magring_watched_take_over(struct magring_queue *queue,
	const struct magring_message *messages, int count)
{
	int i;
	for (i = 0; i < count; i++)
		__tsan_acquire(magring_watched_edge(queue, &messages[i]));
}

MAGRING_PRIVATE_WATCHED int magring_watched_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	int rc = magring_message_alloc(pool, ret_message, id, id_size, payload_size, timeout_ns);
	if (rc == 0 && ret_message->private_header >> 56 > 1)
		__tsan_acquire(MAGRING_PRIVATE_ADDRESS(ret_message->private_body[0]));
	return rc;
}

/* The copy is this function's: the edge has to come before. */
MAGRING_PRIVATE_WATCHED int magring_watched_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	size_t size;
	int rc;
	if (!payload && payload_size > 0)
		return magring_message_copy(pool, ret_message, id, id_size, payload, payload_size,
			timeout_ns);
	rc = magring_watched_alloc(pool, ret_message, id, id_size, payload_size, timeout_ns);
	if (rc == 0 && payload_size > 0)
		__builtin_memcpy(magring_message_payload(ret_message, &size), payload,
			payload_size);
	return rc;
}

MAGRING_PRIVATE_WATCHED void magring_watched_free(struct magring_message *message)
{
	if (message && message->private_header >> 56 > 1)
		__tsan_release(MAGRING_PRIVATE_ADDRESS(message->private_body[0]));
	magring_message_free(message);
}

MAGRING_PRIVATE_WATCHED int magring_watched_alloc_batch(struct magring_pool *pool,
	struct magring_message *ret_messages, size_t count, size_t payload_size, int64_t timeout_ns)
{
	int i,
		made = magring_message_alloc_batch(pool, ret_messages, count, payload_size,
			timeout_ns);
	for (i = 0; i < made; i++)
		if (ret_messages[i].private_header >> 56 > 1)
			__tsan_acquire(MAGRING_PRIVATE_ADDRESS(ret_messages[i].private_body[0]));
	return made;
}

MAGRING_PRIVATE_WATCHED void magring_watched_free_batch(struct magring_message *messages,
	size_t count)
{
	size_t i = messages ? 0 : count;
	for (; i < count; i++)
		if (messages[i].private_header >> 56 > 1)
			__tsan_release(MAGRING_PRIVATE_ADDRESS(messages[i].private_body[0]));
	magring_message_free_batch(messages, count);
}

MAGRING_PRIVATE_WATCHED int magring_watched_send(struct magring_queue *queue,
	struct magring_message *message, int64_t timeout_ns)
{
	magring_watched_hand_over(queue, message, 1);
	return magring_send(queue, message, timeout_ns);
}

MAGRING_PRIVATE_WATCHED int magring_watched_recv(struct magring_queue *queue,
	struct magring_message *ret_message, int64_t timeout_ns)
{
	int rc = magring_recv(queue, ret_message, timeout_ns);
	magring_watched_take_over(queue, ret_message, rc == 0);
	return rc;
}

MAGRING_PRIVATE_WATCHED int magring_watched_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count, int64_t timeout_ns)
{
	magring_watched_hand_over(queue, messages, count);
	return magring_send_batch(queue, messages, count, timeout_ns);
}

MAGRING_PRIVATE_WATCHED int magring_watched_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count, int64_t timeout_ns)
{
	int received = magring_recv_batch(queue, ret_messages, count, timeout_ns);
	magring_watched_take_over(queue, ret_messages, received);
	return received;
}

MAGRING_PRIVATE_WATCHED int magring_watched_try_send(struct magring_queue *queue,
	struct magring_message *message)
{
	magring_watched_hand_over(queue, message, 1);
	return magring_try_send(queue, message);
}

MAGRING_PRIVATE_WATCHED int magring_watched_try_recv(struct magring_queue *queue,
	struct magring_message *ret_message)
{
	int rc = magring_try_recv(queue, ret_message);
	magring_watched_take_over(queue, ret_message, rc == 0);
	return rc;
}

MAGRING_PRIVATE_WATCHED int magring_watched_try_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count)
{
	magring_watched_hand_over(queue, messages, count);
	return magring_try_send_batch(queue, messages, count);
}

MAGRING_PRIVATE_WATCHED int magring_watched_try_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count)
{
	int received = magring_try_recv_batch(queue, ret_messages, count);
	magring_watched_take_over(queue, ret_messages, received);
	return received;
}

#ifdef __cplusplus
}
#endif

#define magring_message_alloc magring_watched_alloc
#define magring_message_copy magring_watched_copy
#define magring_message_free magring_watched_free
#define magring_message_alloc_batch magring_watched_alloc_batch
#define magring_message_free_batch magring_watched_free_batch
#define magring_send magring_watched_send
#define magring_recv magring_watched_recv
#define magring_send_batch magring_watched_send_batch
#define magring_recv_batch magring_watched_recv_batch
#define magring_try_send magring_watched_try_send
#define magring_try_recv magring_watched_try_recv
#define magring_try_send_batch magring_watched_try_send_batch
#define magring_try_recv_batch magring_watched_try_recv_batch

#endif
#endif
