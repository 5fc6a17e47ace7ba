/* SPDX-License-Identifier: MIT */
/*
 * message_hide: messages, as sanitizers are told of them.
 */
#ifndef MAGRING_MESSAGE_HIDE_H
#define MAGRING_MESSAGE_HIDE_H

#include "base/sanitizer.h"
#include "pool/message_layout.h"

/* A slab has no owner while it is in a queue: sanitizers are told so. */
#ifdef SANITIZER
void message_hide(const struct magring_message *messages, size_t count);
void message_show(const struct magring_message *messages, size_t count);
/* Before a free. */
void message_end(uint64_t header, uint64_t pointer);
#else
static inline void message_end(uint64_t header, uint64_t pointer)
{
	(void)header, (void)pointer;
}

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
