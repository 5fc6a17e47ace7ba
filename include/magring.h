/* SPDX-License-Identifier: MIT */
/*
 * magring: bounded lock-free queues of messages between the threads of one
 * process, and the memory that the messages live in.
 *
 * A message is an id and a payload, in a value of 56 bytes. Up to 48 bytes of
 * the two lie in the value, a larger payload in one slab of a pool. A queue
 * moves messages, and the ownership of them, between threads. In the steady
 * state no call allocates memory, takes a lock, or enters the kernel unless it
 * must wait, or wake a thread that waits.
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
 * What may run beside what: any call beside any other and itself, but for
 *
 *	calls on a message     not beside one that changes it
 *	calls on a queue       with a reference: see magring_queue_acquire()
 *	of an exclusive side   not beside one another: see MAGRING_SINGLE_SENDER
 *	magring_pool_trim      -EBUSY beside another trim of that pool
 *	magring_pool_destroy   not beside a call on that pool
 *
 * Results. Calls return 0, batches a count, or a negative errno. A call that
 * fails has changed nothing, and ret_ parameters are written on success only.
 * A NULL or senseless argument, such as a batch of more than INT_MAX messages,
 * is -EINVAL.
 *
 * Ownership. A message that was sent is the receiver's, and the sender's value
 * is the empty message. One that was not sent is the caller's, unchanged. What
 * ret_message held is overwritten and must not own a slab.
 *
 * Structures of options and statistics begin with their own size, which the
 * caller sets to sizeof: later versions may add fields. A larger size than this
 * library knows is -E2BIG, a smaller one -EINVAL. NULL options, and zero in a
 * field, mean the default.
 *
 * Timeouts are in nanoseconds of CLOCK_MONOTONIC. 0 never waits, and a negative
 * one waits without limit. A signal ends no wait. A call is a cancellation
 * point while it is parked, and never else. It has then changed nothing, but
 * for what a batch had sent. No call may be left by longjmp(), and none is
 * async-signal-safe.
 *
 * Memory order. The receiver of a message sees what its sender wrote before the
 * send. Beyond that no call is a memory barrier. A program that sends, and then
 * sets a flag of its own, stores that with memory_order_release. A thread that
 * loads it with memory_order_acquire finds the message. A program that sends,
 * and then loads a flag by which the receiver says it sleeps, needs
 * atomic_thread_fence(memory_order_seq_cst) in between, and so does the
 * receiver. Timeouts and descriptors need none of this.
 *
 * Names are copied. One that is not UTF-8 is -EINVAL, and one of more than
 * MAGRING_NAME_MAX bytes -ENAMETOOLONG. Nothing makes them different. A process
 * with raised privileges, such as set-user-ID, ignores its environment.
 *
 * What a thread caches goes back to the pool when it ends, however it ends. (It
 * does not if its first use was in the last round of thread-specific data
 * destructors.) A plugin with the archive inside may be unloaded once no thread
 * is in a call, or ending.
 *
 * Forks. What the child of a fork() makes itself it may use like any process.
 * What was there at the fork it may only leave alone, or give up: free
 * messages, release queues and destroy pools, each of which no other thread was
 * using. What another thread held, a reference or a message, keeps the queue or
 * the pool for ever. Metrics have the pools that were there, but not their
 * queues. Neither fork() nor the child waits for another thread of the parent.
 * exec, _exit and exit are allowed. (With musl, exit waits for streams that
 * other threads were using.) The child of vfork(), _Fork() or clone() may only
 * exec or _exit. So may one that a signal handler forked in the middle of a
 * call.
 *
 * A call needs 8 KiB of stack at most, beside what drop and a stream take.
 * System calls, for a sandbox, are listed in docs/sandbox.md. If membarrier is
 * refused after the first create, the process is aborted when it is next
 * needed. So disable it before: see magring_disable_membarrier().
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

/*
 * Have the library never call membarrier(2) again, for a sandbox without it.
 * Every send, receive, allocation and free then has a memory barrier of its
 * own. It comes before the first create of a pool or queue, and the first
 * magring_write_metrics(). So does MAGRING_MEMBARRIER=0 in the environment,
 * which spares the call at load as well. Returns 0, -EBUSY (too late).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_disable_membarrier(void);

/* --------------------------------------------------------------- message -- */

