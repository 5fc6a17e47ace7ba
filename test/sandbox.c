/* SPDX-License-Identifier: MIT */
/*
 * sandbox PAGE LIBRARY EXAMPLE: the system calls that docs/sandbox.md lists are
 * those that the library makes, and the example allows its own.
 *
 * Each line of the page's table is tried by one or more programs. A program
 * runs in a process of its own. It prepares what it needs, enters a seccomp
 * filter that traps all calls but those of the line, and uses the library. Then
 * each call of the line is left out in turn. One of the line's programs must be
 * trapped by that, or else the page lists a call that is not made. RARE has
 * those that no program can be sure to make.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <gnu/libc-version.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "magring.h"
#include "require.h"

enum { SKIPPED = 77, TRAPPED = 3, NO_FILTER = 4, CALLS_MAX = 40, LINES_MAX = 20 };

/* Of a chunk, and as many as a sort has no room for on its stack. */
enum { CHUNK_BYTES = 65536, CHUNKS = 70 };

#define GLIBC "2.36"

/* ------------------------------------------------------------- the table -- */

#define CALL(name) \
	{ \
#name, SYS_##name \
	}
static const struct call {
	const char *name;
	long number;
} calls[] = { CALL(brk), CALL(clock_nanosleep), CALL(close), CALL(eventfd2), CALL(futex),
	CALL(getpid), CALL(getrandom), CALL(madvise), CALL(membarrier), CALL(mmap), CALL(mprotect),
	CALL(mremap), CALL(munmap), CALL(openat), CALL(read), CALL(restart_syscall),
	CALL(sched_getscheduler), CALL(sched_yield), CALL(write) };
enum { KNOWN = sizeof(calls) / sizeof(calls[0]) };

struct line {
	char name[32];
	char words[200]; /* " mmap membarrier ... " */
	char others[100];
};

static struct line lines[LINES_MAX];
static unsigned int line_count;

static bool has_word(const char *words, const char *word)
{
	char wanted[64];
	snprintf(wanted, sizeof(wanted), " %s ", word);
	return strstr(words, wanted) != NULL;
}

static void append(char *to, size_t size, const char *text)
{
	size_t length = strlen(to);
	REQUIRE(length + strlen(text) + 2 < size);
	snprintf(to + length, size - length, " %s ", text);
}

/* "<tab>name  words; others", or more words after spaces alone. */
static void read_line(char *text)
{
	char *words = strstr(text, "  "), *others = strchr(text, ';');
	REQUIRE(line_count < LINES_MAX && words != NULL && (words > text || line_count > 0));
	struct line *line = words > text ? &lines[line_count++] : &lines[line_count - 1];
	text[strcspn(text, "\n")] = '\0';
	if (others != NULL)
		*others++ = '\0';
	if (words > text)
		snprintf(line->name, sizeof(line->name), "%.*s", (int)(words - text), text);
	append(line->words, sizeof(line->words), words);
	append(line->others, sizeof(line->others), others != NULL ? others : "");
	char copy[200];
	strcpy(copy, line->words);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
		bool known = false;
		for (int i = 0; i < KNOWN; i++)
			known = known || strcmp(calls[i].name, word) == 0;
		if (!known) {
			fprintf(stderr, "the page has an unknown call: %s\n", word);
			exit(1);
		}
	}
}

static void read_page(const char *path)
{
	char text[200];
	FILE *file = fopen(path, "r");
	REQUIRE(file != NULL);
	while (fgets(text, sizeof(text), file) != NULL)
		if (text[0] == '\t')
			read_line(text + 1);
	fclose(file);
}

static const struct line *line_of(const char *name)
{
	for (unsigned int i = 0; i < line_count; i++)
		if (strcmp(lines[i].name, name) == 0)
			return &lines[i];
	fprintf(stderr, "the page has no line \"%s\"\n", name);
	exit(1);
}

/* Whether the line allows a call, itself or by another that it names. */
static bool allows(const struct line *line, const char *call)
{
	return has_word(line->words, call) ||
		(strstr(line->others, " malloc") != NULL &&
			has_word(line_of("malloc")->words, call)) ||
		(strstr(line->others, " send,") != NULL &&
			has_word(line_of("send, receive")->words, call)) ||
		(strstr(line->others, " as metrics") != NULL &&
			allows(line_of("metrics, leaks"), call));
}

