/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the system is refused: the first call, or the second, or any
 * other; that one alone, or all from there on; until a round comes to its end without
 * having met a refusal. A round does all that can be done with a pool.
 *
 * A refusal is reported as an error that the header names, or makes no difference. A call that
 * fails has changed nothing, and is made again without refusals, and then succeeds. In the end the
 * accounts balance, and there are as many blocks and mappings as before.
 *
 * The rounds are played in this process, and once more in children in each of which the library is
 * used for the first time.
 *
 * What is refused are calls of the malloc family and of those below, which are this program's own:
 * with an error, or with an interruption, that the library is to pass over.
 */
#include "stress.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "malloc_family.h"
#include "mappings.h"

/* --------------------------------------------------------------- refusing -- */

static struct {
	uint64_t first; /* the call that is refused */
	bool rest;      /* and all after it */
	uint64_t calls; /* so far */
	uint64_t refused;
	int error; /* of those that may have several */
} fault;
static _Thread_local bool armed __attribute__((tls_model("initial-exec")));
static _Atomic(int64_t) blocks, mappings;

static bool refuse(bool once)
{
	if (!armed)
		return false;
	fault.calls++;
	if (fault.calls != fault.first && (once || !fault.rest || fault.calls < fault.first))
		return false;
	fault.refused++;
	return true;
}

static bool may_allocate(void)
{
	return !refuse(false);
}

static void have_blocks(int change)
{
	atomic_fetch_add_explicit(&blocks, change, memory_order_relaxed);
}

/* The next definition of the name: the system's. */
#define SYSTEMS(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

void *mmap(void *address, size_t size, int rights, int flags, int fd, off_t offset)
{
	if (refuse(false))
		return errno = ENOMEM, MAP_FAILED;
	void *mapping = (void *)syscall(SYS_mmap, address, size, rights, flags, fd, offset);
	/* Memory that makes a mapping longer goes with it. */
	bool longer = address != NULL && rights != PROT_NONE;
	if (mapping != MAP_FAILED && !longer)
		atomic_fetch_add_explicit(&mappings, 1, memory_order_relaxed);
	return mapping;
}

int munmap(void *address, size_t size)
{
	atomic_fetch_sub_explicit(&mappings, 1, memory_order_relaxed);
	return (int)syscall(SYS_munmap, address, size);
}

int mprotect(void *address, size_t size, int rights)
{
	if (refuse(false))
		return errno = ENOMEM, -1;
	return (int)syscall(SYS_mprotect, address, size, rights);
}

int eventfd(unsigned int count, int flags)
{
	if (refuse(false))
		return errno = fault.error, -1;
	return (int)syscall(SYS_eventfd2, count, flags);
}

FILE *fopen(const char *name, const char *mode)
{
	if (refuse(false))
		return errno = fault.error, NULL;
	return SYSTEMS(fopen)(name, mode);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	return refuse(false) ? ENOMEM : SYSTEMS(pthread_setspecific)(key, value);
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
	return refuse(false) ? ENOMEM : SYSTEMS(pthread_mutex_init)(mutex, attributes);
}

/* The kernel may interrupt a wait, and have no memory for a barrier at one moment. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list list;
	long arguments[6];
	if (real == NULL)
		real = SYSTEMS(syscall);
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	bool waits = number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
	if ((waits || number == SYS_membarrier) && refuse(true))
		return errno = waits ? EINTR : ENOMEM, -1;
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		arguments[5]);
}

/* ---------------------------------------------------------------- judging -- */

#define LIMIT ((size_t)6 << 20)
#define PAYLOAD_MAX ((size_t)32 << 10)
#define SLABS 70 /* of the smallest class: more than a magazine holds */
#define FEW 4    /* all slabs of the small pool */
#define WAIT_NS 100000

static struct {
	struct magring_pool *pool, *small;
	struct magring_queue *queue;
	struct magring_message class[64], slab[SLABS], few[FEW], shared;
	char text[1 << 20];
	FILE *stream;      /* into that text */
	bool first;        /* the library is used for the first time */
	uint64_t failures; /* reported */
	uint64_t rounds;
} game;

