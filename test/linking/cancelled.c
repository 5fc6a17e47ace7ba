/* SPDX-License-Identifier: MIT */
/*
 * A receiver that is cancelled in its sleep, and a cancellation that comes
 * before the sleep. Its callers have handlers of both sorts: one that the
 * unwinder runs, and around it one that pthread.h registers with setjmp, as in
 * C without exceptions. Both run, and the library's own has run before: the
 * message that the first handler sends finds no sleeper to wake.
 */
#define _POSIX_C_SOURCE 200809L
#include <magring.h>
#include <stddef.h>
#include <time.h>

#undef __EXCEPTIONS
#include <pthread.h>

static struct magring_queue *queue;
static int steps, inner_at, outer_at, asleep;

static void inner(int *value)
{
	struct magring_queue_stats before = { .size = sizeof(before) }, after = before;
	struct magring_message message;
	if (magring_message_copy(NULL, &message, "id", 2, "text", 4, 0) != 0 ||
		magring_queue_get_stats(queue, &before) != 0 ||
		magring_send(queue, &message, 0) != 0 ||
		magring_queue_get_stats(queue, &after) != 0)
		asleep = 1;
	else
		asleep = after.woken != before.woken;
	inner_at = steps += *value;
}

/* Not inlined: the handlers of one frame have no order between the sorts. */
__attribute__((noinline)) static int receive_inside(void)
{
	__attribute__((cleanup(inner))) int value = 1;
	struct magring_message message;
	return magring_recv(queue, &message, -value);
}

static void outer(void *value)
{
	outer_at = steps += *(int *)value;
}

static void *receive(void *argument)
{
	int value = 1;
	pthread_cleanup_push(outer, &value);
	if (receive_inside() != 0)
		steps = -1;
	pthread_cleanup_pop(0);
	return argument;
}

static int is_cancelled_after(unsigned int us)
{
	pthread_t thread;
	void *result = NULL;
	struct magring_message message;
	steps = inner_at = outer_at = 0;
	if (pthread_create(&thread, NULL, receive, NULL) != 0)
		return 0;
	nanosleep(&(struct timespec){ .tv_nsec = 1000L * us }, NULL);
	if (pthread_cancel(thread) != 0 || pthread_join(thread, &result) != 0 ||
		result != PTHREAD_CANCELED || inner_at != 1 || outer_at != 2 || asleep ||
		magring_recv(queue, &message, 0) != 0)
		return 0;
	magring_message_free(&message);
	return 1;
}

int main(void)
{
	if (magring_queue_create(&queue, NULL, NULL) != 0)
		return 1;
	if (!is_cancelled_after(0) || !is_cancelled_after(20000))
		return 2;
	return magring_queue_release(queue) != 0;
}
