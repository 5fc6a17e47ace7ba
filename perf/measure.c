/* SPDX-License-Identifier: MIT */
/*
 * One measurement.
 *
 *	start   all threads, pinned round robin, each side at once
 *	        (with a backlog: senders first, until the channel is full)
 *	warm    a fifth of the time
 *	window  counts, CPU time and heap are read before and after it; what is sent
 *	        in it is timed, in the timed workload
 *	stop    senders return, the channel is closed, receivers empty it
 *	check   what all receivers tallied = what the input says
 *
 * The window is timed from the main thread, which sleeps meanwhile; the workers
 * know nothing of it. Every message is checked, those outside the window too.
 */
#include "measure.h"

#include "cpus.h"
#include "worker.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct side {
	struct worker *workers;
	unsigned int count;
	pthread_barrier_t start; /* for the workers and the main thread */
};

static void *need(void *memory)
{
	if (memory == NULL)
		err(2, "measure");
	return memory;
}

static void *sender(void *argument)
{
	struct worker *worker = argument;

	cpus_pin(worker->cpu);
	pthread_barrier_wait(worker->start);
	worker->peer->send(worker);
	worker->heap = heap_counts_of_thread();
	return NULL;
}

static void *receiver(void *argument)
{
	struct worker *worker = argument;

	cpus_pin(worker->cpu);
	pthread_barrier_wait(worker->start);
	worker->peer->receive(worker);
	worker->heap = heap_counts_of_thread();
	return NULL;
}

/* The number of the CPU for a thread of one side; the other side has so many. */
static unsigned int cpu_of(enum cpus cpus, bool receives, unsigned int senders, unsigned int index)
{
	unsigned int turn = receives ? senders + index : index;

	switch (cpus) {
	case CPUS_TWO:
		return turn % 2;
	case CPUS_APART:
		return receives;
	default:
		return turn;
	}
}

static void start_side(struct side *side, unsigned int count, const struct measurement *measurement,
	const struct worker *model, void *(*run)(void *))
{
	side->count = count;
	side->workers =
		need(aligned_alloc(_Alignof(struct worker), count * sizeof(*side->workers)));
	pthread_barrier_init(&side->start, NULL, count + 1);
	for (unsigned int i = 0; i < count; i++) {
		struct worker *worker = &side->workers[i];

		*worker = *model;
		worker->start = &side->start;
		worker->index = i;
		worker->beside = count;
		worker->cpu =
			cpu_of(measurement->cpus, run == receiver, measurement->shape.senders, i);
		if (run == receiver && model->workload->kind == WORKLOAD_TIMED)
			worker->latency = need(calloc(1, sizeof(*worker->latency)));
		errno = pthread_create(&worker->thread, NULL, run, worker);
		if (errno != 0)
			err(2, "cannot create a thread");
	}
}

static struct heap_counts join_side(struct side *side)
{
	struct heap_counts heap = { 0 };

	for (unsigned int i = 0; i < side->count; i++) {
		pthread_join(side->workers[i].thread, NULL);
		heap.calls += side->workers[i].heap.calls;
		heap.bytes += side->workers[i].heap.bytes;
	}
	return heap;
}

/* What the receivers noted, all together. */
static struct percentiles latency_of(const struct side *receivers)
{
	struct latency *all = need(calloc(1, sizeof(*all)));
	struct percentiles percentiles;

	for (unsigned int i = 0; i < receivers->count; i++)
		latency_add(all, receivers->workers[i].latency);
	percentiles = latency_percentiles(all);
	free(all);
	return percentiles;
}

static void end_side(struct side *side)
{
	for (unsigned int i = 0; i < side->count; i++)
		free(side->workers[i].latency);
	pthread_barrier_destroy(&side->start);
	free(side->workers);
}

static struct tally progress(const struct side *side)
{
	struct tally tally = { 0 };

	for (unsigned int i = 0; i < side->count; i++) {
		tally.count += atomic_load_explicit(&side->workers[i].count, memory_order_relaxed);
		tally.bytes += atomic_load_explicit(&side->workers[i].bytes, memory_order_relaxed);
	}
	return tally;
}

