/* SPDX-License-Identifier: MIT */
/*
 * A DataMessage: 56 bytes, which fill a cache line with the state of a ring's
 * cell.
 *
 * It has a header of 8 bytes and a body of 48. The body holds
 *
 *	id ++ payload            if they are at most 48 bytes together
 *	slab pointer ++ id[40]   if the id is at most 40 bytes
 *	slab pointer             otherwise; the slab then begins with the id,
 *	                         padded to 16 bytes, and the payload follows
 *
 * The header says which. For a slab it has the class and the number of the
 * pool, so that any thread can free the message. A message that was freed or
 * sent is empty: its header is zero, and it owns nothing.
 */
#define MAGRING_NO_INLINE
#include "pool/message.h"

#include <errno.h>
#include <string.h>

#include "pool/alloc.h"
#include "pool/alloc_wait.h"
#include "pool/sample.h"

_Static_assert(sizeof(struct magring_message) == 56, "message and state fill one line");
_Static_assert(offsetof(struct magring_message, private_body) == 8, "header of 8 bytes");
_Static_assert(MAGRING_INLINE_MAX == sizeof(((struct magring_message *)0)->private_body),
	"the body is what is inline");
_Static_assert(MESSAGE_SLAB + SLAB_CLASSES_MAX - 1 < MESSAGE_SAMPLED, "the kind holds every class");
_Static_assert(MAGRING_POOLS_MAX - 1 <= UINT16_MAX, "the header holds every pool");
_Static_assert(MAGRING_PAYLOAD_MAX <= UINT32_MAX, "the header holds every size");

#define ID_ALIGNMENT ((size_t)16)

static bool is_slab(const struct magring_message *message)
{
	return message_kind(message) >= MESSAGE_SLAB;
}

static unsigned int class_of(const struct magring_message *message)
{
	return (message_kind(message) & ~(unsigned int)MESSAGE_SAMPLED) - MESSAGE_SLAB;
}

static void *slab_of(const struct magring_message *message)
{
	return (void *)(uintptr_t)message->private_body[0];
}

/* Bytes of the slab that the id takes. */
static size_t id_in_slab(size_t id_size)
{
	if (__builtin_expect(id_size <= MESSAGE_ID_BESIDE_SLAB, 1))
		return 0;
	return (id_size + ID_ALIGNMENT - 1) & ~(ID_ALIGNMENT - 1);
}

static size_t slab_bytes(const struct magring_message *message)
{
	return id_in_slab(message_id_size(message)) + message_payload_size(message);
}

/* A call in tail position, so that the common path below saves no registers. */
static __attribute__((noinline)) int copy_id(void *place, const void *id, size_t id_size)
{
	memcpy(place, id, id_size);
	return 0;
}

/* As magring/inline.h does it. Such a message has no pool. */
static inline int make_inline(struct magring_message *ret_message, const void *id, size_t id_size,
	size_t payload_size)
{
	ret_message->private_header = message_header(payload_size, 0, id_size, MESSAGE_INLINE);
	return id_size > 0 ? copy_id(ret_message->private_body, id, id_size) : 0;
}

static inline int make_in_slab(struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, size_t payload_size, unsigned int kind, void *slab)
{
	ret_message->private_header = message_header(payload_size, pool->number, id_size, kind);
	ret_message->private_body[0] = (uintptr_t)slab;
	sanitizer_alloc(pool, slab, id_in_slab(id_size) + payload_size);
	bool beside = id_size <= MESSAGE_ID_BESIDE_SLAB;
	if (id_size == 0)
		return 0;
	return copy_id(beside ? &ret_message->private_body[1] : slab, id, id_size);
}

/*
 * The sizes are packed as in a header. That leaves a register for the caller's
 * address, which sample.c looks for in the stack.
 */
static __attribute__((noinline)) int alloc_slowly(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, uint64_t sizes, int64_t timeout_ns,
	const void *caller)
{
	const struct magring_message wanted = { .private_header = sizes };
	size_t id_size = message_id_size(&wanted), bytes = slab_bytes(&wanted);
	unsigned int class_index = slab_class(bytes);
	if (slab_size(class_index) > pool->depot.slabs.limit)
		return -EMSGSIZE; /* a long id beside the largest payload */
	void *slab;
	int rc = alloc_wait(pool, &class_index, bytes, timeout_ns, &slab);
	if (rc != 0)
		return rc;
	unsigned int kind = MESSAGE_SLAB + class_index;
	if (pool->profile != NULL &&
		profile_alloc(pool->profile, depot_round(&pool->depot, slab), class_index, bytes,
			id, id_size, caller))
		kind |= MESSAGE_SAMPLED;
	return make_in_slab(pool, ret_message, id, id_size, message_payload_size(&wanted), kind,
		slab);
}

