/* SPDX-License-Identifier: MIT */
/*
 * message: messages, as sanitizers are told of them.
 */
#ifndef MAGRING_MESSAGE_H
#define MAGRING_MESSAGE_H

#include "base/sanitizer.h"
#include "pool/message_layout.h"

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
