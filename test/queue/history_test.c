/* SPDX-License-Identifier: MIT */
/*
 * The two judges of histories against each other: history_check(), which is fast, and
 * history_search(), which tries everything.
 *
 * Threads are played on a queue that is right, step by step in random order. Both
 * judges must accept what that gives. Then the history is spoiled in a few places,
 * which makes most of them impossible. Where the fast one is said to be exact, both must
 * still judge alike: with cells to spare, and batches on one side at most. Otherwise,
 * what it rejects must be impossible, and it must not miss much. What it makes of FULL
 * is shown by examples.
 */
#include "queue/history.h"
#include "stress.h"

#define THREADS 4
#define CALLS 3 /* of a thread, at most */
#define BATCH 2
#define SLICE (CALLS * BATCH)
#define MANY 12    /* cells */
#define GAMES 5000 /* at least */

enum phase {
	IDLE,
	CALLED,
	HOLDING, /* a cell: claimed and not filled yet, or emptied and not given back */
	ANSWERED
};

struct player {
	enum phase phase;
	uint32_t thread;
	uint32_t calls; /* to come */
	bool sending;
	uint32_t wanted; /* messages of this call to come */
	uint32_t begin, first;
};

struct game {
	struct player players[THREADS];
	uint32_t queue[THREADS * SLICE];
	uint32_t head, tail;
	uint32_t taken; /* cells */
	bool closed;
};

static struct history history;

static void record(const struct player *player, enum answer answer, uint32_t message)
{
	uint32_t i = player->thread * SLICE + history.used[player->thread]++;
	history.operations[i] = (struct operation){
		.begin = player->begin,
		.answer = answer,
		.message = answer == SENT ? i : message,
	};
}

static void fill_cell(struct game *game, struct player *player)
{
	game->queue[game->tail++] = player->thread * SLICE + history.used[player->thread];
	record(player, SENT, 0);
	player->phase = --player->wanted > 0 ? CALLED : ANSWERED;
}

static void step_send(struct game *game, struct player *player)
{
	bool none = history.used[player->thread] == player->first;
	if (player->phase == HOLDING) {
		fill_cell(game, player);
	} else if (game->closed || game->taken == history.cells) {
		if (none)
			record(player, game->closed ? REFUSED : FULL, 0);
		player->phase = ANSWERED;
	} else {
		game->taken++;
		player->phase = HOLDING;
	}
}

static void step_receive(struct game *game, struct player *player)
{
	bool none = history.used[player->thread] == player->first;
	if (player->phase == HOLDING) {
		game->taken--;
		player->phase = --player->wanted > 0 ? CALLED : ANSWERED;
	} else if (game->head == game->tail) {
		if (none)
			record(player, game->closed ? ENDED : EMPTY, 0);
		player->phase = ANSWERED;
	} else {
		record(player, RECEIVED, game->queue[game->head++]);
		player->phase = HOLDING;
	}
}

static void step_close(struct game *game, struct player *player)
{
	/* Who has claimed a cell by now will fill it: before, as it were. */
	for (uint32_t i = 0; i < THREADS; i++)
		if (game->players[i].phase == HOLDING && game->players[i].sending)
			fill_cell(game, &game->players[i]);
	game->closed = true;
	record(player, CLOSE, 0);
	player->phase = ANSWERED;
}

static void step(struct game *game, struct player *player, struct dice *dice)
{
	uint32_t thread = player->thread;
	switch (player->phase) {
	case IDLE:
		player->begin = history.ticks;
		player->first = history.used[thread];
		player->sending = dice_throw(dice, 2) == 0;
		player->wanted = 1 + (dice_throw(dice, 3) == 0);
		player->phase = CALLED;
		player->calls--;
		break;
	case CALLED:
	case HOLDING:
		if (player->phase == CALLED && history.used[thread] == player->first &&
			dice_throw(dice, 30) == 0)
			step_close(game, player);
		else if (player->sending)
			step_send(game, player);
		else
			step_receive(game, player);
		break;
	case ANSWERED:
		for (uint32_t i = player->first; i < history.used[thread]; i++)
			history.operations[thread * SLICE + i].end = history.ticks;
		history.ticks++;
		player->phase = IDLE;
		break;
	}
}