/* ------------------------------------------------------------ the filter -- */

static struct {
	long trapped; /* the call that ended the last program */
} * shared;

static long allowed[CALLS_MAX];
static unsigned int allowed_count;

static void allow(long number)
{
	REQUIRE(allowed_count < CALLS_MAX);
	allowed[allowed_count++] = number;
}

static void on_trap(int signal, siginfo_t *info, void *unused)
{
	(void)signal, (void)unused;
	shared->trapped = info->si_syscall;
	_exit(TRAPPED);
}

/* For this thread. */
static void enter_filter(void)
{
	struct sock_filter filter[2 * CALLS_MAX + 2] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr)) };
	unsigned short length = 1;
	for (unsigned int i = 0; i < allowed_count; i++) {
		filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(unsigned int)allowed[i], 0, 1);
		filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
	struct sock_fprog program = { length, filter };
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	sigaction(SIGSYS, &action, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(NO_FILTER);
}

/* ---------------------------------------------------------- the programs -- */

#define WAIT_NS 400000000 /* long enough for yields */

static struct magring_pool *pool;
static struct magring_queue *queue;
static const char *library;
static char directory[] = "/tmp/sandbox-XXXXXX"; /* for what programs write */

static void make_of(uint64_t limit, uint64_t sample_bytes)
{
	struct magring_pool_options pool_options = { .size = sizeof(pool_options),
		.memory_limit = limit,
		.sample_bytes = sample_bytes };
	struct magring_queue_options options = { .size = sizeof(options), .capacity = 2 };
	REQUIRE(magring_pool_create(&pool, &pool_options) == 0);
	REQUIRE(magring_queue_create(&queue, pool, &options) == 0);
}

static void make(uint64_t sample_bytes)
{
	make_of(65536, sample_bytes);
}

static struct magring_message small(void)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(NULL, &message, "id", 2, 0, 0) == 0);
	return message;
}

static void *receive_one(void *unused)
{
	struct magring_message message;
	REQUIRE(magring_recv(queue, &message, -1) == 0);
	return unused;
}

static void *alloc_one(void *unused)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, -1) == 0);
	return unused;
}

static void *receive_none(void *unused)
{
	struct magring_message message;
	REQUIRE(magring_recv(queue, &message, -1) == -EPIPE);
	return unused;
}

static uint64_t parked(void)
{
	struct magring_queue_stats stats = { .size = sizeof(stats) };
	magring_queue_get_stats(queue, &stats);
	return stats.parked;
}

static uint64_t exhausted(void)
{
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	magring_pool_get_stats(pool, &stats);
	return stats.exhausted;
}

/* A thread that is asleep by then; the filter is not for it. */
static void start_sleeper(void *(*run)(void *), uint64_t (*count)(void))
{
	pthread_t thread;
	uint64_t before = count();
	REQUIRE(pthread_create(&thread, NULL, run, NULL) == 0);
	while (count() == before)
		usleep(1000);
	usleep(200000); /* it spins no longer */
}

/*
 * From a process of its own, this one is stopped and continued, again and again
 * until it ends. In a wait with a limit the kernel then restarts the call.
 */
static void be_stopped(void)
{
	pid_t self = getpid();
	pid_t child = fork();
	REQUIRE(child >= 0);
	if (child > 0)
		return;
	while (getppid() == self) {
		usleep(20000);
		kill(self, SIGSTOP);
		usleep(5000);
		kill(self, SIGCONT);
	}
	_exit(0);
}

static void load(void)
{
	/* What loading anything takes. */
	static const long of_loader[] = { SYS_brk, SYS_close, SYS_futex, SYS_getcwd, SYS_getrandom,
		SYS_madvise, SYS_mmap, SYS_mprotect, SYS_munmap, SYS_newfstatat, SYS_openat,
		SYS_pread64, SYS_prlimit64, SYS_read, SYS_set_robust_list, SYS_set_tid_address,
		SYS_rseq };
	for (size_t i = 0; i < sizeof(of_loader) / sizeof(of_loader[0]); i++)
		allow(of_loader[i]);
	enter_filter();
	REQUIRE(dlmopen(LM_ID_NEWLM, library, RTLD_NOW) != NULL);
}

