/* SPDX-License-Identifier: MIT */
/*
 * test/sched/judge.c: what it finds possible and impossible.
 *
 * Histories by hand, each with the reason. Then short random ones, that a
 * reference judges as well, which tries all orders. MAGRING_STRESS_SEED is a
 * seed of others. Then long ones, always the same, which must not take many
 * states.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge.h"
#include "judge_reference.h"

static struct judge_history history;

static void given_capacity(size_t capacity)
{
	history = (struct judge_history){ .capacity = capacity };
}

/* A call that comes after these. Returns the set of it alone. */
static uint64_t add(enum judge_kind kind, int result, uint64_t value, uint64_t before)
{
	cr_assert(history.count < JUDGE_CALLS);
	history.calls[history.count] = (struct judge_call){
		.kind = kind,
		.result = result,
		.value = value,
		.before = before,
	};
	return (uint64_t)1 << history.count++;
}

static uint64_t sent(uint64_t value, uint64_t before)
{
	return add(JUDGE_SEND, 0, value, before);
}

static uint64_t received(uint64_t value, uint64_t before)
{
	return add(JUDGE_RECV, 0, value, before);
}

static uint64_t full(uint64_t before)
{
	return add(JUDGE_SEND, -EAGAIN, 1000, before);
}

static uint64_t empty(uint64_t before)
{
	return add(JUDGE_RECV, -EAGAIN, 0, before);
}

static uint64_t refused(uint64_t before)
{
	return add(JUDGE_SEND, -EPIPE, 2000, before);
}

static uint64_t told_the_end(uint64_t before)
{
	return add(JUDGE_RECV, -EPIPE, 0, before);
}

static uint64_t closed(uint64_t before)
{
	return add(JUDGE_CLOSE, 0, 0, before);
}

static uint64_t stopped_send(uint64_t value, uint64_t before)
{
	return add(JUDGE_SEND, 1, value, before);
}

static uint64_t stopped_recv(uint64_t before)
{
	return add(JUDGE_RECV, 1, 0, before);
}

static struct judge_call *last(void)
{
	return &history.calls[history.count - 1];
}

static void forget_last(void)
{
	history.count--;
}

static void assert_judged(bool possible, int line)
{
	bool judged = judge(&history);
	if (judged != possible)
		judge_print(&history);
	cr_assert(judged == possible, "line %d: judged %s", line,
		judged ? "possible" : "impossible");
}

#define possible() assert_judged(true, __LINE__)
#define impossible() assert_judged(false, __LINE__)

/* ---------------------------------------------------------------- by hand -- */

Test(judge, messages_leave_in_the_order_of_sends_that_do_not_overlap)
{
	given_capacity(4);
	uint64_t first = sent(1, 0), second = sent(2, first);
	uint64_t other = received(2, second);
	received(1, 0);
	possible(); /* the receives overlap */
	last()->before = other;
	impossible();
	history.calls[1].before = 0;
	possible(); /* now the sends overlap */
}

Test(judge, an_order_that_follows_from_others_counts)
{
	given_capacity(4);
	uint64_t first = sent(1, 0), second = sent(2, first), third = sent(3, second);
	uint64_t other = received(3, third);
	received(1, other);
	impossible();
}

Test(judge, four_messages_in_a_circle_are_impossible)
{
	given_capacity(4);
	sent(2, sent(1, 0));
	sent(4, sent(3, 0));
	received(3, received(2, 0));
	uint64_t fourth = received(4, 0);
	received(1, 0);
	possible();
	last()->before = fourth;
	impossible(); /* 1, 2, 3, 4, 1 */
}

Test(judge, a_message_is_received_after_its_send_begins)
{
	given_capacity(4);
	uint64_t early = received(1, 0);
	sent(1, 0);
	possible();
	last()->before = early;
	impossible();
}

