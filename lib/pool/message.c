/* SPDX-License-Identifier: MIT */
/*
 * A DataMessage: 56 bytes, which fill a cache line with the state of a ring's
 * cell.
 *
 * It has a header of 8 bytes and a body of 48. The body holds
 *
 *	payload ++ id            if they are at most 48 bytes together
 *	slab pointer ++ id[40]   if the id is at most 40 bytes
 *	slab pointer             otherwise; the slab then begins with the id,
 *	                         padded to 16 bytes, and the payload follows
 *
 * The header says which. For a slab it has the class and the number of the
 * pool, so that any thread can free the message. A message that was freed or
 * sent is empty: its header is zero, and it owns nothing.
 */
#define MAGRING_NO_INLINE
#include "pool/message_hide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watched.h"
#include "pool/alloc.h"
#include "pool/alloc_wait.h"
#include "pool/checked.h"
#include "pool/message.h"
#include "pool/misuse.h"
#include "pool/sample.h"
#include "pool/sampler.h"
#include "pool/share.h"

_Static_assert(sizeof(struct magring_message) == 56, "message and state fill one line");
_Static_assert(offsetof(struct magring_message, private_body) == 8, "header of 8 bytes");
_Static_assert(MAGRING_INLINE_MAX == sizeof(((struct magring_message *)0)->private_body),
	"the body is what is inline");
_Static_assert(MESSAGE_SLAB + SLAB_CLASSES_MAX - 1 < MESSAGE_SHARED_CHECKED - MESSAGE_RARE,
	"the kind holds every class");
_Static_assert(MAGRING_POOLS_MAX - 1 <= UINT16_MAX &&
		(MAGRING_POOLS_MAX & (MAGRING_POOLS_MAX - 1)) == 0,
	"the header holds every pool, and a mask");
_Static_assert(MAGRING_PAYLOAD_MAX <= UINT32_MAX, "the header holds every size");

static unsigned int class_of(const struct magring_message *message)
{
	return (message_kind(message) & ~(unsigned int)MESSAGE_RARE) - MESSAGE_SLAB;
}

/* ------------------------------------------------------------------ make -- */

/* ThreadSanitizer sees this write, before magring/sanitizers.h has told it that
 * the slab is this thread's. */
static void copy_id_into_slab(void *slab, const void *id, size_t id_size)
{
	watched_acquire(slab);
	memcpy(slab, id, id_size);
}

/* As magring/inline.h does it. Such a message has no pool. */
static void make_inline(struct magring_message *ret_message, const void *id, size_t id_size,
	size_t payload_size)
{
	ret_message->private_header = message_header(payload_size, 0, id_size, MESSAGE_INLINE);
	if (id_size > 0)
		memcpy((unsigned char *)ret_message->private_body + payload_size, id, id_size);
}

/* The header is that of the message, but for the size of the id. */
static void make_in_slab(struct magring_message *ret_message, const void *id, size_t id_size,
	uint64_t header, void *slab)
{
	ret_message->private_header = header | message_header(0, 0, id_size, 0);
	ret_message->private_body[0] = (uintptr_t)slab;
	if (id_size > MESSAGE_ID_BESIDE_SLAB)
		copy_id_into_slab(slab, id, id_size);
	else if (id_size > 0)
		memcpy(&ret_message->private_body[1], id, id_size);
}