struct accounts {
	uint64_t allocated, freed, bytes, carved, queues, sent, received;
	int64_t blocks, mappings;
};

static struct accounts accounts_now(void)
{
	/* The first time the C library has its own to keep. */
	struct accounts accounts = { .blocks = game.first ? 0 : atomic_load(&blocks),
		.mappings = atomic_load(&mappings) };
	struct magring_pool *pools[2] = { game.pool, game.small };
	for (int i = 0; i < 2; i++) {
		if (pools[i] == NULL)
			continue;
		struct magring_pool_stats stats = stress_pool_stats(pools[i]);
		accounts.allocated += stats.allocated;
		accounts.freed += stats.freed;
		accounts.bytes += stats.payload_bytes_in_use;
		accounts.carved += stats.slab_bytes_carved;
		accounts.queues += stats.queues;
	}
	if (game.queue != NULL) {
		struct magring_queue_stats stats = stress_queue_stats(game.queue);
		accounts.sent = stats.sent;
		accounts.received = stats.received;
	}
	return accounts;
}

static const int never[] = { 0 }, no_memory[] = { -ENOMEM, 0 }, no_slab[] = { -ENOBUFS, 0 },
		 no_wait[] = { -ENOBUFS, -ETIMEDOUT, 0 },
		 no_fd[] = { -EMFILE, -ENFILE, -ENOMEM, 0 };

static void judge(const char *call, int rc, const int *errors, const struct accounts *before)
{
	struct accounts after = accounts_now();
	CHECK(fault.refused > 0, "%s: %d, and nothing was refused", call, rc);
	CHECK(memcmp(before, &after, sizeof(after)) == 0,
		"%s: %d at call %" PRIu64 " has changed something: "
		"blocks %" PRId64 " to %" PRId64 ", mappings %" PRId64 " to %" PRId64,
		call, rc, fault.first, before->blocks, after.blocks, before->mappings,
		after.mappings);
	game.failures++;
	while (*errors != 0)
		if (*errors++ == rc)
			return;
	CHECK(false, "%s: %d at call %" PRIu64, call, rc, fault.first);
}

