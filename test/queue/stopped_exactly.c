/* SPDX-License-Identifier: MIT */
/*
 * A thread that is stopped after the k-th instruction of a push or a pop, for every k.
 *
 * A victim does one instruction; a copy of everything is kept; others go on beside it
 * while it stands still, sending and receiving for some laps in one of a few manners;
 * then the victim comes back, and the accounts must balance. Then all is put back as it
 * was kept, and the victim does its next instruction. In most scenarios a second and a third
 * victim stop as well, or the same one a second time: see each of them. For how all
 * this is done see stopped_victim.h.
 *
 * The others are this thread alone, so what it is told can be judged exactly, at
 * every call:
 *
 *	"empty"  no message that was sent is left, but for those that stopped
 *	         receivers have claimed
 *	"full"   the messages that were sent and the positions that stopped senders have
 *	         claimed, or left empty and receivers have not come to yet, are as many
 *	         as there are cells; or the positions that stopped threads have claimed, or
 *	         left empty, are more than may be skipped
 *
 * And when all are back, as many messages fit as the ring has promised.
 *
 * That is also the bound on the steps of those who go on: a single call of each does
 * what there is to do, however many threads stand still. How many instructions such a
 * call takes is counted, by letting a victim make it step by step.
 *
 * Nothing here depends on time or chance: MAGRING_STRESS_SECONDS and the seed are not
 * looked at.
 */
#include "queue/stopped.h"

#if !defined(__x86_64__) || defined(STOPPED_ADDRESS_SANITIZER) || defined(STOPPED_THREAD_SANITIZER)
int main(void)
{
	/* A load-linked sequence never ends when it is stepped through; and what a sanitizer
	 * keeps about memory is not put back. */
	puts("skipped: not for this architecture, or this sanitizer");
	return 77;
}
#else

#include "base/fence.h"
#include "queue/stopped_victim.h"

/* The most that a call takes beside a stopped thread: some 5,300 with
 * optimisation, most of it patience, and 15,000 beside a claim of 64 cells.
 * A call that did not give up would take any number. */
#define OWN_STEPS_MAX 50000

/* Victim v's messages are (v + 1) * this and the next ones. */
#define NUMBERS 10000

/* The next ring: one that may skip all positions but one, and claim all
 * cells at once; or one as queues have it, half of whose cells are spare. */
static bool as_in_queues;
/* Messages of the next victims' batches. */
static size_t batch = BATCH;

static const char *manner_name;
static struct {
	uint64_t moments; /* at which a victim was stopped */
	uint64_t played;  /* ways to go on from there */
	uint64_t skipped;
	uint64_t own_steps[2]; /* the most of a call; beside the largest claim */
	uint64_t barriers;     /* of all these calls */
} totals;

static void show(void)
{
	if (manner_name == NULL)
		return;
	fprintf(stderr, "  %s, the others: %s\n", scenario_name, manner_name);
	show_world();
}

/* Nothing that follows a violated check means anything. */
static void end_if_failed(void)
{
	if (atomic_load_explicit(&stress_failures, memory_order_relaxed) == 0)
		return;
	show();
	exit(stress_end());
}

/* ---------------------------------------------------------------- accounts -- */