int message_alloc_slowly(struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, size_t payload_size, int64_t timeout_ns, const void *caller)
{
	size_t bytes = message_id_in_slab(id_size) + payload_size;
	bool checked = pool->checked != NULL;
	unsigned int class_index = checked ? checked_class(pool, bytes) : slab_class(bytes);
	if (slab_size(class_index) > pool->depot.slabs.limit)
		return -EMSGSIZE; /* a long id beside the largest payload */
	void *slab;
	int rc = alloc_wait(pool, &class_index, bytes, timeout_ns, &slab);
	if (rc != 0)
		return rc;
	if (checked)
		checked_take(pool, class_index, slab);
	unsigned int kind = MESSAGE_SLAB + class_index;
	bool sampled = pool->profile != NULL &&
		profile_alloc(pool->profile, depot_round(&pool->depot, slab), slab_class(bytes),
			bytes, id, id_size, caller);
	if (sampled || message_id_in_slab(id_size) > 0)
		kind |= MESSAGE_RARE;
	if (checked)
		kind = MESSAGE_CHECKED;
	sanitizer_alloc(pool, slab, bytes);
	make_in_slab(ret_message, id, id_size, message_header(payload_size, pool->number, 0, kind),
		slab);
	if (checked)
		checked_begin(pool, class_index, ret_message, id, sampled);
	return 0;
}

/* With a slab that the thread has at hand, if `fast`. */
static inline __attribute__((always_inline)) int alloc_inlined(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns, bool fast, const void *caller)
{
	if (ret_message == NULL || (id == NULL && id_size > 0))
		return -EINVAL;
	if (id_size <= MAGRING_INLINE_MAX && payload_size <= MAGRING_INLINE_MAX - id_size) {
		make_inline(ret_message, id, id_size, payload_size);
		return 0;
	}
	if (pool == NULL)
		return -EINVAL; /* this message needs a slab */
	if (id_size > MAGRING_ID_MAX || payload_size > pool->max_payload)
		return -EMSGSIZE;
	struct magring_private_slab slab = { 0 };
	if (fast && id_size <= MESSAGE_ID_BESIDE_SLAB)
		slab = magring_private_take(pool, payload_size);
	if (!fence_asymmetric && id_size <= MESSAGE_ID_BESIDE_SLAB)
		slab = pool_alloc_fenced(pool, payload_size);
	if (slab.header == MESSAGE_EMPTY)
		return message_alloc_slowly(pool, ret_message, id, id_size, payload_size,
			timeout_ns, caller);
	make_in_slab(ret_message, id, id_size, slab.header, (void *)(uintptr_t)slab.slab);
	return 0;
}

static inline __attribute__((always_inline)) int copy_inlined(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns, bool fast, const void *caller)
{
	if (payload == NULL && payload_size > 0)
		return -EINVAL;
	int rc = alloc_inlined(pool, ret_message, id, id_size, payload_size, timeout_ns, fast,
		caller);
	if (rc == 0 && payload_size > 0)
		memcpy(magring_message_payload(ret_message, NULL), payload, payload_size);
	return rc;
}

/* Not inlined, these four: a profile shows the function that has this call. */
__attribute__((noinline)) int magring_message_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	return alloc_inlined(pool, ret_message, id, id_size, payload_size, timeout_ns, true,
		__builtin_return_address(0));
}

__attribute__((noinline)) int magring_message_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	return copy_inlined(pool, ret_message, id, id_size, payload, payload_size, timeout_ns, true,
		__builtin_return_address(0));
}

/* magring_private_take() had none. */
__attribute__((noinline)) int magring_private_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	return alloc_inlined(pool, ret_message, id, id_size, payload_size, timeout_ns, false,
		__builtin_return_address(0));
}

__attribute__((noinline)) int magring_private_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	return copy_inlined(pool, ret_message, id, id_size, payload, payload_size, timeout_ns,
		false, __builtin_return_address(0));
}

struct magring_private_slab magring_private_take(struct magring_pool *pool, size_t bytes)
{
	size_t offset;
	if (__builtin_expect(pool == NULL || !pool_find_pair(pool, bytes, &offset), 0))
		return sampler_take(pool, bytes);
	return pool_take_at(pool, offset, bytes);
}

/* ------------------------------------------------------------------ read -- */

const void *magring_message_id(const struct magring_message *message, size_t *ret_size)
{
	bool empty = message == NULL || message_kind(message) == MESSAGE_EMPTY;
	if (ret_size != NULL)
		*ret_size = empty ? 0 : message_id_size(message);
	if (empty)
		return NULL;
	if (!message_is_slab(message))
		return (const unsigned char *)message->private_body + message_payload_size(message);
	if (message_is_checked(message))
		checked_look("id", message);
	if (message_id_size(message) <= MESSAGE_ID_BESIDE_SLAB)
		return &message->private_body[1];
	return message_slab(message);
}

