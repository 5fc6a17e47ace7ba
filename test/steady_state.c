/* SPDX-License-Identifier: MIT */
/*
 * steady_state [SABOTAGE]: sending, receiving, allocating and freeing make no call
 * of the malloc family and no system call, and take no lock, while nobody has to wait.
 *
 * Two threads hand messages to and fro, first one way, then both ways. They take
 * turns by spinning on a counter, and the queues have room for a whole burst, so
 * no call of the library ever has to wait. After a warm-up each of them installs a
 * seccomp filter that traps every system call; from then on they count what they
 * trap and what they allocate, until they sleep for good. The program's malloc family
 * is its own, so the library's calls are seen as well.
 *
 * SABOTAGE (malloc, free, getpid, lock) does such a thing once in the steady state and must
 * make the program fail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "magring.h"
#include "malloc_family.h"

enum { SKIPPED = 77, BURST = 16, WARM_UP = 400, TURNS = 4000 };

/* --------------------------------------------------------------- counting -- */

static _Thread_local bool armed __attribute__((tls_model("initial-exec")));
static _Atomic(unsigned int) malloc_calls, system_calls, locks;
static _Atomic(unsigned int) signals; /* reads and writes of descriptors */
static _Atomic(int) last_system_call;

static bool may_allocate(void)
{
	if (armed)
		atomic_fetch_add(&malloc_calls, 1);
	return true;
}

static void have_blocks(int change)
{
	if (armed && change <= 0)
		atomic_fetch_add(&malloc_calls, 1);
}

/* The system's. The first call is before any thread is armed. */
static int (*system_mutex_lock)(pthread_mutex_t *mutex);

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (armed)
		atomic_fetch_add(&locks, 1);
	return system_mutex_lock(mutex);
}

static __attribute__((constructor(101))) void find_mutex_lock(void)
{
	system_mutex_lock =
		(__typeof__(system_mutex_lock))(uintptr_t)dlsym(RTLD_NEXT, "pthread_mutex_lock");
}

static void at_trap(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_syscall == SYS_read || info->si_syscall == SYS_write) {
		atomic_fetch_add(&signals, 1);
		return;
	}
	atomic_store(&last_system_call, info->si_syscall);
	atomic_fetch_add(&system_calls, 1);
}

/* Tells the yields of this program, which waits for its turn, from the library's. */
#define OUR_YIELD 0x600d600dU