Test(judge, a_batch_is_received_in_its_order)
{
	given_capacity(4);
	uint64_t first = sent(1, 0);
	sent(2, first);
	last()->batched = true;
	uint64_t taken = received(2, 0);
	received(1, taken);
	last()->batched = true;
	impossible();
	history.calls[2].value = 1;
	history.calls[3].value = 2;
	possible();
}

Test(judge, a_message_between_those_of_a_batch_is_possible)
{
	given_capacity(4);
	uint64_t first = sent(1, 0);
	sent(2, first);
	last()->batched = true;
	sent(3, 0);
	received(2, received(3, received(1, 0)));
	possible();
	history.calls[2].before = history.calls[1].before << 1 | 1;
	impossible(); /* after both of the batch */
}

Test(judge, a_queue_with_a_message_is_not_empty)
{
	given_capacity(4);
	uint64_t send = sent(1, 0);
	uint64_t told = empty(send);
	impossible(); /* it is not received at all */
	received(1, 0);
	possible(); /* it was received before */
	last()->before = told;
	impossible(); /* it is received later */
	history.calls[1].before = 0;
	possible(); /* it was not sent yet */
}

Test(judge, a_queue_with_room_is_not_full)
{
	given_capacity(2);
	uint64_t first = sent(1, 0);
	full(first);
	impossible();
	forget_last();
	uint64_t second = sent(2, 0);
	uint64_t told = full(first);
	possible();
	history.calls[1].before = told;
	impossible(); /* the second is sent too late */
	history.calls[1].before = 0;
	received(1, second);
	possible();
	history.calls[2].before |= (uint64_t)1 << 3;
	impossible(); /* the first has left */
}

Test(judge, a_full_queue_takes_no_message)
{
	given_capacity(1);
	uint64_t first = sent(1, 0), second = sent(2, 0);
	received(1, first);
	possible();
	last()->before |= second;
	impossible();
	history.capacity = 2;
	possible();
}

Test(judge, a_receive_takes_up_its_place_until_it_ends)
{
	given_capacity(1);
	uint64_t send = sent(1, 0);
	uint64_t receive = received(1, send);
	uint64_t told = empty(send);
	full(told);
	possible();
	last()->before |= receive;
	impossible();
	last()->before &= ~receive;
	uint64_t witness = empty(receive);
	last()[-1].before |= witness;
	impossible(); /* something began after the receive, and ended before */
	history.capacity = 2;
	last()[-1].before = told;
	impossible(); /* one place of two */
}

Test(judge, a_receive_before_a_send_takes_up_no_place_for_it)
{
	given_capacity(2);
	sent(1, 0);
	uint64_t first = received(1, 0), second = received(2, sent(2, 0));
	sent(3, second);
	full(0);
	possible(); /* 1 and 2 */
	last()->before = first;
	impossible(); /* 2 or 3 */
}

Test(judge, receives_of_a_batch_end_together)
{
	given_capacity(2);
	uint64_t second = sent(2, sent(1, 0));
	uint64_t taken = received(1, second);
	uint64_t end = taken | received(2, taken);
	uint64_t told = empty(second);
	full(told);
	impossible(); /* the first has ended when the second begins */
	history.calls[3].batched = true;
	possible();
	last()->before |= end;
	impossible();
}

Test(judge, a_refusal_needs_a_close)
{
	given_capacity(4);
	refused(0);
	impossible();
	uint64_t close = closed(0);
	possible();
	last()->before = 1;
	impossible(); /* the close began later */
	last()->before = 0;
	history.calls[0].before = close;
	possible();
	last()->result = 1;
	possible(); /* a thread that has stopped has closed it */
	last()->before = 1;
	history.calls[0].before = 0;
	impossible();
}

Test(judge, a_close_refuses_sends_for_ever)
{
	given_capacity(4);
	uint64_t close = closed(0);
	sent(1, 0);
	possible();
	last()->before = close;
	impossible();
	last()->before = 0;
	uint64_t told = refused(0);
	possible();
	history.calls[1].before = told;
	impossible();
}

