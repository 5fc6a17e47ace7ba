/* SPDX-License-Identifier: MIT */
/*
 * magring-perf replay: a file's records through a queue, again and again, in a process of its
 * own, as the peak of memory takes one.
 *
 *	magring-perf replay QUEUE FILE ends|all CAPACITY SENDERS RECEIVERS SECONDS [damage]
 *
 * prints messages a second, and for each message ns of CPU, bytes and calls of the heap; then the
 * most bytes that were resident. The heap is counted if workloads/heap.c is preloaded.
 *
 * Each sender begins at another record. A receiver looks at the ends of a payload and at the
 * sizes, or hashes all of id and payload. The sum of what receivers see is compared with that
 * of what the input says of each record that was sent. "damage" changes the records after
 * that: the process has to end with 1.
 */
#include "core/cpus.h"
#include "core/status.h"
#include "core/worker.h"
#include "workloads/commands.h"
#include "workloads/heap.h"
#include "workloads/records.h"

#include <dlfcn.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <xxhash.h>

/* Bytes of records in a full queue. */
static const size_t backlog_limit = (size_t)128 << 20;

struct replay {
	const struct record_calls *calls;
	struct input input;
	uint64_t *seen; /* what a receiver sees of each record */
	bool all;       /* of all bytes */
};

/* Beside a worker: what it allocated in the window. */
static struct heap_counts heap[CREW_MAX];

static void (*heap_count_call)(bool on);
static struct heap_counts (*heap_counts_call)(void);

static uint64_t see(const struct record *record, bool all)
{
	const unsigned char *bytes = record->payload;

	if (all)
		return (XXH3_64bits(record->id, record->id_size) * 0x9e3779b97f4a7c15) ^
			XXH3_64bits(record->payload, record->payload_size);
	return (bytes[0] * UINT64_C(0x9e3779b97f4a7c15)) ^
		(bytes[record->payload_size - 1] + record->id_size * 257 +
			record->payload_size * 65537);
}

static void note_heap(const struct worker *worker)
{
	if (heap_counts_call != NULL)
		heap[worker->cpu] = heap_counts_call();
}

static void send(struct worker *worker)
{
	const struct replay *replay = worker->own;
	size_t count = replay->input.count;
	size_t next = count / worker->setting->senders * worker->index;
	struct tally tally = { 0 };

	for (; !worker_stops(worker); next = next + 1 == count ? 0 : next + 1) {
		unsigned int looks = 0;

		while (!replay->calls->send(worker->side, &replay->input.records[next])) {
			if (worker_stops(worker))
				goto out;
			worker_look_away(&looks);
		}
		tally.count++;
		tally.sum += replay->seen[next];
	}
out:
	worker->tally = tally;
	note_heap(worker);
}

static void receive(struct worker *worker)
{
	const struct replay *replay = worker->own;
	struct tally tally = { 0 };
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		struct record record;
		bool some = replay->calls->receive(worker->side, &record);

		if (some) {
			tally.count++;
			tally.sum += see(&record, replay->all);
			replay->calls->release(&record);
			worker_show(worker, tally.count);
			looks = 0;
		}
		if (worker_leaves(worker, last, some))
			break;
		if (!some)
			worker_look_away(&looks);
	}
	worker->tally = tally;
	note_heap(worker);
}

static const struct queue *find(const char *name)
{
	for (const struct queue *const *queue = queues; *queue != NULL; queue++)
		if (strcmp((*queue)->name, name) == 0 && (*queue)->records != NULL)
			return *queue;
	errx(2, "%s: no queue that carries records", name);
}

static void count_heap(bool on)
{
	if (heap_count_call != NULL)
		heap_count_call(on);
}

static void find_heap(void)
{
	/* As POSIX has it: C knows no way from an object's address to a function's. */
	*(void **)&heap_count_call = dlsym(RTLD_DEFAULT, "heap_count");
	*(void **)&heap_counts_call = dlsym(RTLD_DEFAULT, "heap_counts_of_thread");
}

static void load(struct replay *replay, const char *path, bool damage)
{
	input_load(&replay->input, path);
	replay->seen = calloc(replay->input.count, sizeof(*replay->seen));
	if (replay->seen == NULL)
		err(2, "%s", path);
	for (size_t i = 0; i < replay->input.count; i++)
		replay->seen[i] = see(&replay->input.records[i], replay->all);
	if (damage)
		input_damage(&replay->input);
}

static void measure(struct crew *crew, double seconds)
{
	struct heap_counts sum = { 0 };
	uint64_t count;
	double start;
	double cpu;

	crew_start(crew);
	pause_for(seconds / 5);
	count_heap(true);
	count = crew_count(crew, false);
	cpu = cpus_used();
	start = cpus_now();
	pause_for(seconds);
	count = crew_count(crew, false) - count;
	seconds = cpus_now() - start;
	cpu = cpus_used() - cpu;
	count_heap(false);
	crew_stop_senders(crew);
	crew_stop_receivers(crew);
	for (unsigned int i = 0; i < crew->count; i++) {
		sum.bytes += heap[i].bytes;
		sum.calls += heap[i].calls;
	}
	printf("%.17g %.17g", (double)count / seconds, cpu * 1e9 / (double)count);
	if (heap_counts_call != NULL)
		printf(" %.17g %.17g", (double)sum.bytes / (double)count,
			(double)sum.calls / (double)count);
	else
		printf(" nan nan");
	printf(" %.17g\n", status_bytes("VmHWM"));
}

int replay_main(int count, char **arguments)
{
	struct replay replay = { 0 };
	const struct queue *queue;
	struct setting setting = { .name = "replay", .batch = 1 };
	struct crew crew;
	double seconds;
	bool right;

	if (count < 8 || count > 9)
		errx(2, "usage: see workloads/replay.c");
	queue = find(arguments[1]);
	replay.calls = queue->records;
	replay.all = strcmp(arguments[3], "all") == 0;
	setting.capacity = strtoul(arguments[4], NULL, 10);
	setting.senders = (unsigned int)strtoul(arguments[5], NULL, 10);
	setting.receivers = (unsigned int)strtoul(arguments[6], NULL, 10);
	seconds = strtod(arguments[7], NULL);
	if (setting.capacity < 2 || setting.senders < 1 || setting.receivers < 1 || !(seconds > 0))
		errx(2, "CAPACITY of at least 2, SENDERS and RECEIVERS of at least 1, SECONDS above 0");
	/* Nobody waits for a process that hangs, or that nobody waits for. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60 + (unsigned int)(10 * seconds));
	find_heap();
	load(&replay, arguments[2], count == 9);
	while (setting.capacity > 2 &&
		setting.capacity * (replay.input.bytes / replay.input.count) > backlog_limit)
		setting.capacity /= 2;
	crew_init(&crew);
	crew_add_all(&crew, queue, &setting, send, receive, &replay);
	measure(&crew, seconds);
	right = crew_check(&crew, "replay", &setting);
	crew_fini(&crew);
	input_unload(&replay.input);
	free(replay.seen);
	return right ? 0 : 1;
}