static void create(void)
{
	enter_filter();
	make(0);
}

static void send_messages(void)
{
	struct magring_message message = small();
	make(0);
	start_sleeper(receive_one, parked);
	enter_filter();
	do
		message = small();
	while (magring_send(queue, &message, WAIT_NS) == 0);
}

static void receive_messages(void)
{
	struct magring_message message = small();
	make(0);
	REQUIRE(magring_send(queue, &message, 0) == 0);
	enter_filter();
	REQUIRE(magring_recv(queue, &message, WAIT_NS) == 0);
	REQUIRE(magring_recv(queue, &message, WAIT_NS) == -ETIMEDOUT);
}

static void receive_stopped(void)
{
	struct magring_message message;
	make(0);
	be_stopped();
	enter_filter();
	REQUIRE(magring_recv(queue, &message, WAIT_NS) == -ETIMEDOUT);
}

static void close_queue(void)
{
	make(0);
	start_sleeper(receive_none, parked);
	enter_filter();
	REQUIRE(magring_queue_close(queue) == 0);
}

/* Both find no descriptor, and make one. One of the two is closed. */
static pthread_barrier_t together, both_made;
static bool racing;

/* The library's calls come here. */
int eventfd(unsigned int count, int flags)
{
	int fd = (int)syscall(SYS_eventfd2, count, flags);
	if (racing)
		pthread_barrier_wait(&together);
	return fd;
}

static void *make_descriptor(void *unused)
{
	enter_filter();
	REQUIRE(magring_queue_recv_fd(queue) >= 0);
	pthread_barrier_wait(&both_made);
	while (unused == NULL) /* its end takes more */
		pthread_barrier_wait(&together);
	return NULL;
}

static void race_for_descriptor(void)
{
	pthread_t thread;
	make(0);
	racing = true;
	pthread_barrier_init(&together, NULL, 2);
	pthread_barrier_init(&both_made, NULL, 2);
	REQUIRE(pthread_create(&thread, NULL, make_descriptor, NULL) == 0);
	make_descriptor(&racing);
}

static void use_descriptors(void)
{
	struct magring_message message = small();
	make(0);
	enter_filter();
	REQUIRE(magring_queue_recv_fd(queue) >= 0);
	for (int i = 0; i < 2; i++) {
		REQUIRE(magring_recv(queue, &message, 0) == -EAGAIN);
		message = small();
		REQUIRE(magring_send(queue, &message, 0) == 0);
		REQUIRE(magring_recv(queue, &message, 0) == 0);
	}
}

/* A pool that maps memory as it is needed. */
static void alloc_limited(void)
{
	struct magring_message message;
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);
	REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	rlim_t bytes = strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE) + (16 << 20);
	const struct rlimit limit = { bytes, bytes };
	REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
	make_of(64 << 20, 0);
	enter_filter();
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1 << 20, WAIT_NS) == 0);
	magring_message_free(&message);
}

static void alloc_and_free(void)
{
	struct magring_message message[70], more;
	size_t count = 0;
	make(0);
	enter_filter();
	while (count < 70 &&
		magring_message_alloc(pool, &message[count], NULL, 0, 1000, WAIT_NS / 8) == 0)
		count++;
	REQUIRE(count > 0 && count < 70);
	while (count > 0)
		magring_message_free(&message[--count]);
	/* By a trim for this thread. */
	REQUIRE(magring_message_alloc(pool, &more, NULL, 0, 30000, WAIT_NS / 8) == 0);
	magring_message_free(&more);
}

static void free_for_sleeper(void)
{
	struct magring_message message[70];
	size_t count = 0;
	make(0);
	while (magring_message_alloc(pool, &message[count], NULL, 0, 1000, 0) == 0)
		count++;
	start_sleeper(alloc_one, exhausted);
	enter_filter();
	for (size_t i = 0; i < count; i++)
		magring_message_free(&message[i]);
}

static void alloc_stopped(void)
{
	struct magring_message message;
	make(0);
	while (magring_message_alloc(pool, &message, NULL, 0, 1000, 0) == 0)
		;
	be_stopped();
	enter_filter();
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, WAIT_NS) == -ETIMEDOUT);
}

