/* SPDX-License-Identifier: MIT */
/*
 * What sanitizers are told of messages that are sent, received and freed. In
 * other builds nothing is here.
 */
#include "pool/checked.h"
#include "pool/message_hide.h"
#include "pool/misuse.h"

#ifdef SANITIZER
/* What a report of a tool does not tell ends the process. */
static void require(const char *call, const struct magring_message *message)
{
	uint64_t header = message->private_header, pointer = message->private_body[0];
	if (message_is_checked(message))
		checked_look(call, message);
	else
		misuse_check_slab(call, header, pointer);
	sanitizer_require(message_slab(message), message_slab_bytes(message));
}

void message_hide(const struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!message_is_slab(&messages[i]))
			continue;
		require("send", &messages[i]);
		if (message_is_shared(&messages[i]))
			continue; /* others read it */
		sanitizer_forbid(message_slab(&messages[i]), message_slab_bytes(&messages[i]));
	}
}

void message_show(const struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (message_is_slab(&messages[i]) && !message_is_shared(&messages[i]))
			sanitizer_permit(message_slab(&messages[i]),
				message_slab_bytes(&messages[i]));
}

void message_end(uint64_t header, uint64_t pointer)
{
	const struct magring_message message = { .private_header = header,
		.private_body = { pointer } };
	if (message_is_shared(&message))
		return; /* others have the slab; else share.c tells the kind */
	require("free", &message);
	struct magring_pool *pool = pool_published(message_pool(&message));
	const void *slab = message_slab(&message);
	sanitizer_free(pool, slab,
		slab_size(pool->depot.kinds.base[depot_round(&pool->depot, slab)] - MESSAGE_SLAB));
}
#endif
