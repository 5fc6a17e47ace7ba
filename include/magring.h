/* SPDX-License-Identifier: MIT */
/*
 * magring: bounded lock-free queues of messages between the threads of one
 * process, and the memory that the messages live in.
 *
 * A message is an id and a payload. A message of up to 48 bytes lies in a
 * 56-byte value. A larger payload lies in one slab of a pool. A queue moves
 * messages between threads, and the message's owner with it: after a successful
 * send the message is the receiver's, after a failed one still the caller's. In
 * the steady state no call allocates memory, takes a lock, or enters the kernel
 * unless it must wait.
 *
 *	struct magring_pool *pool;
 *	struct magring_queue *queue;
 *	struct magring_message message;
 *	size_t size;
 *
 *	if (magring_pool_create(&pool, NULL) != 0 ||
 *			magring_queue_create(&queue, pool, NULL) != 0)
 *		return 1;
 *
 *	// one thread
 *	if (magring_message_alloc(pool, &message, "order-17", 8, 1000, -1) != 0)
 *		return 1;
 *	memset(magring_message_payload(&message, NULL), 'x', 1000);
 *	if (magring_send(queue, &message, -1) != 0)
 *		magring_message_free(&message);
 *
 *	// another thread
 *	if (magring_recv(queue, &message, -1) == 0) {
 *		void *payload = magring_message_payload(&message, &size);
 *		consume(payload, size);
 *		magring_message_free(&message);
 *	}
 *
 * What may run beside what
 *
 *	                          beside itself   beside the others
 *	send, recv, their batches       yes       yes; see MAGRING_SINGLE_SENDER
 *	queue_close, _size, _get_stats  yes       yes
 *	queue_recv_fd, _send_fd         yes       yes
 *	queue_acquire, _release         yes       yes, see queue_acquire
 *	message_alloc, _copy, _free     yes       yes, on different messages
 *	message_id, _payload            yes       yes, beside readers
 *	pool_get_stats, all _write_...  yes       yes
 *	pool_trim                       -EBUSY    yes
 *	pool_flush_thread               yes       yes
 *	pool_destroy                    no        not beside a call on that pool
 *
 * Calls return 0 (batches a count) or a negative errno: one value, and no
 * thread-local variable. A call that fails has changed nothing. ret_ parameters
 * are written on success only. -EINVAL answers a NULL or senseless argument.
 *
 * An options or statistics structure begins with its own size, which the caller
 * sets to sizeof, so that later versions can add fields. A size that this
 * library does not know yet is -E2BIG, one too small to be any version is
 * -EINVAL. NULL options, and zero in a field, mean the default.
 *
 * Timeouts are in nanoseconds, as an int64_t, which is one register. 0 never
 * waits and a negative one waits without limit. Deadlines are kept on
 * CLOCK_MONOTONIC. A call that waits is a cancellation point while it is
 * parked, and has changed nothing when it is cancelled there; what a batch had
 * sent before is sent, and those messages are empty. No other call is a
 * cancellation point. No call may be left by longjmp(), and none is
 * async-signal-safe.
 *
 * Names are copied. One that is not UTF-8 is -EINVAL, as OpenMetrics asks for
 * it; control characters are allowed. One of more than MAGRING_NAME_MAX bytes
 * is -ENAMETOOLONG. Pools should have different names, and so should queues of
 * one pool.
 *
 * A thread's private state appears at its first use of a pool. It goes back to
 * the pool when the thread ends, however it ends. The exception is a first use
 * in the last round of thread-specific data destructors. Without a key for
 * thread-specific data when it is loaded the library works, and caches nothing.
 * A plugin with the archive inside may be unloaded once no thread is in a call,
 * or ending.
 *
 * After a fork() beside pools or queues the child may only exec, _exit, or
 * release queues and destroy pools that no other thread was using. A fork
 * before the first pool or queue is created changes nothing. Whether there is
 * membarrier(2) is found out when the library is loaded. A seccomp filter
 * installed later must not take it away: the process is aborted when the
 * library next needs it.
 */
