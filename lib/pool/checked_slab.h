/* SPDX-License-Identifier: MIT */
/*
 * checked_slab: what a checked pool knows of each slab: see checked.c.
 */
#ifndef MAGRING_CHECKED_SLAB_H
#define MAGRING_CHECKED_SLAB_H

#include <stdbool.h>

#include "pool/pool.h"

/* What margins and free slabs are filled with. No small number, and no text. */
#define CHECKED_MARGIN_BYTE 0xca
#define CHECKED_FREE_BYTE 0xdb

/* Bytes of an id that a report has. */
#define CHECKED_ID_KEPT 16

/* What is known of a slab, by the round at which it begins. */
struct checked_slab {
	_Atomic(uint32_t) word; /* generation, sampled, size class, state */
	uint32_t next;          /* the round behind it in the limbo */
	/* In a queue: a sum of its payload. Free: the header of its message. */
	uint64_t note;
	unsigned char id[CHECKED_ID_KEPT]; /* of its message, or the last one */
};
_Static_assert(sizeof(struct checked_slab) == 32, "two records fill a cache line");

struct checked {
	struct checked_slab *slab; /* by round */
	size_t size;               /* bytes of these */
	uint16_t generation;       /* of a slab that was never freed */
	/* The limbo: freed slabs, linked by `next`. */
	pthread_mutex_t lock;
	uint32_t oldest, youngest; /* meaningless if bytes is 0 */
	size_t bytes, bytes_max;
};

/* Of a slab. */
enum checked_state { CHECKED_NEVER = 0, CHECKED_FREE = 1, CHECKED_LIVE = 2, CHECKED_QUEUED = 3 };

/* Of a word: the message is in the profile. */
#define CHECKED_SAMPLED ((uint32_t)1 << 15)

static inline uint32_t checked_word(uint16_t generation, unsigned int class_index,
	enum checked_state state)
{
	return (uint32_t)generation << 16 | class_index << 8 | state;
}

static inline enum checked_state checked_state(uint32_t word)
{
	return word & 0xff;
}

static inline unsigned int checked_class_index(uint32_t word)
{
	return word >> 8 & 0x7f;
}

static inline uint16_t checked_generation(uint32_t word)
{
	return (uint16_t)(word >> 16);
}

/* In a debug build pools are checked without being asked for it. */
#ifdef MAGRING_DEBUG
#define CHECKED_BY_DEFAULT true
#else
#define CHECKED_BY_DEFAULT false
#endif

/* Whether the environment, or a debug build, has all pools checked. */
bool checked_by_default(void);
/* Returns: 0, -ENOMEM. */
int checked_create(struct checked **ret_checked, uint64_t serial, size_t memory_limit);
void checked_destroy(struct checked *checked);
/* In the child of a fork: the lock is free, and the limbo forgotten. */
void checked_inherit(struct checked *checked);

/* A trim has these bytes: no slab was there. */
void checked_forget(struct checked *checked, size_t offset, size_t bytes);

#endif