/*
 * A message, by value. All zero is the empty message, which owns nothing. The
 * fields are private. Assigning a message moves it: only one of the two copies
 * may be used afterwards. A payload inside the value is written and read by
 * memcpy() or as characters, unless compiled with -fno-strict-aliasing. Else a
 * compiler may move the message without what was written.
 */
struct magring_message {
	uint64_t private_header;
	uint64_t private_body[6];
};

/*
 * Make a message with a copy of this id and room for payload_size bytes, which
 * the caller writes through magring_message_payload(). id may be NULL when
 * id_size is 0, and pool when both sizes together are MAGRING_INLINE_MAX at
 * most. A payload in a slab is aligned to 64 bytes, or 16 when the id is longer
 * than 40. One inside the message is aligned to 8 bytes. The id must not lie in
 * *ret_message.
 *
 * When memory_limit is used up, what other size classes have and do not use
 * serves: that takes as long as a trim, now and then. Next comes a free slab of
 * a larger class. Then it waits up to timeout_ns. A free of the same size
 * class, by any thread, wakes a waiting thread. What a free of another class
 * brings is found within a fifth of a second, or within ten times as long as a
 * trim takes.
 *
 * Threads that came later may be served first, in no order, but not for long.
 * Of one size class, each other thread gets ahead of one that waits for about
 * 10 ms, and after that twice at most. What is free then is kept for threads
 * that have waited longer. If none of these runs for a tenth of a second while
 * there is such memory, it serves all until one does.
 *
 * Returns:   0; -EMSGSIZE: id_size above MAGRING_ID_MAX, payload_size above
 *            max_payload, or the slab for both above memory_limit; -ENOBUFS:
 *            no memory was free and the timeout is 0, or the system refuses
 *            memory and no free can bring a slab; -ETIMEDOUT: none was free in
 *            time. None is free when messages, or threads in calls, hold all
 *            slabs that would do, and some of each chunk of others, of about 4
 *            KiB; or it is kept for those that wait. With a timeout of 0 what
 *            other classes freed in the last milliseconds may be overlooked,
 *            up to a 16th of memory_limit.
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
 * NULL). It holds until the message is moved, sent or freed. For the empty
 * message: NULL and 0.
 */
MAGRING_PUBLIC const void *magring_message_id(const struct magring_message *message,
	size_t *ret_size);
MAGRING_PUBLIC void *magring_message_payload(struct magring_message *message, size_t *ret_size);

/*
 * Make a second message with the same id and payload, without a copy of what is
 * in a slab: one payload for many queues. Both are messages like any other. The
 * payload is written before the first share, and only read from then on, also
 * when one message is left. The slab goes back with the last free. What threads
 * did with the payload before their frees happens before the slab is used
 * again.
 *
 * Returns:   0; -EINVAL (the empty message, or both are the same value);
 *            -EOVERFLOW: 16,777,215 messages have the payload; -ENOMEM: the
 *            system refuses memory for their count.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_share(struct magring_message *message,
	struct magring_message *ret_message);

/*
 * Give the message's slab, if any, back to its pool, in any thread, and make
 * the message empty. The empty message, freed or sent already, is left alone,
 * and so is NULL.
 */
MAGRING_PUBLIC void magring_message_free(struct magring_message *message);

/*
 * Make count messages without an id, each with room for payload_size bytes. It
 * waits up to timeout_ns for memory for the first one, and not at all for more.
 *
 * Returns:   how many were made, the first of ret_messages: count, or fewer
 *            when no more memory was free. If none was, the error of
 *            magring_message_alloc().
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_alloc_batch(struct magring_pool *pool,
	struct magring_message *ret_messages, size_t count, size_t payload_size,
	int64_t timeout_ns);

/* magring_message_free() of each, of any pools. Neighbours of the same pool and
 * size class cost least. */
MAGRING_PUBLIC void magring_message_free_batch(struct magring_message *messages, size_t count);

/* ----------------------------------------------------------------- queue -- */

