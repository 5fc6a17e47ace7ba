/* SPDX-License-Identifier: MIT */
/* Random orders, by splitmix64 and the shuffle of Fisher and Yates: the same for the same seed. */
#include "core/order.h"

uint64_t order_random(uint64_t *state)
{
	uint64_t bits = *state += 0x9e3779b97f4a7c15;

	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
	return bits ^ (bits >> 31);
}

void order_shuffle(unsigned int *order, unsigned int count, uint64_t *state)
{
	for (unsigned int i = 0; i < count; i++)
		order[i] = i;
	for (unsigned int i = count; i > 1; i--) {
		unsigned int other = (unsigned int)(order_random(state) % i);
		unsigned int kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
}
