/* SPDX-License-Identifier: MIT */
/*
 * random: numbers for decisions that need not be secret.
 */
#ifndef MAGRING_RANDOM_H
#define MAGRING_RANDOM_H

#include <stdint.h>

/*
 * The next number, with 64 random bits. The state is the seed at first. This is
 * SplitMix64 (Steele, Lea, Flood 2014).
 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

#endif