/* Messages that were sent by calls that are over, and not received by such. */
static uint64_t waiting(void)
{
	uint64_t n = world.sent - world.received;
	for (int i = 0; i < VICTIMS; i++) {
		struct victim *victim = &world.victims[i];
		if (!victim->inside && sends(victim) && victim->result > 0)
			n += (uint64_t)(victim->result - __builtin_popcountll(victim->seen));
	}
	return n;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Positions claimed by stopped senders (receivers), at most. A sender may have been
 * skipped once, and have claimed others. */
static uint64_t claimed(bool sending)
{
	uint64_t n = 0;
	for (int i = 0; i < VICTIMS; i++) {
		struct victim *victim = &world.victims[i];
		if (victim->inside && sends(victim) == sending)
			n += least(victim->moved, (sending ? 2 : 1) * count_of(victim));
	}
	return n;
}

/* Positions that victims who are back may have left without a message. */
static uint64_t skipped_positions(void)
{
	uint64_t n = 0;
	for (int i = 0; i < VICTIMS; i++)
		if (world.victims[i].left_holes)
			n += count_of(&world.victims[i]);
	return n;
}

static bool may_be_full(void)
{
	uint64_t empty = claimed(true) + skipped_positions();
	return waiting() + empty >= ring_cells(&world.ring) ||
		(as_in_queues && empty + claimed(false) > world.ring.spare);
}

static bool may_be_empty(void)
{
	return waiting() <= claimed(false);
}

static void note(void)
{
	for (int i = 0; i < VICTIMS; i++) {
		struct victim *victim = &world.victims[i];
		if (victim->inside && (sends(victim) ? may_be_full() : may_be_empty()))
			victim->may_fail = true;
	}
}

/* A message was received; in_order: by a call that began after any other was over. */
static void account(const struct magring_message *message, bool in_order)
{
	uint64_t number = stopped_number(message);
	if (number < NUMBERS) {
		bool sent = number >= 1 && number <= world.sent;
		CHECK(sent, "%" PRIu64 " was not sent", number);
		if (!sent)
			return;
		CHECK(!world.gone[number], "%" PRIu64 " twice", number);
		CHECK(!in_order || number > world.newest, "%" PRIu64 " after %" PRIu64, number,
			world.newest);
		world.gone[number] = true;
		world.received++;
		if (number > world.newest)
			world.newest = number;
		return;
	}
	struct victim *victim = &world.victims[number / NUMBERS - 1];
	unsigned int which = (unsigned int)(number % NUMBERS);
	bool sent = number / NUMBERS <= VICTIMS && sends(victim) && which < count_of(victim);
	CHECK(sent, "%" PRIu64 " was not sent", number);
	if (!sent)
		return;
	CHECK((victim->seen & UINT64_C(1) << which) == 0, "%" PRIu64 " twice", number);
	CHECK(!in_order || victim->seen >> which == 0, "%" PRIu64 " after later ones", number);
	CHECK(victim->inside || (int)which < victim->result, "%" PRIu64 " was kept", number);
	CHECK(victim->inside || !in_order || world.newest <= victim->sent_before,
		"%" PRIu64 " after %" PRIu64, number, world.newest);
	victim->seen |= UINT64_C(1) << which;
}

/* ------------------------------------------------------------------ others -- */

static int others_push(size_t count)
{
	struct magring_message messages[BATCH];
	bool closed = ring_counts(&world.ring).closed;
	for (size_t i = 0; i < count; i++)
		stopped_fill(&messages[i], world.sent + 1 + i);
	bool may = ring_may_push(&world.ring);
	int n = count == 1 ? ring_push(&world.ring, messages)
			   : ring_push_batch(&world.ring, messages, count);
	CHECK(n == -EPIPE || n == -EAGAIN || (n > 0 && n <= (int)count), "push: %d", n);
	CHECK((n == -EPIPE) == closed, "push: %d", n);
	CHECK((n != -EAGAIN) == may, "push: %d, may_push: %d", n, may);
	CHECK(n != -EAGAIN || may_be_full(), "full with %" PRIu64 " messages", waiting());
	end_if_failed();
	if (n > 0)
		world.sent += (uint64_t)n;
	note();
	return n;
}

static int others_pop(size_t count)
{
	struct magring_message messages[BATCH];
	bool closed = ring_counts(&world.ring).closed;
	bool may = ring_may_pop(&world.ring);
	int n = count == 1 ? ring_pop(&world.ring, messages)
			   : ring_pop_batch(&world.ring, messages, count);
	CHECK(n == -EPIPE || n == -EAGAIN || (n > 0 && n <= (int)count), "pop: %d", n);
	CHECK(n > 0 || (n == -EPIPE) == closed, "pop: %d", n);
	CHECK((n != -EAGAIN) == may, "pop: %d, may_pop: %d", n, may);
	CHECK(n > 0 || may_be_empty(), "empty with %" PRIu64 " messages", waiting());
	CHECK(n < 0 || !world.ended, "a message after the end");
	end_if_failed();
	for (int i = 0; i < n; i++)
		account(&messages[i], true);
	for (int i = 0; i < VICTIMS; i++)
		if (world.newest > world.victims[i].sent_before || (n < 0 && claimed(true) == 0))
			world.victims[i].left_holes = false;
	world.ended |= n == -EPIPE;
	note();
	return n;
}

static void fill_up(size_t count)
{
	while (others_push(count) > 0)
		end_if_failed();
}

static void drain(size_t count)
{
	while (others_pop(count) > 0)
		end_if_failed();
}

/* Some laps, with about as many messages in the ring as there are. */
static void pass_on(size_t count)
{
	for (size_t i = 0; i < 2 * ring_cells(&world.ring); i += count) {
		bool full = others_push(count) < 0;
		others_pop(count);
		if (full)
			others_push(count);
	}
}

static void nothing(void) {}

static void empty_it(void)
{
	drain(1);
	pass_on(1);
}

static void fill_it(void)
{
	fill_up(1);
	pass_on(1);
}

static void one_by_one(void)
{
	pass_on(1);
}

static void by_batches(void)
{
	pass_on(BATCH);
	drain(BATCH);
	fill_up(BATCH);
	pass_on(2);
}

static void fill_and_empty_it(void)
{
	fill_up(1);
	drain(1);
	fill_up(1);
	drain(1);
}

struct manner {
	const char *name;
	void (*run)(void);
	bool closes;
};
static const struct manner manners[] = {
	{ "nothing", nothing, false },
	{ "empty it", empty_it, false },
	{ "fill it", fill_it, false },
	{ "one by one", one_by_one, false },
	{ "fill and empty it", fill_and_empty_it, false },
	{ "batches", by_batches, false },
	{ "close", nothing, true },
	{ "fill it, close", fill_it, true },
	{ "empty it, close", empty_it, true },
};
#define MANNERS (sizeof(manners) / sizeof(manners[0]))

/* ----------------------------------------------------------------- a world -- */

static void begin(int number, enum op op)
{
	struct victim *victim = &world.victims[number];
	victim->op = op;
	victim->result = 0;
	victim->inside = true;
	victim->batch = batch;
	for (size_t i = 0; i < batch; i++)
		stopped_fill(&victim->messages[i], (uint64_t)(number + 1) * NUMBERS + i);
	note();
}

/* The victim comes back, unless it has, and finishes its call. */
static void finish(int number)
{
	struct victim *victim = &world.victims[number];
	if (!victim->inside)
		return;
	if (victim->result == 0)
		victim_go_on(number, PTRACE_CONT);
	note();
	int n = victim->result;
	CHECK(n == -EPIPE || n == -EAGAIN || (n > 0 && n <= (int)count_of(victim)), "victim %d: %d",
		number, n);
	CHECK(n != -EPIPE || ring_counts(&world.ring).closed, "not closed");
	CHECK(n != -EAGAIN || victim->may_fail, "victim %d: -EAGAIN", number);
	victim->inside = false;
	victim->left_holes = true;
	victim->sent_before = world.sent;
	if (sends(victim)) {
		CHECK(n >= 64 || (n > 0 ? victim->seen >> n == 0 : victim->seen == 0),
			"%" PRIx64 " received of %d", victim->seen, n);
		CHECK(!world.ended || may_be_empty(), "sent %d after the end", n);
		return;
	}
	for (int i = 0; i < n; i++)
		account(&victim->messages[i], false);
}

static void check_counts(void)
{
	struct ring_counts counts = ring_counts(&world.ring);
	uint64_t sent = world.sent + counts.returned, received = world.received + counts.returned;
	for (int i = 0; i < VICTIMS; i++)
		if (sends(&world.victims[i]) && world.victims[i].result > 0) {
			sent += (uint64_t)world.victims[i].result;
			received += (uint64_t)__builtin_popcountll(world.victims[i].seen);
		}
	CHECK(counts.sent == sent && counts.received == received,
		"sent %" PRIu64 " not %" PRIu64 ", received %" PRIu64 " not %" PRIu64, counts.sent,
		sent, counts.received, received);
	CHECK(counts.quarantined <= counts.challenged, "%" PRIu64 " of %" PRIu64,
		counts.quarantined, counts.challenged);
	CHECK(ring_peek_unresolved(&world.ring) == 0, "%" PRIu64,
		ring_peek_unresolved(&world.ring));
	CHECK(!ring_peek_pending(&world.ring), "a challenge is pending");
}

/* All victims are back: nothing is left of it. */
static void check_all(void)
{
	check_counts();
	if (!ring_counts(&world.ring).closed) {
		while (waiting() < ring_cells(&world.ring) && others_push(1) == 1)
			;
		CHECK(waiting() >= ring_capacity(&world.ring), "%" PRIu64 " of %zu fit", waiting(),
			ring_capacity(&world.ring));
	}
	drain(1);
	CHECK(waiting() == 0, "%" PRIu64 " messages are lost", waiting());
	check_counts();
	if (world.ended)
		return;
	struct ring_counts before = ring_counts(&world.ring);
	size_t cells = ring_cells(&world.ring);
	for (size_t i = 0; i < cells; i++)
		CHECK(others_push(1) == 1, "%zu of %zu cells can be used", i, cells);
	CHECK(others_push(1) == -EAGAIN, "%zu messages", cells + 1);
	drain(1);
	check_counts();
	CHECK(ring_counts(&world.ring).challenged == before.challenged, "a challenge to no thread");
}

/* One manner of going on while the victims stand still. Then they come back, in this
 * order, and a little is done in between. */
static void play(const struct manner *manner, const int order[VICTIMS])
{
	uint64_t quarantined = ring_counts(&world.ring).quarantined;
	manner_name = manner->name;
	manner->run();
	if (manner->closes) {
		ring_close(&world.ring);
		CHECK(others_push(1) == -EPIPE, "closed");
		drain(1);
		CHECK(world.ended, "the end does not come");
	}
	totals.skipped += ring_counts(&world.ring).quarantined != quarantined;
	for (int i = 0; i < VICTIMS; i++) {
		if (!world.victims[order[i]].inside)
			continue;
		finish(order[i]);
		end_if_failed();
		if (!manner->closes && manner->run != nothing)
			pass_on(1);
	}
	check_all();
	end_if_failed();
	totals.played++;
	stress_alive();
}

/* ---------------------------------------------------------------- scenarios -- */

static void begin_scenario_exclusive(const char *name, size_t cells, uint64_t position,
	uint64_t filled, unsigned int exclusive)
{
	scenario_name = name;
	manner_name = "nothing yet";
	if (ring_init(&world.ring, cells, as_in_queues ? cells / 2 : cells - 1, position,
		    exclusive) != 0)
		abort();
	if (!as_in_queues)
		world.ring.claim_max = cells;
	memset(world.gone, 0, sizeof(world.gone));
	world.sent = world.received = world.newest = 0;
	while (filled-- > 0)
		CHECK(others_push(1) == 1, "cells %zu", cells);
	end_if_failed();
	keep(0);
}

static void begin_scenario(const char *name, size_t cells, uint64_t position, uint64_t filled)
{
	begin_scenario_exclusive(name, cells, position, filled, 0);
}

static void end_scenario(void)
{
	put_back(0); /* the victims are ready for another call */
	ring_fini(&world.ring);
}

/* Where several victims stand still, each moment is played in one manner and order,
 * in turn. */
static void play_in_turn(int depth)
{
	static unsigned int turn;
	static const int some[] = { 0, 1, 2, 4, 7 };
	static const int orders[][VICTIMS] = {
		{ 0, 1, 2 },
		{ 1, 0, 2 },
		{ 0, 2, 1 },
		{ 2, 1, 0 },
		{ 1, 2, 0 },
		{ 2, 0, 1 },
	};
	play(&manners[some[turn % 5]], orders[turn / 5 % 6]);
	turn++;
	put_back(depth);
}

/* The victim goes on until its call is over, and is stopped everywhere. */
static void stop_everywhere(int number, int depth)
{
	do {
		if (goes_round(number))
			continue;
		totals.moments++;
		keep(depth);
		play_in_turn(depth);
	} while (step(number));
}

/* False if it did not come to that. */
static bool stop_when_claimed(int number, enum op op)
{
	begin(number, op);
	while (world.victims[number].moved == 0 && step(number))
		;
	return world.victims[number].moved > 0;
}

/* The victim stops when it has claimed. Some ways to go on. */
static void play_claimed(int number, enum op op, int depth)
{
	if (!stop_when_claimed(number, op))
		return;
	keep(depth);
	for (int i = 0; i < 10; i++)
		play_in_turn(depth);
}

/* One victim, every manner. It is quarantined if it is stopped between its claim and
 * its last store, and else not. */
static void alone(enum op op, size_t cells, uint64_t position, uint64_t filled)
{
	static const int order[VICTIMS] = { 0, 1, 2 };
	struct victim *victim = &world.victims[0];
	unsigned int claim = 0, store = 0, in_between = 0;
	uint64_t state = 0;
	begin_scenario("alone", cells, position, filled);
	begin(0, op);
	position = atomic_load(sends(victim) ? &world.ring.tail : &world.ring.head);
	do {
		_Atomic(uint64_t) *last =
			&world.ring.cells[(position + victim->moved - 1) & world.ring.index_mask]
				 .state;
		uint64_t quarantined = totals.skipped;
		if (victim->moved > 0 && claim == 0) {
			claim = victim->steps;
			state = atomic_load(last);
		} else if (claim != 0 && store == 0 && atomic_load(last) != state) {
			store = victim->steps;
		}
		totals.moments++;
		keep(1);
		for (size_t i = 0; i < MANNERS; i++) {
			play(&manners[i], order);
			put_back(1);
		}
		bool owes = claim != 0 && store == 0, was = totals.skipped != quarantined;
		CHECK(owes || !was, "quarantined");
		CHECK(was || !owes || victim->moved > world.ring.spare, "never quarantined");
		in_between += owes;
		end_if_failed();
	} while (step(0));
	CHECK(claim < store || (victim->result < 0 && claim == 0), "claim after %u, store after %u",
		claim, store);
	CHECK(in_between >= 2 || victim->result < 0, "%u instructions in between", in_between);
	end_if_failed();
	end_scenario();
}

/* One victim that was skipped, and is stopped again on its way back. */
static void twice(enum op op, size_t cells)
{
	static const int some[] = { 1, 2, 3 };
	begin_scenario("twice", cells, 0, cells / 2);
	CHECK(stop_when_claimed(0, op), "nothing was claimed");
	do {
		keep(1);
		manners[some[world.victims[0].steps % 3]].run();
		if (ring_peek_unresolved(&world.ring) > 0)
			stop_everywhere(0, 2);
		put_back(1);
	} while (step(0));
	end_scenario();
}

/* Every pair of instructions of two victims. */
static void pair(enum op first, enum op second, size_t cells, void (*between)(void))
{
	begin_scenario("a pair", cells, 0, cells / 2);
	begin(0, first);
	do {
		keep(1);
		between();
		begin(1, second);
		stop_everywhere(1, 2);
		put_back(1);
	} while (step(0));
	end_scenario();
}

/* A victim that was skipped comes back while a second one stands still anywhere. */
static void comes_back(enum op first, enum op second, size_t cells)
{
	begin_scenario("comes back", cells, 0, cells / 2);
	CHECK(stop_when_claimed(0, first), "nothing was claimed");
	one_by_one();
	begin(1, second);
	do {
		if (goes_round(1))
			continue;
		keep(1);
		stop_everywhere(0, 2);
		put_back(1);
	} while (step(1));
	end_scenario();
}

static void first_comes_back(int depth)
{
	manner_name = "one by one, after the third has claimed";
	finish(0);
	for (int i = 0; i < 160 && world.victims[2].moved == 0 && world.victims[2].result == 0; i++)
		step(2);
	one_by_one();
	finish(2);
	finish(1);
	check_all();
	end_if_failed();
	totals.played++;
	put_back(depth);
}

/* A victim that has claimed, in the way of the next one that goes the other way: there is
 * a message (a free cell) behind. */
static void begin_in_the_way(const char *name, enum op op, size_t cells)
{
	begin_scenario(name, cells, 0, op_sends(op) ? 0 : cells);
	CHECK(stop_when_claimed(0, op), "nothing was claimed");
	CHECK((op_sends(op) ? others_push(1) : others_pop(1)) == 1, "nothing is behind");
	end_if_failed();
}

static enum op other_way(enum op op)
{
	return op_sends(op) ? POP : PUSH;
}

/* A second victim asks about the first one, which comes back meanwhile. */
static void asked(enum op op, size_t cells)
{
	static struct picture picture;
	begin_in_the_way("asked", op, cells);
	begin(1, other_way(op));
	do {
		/* A batch is asked about several times: only what it can see counts. */
		if (op == PUSH || op == POP ? goes_round(1) : !has_changed(&picture))
			continue;
		keep(1);
		stop_everywhere(0, 2);
		put_back(1);
	} while (step(1));
	end_scenario();
}

/* Two ask about the first one, which is somewhere on its way back. */
static void asked_twice(enum op op, size_t cells)
{
	static struct picture first, second;
	begin_in_the_way("asked twice", op, cells);
	begin(1, other_way(op));
	do {
		if (!has_changed(&second))
			continue;
		keep(1);
		do {
			if (!has_changed(&first))
				continue;
			keep(2);
			begin(2, other_way(op));
			stop_everywhere(2, 3);
			put_back(2);
		} while (step(0));
		put_back(1);
	} while (step(1));
	end_scenario();
}

/* One asks late: the first one is back, and a third has claimed the cell. */
static void asked_late(enum op op, size_t cells)
{
	begin_in_the_way("asked late", op, cells);
	begin(1, other_way(op));
	do {
		if (goes_round(1))
			continue;
		keep(1);
		finish(0);
		play_claimed(2, other_way(op), 2);
		put_back(1);
	} while (step(1));
	end_scenario();
}

/* A second victim has passed the first one over, and stops before it goes on. The first
 * comes back while a third one is about to claim the same position. */
static void decided(enum op op, enum op third, size_t cells)
{
	static struct picture picture;
	begin_in_the_way("decided", op, cells);
	begin(1, other_way(op));
	while (world.ring.quarantined == 0 && step(1))
		;
	CHECK(world.ring.quarantined == 1, "nobody was skipped");
	end_if_failed();
	do {
		/* The third one does not see how far the first is but by this. */
		if (!has_changed(&picture))
			continue;
		keep(1);
		begin(2, third);
		do {
			keep(2);
			first_comes_back(2);
		} while (world.victims[2].moved == 0 && world.victims[2].steps < 160 && step(2));
		put_back(1);
	} while (step(0));
	end_scenario();
}

/* Instructions that a victim does until it has asked. */
static unsigned int steps_to_ask(int number, int depth)
{
	unsigned int steps = 0;
	keep(depth);
	while (!ring_peek_pending(&world.ring) && step(number))
		steps++;
	put_back(depth);
	return steps;
}

/* Two are about to ask. One does, and looks whether the first is back, which it is not;
 * then it is; then the other asks; and then the one gives its answer. */
static void asked_again(enum op op, size_t cells)
{
	static struct picture picture;
	begin_in_the_way("asked again", op, cells);
	for (int i = 1; i <= 2; i++) {
		begin(i, other_way(op));
		for (unsigned int steps = steps_to_ask(i, 1); steps > (i == 1 ? 1 : 32); steps--)
			step(i);
	}
	do {
		keep(1);
		do {
			keep(2);
			finish(0);
			has_changed(&picture);
			for (int i = 0; i < 64 && world.victims[2].result == 0; i++) {
				step(2);
				if (!has_changed(&picture))
					continue; /* the one sees no difference */
				keep(3);
				finish(1);
				one_by_one();
				finish(2);
				check_all();
				end_if_failed();
				totals.played++;
				put_back(3);
			}
			put_back(2);
		} while (world.ring.quarantined == 0 && step(1));
		put_back(1);
	} while (!ring_peek_pending(&world.ring) && step(2));
	end_scenario();
}

/* One finishes late: another one has claimed its cell in the next lap. */
static void late(enum op op, size_t cells)
{
	begin_scenario("late", cells, 0, op_sends(op) ? 0 : cells);
	CHECK(stop_when_claimed(0, op), "nothing was claimed");
	do {
		keep(1);
		for (size_t i = world.victims[0].moved; i < cells; i++) {
			if (op_sends(op))
				others_push(1);
			others_pop(1);
			if (!op_sends(op))
				others_push(1);
		}
		play_claimed(1, op, 2);
		put_back(1);
	} while (step(0));
	end_scenario();
}

/* Whether the victim's next instruction is a system call: of a ring, a
 * memory barrier. */
static bool at_system_call(int number)
{
	errno = 0;
	long next = ptrace(PTRACE_PEEKUSER, processes[number].pid,
		(void *)offsetof(struct user_regs_struct, rip), NULL);
	if (errno != 0)
		abort();
	return memcmp((const void *)next, "\x0f\x05", 2) == 0;
}

/* How many instructions and memory barriers a call takes beside a stopped
 * thread, for some laps: one barrier for all of its cells, as they are no
 * more than a claim. */
static void own_steps(enum op op, size_t cells)
{
	begin_in_the_way("own steps", op, cells);
	for (size_t i = 0; i < 2 * cells; i++)
		for (int j = 1; j <= 2; j++) {
			struct victim *victim = &world.victims[j];
			victim->seen = 0;
			victim->steps = 0;
			begin(j, j == 1 ? PUSH : POP);
			unsigned int barriers = 0;
			do
				barriers += at_system_call(j);
			while (step(j) && victim->steps < OWN_STEPS_MAX);
			CHECK(victim->result == 1, "%d after %u instructions", victim->result,
				victim->steps);
			CHECK(barriers <= 1, "%u barriers", barriers);
			totals.barriers += barriers;
			end_if_failed();
			uint64_t *most = &totals.own_steps[batch == RING_CLAIM_MAX];
			if (victim->steps > *most)
				*most = victim->steps;
			finish(j);
			drain(1);
			others_push(1);
			end_if_failed();
		}
	finish(0);
	CHECK(ring_peek_unresolved(&world.ring) == 0, "%" PRIu64,
		ring_peek_unresolved(&world.ring));
	end_if_failed();
	end_scenario();
}

/* The second victim closes. */
static void finish_close(void)
{
	if (world.victims[1].result == 0)
		victim_go_on(1, PTRACE_CONT);
	world.victims[1].inside = false;
}

/* The others can but go the other way, the first victim having its side to itself. */
static void go_the_other_way(void)
{
	if (sends(&world.victims[0]))
		drain(1);
	else
		fill_up(1);
}

/* A victim that has its side to itself, and one that closes: every pair of instructions. */
static void declared(enum op op, size_t cells, uint64_t position, uint64_t filled)
{
	static const char *const manner_names[] = {
		"other way, victim, close",
		"other way, close, other way, victim",
		"victim, other way, close",
		"close, victim",
	};
	begin_scenario_exclusive("declared", cells, position, filled,
		op_sends(op) ? RING_EXCLUSIVE_SENDER : RING_EXCLUSIVE_RECEIVER);
	begin(0, op);
	do {
		if (goes_round(0))
			continue;
		keep(1);
		begin(1, CLOSE);
		do {
			totals.moments++;
			keep(2);
			for (int i = 0; i < 4; i++) {
				manner_name = manner_names[i];
				if (i == 2)
					finish(0);
				if (i < 3)
					go_the_other_way();
				if (i == 0)
					finish(0);
				finish_close();
				if (i == 1)
					go_the_other_way();
				finish(0);
				CHECK(others_push(1) == -EPIPE, "closed");
				drain(1);
				CHECK(world.ended && waiting() == 0,
					"%" PRIu64 " messages are lost", waiting());
				check_counts();
				end_if_failed();
				totals.played++;
				put_back(2);
			}
		} while (step(1));
		put_back(1);
	} while (step(0));
	end_scenario();
}

int main(int argc, char **argv)
{
	stress_show = show;
	/* Thousands of single steps, each of two switches between processes: on a busy machine a
	 * while may pass between two ways to go on. */
	setenv("MAGRING_STRESS_WATCHDOG", "120", 0);
	stress_begin("stopped_exactly", argc, argv);
	cpu_set_t here;
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	sched_setaffinity(0, sizeof(here), &here); /* this and the victims take turns */
	if (!victims_start()) {
		puts("skipped: processes cannot be traced");
		return 77;
	}
	fence_heavy(); /* what the dynamic linker has to look up, it has */

	for (size_t cells = 2; cells <= 8; cells *= 2)
		for (enum op op = PUSH; op <= POP_BATCH; op++)
			for (uint64_t filled = 0; filled <= cells; filled++)
				/* From the beginning; or so that positions begin anew. */
				alone(op, cells, filled % 2 ? 0 : ((uint64_t)1 << 62) - 1 - cells,
					filled);
	for (enum op op = PUSH; op <= POP_BATCH; op++)
		for (uint64_t filled = 0; filled <= 4; filled += 2)
			declared(op, 4, filled == 2 ? 0 : ((uint64_t)1 << 62) - 1 - 4, filled);
	for (enum op op = PUSH; op <= POP_BATCH; op++) {
		twice(op, 4);
		twice(op, 8);
		asked(op, op == PUSH || op == POP ? 4 : 8);
		late(op, 8);
		own_steps(op, 8);
	}
	for (enum op op = PUSH; op <= POP; op++) {
		asked_twice(op, 4);
		asked_late(op, 4);
		asked_again(op, 4);
		decided(op, other_way(op), 4);
		decided(op, other_way(op) == PUSH ? PUSH_BATCH : POP_BATCH, 4);
		for (enum op second = PUSH; second <= POP; second++) {
			pair(op, second, 4, nothing);
			pair(op, second, 4, one_by_one);
			comes_back(op, second, 2);
		}
	}
	as_in_queues = true;
	for (enum op op = PUSH; op <= POP_BATCH; op++) {
		for (uint64_t filled = 0; filled <= 8; filled += 2)
			alone(op, 8, filled % 4 ? 0 : ((uint64_t)1 << 62) - 1 - 8, filled);
		twice(op, 8);
		late(op, 8);
		own_steps(op, 8);
	}
	/* The largest claim there is. */
	batch = RING_CLAIM_MAX;
	for (enum op op = PUSH_BATCH; op <= POP_BATCH; op++) {
		alone(op, 4 * batch, op_sends(op) ? 0 : ((uint64_t)1 << 62) - 100, 2 * batch);
		own_steps(op, 4 * batch);
	}
	CHECK(totals.barriers > 0 || !fence_asymmetric, "nobody was skipped");
	printf("stopped at %" PRIu64 " moments, %" PRIu64 " ways to go on, %" PRIu64
	       " times skipped; "
	       "at most %" PRIu64 " instructions in a call beside a stopped thread, %" PRIu64
	       " beside a claim "
	       "of %d cells\n",
		totals.moments, totals.played, totals.skipped, totals.own_steps[0],
		totals.own_steps[1], RING_CLAIM_MAX);
	return stress_end();
}
#endif
