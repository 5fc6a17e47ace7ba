/* SPDX-License-Identifier: MIT */
/* lib/queue/poll.c: calls that may answer "not now". */
#include <limits.h>
#include <poll.h>

#include "given.h"
#include "waiter.h"

enum { SURE = 256 }; /* as magring.h has it: one poll in so many in vain */

static struct magring_pool *pool;
static struct magring_queue *queue; /* has 4 cells, and so capacity 2 */

static void setup(void)
{
	pool = given_pool((size_t)1 << 20);
	queue = given_queue(pool, 2);
}

static void teardown(void)
{
	done_with(pool, queue);
}

TestSuite(poll, .init = setup, .fini = teardown);

static void try_sends(uint64_t number)
{
	struct magring_message message = given_number(pool, number);
	assert_same(magring_try_send(queue, &message), 0);
	assert_same(message.private_header, 0);
}

static void try_receives(uint64_t number)
{
	struct magring_message message = { 0 };
	assert_same(magring_try_recv(queue, &message), 0);
	assert_same(number_in(&message), number);
	magring_message_free(&message);
}

static void try_receive_is(int wanted)
{
	struct magring_message message, before;
	memset(&message, 0x5a, sizeof(message));
	before = message;
	assert_same(magring_try_recv(queue, &message), wanted);
	assert_same(magring_try_recv_batch(queue, &message, 1), wanted);
	cr_assert_arr_eq(&message, &before, sizeof(message));
}

static void try_send_is(int wanted)
{
	struct magring_message message = given_message(pool, 1000), before = message;
	assert_same(magring_try_send(queue, &message), wanted);
	assert_same(magring_try_send_batch(queue, &message, 1), wanted);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	magring_message_free(&message);
}

Test(poll, moves_messages_in_order)
{
	for (uint64_t number = 0; number < 100; number += 2) {
		try_sends(number);
		try_sends(number + 1);
		try_receives(number);
		try_receives(number + 1);
	}
}

Test(poll, refuses_wrong_arguments)
{
	struct magring_message message = given_message(pool, 10), empty = { 0 };
	assert_same(magring_try_send(NULL, &message), -EINVAL);
	assert_same(magring_try_send(queue, NULL), -EINVAL);
	assert_same(magring_try_send(queue, &empty), -EINVAL);
	assert_same(magring_try_recv(NULL, &empty), -EINVAL);
	assert_same(magring_try_recv(queue, NULL), -EINVAL);
	struct magring_message both[2] = { message, empty };
	assert_same(magring_try_send_batch(NULL, &message, 1), -EINVAL);
	assert_same(magring_try_send_batch(queue, NULL, 1), -EINVAL);
	assert_same(magring_try_send_batch(queue, both, 2), -EINVAL);
	assert_same(magring_try_send_batch(queue, both, (size_t)INT_MAX + 1), -EINVAL);
	assert_same(magring_try_recv_batch(NULL, &empty, 1), -EINVAL);
	assert_same(magring_try_recv_batch(queue, NULL, 1), -EINVAL);
	assert_same(magring_try_recv_batch(queue, both, (size_t)INT_MAX + 1), -EINVAL);
	assert_same(magring_try_send_batch(queue, NULL, 0), 0);
	assert_same(magring_try_recv_batch(queue, NULL, 0), 0);
	assert_same(magring_queue_size(queue), 0);
	magring_message_free(&message);
}

/* Whether it is made sure of or not. */
Test(poll, of_an_empty_or_full_queue_changes_nothing)
{
	for (int i = 0; i < 2 * SURE; i++)
		try_receive_is(-EAGAIN);
	for (uint64_t number = 1; number <= 4; number++)
		try_sends(number);
	for (int i = 0; i < 2 * SURE; i++)
		try_send_is(-EAGAIN);
	for (uint64_t number = 1; number <= 4; number++)
		try_receives(number);
	try_receive_is(-EAGAIN);
}

Test(poll, tells_of_a_close_in_time)
{
	try_sends(1);
	assert_same(magring_queue_close(queue), 0);
	try_send_is(-EPIPE);
	try_receives(1);
	struct magring_message message;
	int polls = 1;
	while (magring_try_recv(queue, &message) == -EAGAIN)
		polls++;
	cr_assert(polls <= SURE, "%d polls", polls);
	for (polls = 1; magring_try_recv(queue, &message) != -EPIPE; polls++)
		cr_assert(polls < SURE);
}

/* The statistics have those that are made sure of. */
Test(poll, makes_sure_of_one_in_so_many)
{
	struct magring_message message;
	for (int i = 0; i < 3 * SURE; i++)
		assert_same(magring_try_recv(queue, &message), -EAGAIN);
	assert_same(stats_of_queue(queue).empty, 3);
	assert_same(stats_of_queue(queue).full, 0);
}

