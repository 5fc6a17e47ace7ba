/* SPDX-License-Identifier: MIT */
/*
 * One thing against another on one thread.
 *
 * Both take turns in slices of about two milliseconds, after one slice that does
 * not count and finds out how often that is; the median slice of each counts.
 * They run in a thread beside the main thread, so that neither allocator takes
 * the short cuts of a process with one thread.
 */
#include "micro.h"

#include "cpus.h"
#include "median.h"

#include <err.h>
#include <pthread.h>

enum { SLICES = 9, WARM = 2000 };

const struct comparison comparisons[] = {
	{ "alloc + free,   64 bytes", 64, &micro_magring_alloc, &micro_glibc_alloc, 1.0 / 3 },
	{ "alloc + free,  256 bytes", 256, &micro_magring_alloc, &micro_glibc_alloc, 1.0 / 3 },
	{ "alloc + free, 1024 bytes", 1024, &micro_magring_alloc, &micro_glibc_alloc, 1.0 / 3 },
	{ "alloc + free, 4096 bytes", 4096, &micro_magring_alloc, &micro_glibc_alloc, 1.0 / 3 },
	{ "send + receive, 48 bytes", 4096, &micro_magring_pair, &micro_ck_ring_pair, 0.7 },
};
const unsigned int comparison_count = sizeof(comparisons) / sizeof(comparisons[0]);
_Static_assert(sizeof(comparisons) / sizeof(comparisons[0]) <= COMPARISONS_MAX,
	"every comparison has its place in a round");

struct job {
	const struct comparison *comparison;
	struct comparison_sample sample;
};

static double slice(const struct micro *micro, void *state, size_t times)
{
	double start = cpus_now();

	micro->run(state, times);
	return (cpus_now() - start) * 1e9 / (double)times;
}

static size_t times_per_slice(const struct micro *micro, void *state)
{
	double ns = slice(micro, state, WARM);

	return (size_t)(2e6 / (ns < 1 ? 1 : ns)) + 1;
}

static void *run(void *argument)
{
	struct job *job = argument;
	const struct micro *ours = job->comparison->ours;
	const struct micro *theirs = job->comparison->theirs;
	double our_ns[SLICES];
	double their_ns[SLICES];
	size_t our_times;
	size_t their_times;
	void *our_state;
	void *their_state;

	cpus_pin(0);
	our_state = ours->create(job->comparison->size);
	their_state = theirs->create(job->comparison->size);
	our_times = times_per_slice(ours, our_state);
	their_times = times_per_slice(theirs, their_state);
	for (unsigned int i = 0; i < SLICES; i++) {
		our_ns[i] = slice(ours, our_state, our_times);
		their_ns[i] = slice(theirs, their_state, their_times);
	}
	ours->destroy(our_state);
	theirs->destroy(their_state);
	job->sample.ours = median(our_ns, SLICES);
	job->sample.theirs = median(their_ns, SLICES);
	return NULL;
}

struct comparison_sample comparison_measure(const struct comparison *comparison)
{
	struct job job = { .comparison = comparison };
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, &job) != 0)
		errx(2, "cannot create a thread");
	pthread_join(thread, NULL);
	return job.sample;
}