static void share_payloads(void)
{
	struct magring_message message, other;
	make(0);
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, 0) == 0);
	enter_filter();
	REQUIRE(magring_message_share(&message, &other) == 0);
	magring_message_free(&message);
	magring_message_free(&other);
}

static void flush_thread(void)
{
	struct magring_message message[70];
	size_t count = 0;
	make(0);
	while (magring_message_alloc(pool, &message[count], NULL, 0, 1000, 0) == 0)
		count++;
	while (count > 0)
		magring_message_free(&message[--count]);
	enter_filter();
	REQUIRE(magring_pool_flush_thread(pool) == 0);
}

/* It leaves its slabs to the depot. */
static void *end_with_cache(void *unused)
{
	struct magring_message message;
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, 0) == 0);
	magring_message_free(&message);
	enter_filter();
	return unused;
}

static void end_thread(void)
{
	/* What any thread takes at its end. */
	static const long of_end[] = { SYS_exit, SYS_madvise, SYS_munmap, SYS_rt_sigprocmask };
	pthread_t thread;
	make(0);
	for (size_t i = 0; i < sizeof(of_end) / sizeof(of_end[0]); i++)
		allow(of_end[i]);
	REQUIRE(pthread_create(&thread, NULL, end_with_cache, NULL) == 0);
	pthread_join(thread, NULL);
}

/* More samples than malloc has memory for at hand. */
static void alloc_sampled(void)
{
	struct magring_message message[70];
	size_t count = 0;
	make(1);
	mallopt(M_TOP_PAD, 0);
	malloc_trim(0);
	enter_filter();
	while (magring_message_alloc(pool, &message[count], NULL, 0, 1000, 0) == 0)
		count++;
	while (count > 0)
		magring_message_free(&message[--count]);
}

/* Memory of one size is free; a thread waits for another, and is woken to look again. */
static void trim(void)
{
	struct magring_message message[70], large[3];
	size_t bytes;
	make(0);
	for (int i = 0; i < 3; i++)
		REQUIRE(magring_message_alloc(pool, &large[i], NULL, 0, 10000, 0) == 0);
	for (int i = 0; i < 70; i++)
		if (magring_message_alloc(pool, &message[i], NULL, 0, 1000, 0) != 0)
			break;
	start_sleeper(alloc_one, exhausted);
	for (int i = 0; i < 3; i++)
		magring_message_free(&large[i]);
	enter_filter();
	REQUIRE(magring_pool_trim(pool, 0, &bytes) == 0);
}

static void trim_much(void)
{
	static struct magring_message message[20000];
	struct magring_pool_stats stats = { .size = sizeof(stats) };
	size_t bytes, count = 0;
	make_of(16 << 20, 0);
	while (count < 20000 && magring_message_alloc(pool, &message[count], NULL, 0, 1000, 0) == 0)
		count++;
	REQUIRE(magring_pool_get_stats(pool, &stats) == 0);
	REQUIRE(count < 20000 && stats.slab_bytes_carved > CHUNKS * CHUNK_BYTES);
	while (count > 0)
		magring_message_free(&message[--count]);
	enter_filter();
	REQUIRE(magring_pool_trim(pool, 0, &bytes) == 0 && bytes > stats.slab_bytes_carved / 2);
}

static void release_and_destroy(void)
{
	make(0);
	REQUIRE(magring_queue_recv_fd(queue) >= 0);
	enter_filter();
	REQUIRE(magring_queue_release(queue) == 0);
	REQUIRE(magring_pool_destroy(pool) == 0);
}

static FILE *nowhere(void)
{
	FILE *stream = fopen("/dev/null", "w");
	REQUIRE(stream != NULL);
	setvbuf(stream, NULL, _IONBF, 0);
	allow(SYS_write);
	return stream;
}

static void write_metrics(void)
{
	FILE *stream = nowhere();
	struct magring_message message;
	make(1);
	REQUIRE(magring_message_alloc(pool, &message, NULL, 0, 1000, 0) == 0);
	enter_filter();
	REQUIRE(magring_write_metrics(stream, 0) == 0);
	REQUIRE(magring_pool_write_leaks(pool, stream) == 0);
}

/* Before any create. */
static void write_metrics_first(void)
{
	FILE *stream = nowhere();
	enter_filter();
	REQUIRE(magring_write_metrics(stream, 0) == 0);
}

