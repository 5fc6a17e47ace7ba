/* SPDX-License-Identifier: MIT */
/*
 * What magring.h says of flags of the program's own beside a queue. Two threads
 * meet at the same moment, again and again, on queues with and without
 * exclusive sides. Each fills its store buffer first, so that what it stores
 * next is seen late.
 */
#include <sched.h>

#include "given.h"

enum { ROUNDS = 40000, LINES = 8, DELAY = 100, RECEIVER_DELAY = 20 * DELAY };

static struct {
	struct magring_queue *queue;
	_Alignas(128) _Atomic(int) told;     /* messages that are said to be there */
	_Alignas(128) _Atomic(int) sleeping; /* the receiver's flag: its round */
	_Alignas(128) _Atomic(int) round;
	_Alignas(128) _Atomic(int) done;
	_Atomic(int) failed;
	bool saw_flag[ROUNDS + 1];
	struct {
		_Alignas(128) _Atomic(int) line;
	} written[LINES];
} game;

static void fill_store_buffer(int value)
{
	for (int i = 0; i < LINES; i++)
		atomic_store_explicit(&game.written[i].line, value, memory_order_relaxed);
}

/* A send takes longer to come to its message than a receiver to its flag. */
static void delay(int rounds)
{
	while (rounds-- > 0)
		atomic_signal_fence(memory_order_seq_cst);
}

static void wait_until(_Atomic(int) *counter, int value)
{
	for (int looks = 1; atomic_load_explicit(counter, memory_order_acquire) < value; looks++)
		if (looks % 1000 == 0)
			sched_yield();
}

static void given_game(uint64_t flags)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.flags = flags };
	memset(&game, 0, sizeof(game));
	assert_same(magring_queue_create(&game.queue, NULL, &options), 0);
}

static void send_round(int i)
{
	struct magring_message message = { 0 };
	uint64_t number = (uint64_t)i;
	if (magring_message_copy(NULL, &message, NULL, 0, &number, sizeof(number), 0) != 0 ||
		magring_send(game.queue, &message, -1) != 0)
		atomic_fetch_add(&game.failed, 1);
}

static void *send_and_tell(void *unused)
{
	for (int i = 1; i <= ROUNDS; i++) {
		fill_store_buffer(i);
		send_round(i);
		atomic_store_explicit(&game.told, i, memory_order_release);
	}
	return unused;
}

Test(memory_order, a_thread_that_was_told_of_a_message_by_release_and_acquire_finds_it)
{
	for (uint64_t flags = 0; flags < 4; flags++) {
		given_game(flags);
		pthread_t thread = given_thread(send_and_tell, NULL);
		for (int i = 1; i <= ROUNDS; i++) {
			struct magring_message message = { 0 };
			wait_until(&game.told, i);
			assert_same(magring_recv(game.queue, &message, 0), 0);
			assert_same(number_in(&message), i);
			magring_message_free(&message);
		}
		joined(thread);
		assert_same(game.failed, 0);
		assert_same(magring_queue_release(game.queue), 0);
	}
}

static void *send_and_look(void *unused)
{
	for (int i = 1; i <= ROUNDS; i++) {
		wait_until(&game.round, i);
		delay(i % DELAY);
		fill_store_buffer(i);
		send_round(i);
		atomic_thread_fence(memory_order_seq_cst);
		game.saw_flag[i] = atomic_load_explicit(&game.sleeping, memory_order_relaxed) == i;
		atomic_store_explicit(&game.done, i, memory_order_release);
	}
	return unused;
}

Test(memory_order, a_sender_sees_the_flag_of_a_receiver_that_has_not_seen_its_message)
{
	size_t missed = 0;
	for (uint64_t flags = 0; flags < 4; flags++) {
		given_game(flags);
		pthread_t thread = given_thread(send_and_look, NULL);
		for (int i = 1; i <= ROUNDS; i++) {
			struct magring_message message = { 0 };
			atomic_store_explicit(&game.round, i, memory_order_release);
			delay(i * 7919 % RECEIVER_DELAY);
			fill_store_buffer(-i);
			atomic_store_explicit(&game.sleeping, i, memory_order_relaxed);
			atomic_thread_fence(memory_order_seq_cst);
			int rc = magring_recv(game.queue, &message, 0);
			wait_until(&game.done, i);
			missed += rc != 0 && !game.saw_flag[i];
			if (rc != 0)
				assert_same(magring_recv(game.queue, &message, 0), 0);
			assert_same(number_in(&message), i);
			magring_message_free(&message);
		}
		joined(thread);
		assert_same(game.failed, 0);
		assert_same(magring_queue_release(game.queue), 0);
	}
	assert_same(missed, 0);
}
