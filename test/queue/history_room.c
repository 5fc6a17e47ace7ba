/* SPDX-License-Identifier: MIT */
/*
 * The queue has `cells` cells, and may refuse a send when `full` of them are
 * taken: all, or more than may be skipped.
 *
 * NOT_EMPTY   A message is certainly inside between the end of its send and the begin
 *             of its receive. An EMPTY needs an instant before `closed` at which
 *             no message is.
 *
 * OVERFULL    At no instant are more messages certainly inside than there are cells.
 *
 * NOT_FULL    A FULL needs an instant before `closed` at which `full` cells may
 *             have been taken: by a message that was possibly inside, from the begin of its
 *             send to the end of its receive (a thread in the middle of either
 *             holds a cell); or by being out of service.
 *             A linearizable queue would promise more. But here all cells may be claimed
 *             and no message inside yet: FULL and EMPTY are then both true. And
 *             it is not judged whether several such answers are possible together.
 *
 * Cells out of service: a thread that does not go on in the middle of an operation X
 * may be skipped; the queue counts that as `quarantined`. The cell is lost until X
 * ends, and longer: its position is skipped, less than two laps ahead of the
 * receivers, and they have to go over it first. X was in the way already before
 * it was skipped, and if it is a send it may end without a message. Whoever counts
 * does so before the end of its own operation Y, which began before X ended. So for a
 * FULL answer no more cells were out of service than were counted
 *	- since the begin of the first X that did not end before the last 2 * cells + 1
 *	  messages that were received before the FULL; an operation reads the count
 *	  before it begins;
 *	- until the end of the last Y that began before the end of the last X that began
 *	  before the end of the FULL; the first to read the count after that is the
 *	  operation that follows one which ended later.
 */
#include <string.h>

#include "queue/history_work.h"

static bool certainly_inside(const struct history *history, uint32_t i, uint32_t gap)
{
	return is_sent(history, i) && sent_in(history, i).end < gap &&
		gap < received_in(history, i).begin;
}

static void count_inside(const struct history *history)
{
	struct workspace *work = history->workspace;
	memset(work->certain, 0, (history->ticks + 2) * sizeof(work->certain[0]));
	memset(work->possible, 0, (history->ticks + 2) * sizeof(work->possible[0]));
	history_each(i, history) {
		if (!is_sent(history, i))
			continue;
		struct span send = sent_in(history, i), receive = received_in(history, i);
		work->possible[send.begin]++;
		work->possible[receive.end + 1]--;
		if (send.end + 1 < receive.begin) {
			work->certain[send.end + 1]++;
			work->certain[receive.begin]--;
		}
	}
	for (uint32_t gap = 1; gap <= history->ticks; gap++) {
		work->certain[gap] += work->certain[gap - 1];
		work->possible[gap] += work->possible[gap - 1];
	}
}

static struct finding check_empty(const struct history *history, uint32_t empty)
{
	const struct workspace *work = history->workspace;
	const struct operation *operation = &history->operations[empty];
	uint32_t end = least(operation->end, work->closed), gap = operation->begin;
	while (gap <= end && work->certain[gap] > 0)
		gap++;
	if (gap <= end)
		return (struct finding){ 0 };
	/* Messages that were inside, one always after the other was. */
	struct finding found = found_wrong(NOT_EMPTY, empty, HISTORY_NOBODY);
	for (gap = operation->begin; gap <= end;) {
		uint32_t longest = HISTORY_NOBODY;
		history_each(i, history)
			if (certainly_inside(history, i, gap) &&
				(longest == HISTORY_NOBODY ||
					received_in(history, i).begin >
						received_in(history, longest).begin))
				longest = i;
		add_message(history, &found, longest);
		gap = received_in(history, longest).begin;
	}
	return found;
}

static struct finding check_overfull(const struct history *history)
{
	for (uint32_t gap = 0; gap < history->ticks; gap++) {
		if (history->workspace->certain[gap] <= (int32_t)history->cells)
			continue;
		struct finding found = { .wrong = OVERFULL };
		history_each(i, history)
			if (certainly_inside(history, i, gap))
				add_message(history, &found, i);
		return found;
	}
	return (struct finding){ 0 };
}

static uint32_t slice_end(const struct history *history, uint32_t thread)
{
	return thread * history->slice + history->used[thread];
}

