/* SPDX-License-Identifier: MIT */
/*
 * magring-perf payload: messages with payloads, whose memory is from one allocator; a process of
 * its own, because another malloc takes one, and so does the peak of memory.
 * scenarios/payload.c runs it; but it can be run by hand:
 *
 *	magring-perf payload ALLOCATOR                  exits with 0 if it can be had here
 *	magring-perf payload ALLOCATOR BYTES CAPACITY SENDERS RECEIVERS SECONDS
 *	magring-perf payload ALLOCATOR BYTES alone SECONDS
 *	magring-perf payload magring full
 *
 * prints messages a second (alone: nanoseconds when the first bytes are written, and when all
 * are), and the most bytes that were resident. ALLOCATOR is magring,
 * static, mempool, or malloc:NAME, where NAME is part of the name of the library that malloc is
 * from: libc.so, or what LD_PRELOAD says.
 *
 *	one way      a sender allocates a payload and writes all of it, a receiver
 *	             reads all of it and frees it; in between is a queue of the library, with its
 *	             waits, for every allocator the same
 *	same thread  (RECEIVERS is 0) a thread allocates, and frees what it allocated LIVE
 *	             allocations ago, without a queue; of a payload only the ends are written and
 *	             read, so that the figure is about the allocator
 *	alone        one payload at a time is allocated, written and freed: see alone.c
 *
 * Each word of a payload follows from the first one, which is different for each message:
 * memory that was given away twice is noticed.
 */
#include "workloads/payload/allocator.h"
#include "workloads/payload/alone.h"
#include "core/cpus.h"
#include "core/status.h"
#include "core/worker.h"
#include "workloads/commands.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LIVE = 64 /* a power of two */, SLACK = 64 };

/* A payload inside a message is aligned to 8 bytes. This asks for less. */
typedef uint64_t word __attribute__((aligned(1), may_alias));

struct magring_pool *carriers;

#define STEP 0x9e3779b97f4a7c15

static const struct allocator *const allocators[] = {
	&allocator_magring,
	&allocator_static,
	&allocator_malloc,
#ifdef PAYLOAD_DPDK
	&allocator_mempool,
#endif
	&allocator_faulty,
};

struct job {
	const struct allocator *allocator;
	size_t words; /* of each payload */
	struct magring_queue *queue;
};

static const struct allocator *find(const char *form)
{
	for (size_t i = 0; i < sizeof(allocators) / sizeof(allocators[0]); i++) {
		size_t length = strlen(allocators[i]->form);

		if (strncmp(form, allocators[i]->form, length) == 0 &&
			allocators[i]->ready(form + length))
			return allocators[i];
	}
	return NULL;
}

static void write_all(word *payload, size_t words, uint64_t first)
{
	for (size_t i = 0; i < words; i++)
		payload[i] = first + i * STEP;
}

/* 0 if it is as it was written. */
static uint64_t read_all(const word *payload, size_t words)
{
	uint64_t first = payload[0];
	uint64_t broken = 0;

	for (size_t i = 0; i < words; i++)
		broken |= payload[i] ^ (first + i * STEP);
	return broken;
}

static void tally_first(struct tally *tally, uint64_t first)
{
	tally->count++;
	tally->sum += first;
}

static word *alloc(const struct allocator *allocator, void *side, struct magring_message *message)
{
	unsigned int looks = 0;
	word *payload;

	while ((payload = allocator->alloc(side, message)) == NULL)
		worker_look_away(&looks);
	return payload;
}

static void send(struct worker *worker)
{
	const struct job *job = worker->own;
	const struct allocator *allocator = job->allocator;
	void *side = allocator->attach(true);

	for (uint64_t sequence = 0; !worker_stops(worker); sequence++) {
		uint64_t first = message_mix(worker->index, sequence);
		struct magring_message message = { 0 };

		write_all(alloc(allocator, side, &message), job->words, first);
		check(magring_send(job->queue, &message, -1), "magring_send");
		tally_first(&worker->tally, first);
	}
	allocator->detach(side);
}

static void receive(struct worker *worker)
{
	const struct job *job = worker->own;
	const struct allocator *allocator = job->allocator;
	void *side = allocator->attach(false);
	struct magring_message message;
	int result;

	while ((result = magring_recv(job->queue, &message, -1)) == 0) {
		const word *payload = allocator->payload(&message);

		worker->tally.broken |= read_all(payload, job->words);
		tally_first(&worker->tally, payload[0]);
		allocator->free(side, &message);
		worker_show(worker, worker->tally.count);
	}
	if (result != -EPIPE)
		check(result, "magring_recv");
	allocator->detach(side);
}

/* Only its ends. */
static void free_one(struct worker *worker, void *side, struct magring_message *message,
	uint64_t sequence)
{
	const struct job *job = worker->own;
	const word *payload = job->allocator->payload(message);
	uint64_t first = message_mix(worker->index, sequence);

	worker->tally.broken |= (payload[0] ^ first) | (payload[job->words - 1] ^ ~first);
	job->allocator->free(side, message);
}