static void play(struct dice *dice)
{
	struct game game = { .taken = 0 };
	struct player *going[THREADS];
	uint32_t count = history.threads;
	history.ticks = 0;
	for (uint32_t i = 0; i < count; i++) {
		history.used[i] = 0;
		going[i] = &game.players[i];
		*going[i] = (struct player){ .thread = i, .calls = 1 + dice_throw(dice, CALLS) };
	}
	while (count > 0) {
		uint32_t i = dice_throw(dice, count);
		step(&game, going[i], dice);
		if (going[i]->phase == IDLE && going[i]->calls == 0)
			going[i] = going[--count];
	}
}

/* ------------------------------------------------------------------ spoiling -- */

static uint32_t any_operation(struct dice *dice)
{
	uint32_t count = 0, chosen = 0;
	history_each(i, &history)
		if (dice_throw(dice, ++count) == 0)
			chosen = i;
	return chosen;
}

static uint32_t any_received(struct dice *dice)
{
	uint32_t chosen = HISTORY_NOBODY;
	for (int tries = 0; tries < 20 && chosen == HISTORY_NOBODY; tries++) {
		uint32_t i = any_operation(dice);
		if (history.operations[i].answer == RECEIVED)
			chosen = i;
	}
	return chosen;
}

/* A batch has one begin and one end. */
static void shorten(struct dice *dice, uint32_t i)
{
	while (history_same_batch(&history, i))
		i--;
	struct operation was = history.operations[i];
	uint32_t begin = was.begin + dice_throw(dice, was.end - was.begin + 1);
	uint32_t end = begin + dice_throw(dice, was.end - begin + 1);
	uint32_t last = i;
	while (history_skip(&history, last + 1) == last + 1 &&
		history_same_batch(&history, last + 1))
		last++;
	for (; i <= last; i++) {
		history.operations[i].begin = begin;
		history.operations[i].end = end;
	}
}

static void spoil(struct dice *dice)
{
	static const enum answer answers[] = { SENT, RECEIVED, FULL, EMPTY, EMPTY, REFUSED, ENDED,
		CLOSE };
	uint32_t i = any_operation(dice), a = any_received(dice), b = any_received(dice);
	switch (dice_throw(dice, 8)) {
	case 0: /* another answer */
		if (history_same_batch(&history, i) ||
			(history_skip(&history, i + 1) == i + 1 &&
				history_same_batch(&history, i + 1)))
			break; /* the answers of a batch are all the same */
		history.operations[i].answer = answers[dice_throw(dice, 8)];
		history.operations[i].message = i;
		if (history.operations[i].answer == RECEIVED)
			history.operations[i].message = any_operation(dice);
		break;
	case 1: /* another message */
		if (a != HISTORY_NOBODY)
			history.operations[a].message =
				dice_throw(dice, 8) == 0 ? HISTORY_NOBODY : any_operation(dice);
		break;
	case 2: /* swapped messages */
		if (a != HISTORY_NOBODY && b != HISTORY_NOBODY) {
			uint32_t message = history.operations[a].message;
			history.operations[a].message = history.operations[b].message;
			history.operations[b].message = message;
		}
		break;
	default:
		shorten(dice, i);
		break;
	}
}

/* ------------------------------------------------------------------- judging -- */

static uint64_t judged[NOT_FULL + 1], impossible, missed;

static bool is_exact(void)
{
	uint32_t sent = 0;
	bool batches[CLOSE + 1] = { false };
	history_each(i, &history) {
		enum answer answer = history.operations[i].answer;
		sent += answer == SENT;
		batches[answer] |= history_same_batch(&history, i);
	}
	return sent < history.cells && !(batches[SENT] && batches[RECEIVED]);
}

static void judge(bool spoilt)
{
	struct finding found = history_check(&history);
	bool possible = history_search(&history), exact = is_exact();
	CHECK(spoilt || possible, "of a right queue");
	CHECK(found.wrong == NOTHING || !possible, "%s: but it is possible",
		history_wrong(found.wrong));
	CHECK(found.wrong != NOTHING || possible || !exact, "nothing wrong: but it is impossible");
	if (stress_failures > 0) {
		history_print(&history, &found);
		history_print_all(&history);
	}
	judged[found.wrong]++;
	if (!exact) {
		impossible += !possible;
		missed += !possible && found.wrong == NOTHING;
	}
}

/* ------------------------------------------------------------------ examples -- */

static struct history example;

static void do_alone(enum answer answer, uint32_t message, uint32_t quarantined)
{
	example.operations[example.used[0]++] = (struct operation){
		.begin = example.ticks,
		.end = example.ticks,
		.message = message,
		.quarantined = quarantined,
		.answer = answer,
	};
	example.ticks++;
}

