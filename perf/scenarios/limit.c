/* SPDX-License-Identifier: MIT */
/*
 * The physical limit: 64-byte lines that one core writes and another reads, through the same
 * 1024 lines over and over, with no position that both write, as a queue has them.
 *
 *	one way      Each says where it is once in 64 lines, in a line of its own, and does not touch what
 *	             the other has not left behind. All that travels for a message is its own line,
 *	             and a processor can have several on their way.
 *	handed back  The reader writes each line when it has read it, and the writer looks at the line
 *	             before it writes it again: what the cell of a ring does.
 *
 * A line is a word of state and a message, made and checked as all scenarios make and check
 * theirs. A queue that shares positions besides cannot be faster than the second one message at
 * a time; in batches it can come near the first. The third limit is what perf/probe.c
 * measures anyway: how long a line takes.
 */
#include "scenarios/limit.h"

#include "core/cpus.h"
#include "core/worker.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>

enum { LINES = 1024, NEWS = 64 };

struct line {
	_Alignas(64) _Atomic uint64_t state; /* handed back */
	struct message message;
};

struct lines {
	struct line lines[LINES];
	/* Messages, in steps of NEWS: one way. */
	_Alignas(128) _Atomic uint64_t written;
	_Alignas(128) _Atomic uint64_t read;
};

const struct value limit_values[LIMITS] = {
	[LIMIT_ONE_WAY] = { "lines_per_second_one_way", "lines/s", true },
	[LIMIT_HANDED_BACK] = { "lines_per_second_handed_back", "lines/s", true },
};

const char *const limit_titles[LIMITS] = {
	[LIMIT_ONE_WAY] = "(lines, one way)",
	[LIMIT_HANDED_BACK] = "(lines, handed back)",
};

/* Until the state is the wanted one. False if the worker is to stop instead. */
static bool wait_for(struct worker *worker, const _Atomic uint64_t *state, uint64_t wanted)
{
	unsigned int looks = 0;

	/* Acquire: the other side has read (written) the message. */
	while (atomic_load_explicit(state, memory_order_acquire) != wanted) {
		/* The reader is told when nothing is written any more: looking once more is enough. */
		if (worker_stops(worker))
			return atomic_load_explicit(state, memory_order_acquire) == wanted;
		worker_look_away(&looks);
	}
	return true;
}

static void write_message(struct line *line, struct tally *tally)
{
	message_make(&line->message, 0, tally->count);
	tally_sent(tally, &line->message);
}

/* Until the other has come further than this; how far. The same if the worker is to stop. */
static uint64_t wait_beyond(struct worker *worker, const _Atomic uint64_t *other, uint64_t this)
{
	unsigned int looks = 0;

	for (;;) {
		bool last = worker_stops(worker);
		/* Acquire: what is left behind was written (read). */
		uint64_t now = atomic_load_explicit(other, memory_order_acquire);

		if (now != this || last)
			return now;
		worker_look_away(&looks);
	}
}

static void write_one_way(struct worker *worker)
{
	struct lines *lines = worker->own;
	struct tally tally = { 0 };
	uint64_t read = 0;

	while (!worker_stops(worker)) {
		if (tally.count - read == LINES)
			read = wait_beyond(worker, &lines->read, read);
		if (tally.count - read == LINES)
			break;
		for (unsigned int i = 0; i < NEWS; i++)
			write_message(&lines->lines[tally.count % LINES], &tally);
		/* Release: pairs with the load in wait_beyond(). */
		atomic_store_explicit(&lines->written, tally.count, memory_order_release);
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
}

static void read_one_way(struct worker *worker)
{
	struct lines *lines = worker->own;
	struct tally tally = { 0 };

	for (;;) {
		uint64_t written = wait_beyond(worker, &lines->written, tally.count);

		if (written == tally.count)
			break;
		while (tally.count < written) {
			for (unsigned int i = 0; i < NEWS; i++)
				tally_received(&tally, &lines->lines[tally.count % LINES].message);
			/* Release: pairs with the load in wait_beyond(). */
			atomic_store_explicit(&lines->read, tally.count, memory_order_release);
			worker_show(worker, tally.count);
		}
	}
	worker->tally = tally;
}

/* The state of the line for message n: n when it was handed back (0 in the first lap, for lines are
 * made so), and n + 1 when it was written. */
static void write_handed_back(struct worker *worker)
{
	struct lines *lines = worker->own;
	struct tally tally = { 0 };

	while (!worker_stops(worker)) {
		struct line *line = &lines->lines[tally.count % LINES];

		if (!wait_for(worker, &line->state, tally.count < LINES ? 0 : tally.count))
			break;
		write_message(line, &tally);
		/* Release: the message is there before the state says so. */
		atomic_store_explicit(&line->state, tally.count, memory_order_release);
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
}

static void read_handed_back(struct worker *worker)
{
	struct lines *lines = worker->own;
	struct tally tally = { 0 };

	for (;;) {
		struct line *line = &lines->lines[tally.count % LINES];
		uint64_t number = tally.count;

		if (!wait_for(worker, &line->state, number + 1))
			break;
		tally_received(&tally, &line->message);
		/* Release: the message is read before its line is free for the next lap. */
		atomic_store_explicit(&line->state, number + LINES, memory_order_release);
		worker_show(worker, tally.count);
	}
	worker->tally = tally;
}

static bool measure(enum limit limit, double seconds, double *ret_lines_per_second)
{
	static const struct queue none = { .name = "no queue" };
	const struct setting setting = {
		.name = limit_values[limit].name,
		.senders = 1,
		.receivers = 1,
	};
	struct lines *lines = aligned_alloc(_Alignof(struct lines), sizeof(*lines));
	struct crew crew;
	uint64_t count;
	double start;
	bool right;

	if (lines == NULL)
		err(2, "lines");
	*lines = (struct lines){ 0 };
	crew_init(&crew);
	crew_add(&crew, &none, &setting, NULL, true,
		limit == LIMIT_ONE_WAY ? write_one_way : write_handed_back, lines);
	crew_add(&crew, &none, &setting, NULL, false,
		limit == LIMIT_ONE_WAY ? read_one_way : read_handed_back, lines);
	crew_start(&crew);
	pause_for(seconds / 5);
	count = crew_count(&crew, false);
	start = cpus_now();
	pause_for(seconds);
	count = crew_count(&crew, false) - count;
	*ret_lines_per_second = (double)count / (cpus_now() - start);
	crew_stop_senders(&crew);
	crew_stop_receivers(&crew);
	right = crew_check(&crew, "limit", &setting);
	crew_fini(&crew);
	free(lines);
	return right;
}

bool limit_measure(double seconds, double ret_lines_per_second[LIMITS])
{
	for (enum limit limit = 0; limit < LIMITS; limit++) {
		ret_lines_per_second[limit] = NAN;
		if (cpus_allowed() >= 2 && !measure(limit, seconds, &ret_lines_per_second[limit]))
			return false;
	}
	return true;
}