Test(judge, a_closed_queue_is_not_called_full)
{
	given_capacity(1);
	uint64_t send = sent(1, 0), close = closed(send);
	uint64_t told = full(send);
	possible(); /* before the close */
	last()->before |= close;
	impossible();
	last()->before &= ~close;
	history.calls[1].before |= told;
	possible();
}

Test(judge, a_closed_queue_is_not_called_empty)
{
	given_capacity(1);
	uint64_t close = closed(0);
	empty(0);
	possible(); /* before the close */
	last()->before = close;
	impossible();
	last()->result = -EPIPE;
	possible();
}

Test(judge, closing_twice_is_harmless)
{
	given_capacity(4);
	uint64_t send = sent(1, 0);
	uint64_t close = closed(closed(send));
	told_the_end(received(1, close));
	refused(close);
	possible();
	sent(2, 0);
	received(2, 0);
	possible(); /* before both */
	history.calls[history.count - 2].before = (uint64_t)1 << 1;
	impossible(); /* after the first */
}

Test(judge, the_end_comes_after_all_messages)
{
	given_capacity(4);
	uint64_t send = sent(1, 0), close = closed(send);
	uint64_t told = told_the_end(close);
	impossible(); /* a message is left */
	received(1, 0);
	possible();
	last()->before = told;
	impossible(); /* a message comes after the end */
	forget_last();
	stopped_recv(0);
	possible(); /* a thread that has stopped has it */
	last()->before = told;
	impossible();
}

Test(judge, the_end_is_not_told_before_the_close)
{
	given_capacity(4);
	uint64_t told = told_the_end(0);
	impossible();
	closed(0);
	possible();
	last()->before = told;
	impossible();
}

Test(judge, a_message_is_not_lost)
{
	given_capacity(4);
	uint64_t first = sent(1, 0), second = sent(2, first);
	received(2, second);
	impossible();
	history.calls[1].before = 0;
	possible(); /* the first may still be inside */
	empty(first | second);
	impossible(); /* or not */
}

Test(judge, a_message_is_received_once)
{
	given_capacity(4);
	sent(1, 0);
	uint64_t receive = received(1, 0);
	possible();
	received(1, receive);
	impossible();
	last()->before = 0;
	impossible();
}

Test(judge, only_what_was_sent_is_received)
{
	given_capacity(4);
	received(1, 0);
	impossible();
	sent(2, 0);
	impossible();
	last()->value = 1;
	possible();
	last()->result = -EAGAIN;
	history.capacity = 0;
	impossible(); /* it was not sent: the queue was full */
	history.capacity = 4;
	last()->result = -EPIPE;
	closed(0);
	impossible();
}

Test(judge, a_stopped_send_has_sent_or_has_not)
{
	given_capacity(4);
	uint64_t send = sent(1, 0);
	uint64_t stopped = stopped_send(2, send);
	uint64_t receive = received(1, send);
	empty(receive);
	possible(); /* not, or not yet */
	uint64_t taken = received(2, 0);
	possible(); /* it has, and the queue was empty before or after */
	empty(taken);
	possible();
	history.calls[1].before |= taken;
	impossible(); /* it began after its message was received */
	cr_assert_eq(stopped, (uint64_t)1 << 1);
}

Test(judge, a_stopped_send_may_fill_the_queue)
{
	given_capacity(2);
	uint64_t send = sent(1, 0);
	full(send);
	impossible();
	stopped_send(2, send);
	possible();
	history.capacity = 3;
	impossible();
}

Test(judge, a_stopped_batch_has_sent_its_first_messages)
{
	given_capacity(4);
	uint64_t first = stopped_send(1, 0);
	stopped_send(2, first);
	last()->batched = true;
	received(1, 0);
	possible();
	last()->value = 2;
	impossible(); /* the first is in the way */
	received(1, 0);
	possible();
	forget_last();
	stopped_recv(0);
	possible();
}

