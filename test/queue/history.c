/* SPDX-License-Identifier: MIT */
/*
 * The conditions that have to do with single messages and with the close. "Before" is
 * that of the history's clock: a.end < b.begin. A message that was never received
 * counts as received after everything else.
 *
 * FORGED, TWICE, EARLY   Each message received was sent, is received once, and its
 *             receive does not end before its send begins.
 *
 * WRONG_CLOSE      There is an instant of the close, before the end of every REFUSED and
 *             ENDED, after the begin of everything that a closed queue does not
 *             answer: SENT, FULL, EMPTY. The latest such instant is the best for
 *             all: `closed`.
 *
 * LEFT        No receive begins after the end of an ENDED, none is missing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/history_work.h"

static void *array(uint32_t count)
{
	void *memory = calloc(count, sizeof(uint32_t));
	if (memory == NULL)
		abort();
	return memory;
}

static void half_init(struct half *half, uint32_t size)
{
	*half = (struct half){ .first = array(size), .next = array(size), .left = array(size) };
}

static void half_fini(struct half *half)
{
	free(half->first);
	free(half->next);
	free(half->left);
}

void history_init(struct history *history, uint32_t threads, uint32_t slice)
{
	uint32_t size = threads * slice + 2; /* ticks are at most as many as operations */
	struct workspace *work = malloc(sizeof(*work));
	*history = (struct history){ .threads = threads, .slice = slice, .workspace = work };
	history->operations = calloc(size, sizeof(struct operation));
	if (work == NULL || history->operations == NULL)
		abort();
	work->receive = array(size);
	work->received_by = array(size);
	work->received_at = array(size);
	work->certain = array(size);
	work->possible = array(size);
	work->missing = array(size);
	work->ready = array(size);
	half_init(&work->sends, size);
	half_init(&work->receives, size);
}

void history_fini(struct history *history)
{
	struct workspace *work = history->workspace;
	free(work->receive);
	free(work->received_by);
	free(work->received_at);
	free(work->certain);
	free(work->possible);
	free(work->missing);
	free(work->ready);
	half_fini(&work->sends);
	half_fini(&work->receives);
	free(work);
	free(history->operations);
}

/* --------------------------------------------------- FORGED, TWICE, EARLY -- */

struct finding check_messages(const struct history *history)
{
	struct workspace *work = history->workspace;
	history_each(i, history)
		work->receive[i] = HISTORY_NOBODY;
	history_each(i, history) {
		const struct operation *receive = &history->operations[i];
		uint32_t message = receive->message;
		if (receive->answer != RECEIVED)
			continue;
		if (message >= history_size(history) || history_skip(history, message) != message)
			return found_wrong(FORGED, i, HISTORY_NOBODY);
		if (!is_sent(history, message))
			return found_wrong(FORGED, i, message);
		if (receive->end < history->operations[message].begin)
			return found_wrong(EARLY, i, message);
		if (work->receive[message] != HISTORY_NOBODY) {
			struct finding found = found_wrong(TWICE, i, work->receive[message]);
			add(&found, message);
			return found;
		}
		work->receive[message] = i;
	}
	return (struct finding){ 0 };
}

/* ------------------------------------------------------------ WRONG_CLOSE, LEFT -- */

