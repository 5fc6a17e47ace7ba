/* SPDX-License-Identifier: MIT */
/*
 * A queue: created, referred to, closed, and asked about. send_recv.c has what
 * send and receive do.
 *
 * A queue lives as long as there is a reference to it. A sender still reads the
 * queue after another thread has received its message: it looks for sleepers.
 * So a receiver may not free the queue of a reply, but release its reference to
 * it. The thread that releases the last one frees the queue.
 *
 * Cells. round_up_capacity() makes the wanted capacity a power of two, C, and
 * ring_init() gets 2 * C cells, of which C are spare. A cell has one cache line
 * and a recovery word. Cells of stopped threads are taken out of use, and the
 * spare ones replace them, so that C is a promise (ring.c). They are as many as
 * C, because two threads that stop in batches may hold half of all cells.
 * ring_cells() is the number of cells and ring_capacity() is C. With no thread
 * stopped the ring may hold more than C messages, up to all of its cells.
 */
#include "queue/queue.h"

#include <errno.h>
#include <string.h>

#include "base/aligned.h"
#include "base/watched.h"
#include "pool/checked.h"
#include "pool/fork.h"
#include "tuning.h"

static size_t round_up_capacity(size_t wanted)
{
	size_t capacity = 2;
	while (capacity < wanted)
		capacity *= 2;
	return capacity;
}

static const size_t line_pair = _Alignof(struct magring_queue);

/* What the queue and its ring take of the heap or of the system. */
static uint64_t bytes_of(const struct magring_queue *queue)
{
	return aligned_block_bytes(line_pair, sizeof(*queue)) + ring_bytes(&queue->ring);
}

/* --------------------------------------------------- the lists of queues -- */

static void enlist(struct magring_queue *queue)
{
	struct queue_list *list = queue_list(queue->pool);
	/* Relaxed: no thread destroys the pool beside this call. */
	if (queue->pool != NULL) {
		atomic_fetch_add_explicit(&queue->pool->queue_count, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&queue->pool->queue_bytes, bytes_of(queue),
			memory_order_relaxed);
	}
	pthread_mutex_lock(&list->lock);
	cds_list_add_tail(&queue->link, &list->queues);
	queue->generation = list->generation;
	pthread_mutex_unlock(&list->lock);
}

static void delist(struct magring_queue *queue)
{
	struct queue_list *list = queue_list(queue->pool);
	/* In the child of a fork the parent's queues are in no list: fork.c. */
	if (queue->generation != list->generation)
		return;
	pthread_mutex_lock(&list->lock);
	cds_list_del(&queue->link);
	pthread_mutex_unlock(&list->lock);
}

/* --------------------------------------------- create, acquire, release -- */

static size_t cell_bytes(const struct magring_queue *queue)
{
	return ring_cells(&queue->ring) * sizeof(struct ring_cell);
}

#define QUEUE_FLAGS (MAGRING_SINGLE_SENDER | MAGRING_SINGLE_RECEIVER)

/* What the options ask for, with the defaults filled in. */
static int check_options(const struct magring_queue_options *options,
	struct magring_queue_options *ret_wanted)
{
	*ret_wanted = (struct magring_queue_options){ .capacity = QUEUE_CAPACITY };
	if (options == NULL)
		return 0;
	int rc = pool_check_size(options->size, sizeof(*options));
	if (rc != 0)
		return rc;
	if (options->capacity > MAGRING_CAPACITY_MAX || options->flags & ~(uint64_t)QUEUE_FLAGS ||
		options->spin_ns < MAGRING_SPIN_NEVER)
		return -EINVAL;
	*ret_wanted = *options;
	ret_wanted->capacity = QUEUE_CAPACITY;
	if (options->capacity != 0)
		ret_wanted->capacity = round_up_capacity(options->capacity);
	return pool_check_name(options->name);
}

static unsigned int ring_flags(uint64_t flags)
{
	return RING_FETCHES | (flags & MAGRING_SINGLE_SENDER ? RING_EXCLUSIVE_SENDER : 0) |
		(flags & MAGRING_SINGLE_RECEIVER ? RING_EXCLUSIVE_RECEIVER : 0);
}

int magring_queue_create(struct magring_queue **ret_queue, struct magring_pool *pool,
	const struct magring_queue_options *options)
{
	static _Atomic(uint64_t) serials;
	struct magring_queue_options wanted;
	if (ret_queue == NULL)
		return -EINVAL;
	int rc = check_options(options, &wanted);
	/* Arguments that are wrong decide nothing: see fence.c. */
	if (rc == 0)
		rc = fork_base_init();
	if (rc != 0)
		return rc;
	void *block;
	struct magring_queue *queue = aligned_malloc(line_pair, sizeof(*queue), &block);
	if (queue == NULL)
		return -ENOMEM;
	memset(queue, 0, sizeof(*queue));
	queue->block = block;
	rc = pool_name(queue->name, wanted.name, "queue",
		atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1);
	if (rc == 0)
		rc = ring_init(&queue->ring, 2 * wanted.capacity, wanted.capacity, 0,
			ring_flags(wanted.flags));
	if (rc != 0) {
		free(block);
		return rc;
	}
	queue->ring.name = queue->name;
	eventcount_init(&queue->eventcount[SENDER]);
	eventcount_init(&queue->eventcount[RECEIVER]);
	atomic_init(&queue->references, 1);
	if (checked_by_default() || (pool != NULL && pool->checked != NULL))
		queue_check_messages(queue);
	queue->pool = pool;
	queue->flags = wanted.flags;
	queue->spin_ns = wanted.spin_ns;
	queue->drop = wanted.drop;
	queue->drop_context = wanted.drop_context;
	watched_add_root(queue->ring.cells, cell_bytes(queue));
	enlist(queue);
	*ret_queue = queue;
	return 0;
}