#ifndef MAGRING_H
#define MAGRING_H

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ < 8
#error "magring needs a 64-bit system"
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAGRING_VERSION_MAJOR 0
#define MAGRING_VERSION_MINOR 1
#define MAGRING_VERSION_PATCH 0

/* Bytes of id and payload together that need no slab, and no pool. */
#define MAGRING_INLINE_MAX 48
/* The longest id, in bytes. */
#define MAGRING_ID_MAX 255
/* The largest value of the option max_payload, in bytes: 1 GiB. */
#define MAGRING_PAYLOAD_MAX 1073741824
/* The smallest and the largest option memory_limit, in bytes: 256 GiB. */
#define MAGRING_MEMORY_MIN 64
#define MAGRING_MEMORY_MAX 274877906944
/* The largest value of the option capacity, in messages: 2 to the 28th. */
#define MAGRING_CAPACITY_MAX 268435456
/* How many pools one process can have at a time. */
#define MAGRING_POOLS_MAX 4096
/* The longest name of a pool or a queue, in bytes without the final zero. */
#define MAGRING_NAME_MAX 63

#if defined(__GNUC__)
#define MAGRING_PUBLIC __attribute__((visibility("default")))
#define MAGRING_CHECK __attribute__((warn_unused_result))
#else
#define MAGRING_PUBLIC
#define MAGRING_CHECK
#endif

struct magring_pool;
struct magring_queue;

/* --------------------------------------------------------------- message -- */

/*
 * A message, by value: with its state it fills one cache line of a queue, and a
 * small one needs no memory of its own. All zero is the empty message, which
 * owns nothing. The fields are private.
 *
 * It has one owner. Assigning it moves it: only one of the two copies may be
 * used afterwards. A payload inside a message is a part of this structure. So
 * other types than characters are written to it, and read, by memcpy() (or
 * compile with -fno-strict-aliasing): else a compiler may move the message
 * without what was written.
 */
struct magring_message {
	uint64_t private_header;
	uint64_t private_body[6];
};

/*
 * Make a message with a copy of this id and room for payload_size bytes. The
 * caller writes the payload, which is not cleared, through
 * magring_message_payload(). id may be NULL when id_size is 0, and pool when id
 * and payload together need no more than MAGRING_INLINE_MAX bytes. A payload in
 * a slab is aligned to 64 bytes, to 16 when the id is longer than 40 bytes. One
 * inside the message is not aligned.
 *
 * It waits up to timeout_ns for memory. A free of the same size class, by any
 * thread, wakes a thread that waits. No order among these is promised, and a
 * later one may be served first.
 *
 * Threads:   any.
 * Ownership: the message is the caller's. What *ret_message held is overwritten
 *            and must not own a slab, nor may the id lie in it.
 * Returns:   0, -EINVAL, -EMSGSIZE (id_size above MAGRING_ID_MAX, payload_size
 *            above the pool's max_payload, or the slab for both larger than
 *            memory_limit), -ENOBUFS (timeout 0) or -ETIMEDOUT (another). There
 *            is no memory: memory_limit is carved, or the system refuses. And
 *            each slab of the class is in use, or in the hands of a thread at
 *            work inside the library. -ENOBUFS with any timeout if the class
 *            has no slab at all: carved memory stays with its class until a
 *            trim, so no free could help.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns);

/* magring_message_alloc() and a copy of the payload in one call. */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns);

/*
 * Where the id, or the payload, is, and its size in bytes (ret_size may be
 * NULL). The pointer may lead into the message itself: it holds until the
 * message is moved, sent or freed. For the empty message: NULL and 0.
 */
MAGRING_PUBLIC const void *magring_message_id(const struct magring_message *message,
	size_t *ret_size);
MAGRING_PUBLIC void *magring_message_payload(struct magring_message *message, size_t *ret_size);