struct finding check_close(const struct history *history)
{
	struct workspace *work = history->workspace;
	uint32_t early = HISTORY_NOBODY; /* the CLOSE, REFUSED or ENDED that ends first */
	uint32_t late = HISTORY_NOBODY;  /* the SENT, FULL or EMPTY that begins last */
	uint32_t close = HISTORY_NOBODY; /* the CLOSE that begins first */
	uint32_t ended = HISTORY_NOBODY; /* the ENDED that ends first */
	uint32_t last = HISTORY_NOBODY; /* the receive, or message not received, that begins last */
	const struct operation *operations = history->operations;
	history_each(i, history) {
		enum answer answer = operations[i].answer;
		if (answer == SENT || answer == FULL || answer == EMPTY) {
			if (late == HISTORY_NOBODY || operations[i].begin > operations[late].begin)
				late = i;
		} else if (answer != RECEIVED) {
			if (early == HISTORY_NOBODY || operations[i].end < operations[early].end)
				early = i;
		}
		if (answer == CLOSE &&
			(close == HISTORY_NOBODY || operations[i].begin < operations[close].begin))
			close = i;
		if (answer == ENDED &&
			(ended == HISTORY_NOBODY || operations[i].end < operations[ended].end))
			ended = i;
		if (answer == SENT &&
			(last == HISTORY_NOBODY ||
				received_in(history, i).begin > received_in(history, last).begin))
			last = i;
	}
	work->closed = history->ticks;
	if (early == HISTORY_NOBODY)
		return (struct finding){ 0 };
	work->closed = operations[early].end;
	if (close == HISTORY_NOBODY || operations[close].begin > work->closed)
		return found_wrong(WRONG_CLOSE, early, close);
	if (late != HISTORY_NOBODY && operations[late].begin > work->closed) {
		struct finding found = found_wrong(WRONG_CLOSE, late, early);
		if (close != early)
			add(&found, close);
		return found;
	}
	if (ended != HISTORY_NOBODY && last != HISTORY_NOBODY &&
		received_in(history, last).begin > operations[ended].end) {
		struct finding found = found_wrong(LEFT, ended, HISTORY_NOBODY);
		add_message(history, &found, last);
		return found;
	}
	return (struct finding){ 0 };
}

struct finding history_check(struct history *history)
{
	struct finding (*const checks[])(const struct history *) = {
		check_messages,
		check_close,
		check_order,
		check_room,
	};
	struct finding found = { 0 };
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && found.wrong == NOTHING; i++)
		found = checks[i](history);
	return found;
}

/* ---------------------------------------------------------------- in words -- */

const char *history_wrong(enum wrong wrong)
{
	static const char *const words[] = {
		[NOTHING] = "nothing wrong",
		[FORGED] = "received, and never sent",
		[TWICE] = "received twice",
		[EARLY] = "received before it was sent",
		[WRONG_CLOSE] = "answered on the wrong side of the close",
		[LEFT] = "told the end, and not everything was received",
		[ORDER] = "received in another order than sent",
		[NOT_EMPTY] = "told \"empty\", and there was always a message inside",
		[OVERFULL] = "more messages inside than there are cells",
		[NOT_FULL] = "told \"full\", and there was always a cell to spare",
	};
	return words[wrong];
}

static int earlier(const void *a, const void *b)
{
	const struct operation *left = *(const struct operation *const *)a;
	const struct operation *right = *(const struct operation *const *)b;
	return (left->begin > right->begin) - (left->begin < right->begin);
}

void history_print(const struct history *history, const struct finding *found)
{
	static const char *const words[] = {
		[SENT] = "sent",
		[RECEIVED] = "received",
		[FULL] = "full",
		[EMPTY] = "empty",
		[REFUSED] = "refused",
		[ENDED] = "ended",
		[CLOSE] = "close",
	};
	const struct operation *operations[HISTORY_SHORT];
	for (uint32_t i = 0; i < found->count; i++)
		operations[i] = &history->operations[found->operations[i]];
	qsort(operations, found->count, sizeof(operations[0]), earlier);
	fprintf(stderr, "%s; %" PRIu32 " cells, %" PRIu32 " ticks:\n", history_wrong(found->wrong),
		history->cells, history->ticks);
	for (uint32_t i = 0; i < found->count; i++) {
		const struct operation *operation = operations[i];
		uint32_t index = (uint32_t)(operation - history->operations);
		fprintf(stderr, "  %10" PRIu32 " ... %10" PRIu32 "  thread %2" PRIu32 "  %s",
			operation->begin, operation->end, index / history->slice,
			words[operation->answer]);
		if (operation->answer == SENT || operation->answer == RECEIVED)
			fprintf(stderr, " %" PRIu32 ":%" PRIu32,
				operation->message / history->slice,
				operation->message % history->slice);
		fprintf(stderr, "\n");
	}
}

void history_print_all(const struct history *history)
{
	struct finding all = { .wrong = NOTHING };
	history_each(i, history)
		if (all.count < HISTORY_SHORT)
			all.operations[all.count++] = i;
	history_print(history, &all);
}
