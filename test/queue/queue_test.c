/* SPDX-License-Identifier: MIT */
/* lib/queue/queue.c: send and receive, waiting, closing, descriptors. */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/thread_id.h"
#include "given.h"
#include "queue/blocking.h"
#include "queue/queue.h"
#include "queue/ring_peek.h"
#include "waiter.h"

#define MILLISECOND INT64_C(1000000)

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

TestSuite(queue, .init = setup, .fini = teardown);

static void send_number(uint64_t number)
{
	struct magring_message message = given_number(pool, number);
	assert_same(magring_send(queue, &message, 0), 0);
}

static void check_receives(uint64_t number)
{
	struct magring_message message = { 0 };
	assert_same(magring_recv(queue, &message, 0), 0);
	assert_same(number_in(&message), number);
	magring_message_free(&message);
}

static void check_refuses_recv(int64_t timeout_ns, int wanted)
{
	struct magring_message message, before;
	memset(&message, 0x5a, sizeof(message));
	before = message;
	assert_same(magring_recv(queue, &message, timeout_ns), wanted);
	assert_same(magring_recv_batch(queue, &message, 1, timeout_ns), wanted);
	cr_assert_arr_eq(&message, &before, sizeof(message));
}

static void check_refuses_send(int64_t timeout_ns, int wanted)
{
	struct magring_message message = given_message(pool, 1000), before = message;
	uint64_t in_use = stats_of_pool(pool).slabs_in_use;
	assert_same(magring_send(queue, &message, timeout_ns), wanted);
	assert_same(magring_send_batch(queue, &message, 1, timeout_ns), wanted);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	assert_same(stats_of_pool(pool).slabs_in_use, in_use);
	magring_message_free(&message);
}

/* ------------------------------------------------------- create, destroy -- */

Test(queue, capacity_is_rounded_up_to_a_power_of_two_of_at_least_2)
{
	static const size_t wanted[][2] = { { 0, 4096 }, { 1, 2 }, { 2, 2 }, { 3, 4 }, { 4, 4 },
		{ 5, 8 }, { 1000, 1024 }, { 1024, 1024 }, { 1025, 2048 },
		{ (1 << 23) + 1, 1 << 24 }, { 1 << 24, 1 << 24 } };
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct magring_queue *other = given_queue(pool, wanted[i][0]);
		assert_same(magring_queue_capacity(other), wanted[i][1]);
		assert_same(stats_of_queue(other).capacity, wanted[i][1]);
		assert_same(magring_queue_release(other), 0);
	}
}

Test(queue, shares_no_line_of_its_own_with_other_memory)
{
	_Static_assert(_Alignof(struct magring_queue) == 128, "lines are fetched in pairs");
	_Static_assert(sizeof(struct magring_queue) < 1280, "small queues are small");
	for (size_t capacity = 2; capacity <= 4096; capacity *= 2) {
		struct magring_queue *other = given_queue(pool, capacity);
		uintptr_t cells = (uintptr_t)other->ring.cells, end = cells + 2 * capacity * 64;
		assert_same((uintptr_t)other % 128, 0);
		assert_same(cells % 64, 0);
		assert_same((uintptr_t)other->ring.recovery, end);
		assert_same((uintptr_t)&other->ring.head - (uintptr_t)&other->ring.tail, 128);
		/* No more than what malloc's alignment lacks. */
		uint64_t bytes = sizeof(*other) + 2 * capacity * 72;
		cr_assert(stats_of_queue(other).memory_bytes >= bytes);
		cr_assert(stats_of_queue(other).memory_bytes < bytes + 128 + 64);
		assert_same(magring_queue_release(other), 0);
	}
}

Test(queue, without_options_holds_4096_messages)
{
	struct magring_queue *other = NULL;
	assert_same(magring_queue_create(&other, pool, NULL), 0);
	assert_same(magring_queue_capacity(other), 4096);
	assert_same(magring_queue_release(other), 0);
}

Test(queue, every_capacity_holds_as_many_as_it_says_and_up_to_twice_as_many)
{
	for (size_t wanted = 1; wanted <= 100; wanted++) {
		struct magring_queue *other = given_queue(pool, wanted);
		size_t capacity = magring_queue_capacity(other), sent = 0;
		struct magring_message message = given_number(pool, 0);
		while (magring_send(other, &message, 0) == 0) {
			assert_same(magring_queue_size(other), ++sent);
			message = given_number(pool, sent);
		}
		cr_assert(sent >= capacity && sent <= 2 * capacity, "%zu of %zu", sent, capacity);
		magring_message_free(&message);
		assert_same(magring_queue_release(other), 0);
	}
}

static void check_create_refused(struct magring_queue_options options, int wanted)
{
	struct magring_queue *untouched = queue, *other = untouched;
	assert_same(magring_queue_create(&other, pool, &options), wanted);
	cr_assert_eq(other, untouched);
	assert_same(stats_of_pool(pool).queues, 1);
}

Test(queue, options_that_make_no_sense_are_refused)
{
	size_t size = sizeof(struct magring_queue_options);
	check_create_refused((struct magring_queue_options){ .size = size,
				     .capacity = MAGRING_CAPACITY_MAX + 1 },
		-EINVAL);
	check_create_refused((struct magring_queue_options){ .size = size, .capacity = SIZE_MAX },
		-EINVAL);
	check_create_refused((struct magring_queue_options){ .size = 0, .capacity = 4 }, -EINVAL);
	check_create_refused((struct magring_queue_options){ .size = size - 1, .capacity = 4 },
		-EINVAL);
	check_create_refused((struct magring_queue_options){ .size = size + 1, .capacity = 4 },
		-E2BIG);
	check_create_refused((struct magring_queue_options){ .size = SIZE_MAX, .capacity = 4 },
		-E2BIG);
	check_create_refused((struct magring_queue_options){ .size = size,
				     .capacity = 4,
				     .flags = 4 },
		-EINVAL);
	check_create_refused((struct magring_queue_options){ .size = size,
				     .capacity = 4,
				     .flags = UINT64_MAX },
		-EINVAL);
	check_create_refused(
		(struct magring_queue_options){ .size = size,
			.name = "a name of sixty-four bytes, which is one more than there is room" },
		-ENAMETOOLONG);
}

Test(queue, the_largest_capacity_is_given_or_there_is_no_memory)
{
	struct magring_queue *other = queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = MAGRING_CAPACITY_MAX };
	int rc = magring_queue_create(&other, pool, &options);
	cr_assert(rc == 0 || rc == -ENOMEM, "it is %d", rc);
	if (rc == 0) {
		assert_same(magring_queue_capacity(other), 1 << 28);
		assert_same(magring_queue_release(other), 0);
	}
	assert_same(stats_of_pool(pool).queues, 1);
}

Test(queue, a_missing_argument_is_refused)
{
	struct magring_message message = given_number(pool, 1), before = message;
	struct magring_queue *other = queue;
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	assert_same(magring_queue_create(NULL, pool, NULL), -EINVAL);
	cr_assert_eq(other, queue);
	assert_same(magring_queue_acquire(NULL), -EINVAL);
	assert_same(magring_queue_release(NULL), -EINVAL);
	assert_same(magring_queue_close(NULL), -EINVAL);
	assert_same(magring_queue_capacity(NULL), 0);
	assert_same(magring_queue_size(NULL), 0);
	assert_same(magring_queue_recv_fd(NULL), -EINVAL);
	assert_same(magring_queue_send_fd(NULL), -EINVAL);
	assert_same(magring_queue_get_stats(NULL, &stats), -EINVAL);
	assert_same(magring_queue_get_stats(queue, NULL), -EINVAL);
	assert_same(magring_send(NULL, &message, 0), -EINVAL);
	assert_same(magring_send(queue, NULL, 0), -EINVAL);
	assert_same(magring_recv(NULL, &message, 0), -EINVAL);
	assert_same(magring_recv(queue, NULL, 0), -EINVAL);
	assert_same(magring_send_batch(NULL, &message, 1, 0), -EINVAL);
	assert_same(magring_send_batch(queue, NULL, 1, 0), -EINVAL);
	assert_same(magring_recv_batch(NULL, &message, 1, 0), -EINVAL);
	assert_same(magring_recv_batch(queue, NULL, 1, 0), -EINVAL);
	cr_assert_arr_eq(&message, &before, sizeof(message));
	assert_same(magring_queue_size(queue), 0);
	magring_message_free(&message);
}

Test(queue, destroying_frees_what_is_left)
{
	struct magring_queue *other = given_queue(pool, 8);
	static const size_t sizes[] = { 10, 1000, 5000, 100, 1000 };
	for (int i = 0; i < 5; i++) {
		struct magring_message message = given_message(pool, sizes[i]);
		assert_same(magring_send(other, &message, 0), 0);
	}
	assert_same(stats_of_pool(pool).slabs_in_use, 4);
	assert_same(magring_queue_close(other), 0);
	assert_same(magring_queue_release(other), 0);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	assert_same(stats_of_pool(pool).freed, 4);
}

/* ----------------------------------------------- references, messages left -- */

Test(queue, a_queue_lives_until_its_last_reference_is_released)
{
	struct magring_queue *other = given_queue(pool, 2);
	struct magring_message message = given_number(pool, 7);
	for (int i = 0; i < 3; i++)
		assert_same(magring_queue_acquire(other), 0);
	for (int i = 0; i < 3; i++) {
		assert_same(magring_queue_release(other), 0);
		assert_same(stats_of_pool(pool).queues, 2);
		assert_same(magring_send(other, &message, 0), 0);
		assert_same(magring_recv(other, &message, 0), 0);
	}
	assert_same(number_in(&message), 7);
	assert_same(magring_queue_release(other), 0);
	assert_same(stats_of_pool(pool).queues, 1);
}