/*
 * Give the message's slab, if it has one, back to its pool, and make the
 * message empty. An empty message (freed already, or sent) is left alone, and
 * so is NULL.
 *
 * Threads:   any; it need not be the one that allocated.
 */
MAGRING_PUBLIC void magring_message_free(struct magring_message *message);

/* ----------------------------------------------------------------- queue -- */

/*
 * Order. A queue is first in, first out, and linearizable: each call takes
 * effect at one instant between its beginning and its end. A receive does so
 * when it claims the oldest message, a send when its message, or one behind it,
 * is first there to be claimed. -EAGAIN and -ETIMEDOUT are true answers for an
 * instant of the call. But while all cells are claimed by senders that have not
 * finished, a queue is full and empty. Messages of one sender are received in
 * the order of its sends.
 *
 * Progress. A send or receive that does not wait is lock-free: a call returns
 * within a bounded number of its own steps, unless others finish calls
 * meanwhile. So it does wherever other threads are stopped (preempted, at a
 * breakpoint, killed). It is not wait-free. No message is hidden behind that of
 * a stopped sender.
 *
 * A stopped thread costs the others the cells that it has claimed or was about
 * to skip: at most 64, and no more than half of the capacity unless that is
 * one. They are quarantined while other threads need what is behind them, until
 * the thread has gone on. Positions that senders skip on its account stay empty
 * until receivers come past them. A sender whose cell is skipped has its
 * message back: it sends the message again, or answers -EPIPE, -EAGAIN or
 * -ETIMEDOUT like any other.
 *
 * To skip cells a call has all running threads of the process pass a memory
 * barrier. That is one system call for every 64 cells in its way, or half of
 * the capacity if that is less. It is one more where another thread has stopped
 * as it did the same. Before the first call it tries the cell some 64 times. It
 * comes to each cell of the queue a few times at most. The common path pays
 * three loads for all this. While a cell is quarantined, or a thread is stopped
 * as it decides that, each claim reads a word beside its cell as well.
 *
 * A thread that is stopped after its message is there and before it has woken a
 * sleeper wakes it when it goes on. Until then that sleeper sleeps on, and a
 * descriptor may be quiet, unless another send (receive) comes. Two threads
 * that are stopped there at once, or as they are woken, leave all sleepers of
 * that side (of memory: of that size) asleep, until one of the two goes on or
 * another thread is about to sleep.
 *
 * Capacity. While no thread is in the middle of a call, a send succeeds if the
 * queue has fewer messages than its capacity. Messages that circulate through a
 * queue of as many, such as tokens or buffers, can always be put back. A queue
 * has twice as many cells. The other half takes the place of those that stopped
 * threads hold and of the positions that were skipped; as long as there are
 * none, up to twice the capacity can be sent. Some cells are held by threads in
 * the middle of calls, and some positions were skipped and receivers have not
 * come past. Only while these are together more than the capacity, a send is
 * refused, or waits, with fewer messages than the capacity. If none were
 * skipped before, any two threads may be stopped anywhere, and in a queue for
 * 4,096 messages any 64. When it is more, a queue with senders only may stand
 * still until one of these threads goes on. One that is received from goes on.
 *
 * A queue for each reply. A sender still reads the queue after another thread
 * has received its message. So it needs a reference to the queue, of its own or
 * of something that outlives the call. The thread that asks, and the one that
 * answers:
 *
 *	struct request request = { .reply_to = replies, .number = *number };
 *	if (magring_queue_acquire(replies) != 0)
 *		return -1;
 *	if (magring_send(requests, &message, -1) != 0)
 *		refuse(&message);
 *	int rc = magring_recv(replies, &message, -1);
 *	magring_queue_release(replies);
 *
 *	if (magring_send(request.reply_to, &message, 0) != 0)
 *		magring_message_free(&message);
 *	magring_queue_release(request.reply_to);
 *
 * docs/examples/request_reply.c is the whole program.
 */
