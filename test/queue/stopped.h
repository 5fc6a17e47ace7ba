/* SPDX-License-Identifier: MIT */
/*
 * stopped: what the programs that stop threads inside a ring share: messages with
 * a number, whole or not.
 */
#ifndef STOPPED_H
#define STOPPED_H

#include "queue/ring.h"
#include "stress.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STOPPED_THREAD_SANITIZER
#endif
#if __has_feature(address_sanitizer)
#define STOPPED_ADDRESS_SANITIZER
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define STOPPED_THREAD_SANITIZER
#endif
#ifdef __SANITIZE_ADDRESS__
#define STOPPED_ADDRESS_SANITIZER
#endif

/* number > 0 */
static inline void stopped_fill(struct magring_message *message, uint64_t number)
{
	message->private_header = number;
	stress_fill((unsigned char *)message->private_body, sizeof(message->private_body),
		stress_mix(number));
}

/* The message's number, 0 if it is not as the sender made it. */
static inline uint64_t stopped_number(const struct magring_message *message)
{
	uint64_t number = message->private_header;
	bool whole = stress_filled((const unsigned char *)message->private_body,
		sizeof(message->private_body), stress_mix(number));
	CHECK(number != 0 && whole, "a torn message, %" PRIu64, number);
	return whole ? number : 0;
}

#endif