static void pause_for(double seconds)
{
	struct timespec time = { (time_t)seconds, (long)(fmod(seconds, 1) * 1e9) };

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

/* Until the senders cannot go on, because the channel is full. */
static uint64_t wait_for_backlog(const struct side *senders)
{
	struct tally last = { 0 };

	for (unsigned int still = 0; still < 10; still++) {
		struct tally now;

		pause_for(0.003);
		now = progress(senders);
		if (now.count == 0 || now.count != last.count)
			still = 0;
		last = now;
	}
	return last.bytes;
}

static uint64_t check(const struct measurement *measurement, const struct side *senders,
	const struct side *receivers)
{
	struct tally expected = { 0 };
	struct tally received = { 0 };

	for (unsigned int i = 0; i < senders->count; i++) {
		uint64_t count =
			atomic_load_explicit(&senders->workers[i].count, memory_order_relaxed);
		struct tally part =
			workload_expected(measurement->workload, i, senders->count, count);

		tally_add(&expected, &part);
	}
	for (unsigned int i = 0; i < receivers->count; i++)
		tally_add(&received, &receivers->workers[i].tally);
	if (expected.count == received.count && expected.bytes == received.bytes &&
		expected.sum == received.sum)
		return received.count;
	fprintf(stderr,
		"\nWRONG RESULT: %s, %s, %ux%u\n"
		"  expected  %20" PRIu64 " messages %20" PRIu64 " bytes   sum %016" PRIx64 "\n"
		"  received  %20" PRIu64 " messages %20" PRIu64 " bytes   sum %016" PRIx64 "\n",
		measurement->workload->name, measurement->peer->name, senders->count,
		receivers->count, expected.count, expected.bytes, expected.sum, received.count,
		received.bytes, received.sum);
	exit(1);
}

struct sample measure(const struct measurement *measurement)
{
	const struct peer *peer = measurement->peer;
	_Alignas(128) atomic_bool stop = false;
	struct worker model = { .peer = peer, .workload = measurement->workload, .stop = &stop };
	struct sample sample = { .efficiency = NAN };
	struct heap_counts heap;
	struct side senders;
	struct side receivers;
	struct tally before;
	struct tally after;
	uint64_t sent;
	double start;
	double cpu;

	model.channel =
		peer->create(measurement->capacity, workload_max_payload(measurement->workload));
	start_side(&senders, measurement->shape.senders, measurement, &model, sender);
	start_side(&receivers, measurement->shape.receivers, measurement, &model, receiver);
	pthread_barrier_wait(&senders.start);
	if (measurement->backlog)
		sample.efficiency = peer->efficiency(model.channel, wait_for_backlog(&senders));
	pthread_barrier_wait(&receivers.start);
	pause_for(measurement->seconds / 5);

	heap_count(true);
	latency_count(true);
	before = progress(&receivers);
	sent = progress(&senders).count;
	cpu = cpus_used();
	start = cpus_now();
	pause_for(measurement->seconds);
	after = progress(&receivers);
	sample.seconds = cpus_now() - start;
	sample.cpu_seconds = cpus_used() - cpu;
	sample.sent = progress(&senders).count - sent;
	heap_count(false);
	latency_count(false);
	sample.messages = after.count - before.count;
	sample.bytes = after.bytes - before.bytes;

	/* Relaxed: a flag; the joins order everything that is read afterwards. */
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	sample.heap = join_side(&senders);
	peer->close(model.channel);
	heap = join_side(&receivers);
	sample.heap.calls += heap.calls;
	sample.heap.bytes += heap.bytes;
	sample.checked = check(measurement, &senders, &receivers);
	if (measurement->workload->kind == WORKLOAD_TIMED)
		sample.latency = latency_of(&receivers);
	if (peer->questions != NULL)
		sample.questions = peer->questions(model.channel);
	end_side(&senders);
	end_side(&receivers);
	peer->destroy(model.channel);
	return sample;
}