struct magring_queue_options {
	size_t size;      /* sizeof(struct magring_queue_options) */
	size_t capacity;  /* messages that always fit; default 4096 */
	const char *name; /* a label in the metrics; default "queue-" and a number */
	uint64_t flags;   /* MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER; others are -EINVAL */
	/* Called for messages that are left: see magring_queue_release(). */
	void (*drop)(struct magring_message *message, void *context);
	void *drop_context;
};

/*
 * What a queue may be told about its users, for speed: that one thread at a
 * time sends (MAGRING_SINGLE_SENDER), or receives (MAGRING_SINGLE_RECEIVER).
 * That side then claims without a compare-and-swap and fetches the cells ahead.
 * The declared side's send, recv and batches must not run beside one another,
 * waiting included. Another thread may take the side over when something orders
 * the last call of the one before the first of the other: a mutex or a join. A
 * message sent through this queue does not, as the call that has sent it may
 * still be running. A program that breaks this loses or doubles messages, frees
 * memory twice, or does not return. A build with -DMAGRING_DEBUG (meson's
 * buildtype debug) aborts, with a line on stderr, when two of these calls
 * overlap. Other builds do not check.
 *
 * All else is as for any queue: the other side is for any number of threads,
 * and order and progress are as told above. But a side whose one thread is
 * stopped has no other to go on with. None may take it over before that call
 * has returned. And close has all running threads of the process pass a memory
 * barrier, one system call. Where there is no membarrier, a declared sender is
 * as fast as any. A call on a declared side is no memory barrier: what it has
 * done may be seen a moment after it has returned, as with a store. A program
 * that then reads a flag of its own, by which the other side says that it goes
 * to sleep, needs atomic_thread_fence(memory_order_seq_cst) in between.
 * Timeouts and descriptors do not.
 */
#define MAGRING_SINGLE_SENDER 1
#define MAGRING_SINGLE_RECEIVER 2

/*
 * Create a queue. The capacity is rounded up to a power of two, at least 2. The
 * queue keeps its pool from being destroyed, and is in its metrics. Its
 * messages may be of any pool. A queue needs no pool itself: with NULL it keeps
 * none.
 *
 * Ownership: one reference is the caller's.
 * Returns:   0, -EINVAL, -E2BIG, -ENAMETOOLONG, -ENOMEM.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_queue_create(struct magring_queue **ret_queue,
	struct magring_pool *pool, const struct magring_queue_options *options);

/*
 * Take another reference to a queue. A thread may use a queue as long as it, or
 * something that outlives its call, holds a reference.
 *
 * Threads:   any that may use the queue.
 * Ownership: the reference is the caller's, to be released once, by any thread.
 * Returns:   0, -EINVAL, -EOVERFLOW (4,294,967,295 references are out).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_queue_acquire(struct magring_queue *queue);

/*
 * Give a reference back. This does not close the queue. The last reference
 * frees it, in this call: each message that is left goes to the option drop, in
 * order, and is then freed.
 *
 * drop may read the message. It may also take it: send it on, free it, or copy
 * it and leave the empty message. It runs in the thread that has called this,
 * with cancellation disabled and no lock held. It may call any function of this
 * library but on this queue, and must return. The queue's pool cannot be
 * destroyed yet.
 *
 * Threads:   any that has a reference, beside all calls of others.
 * Ordering:  what other threads did before their releases is visible to drop.
 * Returns:   0, -EINVAL.
 */
MAGRING_PUBLIC int magring_queue_release(struct magring_queue *queue);

/*
 * Refuse further sends. Every message whose send returned 0, or will, is still
 * received; then, and only then, receives answer -EPIPE. Threads that wait to
 * send are told -EPIPE at once. So is a sender that had stopped in the middle
 * when receivers came to the end. Closing twice is harmless. Other threads may
 * be told -EPIPE before this call has returned.
 *
 * Returns:   0, -EINVAL.
 */
