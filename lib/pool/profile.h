/* SPDX-License-Identifier: MIT */
/*
 * profile: who allocated the messages of a pool.
 */
#ifndef MAGRING_PROFILE_H
#define MAGRING_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;

/*
 * Functions between the caller and profile_alloc(), in a section of their own: stacks are
 * cut there, so that the caller is on top.
 */
#define PROFILE_CUT __attribute__((section("magring_alloc")))

/* The profile that the option or the environment asks for, NULL for none: 0, -ENOMEM. */
int profile_create(struct profile **ret_profile, uint64_t option, size_t memory_limit);
/* Nobody uses it any more. */
void profile_destroy(struct profile *profile);

/* Account for a slab that was just allocated, if it is its turn. True: it is, and
 * profile_free() must be called before it is given back. */
bool profile_alloc(struct profile *profile, uint32_t round, unsigned int class_index, size_t bytes,
	const void *id, size_t id_size);
void profile_free(struct profile *profile, uint32_t round);

#endif