/* Each queue has a count of its own, whatever the thread polls besides. */
Test(poll, makes_sure_of_each_of_many_queues)
{
	struct magring_queue *others[SURE];
	struct magring_message message;
	for (int i = 0; i < SURE; i++)
		others[i] = given_queue(NULL, 2);
	for (int round = 0; round < SURE; round++)
		for (int i = 0; i < SURE; i++)
			assert_same(magring_try_recv(others[i], &message), -EAGAIN);
	for (int i = 0; i < SURE; i++) {
		assert_same(stats_of_queue(others[i]).empty, 1);
		assert_same(magring_queue_release(others[i]), 0);
	}
}

Test(poll, moves_batches)
{
	struct magring_queue *large = given_queue(pool, 128); /* 256 cells */
	struct magring_message messages[300], received[300];
	for (uint64_t i = 0; i < 300; i++)
		messages[i] = given_number(pool, i);
	assert_same(magring_try_send_batch(large, messages, 200), 200);
	assert_same(magring_try_send_batch(large, &messages[200], 100), 56);
	assert_same(magring_try_send_batch(large, &messages[256], 44), -EAGAIN);
	for (int i = 0; i < 300; i++)
		assert_same(messages[i].private_header == 0, i < 256);
	uint64_t count = 0;
	for (int n; (n = magring_try_recv_batch(large, received, 300)) != -EAGAIN;) {
		cr_assert(n >= 1 && n <= 300);
		for (int i = 0; i < n; i++)
			assert_same(number_in(&received[i]), count++);
		magring_message_free_batch(received, (size_t)n);
	}
	assert_same(count, 256);
	magring_message_free_batch(&messages[256], 44);
	assert_same(magring_queue_release(large), 0);
}

Test(poll, of_exclusive_sides)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.flags = MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER };
	struct magring_queue *shared = queue;
	assert_same(magring_queue_create(&queue, pool, &options), 0);
	for (uint64_t number = 1; number <= 4; number++)
		try_sends(number);
	try_send_is(-EAGAIN);
	for (uint64_t number = 1; number <= 4; number++)
		try_receives(number);
	try_receive_is(-EAGAIN);
	assert_same(magring_queue_close(queue), 0);
	try_send_is(-EPIPE);
	assert_same(magring_queue_release(queue), 0);
	queue = shared;
}

/* -------------------------------------------------------------- sleepers -- */

Test(poll, wakes_a_receiver)
{
	struct waiter one = { 0 }, other = { 0 };
	waiter_start(&one, queue, RECEIVER, -1);
	assert_eventually(waiter_is_asleep(&one));
	try_sends(1);
	assert_same(waiter_finish(&one), 0);
	waiter_start(&other, queue, RECEIVER, -1);
	assert_eventually(waiter_is_asleep(&other));
	struct magring_message message = given_number(pool, 2);
	assert_same(magring_try_send_batch(queue, &message, 1), 1);
	assert_same(waiter_finish(&other), 0);
	magring_message_free(&one.message);
	magring_message_free(&other.message);
}

Test(poll, wakes_a_sender)
{
	struct waiter one = { .message = given_number(pool, 5) };
	struct waiter other = { .message = given_number(pool, 6) };
	struct magring_message message;
	for (uint64_t number = 1; number <= 4; number++)
		try_sends(number);
	waiter_start(&one, queue, SENDER, -1);
	assert_eventually(waiter_is_asleep(&one));
	try_receives(1);
	assert_same(waiter_finish(&one), 0);
	waiter_start(&other, queue, SENDER, -1);
	assert_eventually(waiter_is_asleep(&other));
	assert_same(magring_try_recv_batch(queue, &message, 1), 1);
	assert_same(number_in(&message), 2);
	magring_message_free(&message);
	assert_same(waiter_finish(&other), 0);
	for (uint64_t number = 3; number <= 6; number++)
		try_receives(number);
}

static bool is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	return poll(&polled, 1, 0) == 1;
}

Test(poll, arms_no_descriptor_and_signals_one)
{
	struct magring_message message;
	int fd = magring_queue_recv_fd(queue);
	cr_assert(fd >= 0);
	cr_assert(is_readable(fd));
	for (int i = 0; i < 2 * SURE; i++)
		assert_same(magring_try_recv(queue, &message), -EAGAIN);
	cr_assert(is_readable(fd));
	assert_same(magring_recv(queue, &message, 0), -EAGAIN);
	cr_assert_not(is_readable(fd));
	try_sends(1);
	cr_assert(is_readable(fd));
	try_receives(1);
}
