/* SPDX-License-Identifier: MIT */
/*
 * Three kinds of memory for payloads: this library's pool, as any user has it; malloc, of
 * whichever library the process has it from; and buffers that are there from the start.
 *
 * The last is no allocator: a sender goes round its buffers and takes the next one that its
 * receiver has marked as read. It shows what is left when allocation costs next to nothing, though
 * it uses every buffer in turn, where the others give back what is still in the cache.
 */
#include "workloads/payload/allocator.h"

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- magring's pool -- */

static struct magring_pool *pool;
static size_t payload_size;

static bool always(const char *rest)
{
	return *rest == '\0';
}

static void pool_create(const struct need *need)
{
	payload_size = need->size;
	check(magring_pool_create(&pool, NULL), "magring_pool_create");
}

static void pool_destroy(void)
{
	check(magring_pool_destroy(pool), "magring_pool_destroy");
}

static void *no_side(bool allocates)
{
	(void)allocates;
	return NULL;
}

static void no_detach(void *side)
{
	(void)side;
}

static void *pool_alloc(void *side, struct magring_message *ret_message)
{
	int result = magring_message_alloc(pool, ret_message, NULL, 0, payload_size, 0);

	(void)side;
	if (result == -ENOBUFS)
		return NULL;
	check(result, "magring_message_alloc");
	return magring_message_payload(ret_message, NULL);
}

static void *pool_payload(struct magring_message *message)
{
	return magring_message_payload(message, NULL);
}

static void pool_free(void *side, struct magring_message *message)
{
	(void)side;
	magring_message_free(message);
}

const struct allocator allocator_magring = {
	.form = "magring",
	.ready = always,
	.create = pool_create,
	.destroy = pool_destroy,
	.attach = no_side,
	.detach = no_detach,
	.alloc = pool_alloc,
	.payload = pool_payload,
	.free = pool_free,
};

/* ---------------------------------------------------------------------- malloc -- */

/* The rest is part of the name of the library that malloc must be of: a preload that failed is
 * not to be mistaken for another allocator. */
static bool malloc_ready(const char *rest)
{
	void *function = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info info;

	return *rest == ':' && function != NULL && dladdr(function, &info) != 0 &&
		strstr(info.dli_fname, rest + 1) != NULL;
}

static void malloc_create(const struct need *need)
{
	payload_size = need->size;
}

static void malloc_destroy(void) {}

static void *malloc_alloc(void *side, struct magring_message *ret_message)
{
	void *payload = malloc(payload_size);

	(void)side;
	if (payload == NULL)
		err(2, "malloc");
	message_carry(ret_message, payload);
	return payload;
}

static void *malloc_payload(struct magring_message *message)
{
	return message_carried(message);
}

static void malloc_free(void *side, struct magring_message *message)
{
	(void)side;
	free(malloc_payload(message));
}

const struct allocator allocator_malloc = {
	.form = "malloc",
	.ready = malloc_ready,
	.create = malloc_create,
	.destroy = malloc_destroy,
	.attach = no_side,
	.detach = no_detach,
	.alloc = malloc_alloc,
	.payload = malloc_payload,
	.free = malloc_free,
};

/* -------------------------------------------------------------- static buffers -- */

struct buffer {
	_Alignas(8) atomic_bool busy;
	_Alignas(8) char payload[];
};

/* A sender's. They are there until the end: receivers may be behind. */
struct buffers {
	size_t next;
	_Alignas(64) char memory[];
};

enum { SENDERS_MAX = 64 };

static size_t buffer_size;
static size_t buffer_count; /* of each sender */
static struct buffers *all_buffers[SENDERS_MAX];
static _Atomic unsigned int sender_count;

static void static_create(const struct need *need)
{
	buffer_size = (offsetof(struct buffer, payload) + need->size + 63) / 64 * 64;
	buffer_count = need->live / need->senders;
}

static void static_destroy(void)
{
	for (unsigned int i = 0; i < SENDERS_MAX; i++)
		free(all_buffers[i]);
}

static struct buffer *buffer_at(struct buffers *side, size_t index)
{
	return (struct buffer *)(void *)(side->memory + index * buffer_size);
}

static void *static_attach(bool allocates)
{
	struct buffers *side;

	if (!allocates)
		return NULL;
	side = aligned_alloc(64, sizeof(*side) + buffer_count * buffer_size);
	if (side == NULL)
		err(2, "buffers");
	side->next = 0;
	for (size_t i = 0; i < buffer_count; i++)
		atomic_init(&buffer_at(side, i)->busy, false);
	all_buffers[atomic_fetch_add_explicit(&sender_count, 1, memory_order_relaxed)] = side;
	return side;
}

static void *static_alloc(void *argument, struct magring_message *ret_message)
{
	struct buffers *side = argument;

	for (size_t tries = 0; tries < buffer_count; tries++) {
		struct buffer *buffer = buffer_at(side, side->next);

		side->next = side->next + 1 == buffer_count ? 0 : side->next + 1;
		/* Acquire: pairs with the store in static_free(); it has been read. */
		if (atomic_load_explicit(&buffer->busy, memory_order_acquire))
			continue;
		atomic_store_explicit(&buffer->busy, true, memory_order_relaxed);
		message_carry(ret_message, buffer);
		return buffer->payload;
	}
	return NULL;
}

static struct buffer *buffer_of(struct magring_message *message)
{
	return message_carried(message);
}

static void *static_payload(struct magring_message *message)
{
	return buffer_of(message)->payload;
}

static void static_free(void *side, struct magring_message *message)
{
	(void)side;
	atomic_store_explicit(&buffer_of(message)->busy, false, memory_order_release);
}

const struct allocator allocator_static = {
	.form = "static",
	.ready = always,
	.create = static_create,
	.destroy = static_destroy,
	.attach = static_attach,
	.detach = no_detach,
	.alloc = static_alloc,
	.payload = static_payload,
	.free = static_free,
};