Test(judge, a_stopped_receive_has_a_message_or_has_none)
{
	given_capacity(4);
	uint64_t first = sent(1, 0), second = sent(2, first);
	stopped_recv(0);
	uint64_t receive = received(2, second);
	possible(); /* it has the first */
	history.calls[2].before = receive;
	impossible(); /* it began too late */
	history.calls[2].before = 0;
	received(1, 0);
	possible(); /* it has none */
	history.calls[4].before = receive;
	impossible();
}

Test(judge, a_stopped_receive_has_one_message)
{
	given_capacity(4);
	uint64_t third = sent(3, sent(2, sent(1, 0)));
	stopped_recv(0);
	received(3, third);
	impossible();
	stopped_recv(0);
	possible();
}

Test(judge, a_stopped_receive_takes_up_its_place_for_ever)
{
	given_capacity(1);
	uint64_t send = sent(1, 0);
	uint64_t stopped = stopped_recv(send);
	uint64_t told = empty(send);
	full(told);
	possible();
	full(told);
	possible();
	history.capacity = 2;
	impossible();
	history.capacity = 1;
	last()->before |= stopped;
	possible(); /* not even then is it ended */
}

Test(judge, no_call_is_possible)
{
	given_capacity(1);
	possible();
}

/* ------------------------------------------------------------------ print -- */

