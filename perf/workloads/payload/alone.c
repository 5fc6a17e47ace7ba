/* SPDX-License-Identifier: MIT */
/*
 * One payload at a time: allocated, written and freed by one thread, without a queue. A process
 * with a second thread, as servers are: allocators take shorter ways in those with one.
 *
 * The memory that was freed last is in the cache, and any allocator gives that one back. So the
 * figure is of the allocator's own instructions, and of its system calls if it has some. What is
 * written is in the cache as far as it fits. In turns the first 8 bytes are written, and all by
 * memset(), so that both figures are of the same time. The clock is that of the thread's CPU: the
 * time of other processes is not in it, though what they do to the cache is.
 *
 * Between the turns a few payloads are out at once, and verified: memory that was given away twice
 * is noticed.
 */
#include "workloads/payload/alone.h"

#include "core/status.h"
#include "core/worker.h"

#include <err.h>
#include <stdio.h>
#include <time.h>

enum {
	FIRST = 8,   /* bytes */
	TURNS = 8,   /* an even number */
	SOME = 1024, /* payloads between two looks at the clock, which is a system call */
	LIVE = 8,    /* payloads that are out at once, to be verified */
};

struct job {
	const struct allocator *allocator;
	size_t size;
	double turn_seconds;
	double seconds[2], count[2]; /* of the turns that write the first bytes, and all */
	bool right;
};

static unsigned char *alloc(const struct job *job, void *side, struct magring_message *message)
{
	unsigned char *payload = job->allocator->alloc(side, message);

	if (payload == NULL)
		errx(2, "no payload is free though none is out");
	return payload;
}

/* The compiler does not know what becomes of the memory, so it cannot leave out a write. */
static inline void use(unsigned char *payload)
{
	__asm__ volatile("" : : "r"(payload) : "memory");
}

static double cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void turn(struct job *job, void *side, size_t written, bool all)
{
	double start = cpu_now();
	double now;

	do {
		for (unsigned int i = 0; i < SOME; i++) {
			struct magring_message message = { 0 };
			unsigned char *payload = alloc(job, side, &message);

			memset(payload, (int)i, written);
			use(payload);
			job->allocator->free(side, &message);
		}
		job->count[all] += SOME;
		now = cpu_now();
	} while (now < start + job->turn_seconds);
	job->seconds[all] += now - start;
}

static void verify(struct job *job, void *side)
{
	struct magring_message live[LIVE] = { { 0 } };

	for (unsigned int i = 0; i < LIVE; i++)
		memset(alloc(job, side, &live[i]), (int)i + 1, job->size);
	for (unsigned int i = 0; i < LIVE; i++) {
		const unsigned char *payload = job->allocator->payload(&live[i]);

		for (size_t at = 0; at < job->size; at++)
			job->right = job->right && payload[at] == i + 1;
		job->allocator->free(side, &live[i]);
	}
}

static void run(struct worker *worker)
{
	struct job *job = worker->own;
	void *side = job->allocator->attach(true);

	for (unsigned int i = 0; i < TURNS + 2; i++) {
		if (i == 2) /* before, it warmed up */
			job->seconds[0] = job->seconds[1] = job->count[0] = job->count[1] = 0;
		if (i % 2 == 0)
			turn(job, side, FIRST, false);
		else
			turn(job, side, job->size, true);
		verify(job, side);
	}
	job->allocator->detach(side);
}

int alone_main(const struct allocator *allocator, size_t size, double seconds)
{
	const struct need need = { .size = size, .live = LIVE, .senders = 1, .threads = 1 };
	const struct queue shown = { .name = allocator->form };
	const struct setting setting = { .name = "alone" };
	struct job job = { .allocator = allocator,
		.size = size,
		.turn_seconds = seconds / TURNS,
		.right = true };
	struct crew crew;

	allocator->create(&need);
	crew_init(&crew);
	crew_add(&crew, &shown, &setting, NULL, true, run, &job);
	crew_start(&crew);
	crew_stop_senders(&crew); /* waits for its end: it does not look whether it is to stop */
	crew_fini(&crew);
	if (!job.right) {
		fprintf(stderr, "WRONG RESULT: payloads of %s, alone\n", allocator->form);
		return 1;
	}
	printf("%.17g %.17g %.17g\n", 1e9 * job.seconds[0] / job.count[0],
		1e9 * job.seconds[1] / job.count[1], status_bytes("VmHWM"));
	allocator->destroy();
	return 0;
}