MAGRING_PUBLIC int magring_queue_close(struct magring_queue *queue);

/* How many messages always fit, see Capacity above; 0 for NULL. Twice as many
 * at most. */
MAGRING_PUBLIC size_t magring_queue_capacity(const struct magring_queue *queue);

/*
 * How many messages are claimed by senders and not yet by receivers: a
 * snapshot, 0 to twice the capacity, which may be out of date when the call
 * returns; 0 for NULL. While a thread is stopped as it skips positions, it may
 * be wrong by as many.
 */
MAGRING_PUBLIC size_t magring_queue_size(const struct magring_queue *queue);

/*
 * Send one message, waiting up to timeout_ns for room. While messages stream
 * through a queue, a send or receive of one message may back off for some ten
 * microseconds, although it need not wait. That keeps the two sides from each
 * other's cache lines, and needs a timeout of more than a millisecond.
 *
 * Threads:   any number may send and receive at once, unless declared
 *            otherwise.
 * Ordering:  what the sender wrote before the call is visible to the receiver.
 * Ownership: on success the message is the receiver's and *message is empty; on
 *            any failure nothing has changed.
 * Returns:   0, -EINVAL (an empty message, too), -EAGAIN (timeout 0, and at
 *            some instant of the call the queue was full: it had at least as
 *            many messages as its capacity, or see Capacity), -ETIMEDOUT,
 *            -EPIPE (closed).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send(struct magring_queue *queue,
	struct magring_message *message, int64_t timeout_ns);

/*
 * Receive one message, waiting up to timeout_ns for it.
 *
 * Threads:   any number may send and receive at once, unless declared
 *            otherwise.
 * Ordering:  what the sender wrote before the send is visible after the call.
 * Ownership: the message is the caller's, to be freed or sent on. What
 *            *ret_message held is overwritten and must not own a slab.
 * Returns:   0, -EINVAL, -EAGAIN (timeout 0, and at some instant of the call no
 *            message was there), -ETIMEDOUT, -EPIPE (closed, and every message
 *            that was sent is received).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv(struct magring_queue *queue,
	struct magring_message *ret_message, int64_t timeout_ns);

/*
 * Send count messages in order, waiting up to timeout_ns in all for room. Each
 * is a send of its own; messages of other senders may come between them. A
 * batch may be larger than the capacity.
 *
 * Ownership: the first n messages, n being the result, are sent and now empty;
 *            the rest are still the caller's.
 * Returns:   how many were sent: count, or fewer when the time ran out, the
 *            queue was full (timeout 0) or it was closed meanwhile; if none was
 *            sent, the error of magring_send(). 0 when count is 0. -EINVAL also
 *            for a count above INT_MAX; an empty message anywhere is -EINVAL
 *            before anything is sent.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count, int64_t timeout_ns);

/*
 * Receive up to count messages, waiting up to timeout_ns for the first one and
 * not at all for more. Each is a receive of its own; other receivers may take
 * messages between them. Fewer than count does not mean that no more are there.
 * What is behind a sender in the middle of its call, or a skipped position, is
 * left to the next receive. That need not wait for it.
 *
 * Ownership: the first n messages, n being the result, are the caller's.
 * Returns:   how many were received, at least 1; if none was, the error of
 *            magring_recv(). 0 when count is 0. -EINVAL also for a count above
 *            INT_MAX.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count, int64_t timeout_ns);

/*
 * The queue's file descriptor for a receiver, or for a sender, to wait for with
 * poll(), epoll or io_uring. recv_fd is readable while the queue is not empty,
 * or closed; send_fd is readable while it has room, or is closed. Poll it, then
 * receive (send) until -EAGAIN: that answer arms the descriptor again. It may
 * be readable although nothing is there; do not read it. Traffic makes no
 * system call unless the descriptor is armed.
 *
 * Ownership: the queue's, which closes it when it is freed. Repeated calls give
 *            the same descriptor.
 * Returns:   the descriptor, -EINVAL, -EMFILE, -ENFILE, -ENOMEM.
 */