/* The thread's first operation that does not end before the tick. */
static uint32_t first_ending(const struct history *history, uint32_t thread, uint32_t tick)
{
	uint32_t low = thread * history->slice, high = slice_end(history, thread);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (history->operations[middle].end < tick)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A receive that takes longer was stopped. */
static uint32_t usual_length(const struct history *history)
{
	return 8 * history->threads;
}

/* Of the receives that took no longer than is usual: how many messages each tick ends,
 * and which tick ended each. */
static void count_received(const struct history *history)
{
	struct workspace *work = history->workspace;
	memset(work->received_by, 0, (history->ticks + 1) * sizeof(work->received_by[0]));
	history_each(i, history) {
		const struct operation *operation = &history->operations[i];
		if (operation->answer == RECEIVED &&
			operation->end - operation->begin <= usual_length(history))
			work->received_by[operation->end + 1]++;
	}
	for (uint32_t tick = 0; tick < history->ticks; tick++) {
		uint32_t first = work->received_by[tick];
		work->received_by[tick + 1] += first;
		for (uint32_t i = first; i < work->received_by[tick + 1]; i++)
			work->received_at[i] = tick;
	}
}

/* A tick after which so many messages were received, wholly and before the tick. */
static uint32_t received_since(const struct history *history, uint32_t tick, uint32_t messages)
{
	const struct workspace *work = history->workspace;
	uint32_t by = work->received_by[tick];
	if (by < messages)
		return 0;
	uint32_t end = work->received_at[by - messages];
	return end - least(end, usual_length(history));
}

/* The last end of the operations that begin by the tick. */
static uint32_t last_end(const struct history *history, uint32_t tick)
{
	uint32_t last = tick;
	for (uint32_t thread = 0; thread < history->threads; thread++) {
		uint32_t i = first_ending(history, thread, tick);
		if (i < slice_end(history, thread) && history->operations[i].begin <= tick &&
			history->operations[i].end > last)
			last = history->operations[i].end;
	}
	return last;
}

static uint32_t out_of_service(const struct history *history, uint32_t full)
{
	const struct operation *operations = history->operations;
	uint32_t since = received_since(history, operations[full].begin, 2 * history->cells + 1);
	uint32_t until = last_end(history, last_end(history, operations[full].end));
	uint32_t before = history->quarantined, after = history->quarantined;
	for (uint32_t thread = 0; thread < history->threads; thread++) {
		uint32_t i = first_ending(history, thread, since);
		uint32_t end = slice_end(history, thread);
		if (i < end)
			before = least(before, operations[i].quarantined);
		/* Read after an operation that did not end before all of these. */
		i = first_ending(history, thread, until);
		while (i < end && i + 1 < end && history_same_batch(history, i + 1))
			i++;
		if (i + 1 < end)
			after = least(after, operations[i + 1].quarantined);
	}
	return after - before;
}

static struct finding check_full(const struct history *history, uint32_t full)
{
	const struct workspace *work = history->workspace;
	const struct operation *operation = &history->operations[full];
	uint32_t end = least(operation->end, work->closed), best = operation->begin;
	for (uint32_t gap = operation->begin; gap <= end; gap++) {
		if (work->possible[gap] > work->possible[best])
			best = gap;
		if (work->possible[gap] >= (int32_t)history->full)
			return (struct finding){ 0 };
	}
	if ((uint32_t)work->possible[best] + out_of_service(history, full) >= history->full)
		return (struct finding){ 0 };
	struct finding found = found_wrong(NOT_FULL, full, HISTORY_NOBODY);
	history_each(i, history)
		if (is_sent(history, i) && sent_in(history, i).begin <= best &&
			best <= received_in(history, i).end)
			add_message(history, &found, i);
	return found;
}

struct finding check_room(const struct history *history)
{
	struct finding found;
	count_inside(history);
	count_received(history);
	history_each(i, history)
		if (history->operations[i].answer == EMPTY) {
			found = check_empty(history, i);
			if (found.wrong != NOTHING)
				return found;
		}
	found = check_overfull(history);
	history_each(i, history)
		if (found.wrong == NOTHING && history->operations[i].answer == FULL)
			found = check_full(history, i);
	return found;
}