/* Nothing else is awaited than this, or when there was a refusal one of the errors. */
#define TRY(wanted, errors, call) \
	do { \
		struct accounts before = accounts_now(); \
		armed = true; \
		int rc = (call); \
		armed = false; \
		if (rc != (wanted)) { \
			judge(#call, rc, errors, &before); \
			rc = (call); \
		} \
		CHECK(rc == (wanted), "%s: %d at call %" PRIu64, #call, rc, fault.first); \
	} while (0)

/* ----------------------------------------------------------------- a round -- */

static int alloc(struct magring_pool *pool, struct magring_message *message, size_t size,
	int64_t timeout_ns)
{
	struct magring_message untouched;
	memset(&untouched, 0xa5, sizeof(untouched));
	*message = untouched;
	int rc = magring_message_alloc(pool, message, "id", 2, size, timeout_ns);
	if (rc == 0)
		memset(magring_message_payload(message, NULL), 'x', size);
	else
		CHECK(memcmp(message, &untouched, sizeof(untouched)) == 0,
			"written beside an error");
	return rc;
}

/* Both messages are there, or the first one is as it was. */
static int share(struct magring_message *message)
{
	struct magring_message before = *message, untouched;
	memset(&untouched, 0xa5, sizeof(untouched));
	game.shared = untouched;
	int rc = magring_message_share(message, &game.shared);
	if (rc == 0)
		CHECK(magring_message_payload(message, NULL) ==
				magring_message_payload(&game.shared, NULL),
			"not the same payload");
	else
		CHECK(memcmp(message, &before, sizeof(before)) == 0 &&
				memcmp(&game.shared, &untouched, sizeof(untouched)) == 0,
			"written beside an error");
	return rc;
}

static int create_pool(struct magring_pool **ret_pool, size_t limit, size_t payload,
	uint64_t sample_bytes)
{
	const struct magring_pool_options options = { .size = sizeof(options),
		.memory_limit = limit,
		.max_payload = payload,
		.name = "faulty",
		.sample_bytes = sample_bytes };
	return magring_pool_create(ret_pool, &options);
}

static bool is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	return poll(&polled, 1, 0) == 1;
}

/* All of a text or nothing is written. */
static int write_text(int (*write)(struct magring_pool *, FILE *), const char *last)
{
	rewind(game.stream);
	memset(game.text, 0, sizeof(game.text));
	int rc = write(game.pool, game.stream);
	fflush(game.stream);
	size_t size = strlen(game.text);
	if (rc == 0)
		CHECK(size > 0 && strstr(game.text, last) != NULL, "%s: %zu bytes without \"%s\"",
			game.text, size, last);
	else
		CHECK(size == 0, "%d, and %zu bytes are written", rc, size);
	return rc;
}

static void use_memory(uint64_t sample_bytes)
{
	struct magring_message none;
	struct magring_class_stats class = { .size = sizeof(class) };
	unsigned int classes = stress_pool_stats(game.pool).classes;
	for (unsigned int i = 0; i < classes && i < 64; i++) {
		magring_pool_get_class_stats(game.pool, i, &class);
		if (class.slab_size <= PAYLOAD_MAX)
			TRY(0, no_wait,
				alloc(game.pool, &game.class[i], class.slab_size,
					i % 2 == 0 ? 0 : WAIT_NS));
	}
	for (int i = 0; i < SLABS; i++)
		TRY(0, no_slab, alloc(game.pool, &game.slab[i], 64, 0));
	TRY(0, no_memory, share(&game.slab[0]));
	TRY(0, no_memory, create_pool(&game.small, FEW * 1024, 1000, sample_bytes));
	for (int i = 0; i < FEW; i++)
		TRY(0, no_slab, alloc(game.small, &game.few[i], 1000, 0));
	TRY(-ETIMEDOUT, no_slab, alloc(game.small, &none, 1000, WAIT_NS));
	TRY(-ENOBUFS, never, alloc(game.small, &none, 1000, 0));
}

static void use_queue(void)
{
	struct magring_message message, *last = &game.slab[SLABS - 1];
	const struct magring_queue_options options = { .size = sizeof(options), .capacity = 32 },
					   large = { .size = sizeof(large), .capacity = 512 };
	int fd[2];
	struct magring_queue *mapped = NULL;
	TRY(0, no_memory, magring_queue_create(&mapped, game.pool, &large));
	TRY(0, never, magring_queue_release(mapped));
	TRY(0, no_memory, magring_queue_create(&game.queue, game.pool, &options));
	TRY(-ETIMEDOUT, never, magring_recv(game.queue, &message, WAIT_NS));
	TRY(true, no_fd, (fd[0] = magring_queue_recv_fd(game.queue)) < 0 ? fd[0] : true);
	TRY(true, no_fd, (fd[1] = magring_queue_send_fd(game.queue)) < 0 ? fd[1] : true);
	TRY(-EAGAIN, never, magring_recv(game.queue, &message, 0));
	CHECK(!is_readable(fd[0]) && is_readable(fd[1]), "the queue is empty");
	TRY(64, never, magring_send_batch(game.queue, game.slab, 64, 0));
	CHECK(is_readable(fd[0]), "the queue is full");
	TRY(-ETIMEDOUT, never, magring_send(game.queue, last, WAIT_NS));
	TRY(-EAGAIN, never, magring_send(game.queue, last, 0));
	CHECK(!is_readable(fd[1]), "the queue is full");
	TRY(0, never, magring_recv(game.queue, &game.slab[0], 0));
	TRY(0, never, magring_send(game.queue, last, -1));
	TRY(63, never, magring_recv_batch(game.queue, &game.slab[1], 63, -1));
	/* One stays for the queue's end. */
}

static int write_all_metrics(struct magring_pool *pool, FILE *stream)
{
	(void)pool;
	return magring_write_metrics(stream, 0);
}

static void use_up(void)
{
	TRY(0, no_memory, write_text(magring_pool_write_metrics, "# EOF\n"));
	TRY(0, no_memory, write_text(write_all_metrics, "# EOF\n"));
	TRY(0, no_memory, write_text(magring_pool_write_profile, "MAPPED_LIBRARIES:\n"));
	TRY(0, no_memory, write_text(magring_pool_write_leaks, " slabs are out"));
	TRY(0, never, magring_pool_flush_thread(game.pool));
	TRY(-EBUSY, never, magring_pool_destroy(game.pool));
}

static void end_round(void)
{
	armed = true;
	for (int i = 0; i < 64; i++)
		magring_message_free(&game.class[i]);
	for (int i = 0; i < SLABS; i++)
		magring_message_free(&game.slab[i]);
	for (int i = 0; i < FEW; i++)
		magring_message_free(&game.few[i]);
	magring_message_free(&game.shared);
	armed = false;
	uint64_t out = stress_pool_stats(game.pool).slabs_in_use;
	CHECK(out == 1, "%" PRIu64 " slabs are out", out);
	TRY(0, never, magring_queue_release(game.queue));
	game.queue = NULL;
	stress_check_balance(game.pool);
	stress_check_balance(game.small);
	struct magring_pool *pool = game.pool, *small = game.small;
	game.pool = game.small = NULL;
	TRY(0, never, magring_pool_destroy(small));
	TRY(0, never, magring_pool_destroy(pool));
}

static void play(uint64_t first, bool rest, uint64_t sample_bytes)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM };
	fault.first = first;
	fault.rest = rest;
	fault.calls = fault.refused = 0;
	fault.error = errors[first % 3];
	memset(game.class, 0, sizeof(game.class));
	TRY(0, no_memory, create_pool(&game.pool, LIMIT, PAYLOAD_MAX, sample_bytes));
	use_memory(sample_bytes);
	use_queue();
	use_up();
	end_round();
	game.rounds++;
	stress_alive();
}

