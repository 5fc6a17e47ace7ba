/* SPDX-License-Identifier: MIT */
/*
 * What queues take of the heap and of the system: as much as the statistics
 * say, little if they are small, and no mapping each. A mapping that the system
 * does not take back is used again, and all are given back in the end.
 *
 * The calls by which the library maps memory are this program's own.
 */
#include "stress.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mappings.h"

enum { SOME = 1000, MANY = 70000, CELL = 64 + 8 };
/* Bytes: what malloc takes at a time, and what it keeps for one thread of the sizes in question. */
enum { HEAP_STEP = 135168, THREADS_OWN = 16384 };

static struct magring_pool *pool;
static struct magring_queue *queues[MANY];

/* ------------------------------------------------------------ the system -- */

static struct {
	unsigned int refused_munmap; /* so many calls from now; 0: none */
	bool refuse_madvise;
	unsigned int mmaps, munmaps, madvises;
	void *last; /* mapped, or advised upon */
} kernel;

void *mmap(void *address, size_t size, int rights, int flags, int fd, off_t offset)
{
	kernel.mmaps++;
	return kernel.last = (void *)syscall(SYS_mmap, address, size, rights, flags, fd, offset);
}

int munmap(void *address, size_t size)
{
	kernel.munmaps++;
	if (kernel.refused_munmap > 0 && --kernel.refused_munmap == 0)
		return errno = ENOMEM, -1;
	return (int)syscall(SYS_munmap, address, size);
}

int madvise(void *address, size_t size, int advice)
{
	kernel.madvises++;
	kernel.last = address;
	if (kernel.refuse_madvise)
		return errno = EINVAL, -1;
	return (int)syscall(SYS_madvise, address, size, advice);
}

static struct magring_queue *make(size_t capacity)
{
	struct magring_queue_options options = { .size = sizeof(options), .capacity = capacity };
	struct magring_queue *queue = NULL;
	int rc = magring_queue_create(&queue, pool, &options);
	CHECK(rc == 0, "capacity %zu: %d", capacity, rc);
	stress_alive();
	return queue;
}

static uint64_t bytes_of(struct magring_queue *queue)
{
	return stress_queue_stats(queue).memory_bytes;
}

static struct magring_message numbered(uint64_t number)
{
	struct magring_message message;
	int rc = magring_message_copy(NULL, &message, &number, sizeof(number), NULL, 0, 0);
	CHECK(rc == 0, "a message: %d", rc);
	return message;
}

/* All cells hold messages, from the first lap to the third. */
static void use(struct magring_queue *queue)
{
	uint64_t cells = 2 * magring_queue_capacity(queue);
	struct magring_message message;
	CHECK(magring_recv(queue, &message, 0) == -EAGAIN, "a new queue is not empty");
	for (uint64_t i = 0; i < 3 * cells; i++) {
		message = numbered(i);
		int rc = magring_send(queue, &message, 0);
		CHECK(rc == 0, "message %" PRIu64 ": %d", i, rc);
		if (i + 1 < cells)
			continue;
		uint64_t oldest = i + 1 - cells;
		rc = magring_recv(queue, &message, 0);
		CHECK(rc == 0 && *(const uint64_t *)magring_message_id(&message, NULL) == oldest,
			"message %" PRIu64 ": %d", oldest, rc);
	}
}

/* ----------------------------------------------------------- small queues -- */

/* Each byte of the heap is counted, and few that are not used. */
static void check_size(size_t capacity)
{
	kernel.mmaps = 0;
	struct mallinfo2 before = mallinfo2();
	for (int i = 0; i < SOME; i++)
		queues[i] = make(capacity);
	struct mallinfo2 after = mallinfo2();
	uint64_t bytes = bytes_of(queues[0]), cells = 2 * capacity;
	uint64_t heap = (after.uordblks - before.uordblks) / SOME;
	uint64_t grown = after.arena - before.arena;
	CHECK(bytes >= cells * CELL && bytes <= cells * CELL + 1408,
		"%" PRIu64 " bytes for a capacity of %zu", bytes, capacity);
	CHECK(heap >= bytes && heap <= bytes + 64,
		"%" PRIu64 " bytes of the heap, and %" PRIu64 " in the statistics", heap, bytes);
	CHECK(grown <= SOME * (bytes + 256) + HEAP_STEP,
		"the heap has grown by %" PRIu64 " for %d queues of %" PRIu64, grown, SOME, bytes);
	CHECK(kernel.mmaps == 0, "%u mappings", kernel.mmaps);
	struct magring_pool_stats stats = stress_pool_stats(pool);
	CHECK(stats.queues == SOME && stats.queue_bytes == SOME * bytes,
		"%" PRIu64 " queues of %" PRIu64 " bytes have %" PRIu64, stats.queues, bytes,
		stats.queue_bytes);
	use(queues[0]);
	for (int i = 0; i < SOME; i++)
		magring_queue_release(queues[i]);
	CHECK(mallinfo2().uordblks <= before.uordblks + THREADS_OWN, "the heap has not all back");
	CHECK(stress_pool_stats(pool).queue_bytes == 0, "queues that are gone have bytes");
}

static void *nothing(void *unused)
{
	return unused;
}