static void write_profile(void)
{
	FILE *stream = nowhere();
	make(1);
	enter_filter();
	REQUIRE(magring_pool_write_profile(pool, stream) == 0);
}

/* As the environment asks for it, when a pool ends. */
static void write_file(void)
{
	allow(SYS_write);
	for (int i = 0; i < KNOWN; i++)
		if (has_word(line_of("release, destroy")->words, calls[i].name))
			allow(calls[i].number);
	REQUIRE(chdir(directory) == 0);
	setenv("MAGRING_PROFILE_FILE", "profile", 1);
	make(1);
	REQUIRE(magring_queue_release(queue) == 0);
	enter_filter();
	REQUIRE(magring_pool_destroy(pool) == 0);
}

/* A relative name is looked up at the create. make() has loaded what samples need. */
static void create_for_file(void)
{
	make(1);
	allow(SYS_getcwd);
	setenv("MAGRING_PROFILE_FILE", "profile", 1);
	enter_filter();
	REQUIRE(magring_pool_create(&pool, NULL) == 0);
}

/* The same, when the process ends. */
static void write_file_at_exit(void)
{
	allow(SYS_write);
	REQUIRE(chdir(directory) == 0);
	setenv("MAGRING_PROFILE_FILE", "profile", 1);
	make(1);
	enter_filter();
	exit(0);
}

/* Blocks of all sizes, which come and go. */
static void *allocate(void *unused)
{
	void *volatile block = malloc(10);
	for (size_t bytes = 1000; bytes < (1u << 20); bytes *= 2) {
		void *volatile more[20];
		for (int i = 0; i < 20; i++)
			REQUIRE((more[i] = malloc(bytes)) != NULL);
		for (int i = 0; i < 20; i++)
			free(more[i]);
	}
	REQUIRE((block = realloc(block, 1u << 20)) != NULL);
	REQUIRE((block = realloc(block, 1u << 22)) != NULL);
	free(block);
	return unused;
}

static void use_malloc(void)
{
	enter_filter();
	allocate(NULL);
}

/* Threads have memory of their own, and share it when they are many. */
static void *allocate_alone(void *first)
{
	pthread_t next;
	enter_filter();
	allocate(NULL);
	if (*(int *)first > 0) {
		--*(int *)first;
		REQUIRE(pthread_create(&next, NULL, allocate_alone, first) == 0);
		pthread_join(next, NULL);
	}
	_exit(0);
}

static void use_malloc_in_threads(void)
{
	/* What threads take. */
	static const long of_threads[] = { SYS_clone3, SYS_futex, SYS_prctl, SYS_rseq,
		SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_seccomp, SYS_set_robust_list };
	int threads = 12;
	for (size_t i = 0; i < sizeof(of_threads) / sizeof(of_threads[0]); i++)
		allow(of_threads[i]);
	allocate_alone(&threads);
}

static const struct program {
	const char *line;
	void (*run)(void);
	const char *rare; /* calls that it may make */
} programs[] = {
	{ "load", load, "" },
	{ "create", create, "" },
	{ "create", create_for_file, "" },
	{ "send, receive", send_messages, "" },
	{ "send, receive", receive_messages, "" },
	{ "send, receive", receive_stopped, "" },
	{ "send, receive", close_queue, "" },
	{ "descriptors", use_descriptors, "" },
	{ "descriptors", race_for_descriptor, "" },
	/* Beside another thread that reclaims. */
	{ "alloc, free", alloc_and_free, "" },
	{ "alloc, free", alloc_limited, "" },
	{ "alloc, free", free_for_sleeper, "" },
	{ "alloc, free", alloc_stopped, "" },
	{ "alloc, free", share_payloads, "" },
	{ "alloc, free", flush_thread, "" },
	{ "alloc, free", end_thread, "" },
	{ "alloc, free", alloc_sampled, "" },
	{ "trim", trim, "" },
	{ "trim", trim_much, "" },
	/* Beside threads that end, or destroy pools as well; stopped in a wait for them. */
	{ "release, destroy", release_and_destroy, " clock_nanosleep  futex  restart_syscall " },
	/* For locks that other threads hold. */
	{ "metrics, leaks", write_metrics, " futex " },
	{ "metrics, leaks", write_metrics_first, "" },
	{ "profile", write_profile, " futex " },
	{ "profile", write_file, "" },
	{ "profile", write_file_at_exit, "" },
	/* The first of the process, or none. */
	{ "malloc", use_malloc, " getrandom " },
	{ "malloc", use_malloc_in_threads, "" },
};
enum { PROGRAMS = sizeof(programs) / sizeof(programs[0]) };