/* From here on all trap but those yields, ppoll() and the return from a signal handler. */
static bool trap_system_calls(void)
{
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_yield, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args[0]) + (big_endian ? 4 : 0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_YIELD, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* --------------------------------------------------------------- traffic -- */

struct scene {
	size_t id_size, payload_size;
	bool both_ways;
	bool batches;
	struct magring_pool *pool;
	struct magring_queue *queue[2]; /* to thread 0, to thread 1 */
	_Atomic(unsigned int) turn;     /* whose: even or odd */
	_Atomic(unsigned int) failed;
	_Atomic(unsigned int) finished;
	_Atomic(bool) no_seccomp;
};

struct side {
	struct scene *scene;
	unsigned int number;
};

static const char *sabotage = "";

static void check(struct scene *scene, bool good)
{
	if (!good)
		atomic_fetch_add(&scene->failed, 1);
}

static void send_burst(struct scene *scene, struct magring_queue *queue)
{
	struct magring_message messages[BURST];
	char id[MAGRING_ID_MAX] = "";
	size_t size;
	for (int i = 0; i < BURST; i++) {
		check(scene,
			magring_message_alloc(scene->pool, &messages[i], id, scene->id_size,
				scene->payload_size, 0) == 0);
		unsigned char *payload = magring_message_payload(&messages[i], &size);
		payload[0] = payload[size - 1] = (unsigned char)(i + 1);
		if (!scene->batches)
			check(scene, magring_send(queue, &messages[i], -1) == 0);
	}
	if (scene->batches)
		check(scene, magring_send_batch(queue, messages, BURST, -1) == BURST);
}

static void receive_burst(struct scene *scene, struct magring_queue *queue)
{
	struct magring_message messages[BURST];
	size_t size;
	if (scene->batches)
		check(scene, magring_recv_batch(queue, messages, BURST, -1) == BURST);
	for (int i = 0; i < BURST; i++) {
		if (!scene->batches)
			check(scene, magring_recv(queue, &messages[i], -1) == 0);
		const unsigned char *payload = magring_message_payload(&messages[i], &size);
		check(scene,
			size == scene->payload_size && payload[0] == i + 1 &&
				payload[size - 1] == i + 1);
		magring_message_free(&messages[i]);
	}
}

static void do_harm(void)
{
	static void *volatile memory;
	if (strcmp(sabotage, "malloc") == 0)
		memory = malloc(1);
	else if (strcmp(sabotage, "free") == 0)
		free(memory);
	else if (strcmp(sabotage, "getpid") == 0)
		syscall(SYS_getpid);
	else if (strcmp(sabotage, "lock") == 0) {
		static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

/* 0 sends in its turn; 1 receives, and answers if the traffic goes both ways. */
static void take_turns(struct scene *scene, unsigned int number, unsigned int from, unsigned int to)
{
	for (unsigned int turn = from + number; turn < to; turn += 2) {
		for (int looks = 1;
			atomic_load_explicit(&scene->turn, memory_order_acquire) != turn; looks++)
			if (looks % 200 == 0)
				syscall(SYS_sched_yield, OUR_YIELD);
		if (armed && turn == from + number && number == 0)
			do_harm();
		if (number == 1 || (scene->both_ways && turn >= 2))
			receive_burst(scene, scene->queue[number]);
		if (number == 0 || scene->both_ways)
			send_burst(scene, scene->queue[1 - number]);
		atomic_store_explicit(&scene->turn, turn + 1, memory_order_release);
	}
}

static void *run_side(void *argument)
{
	struct side *side = argument;
	struct scene *scene = side->scene;
	void *volatile memory = malloc(1); /* or the sabotage would have to call mmap() */
	free(memory);
	take_turns(scene, side->number, 0, WARM_UP);
	if (!trap_system_calls())
		atomic_store(&scene->no_seccomp, true);
	armed = true;
	take_turns(scene, side->number, WARM_UP, WARM_UP + TURNS);
	armed = false;
	atomic_fetch_add(&scene->finished, 1);
	/* Ending would be system calls. The process ends both. */
	while (syscall(SYS_ppoll, NULL, 0, NULL, NULL) == -1)
		;
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A thread passes a signal on once in a millisecond: two calls, of each side of two queues. */
static unsigned int signals_allowed(int64_t begin_ms)
{
	return (unsigned int)(8 * (now_ms() - begin_ms + 1));
}

static bool play(struct scene *scene)
{
	static struct side sides[16][2];
	static unsigned int played;
	struct magring_queue_options options = { .size = sizeof(options), .capacity = BURST };
	unsigned int calls[3] = { atomic_load(&malloc_calls), atomic_load(&system_calls),
		atomic_load(&locks) };
	int64_t begin_ms = now_ms();
	atomic_store(&signals, 0);
	if (magring_pool_create(&scene->pool, NULL) != 0)
		return false;
	for (unsigned int i = 0; i < 2; i++)
		if (magring_queue_create(&scene->queue[i], scene->pool, &options) != 0 ||
			magring_queue_recv_fd(scene->queue[i]) < 0 ||
			magring_queue_send_fd(scene->queue[i]) < 0)
			return false;
	for (unsigned int i = 0; i < 2; i++) {
		pthread_t thread;
		sides[played][i] = (struct side){ scene, i };
		if (pthread_create(&thread, NULL, run_side, &sides[played][i]) != 0)
			return false;
	}
	played++;
	while (atomic_load(&scene->finished) < 2)
		usleep(1000);
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	magring_pool_get_stats(scene->pool, &stats);
	calls[0] = atomic_load(&malloc_calls) - calls[0];
	calls[1] = atomic_load(&system_calls) - calls[1];
	calls[2] = atomic_load(&locks) - calls[2];
	printf("%3zu + %5zu bytes, %s, %s: %u messages, %u calls of malloc, %u locks, %u system calls",
		scene->id_size, scene->payload_size, scene->both_ways ? "both ways" : "one way",
		scene->batches ? "batches" : "single",
		(scene->both_ways ? TURNS : TURNS / 2) * BURST, calls[0], calls[2], calls[1]);
	if (calls[1] > 0)
		printf(" (number %d)", atomic_load(&last_system_call));
	bool few_signals = atomic_load(&signals) <= signals_allowed(begin_ms);
	printf(", %u for signals, %u failures, %llu exchanges\n", atomic_load(&signals),
		atomic_load(&scene->failed), (unsigned long long)stats.exchanges);
	return few_signals && calls[0] == 0 && calls[1] == 0 && calls[2] == 0 &&
		atomic_load(&scene->failed) == 0 && atomic_load(&scene->turn) == WARM_UP + TURNS;
}

int main(int argc, char **argv)
{
	static const size_t sizes[3][2] = { { 16, 32 }, { 16, 1024 }, { 16, 65536 } };
	static struct scene scenes[12];
	struct sigaction action = { .sa_sigaction = at_trap, .sa_flags = SA_SIGINFO };
	bool good = true;
	if (argc > 1)
		sabotage = argv[1];
	sigaction(SIGSYS, &action, NULL);
	for (unsigned int i = 0; i < 12 && good; i++) {
		struct scene *scene = &scenes[i];
		scene->id_size = sizes[i / 4][0];
		scene->payload_size = sizes[i / 4][1];
		scene->both_ways = i % 2 != 0;
		scene->batches = i / 2 % 2 != 0;
		good = play(scene);
		if (atomic_load(&scene->no_seccomp)) {
			printf("no seccomp filter here\n");
			return SKIPPED;
		}
	}
	fflush(stdout);
	_exit(good ? 0 : 1);
}
