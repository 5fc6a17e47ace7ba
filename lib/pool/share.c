/* SPDX-License-Identifier: MIT */
/*
 * Shared payloads: several messages with one slab.
 *
 * A pool has a word for each SLAB_UNIT of its slabs, in a region of its own.
 * The word of a slab's first unit is in use from the slab's first share to its
 * last free:
 *
 *	the messages that have the slab (24 bits), the kind before (8)
 *
 * All these messages have the kind MESSAGE_SHARED, or in a checked pool
 * MESSAGE_SHARED_CHECKED, and are else as they were. So an id or a payload is
 * found as in any message, and only a free asks for the count. The owner of a
 * message that is not shared is the only thread that knows the slab. It stores
 * 2 and needs no read-modify-write. What the word held before is of no meaning.
 *
 * Two threads may share and free two messages of one slab at once. Each of them
 * holds its own message meanwhile, so the count does not fall to 0 beside a
 * share. It reaches 0 once, by one free, and that thread gives the slab back.
 *
 * A page of counts gets memory when a slab that it counts is first shared. That
 * is one part in 16 of the memory of slabs at most.
 */
#include "pool/share.h"

#include <errno.h>

#include "base/watched.h"
#include "pool/checked.h"
#include "pool/message_hide.h"
#include "pool/misuse.h"

typedef _Atomic(uint32_t) share_word;

#define SHARE_KIND_SHIFT 24
#define COUNT_MAX (((uint32_t)1 << SHARE_KIND_SHIFT) - 1)

_Static_assert(sizeof(share_word) * 16 == SLAB_UNIT, "one part in 16");

int share_init(struct region *shares, size_t memory_limit, bool whole)
{
	return region_init(shares, memory_limit / SLAB_UNIT * sizeof(share_word), whole);
}

static share_word *word_of(struct magring_pool *pool, const void *slab)
{
	return (share_word *)(void *)pool->shares.base + depot_round(&pool->depot, slab);
}

static size_t end_of(struct magring_pool *pool, const share_word *word)
{
	return (size_t)((const unsigned char *)(word + 1) - pool->shares.base);
}

static _Noreturn void wrong(const char *call, const char *what,
	const struct magring_message *message)
{
	const void *slab = message_slab(message);
	const struct misuse_message wrong = { .header = message->private_header,
		.address = (uintptr_t)slab };
	misuse_of_message(call, what, &wrong);
}

/* The word of a message that says it is shared. It may be wrong. */
static share_word *shared_word(const char *call, struct magring_pool *pool,
	const struct magring_message *message)
{
	share_word *word = word_of(pool, message_slab(message));
	/* Relaxed: the share came before its messages. */
	if (end_of(pool, word) > atomic_load_explicit(&pool->shares.taken, memory_order_relaxed))
		wrong(call, " of a message that was never shared", message);
	return word;
}

static int share_first(struct magring_pool *pool, const void *slab, unsigned int kind)
{
	share_word *word = word_of(pool, slab);
	if (!region_reach(&pool->shares, end_of(pool, word)))
		return -ENOMEM;
	/* Relaxed: other threads get to know the slab by a message. */
	atomic_store_explicit(word, kind << SHARE_KIND_SHIFT | 2, memory_order_relaxed);
	return 0;
}

static int share_again(struct magring_pool *pool, const struct magring_message *message)
{
	share_word *word = shared_word("share", pool, message);
	/* Relaxed: the message that is shared holds the slab. */
	uint32_t was = atomic_load_explicit(word, memory_order_relaxed);
	do {
		if ((was & COUNT_MAX) == 0)
			wrong("share", " of a shared message that was freed before", message);
		if ((was & COUNT_MAX) == COUNT_MAX)
			return -EOVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(word, &was, was + 1, memory_order_relaxed,
		memory_order_relaxed));
	return 0;
}

int magring_message_share(struct magring_message *message, struct magring_message *ret_message)
{
	if (message == NULL || ret_message == NULL || ret_message == message)
		return -EINVAL;
	unsigned int kind = message_kind(message);
	if (kind == MESSAGE_EMPTY)
		return -EINVAL;
	if (message_is_slab(message)) {
		uint64_t header = message->private_header, address = message->private_body[0];
		struct magring_pool *pool;
		bool checked = message_is_checked(message);
		if (checked) {
			checked_look("share", message);
			pool = pool_published(message_pool(message));
		} else {
			pool = misuse_check_slab("share", header, address);
		}
		const void *slab = message_slab(message);
		int rc = message_is_shared(message) ? share_again(pool, message)
						    : share_first(pool, slab, kind);
		if (rc != 0)
			return rc;
		message->private_header = message_with_kind(message,
			checked ? MESSAGE_SHARED_CHECKED : MESSAGE_SHARED);
	}
	*ret_message = *message;
	return 0;
}

/* The kind before the first share, if no other message has the slab, or 0. */
static unsigned int count_less(struct magring_pool *pool, const struct magring_message *message)
{
	void *slab = message_slab(message);
	share_word *word = shared_word("free", pool, message);
	watched_release(slab);
	/*
	 * [share] release: this thread is done with the payload before the
	 * count falls.
	 */
	uint32_t was = atomic_fetch_sub_explicit(word, 1, memory_order_release);
	if ((was & COUNT_MAX) > 1)
		return 0;
	if ((was & COUNT_MAX) == 0)
		wrong("free", " of a shared message that was freed before", message);
	/* [share] acquire: so are all threads that had it. */
	(void)atomic_load_explicit(word, memory_order_acquire);
	watched_acquire(slab);
	return was >> SHARE_KIND_SHIFT;
}

uint64_t share_end(uint64_t header, uint64_t pointer)
{
	const struct magring_message was = { .private_header = header,
		.private_body = { pointer } };
	struct magring_pool *pool = misuse_check_slab("free", header, pointer);
	if (message_is_checked(&was))
		checked_look("free", &was);
	unsigned int kind = count_less(pool, &was);
	if (kind == 0)
		return 0;
	header = message_with_kind(&was, kind);
	message_end(header, pointer);
	return header;
}
