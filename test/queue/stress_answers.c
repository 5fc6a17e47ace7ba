/* SPDX-License-Identifier: MIT */
/*
 * "Full" and "empty" beside what has just been done. A ring of two cells holds a message. One thread
 * sends b, then c; another receives, then receives again, at the same moment:
 *
 *	send(b) ok     recv() = a
 *	send(c) full   recv() empty
 *
 * Each answer alone is true if its thread came first. Both at once are true in no order: c would
 * have had a's cell, or the second receive b. A processor that keeps the stores of the first call to
 * itself during the second one gives both.
 */
#include "stress.h"

#include <sched.h>

#include "queue/ring.h"

#define DELAY 200
#define LINES 16

static struct {
	struct ring ring;
	_Alignas(128) _Atomic(uint64_t) turn; /* both sides begin it */
	_Alignas(128) _Atomic(uint64_t) done; /* turns, by the receiver */
	int second;                           /* what its second receive answered */
	_Atomic(bool) over;
	struct {
		_Alignas(128) _Atomic(uint64_t) turn;
	} written[LINES]; /* by both sides in each turn */
} game;

static void delay(uint32_t times)
{
	while (times-- > 0)
		atomic_signal_fence(memory_order_seq_cst);
}

/* Stores that the other thread's processor has the lines of: what this one stores next waits
 * behind them. */
static void fill_store_buffer(uint64_t turn)
{
	for (size_t i = 0; i < LINES; i++)
		atomic_store_explicit(&game.written[i].turn, turn, memory_order_relaxed);
}

static uint64_t wait_for_turn(uint64_t last)
{
	uint64_t turn;
	for (uint32_t looks = 0;
		(turn = atomic_load_explicit(&game.turn, memory_order_acquire)) == last; looks++)
		if (looks > 10000)
			sched_yield();
	return turn;
}

static void *receiver(void *unused)
{
	struct dice dice = dice_of(1);
	struct magring_message message;
	for (uint64_t turn = 0; turn = wait_for_turn(turn), !atomic_load(&game.over);) {
		delay(dice_throw(&dice, DELAY));
		fill_store_buffer(turn);
		int first = ring_pop(&game.ring, &message);
		int second = ring_pop(&game.ring, &message);
		CHECK(first == 1, "the message that was there: %d", first);
		game.second = second;
		atomic_store_explicit(&game.done, turn, memory_order_release);
	}
	return unused;
}

/* Returns whether a thread found the ring full (empty). */
static bool play_once(uint64_t turn, struct dice *dice)
{
	struct magring_message message = { .private_header = 1 };
	CHECK(ring_push(&game.ring, &message) == 1, "a");
	atomic_store_explicit(&game.turn, turn, memory_order_release);
	delay(dice_throw(dice, DELAY));
	fill_store_buffer(turn);
	int first = ring_push(&game.ring, &message);
	int second = ring_push(&game.ring, &message);
	for (uint32_t looks = 0; atomic_load_explicit(&game.done, memory_order_acquire) < turn;
		looks++)
		if (looks > 10000)
			sched_yield();
	CHECK(first == 1, "room for one: %d", first);
	CHECK(second != -EAGAIN || game.second != -EAGAIN, "full, and empty");
	while (ring_pop(&game.ring, &message) == 1)
		;
	return second == -EAGAIN || game.second == -EAGAIN;
}

static void play(unsigned int flags, struct dice *dice, uint64_t *in_vain)
{
	pthread_t thread;
	uint64_t turn = 0;
	atomic_store(&game.turn, turn);
	atomic_store(&game.done, turn);
	if (ring_init(&game.ring, 2, 1, 0, flags) != 0)
		abort();
	atomic_store(&game.over, false);
	stress_start(&thread, receiver, NULL);
	for (int i = 0; i < 20000; i++) {
		*in_vain += play_once(++turn, dice);
		/* Beside other load a turn takes a slice of both threads. */
		if (i % 256 == 0)
			stress_alive();
	}
	atomic_store(&game.over, true);
	atomic_store_explicit(&game.turn, ++turn, memory_order_release);
	stress_join(thread);
	ring_fini(&game.ring);
	stress_alive();
}

int main(int argc, char **argv)
{
	stress_begin("stress_answers", argc, argv);
	struct dice dice = dice_of(0);
	uint64_t in_vain = 0;
	for (unsigned int flags = 0; stress_goes_on(); flags = (flags + 1) % 4)
		play(flags, &dice, &in_vain);
	printf("%" PRIu64 " turns in which one was told full, or empty\n", in_vain);
	return stress_end();
}