/* What is printed, up to `size`. */
static void printed(char *text, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	cr_assert(file != NULL && saved >= 0);
	fflush(stderr);
	cr_assert_geq(dup2(fileno(file), STDERR_FILENO), 0);
	judge_print(&history);
	fflush(stderr);
	cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
	close(saved);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

Test(judge, a_history_is_printed_with_a_call_on_each_line)
{
	char text[1024];
	given_capacity(3);
	uint64_t first = sent(11, 0), second = sent(22, first);
	last()->batched = true;
	received(11, 0);
	last()->thread = 7;
	full(first | second);
	empty(0);
	told_the_end(0);
	stopped_recv(0);
	closed(0);
	printed(text, sizeof(text));
	cr_assert_str_eq(text,
		"8 calls, capacity 3\n"
		"  0  thread 0  send        11  done\n"
		"  1  thread 0  send        22  done, batched, after 0\n"
		"  2  thread 7  recv        11  done\n"
		"  3  thread 0  send      1000  full, after 0 1\n"
		"  4  thread 0  recv            empty\n"
		"  5  thread 0  recv            closed\n"
		"  6  thread 0  recv            not ended\n"
		"  7  thread 0  close           done\n");
}

/* ------------------------------------------------------------------- play -- */

static uint64_t dice_state;

static void dice_begin(uint64_t seed)
{
	dice_state = seed << 32;
}

/* Splitmix64. */
static unsigned int dice(unsigned int sides)
{
	uint64_t z = dice_state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (unsigned int)((z >> 32) * sides >> 32);
}

#define PLAYERS 6

enum phase { IDLE, CALLED, ANSWERED, STOPPED };

struct player {
	enum phase phase;
	enum judge_kind kind;
	unsigned int thread, wanted;
	uint64_t before, calls; /* calls of history: ended at the begin; of this call */
};

struct rules {
	size_t calls;
	unsigned int players;
	bool stops, closes;
	bool sides;        /* even threads send, odd ones receive */
	unsigned int slow; /* so many throws for an end of a call */
};

/* A right queue, on which threads are played step by step. */
static struct game {
	struct rules rules;
	struct player players[PLAYERS];
	uint64_t values[JUDGE_CALLS];
	size_t first, next, left;
	size_t pending;
	uint64_t ended;
	bool closed;
} game;

static void record(struct player *player, int result, uint64_t value)
{
	bool batched = player->calls != 0;
	player->calls |= add(player->kind, result, value, player->before | player->calls);
	last()->thread = player->thread;
	last()->batched = batched;
}

static uint64_t new_value(void)
{
	return 100 + history.count;
}

static void begin_call(struct player *player)
{
	player->kind = game.rules.sides ? (player->thread % 2 ? JUDGE_RECV : JUDGE_SEND)
		: dice(2)               ? JUDGE_SEND
					: JUDGE_RECV;
	if (game.rules.closes && dice(12) == 0)
		player->kind = JUDGE_CLOSE;
	player->wanted = player->kind != JUDGE_CLOSE && game.left > 1 && dice(4) == 0 ? 2 : 1;
	game.left -= player->wanted;
	player->before = game.ended;
	player->calls = 0;
	player->phase = CALLED;
}

/* Returns false if it is the last of this call. */
static bool step_send(struct player *player)
{
	size_t messages = game.next - game.first;
	bool none = messages >= history.capacity ||
		(messages + game.pending >= history.capacity && dice(2));
	if (game.closed || none) {
		if (player->calls == 0)
			record(player, game.closed ? -EPIPE : -EAGAIN, new_value());
		return false;
	}
	game.values[game.next++] = new_value();
	record(player, 0, new_value());
	return --player->wanted > 0;
}

static bool step_receive(struct player *player)
{
	if (game.first == game.next) {
		if (player->calls == 0)
			record(player, game.closed ? -EPIPE : -EAGAIN, 0);
		return false;
	}
	record(player, 0, game.values[game.first++]);
	game.pending++;
	return --player->wanted > 0;
}

static void step_call(struct player *player)
{
	bool more = false;
	if (player->kind == JUDGE_CLOSE) {
		game.closed = true;
		record(player, 0, 0);
	} else {
		more = player->kind == JUDGE_SEND ? step_send(player) : step_receive(player);
	}
	player->phase = more ? CALLED : ANSWERED;
}

static void end_call(struct player *player)
{
	for (size_t i = 0; i < history.count; i++)
		if (player->calls >> i & 1)
			game.pending -=
				history.calls[i].kind == JUDGE_RECV && history.calls[i].result == 0;
	game.ended |= player->calls;
	player->phase = IDLE;
}

static void stop_call(struct player *player)
{
	if (player->calls == 0)
		record(player, 1, new_value());
	for (size_t i = 0; i < history.count; i++)
		if (player->calls >> i & 1)
			history.calls[i].result = 1;
	player->phase = STOPPED;
}

static bool is_finished(const struct player *player)
{
	return player->phase == STOPPED || (player->phase == IDLE && game.left == 0);
}

static void step(struct player *player)
{
	if (player->phase == IDLE)
		begin_call(player);
	else if (player->phase != STOPPED && game.rules.stops && dice(20) == 0)
		stop_call(player);
	else if (player->phase == CALLED)
		step_call(player);
	else if (player->phase == ANSWERED && dice(game.rules.slow) == 0)
		end_call(player);
}

static uint64_t moved(uint64_t set, const size_t *place)
{
	uint64_t result = 0;
	for (size_t i = 0; i < JUDGE_CALLS; i++)
		if (set >> i & 1)
			result |= (uint64_t)1 << place[i];
	return result;
}

/* The order of the game is not to be seen: calls by thread. */
static void sort_by_thread(void)
{
	static struct judge_history was;
	size_t place[JUDGE_CALLS], next = 0;
	was = history;
	for (unsigned int thread = 0; thread < PLAYERS; thread++)
		for (size_t i = 0; i < was.count; i++)
			if (was.calls[i].thread == thread)
				place[i] = next++;
	for (size_t i = 0; i < was.count; i++) {
		history.calls[place[i]] = was.calls[i];
		history.calls[place[i]].before = moved(was.calls[i].before, place);
	}
}

static void play(size_t capacity, struct rules rules)
{
	unsigned int finished = 0;
	given_capacity(capacity);
	game = (struct game){ .rules = rules, .left = rules.calls };
	for (unsigned int i = 0; i < rules.players; i++)
		game.players[i].thread = i;
	while (finished < rules.players) {
		struct player *player = &game.players[dice(rules.players)];
		if (!is_finished(player))
			step(player);
		finished = 0;
		for (unsigned int i = 0; i < rules.players; i++)
			finished += is_finished(&game.players[i]);
	}
	sort_by_thread();
}

/* ----------------------------------------------------------------- random -- */

static void spoil_result(struct judge_call *call)
{
	static const int results[] = { 0, 1, -EAGAIN, -EPIPE };
	call->result = results[dice(call->kind == JUDGE_CLOSE ? 2 : 4)];
}

static void spoil(void)
{
	unsigned int count = (unsigned int)history.count;
	struct judge_call *call = &history.calls[dice(count)], *other = &history.calls[dice(count)];
	uint64_t value = call->value;
	switch (dice(6)) {
	case 0:
		spoil_result(call);
		break;
	case 1:
		if (call->kind == other->kind) {
			call->value = other->value;
			other->value = value;
		}
		break;
	case 2:
		if (call->kind == JUDGE_RECV)
			call->value = other->value;
		break;
	case 3:
		call->before |= (uint64_t)1 << (other - history.calls);
		break;
	case 4:
		history.capacity += dice(2) ? 1u : history.capacity > 1 ? -(size_t)1 : 0u;
		break;
	default:
		call->before &= ~((uint64_t)1 << dice(count));
		break;
	}
}

#define GAMES 30000

Test(judge, short_histories_are_judged_as_the_reference_does)
{
	unsigned int counts[2] = { 0 }, stopped[2] = { 0 }, spoilt[2] = { 0 };
	const char *seed = getenv("MAGRING_STRESS_SEED");
	dice_begin(seed != NULL ? strtoull(seed, NULL, 0) : 1);
	for (int games = 0; games < GAMES; games++) {
		struct rules rules = { .calls = 3 + dice(JUDGE_SHORT - 2),
			.players = 2 + dice(3),
			.stops = dice(2),
			.closes = dice(2),
			.slow = 1 + dice(4) };
		unsigned int spoils = dice(8);
		play(1 + dice(3), rules);
		for (unsigned int i = 0; i < spoils; i++)
			spoil();
		bool wanted = judge_by_reference(&history), judged = judge(&history);
		if (wanted != judged)
			judge_print(&history);
		cr_assert(wanted == judged, "game %d: judged %s", games,
			judged ? "possible" : "impossible");
		cr_assert(wanted || spoils > 0, "game %d: of a right queue", games);
		counts[wanted]++;
		spoilt[wanted] += spoils > 0;
		for (size_t i = 0; i < history.count; i++)
			if (history.calls[i].result == 1) {
				stopped[wanted]++;
				break;
			}
	}
	fprintf(stderr, "%u possible (%u spoilt, %u with stopped threads), %u impossible (%u)\n",
		counts[1], spoilt[1], stopped[1], counts[0], stopped[0]);
	cr_assert_geq(counts[1], GAMES / 4);
	cr_assert_geq(counts[0], GAMES / 4);
	cr_assert_geq(spoilt[1], GAMES / 10);
	cr_assert_geq(stopped[1], GAMES / 20);
	cr_assert_geq(stopped[0], GAMES / 20);
}

/* ------------------------------------------------------------------- long -- */

/* Only calls of one thread do not overlap. */
static void overlap_all(void)
{
	for (size_t i = 0; i < history.count; i++) {
		uint64_t own = 0;
		for (size_t k = 0; k < i; k++)
			if (history.calls[k].thread == history.calls[i].thread)
				own |= (uint64_t)1 << k;
		history.calls[i].before = own;
	}
}

static void assert_few_states(struct rules rules, bool overlapping, uint64_t limit)
{
	uint64_t most = 0, all = 0;
	for (int games = 0; games < 2000; games++) {
		play((size_t)1 << games % 4, rules);
		if (overlapping)
			overlap_all();
		possible();
		most = judge_states() > most ? judge_states() : most;
		all += judge_states();
	}
	fprintf(stderr, "%zu calls: %" PRIu64 " states at most, %" PRIu64 " in all\n", rules.calls,
		most, all);
	cr_assert_leq(most, limit, "%zu calls: %" PRIu64 " states", rules.calls, most);
}

Test(judge, histories_of_a_right_queue_take_few_states)
{
	struct rules rules = { .players = PLAYERS, .sides = true, .slow = 20 };
	dice_begin(2);
	for (rules.calls = 12; rules.calls <= JUDGE_CALLS; rules.calls *= 2)
		assert_few_states(rules, false, 5000);
}

Test(judge, histories_that_overlap_take_few_states)
{
	struct rules rules = { .players = PLAYERS, .sides = true, .slow = 2 };
	dice_begin(3);
	for (rules.calls = 12; rules.calls <= JUDGE_CALLS; rules.calls *= 2)
		assert_few_states(rules, true, 5000);
}

Test(judge, histories_with_a_close_and_stopped_threads_take_few_states)
{
	struct rules rules = { .players = PLAYERS, .stops = true, .closes = true, .slow = 20 };
	dice_begin(4);
	for (rules.calls = 12; rules.calls <= JUDGE_CALLS; rules.calls *= 2)
		assert_few_states(rules, false, 5000);
}

Test(judge, spoilt_histories_take_few_states)
{
	unsigned int impossible = 0;
	uint64_t most[2] = { 0 }, all[2] = { 0 };
	dice_begin(5);
	for (int games = 0; games < 6000; games++) {
		struct rules rules = { .calls = 24,
			.players = PLAYERS,
			.stops = games % 3 == 0,
			.closes = games % 3 == 1,
			.sides = games % 3 == 2,
			.slow = 10 };
		play((size_t)1 << dice(4), rules);
		if (games % 5 == 0)
			overlap_all();
		for (unsigned int spoils = 1 + dice(3); spoils > 0; spoils--)
			spoil();
		bool judged = judge(&history);
		impossible += !judged;
		most[judged] = judge_states() > most[judged] ? judge_states() : most[judged];
		all[judged] += judge_states();
	}
	fprintf(stderr,
		"%u impossible: %" PRIu64 " states at most, %" PRIu64 " in all; possible: %" PRIu64
		", %" PRIu64 "\n",
		impossible, most[0], all[0], most[1], all[1]);
	cr_assert_geq(impossible, 2000);
	cr_assert_leq(most[0], 10000);
	cr_assert_leq(most[1], 10000);
}

static void swap_values(unsigned int one, unsigned int other)
{
	uint64_t value = history.calls[one].value;
	history.calls[one].value = history.calls[other].value;
	history.calls[other].value = value;
}

/* Three senders of four messages each, three receivers, and all overlap. The
 * messages of the senders come in turns. */
static void given_three_and_three(size_t capacity)
{
	given_capacity(capacity);
	for (unsigned int thread = 0; thread < 6; thread++) {
		uint64_t before = 0;
		for (unsigned int i = 0; i < 4; i++) {
			if (thread < 3)
				before |= sent(3 * i + thread, before);
			else
				before |= received(3 * i + (thread + 2 * i) % 3, before);
			last()->thread = thread;
		}
	}
}

Test(judge, three_senders_and_three_receivers_take_few_states)
{
	for (size_t capacity = 1; capacity <= 12; capacity++) {
		given_three_and_three(capacity);
		possible();
		cr_assert_leq(judge_states(), 1000);
		full(0);
		possible();
		cr_assert_leq(judge_states(), 1000);
	}
	history.capacity = 13;
	impossible();
	cr_assert_leq(judge_states(), 1000);
	forget_last();
	refused(0);
	impossible();
	cr_assert_leq(judge_states(), 1000);
	forget_last();
	swap_values(20, 23); /* 2 and 11, of one sender and one receiver */
	impossible();
	cr_assert_leq(judge_states(), 1000);
}
