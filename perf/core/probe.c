/* SPDX-License-Identifier: MIT */
/*
 * How far apart are the two CPUs just now?
 *
 * Two pinned threads hand one cache line to and fro; half a round trip is the
 * time of one way. On a shared virtual machine two CPUs are two cores at one
 * time and two threads of one core at another, and every figure of a queue
 * doubles or halves with it: the probe is what tells such rounds apart.
 *
 * It is taken in short slices, of which the median counts, so that a slice in
 * which somebody else got a CPU does not matter.
 */
#include "core/probe.h"

#include "core/cpus.h"
#include "core/median.h"

#include <err.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { SLICES = 11, TRIPS = 1500 };

struct court {
	_Alignas(128) _Atomic uint32_t ball; /* even: at ours, odd: at theirs */
	char padding[124];
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Only the line's own travel matters: relaxed, nothing else is handed over. */
static void play(struct court *court, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t mine = first + 2 * i;

		while (atomic_load_explicit(&court->ball, memory_order_relaxed) != mine)
			relax();
		atomic_store_explicit(&court->ball, mine + 1, memory_order_relaxed);
	}
}

static void *other_side(void *argument)
{
	cpus_pin(1);
	play(argument, 1, (SLICES + 1) * TRIPS);
	return NULL;
}

static void *this_side(void *argument)
{
	static struct court court;
	double *ret_ns = argument;
	double slices[SLICES];
	pthread_t other;

	cpus_pin(0);
	atomic_store_explicit(&court.ball, 0, memory_order_relaxed);
	if (pthread_create(&other, NULL, other_side, &court) != 0)
		errx(2, "cannot create a thread");
	play(&court, 0, TRIPS); /* until the other side runs, and warm */
	for (uint32_t i = 0; i < SLICES; i++) {
		double start = cpus_now();

		play(&court, 2 * TRIPS * (i + 1), TRIPS);
		slices[i] = (cpus_now() - start) * 1e9 / (2.0 * TRIPS);
	}
	pthread_join(other, NULL);
	*ret_ns = median(slices, SLICES);
	return NULL;
}

double probe_cores(void)
{
	pthread_t thread;
	double ns = 0;

	if (cpus_allowed() < 2)
		return 0;
	/* In a thread of its own: the caller is not pinned. */
	if (pthread_create(&thread, NULL, this_side, &ns) != 0)
		errx(2, "cannot create a thread");
	pthread_join(thread, NULL);
	return ns;
}