Test(queue, a_reference_too_many_is_refused)
{
	struct magring_queue *other = given_queue(pool, 2);
	atomic_store(&other->references, UINT32_MAX - 1);
	assert_same(magring_queue_acquire(other), 0);
	assert_same(magring_queue_acquire(other), -EOVERFLOW);
	assert_same(magring_queue_acquire(other), -EOVERFLOW);
	assert_same(other->references, UINT32_MAX);
	assert_same(magring_queue_release(other), 0);
	assert_same(magring_queue_acquire(other), 0);
	atomic_store(&other->references, 1);
	assert_same(magring_queue_release(other), 0);
}

/* What a drop was called with. */
struct dropped {
	struct magring_queue *to; /* send it on, or NULL */
	struct magring_message kept;
	uint64_t numbers[16];
	size_t count;
	pthread_t thread;
	FILE *sink;
};

static struct magring_queue *queue_with_drop(size_t capacity,
	void (*drop)(struct magring_message *message, void *context), void *context)
{
	struct magring_queue *other = NULL;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = capacity,
		.drop = drop,
		.drop_context = context };
	assert_same(magring_queue_create(&other, pool, &options), 0);
	return other;
}

static void note(struct magring_message *message, void *context)
{
	struct dropped *dropped = context;
	uint64_t number = UINT64_MAX;
	memcpy(&number, magring_message_payload(message, NULL), sizeof(number));
	dropped->numbers[dropped->count++ % 16] = number;
	dropped->thread = pthread_self();
	/* It has not gone yet, and its pool cannot. */
	if (stats_of_pool(pool).queues != 2 || magring_pool_destroy(pool) != -EBUSY)
		dropped->count = 1000;
	/* No lock is held. */
	if (magring_write_metrics(dropped->sink, 0) != 0)
		dropped->count = 1000;
}

static void send_large(struct magring_queue *other, uint64_t number, size_t size)
{
	struct magring_message message = given_message(pool, size);
	memcpy(magring_message_payload(&message, NULL), &number, sizeof(number));
	assert_same(magring_send(other, &message, 0), 0);
}

Test(queue, messages_that_are_left_are_dropped_in_order_and_freed)
{
	struct dropped dropped = { .sink = fopen("/dev/null", "w") };
	struct magring_queue *other = queue_with_drop(8, note, &dropped);
	struct magring_message message;
	for (uint64_t i = 0; i < 6; i++)
		send_large(other, i, i % 2 == 0 ? 8 : 1000);
	assert_same(magring_recv(other, &message, 0), 0);
	magring_message_free(&message);
	assert_same(magring_queue_close(other), 0);
	assert_same(magring_queue_acquire(other), 0);
	assert_same(magring_queue_release(other), 0);
	assert_same(dropped.count, 0);
	assert_same(magring_queue_release(other), 0);
	assert_same(dropped.count, 5);
	for (uint64_t i = 0; i < 5; i++)
		assert_same(dropped.numbers[i], i + 1);
	cr_assert(pthread_equal(dropped.thread, pthread_self()));
	fclose(dropped.sink);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	assert_same(stats_of_pool(pool).queues, 1);
}

static void take(struct magring_message *message, void *context)
{
	struct dropped *dropped = context;
	switch (dropped->count++) {
	case 0: /* move it out */
		dropped->kept = *message;
		memset(message, 0, sizeof(*message));
		break;
	case 1: /* send it on */
		if (magring_send(dropped->to, message, 0) != 0)
			dropped->count = 1000;
		break;
	case 2: /* free it */
		magring_message_free(message);
		break;
	default: /* leave it */
		break;
	}
}