/*
 * Order. A queue is first in, first out, and linearizable: each call takes
 * effect at one instant between its beginning and its end. -EAGAIN and
 * -ETIMEDOUT are true answers for an instant of the call. While unfinished
 * senders have claimed all cells, a queue is full and empty. Messages of one
 * sender are received in the order of its sends.
 *
 * Progress. A send or receive that does not wait is lock-free, not wait-free:
 * it returns within a bounded number of its own steps, unless others finish
 * calls meanwhile. So it does wherever other threads are stopped. No message is
 * hidden behind that of a stopped sender.
 *
 * A stopped thread costs the others the cells that it has claimed or was about
 * to skip. These are at most 64, and at most half of the capacity. When it goes
 * on they are in use again, at most one lap later. A sender whose cell was
 * taken sends its message again, or answers -EPIPE, -EAGAIN or -ETIMEDOUT like
 * any other. Sleepers that it was about to wake, and a descriptor, may have to
 * wait until it goes on or another send (receive) comes:
 * docs/stopped-threads.md.
 *
 * Waiting. A thread first tries for some microseconds, then yields its
 * processor a few times if that pays, and then sleeps. Sleepers are woken in no
 * promised order. A call that comes meanwhile may take what a thread was woken
 * for, any number of times: docs/performance.md, "Fairness".
 *
 * Capacity. While no thread is in the middle of a call, a send succeeds if the
 * queue has fewer messages than its capacity. Up to twice as many may fit. It
 * also succeeds beside stopped threads, any two or one for every 64 of the
 * capacity, if no positions were skipped before. Beside more it may be refused,
 * or wait, until one goes on or messages are received: docs/stopped-threads.md.
 *
 * A queue for each reply. A sender still reads the queue after its message was
 * received. So it needs a reference, of its own or of something that outlives
 * the call: the thread that asks takes one for the thread that answers, as in
 * docs/examples/request_reply.c.
 */
struct magring_queue_options {
	size_t size;      /* sizeof(struct magring_queue_options) */
	size_t capacity;  /* messages that always fit; default 4096 */
	const char *name; /* a label in the metrics; default "queue-" and a number */
	uint64_t flags;   /* MAGRING_SINGLE_SENDER, MAGRING_SINGLE_RECEIVER; others are -EINVAL */
	/* Called for messages that are left: see magring_queue_release(). */
	void (*drop)(struct magring_message *message, void *context);
	void *drop_context;
	int64_t spin_ns; /* for how long a wait tries before it sleeps: see below */
};

/*
 * Values of spin_ns. By default a wait tries for some microseconds if that has
 * paid of late. MAGRING_SPIN_NEVER saves CPU: a wait sleeps at once. With a
 * budget each wait tries for that long, and a little at least: that saves the
 * time of wake-ups. With MAGRING_SPIN_ALWAYS no wait sleeps, and no waiting
 * call is a cancellation point. Other negative values are -EINVAL.
 */
#define MAGRING_SPIN_NEVER (-1)
#define MAGRING_SPIN_ALWAYS 9223372036854775807

/*
 * Exclusive sides, for speed: one thread at a time sends, or receives. Calls of
 * such a side must not overlap, waiting included, or messages and memory are
 * corrupted. Another thread may take it over when something orders the last
 * call of the one before the first of the other: a mutex or a join. A message
 * through this queue does not, as its send may still be running. A build with
 * -DMAGRING_DEBUG aborts when two calls overlap. All else is as for any queue.
 */
#define MAGRING_SINGLE_SENDER 1
#define MAGRING_SINGLE_RECEIVER 2

/*
 * Create a queue, with one reference, the caller's. The capacity is rounded up
 * to a power of two, at least 2. The queue keeps its pool from being destroyed,
 * and is in its metrics. Its messages may be of any pool. A NULL pool is none.
 * A queue takes 144 bytes for each message of its capacity, and 1,300 more. All
 * is malloc's up to a capacity of 256. A larger queue has a mapping, of which
 * it takes pages as it uses them. Returns 0, -E2BIG, -ENAMETOOLONG, -ENOMEM.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_queue_create(struct magring_queue **ret_queue,
	struct magring_pool *pool, const struct magring_queue_options *options);

/*
 * Take another reference to a queue. A thread may use a queue as long as it, or
 * something that outlives its call, holds one. Any thread may release it, once.
 * Returns 0, -EOVERFLOW (4,294,967,295 references are out).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_queue_acquire(struct magring_queue *queue);

/*
 * Give a reference back. This does not close the queue. The last reference
 * frees it, in this call: each message that is left goes to the option drop, in
 * order, and is then freed. What other threads did before their releases is
 * visible to drop.
 *
 * drop may take the message: send it on, free it, or copy it and leave the
 * empty message. It runs in this thread, with cancellation disabled and no lock
 * held. It may call any function but on this queue, and must return. The
 * queue's pool cannot be destroyed yet.
 */
MAGRING_PUBLIC int magring_queue_release(struct magring_queue *queue);

