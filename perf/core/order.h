/* SPDX-License-Identifier: MIT */
/* In which order things are measured. */
#ifndef PERF_ORDER_H
#define PERF_ORDER_H

#include <stdint.h>

/* The next number; the state is the seed to begin with. */
uint64_t order_random(uint64_t *state);

/* Fill in 0 ... count - 1 in random order. */
void order_shuffle(unsigned int *order, unsigned int count, uint64_t *state);

#endif