MAGRING_PUBLIC int magring_queue_recv_fd(struct magring_queue *queue);
MAGRING_PUBLIC int magring_queue_send_fd(struct magring_queue *queue);

/* ------------------------------------------------------------------ pool -- */

struct magring_pool_options {
	size_t size;           /* sizeof(struct magring_pool_options) */
	size_t memory_limit;   /* bytes of slabs, never exceeded; default 256 MiB */
	size_t max_payload;    /* bytes; less than MAGRING_INLINE_MAX is as much; default
	                        1 MiB, or what memory_limit holds */
	const char *name;      /* a label in the metrics; default "pool-" and a number */
	uint64_t sample_bytes; /* see magring_pool_write_profile(); default: off */
};

/*
 * Create a pool. Its memory is reserved as address space. Messages take it from
 * the system as they need it, up to 64 KiB of slabs of one size class at a
 * time. Slabs stay with their class until magring_pool_trim() finds them free.
 * Slabs of 2 KiB and more that are freed by other threads than allocate them
 * are used again when some more were freed after them: half as much again as a
 * core's own cache holds, but no more than a sixteenth of memory_limit.
 *
 * Bookkeeping comes on top of memory_limit: some 36 KiB for the pool, and 256
 * bytes for every magazine of 60 small slabs, or fewer larger ones. A thread
 * has up to 12 KiB, by default 7, while it uses the pool.
 *
 * Ownership: the pool is the caller's, to be destroyed once.
 * Returns:   0, -EINVAL (a limit out of range, or the size class of max_payload
 *            is more than memory_limit), -E2BIG, -ENAMETOOLONG, -ENOMEM,
 *            -EMFILE (MAGRING_POOLS_MAX pools live).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_create(struct magring_pool **ret_pool,
	const struct magring_pool_options *options);

/*
 * Destroy a pool and give all its memory back to the system. Threads that used
 * it may still run. It waits for threads that are ending at that moment, or are
 * in magring_write_metrics().
 *
 * Threads:   no other call on this pool may run or follow.
 * Returns:   0, -EINVAL, -EBUSY (messages are out or queues live: nothing has
 *            changed, and magring_pool_get_stats() tells how many).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_destroy(struct magring_pool *pool);

/*
 * Hand the slabs that the calling thread caches back to the pool, for example
 * before it idles for long. Thread exit does the same. (While another thread is
 * reclaiming at that moment, they are left for the next one that does.)
 *
 * Returns:   0, -EINVAL.
 */
MAGRING_PUBLIC int magring_pool_flush_thread(struct magring_pool *pool);

/*
 * Give memory that is free back to the system, and to other size classes. First
 * it empties threads' caches, as if each had called
 * magring_pool_flush_thread(): those without an allocation or free for idle_ns
 * nanoseconds, 0 meaning all. A trim compares with what the last one saw, so
 * the second one that finds a cache unchanged is the first to empty it: call
 * this regularly. A cache at which its thread is at work is left alone.
 *
 * Then memory that was carved in one piece, up to 64 KiB, is given back if all
 * of it is free: one message that is out can keep as much. The whole pages go
 * to the system, and so do those of bookkeeping that is not needed any more.
 * *ret_bytes, which may be NULL, is how many bytes went there. Where the system
 * refuses, as for memory that is locked, or has larger pages than 4 KiB, other
 * classes may use the memory all the same.
 *
 * Threads:   any; it waits for none and none waits for it. While it is at work
 *            on a class, the free slabs of that class are out of reach: an
 *            allocation then takes new memory, or fails or waits as if they
 *            were in use. If the calling thread is stopped meanwhile, they stay
 *            so until it goes on. At the end all threads that wait for memory
 *            are woken.
 * Returns:   0, -EINVAL (idle_ns negative), -EBUSY (another thread is trimming
 *            this pool), -ENOMEM (for its notes, 16 bytes for every 64 KiB;
 *            nothing has changed).
 */