/*
 * Refuse further sends. Every message whose send returned 0, or will, is still
 * received; then, and only then, receives answer -EPIPE. Threads that wait to
 * send are told -EPIPE at once, others perhaps before this call has returned.
 * Closing twice is harmless.
 */
MAGRING_PUBLIC int magring_queue_close(struct magring_queue *queue);

/* How many messages always fit, see Capacity above; 0 for NULL. */
MAGRING_PUBLIC size_t magring_queue_capacity(const struct magring_queue *queue);

/*
 * How many messages were sent and not received: a snapshot, 0 to twice the
 * capacity; 0 for NULL. Claims of unfinished calls count. It may be wrong by as
 * many positions as a stopped thread was skipping.
 */
MAGRING_PUBLIC size_t magring_queue_size(const struct magring_queue *queue);

/*
 * Send one message, waiting up to timeout_ns for room. Returns 0, -EINVAL (an
 * empty message, too), -EAGAIN (timeout 0), -ETIMEDOUT, -EPIPE (closed).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send(struct magring_queue *queue,
	struct magring_message *message, int64_t timeout_ns);

/*
 * Receive one message, waiting up to timeout_ns for it. Returns 0, -EAGAIN
 * (timeout 0, and no message was there), -ETIMEDOUT, -EPIPE (closed, and every
 * message that was sent is received).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv(struct magring_queue *queue,
	struct magring_message *ret_message, int64_t timeout_ns);

/*
 * Send count messages in order, waiting up to timeout_ns in all for room. Each
 * is a send of its own; messages of other senders may come between them. A
 * batch may be larger than the capacity.
 *
 * Returns:   how many were sent, the first ones: count, or fewer when the time
 *            ran out, the queue was full (timeout 0) or it was closed. If none
 *            was sent, the error of magring_send(). With an empty message
 *            anywhere none is sent, and that is -EINVAL.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count, int64_t timeout_ns);

/*
 * Receive up to count messages, waiting up to timeout_ns for the first one and
 * not at all for more. Each is a receive of its own; other receivers may take
 * messages between them. Fewer than count does not mean that no more are there:
 * the next receive gets them.
 *
 * Returns:   how many were received, the first of ret_messages: at least 1, or
 *            0 when count is 0. If none was, the error of magring_recv().
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count, int64_t timeout_ns);

/*
 * For threads that poll: send or receive what can be at once, without a memory
 * barrier for each "no". Messages, order and wake-ups are as of any send or
 * receive. But -EAGAIN may be false. Then the thread that has the next cell is
 * in its call, or has only just left it. Or one has stopped at that cell, now
 * or before.
 *
 * Of 256 calls in vain, by one thread on one queue, one is like a call with a
 * timeout of 0. So a stopped thread hides no message (cell) for longer, and
 * -EPIPE comes in time. Threads that poll beside it may take that one instead,
 * or put it off if one is interrupted in its call. No other call in vain counts
 * in the statistics, and none arms a descriptor.
 *
 * Returns:   as magring_send(), magring_recv(), magring_send_batch() and
 *            magring_recv_batch() with a timeout of 0.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_try_send(struct magring_queue *queue,
	struct magring_message *message);
MAGRING_PUBLIC MAGRING_CHECK int magring_try_recv(struct magring_queue *queue,
	struct magring_message *ret_message);
MAGRING_PUBLIC MAGRING_CHECK int magring_try_send_batch(struct magring_queue *queue,
	struct magring_message *messages, size_t count);
MAGRING_PUBLIC MAGRING_CHECK int magring_try_recv_batch(struct magring_queue *queue,
	struct magring_message *ret_messages, size_t count);

/*
 * The queue's descriptor for a receiver, or for a sender, to wait for with
 * poll() or epoll. It is readable while the queue is not empty (has room), or
 * is closed, but for moments in which a call signals it anew. It may be
 * readable although nothing is there; do not read it. Traffic makes no system
 * call for it unless it is armed, or another worker may have to wake. A receive
 * (send) that answers -EAGAIN or -ETIMEDOUT arms it. So does a batch that is
 * shorter than was asked for, if its timeout is not negative.
 *
 * Level, as with poll(): receive as often as you like, and poll again. All that
 * poll are woken. A loop that goes on until -EAGAIN has fewest events in vain.
 *
 * EPOLLET: receive until a call arms it. A loop that stops before is promised
 * no further event, for what is left or what comes.
 *
 * EPOLLEXCLUSIVE, or a set of several threads with EPOLLET: an event wakes one
 * worker. A receive that leaves messages behind wakes the next. With EPOLLET
 * each goes on until a call arms. A worker that took the last message and is
 * busy has armed nothing. What comes then wakes no sleeping worker until one
 * receives again, unless it arms before it works. A receiver of an exclusive
 * side wakes no other.
 *
 * EPOLLONESHOT: after the receive, and before the work, renew the event by
 * EPOLL_CTL_MOD. The next worker has it then, if more is there.
 *
 * Close reaches all of them: each call that answers -EPIPE wakes the next, and
 * the descriptor stays readable. Repeated calls give the same one. The queue
 * closes it when it is freed: take it out of epoll sets before, by
 * EPOLL_CTL_DEL, as a forked child may still have it open. Returns it, -EMFILE,
 * -ENFILE, -ENOMEM.
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
	uint64_t flags;        /* MAGRING_CHECKED; others are -EINVAL */
};