static void check_many(void)
{
	size_t before = count_mappings();
	for (int i = 0; i < MANY; i++)
		queues[i] = make(2);
	size_t during = count_mappings();
	CHECK(during <= before + 4, "%zu mappings for %d queues", during - before, MANY);
	for (int i = 0; i < MANY; i += 2)
		magring_queue_release(queues[i]), stress_alive();
	CHECK(count_mappings() <= before + 4, "%zu mappings", count_mappings() - before);
	pthread_t thread;
	stress_start(&thread, nothing, NULL);
	pthread_join(thread, NULL);
	for (int i = 1; i < MANY; i += 2)
		magring_queue_release(queues[i]);
}

/* ----------------------------------------------------------- large queues -- */

static const size_t large = 512; /* the smallest with a mapping */

static size_t resident_pages(void *memory, size_t bytes)
{
	unsigned char pages[1024] = { 0 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
	if (mincore(memory, bytes, pages) != 0)
		return SIZE_MAX;
	for (size_t i = 0; i < (bytes + page - 1) / page; i++)
		count += pages[i] & 1;
	return count;
}

/* Its memory is not taken back. Returns where that is. */
static void *release_in_vain(struct magring_queue *queue)
{
	kernel.refused_munmap = 1;
	kernel.munmaps = kernel.madvises = 0;
	magring_queue_release(queue);
	CHECK(kernel.munmaps == 1 && kernel.madvises == 1, "%u calls of munmap, %u of madvise",
		kernel.munmaps, kernel.madvises);
	return kernel.last;
}

static void check_kept(bool locked)
{
	kernel.refuse_madvise = locked;
	struct magring_queue *queue = make(large);
	void *memory = kernel.last;
	size_t bytes = 2 * large * CELL;
	use(queue);
	CHECK(resident_pages(memory, bytes) > 4, "a queue that was used has no pages");
	void *kept = release_in_vain(queue);
	CHECK(kept == memory, "%p is kept, not %p", kept, memory);
	if (!locked)
		CHECK(resident_pages(memory, bytes) == 1, "%zu pages are kept",
			resident_pages(memory, bytes));
	kernel.mmaps = 0;
	struct magring_queue *larger = make(2 * large), *again;
	CHECK(kernel.mmaps == 1, "%u mappings for another size", kernel.mmaps);
	again = make(large);
	CHECK(kernel.mmaps == 1, "%u mappings more for the same size", kernel.mmaps - 1);
	use(again);
	kernel.munmaps = 0;
	magring_queue_release(larger);
	magring_queue_release(again);
	CHECK(kernel.munmaps == 2, "%u calls of munmap for two queues", kernel.munmaps);
	CHECK(resident_pages(memory, bytes) == SIZE_MAX, "it is still mapped");
	kernel.refuse_madvise = false;
}

/* With the next ones that are taken back go those that were not. */
static void check_given_back(void)
{
	enum { REFUSED = 5 };
	void *memory[REFUSED];
	struct magring_queue *beside[REFUSED];
	for (int i = 0; i < REFUSED; i++)
		queues[i] = make(large), beside[i] = make(large);
	for (int i = 0; i < REFUSED; i++)
		memory[i] = release_in_vain(queues[i]);
	use(queues[0] = make(large));
	release_in_vain(queues[0]);
	/* The first one of these is refused once more. */
	kernel.munmaps = kernel.mmaps = 0;
	kernel.refused_munmap = 2;
	for (int i = 0; i < REFUSED; i++)
		magring_queue_release(beside[i]);
	CHECK(kernel.munmaps == 2 * REFUSED, "%u calls of munmap", kernel.munmaps);
	magring_queue_release(make(large));
	CHECK(kernel.mmaps == 0, "%u mappings while one is kept", kernel.mmaps);
	for (int i = 0; i < REFUSED; i++)
		CHECK(resident_pages(memory[i], 2 * large * CELL) == SIZE_MAX,
			"mapping %d is there", i);
}

/* The child of a fork leaves alone what was kept. */
static void check_child(void)
{
	int status = -1;
	uint64_t failures = stress_failures;
	struct magring_queue *queue = make(large);
	release_in_vain(queue);
	pid_t child = fork();
	if (child == 0) {
		kernel.mmaps = 0;
		queue = make(large);
		CHECK(kernel.mmaps == 1, "%u mappings in the child", kernel.mmaps);
		use(queue);
		magring_queue_release(queue);
		_exit(stress_failures > failures);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0, "status %#x",
		(unsigned int)status);
	kernel.mmaps = 0;
	queue = make(large);
	CHECK(kernel.mmaps == 0, "%u mappings in the parent", kernel.mmaps);
	magring_queue_release(queue);
}

int main(int argc, char **argv)
{
	static const size_t capacities[] = { 2, 4, 8, 64, 256 };
	stress_begin("queue_memory", argc, argv);
	mallopt(M_PERTURB, 0x5a); /* malloc's memory is not zero */
	if (magring_pool_create(&pool, NULL) != 0)
		return 1;
	magring_queue_release(make(large));
	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++)
		check_size(capacities[i]);
	check_many();
	size_t mappings = count_mappings();
	check_kept(false);
	check_kept(true);
	check_given_back();
	check_child();
	CHECK(count_mappings() == mappings, "%zu mappings, not %zu", count_mappings(), mappings);
	CHECK(magring_pool_destroy(pool) == 0, "the pool is not destroyed");
	return stress_end();
}
