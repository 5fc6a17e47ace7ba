/* SPDX-License-Identifier: MIT */
/*
 * When the next sample is due.
 *
 * Bytes are sampled by a Poisson process of one point in `mean` bytes. A
 * message is sampled when it has a point, with probability 1 - exp(-bytes /
 * mean). A thread knows the distance to its next point, and each message takes
 * its bytes off.
 *
 * A message that has no point takes the common path. That path looks first,
 * and takes the bytes off when it has a slab. Otherwise the slow path looks
 * again. So each message takes its bytes off once, and one that finds no memory
 * never does.
 */
#include "pool/sampler.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/thread_id.h"
#include "base/thread_local.h"
#include "pool/alloc.h"

/*
 * One for this thread and all pools: a Poisson process has no memory. The
 * points are counted in means, so they do for any mean.
 */
static THREAD_LOCAL struct {
	uint64_t random; /* 0: not seeded, and a sample may be due */
	double until;    /* the next point */
} sampler;

/* In [0, 1). */
static double uniform(void)
{
	return (double)(random_next(&sampler.random) >> 11) * 0x1p-53;
}

/*
 * Exponentially distributed with mean 1, exact and without a logarithm. A
 * falling run that begins with u has an odd length with probability exp(-u):
 * von Neumann, 1951.
 */
static double exponential(void)
{
	for (double whole = 0;; whole++) {
		double first = uniform(), last = first, next;
		bool odd = true;
		for (; (next = uniform()) < last; last = next)
			odd = !odd;
		if (odd)
			return whole + first;
	}
}

bool sampler_is_due(double means)
{
	if (sampler.random == 0) {
		sampler.random = (uint64_t)clock_now() ^ thread_self() << 40;
		sampler.until = exponential();
	}
	sampler.until -= means;
	if (sampler.until > 0)
		return false;
	sampler.until = exponential();
	return true;
}

struct magring_private_slab sampler_take(struct magring_pool *pool, size_t bytes)
{
	struct magring_private_slab slab = { 0 };
	if (pool == NULL || bytes > pool->sampled_max)
		return slab;
	/* A signed number is converted by one instruction. */
	double until = sampler.until - (double)(int64_t)bytes * pool->sample_rate;
	if (__builtin_expect(until <= 0, 0))
		return slab;
	slab = pool_take_at(pool, pool_sampled_pair(pool, bytes), bytes);
	if (slab.header != 0)
		sampler.until = until;
	return slab;
}

size_t sampler_skips(double means, size_t count)
{
	double most = sampler.until / means;
	size_t skips = most < (double)count ? (size_t)most : count;
	/* Never to a point itself, which is due. */
	return skips > 0 && (double)skips * means >= sampler.until ? skips - 1 : skips;
}

void sampler_skip(double means, size_t count)
{
	sampler.until -= (double)count * means;
}