/*
 * Look for misuse: messages freed twice, sent or read after a free or a send,
 * and writes beyond a payload or after its free. What is found ends the process
 * by abort(), after one line on standard error. Queues with this pool look at
 * their messages, too. MAGRING_CHECKED=1 in the environment asks for it in all
 * pools and queues. What it costs, and what other builds find: docs/misuse.md.
 */
#define MAGRING_CHECKED 1

/*
 * Create a pool. Its memory is reserved as address space; where a limit is near
 * (RLIMIT_AS, or RLIMIT_MEMLOCK after mlockall), as it is needed. Messages take
 * it from the system, up to 64 KiB of slabs of one size class at a time.
 * Bookkeeping comes on top of memory_limit.
 *
 * Returns:   0, -EINVAL (a limit out of range, or the size class of max_payload
 *            is more than memory_limit), -E2BIG, -ENAMETOOLONG, -ENOMEM,
 *            -EMFILE (MAGRING_POOLS_MAX pools live).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_create(struct magring_pool **ret_pool,
	const struct magring_pool_options *options);

/*
 * Destroy a pool and give all its memory back to the system. Threads that used
 * it may still run. It waits for threads that are ending at that moment, are in
 * magring_write_metrics(), or write profiles in exit(). Returns 0, -EBUSY
 * (messages are out or queues live: see the statistics).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_destroy(struct magring_pool *pool);

/* Hand the slabs that the calling thread caches back to the pool, for example
 * before it idles for long. Thread exit does the same. */
MAGRING_PUBLIC int magring_pool_flush_thread(struct magring_pool *pool);

/*
 * Give memory that is free back to the system, and to other size classes. First
 * it empties the caches of threads without an allocation or free for idle_ns
 * nanoseconds, or of all if 0. It compares with what the last trim saw: call it
 * regularly. A cache at which its thread is at work is left alone. Then memory
 * that was carved in one piece, some 4 KiB, is given back if all of it is free.
 * *ret_bytes, which may be NULL, is how many bytes the system got. What it
 * refuses, such as locked memory, serves other classes all the same. A trim
 * waits for no thread and none for it. But while it is at work on a class, the
 * free slabs of that are out of reach. At the end all threads that wait for
 * memory are woken.
 *
 * Returns:   0, -EINVAL (idle_ns negative), -EBUSY (another thread is trimming
 *            this pool), -ENOMEM (for its notes).
 */
MAGRING_PUBLIC int magring_pool_trim(struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes);

/* --------------------------------------------------------------- observe -- */

/*
 * Counts are since creation, and never fall. sent - received is the size. A
 * message that returns to its sender counts as sent, received and returned. So
 * received - returned messages have come to receivers. While a thread is
 * stopped as it skips positions or cells, counts may be too low by as many.
 */
struct magring_queue_stats {
	size_t size;           /* sizeof(struct magring_queue_stats) */
	uint64_t sent;         /* messages */
	uint64_t received;     /* messages */
	uint64_t returned;     /* messages, to their senders */
	uint64_t full;         /* sends that found no room at first */
	uint64_t empty;        /* receives that found nothing at first */
	uint64_t parked;       /* times that a thread went to sleep */
	uint64_t woken;        /* times that a thread woke a sleeper (close aside) */
	uint64_t challenged;   /* times that a thread in the way of others was asked about */
	uint64_t quarantined;  /* times that a cell was taken out of use for such a thread */
	uint64_t capacity;     /* messages */
	uint64_t closed;       /* 0 or 1: close has begun; a send beside it may still succeed */
	uint64_t memory_bytes; /* of the queue and its cells, messages aside, used or not yet */
};