int magring_queue_acquire(struct magring_queue *queue)
{
	if (queue == NULL)
		return -EINVAL;
	/* Relaxed: a reference that is there already keeps the queue. What
	 * hands the new one to another thread orders the two. */
	uint32_t count = atomic_load_explicit(&queue->references, memory_order_relaxed);
	do {
		if (count == UINT32_MAX)
			return -EOVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(&queue->references, &count, count + 1,
		memory_order_relaxed, memory_order_relaxed));
	return 0;
}

/* A message that was left: to the program, and then back to its pool. */
static void drop(struct magring_queue *queue, struct magring_message *message)
{
	message_show(message, 1);
	if (queue->drop != NULL)
		queue->drop(message, queue->drop_context);
	if (message_is_slab(message))
		watched_release(message_slab(message));
	magring_message_free(message);
}

/* No call on the queue runs, and none follows. */
static void destroy(struct magring_queue *queue)
{
	struct magring_pool *pool = queue->pool;
	uint64_t bytes = bytes_of(queue);
	struct magring_message message;
	int cancel_state;
	/* A thread that was cancelled in `drop` would leave half a queue. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	delist(queue);
	while (ring_pop(&queue->ring, &message) == 1)
		drop(queue, &message);
	eventcount_fini(&queue->eventcount[SENDER]);
	eventcount_fini(&queue->eventcount[RECEIVER]);
	watched_remove_root(queue->ring.cells, cell_bytes(queue));
	ring_fini(&queue->ring);
	free(queue->block);
	/* Relaxed: it comes before the release. */
	if (pool != NULL) {
		watched_release(&pool->queues);
		atomic_fetch_sub_explicit(&pool->queue_bytes, bytes, memory_order_relaxed);
	}
	/* [queues] release: this call is done with the pool before the count
	 * that lets it be destroyed. */
	if (pool != NULL)
		atomic_fetch_sub_explicit(&pool->queue_count, 1, memory_order_release);
	pthread_setcancelstate(cancel_state, NULL);
}

int magring_queue_release(struct magring_queue *queue)
{
	if (queue == NULL)
		return -EINVAL;
	watched_release(&queue->references);
	/* [references] release: this thread's calls are over before its
	 * reference is gone. */
	if (atomic_fetch_sub_explicit(&queue->references, 1, memory_order_release) > 1)
		return 0;
	/* [references] acquire: so are those of all threads that had one. */
	(void)atomic_load_explicit(&queue->references, memory_order_acquire);
	watched_acquire(&queue->references);
	destroy(queue);
	return 0;
}

int magring_queue_close(struct magring_queue *queue)
{
	if (queue == NULL)
		return -EINVAL;
	ring_close(&queue->ring);
	eventcount_notify_all(&queue->eventcount[SENDER]);
	eventcount_notify_all(&queue->eventcount[RECEIVER]);
	eventcount_pass_fd_on(&queue->eventcount[SENDER], 0);
	eventcount_pass_fd_on(&queue->eventcount[RECEIVER], 0);
	return 0;
}

size_t magring_queue_capacity(const struct magring_queue *queue)
{
	return queue != NULL ? ring_capacity(&queue->ring) : 0;
}

size_t magring_queue_size(const struct magring_queue *queue)
{
	return queue != NULL ? ring_size(&queue->ring) : 0;
}

int magring_queue_recv_fd(struct magring_queue *queue)
{
	return queue != NULL ? eventcount_fd(&queue->eventcount[RECEIVER]) : -EINVAL;
}

int magring_queue_send_fd(struct magring_queue *queue)
{
	return queue != NULL ? eventcount_fd(&queue->eventcount[SENDER]) : -EINVAL;
}

int magring_queue_get_stats(struct magring_queue *queue, struct magring_queue_stats *ret_stats)
{
	if (queue == NULL || ret_stats == NULL)
		return -EINVAL;
	int rc = pool_check_size(ret_stats->size, sizeof(*ret_stats));
	if (rc != 0)
		return rc;
	struct ring_counts ring = ring_counts(&queue->ring);
	struct magring_queue_stats stats = {
		.size = sizeof(stats),
		.sent = ring.sent,
		.received = ring.received,
		.returned = ring.returned,
		.challenged = ring.challenged,
		.quarantined = ring.quarantined,
		.capacity = ring_capacity(&queue->ring),
		.closed = ring.closed,
		.memory_bytes = bytes_of(queue),
	};
	for (int i = 0; i < QUEUE_STRIPES; i++) {
		struct queue_counts *counts = &queue->counts[i];
		stats.full += atomic_load_explicit(&counts->in_vain[SENDER], memory_order_relaxed);
		stats.empty +=
			atomic_load_explicit(&counts->in_vain[RECEIVER], memory_order_relaxed);
		stats.parked += atomic_load_explicit(&counts->parked, memory_order_relaxed);
		stats.woken += atomic_load_explicit(&counts->woken, memory_order_relaxed);
	}
	*ret_stats = stats;
	return 0;
}
