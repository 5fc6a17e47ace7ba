/* SPDX-License-Identifier: MIT */
/*
 * Threads in a sandbox. All pools, queues and threads are made first. Then a filter
 * kills the process for any system call but those that docs/sandbox.md lists for sends,
 * receives and messages, and a few that the program needs for itself.
 *
 * With an argument the program does without membarrier, and decides that before the
 * first create. It would be killed otherwise.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <magring.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SKIPPED 77
#define WORKERS 3
#define REQUESTS 1000

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1) /* else leave out the next */
#define ALLOW(call) IS(SYS_##call), RETURN(SECCOMP_RET_ALLOW)

/* For all threads of the process. */
static int enter_sandbox(bool with_membarrier)
{
	struct sock_filter filter[] = {
		FIELD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		RETURN(SECCOMP_RET_KILL_PROCESS),
		FIELD(nr),
		/* send, receive; alloc, free */
		ALLOW(futex),
		ALLOW(mmap), /* a trim for a thread without memory, and munmap */
		ALLOW(mprotect),
		ALLOW(munmap),
		ALLOW(restart_syscall), /* a wait that goes on after SIGSTOP and SIGCONT */
		ALLOW(sched_getscheduler),
		ALLOW(sched_yield),
		ALLOW(clock_gettime),
		IS(SYS_membarrier),
		RETURN(with_membarrier ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS),
		/* What the program itself needs: results, ends of threads, its end. */
		ALLOW(write),
		ALLOW(exit),
		ALLOW(madvise),
		ALLOW(rt_sigprocmask),
		ALLOW(exit_group),
		RETURN(SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
		&program);
}

static struct magring_pool *pool;
static struct magring_queue *requests, *answers;
static pthread_barrier_t started;

/* Counts the letters x. Nothing that a request does to it leaves the sandbox. */
static void *be_worker(void *unused)
{
	struct magring_message message;
	pthread_barrier_wait(&started); /* a thread makes calls of its own before this */
	while (magring_recv(requests, &message, -1) == 0) {
		size_t size, count = 0;
		const char *text = magring_message_payload(&message, &size);
		for (size_t i = 0; i < size; i++)
			count += text[i] == 'x';
		magring_message_free(&message);
		if (magring_message_copy(NULL, &message, NULL, 0, &count, sizeof(count), -1) != 0 ||
			magring_send(answers, &message, -1) != 0)
			break;
	}
	return unused;
}

static int ask(size_t size)
{
	struct magring_message message;
	if (magring_message_alloc(pool, &message, NULL, 0, size, -1) != 0)
		return -1;
	memset(magring_message_payload(&message, NULL), 'x', size);
	return magring_send(requests, &message, -1);
}

static size_t receive_answer(void)
{
	struct magring_message message;
	size_t count = 0;
	if (magring_recv(answers, &message, -1) == 0)
		memcpy(&count, magring_message_payload(&message, NULL), sizeof(count));
	magring_message_free(&message);
	return count;
}

int main(int argc, char **argv)
{
	pthread_t workers[WORKERS];
	size_t asked = 0, answered = 0;
	(void)argv;
	bool without_membarrier = argc > 1;
	if (without_membarrier && magring_disable_membarrier() != 0)
		return 1;
	if (magring_pool_create(&pool, NULL) != 0 ||
		magring_queue_create(&requests, pool, NULL) != 0 ||
		magring_queue_create(&answers, pool, NULL) != 0)
		return 1;
	pthread_barrier_init(&started, NULL, WORKERS + 1);
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&workers[i], NULL, be_worker, NULL) != 0)
			return 1;
	pthread_barrier_wait(&started);
	setvbuf(stdout, NULL, _IONBF, 0);
	if (enter_sandbox(!without_membarrier) != 0) {
		printf("no seccomp filters here: %s\n", strerror(errno));
		return SKIPPED;
	}
	for (size_t i = 1; i <= REQUESTS; i++) {
		if (ask(i) != 0)
			return 1;
		asked += i;
	}
	for (int i = 0; i < REQUESTS; i++)
		answered += receive_answer();
	magring_queue_close(requests);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	printf("%zu letters, of %zu that were asked about\n", answered, asked);
	return answered != asked;
}