/*
 * Counts are since creation. Read while other threads work, they are a snapshot
 * in which slabs_in_use is never negative; between calls, exact. A payload that
 * messages share, and its slab, count once.
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
	uint64_t memory_bytes;         /* taken from the system: slabs, magazines, caches, counts */
	uint64_t exchanges;            /* magazines taken from or given to the depot */
	uint64_t reclaimed;            /* slabs taken out of threads' caches by reclaiming */
	uint64_t exhausted;            /* allocations that failed with -ENOBUFS, or had to wait */
	uint64_t threads;              /* caches attached to a live thread */
	uint64_t queues;               /* queues live */
	uint32_t classes;              /* size classes, see magring_pool_get_class_stats() */
	uint32_t reserved;
	double efficiency;                  /* payload_bytes_in_use / memory_bytes, 0 when idle */
	uint64_t trims;                     /* of the pool, by allocations short of memory, too */
	uint64_t trimmed_bytes;             /* given back to the system by that */
	uint64_t memory_bytes_high;         /* the most that memory_bytes ever was */
	uint64_t payload_bytes_in_use_high; /* the most that this call or a trim has seen */
	uint64_t queue_bytes;               /* memory_bytes of its queues; not in memory_bytes */
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

/* Read the counts; of a size class, 0 ... classes - 1, smallest slabs first.
 * Returns 0, -EINVAL (no such class, too), -E2BIG. */
MAGRING_PUBLIC int magring_queue_get_stats(struct magring_queue *queue,
	struct magring_queue_stats *ret_stats);
MAGRING_PUBLIC int magring_pool_get_stats(struct magring_pool *pool,
	struct magring_pool_stats *ret_stats);
MAGRING_PUBLIC int magring_pool_get_class_stats(struct magring_pool *pool, unsigned int class_index,
	struct magring_class_stats *ret_stats);

/*
 * Write the statistics of all pools of the process, and of all queues, as one
 * OpenMetrics 1.0 text exposition. Classes that were never used are left out.
 * Queues without a pool have the label pool="". With MAGRING_METRICS_NO_EOF it
 * ends without "# EOF", for a program to add families of its own. With
 * MAGRING_METRICS_TEXT it is in Prometheus' text format 0.0.4, which has none:
 * see docs/monitoring.md. magring_pool_write_metrics() writes one pool and its
 * queues alone. Meanwhile other threads may wait in the creation and release of
 * queues, and in the destruction of pools. Returns 0, -EINVAL (an unknown flag,
 * too), -ENOMEM, -EIO (the stream refused).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_write_metrics(FILE *stream, uint64_t flags);
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_metrics(struct magring_pool *pool,
	FILE *stream);
#define MAGRING_METRICS_NO_EOF 1
#define MAGRING_METRICS_TEXT 2

/*
 * Which stacks allocated messages with a slab, and what of it is still out: a
 * profile of the pool, in the text format for heaps that `go tool pprof` and
 * google-pprof read. Bytes are those of the statistics. Returns 0, -ENOMEM,
 * -EIO (the stream refused).
 *
 * With sample_bytes = 1 all are counted, and the figures are exact. With n, a
 * message of s bytes is sampled with probability 1 - exp(-s/n), independently,
 * and the tools make up for the rest. Without sampling the profile is empty,
 * and costs nothing. A sampled allocation calls malloc, and it and its free
 * take a lock: a thread that is stopped there stops others that come there. A
 * message for which malloc has no memory is not sampled. Where the C library
 * has no backtrace(), as musl has none, sample_bytes is -ENOTSUP. What all this
 * costs is in docs/where-did-my-messages-go.md, and so are MAGRING_PROFILE,
 * MAGRING_PROFILE_FILE and MAGRING_LEAKS in the environment at a create.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_profile(struct magring_pool *pool,
	FILE *stream);

/*
 * Which sampled messages are out, for people: by stack and size class the 20
 * groups with most bytes, and of each the oldest four messages with id (its
 * first 40 bytes), size and age. Results are as above.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_leaks(struct magring_pool *pool, FILE *stream);

#ifdef __cplusplus
}
#endif

/* What is compiled into the caller, and promises nothing else. */
#include "magring/inline.h"
#include "magring/sanitizers.h"

#endif