void *magring_message_payload(struct magring_message *message, size_t *ret_size)
{
	bool empty = message == NULL || message_kind(message) == MESSAGE_EMPTY;
	if (ret_size != NULL)
		*ret_size = empty ? 0 : message_payload_size(message);
	if (empty)
		return NULL;
	if (!message_is_slab(message))
		return message->private_body;
	if (message_is_checked(message))
		checked_look("payload", message);
	return message_slab(message) + message_id_in_slab(message_id_size(message));
}

/* ------------------------------------------------------------------ free -- */

__attribute__((noinline)) void message_free_slowly(uint64_t header, uint64_t address)
{
	struct magring_message was = { .private_header = header };
	if (message_is_shared(&was) && (header = share_end(header, address)) == 0)
		return;
	was.private_header = header;
	if (message_is_checked(&was)) {
		checked_free(header, address);
		return;
	}
	struct magring_pool *pool = misuse_check_slab("free", header, address);
	void *slab = (void *)(uintptr_t)address;
	/* Before the free: another thread may then have the slab at once. */
	if (message_kind(&was) & MESSAGE_RARE && pool->profile != NULL)
		profile_free(pool->profile, depot_round(&pool->depot, slab));
	pool_free_slowly(pool, class_of(&was), message_slab_bytes(&was), slab);
}

/* Into the loaded magazine. The cache was entered. */
static __attribute__((noinline)) void free_loaded(uint64_t header, uint64_t address,
	struct magring_pool *pool, struct cache *cache, struct magazine_pair *pair, uint32_t round)
{
	const struct magring_message was = { .private_header = header };
	if (__builtin_expect(pair->loaded_rounds == pair->loaded_capacity, 0)) {
		cache_leave(cache);
		message_free_slowly(header, address);
		return;
	}
	magazine_put(pair, round);
	pool_end_free(pool, cache, pair, message_kind(&was) - MESSAGE_SLAB,
		message_payload_size(&was));
}

void magring_private_give(uint64_t header, uint64_t address)
{
	const struct magring_message was = { .private_header = header };
	message_end(header, address);
	/* Others are no pool's, or not of this kind there. No rare one is. */
	struct magring_pool *pool = pool_published(message_pool(&was) & (MAGRING_POOLS_MAX - 1));
	size_t kind = message_kind(&was); /* as wide as an address */
	uint64_t round = pool != NULL ? depot_round_of(&pool->depot, address) : 0;
	struct cache *cache;
	if (__builtin_expect(pool == NULL || !depot_has(&pool->depot, round, kind), 0) ||
		(cache = pool_enter_fast(pool)) == NULL) {
		message_free_slowly(header, address);
		return;
	}
	struct magazine_pair *pair = &cache->class[kind - MESSAGE_SLAB];
	__asm__("" : "+r"(pair)); /* one register, where gcc takes three */
	if (__builtin_expect(pair->hot != HOT_NONE, 0)) {
		free_loaded(header, address, pool, cache, pair, (uint32_t)round);
		return;
	}
	pair->hot = address;
	pool_end_free(pool, cache, pair, kind - MESSAGE_SLAB, message_payload_size(&was));
}

void magring_message_free(struct magring_message *message)
{
	if (message == NULL)
		return;
	const struct magring_message was = { .private_header = message->private_header };
	message->private_header = 0;
	if (message_is_slab(&was))
		magring_private_give(was.private_header, message->private_body[0]);
}

/* What the inline functions of magring.h call. */
#define ALSO_AS(name, whole) extern __typeof__(whole) name __attribute__((alias(#whole)))
ALSO_AS(magring_private_id, magring_message_id);
ALSO_AS(magring_private_payload, magring_message_payload);