Test(queue, a_drop_may_take_the_message)
{
	struct dropped dropped = { .to = queue };
	struct magring_queue *other = queue_with_drop(8, take, &dropped);
	struct magring_message message;
	uint64_t number = 100;
	for (uint64_t i = 0; i < 4; i++)
		send_large(other, i, 1000);
	assert_same(magring_queue_release(other), 0);
	assert_same(dropped.count, 4);
	assert_same(stats_of_pool(pool).slabs_in_use, 2);
	memcpy(&number, magring_message_payload(&dropped.kept, NULL), sizeof(number));
	assert_same(number, 0);
	magring_message_free(&dropped.kept);
	assert_same(magring_recv(queue, &message, 0), 0);
	memcpy(&number, magring_message_payload(&message, NULL), sizeof(number));
	assert_same(number, 1);
	magring_message_free(&message);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

/* What a message carries may be a reference to another queue. */
static void release_carried(struct magring_message *message, void *context)
{
	struct magring_queue *carried;
	memcpy(&carried, magring_message_payload(message, NULL), sizeof(carried));
	if (magring_queue_close(carried) == 0 && magring_queue_release(carried) == 0)
		++*(int *)context;
}

Test(queue, a_drop_may_release_other_queues)
{
	int released = 0;
	struct magring_queue *outer = queue_with_drop(8, release_carried, &released);
	for (int i = 0; i < 3; i++) {
		struct magring_queue *inner = queue_with_drop(2, release_carried, &released);
		struct magring_queue *innermost = given_queue(pool, 2);
		struct magring_message message = { 0 };
		assert_same(magring_message_copy(NULL, &message, NULL, 0, &innermost,
				    sizeof(innermost), 0),
			0);
		assert_same(magring_send(inner, &message, 0), 0);
		assert_same(magring_message_copy(NULL, &message, NULL, 0, &inner, sizeof(inner), 0),
			0);
		assert_same(magring_send(outer, &message, 0), 0);
	}
	assert_same(stats_of_pool(pool).queues, 8);
	assert_same(magring_queue_release(outer), 0);
	assert_same(released, 6);
	assert_same(stats_of_pool(pool).queues, 1);
}

static void close_carried(struct magring_message *message, void *context)
{
	int fd;
	memcpy(&fd, magring_message_payload(message, NULL), sizeof(fd));
	*(int *)context += close(fd) == 0;
}

Test(queue, descriptors_that_messages_carry_can_be_closed)
{
	int closed = 0;
	struct magring_queue *other = queue_with_drop(128, close_carried, &closed);
	for (int i = 0; i < 100; i++) {
		struct magring_message message = { 0 };
		int fd = dup(0);
		cr_assert(fd >= 0);
		assert_same(magring_message_copy(NULL, &message, NULL, 0, &fd, sizeof(fd), 0), 0);
		assert_same(magring_send(other, &message, 0), 0);
	}
	assert_same(magring_queue_release(other), 0);
	assert_same(closed, 100);
}

static void *release_when_cancelled(void *other)
{
	int state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(state, NULL);
	magring_queue_release(other);
	pthread_testcancel();
	return other;
}

static void sleep_in_drop(struct magring_message *message, void *context)
{
	(void)message;
	usleep(1);
	++*(int *)context;
}

Test(queue, a_cancelled_thread_drops_every_message)
{
	int dropped = 0;
	struct magring_queue *other = queue_with_drop(8, sleep_in_drop, &dropped);
	for (uint64_t i = 0; i < 4; i++)
		send_large(other, i, 1000);
	cr_assert_eq(joined(given_thread(release_when_cancelled, other)), PTHREAD_CANCELED);
	assert_same(dropped, 4);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
	assert_same(stats_of_pool(pool).queues, 1);
}

/* -------------------------------------------------------- without a pool -- */

Test(queue, a_queue_needs_no_pool)
{
	struct magring_queue *other = NULL;
	struct magring_message message = given_number(NULL, 5), large = given_message(pool, 1000);
	assert_same(magring_queue_create(&other, NULL, NULL), 0);
	assert_same(magring_queue_capacity(other), 4096);
	assert_same(stats_of_pool(pool).queues, 1);
	assert_same(magring_send(other, &message, 0), 0);
	assert_same(magring_send(other, &large, 0), 0);
	assert_same(magring_recv(other, &message, 0), 0);
	assert_same(number_in(&message), 5);
	magring_message_free(&message);
	/* Messages of any pool may be in it, and are freed with it. */
	assert_same(magring_queue_release(other), 0);
	assert_same(stats_of_pool(pool).slabs_in_use, 0);
}

Test(queue, a_queue_without_a_pool_keeps_no_pool)
{
	struct magring_pool *short_lived = given_pool(4096);
	struct magring_queue *other = NULL;
	assert_same(magring_queue_create(&other, NULL, NULL), 0);
	assert_same(magring_pool_destroy(short_lived), 0);
	assert_same(magring_queue_release(other), 0);
}

/* --------------------------------------------------------- send, receive -- */

Test(queue, an_empty_message_is_refused)
{
	struct magring_message empty = { 0 };
	assert_same(magring_send(queue, &empty, 0), -EINVAL);
	assert_same(magring_send_batch(queue, &empty, 1, -1), -EINVAL);
	assert_same(magring_queue_size(queue), 0);
}

Test(queue, a_message_without_id_and_payload_can_be_sent)
{
	struct magring_message message = given_message(pool, 0), received = { 0 };
	size_t size = 1;
	assert_same(magring_send(queue, &message, 0), 0);
	assert_same(magring_recv(queue, &received, 0), 0);
	cr_assert_not_null(magring_message_payload(&received, &size));
	assert_same(size, 0);
	magring_message_free(&received);
}

Test(queue, messages_come_whole_and_in_order)
{
	static const size_t ids[] = { 0, 16, 40, 41, 255 };
	static const size_t payloads[] = { 0, 8, 32, 48, 49, 1000, 65536 };
	char id[256], payload[65536];
	for (size_t i = 0; i < 5 * 7; i++) {
		struct magring_message a = { 0 }, b = { 0 };
		size_t id_size = ids[i % 5], payload_size = payloads[i / 5], size;
		memset(id, (int)i + 1, sizeof(id));
		memset(payload, (int)i + 100, sizeof(payload));
		assert_same(magring_message_copy(pool, &a, id, id_size, payload, payload_size, 0),
			0);
		assert_same(magring_send(queue, &a, 0), 0);
		send_number(i);
		assert_same(magring_recv(queue, &b, 0), 0);
		cr_assert_arr_eq(magring_message_id(&b, &size), id, id_size);
		assert_same(size, id_size);
		cr_assert_arr_eq(magring_message_payload(&b, &size), payload, payload_size);
		assert_same(size, payload_size);
		magring_message_free(&b);
		check_receives(i);
	}
}

Test(queue, a_failed_send_leaves_the_message_with_the_caller)
{
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	check_refuses_send(0, -EAGAIN);
	check_refuses_send(MILLISECOND, -ETIMEDOUT);
	assert_same(magring_queue_close(queue), 0);
	check_refuses_send(0, -EPIPE);
	check_refuses_send(-1, -EPIPE);
	for (uint64_t i = 0; i < 4; i++)
		check_receives(i);
}

Test(queue, a_failed_receive_leaves_the_callers_message_untouched)
{
	check_refuses_recv(0, -EAGAIN);
	check_refuses_recv(MILLISECOND, -ETIMEDOUT);
	assert_same(magring_queue_close(queue), 0);
	check_refuses_recv(0, -EPIPE);
	check_refuses_recv(-1, -EPIPE);
}

Test(queue, a_received_message_can_be_sent_on)
{
	struct magring_queue *next = given_queue(pool, 2);
	struct magring_message message = given_message(pool, 1000);
	memset(magring_message_payload(&message, NULL), 7, 1000);
	assert_same(magring_send(queue, &message, 0), 0);
	assert_same(magring_recv(queue, &message, 0), 0);
	assert_same(magring_send(next, &message, 0), 0);
	assert_same(magring_recv(next, &message, 0), 0);
	assert_same(((unsigned char *)magring_message_payload(&message, NULL))[999], 7);
	assert_same(stats_of_pool(pool).allocated, 1);
	magring_message_free(&message);
	assert_same(magring_queue_release(next), 0);
}

Test(queue, carries_messages_of_any_pool)
{
	struct magring_pool *other = given_pool(4096);
	struct magring_message message = given_message(other, 100);
	assert_same(magring_send(queue, &message, 0), 0);
	assert_same(magring_recv(queue, &message, 0), 0);
	magring_message_free(&message);
	assert_same(stats_of_pool(other).freed, 1);
	assert_same(stats_of_pool(pool).freed, 0);
	done_with(other, NULL);
}

Test(queue, size_is_what_was_sent_and_not_received)
{
	assert_same(magring_queue_size(queue), 0);
	for (uint64_t i = 0; i < 4; i++) {
		send_number(i);
		assert_same(magring_queue_size(queue), i + 1);
	}
	for (uint64_t i = 0; i < 4; i++) {
		check_receives(i);
		assert_same(magring_queue_size(queue), 3 - i);
	}
	assert_same(magring_queue_close(queue), 0);
	assert_same(magring_queue_size(queue), 0);
}

/* --------------------------------------------------------------- batches -- */

static struct magring_message *given_numbers(size_t count, uint64_t first)
{
	struct magring_message *messages = calloc(count + 1, sizeof(*messages));
	cr_assert_not_null(messages);
	for (size_t i = 0; i < count; i++)
		messages[i] = given_number(pool, first + i);
	return messages;
}

static void check_batch(struct magring_message *messages, size_t count, uint64_t first)
{
	for (size_t i = 0; i < count; i++) {
		assert_same(number_in(&messages[i]), first + i);
		magring_message_free(&messages[i]);
	}
}

Test(queue, a_batch_of_none_does_nothing)
{
	struct magring_message message = { 0 };
	assert_same(magring_send_batch(queue, NULL, 0, -1), 0);
	assert_same(magring_recv_batch(queue, NULL, 0, -1), 0);
	assert_same(magring_send_batch(queue, &message, 0, 0), 0);
	assert_same(magring_recv_batch(queue, &message, 0, 0), 0);
	struct magring_queue_stats stats = stats_of_queue(queue);
	assert_same(stats.full + stats.empty + stats.sent + stats.received, 0);
}

Test(queue, a_batch_beyond_what_an_int_counts_is_refused)
{
	/* Whoever looks at a second message faults. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
	struct magring_message *message = (struct magring_message *)(void *)(pages + page) - 1;
	*message = given_number(pool, 1);
	assert_same(magring_send_batch(queue, message, (size_t)INT_MAX + 1, 0), -EINVAL);
	assert_same(magring_send_batch(queue, message, SIZE_MAX, 0), -EINVAL);
	assert_same(magring_recv_batch(queue, message, (size_t)INT_MAX + 1, 0), -EINVAL);
	assert_same(magring_recv_batch(queue, message, SIZE_MAX, 0), -EINVAL);
	assert_same(number_in(message), 1);
	assert_same(magring_queue_size(queue), 0);
	magring_message_free(message);
	munmap(pages, 2 * page);
}

Test(queue, a_batch_of_one_is_a_single_message)
{
	struct magring_message *messages = given_numbers(1, 5), received[2] = { 0 };
	assert_same(magring_send_batch(queue, messages, 1, 0), 1);
	cr_assert_null(magring_message_payload(&messages[0], NULL));
	assert_same(magring_recv_batch(queue, received, 1, 0), 1);
	check_batch(received, 1, 5);
	free(messages);
}

Test(queue, an_empty_message_anywhere_in_a_batch_sends_none_of_it)
{
	for (int hole = 0; hole < 3; hole++) {
		struct magring_message *messages = given_numbers(3, 0);
		magring_message_free(&messages[hole]);
		assert_same(magring_send_batch(queue, messages, 3, 0), -EINVAL);
		assert_same(magring_queue_size(queue), 0);
		for (int i = 0; i < 3; i++)
			assert_same(number_in(&messages[i]), i == hole ? -1 : i);
		free(messages);
	}
}

Test(queue, of_a_batch_larger_than_the_room_the_first_go_and_the_rest_stay)
{
	for (size_t before = 0; before < 4; before++) {
		for (size_t i = 0; i < before; i++)
			send_number(100 + i);
		struct magring_message *messages = given_numbers(6, 0);
		size_t room = 4 - before;
		assert_same(magring_send_batch(queue, messages, 6, 0), room);
		for (size_t i = 0; i < 6; i++)
			assert_same(number_in(&messages[i]), i < room ? -1 : (long long)i);
		assert_same(magring_send_batch(queue, messages + room, 6 - room, 0), -EAGAIN);
		assert_same(magring_send_batch(queue, messages + room, 6 - room, MILLISECOND),
			-ETIMEDOUT);
		check_batch(messages + room, 6 - room, room);
		for (size_t i = 0; i < before; i++)
			check_receives(100 + i);
		for (size_t i = 0; i < room; i++)
			check_receives(i);
		free(messages);
	}
}

Test(queue, a_batch_that_runs_out_of_time_tells_how_many_were_sent)
{
	struct magring_message *messages = given_numbers(6, 0);
	int64_t start = now_ns();
	assert_same(magring_send_batch(queue, messages, 6, 30 * MILLISECOND), 4);
	cr_assert_geq(now_ns() - start, 30 * MILLISECOND);
	check_batch(messages + 4, 2, 4);
	for (uint64_t i = 0; i < 4; i++)
		check_receives(i);
	free(messages);
}

Test(queue, a_receiver_takes_no_more_than_it_asked_for_and_no_more_than_there_is)
{
	struct magring_message received[10] = { 0 };
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	assert_same(magring_recv_batch(queue, received, 3, 0), 3);
	check_batch(received, 3, 0);
	assert_same(magring_recv_batch(queue, received, 10, -1), 1);
	check_batch(received, 1, 3);
	assert_same(magring_recv_batch(queue, received, 10, 0), -EAGAIN);
}

struct batch_sender {
	struct magring_message *messages;
	size_t count;
	int64_t timeout_ns;
	_Atomic(int) result;
};

static void *send_batch(void *argument)
{
	struct batch_sender *sender = argument;
	atomic_store(&sender->result,
		magring_send_batch(queue, sender->messages, sender->count, sender->timeout_ns));
	return NULL;
}

Test(queue, a_batch_larger_than_the_capacity_goes_through_as_it_is_received)
{
	struct batch_sender sender = { given_numbers(1000, 0), 1000, -1, INT_MIN };
	struct magring_message received[3] = { 0 };
	pthread_t thread = given_thread(send_batch, &sender);
	uint64_t next = 0;
	while (next < 1000) {
		int count = magring_recv_batch(queue, received, 3, -1);
		cr_assert(count >= 1 && count <= 3);
		check_batch(received, (size_t)count, next);
		next += (uint64_t)count;
	}
	joined(thread);
	assert_same(sender.result, 1000);
	assert_same(stats_of_queue(queue).sent - stats_of_queue(queue).returned, 1000);
	free(sender.messages);
}

Test(queue, a_batch_closed_in_the_middle_tells_how_many_were_sent)
{
	struct batch_sender sender = { given_numbers(10, 0), 10, -1, INT_MIN };
	pthread_t thread = given_thread(send_batch, &sender);
	assert_eventually(parked_in(queue) == 1);
	check_receives(0);
	assert_eventually(parked_in(queue) == 2);
	assert_same(magring_queue_close(queue), 0);
	joined(thread);
	assert_same(sender.result, 5);
	check_batch(sender.messages + 5, 5, 5);
	for (uint64_t i = 1; i < 5; i++)
		check_receives(i);
	check_refuses_recv(-1, -EPIPE);
	free(sender.messages);
}

Test(queue, a_waiting_receivers_batch_does_not_wait_for_a_second_message)
{
	struct waiter waiter;
	waiter_start_asleep(&waiter, queue, RECEIVER, -1);
	send_number(1);
	assert_same(waiter_finish(&waiter), 0);
	send_number(2);
	struct magring_message received[4] = { 0 };
	assert_same(magring_recv_batch(queue, received, 4, -1), 1);
	check_batch(received, 1, 2);
}

/* ------------------------------------------------------- time has run out -- */

struct batch_receiver {
	struct magring_message messages[6];
	int64_t timeout_ns;
	_Atomic(int) result;
};

static void *receive_batch(void *argument)
{
	struct batch_receiver *receiver = argument;
	atomic_store(&receiver->result,
		magring_recv_batch(queue, receiver->messages, 6, receiver->timeout_ns));
	return NULL;
}

static void check_unused(const struct magring_message *messages, size_t count)
{
	for (size_t i = 0; i < count * sizeof(*messages); i++)
		assert_same(((const unsigned char *)messages)[i], 0x5a);
}

Test(queue, a_receivers_batch_leaves_alone_what_it_does_not_fill)
{
	struct batch_receiver receiver = { .timeout_ns = -1, .result = INT_MIN };
	memset(receiver.messages, 0x5a, sizeof(receiver.messages));
	assert_same(magring_recv_batch(queue, receiver.messages, 6, 0), -EAGAIN);
	assert_same(magring_recv_batch(queue, receiver.messages, 6, 5 * MILLISECOND), -ETIMEDOUT);
	check_unused(receiver.messages, 6);
	send_number(1);
	send_number(2);
	assert_same(magring_recv_batch(queue, receiver.messages, 6, MILLISECOND), 2);
	check_unused(receiver.messages + 2, 4);
	check_batch(receiver.messages, 2, 1);

	memset(receiver.messages, 0x5a, sizeof(receiver.messages));
	pthread_t thread = given_thread(receive_batch, &receiver);
	assert_eventually(parked_in(queue) == 2);
	send_number(3);
	joined(thread);
	assert_same(receiver.result, 1);
	check_batch(receiver.messages, 1, 3);
	check_unused(receiver.messages + 1, 5);
}

/* A message is received each millisecond. With a time limit for each message
 * the batch would go on as long as that. */
Test(queue, a_batch_has_one_time_limit_for_all_its_messages)
{
	enum { COUNT = 2000 };
	struct batch_sender sender = { given_numbers(COUNT, 0), COUNT, 50 * MILLISECOND, INT_MIN };
	pthread_t thread = given_thread(send_batch, &sender);
	int received = 0;
	while (atomic_load(&sender.result) == INT_MIN && received < COUNT - 4) {
		struct magring_message message = { 0 };
		if (magring_recv(queue, &message, 0) == 0)
			assert_same(number_in(&message), received++);
		magring_message_free(&message);
		usleep(1000);
	}
	cr_assert_lt(received, COUNT - 4, "its time does not run out");
	joined(thread);
	/* What it says has gone has gone, and the rest is untouched. */
	int sent = sender.result;
	cr_assert(sent >= 4 && sent < COUNT, "%d", sent);
	for (int i = 0; i < COUNT; i++)
		assert_same(number_in(&sender.messages[i]), i < sent ? -1 : i);
	while (received < sent)
		check_receives((uint64_t)received++);
	check_refuses_recv(0, -EAGAIN);
	free(sender.messages);
}

/* --------------------------------------------------------------- waiting -- */

Test(queue, a_timeout_is_not_over_before_its_time)
{
	static const int64_t timeouts[] = { 1, 1000, MILLISECOND, 40 * MILLISECOND };
	struct magring_message message = { 0 };
	for (int i = 0; i < 4; i++) {
		int64_t start = now_ns();
		assert_same(magring_recv(queue, &message, timeouts[i]), -ETIMEDOUT);
		cr_assert_geq(now_ns() - start, timeouts[i]);
		start = now_ns();
		assert_same(magring_recv_batch(queue, &message, 1, timeouts[i]), -ETIMEDOUT);
		cr_assert_geq(now_ns() - start, timeouts[i]);
	}
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	message = given_number(pool, 9);
	for (int i = 0; i < 4; i++) {
		int64_t start = now_ns();
		assert_same(magring_send(queue, &message, timeouts[i]), -ETIMEDOUT);
		cr_assert_geq(now_ns() - start, timeouts[i]);
		start = now_ns();
		assert_same(magring_send_batch(queue, &message, 1, timeouts[i]), -ETIMEDOUT);
		cr_assert_geq(now_ns() - start, timeouts[i]);
	}
	magring_message_free(&message);
}

static void check_waiting_receiver(int64_t timeout_ns)
{
	struct waiter waiter;
	waiter_start_asleep(&waiter, queue, RECEIVER, timeout_ns);
	send_number(11);
	assert_same(waiter_finish(&waiter), 0);
	assert_same(number_in(&waiter.message), 11);
	magring_message_free(&waiter.message);
}

static void check_waiting_sender(int64_t timeout_ns)
{
	struct waiter waiter = { .message = given_number(pool, 4) };
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	waiter_start_asleep(&waiter, queue, SENDER, timeout_ns);
	check_receives(0);
	assert_same(waiter_finish(&waiter), 0);
	cr_assert_null(magring_message_payload(&waiter.message, NULL));
	for (uint64_t i = 1; i <= 4; i++)
		check_receives(i);
}

Test(queue, a_receiver_waits_for_a_message_as_long_as_it_takes)
{
	check_waiting_receiver(-1);
	check_waiting_receiver(INT64_MIN);
}

Test(queue, a_receiver_with_a_timeout_gets_a_message_that_comes_in_time)
{
	check_waiting_receiver(3600000 * MILLISECOND);
	check_waiting_receiver(INT64_MAX);
	check_waiting_receiver(INT64_MAX - 1);
}

Test(queue, a_sender_waits_for_room_as_long_as_it_takes)
{
	check_waiting_sender(-1);
	check_waiting_sender(INT64_MIN);
}

Test(queue, a_sender_with_a_timeout_gets_room_that_comes_in_time)
{
	check_waiting_sender(3600000 * MILLISECOND);
	check_waiting_sender(INT64_MAX);
}

Test(queue, a_sleeper_whose_time_runs_out_says_so)
{
	struct waiter waiter = { .message = given_message(pool, 1000) };
	int64_t start = now_ns();
	waiter_start(&waiter, queue, RECEIVER, 50 * MILLISECOND);
	assert_same(waiter_finish(&waiter), -ETIMEDOUT);
	cr_assert_geq(waiter.ended_ns - start, 50 * MILLISECOND);
	assert_same(stats_of_queue(queue).parked, 1);
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	start = now_ns();
	waiter_start(&waiter, queue, SENDER, 50 * MILLISECOND);
	assert_same(waiter_finish(&waiter), -ETIMEDOUT);
	cr_assert_geq(waiter.ended_ns - start, 50 * MILLISECOND);
	size_t size;
	cr_assert_not_null(magring_message_payload(&waiter.message, &size));
	assert_same(size, 1000);
	magring_message_free(&waiter.message);
}

static void nothing(int number)
{
	(void)number;
}

Test(queue, a_signal_does_not_end_the_wait)
{
	struct sigaction action = { .sa_handler = nothing };
	struct waiter waiter;
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	waiter_start_asleep(&waiter, queue, RECEIVER, -1);
	for (int i = 0; i < 20; i++) {
		pthread_kill(waiter.thread, SIGUSR1);
		usleep(1000);
		cr_assert_not(waiter_is_done(&waiter));
	}
	send_number(1);
	assert_same(waiter_finish(&waiter), 0);
	magring_message_free(&waiter.message);
}

enum { MANY = 10 };

Test(queue, each_of_many_sleeping_receivers_gets_a_message)
{
	struct waiter waiters[MANY];
	uint64_t sum = 0;
	for (int i = 0; i < MANY; i++)
		waiter_start_asleep(&waiters[i], queue, RECEIVER, -1);
	for (uint64_t i = 0; i < MANY; i++) {
		struct magring_message message = given_number(pool, i);
		assert_same(magring_send(queue, &message, -1), 0);
	}
	for (int i = 0; i < MANY; i++) {
		assert_same(waiter_finish(&waiters[i]), 0);
		sum += number_in(&waiters[i].message);
		magring_message_free(&waiters[i].message);
	}
	assert_same(sum, MANY * (MANY - 1) / 2);
}

Test(queue, a_batch_wakes_as_many_receivers_as_it_has_messages)
{
	struct waiter waiters[4];
	for (int i = 0; i < 4; i++)
		waiter_start_asleep(&waiters[i], queue, RECEIVER, -1);
	struct magring_message *messages = given_numbers(4, 0);
	assert_same(magring_send_batch(queue, messages, 4, 0), 4);
	for (int i = 0; i < 4; i++) {
		assert_same(waiter_finish(&waiters[i]), 0);
		magring_message_free(&waiters[i].message);
	}
	free(messages);
}

Test(queue, a_batch_received_wakes_as_many_senders_as_it_leaves_room)
{
	struct waiter waiters[4];
	struct magring_message received[4] = { 0 };
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	for (uint64_t i = 0; i < 4; i++) {
		waiters[i].message = given_number(pool, 10 + i);
		waiter_start_asleep(&waiters[i], queue, SENDER, -1);
	}
	assert_same(magring_recv_batch(queue, received, 4, 0), 4);
	check_batch(received, 4, 0);
	for (int i = 0; i < 4; i++)
		assert_same(waiter_finish(&waiters[i]), 0);
	assert_same(magring_queue_size(queue), 4);
}

Test(queue, each_of_many_sleeping_senders_gets_room)
{
	struct waiter waiters[MANY];
	uint64_t sum = 0;
	for (uint64_t i = 0; i < 4; i++)
		send_number(1000);
	for (uint64_t i = 0; i < MANY; i++) {
		waiters[i].message = given_number(pool, i);
		waiter_start_asleep(&waiters[i], queue, SENDER, -1);
	}
	for (int i = 0; i < 4 + MANY; i++) {
		struct magring_message message = { 0 };
		assert_same(magring_recv(queue, &message, -1), 0);
		sum += number_in(&message);
		magring_message_free(&message);
	}
	for (int i = 0; i < MANY; i++)
		assert_same(waiter_finish(&waiters[i]), 0);
	assert_same(sum, 4000 + MANY * (MANY - 1) / 2);
}

/* ---------------------------------------------------------- cancellation -- */

Test(queue, a_sleeping_receiver_can_be_cancelled_and_nothing_is_lost)
{
	struct waiter waiter;
	waiter_start_asleep(&waiter, queue, RECEIVER, -1);
	cr_assert_eq(pthread_cancel(waiter.thread), 0);
	cr_assert_eq(joined(waiter.thread), PTHREAD_CANCELED);
	assert_same(atomic_load(&waiter.result), 1);
	cr_assert_not(eventcount_has_waiters(&queue->eventcount[RECEIVER]));
	send_number(1);
	check_receives(1);
}

Test(queue, a_sleeping_sender_can_be_cancelled_and_its_message_is_not_sent)
{
	struct waiter waiter = { .message = given_message(pool, 1000) };
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	waiter_start_asleep(&waiter, queue, SENDER, 3600000 * MILLISECOND);
	cr_assert_eq(pthread_cancel(waiter.thread), 0);
	cr_assert_eq(joined(waiter.thread), PTHREAD_CANCELED);
	cr_assert_not(eventcount_has_waiters(&queue->eventcount[SENDER]));
	for (uint64_t i = 0; i < 4; i++)
		check_receives(i);
	check_refuses_recv(0, -EAGAIN);
	assert_same(stats_of_pool(pool).slabs_in_use, 1);
	magring_message_free(&waiter.message);
}

/* As a waker leaves it that was stopped before its system call: the wake-up is
 * on its way to the sleeper, which is cancelled instead. */
static void set_waking(struct eventcount *eventcount)
{
	uint64_t word = atomic_load(&eventcount->word);
	assert_same(word & EVENTCOUNT_WAKING, 0);
	assert_same(word & UINT32_MAX, 0);
	atomic_store(&eventcount->word, (word + 1) | EVENTCOUNT_WAKING);
}

Test(queue, a_cancelled_receiver_passes_on_the_wake_up_that_was_meant_for_it)
{
	struct waiter cancelled, other;
	waiter_start_asleep(&cancelled, queue, RECEIVER, -1);
	waiter_start_asleep(&other, queue, RECEIVER, -1);
	struct magring_message message = given_number(pool, 1);
	set_waking(&queue->eventcount[RECEIVER]);
	assert_same(ring_push(&queue->ring, &message), 1);
	cr_assert_eq(pthread_cancel(cancelled.thread), 0);
	cr_assert_eq(joined(cancelled.thread), PTHREAD_CANCELED);
	assert_same(waiter_finish(&other), 0);
	assert_same(number_in(&other.message), 1);
	magring_message_free(&other.message);
}

Test(queue, a_cancelled_sender_passes_on_the_wake_up_that_was_meant_for_it)
{
	struct waiter cancelled = { .message = given_number(pool, 10) };
	struct waiter other = { .message = given_number(pool, 11) };
	struct magring_message received;
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	waiter_start_asleep(&cancelled, queue, SENDER, -1);
	waiter_start_asleep(&other, queue, SENDER, -1);
	set_waking(&queue->eventcount[SENDER]);
	assert_same(ring_pop(&queue->ring, &received), 1);
	cr_assert_eq(pthread_cancel(cancelled.thread), 0);
	cr_assert_eq(joined(cancelled.thread), PTHREAD_CANCELED);
	assert_same(waiter_finish(&other), 0);
	for (uint64_t i = 1; i < 4; i++)
		check_receives(i);
	check_receives(11);
}

Test(queue, a_thread_stopped_while_it_wakes_another_keeps_nobody_asleep)
{
	/* It has counted the wake-up and moved the epoch on, but not called futex. */
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	struct waiter last = { .side = RECEIVER };
	waiter_start_asleep(&last, queue, RECEIVER, INT64_C(20000000000));
	set_waking(&queue->eventcount[RECEIVER]);
	int64_t before_ns = now_ns();
	send_number(7);
	assert_same(waiter_finish(&last), 0);
	cr_assert_lt(last.ended_ns - before_ns, INT64_C(20000000000) / 2); /* not by its deadline */
	assert_same(number_in(&last.message), 7);
	magring_message_free(&last.message);
	cr_assert_eq(magring_queue_get_stats(queue, &stats), 0);
	assert_same(stats.woken, 1);
}

/* With a cancellation pending. */
static void *do_all_while_cancelled(void *argument)
{
	_Atomic(int) *steps = argument;
	struct magring_message message = { 0 }, batch[2] = { 0 };
	struct magring_pool *other;
	struct magring_queue *its;
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	struct magring_pool_stats pool_stats = { .size = sizeof(pool_stats) };
	struct magring_class_stats class_stats = { .size = sizeof(class_stats) };
	int done = 0;
	FILE *sink = fopen("/dev/null", "w");
	setvbuf(sink, NULL, _IONBF, 0);
	pthread_cancel(pthread_self());
	done += magring_pool_create(&other, NULL) == 0;
	atomic_store(steps, done);
	done += magring_queue_create(&its, other, NULL) == 0;
	atomic_store(steps, done);
	done += magring_message_alloc(other, &message, NULL, 0, 1000, 0) == 0;
	done += magring_send(its, &message, -1) == 0;
	done += magring_recv(its, &message, -1) == 0;
	magring_message_free(&message);
	done += magring_recv(its, &message, 0) == -EAGAIN;
	done += magring_recv_batch(its, batch, 2, 0) == -EAGAIN;
	atomic_store(steps, done);
	done += magring_queue_recv_fd(its) >= 0;
	done += magring_queue_send_fd(its) >= 0;
	done += magring_recv(its, &message, 0) == -EAGAIN; /* arms */
	done += magring_message_alloc(other, &message, NULL, 0, 1000, 0) == 0;
	done += magring_send(its, &message, 0) == 0; /* signals */
	atomic_store(steps, done);
	done += magring_queue_get_stats(its, &stats) == 0;
	done += magring_pool_flush_thread(other) == 0;
	atomic_store(steps, done);
	done += magring_queue_close(its) == 0;
	atomic_store(steps, done);
	done += magring_pool_write_metrics(other, sink) == 0;
	done += magring_write_metrics(sink, 0) == 0;
	done += magring_pool_write_profile(other, sink) == 0;
	done += magring_pool_write_leaks(other, sink) == 0;
	atomic_store(steps, done);
	done += magring_pool_trim(other, 0, NULL) == 0;
	done += magring_pool_get_stats(other, &pool_stats) == 0;
	done += magring_pool_get_class_stats(other, 0, &class_stats) == 0;
	done += magring_queue_acquire(its) == 0;
	done += magring_queue_release(its) == 0;
	atomic_store(steps, done);
	done += magring_queue_release(its) == 0;
	atomic_store(steps, done);
	done += magring_pool_destroy(other) == 0;
	atomic_store(steps, done);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	fclose(sink);
	return NULL;
}

Test(queue, no_call_that_is_not_parked_is_a_cancellation_point)
{
	_Atomic(int) steps = 0;
	joined(given_thread(do_all_while_cancelled, &steps));
	assert_same(atomic_load(&steps), 26);
}

/* ------------------------------------------------------ unfinished calls -- */

Test(queue, all_of_whose_cells_are_claimed_by_senders_is_full_and_empty)
{
	for (size_t i = 0; i < 4; i++) {
		assert_same(magring_queue_size(queue), i);
		ring_peek_claim_push(&queue->ring);
	}
	assert_same(magring_queue_size(queue), 4);
	check_refuses_send(0, -EAGAIN);
	check_refuses_recv(0, -EAGAIN);
}

Test(queue, what_a_batch_leaves_behind_a_stopped_sender_is_for_the_next_receive)
{
	for (int batch = 0; batch < 2; batch++) {
		struct magring_message received[4] = { 0 }, late = given_number(pool, 9);
		send_number(1);
		uint64_t position = ring_peek_claim_push(&queue->ring);
		send_number(2);
		assert_same(magring_recv_batch(queue, received, 4, 0), 1);
		check_batch(received, 1, 1);
		if (batch == 0) {
			check_receives(2);
		} else {
			assert_same(magring_recv_batch(queue, received, 4, 0), 1);
			check_batch(received, 1, 2);
		}
		cr_assert_not(ring_peek_finish_push(&queue->ring, position, &late));
		magring_message_free(&late);
	}
}

/* ------------------------------------------------------- stopped wakers -- */

/* What a sleeper of this side waits for. For senders the queue is full at
 * first, with the messages 0 to 3. */
static void let_one_go_on(enum side side, uint64_t number)
{
	if (side == RECEIVER)
		send_number(number);
	else
		check_receives(number);
}

static void given_sleepers(struct waiter *waiters, size_t count, enum side side)
{
	for (uint64_t i = 0; i < 4 && side == SENDER; i++)
		send_number(i);
	for (size_t i = 0; i < count; i++) {
		waiters[i].message = given_number(NULL, 100 + i);
		waiter_start_asleep(&waiters[i], queue, side, -1);
	}
}

static void finish_all(struct waiter *waiters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_same(waiter_finish(&waiters[i]), 0);
}

/* A thread has sent (received), and stopped before it reads the eventcount. */
static void change_and_stop(enum side side)
{
	struct magring_message message = given_number(NULL, 0);
	assert_same(side == RECEIVER ? ring_push(&queue->ring, &message)
				     : ring_pop(&queue->ring, &message),
		1);
}

static void check_woken_when_the_waker_goes_on(enum side side)
{
	struct waiter waiter;
	given_sleepers(&waiter, 1, side);
	change_and_stop(side);
	pass_wake_up_on(queue, side); /* it goes on */
	finish_all(&waiter, 1);
}

Test(queue, a_stopped_waker_wakes_the_sleeper_when_it_goes_on)
{
	check_woken_when_the_waker_goes_on(RECEIVER);
}

Test(queue, a_stopped_waker_wakes_the_sleeping_sender_when_it_goes_on)
{
	check_woken_when_the_waker_goes_on(SENDER);
}

static void check_woken_by_the_next_call(enum side side)
{
	struct waiter waiters[2];
	given_sleepers(waiters, 2, side);
	change_and_stop(side);
	let_one_go_on(side, 1);
	finish_all(waiters, 2);
}

Test(queue, a_later_send_wakes_the_sleepers_of_a_stopped_waker)
{
	check_woken_by_the_next_call(RECEIVER);
}

Test(queue, a_later_receive_wakes_the_sleeping_senders_of_a_stopped_waker)
{
	check_woken_by_the_next_call(SENDER);
}

/* Two threads have counted a wake-up each, and stopped before their system
 * call. */
static void given_two_stopped_wakers(struct waiter *waiters, size_t count, enum side side)
{
	struct eventcount *eventcount = &queue->eventcount[side];
	given_sleepers(waiters, count, side);
	set_waking(eventcount);
	atomic_fetch_add(&eventcount->word, 1 + EVENTCOUNT_WAKING);
}

static void check_two_stopped_wakers_until_one_goes_on(enum side side)
{
	struct waiter waiters[2];
	given_two_stopped_wakers(waiters, 2, side);
	let_one_go_on(side, 0);
	let_one_go_on(side, 1);
	assert_same(stats_of_queue(queue).woken, 0); /* it is left to those two */
	cr_assert(waiter_is_asleep(&waiters[0]) && waiter_is_asleep(&waiters[1]));
	/* One of them goes on. */
	syscall(SYS_futex, &queue->eventcount[side].word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	finish_all(waiters, 2);
}

Test(queue, two_stopped_wakers_leave_receivers_asleep_until_one_goes_on)
{
	check_two_stopped_wakers_until_one_goes_on(RECEIVER);
}

Test(queue, two_stopped_wakers_leave_senders_asleep_until_one_goes_on)
{
	check_two_stopped_wakers_until_one_goes_on(SENDER);
}

static void check_two_stopped_wakers_until_another_sleeps(enum side side)
{
	struct waiter waiters[3];
	given_two_stopped_wakers(waiters, 2, side);
	waiters[2].message = given_number(NULL, 102);
	waiter_start_asleep(&waiters[2], queue, side, -1);
	for (uint64_t i = 0; i < 3; i++)
		let_one_go_on(side, i);
	finish_all(waiters, 3);
}

Test(queue, two_stopped_wakers_leave_receivers_asleep_until_another_is_about_to_sleep)
{
	check_two_stopped_wakers_until_another_sleeps(RECEIVER);
}

Test(queue, two_stopped_wakers_leave_senders_asleep_until_another_is_about_to_sleep)
{
	check_two_stopped_wakers_until_another_sleeps(SENDER);
}

/* --------------------------------------------------------------- closing -- */

Test(queue, every_message_is_received_before_anybody_is_told_that_it_is_closed)
{
	for (uint64_t i = 0; i < 3; i++)
		send_number(i);
	assert_same(magring_queue_close(queue), 0);
	check_refuses_send(-1, -EPIPE);
	for (uint64_t i = 0; i < 3; i++)
		check_receives(i);
	check_refuses_recv(-1, -EPIPE);
	check_refuses_recv(0, -EPIPE);
	check_refuses_recv(1, -EPIPE);
}

Test(queue, a_batch_of_what_is_left_is_received_after_closing)
{
	struct magring_message received[4] = { 0 };
	for (uint64_t i = 0; i < 3; i++)
		send_number(i);
	assert_same(magring_queue_close(queue), 0);
	assert_same(magring_recv_batch(queue, received, 4, -1), 3);
	check_batch(received, 3, 0);
	assert_same(magring_recv_batch(queue, received, 4, -1), -EPIPE);
}

static void *receive_one(void *argument)
{
	struct magring_message message;
	int rc = magring_recv(argument, &message, 0);
	return (void *)(uintptr_t)(rc == 0 ? number_in(&message) : UINTPTR_MAX);
}

Test(queue, close_twice_is_harmless)
{
	send_number(1);
	assert_same(stats_of_queue(queue).closed, 0);
	assert_same(magring_queue_close(queue), 0);
	assert_same(magring_queue_close(queue), 0);
	assert_same(stats_of_queue(queue).closed, 1);
	check_receives(1);
	check_refuses_recv(-1, -EPIPE);
	assert_same(magring_queue_close(queue), 0);
}

Test(queue, a_closed_one_still_refuses_empty_messages_and_takes_empty_batches)
{
	struct magring_message empty = { 0 };
	assert_same(magring_queue_close(queue), 0);
	assert_same(magring_send(queue, &empty, 0), -EINVAL);
	assert_same(magring_send_batch(queue, NULL, 0, 0), 0);
	assert_same(magring_recv_batch(queue, NULL, 0, 0), 0);
}

Test(queue, close_wakes_every_waiting_receiver)
{
	struct waiter waiters[MANY];
	for (int i = 0; i < MANY; i++)
		waiter_start_asleep(&waiters[i], queue, RECEIVER,
			i % 2 == 0 ? -1 : 3600000 * MILLISECOND);
	assert_same(magring_queue_close(queue), 0);
	for (int i = 0; i < MANY; i++)
		assert_same(waiter_finish(&waiters[i]), -EPIPE);
}

Test(queue, close_wakes_every_waiting_sender_and_leaves_it_its_message)
{
	struct waiter waiters[MANY];
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	for (int i = 0; i < MANY; i++) {
		waiters[i].message = given_message(pool, 1000);
		waiter_start_asleep(&waiters[i], queue, SENDER,
			i % 2 == 0 ? -1 : 3600000 * MILLISECOND);
	}
	assert_same(magring_queue_close(queue), 0);
	for (int i = 0; i < MANY; i++) {
		assert_same(waiter_finish(&waiters[i]), -EPIPE);
		cr_assert_not_null(magring_message_payload(&waiters[i].message, NULL));
		magring_message_free(&waiters[i].message);
	}
	for (uint64_t i = 0; i < 4; i++)
		check_receives(i);
	check_refuses_recv(-1, -EPIPE);
}

struct talker {
	pthread_t thread;
	struct magring_queue *queue;
	uint64_t count;
	int last;
};

static void *send_until_closed(void *argument)
{
	struct talker *talker = argument;
	struct magring_message message;
	do {
		talker->last = magring_message_alloc(pool, &message, NULL, 0, 8, 0);
		if (talker->last == 0)
			talker->last = magring_send(talker->queue, &message, -1);
		talker->count += talker->last == 0;
	} while (talker->last == 0);
	magring_message_free(&message);
	return NULL;
}

static void *receive_until_closed(void *argument)
{
	struct talker *talker = argument;
	struct magring_message message;
	while ((talker->last = magring_recv(talker->queue, &message, -1)) == 0) {
		magring_message_free(&message);
		talker->count++;
	}
	return NULL;
}

Test(queue, closed_in_the_middle_of_traffic_as_many_are_received_as_were_sent)
{
	for (int round = 0; round < 200; round++) {
		struct talker talkers[4];
		struct magring_queue *other = given_queue(pool, 4);
		for (int i = 0; i < 4; i++) {
			talkers[i] = (struct talker){ .queue = other };
			talkers[i].thread =
				given_thread(i < 2 ? send_until_closed : receive_until_closed,
					&talkers[i]);
		}
		usleep((useconds_t)(round * 7 % 500));
		assert_same(magring_queue_close(other), 0);
		for (int i = 0; i < 4; i++) {
			joined(talkers[i].thread);
			assert_same(talkers[i].last, -EPIPE);
		}
		assert_same(talkers[0].count + talkers[1].count,
			talkers[2].count + talkers[3].count);
		assert_same(stats_of_queue(other).sent - stats_of_queue(other).returned,
			talkers[0].count + talkers[1].count);
		assert_same(stats_of_queue(other).received, stats_of_queue(other).sent);
		assert_same(magring_queue_release(other), 0);
	}
}

static bool readable(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	int rc = poll(&entry, 1, 0);
	cr_assert_geq(rc, 0);
	return rc == 1 && (entry.revents & POLLIN) != 0;
}

/* ------------------------------------------- sides that are one thread's -- */

static void *receive_numbers_in_order(void *argument)
{
	struct magring_queue *its = argument;
	struct magring_message messages[3];
	uint64_t received = 0;
	for (;;) {
		int n = received % 2 ? magring_recv_batch(its, messages, 3, -1)
				     : magring_recv(its, messages, -1);
		if (n < 0)
			return (void *)(uintptr_t)(n == -EPIPE ? received : UINT64_MAX);
		for (int i = 0; i < (n > 0 ? n : 1); i++)
			if (number_in(&messages[i]) != received++)
				return (void *)UINTPTR_MAX;
	}
}

Test(queue, a_declared_side_waits_and_is_woken_and_told_the_end_as_any_is)
{
	for (uint64_t flags = 0; flags <= (MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER);
		flags++) {
		struct magring_queue_options options = { .size = sizeof(options),
			.capacity = 2,
			.flags = flags };
		struct magring_queue *its = NULL;
		void *received = NULL;
		pthread_t receiver;
		assert_same(magring_queue_create(&its, pool, &options), 0);
		assert_same(pthread_create(&receiver, NULL, receive_numbers_in_order, its), 0);
		for (uint64_t i = 0; i < 2000; i++) {
			struct magring_message messages[2] = { given_number(pool, i),
				given_number(pool, i + 1) };
			if (i % 3 == 0) {
				assert_same(magring_send_batch(its, messages, 2, -1), 2);
				i++;
			} else {
				assert_same(magring_send(its, messages, -1), 0);
				magring_message_free(&messages[1]);
			}
		}
		assert_same(magring_queue_close(its), 0);
		pthread_join(receiver, &received);
		struct magring_queue_stats stats = stats_of_queue(its);
		assert_same((uintptr_t)received, stats.sent - stats.returned);
		cr_assert(stats.sent >= 2000 && stats.closed && stats.received == stats.sent);
		assert_same(magring_queue_release(its), 0);
	}
}

Test(queue, a_declared_side_may_be_another_threads_later)
{
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.flags = 3 };
	struct magring_queue *its = NULL;
	assert_same(magring_queue_create(&its, pool, &options), 0);
	for (uint64_t i = 0; i < 10; i++) {
		struct magring_message message = given_number(pool, i);
		void *received = NULL;
		pthread_t receiver;
		assert_same(magring_send(its, &message, 0), 0);
		assert_same(pthread_create(&receiver, NULL, receive_one, its), 0);
		pthread_join(receiver, &received);
		assert_same((uintptr_t)received, i);
	}
	assert_same(magring_queue_release(its), 0);
}

/* ----------------------------------------------------------- descriptors -- */

Test(queue, its_descriptors_are_two_and_stay_the_same)
{
	int recv_fd = magring_queue_recv_fd(queue), send_fd = magring_queue_send_fd(queue);
	cr_assert_geq(recv_fd, 0);
	cr_assert_geq(send_fd, 0);
	cr_assert_neq(recv_fd, send_fd);
	assert_same(magring_queue_recv_fd(queue), recv_fd);
	assert_same(magring_queue_send_fd(queue), send_fd);
}

Test(queue, its_descriptors_are_closed_when_it_is_freed)
{
	struct magring_queue *other = given_queue(pool, 2);
	int fds[2] = { magring_queue_recv_fd(other), magring_queue_send_fd(other) };
	assert_same(magring_queue_close(other), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_geq(fcntl(fds[i], F_GETFD), 0);
	assert_same(magring_queue_release(other), 0);
	for (int i = 0; i < 2; i++)
		assert_same(fcntl(fds[i], F_GETFD), -1);
}

Test(queue, the_receive_descriptor_is_readable_while_there_are_messages)
{
	int fd = magring_queue_recv_fd(queue);
	check_refuses_recv(0, -EAGAIN); /* arms */
	cr_assert_not(readable(fd));
	for (int lap = 0; lap < 3; lap++) {
		send_number(1);
		cr_assert(readable(fd));
		send_number(2);
		check_receives(1);
		cr_assert(readable(fd), "one message is left");
		check_receives(2);
		check_refuses_recv(0, -EAGAIN);
		cr_assert_not(readable(fd));
	}
}

Test(queue, the_receive_descriptor_of_a_queue_with_messages_is_readable)
{
	send_number(1);
	int fd = magring_queue_recv_fd(queue);
	cr_assert(readable(fd));
	check_receives(1);
	check_refuses_recv(0, -EAGAIN);
	cr_assert_not(readable(fd));
}

Test(queue, the_send_descriptor_is_readable_while_there_is_room)
{
	int fd = magring_queue_send_fd(queue);
	cr_assert(readable(fd));
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	check_refuses_send(0, -EAGAIN); /* arms */
	cr_assert_not(readable(fd));
	check_receives(0);
	cr_assert(readable(fd));
	send_number(4);
	check_refuses_send(0, -EAGAIN);
	cr_assert_not(readable(fd));
	struct magring_message received[4] = { 0 };
	assert_same(magring_recv_batch(queue, received, 4, 0), 4);
	check_batch(received, 4, 1);
	cr_assert(readable(fd));
}

Test(queue, a_short_batch_arms_the_send_descriptor_too)
{
	int fd = magring_queue_send_fd(queue);
	struct magring_message *messages = given_numbers(6, 0);
	assert_same(magring_send_batch(queue, messages, 6, 0), 4);
	cr_assert_not(readable(fd));
	check_receives(0);
	cr_assert(readable(fd));
	check_batch(messages + 4, 2, 4);
	free(messages);
}

Test(queue, a_short_batch_arms_the_receive_descriptor)
{
	int fd = magring_queue_recv_fd(queue);
	struct magring_message received[4] = { 0 };
	for (int64_t timeout_ns = 0; timeout_ns <= 1000; timeout_ns += 1000) {
		send_number(1);
		assert_same(magring_recv_batch(queue, received, 4, timeout_ns), 1);
		magring_message_free(received);
		cr_assert_not(readable(fd));
		send_number(2);
		cr_assert(readable(fd));
		check_receives(2);
	}
}

Test(queue, a_batch_as_long_as_was_asked_for_leaves_the_descriptor_readable)
{
	int fd = magring_queue_recv_fd(queue);
	struct magring_message received[2] = { 0 };
	send_number(0);
	send_number(1);
	assert_same(magring_recv_batch(queue, received, 2, 0), 2);
	check_batch(received, 2, 0);
	cr_assert(readable(fd));
}

Test(queue, a_batch_without_limit_does_not_arm)
{
	int fd = magring_queue_recv_fd(queue);
	struct magring_message received[4] = { 0 };
	send_number(1);
	assert_same(magring_recv_batch(queue, received, 4, -1), 1);
	magring_message_free(received);
	cr_assert(readable(fd));
}

Test(queue, a_call_whose_time_is_over_arms_its_descriptor)
{
	int recv_fd = magring_queue_recv_fd(queue), send_fd = magring_queue_send_fd(queue);
	check_refuses_recv(1000, -ETIMEDOUT);
	cr_assert_not(readable(recv_fd));
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	cr_assert(readable(recv_fd));
	check_refuses_send(1000, -ETIMEDOUT);
	cr_assert_not(readable(send_fd));
	check_receives(0);
	cr_assert(readable(send_fd));
}

Test(queue, a_short_batch_whose_time_is_over_arms_the_send_descriptor)
{
	int fd = magring_queue_send_fd(queue);
	struct magring_message *messages = given_numbers(6, 0);
	assert_same(magring_send_batch(queue, messages, 6, 1000), 4);
	cr_assert_not(readable(fd));
	check_receives(0);
	cr_assert(readable(fd));
	check_batch(messages + 4, 2, 4);
	free(messages);
}

Test(queue, descriptors_of_a_closed_one_are_readable_for_good)
{
	int recv_fd = magring_queue_recv_fd(queue), send_fd = magring_queue_send_fd(queue);
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	check_refuses_send(0, -EAGAIN);
	for (uint64_t i = 0; i < 3; i++)
		check_receives(i);
	assert_same(magring_queue_close(queue), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert(readable(recv_fd));
		cr_assert(readable(send_fd));
		if (i == 0)
			check_receives(3);
		check_refuses_recv(0, -EPIPE);
		check_refuses_send(0, -EPIPE);
	}
}

Test(queue, close_makes_an_armed_descriptor_readable)
{
	int recv_fd = magring_queue_recv_fd(queue);
	check_refuses_recv(0, -EAGAIN);
	cr_assert_not(readable(recv_fd));
	assert_same(magring_queue_close(queue), 0);
	cr_assert(readable(recv_fd));
}

Test(queue, traffic_signals_an_armed_descriptor_once)
{
	for (int side = SENDER; side <= RECEIVER; side++) {
		int fd = side == SENDER ? magring_queue_send_fd(queue)
					: magring_queue_recv_fd(queue);
		uint64_t signals = 0;
		for (uint64_t i = 0; i < 4 && side == SENDER; i++)
			send_number(i);
		if (side == SENDER)
			check_refuses_send(0, -EAGAIN); /* arms */
		else
			check_refuses_recv(0, -EAGAIN);
		cr_assert_not(readable(fd));
		for (uint64_t i = 0; i < 3; i++)
			if (side == SENDER)
				check_receives(i);
			else
				send_number(i);
		/* An eventfd tells how often it was written to. */
		assert_same(read(fd, &signals, sizeof(signals)), sizeof(signals));
		assert_same(signals, 1);
		while (side == SENDER && magring_queue_size(queue) > 0)
			check_receives(3);
	}
}

Test(queue, a_message_reaches_a_poller_beside_a_sleeper)
{
	struct waiter waiter;
	int fd = magring_queue_recv_fd(queue);
	check_refuses_recv(0, -EAGAIN);
	waiter_start_asleep(&waiter, queue, RECEIVER, -1);
	send_number(1);
	assert_same(waiter_finish(&waiter), 0);
	magring_message_free(&waiter.message);
	/* It was readable in between; that it still is, is allowed. */
	cr_assert(readable(fd));
	check_refuses_recv(0, -EAGAIN);
	cr_assert_not(readable(fd));
}

/* A set with the edges of one descriptor. */
static int edges_of(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int set = epoll_create1(EPOLL_CLOEXEC);
	cr_assert_geq(set, 0);
	cr_assert_eq(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	return set;
}

static bool has_edge(int set)
{
	struct epoll_event event;
	int rc = epoll_wait(set, &event, 1, 0);
	cr_assert_geq(rc, 0);
	return rc == 1;
}

/* When a signal was passed on last. Far ahead, it is not yet time again. */
static void set_passed(enum side side, int64_t passed_ns)
{
	atomic_store(&queue->passed_ns[side], passed_ns);
}

Test(queue, the_signal_of_a_new_descriptor_is_passed_on)
{
	for (uint64_t i = 0; i < 2; i++)
		send_number(i);
	int set = edges_of(magring_queue_recv_fd(queue));
	cr_assert(has_edge(set));
	check_receives(0);
	cr_assert(has_edge(set), "there is more, and nothing has armed yet");
	check_receives(1);
	cr_assert_not(has_edge(set));
}

Test(queue, a_receive_that_leaves_messages_behind_passes_the_signal_on)
{
	int set = edges_of(magring_queue_recv_fd(queue));
	cr_assert(has_edge(set));
	for (uint64_t lap = 0; lap < 3; lap++) {
		check_refuses_recv(0, -EAGAIN); /* arms */
		for (uint64_t i = 0; i < 4; i++)
			send_number(i);
		cr_assert(has_edge(set));
		cr_assert_not(has_edge(set), "all came at once");
		check_receives(0);
		cr_assert(has_edge(set));
		set_passed(RECEIVER, INT64_MAX);
		check_receives(1);
		cr_assert_not(has_edge(set), "this thread has passed it on");
		set_passed(RECEIVER, 0);
		check_receives(2);
		cr_assert(has_edge(set), "that was long ago");
		check_receives(3);
		cr_assert_not(has_edge(set), "none is left");
	}
	assert_same(close(set), 0);
}

Test(queue, a_batch_that_leaves_messages_behind_passes_the_signal_on)
{
	int set = edges_of(magring_queue_recv_fd(queue));
	struct magring_message received[2] = { 0 };
	check_refuses_recv(0, -EAGAIN); /* arms */
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	cr_assert(has_edge(set));
	assert_same(magring_recv_batch(queue, received, 2, 0), 2);
	check_batch(received, 2, 0);
	cr_assert(has_edge(set));
	assert_same(close(set), 0);
}

Test(queue, a_send_that_leaves_room_behind_passes_the_signal_on)
{
	int set = edges_of(magring_queue_send_fd(queue));
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);
	check_refuses_send(0, -EAGAIN); /* arms */
	cr_assert_not(has_edge(set));
	check_receives(0);
	check_receives(1);
	cr_assert(has_edge(set));
	send_number(4);
	cr_assert(has_edge(set));
	set_passed(SENDER, 0);
	send_number(5);
	cr_assert_not(has_edge(set), "it is full again");
	assert_same(close(set), 0);
}

Test(queue, an_exclusive_receiver_passes_no_signal_on)
{
	struct magring_queue *plain = queue;
	struct magring_queue_options options = { .size = sizeof(options),
		.capacity = 2,
		.flags = MAGRING_SINGLE_RECEIVER };
	assert_same(magring_queue_create(&queue, pool, &options), 0);
	int set = edges_of(magring_queue_recv_fd(queue));
	check_refuses_recv(0, -EAGAIN); /* arms */
	send_number(1);
	send_number(2);
	cr_assert(has_edge(set));
	check_receives(1);
	cr_assert_not(has_edge(set));
	assert_same(magring_queue_release(queue), 0);
	assert_same(close(set), 0);
	queue = plain;
}

Test(queue, each_thread_that_learns_of_the_close_passes_the_signal_on)
{
	int sets[2] = { edges_of(magring_queue_send_fd(queue)),
		edges_of(magring_queue_recv_fd(queue)) };
	cr_assert(has_edge(sets[SENDER]) && has_edge(sets[RECEIVER]));
	assert_same(magring_queue_close(queue), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert(has_edge(sets[SENDER]) && has_edge(sets[RECEIVER]));
		cr_assert_not(has_edge(sets[SENDER]) || has_edge(sets[RECEIVER]));
		check_refuses_send(i == 1 ? 1000 : 0, -EPIPE);
		check_refuses_recv(i == 1 ? 1000 : 0, -EPIPE);
	}
	assert_same(close(sets[SENDER]), 0);
	assert_same(close(sets[RECEIVER]), 0);
}

struct worker {
	pthread_t thread;
	int set;
	_Atomic(pid_t) tid;
};

/* A small queue takes a batch one by one, and a worker may be that fast. */
static _Atomic(bool) all_sent;

static void *work_once(void *argument)
{
	struct worker *worker = argument;
	struct epoll_event event;
	struct magring_message message = { 0 };
	atomic_store(&worker->tid, (pid_t)syscall(SYS_gettid));
	if (epoll_wait(worker->set, &event, 1, 30000) != 1)
		return NULL;
	assert_eventually(atomic_load(&all_sent));
	if (magring_recv(queue, &message, 0) == 0)
		magring_message_free(&message);
	return NULL;
}

static void worker_start(struct worker *worker, int set)
{
	*worker = (struct worker){ .set = set };
	worker->thread = given_thread(work_once, worker);
	assert_eventually(atomic_load(&worker->tid) != 0 && is_asleep(atomic_load(&worker->tid)));
}

/* Three workers, of which each takes one message and is busy then. */
Test(queue, one_signal_wakes_as_many_exclusive_workers_as_there_are_messages)
{
	int fd = magring_queue_recv_fd(queue), sets[3];
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	check_refuses_recv(0, -EAGAIN); /* arms */
	for (int i = 0; i < 3; i++) {
		sets[i] = epoll_create1(EPOLL_CLOEXEC);
		cr_assert_eq(epoll_ctl(sets[i], EPOLL_CTL_ADD, fd, &event), 0);
	}
	struct worker workers[3];
	for (int i = 0; i < 3; i++)
		worker_start(&workers[i], sets[i]);
	struct magring_message *messages = given_numbers(3, 0);
	assert_same(magring_send_batch(queue, messages, 3, 0), 3);
	atomic_store(&all_sent, true);
	for (int i = 0; i < 3; i++)
		joined(workers[i].thread);
	assert_same(magring_queue_size(queue), 0);
	free(messages);
}

enum { POLLED = 20000 };

static void *send_polled(void *argument)
{
	_Atomic(int) *failed = argument;
	for (uint64_t i = 0; i < POLLED; i++) {
		struct magring_message message = { 0 };
		if (magring_message_copy(pool, &message, NULL, 0, &i, sizeof(i), 0) != 0 ||
			magring_send(queue, &message, -1) != 0)
			atomic_fetch_add(failed, 1);
	}
	return NULL;
}

Test(queue, an_event_loop_receives_everything)
{
	_Atomic(int) failed = 0;
	int fd = magring_queue_recv_fd(queue);
	pthread_t thread = given_thread(send_polled, &failed);
	uint64_t next = 0;
	while (next < POLLED) {
		struct pollfd entry = { .fd = fd, .events = POLLIN };
		cr_assert_eq(poll(&entry, 1, 30000), 1, "slept through message %d", (int)next);
		struct magring_message message = { 0 };
		while (magring_recv(queue, &message, 0) == 0) {
			assert_same(number_in(&message), next++);
			magring_message_free(&message);
		}
	}
	joined(thread);
	assert_same(failed, 0);
}

static void *receive_polled(void *argument)
{
	_Atomic(int) *failed = argument;
	for (uint64_t i = 0; i < POLLED; i++) {
		struct magring_message message = { 0 };
		if (magring_recv(queue, &message, -1) != 0 || number_in(&message) != i)
			atomic_fetch_add(failed, 1);
		magring_message_free(&message);
	}
	return NULL;
}

Test(queue, an_event_loop_sends_everything)
{
	_Atomic(int) failed = 0;
	int fd = magring_queue_send_fd(queue);
	pthread_t thread = given_thread(receive_polled, &failed);
	uint64_t next = 0;
	while (next < POLLED) {
		struct pollfd entry = { .fd = fd, .events = POLLIN };
		cr_assert_eq(poll(&entry, 1, 30000), 1, "slept through room for message %d",
			(int)next);
		while (next < POLLED) {
			struct magring_message message = given_number(pool, next);
			int rc = magring_send(queue, &message, 0);
			if (rc != 0) {
				assert_same(rc, -EAGAIN);
				magring_message_free(&message);
				break;
			}
			next++;
		}
	}
	joined(thread);
	assert_same(failed, 0);
}

/* ------------------------------------------------------------ statistics -- */

Test(queue, statistics_of_a_size_that_is_not_known_are_refused)
{
	size_t size = sizeof(struct magring_queue_stats);
	const size_t sizes[] = { 0, size - 1, size + 1, SIZE_MAX };
	for (int i = 0; i < 4; i++) {
		struct magring_queue_stats stats, before;
		memset(&stats, 0x5a, sizeof(stats));
		stats.size = sizes[i];
		before = stats;
		assert_same(magring_queue_get_stats(queue, &stats),
			sizes[i] > size ? -E2BIG : -EINVAL);
		cr_assert_arr_eq(&stats, &before, sizeof(stats));
	}
}

Test(queue, accounts_are_exact_after_known_operations)
{
	struct magring_message batch[6] = { 0 }, extra = given_number(pool, 0);
	check_refuses_recv(0, -EAGAIN); /* empty: 2 */
	for (uint64_t i = 0; i < 4; i++)
		send_number(i);                                  /* sent: 4 */
	assert_same(magring_send(queue, &extra, 0), -EAGAIN);    /* full: 1 */
	assert_same(magring_send(queue, &extra, 1), -ETIMEDOUT); /* full: 2, parked: 1 */
	check_receives(0);                                       /* received: 1 */
	assert_same(magring_send(queue, &extra, 0), 0);          /* sent: 5 */
	assert_same(magring_recv_batch(queue, batch, 6, 0), 4);  /* received: 5 */
	struct magring_queue_stats stats = stats_of_queue(queue);
	assert_same(stats.size, sizeof(stats));
	assert_same(stats.sent, 5);
	assert_same(stats.received, 5);
	assert_same(stats.empty, 2);
	assert_same(stats.full, 2);
	assert_same(stats.parked, 1);
	assert_same(stats.woken, 0);
	assert_same(stats.returned, 0);
	assert_same(stats.capacity, 2);
	assert_same(stats.closed, 0);
	for (int i = 0; i < 4; i++)
		magring_message_free(&batch[i]);
}

Test(queue, a_sleeper_that_was_woken_is_counted_once)
{
	struct waiter waiter;
	waiter_start_asleep(&waiter, queue, RECEIVER, -1);
	send_number(1);
	assert_same(waiter_finish(&waiter), 0);
	magring_message_free(&waiter.message);
	struct magring_queue_stats stats = stats_of_queue(queue);
	assert_same(stats.parked, 1);
	assert_same(stats.woken, 1);
	assert_same(stats.empty, 1);
	assert_same(stats.full, 0);
}

Test(queue, statistics_read_beside_traffic_never_fall)
{
	_Atomic(int) failed = 0;
	pthread_t receiver = given_thread(receive_polled, &failed);
	pthread_t sender = given_thread(send_polled, &failed);
	struct magring_queue_stats stats = { .size = sizeof(stats) }, before = stats;
	while (stats.received - stats.returned < POLLED) {
		cr_assert_eq(magring_queue_get_stats(queue, &stats), 0);
		cr_assert(stats.received <= stats.sent && stats.returned <= stats.received);
		cr_assert(before.sent <= stats.sent && before.received <= stats.received);
		cr_assert_leq(magring_queue_size(queue), 4);
		before = stats;
		usleep(50);
	}
	joined(sender);
	joined(receiver);
	assert_same(failed, 0);
	assert_same(stats.sent - stats.returned, POLLED);
}