/* --------------------------------------------------------------- running -- */

/* The call that it is trapped by, or -1. */
static long run_without(const struct program *program, const char *left_out)
{
	const struct line *line = line_of(program->line);
	int status = -1;
	shared->trapped = -1;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		alarm(60);
		allow(SYS_exit_group);
		for (int i = 0; i < KNOWN; i++)
			if (allows(line, calls[i].name) && strcmp(calls[i].name, left_out) != 0)
				allow(calls[i].number);
		program->run();
		_exit(0);
	}
	REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER) {
		printf("no seccomp filter here\n");
		rmdir(directory);
		exit(SKIPPED);
	}
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != TRAPPED)) {
		fprintf(stderr, "program %d, %s without \"%s\": status %#x\n",
			(int)(program - programs), program->line, left_out, (unsigned int)status);
		exit(1);
	}
	return WEXITSTATUS(status) == TRAPPED ? shared->trapped : -1;
}

static const char *name_of(long number)
{
	for (int i = 0; i < KNOWN; i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "?";
}

/* Whether a program of the line makes the call, or may. */
static bool is_made(const struct line *line, const struct call *call)
{
	bool made = false;
	for (int i = 0; i < PROGRAMS; i++)
		if (strcmp(programs[i].line, line->name) == 0)
			made = made || has_word(programs[i].rare, call->name) ||
				run_without(&programs[i], call->name) == call->number;
	return made;
}

/* With the profiles in it: how many these were. */
static int remove_directory(void)
{
	int count = 0;
	glob_t found;
	REQUIRE(chdir(directory) == 0 && glob("profile.*.heap", 0, NULL, &found) == 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		count += unlink(found.gl_pathv[i]) == 0;
	globfree(&found);
	REQUIRE(rmdir(directory) == 0);
	return count;
}

/* The calls of the line that the example has no word of. */
static int missing_in(const char *path, const struct line *line)
{
	static char text[1 << 16];
	int missing = 0;
	FILE *file = fopen(path, "r");
	REQUIRE(file != NULL);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	for (int i = 0; i < KNOWN; i++) {
		char one[64], other[64];
		snprintf(one, sizeof(one), "ALLOW(%s)", calls[i].name);
		snprintf(other, sizeof(other), "IS(SYS_%s)", calls[i].name);
		if (has_word(line->words, calls[i].name) && strstr(text, one) == NULL &&
			strstr(text, other) == NULL) {
			printf("%s: the example does not allow %s\n", line->name, calls[i].name);
			missing++;
		}
	}
	return missing;
}

int main(int argc, char **argv)
{
	int wrong = 0, tried = 0;
	REQUIRE(argc == 4);
	if (strcmp(gnu_get_libc_version(), GLIBC) != 0) {
		printf("the page knows glibc " GLIBC " alone\n");
		return SKIPPED;
	}
	read_page(argv[1]);
	library = argv[2];
	REQUIRE(mkdtemp(directory) != NULL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	REQUIRE(shared != MAP_FAILED);
	for (int i = 0; i < PROGRAMS; i++) {
		long trapped = run_without(&programs[i], "");
		if (trapped >= 0)
			printf("program %d, %s: makes the call %ld, %s\n", i, programs[i].line,
				trapped, name_of(trapped));
		wrong += trapped >= 0;
	}
	for (unsigned int i = 0; i < line_count; i++) {
		for (int j = 0; j < KNOWN; j++) {
			if (!has_word(lines[i].words, calls[j].name))
				continue;
			tried++;
			if (is_made(&lines[i], &calls[j]))
				continue;
			printf("%s: does not make the call %s\n", lines[i].name, calls[j].name);
			wrong++;
		}
	}
	REQUIRE(tried > 20 && remove_directory() > 0);
	wrong += missing_in(argv[3], line_of("send, receive"));
	wrong += missing_in(argv[3], line_of("alloc, free"));
	printf("%u lines with %d calls\n", line_count, tried);
	return wrong > 0;
}
