/* SPDX-License-Identifier: MIT */
/*
 * Frame pointers lead through the library: from a thread that sleeps in
 * magring_recv() to the function that has called it. Tools that take stacks in
 * the kernel have nothing else to go by.
 */
#include <errno.h>
#include <magring.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAMES_MAX = 64 };

static struct magring_queue *queue;
static _Atomic(uintptr_t) callers_frame;
static _Atomic(int) frames; /* from the sleep to the caller; -1: not found */

static uintptr_t frame_pointer(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RBP];
#else
	return (uintptr_t)context->uc_mcontext.regs[29];
#endif
}

static void walk(int signal, siginfo_t *information, void *context)
{
	(void)signal, (void)information;
	uintptr_t frame = frame_pointer(context), here = (uintptr_t)__builtin_frame_address(0);
	int count = 0;
	/* Stacks grow down: each caller's frame is above. */
	while (frame > here && frame % sizeof(frame) == 0 && count < FRAMES_MAX) {
		if (frame == callers_frame) {
			frames = count;
			return;
		}
		uintptr_t next = *(const uintptr_t *)frame;
		if (next <= frame || next > callers_frame)
			break;
		frame = next;
		count++;
	}
	frames = -1;
}

static __attribute__((noinline)) int receive(struct magring_message *ret_message)
{
	callers_frame = (uintptr_t)__builtin_frame_address(0);
	int result = magring_recv(queue, ret_message, -1);
	__asm__ volatile("" ::: "memory"); /* no call in tail position */
	return result;
}

static void *receiver(void *unused)
{
	struct magring_message message;
	(void)unused;
	return receive(&message) == -EPIPE ? &queue : NULL;
}

static void wait_until_parked(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	while (magring_queue_get_stats(queue, &stats) == 0 && stats.parked == 0)
		usleep(1000);
	usleep(100000); /* counted before it sleeps */
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = walk, .sa_flags = SA_SIGINFO };
	pthread_t thread;
	void *result = NULL;
	alarm(60);
	sigaction(SIGUSR1, &action, NULL);
	if (magring_queue_create(&queue, NULL, NULL) != 0 ||
		pthread_create(&thread, NULL, receiver, NULL) != 0)
		return 1;
	wait_until_parked();
	frames = 0;
	pthread_kill(thread, SIGUSR1);
	while (frames == 0)
		usleep(1000);
	magring_queue_close(queue);
	pthread_join(thread, &result);
	magring_queue_release(queue);
	printf("%d frames between the sleep and the caller\n", frames);
	return result != NULL && frames > 0 ? 0 : 1;
}