MAGRING_PUBLIC int magring_pool_trim(struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes);

/* --------------------------------------------------------------- observe -- */

/*
 * Counts are since creation, and never fall. sent - received is the size. A
 * sender whose cell is skipped gets its message back: that counts as sent and
 * received, and as `returned`. If it is sent after all, it counts as sent once
 * more. So received - returned messages have come to receivers. While a thread
 * is stopped as it skips positions or cells, counts may be too low by as many.
 */
struct magring_queue_stats {
	size_t size;          /* sizeof(struct magring_queue_stats) */
	uint64_t sent;        /* messages */
	uint64_t received;    /* messages */
	uint64_t returned;    /* messages, to their senders */
	uint64_t full;        /* sends that found no room at first */
	uint64_t empty;       /* receives that found nothing at first */
	uint64_t parked;      /* times that a thread went to sleep */
	uint64_t woken;       /* times that a thread woke a sleeper (close aside) */
	uint64_t challenged;  /* times that a thread in the way of others was asked about */
	uint64_t quarantined; /* times that a cell was taken out of use for such a thread */
	uint64_t capacity;    /* messages */
	uint64_t closed;      /* 0 or 1: close has begun; a send beside it may still succeed */
};

/*
 * Counts are since creation. Read while other threads work, they are a snapshot
 * in which slabs_in_use is never negative; between calls, exact.
 */
struct magring_pool_stats {
	size_t size;                   /* sizeof(struct magring_pool_stats) */
	uint64_t allocated;            /* slabs taken by messages */
	uint64_t freed;                /* slabs given back by messages */
	uint64_t slabs_in_use;         /* allocated - freed */
	uint64_t payload_bytes_in_use; /* what messages asked for: payloads, and ids in slabs */
	uint64_t slab_bytes_in_use;    /* the slabs of these messages */
	uint64_t slab_bytes_cached;    /* carved slabs that no message holds */
	uint64_t slab_bytes_carved;    /* in use + cached; falls with a trim */
	uint64_t memory_limit;         /* bytes that may be carved */
	uint64_t memory_bytes;         /* taken from the system: slabs, magazines, caches */
	uint64_t exchanges;            /* magazines taken from or given to the depot */
	uint64_t reclaimed;            /* slabs taken out of threads' caches by reclaiming */
	uint64_t exhausted;            /* allocations that failed with -ENOBUFS, or had to wait */
	uint64_t threads;              /* caches attached to a live thread */
	uint64_t queues;               /* queues live */
	uint32_t classes;              /* size classes, see magring_pool_get_class_stats() */
	uint32_t reserved;
	double efficiency;                  /* payload_bytes_in_use / memory_bytes, 0 when idle */
	uint64_t trims;                     /* times that the pool was trimmed */
	uint64_t trimmed_bytes;             /* given back to the system by that */
	uint64_t memory_bytes_high;         /* the most that memory_bytes ever was */
	uint64_t payload_bytes_in_use_high; /* the most that this call or a trim has seen */
};

struct magring_class_stats {
	size_t size;        /* sizeof(struct magring_class_stats) */
	uint64_t slab_size; /* bytes */
	uint64_t allocated; /* slabs, as above, of this class */
	uint64_t freed;
	uint64_t carved; /* so many were made; carved - trimmed are there */
	uint64_t exchanges;
	uint64_t payload_bytes_in_use;
	uint64_t trimmed;  /* slabs given back, or another class's now */
	double efficiency; /* payload_bytes_in_use / bytes of these slabs; 0 without */
};

/*
 * Read the counts; of a size class, 0 ... classes - 1, smallest slabs first.
 *
 * Threads:   any, at any time; none is stopped.
 * Returns:   0, -EINVAL (no such class, too), -E2BIG.
 */
MAGRING_PUBLIC int magring_queue_get_stats(struct magring_queue *queue,
	struct magring_queue_stats *ret_stats);