static void alloc_and_free(struct worker *worker)
{
	const struct job *job = worker->own;
	const struct allocator *allocator = job->allocator;
	void *side = allocator->attach(true);
	struct magring_message live[LIVE] = { { 0 } };
	uint64_t count = 0;

	for (; count % LIVE != 0 || !worker_stops(worker); count++) {
		struct magring_message *message = &live[count % LIVE];
		word *payload;

		if (count >= LIVE)
			free_one(worker, side, message, count - LIVE);
		payload = alloc(allocator, side, message);
		payload[0] = message_mix(worker->index, count);
		payload[job->words - 1] = ~payload[0];
		worker_show(worker, count + 1);
	}
	for (uint64_t i = 0; i < LIVE && count > 0; i++)
		free_one(worker, side, &live[i], count - LIVE + i);
	allocator->detach(side);
}

static bool unbroken(const struct crew *crew)
{
	for (unsigned int i = 0; i < crew->count; i++)
		if (crew->workers[i].tally.broken != 0)
			return false;
	return true;
}

/* Messages a second. Ends the program if what was received is not what was sent. */
static double run(struct job *job, const struct setting *setting, const char *form, double seconds)
{
	const struct queue shown = { .name = form };
	bool one_way = setting->receivers > 0;
	struct crew crew;
	uint64_t count;
	double start;

	crew_init(&crew);
	for (unsigned int i = 0; i < setting->senders; i++)
		crew_add(&crew, &shown, setting, NULL, true, one_way ? send : alloc_and_free, job);
	for (unsigned int i = 0; i < setting->receivers; i++)
		crew_add(&crew, &shown, setting, NULL, false, receive, job);
	crew_start(&crew);
	pause_for(seconds / 5);
	count = crew_count(&crew, !one_way);
	start = cpus_now();
	pause_for(seconds);
	count = crew_count(&crew, !one_way) - count;
	seconds = cpus_now() - start;
	crew_stop_senders(&crew);
	check(magring_queue_close(job->queue), "magring_queue_close");
	crew_stop_receivers(&crew);
	if (one_way ? !crew_check(&crew, "payload", setting) : !unbroken(&crew)) {
		fprintf(stderr, "WRONG RESULT: payloads of %s, %s\n", form, setting->name);
		exit(1);
	}
	crew_fini(&crew);
	return (double)count / seconds;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || end == text)
		errx(2, "%s is no number", text);
	return value;
}

static void limit_life(double seconds)
{
	/* Nobody waits for a process that hangs, or that nobody waits for. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60 + (unsigned int)(10 * seconds));
}

int payload_main(int count, char **arguments)
{
	const struct allocator *allocator = count > 1 ? find(arguments[1]) : NULL;
	struct setting setting = { .name = "by itself" };
	struct magring_queue_options options = { .size = sizeof(options) };
	struct need need;
	struct job job;
	double seconds;

	if (count == 2)
		return allocator == NULL ? 3 : 0;
	if (count == 3 && allocator == &allocator_magring && strcmp(arguments[2], "full") == 0) {
		limit_life(1);
		return full_main();
	}
	if (count == 5 && allocator != NULL && strcmp(arguments[3], "alone") == 0) {
		setting.payload = number(arguments[2]);
		seconds = strtod(arguments[4], NULL);
		if (setting.payload < sizeof(word) || !(seconds > 0))
			errx(2, "BYTES of at least 8, SECONDS above 0");
		limit_life(seconds);
		return alone_main(allocator, setting.payload, seconds);
	}
	if (count != 7 || allocator == NULL)
		errx(2, "usage: ALLOCATOR [BYTES CAPACITY SENDERS RECEIVERS SECONDS], or see workloads/payload/main.c");
	setting.payload = number(arguments[2]);
	setting.capacity = number(arguments[3]);
	setting.senders = (unsigned int)number(arguments[4]);
	setting.receivers = (unsigned int)number(arguments[5]);
	seconds = strtod(arguments[6], NULL);
	if (setting.payload < sizeof(word) || setting.senders < 1 ||
		setting.senders > TALLY_SENDERS || !(seconds > 0))
		errx(2, "BYTES of at least 8, 1 to %d SENDERS, SECONDS above 0", TALLY_SENDERS);
	limit_life(seconds);

	need = (struct need){
		.size = setting.payload,
		.live = (setting.receivers > 0 ? setting.capacity : LIVE * setting.senders) +
			SLACK * setting.senders,
		.senders = setting.senders,
		.threads = setting.senders + setting.receivers,
	};
	job = (struct job){ .allocator = allocator, .words = setting.payload / sizeof(word) };
	options.capacity = setting.capacity;
	if (setting.receivers > 0)
		check(magring_pool_create(&carriers, NULL), "magring_pool_create");
	check(magring_queue_create(&job.queue, carriers, &options), "magring_queue_create");
	allocator->create(&need);
	printf("%.17g", run(&job, &setting, arguments[1], seconds));
	printf(" %.17g\n", status_bytes("VmHWM"));
	allocator->destroy();
	check(magring_queue_release(job.queue), "magring_queue_release");
	if (carriers != NULL)
		check(magring_pool_destroy(carriers), "magring_pool_destroy");
	return 0;
}
