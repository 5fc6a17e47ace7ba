/* SPDX-License-Identifier: MIT */
/* counters.c: whose events count, and when. Page faults are the kernel's to count, and exact. */
#include "core/counters.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_FAULTS = 5, BEFORE = 1000, WITHIN = 64, AFTER = 500 };

static pthread_barrier_t turn;

static void touch_pages(size_t count)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	cr_assert(pages != MAP_FAILED);
	madvise(pages, count * size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < count; i++)
		((volatile char *)pages)[i * size] = 1;
	munmap(pages, count * size);
}

static void *worker(void *unused)
{
	pthread_barrier_wait(&turn);
	touch_pages(BEFORE);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn); /* the window is open */
	touch_pages(WITHIN);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn); /* and closed */
	touch_pages(AFTER);
	return unused;
}

static double faults_of_a_window(void)
{
	struct counted counted;
	pthread_t thread;

	cr_assert(zero(int, pthread_create(&thread, NULL, worker, NULL)));
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	counters_start();
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	counters_stop(&counted);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	return counted.events[PAGE_FAULTS];
}

Test(counters, events_of_threads_made_later_count_in_windows_only)
{
	pthread_barrier_init(&turn, NULL, 2);
	counters_open();
	/* The second time, there are a past window and an ended thread to be left out. */
	for (unsigned int i = 0; i < 2; i++) {
		double faults = faults_of_a_window();

		if (isnan(faults))
			cr_skip("perf_event_open() is not permitted here");
		cr_expect(ge(dbl, faults, WITHIN));
		cr_expect(lt(dbl, faults, 2 * WITHIN));
	}
}

Test(counters, what_is_not_counted_is_not_a_number)
{
	const char *reason = NULL;
	struct counted counted;

	counters_open();
	counters_start();
	counters_stop(&counted);
	if (!counters_of_processor(&reason)) {
		cr_assert(ne(ptr, (void *)(uintptr_t)reason, NULL));
		cr_expect(isnan(counted.events[0]));
	} else {
		cr_expect(ge(dbl, counted.events[0], 0));
	}
}