MAGRING_PUBLIC int magring_pool_get_stats(struct magring_pool *pool,
	struct magring_pool_stats *ret_stats);
MAGRING_PUBLIC int magring_pool_get_class_stats(struct magring_pool *pool, unsigned int class_index,
	struct magring_class_stats *ret_stats);

/*
 * Write the statistics of all pools of the process, and of all queues, as one
 * OpenMetrics 1.0 text exposition, each family once. Classes that were never
 * used are left out. Queues without a pool have the label pool="". With
 * MAGRING_METRICS_NO_EOF the text ends without "# EOF", so that a program can
 * add families of its own and then that line. magring_pool_write_metrics()
 * writes one pool and its queues alone.
 *
 * Threads:   any, at any time; meanwhile other threads may wait in the creation
 *            and release of queues, and in the destruction of pools.
 * Returns:   0, -EINVAL (an unknown flag, too), -ENOMEM, -EIO (the stream
 *            refused).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_write_metrics(FILE *stream, uint64_t flags);
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_metrics(struct magring_pool *pool,
	FILE *stream);
#define MAGRING_METRICS_NO_EOF 1

/*
 * Which stacks allocated, and what of it is still out: a profile of the pool,
 * in the text format for heaps that `go tool pprof`, google-pprof and jeprof
 * read. An allocation is a message with a slab. Its bytes are what the
 * statistics count as payload bytes.
 *
 * With the option sample_bytes = 1 all are counted, and the figures are exact.
 * With n, a message of s bytes is sampled with probability 1 - exp(-s/n),
 * independently of all others, and the tools make up for the rest. Without
 * sampling the profile is empty, and allocation and free are as fast as if
 * there were none.
 *
 * With sampling every allocation is some 25 ns slower. A sampled one takes
 * microseconds, calls malloc, and it and its free take a lock of the pool's. A
 * thread that is stopped there stops others that come there, as in no other
 * allocation, free, send or receive. Memory for samples is counted neither in
 * memory_limit nor in memory_bytes: some 100 bytes for each sampled message
 * that is out, and some 600 for each stack. Address space is an eighth of
 * memory_limit, of which 8 bytes are touched for each slab that was ever
 * sampled. A message for which malloc has none is not sampled. Where the C
 * library has no backtrace(), as musl has none, sample_bytes is -ENOTSUP, and
 * what the environment asks for is a line on stderr.
 *
 * The environment can ask for more than the program does, as it is when a pool
 * is created. That of a process with raised privileges, such as set-user-ID,
 * cannot.
 *	MAGRING_PROFILE=n          sample_bytes is n, whatever the program says
 *	MAGRING_PROFILE_FILE=name  the profile goes to name.PID.NUMBER.heap when
 *	                           the pool is destroyed or the process calls
 *	                           exit(), in a child of a fork if it destroys
 *	                           the pool; n is 524288 if nothing else says
 *	MAGRING_LEAKS=1            sample_bytes is 1; a destroy beside messages
 *	                           writes what magring_pool_write_leaks() does
 *	                           to stderr, but not in a child of a fork
 *
 * Threads:   any, at any time; threads that allocate or free a sampled message
 *            may wait meanwhile.
 * Returns:   0, -EINVAL, -ENOMEM, -EIO (the stream refused).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_profile(struct magring_pool *pool,
	FILE *stream);

/*
 * Which sampled messages are out, for people: by stack and size class the 20
 * groups with most bytes, and of each the oldest four messages with id (its
 * first 40 bytes), size and age. Functions have names as far as the dynamic
 * linker knows them (a program linked with -rdynamic), else a file and an
 * address for addr2line. For all messages, sample_bytes must be 1. Threads and
 * results are as above.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_leaks(struct magring_pool *pool, FILE *stream);

#ifdef __cplusplus
}
#endif

/* What is compiled into the caller, and promises nothing else. */
#include "magring/inline.h"

#endif