/* In this process. */
static void play_all(bool rest, uint64_t sample_bytes)
{
	play(0, false, sample_bytes); /* what is only made once is there */
	int64_t blocks_before = atomic_load(&blocks), mappings_before = atomic_load(&mappings);
	size_t lines = count_mappings();
	for (uint64_t first = 1; stress_failures == 0 && (first == 1 || fault.refused > 0);
		first++) {
		play(first, rest, sample_bytes);
		CHECK(atomic_load(&blocks) == blocks_before,
			"%" PRId64 " blocks more, call %" PRIu64,
			atomic_load(&blocks) - blocks_before, first);
		CHECK(atomic_load(&mappings) == mappings_before,
			"%" PRId64 " mappings more, call %" PRIu64,
			atomic_load(&mappings) - mappings_before, first);
	}
	CHECK(count_mappings() == lines, "%zu mappings, not %zu", count_mappings(), lines);
}

/* The child's answer: 0, nothing was refused; 1, something was, and all is well; 2. */
static void play_all_first(bool rest, uint64_t sample_bytes)
{
	int answer = 1;
	for (uint64_t first = 1; stress_failures == 0 && answer == 1; first++) {
		int status = -1;
		pid_t child = fork();
		if (child == 0) {
			alarm(stress_watchdog_s);
			game.first = true;
			play(first, rest, sample_bytes);
			_exit(stress_failures > 0 ? 2 : fault.refused > 0);
		}
		CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
				WEXITSTATUS(status) < 2,
			"status %#x at call %" PRIu64, (unsigned int)status, first);
		answer = WEXITSTATUS(status);
		game.rounds++;
		stress_alive();
	}
}

int main(int argc, char **argv)
{
	stress_begin("failing_calls", argc, argv);
	game.stream = fmemopen(game.text, sizeof(game.text), "w");
	setvbuf(game.stream, NULL, _IONBF, 0);
	for (int pass = 0; pass < 4; pass++)
		play_all_first(pass % 2, (uint64_t)pass / 2);
	for (int pass = 0; pass < 4; pass++)
		play_all(pass % 2, (uint64_t)pass / 2);
	printf("%" PRIu64 " rounds, %" PRIu64 " failures reported in this process\n", game.rounds,
		game.failures);
	return stress_end();
}
