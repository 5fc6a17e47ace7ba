/* SPDX-License-Identifier: MIT */
/*
 * The threads of a scenario; see worker.h.
 *
 * All wait at one barrier until the last of them is pinned and attached: who is created first
 * has no start. Receivers are told to stop after all senders have been joined. So a receiver
 * that knew that before it found nothing has nothing more to receive, and there is
 * no need for a last message.
 */
#include "core/worker.h"

#include "core/cpus.h"
#include "core/order.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

unsigned int worker_patience(void)
{
	static _Thread_local uint64_t random;

	if (random == 0)
		random = (uint64_t)gettid();
	return worker_wait->pauses / 2 +
		(unsigned int)(order_random(&random) % (worker_wait->pauses + 1));
}

void crew_init(struct crew *crew)
{
	*crew = (struct crew){
		.workers = aligned_alloc(_Alignof(struct worker), CREW_MAX * sizeof(struct worker)),
	};
	if (crew->workers == NULL)
		err(2, "workers");
}

bool crew_applies(const struct queue *queue, const struct setting *setting)
{
	return queue->create != NULL && setting->batch <= queue->batch_max &&
		(setting->senders == 1 || (queue->flags & QUEUE_SINGLE_SENDER) == 0) &&
		(setting->receivers == 1 || (queue->flags & QUEUE_SINGLE_RECEIVER) == 0);
}

struct worker *crew_add(struct crew *crew, const struct queue *queue, const struct setting *setting,
	void *made, bool sends, void (*run)(struct worker *), void *own)
{
	struct worker *worker = &crew->workers[crew->count];
	unsigned int index = 0;

	if (crew->count == CREW_MAX)
		errx(2, "%s: more than %d threads", setting->name, CREW_MAX);
	for (unsigned int i = 0; i < crew->count; i++)
		index += crew->workers[i].sends == sends;
	*worker = (struct worker){
		.crew = crew,
		.queue = queue,
		.setting = setting,
		.stop = sends ? &crew->senders_stop : &crew->receivers_stop,
		.made = made,
		.run = run,
		.own = own,
		.index = index,
		.cpu = crew->count++,
		.sends = sends,
	};
	return worker;
}

void crew_add_all(struct crew *crew, const struct queue *queue, const struct setting *setting,
	void (*send)(struct worker *), void (*receive)(struct worker *), void *own)
{
	crew->queue = queue;
	crew->made = queue->create(setting->capacity, setting->senders, setting->receivers);
	if (crew->made == NULL)
		err(2, "%s, %s: cannot create it", queue->name, setting->name);
	if (setting->senders > TALLY_SENDERS)
		errx(2, "%s: more than %d senders", setting->name, TALLY_SENDERS);
	for (unsigned int i = 0; i < setting->senders; i++)
		crew_add(crew, queue, setting, crew->made, true, send, own);
	for (unsigned int i = 0; i < setting->receivers; i++)
		crew_add(crew, queue, setting, crew->made, false, receive, own);
}

void *worker_attach(const struct queue *queue, void *made, bool sends)
{
	void *side = queue->attach(made, sends);

	if (side == NULL)
		err(2, "%s: cannot attach", queue->name);
	return side;
}

static void *run(void *argument)
{
	struct worker *worker = argument;

	cpus_pin(worker->cpu);
	if (worker->made != NULL)
		worker->side = worker_attach(worker->queue, worker->made, worker->sends);
	pthread_barrier_wait(&worker->crew->start);
	worker->run(worker);
	if (worker->made != NULL)
		worker->queue->detach(worker->side);
	return NULL;
}

void crew_start(struct crew *crew)
{
	pthread_barrier_init(&crew->start, NULL, crew->count + 1);
	for (unsigned int i = 0; i < crew->count; i++) {
		errno = pthread_create(&crew->workers[i].thread, NULL, run, &crew->workers[i]);
		if (errno != 0)
			err(2, "cannot create a thread");
	}
	pthread_barrier_wait(&crew->start);
}

static void stop(struct crew *crew, bool sends)
{
	/* Release: pairs with the load in worker_stops(). */
	atomic_store_explicit(sends ? &crew->senders_stop : &crew->receivers_stop, true,
		memory_order_release);
	sleepers_wake(sends ? &crew->senders_asleep : &crew->receivers_asleep, UINT_MAX);
	for (unsigned int i = 0; i < crew->count; i++)
		if (crew->workers[i].sends == sends)
			pthread_join(crew->workers[i].thread, NULL);
}

void crew_stop_senders(struct crew *crew)
{
	stop(crew, true);
}

void crew_stop_receivers(struct crew *crew)
{
	if (crew->made != NULL && crew->queue->end != NULL)
		crew->queue->end(crew->made);
	stop(crew, false);
}

uint64_t crew_count(const struct crew *crew, bool sends)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < crew->count; i++)
		if (crew->workers[i].sends == sends)
			count +=
				atomic_load_explicit(&crew->workers[i].count, memory_order_relaxed);
	return count;
}

static struct tally tally_of(const struct crew *crew, bool sends)
{
	struct tally all = { 0 };

	for (unsigned int i = 0; i < crew->count; i++) {
		const struct tally *tally = &crew->workers[i].tally;

		if (crew->workers[i].sends != sends)
			continue;
		all.count += tally->count;
		all.sum += tally->sum;
		all.first_sum += tally->first_sum;
		all.broken |= tally->broken;
		all.disorder |= tally->disorder;
	}
	return all;
}

bool crew_check(const struct crew *crew, const char *scenario, const struct setting *setting)
{
	struct tally sent = tally_of(crew, true);
	struct tally received = tally_of(crew, false);
	bool in_order = setting->receivers > 1 || received.disorder == 0;

	if (sent.count == received.count && sent.sum == received.sum && received.broken == 0 &&
		(received.first_sum == sent.first_sum || received.first_sum == 0) && in_order)
		return true;
	fprintf(stderr,
		"\nWRONG RESULT: %s, %s, %s%s%s\n"
		"  sent      %20" PRIu64 " messages, sums %016" PRIx64 " %016" PRIx64 "\n"
		"  received  %20" PRIu64 " messages, sums %016" PRIx64 " %016" PRIx64 "\n",
		scenario, setting->name, crew->workers[0].queue->name,
		received.broken != 0 ? ", broken messages" : "", in_order ? "" : ", out of order",
		sent.count, sent.sum, sent.first_sum, received.count, received.sum,
		received.first_sum);
	return false;
}

void crew_fini(struct crew *crew)
{
	pthread_barrier_destroy(&crew->start);
	if (crew->queue != NULL)
		crew->queue->destroy(crew->made);
	free(crew->workers);
}

void pause_for(double seconds)
{
	struct timespec time = { (time_t)seconds, (long)(fmod(seconds, 1) * 1e9) };

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}