/*
 * The return address is that of the function into which this one is inlined.
 * The slow path reads it. Read earlier, it would cost the common path a
 * register.
 */
static inline __attribute__((always_inline)) int alloc_inlined(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	if (ret_message == NULL || (id == NULL && id_size > 0))
		return -EINVAL;
	if (id_size <= MAGRING_INLINE_MAX && payload_size <= MAGRING_INLINE_MAX - id_size)
		return make_inline(ret_message, id, id_size, payload_size);
	if (pool == NULL)
		return -EINVAL; /* this message needs a slab */
	if (id_size > MAGRING_ID_MAX || payload_size > pool->max_payload)
		return -EMSGSIZE;
	size_t bytes = id_in_slab(id_size) + payload_size;
	unsigned int class_index = slab_class(bytes);
	void *slab = pool_alloc_fast(pool, class_index, bytes);
	if (__builtin_expect(slab == NULL, 0))
		return alloc_slowly(pool, ret_message, id,
			message_header(payload_size, 0, id_size, 0), timeout_ns,
			__builtin_return_address(0));
	return make_in_slab(pool, ret_message, id, id_size, payload_size,
		MESSAGE_SLAB + class_index, slab);
}

/* Not inlined: a profile shows the function that has this call. */
__attribute__((noinline)) int magring_message_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	return alloc_inlined(pool, ret_message, id, id_size, payload_size, timeout_ns);
}

__attribute__((noinline)) int magring_message_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	if (payload == NULL && payload_size > 0)
		return -EINVAL;
	int rc = alloc_inlined(pool, ret_message, id, id_size, payload_size, timeout_ns);
	if (rc == 0 && payload_size > 0)
		memcpy(magring_message_payload(ret_message, NULL), payload, payload_size);
	return rc;
}

const void *magring_message_id(const struct magring_message *message, size_t *ret_size)
{
	bool empty = message == NULL || message_kind(message) == MESSAGE_EMPTY;
	if (ret_size != NULL)
		*ret_size = empty ? 0 : message_id_size(message);
	if (empty)
		return NULL;
	if (!is_slab(message))
		return message->private_body;
	if (message_id_size(message) <= MESSAGE_ID_BESIDE_SLAB)
		return &message->private_body[1];
	return slab_of(message);
}

void *magring_message_payload(struct magring_message *message, size_t *ret_size)
{
	bool empty = message == NULL || message_kind(message) == MESSAGE_EMPTY;
	if (ret_size != NULL)
		*ret_size = empty ? 0 : message_payload_size(message);
	if (empty)
		return NULL;
	if (!is_slab(message))
		return (unsigned char *)message->private_body + message_id_size(message);
	return (unsigned char *)slab_of(message) + id_in_slab(message_id_size(message));
}

static __attribute__((noinline)) void free_slowly(uint64_t header, void *slab)
{
	const struct magring_message message = { .private_header = header };
	struct magring_pool *pool = pool_published(message_pool(&message));
	/* Before the free: another thread may then have the slab at once. */
	if (message_kind(&message) & MESSAGE_SAMPLED)
		profile_free(pool->profile, depot_round(&pool->depot, slab));
	pool_free_slowly(pool, class_of(&message), slab_bytes(&message), slab);
}

void magring_message_free(struct magring_message *message)
{
	if (message == NULL)
		return;
	const struct magring_message was = { .private_header = message->private_header };
	message->private_header = 0;
	/*
	 * The class of a message without a slab wraps around to a large number:
	 * one test for all rare cases.
	 */
	unsigned int class_index = message_kind(&was) - MESSAGE_SLAB;
	bool common = class_index < SLAB_CLASSES_MAX;
	if (!common && !is_slab(&was))
		return;
	sanitizer_free(pool_published(message_pool(&was)), slab_of(message),
		slab_size(class_of(&was)));
	if (!common ||
		!pool_free_fast(pool_published(message_pool(&was)), class_index, slab_bytes(&was),
			slab_of(message)))
		free_slowly(was.private_header, slab_of(message));
}

/* What the inline functions of magring.h call. */
#define ALSO_AS(name, whole) extern __typeof__(whole) name __attribute__((alias(#whole)))
ALSO_AS(magring_private_alloc, magring_message_alloc);
ALSO_AS(magring_private_copy, magring_message_copy);
ALSO_AS(magring_private_id, magring_message_id);
ALSO_AS(magring_private_payload, magring_message_payload);
ALSO_AS(magring_private_free, magring_message_free);

#ifdef SANITIZER
void message_hide(const struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_slab(&messages[i]))
			sanitizer_forbid(slab_of(&messages[i]), slab_bytes(&messages[i]));
}

void message_show(const struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_slab(&messages[i]))
			sanitizer_permit(slab_of(&messages[i]), slab_bytes(&messages[i]));
}
#endif