/* One thread sends so many messages, and is told "full". */
static void check_cells(uint32_t cells)
{
	for (uint32_t sent = 0; sent < cells + 2; sent++) {
		example = (struct history){ .operations = example.operations,
			.workspace = example.workspace,
			.threads = 1,
			.slice = example.slice,
			.cells = cells,
			.full = cells };
		for (uint32_t i = 0; i < sent; i++)
			do_alone(SENT, 0, 0);
		do_alone(FULL, 0, 0);
		enum wrong wrong = history_check(&example).wrong;
		CHECK(wrong ==
				(sent < cells                  ? NOT_FULL
						: sent > cells ? OVERFULL
							       : NOTHING),
			"%" PRIu32 " messages, %" PRIu32 " cells: %s", sent, cells,
			history_wrong(wrong));
	}
}

/* Both cells of a queue were quarantined beside the first send; so many messages later
 * it is empty, and "full". */
static void check_holes(uint32_t messages, enum wrong wanted)
{
	example = (struct history){ .operations = example.operations,
		.workspace = example.workspace,
		.threads = 1,
		.slice = example.slice,
		.cells = 2,
		.full = 2,
		.quarantined = 2 };
	do_alone(SENT, 0, 0);
	do_alone(RECEIVED, 0, 2);
	for (uint32_t i = 0; i < messages; i++) {
		do_alone(SENT, 0, 2);
		do_alone(RECEIVED, example.used[0] - 1, 2);
	}
	do_alone(FULL, 0, 2);
	enum wrong wrong = history_check(&example).wrong;
	CHECK(wrong == wanted, "%" PRIu32 " messages: %s", messages, history_wrong(wrong));
}

/* A receive holds two cells until tick 5, at 2 there is a "full". That it was skipped
 * for one of them is known by then; for the other, it is counted by an operation
 * that begins at this tick. */
static void check_late_count(uint32_t begin, enum wrong wanted)
{
	const struct operation operations[3][3] = {
		{ { 0, 5, 0, 0, EMPTY }, { 6, 6, 0, 1, EMPTY }, { 10, 10, 0, 2, EMPTY } },
		{ { 1, 1, 0, 0, EMPTY }, { begin, 8, 0, 1, EMPTY }, { 9, 9, 0, 2, EMPTY } },
		{ { 2, 2, 0, 1, FULL }, { 3, 4, 0, 1, EMPTY }, { 7, 7, 0, 1, EMPTY } },
	};
	example = (struct history){ .operations = example.operations,
		.workspace = example.workspace,
		.threads = 3,
		.slice = 3,
		.cells = 2,
		.full = 2,
		.quarantined = 2,
		.used = { 3, 3, 3 },
		.ticks = 11 };
	memcpy(example.operations, operations, sizeof(operations));
	enum wrong wrong = history_check(&example).wrong;
	CHECK(wrong == wanted, "counted since %" PRIu32 ": %s", begin, history_wrong(wrong));
}

static void check_examples(void)
{
	history_init(&example, 1, 100);
	check_cells(2);
	check_cells(4);
	check_holes(0, NOTHING);
	check_holes(3, NOTHING);
	check_holes(40, NOT_FULL);
	check_late_count(4, NOTHING);
	check_late_count(6, NOT_FULL);
	history_fini(&example);
}

int main(int argc, char **argv)
{
	stress_begin("history_test", argc, argv);
	struct dice dice = dice_of(0);
	check_examples();
	history_init(&history, THREADS, SLICE);
	for (int games = 0; stress_failures == 0 && (games < GAMES || stress_goes_on()); games++) {
		history.threads = 2 + dice_throw(&dice, THREADS - 1);
		history.cells = dice_throw(&dice, 3) > 0 ? MANY : 1 + dice_throw(&dice, 3);
		history.full = history.cells;
		play(&dice);
		judge(false);
		for (uint32_t i = 0; i < 6 && stress_failures == 0; i++) {
			spoil(&dice);
			judge(true);
		}
		stress_alive();
	}
	for (enum wrong wrong = NOTHING; wrong <= NOT_FULL; wrong++) {
		printf("%10" PRIu64 " %s\n", judged[wrong], history_wrong(wrong));
		CHECK(judged[wrong] > 0 || stress_failures > 0, "never %s", history_wrong(wrong));
	}
	printf("missed %" PRIu64 " of %" PRIu64 ", where it is not exact\n", missed, impossible);
	CHECK(20 * missed < impossible, "too many");
	history.threads = THREADS;
	history_fini(&history);
	return stress_end();
}
