/* SPDX-License-Identifier: MIT */
/*
 * magring: bounded lock-free queues of DataMessages between the threads of one
 * process, and the memory that the messages live in.
 *
 * A pool owns memory. A message, an id and a payload, is a 56-byte value: up to
 * 48 bytes of id and payload live inside it, a larger payload lives in one slab
 * of a pool. A queue moves messages between threads. Sending moves ownership:
 * after a successful send the message is the receiver's, after a failed one it
 * is still the caller's. In the steady state no call allocates, takes a lock or
 * enters the kernel unless it has to wait.
 *
 *	struct magring_pool *pool;
 *	struct magring_queue *queue;
 *	struct magring_message message;
 *	size_t size;
 *
 *	magring_pool_create(&pool, NULL);
 *	magring_queue_create(&queue, pool, NULL);
 *
 *	// one thread
 *	magring_message_alloc(pool, &message, "order-17", 8, 1000, -1);
 *	memset(magring_message_payload(&message, &size), 'x', 1000);
 *	if (magring_send(queue, &message, -1) != 0)
 *		magring_message_free(&message);
 *
 *	// another thread
 *	if (magring_recv(queue, &message, -1) == 0) {
 *		consume(magring_message_payload(&message, &size), size);
 *		magring_message_free(&message);
 *	}
 *
 * What may run beside what
 *
 *	                          beside itself   beside the others
 *	send, recv, their batches       yes       yes; see MAGRING_SINGLE_SENDER
 *	queue_close, _size, _stats      yes       yes
 *	queue_recv_fd, _send_fd         yes       yes
 *	message_alloc, _copy, _free     yes       yes, on different messages
 *	message_id, _payload            yes       yes, with readers of the message
 *	pool_stats, _write_metrics      yes       yes
 *	pool_trim                       -EBUSY    yes
 *	pool_profile_write, _leaks_write  yes     yes
 *	thread_flush                    yes       yes
 *	queue_destroy                   no        not beside a call on that queue
 *	pool_destroy                    no        not beside a call on that pool
 *
 * Order, progress, and threads that are stopped
 *	A queue is first in, first out, and linearizable: each call takes effect at one
 *	instant between its beginning and its end. A receive does so when it claims the
 *	oldest message; a send when its message, or one behind it, is first there to be
 *	claimed; -EAGAIN is a true answer for an instant of the call, and so is
 *	-ETIMEDOUT; but while all cells are claimed by senders that have not finished, a
 *	queue is full and empty. Messages of one sender are received in the order of
 *	its sends.
 *	A send or receive that does not wait is lock-free: wherever other threads are
 *	stopped (preempted, at a breakpoint, killed), a call returns within a bounded
 *	number of its own steps, unless others finish calls meanwhile. No message is
 *	hidden behind that of a stopped sender. It is not wait-free.
 *	A thread that is stopped in the middle costs the others at most the
 *	cells that it has claimed, or was about to pass by: up to 64, but no
 *	more than half of the capacity unless that is one. Such cells are
 *	quarantined while others need what is behind them, and in use again when
 *	the thread has gone on. Positions that senders have skipped for its sake
 *	stay empty until receivers come past them.
 *	A sender that was passed over sends its message anew, or answers -EPIPE,
 *	-EAGAIN or -ETIMEDOUT like any other, and still has it.
 *	To pass threads over, a call has all running threads of the process pass
 *	a memory barrier: one system call for every 64 cells in its way (or half
 *	of the capacity, if that is less), and one more where another thread has
 *	stopped as it did the same. Before the first it looks some 64 times at
 *	the cell; and it looks at each cell of the queue a few times at most.
 *	The common path pays three loads for all this. While a cell is
 *	quarantined, or a thread is stopped in the middle of deciding that, each
 *	claim of all others looks at a word beside its cell as well.
 *	What a stopped thread was going to do for sleepers it does when it goes on: one
 *	that is stopped after its message is there and before it has woken a sleeper leaves
 *	that asleep until the next send (receive), and may keep a descriptor quiet. Two that
 *	are stopped there at once, or as they were woken, leave all sleepers of that side of the queue (waiting
 *	for memory: of that size) asleep until one of the two goes on, or another thread is about to sleep.
 *
 * Capacity
 *	While no thread is in the middle of a call, a send succeeds if the queue
 *	has fewer messages than its capacity. Messages that circulate through a
 *	queue of as many, such as tokens or buffers, can always be put back.
 *	A queue has twice as many cells. The other half takes the place of those
 *	that stopped threads hold and of the positions that were skipped; as
 *	long as there are none, up to twice the capacity can be sent. A send is
 *	refused, or waits, with fewer messages than the capacity only while the
 *	cells that threads in the middle of calls hold, and the positions that
 *	were skipped and receivers have not come past, are together more than
 *	the capacity. If none were skipped before, any two threads may be
 *	stopped anywhere, and in a queue for 4,096 messages any 64. When it is
 *	more, a queue of which only senders are left may stand still until one
 *	of these threads goes on; one that is received from goes on.
 *
 * Conventions
 *	Calls return 0 (batches a count) or a negative errno. A call that fails
 *	has changed nothing, and ret_ parameters are written on success only.
 *	-EINVAL answers a NULL or senseless argument.
 *	An option or statistics structure begins with its own size, which the
 *	caller sets to sizeof; a size that this library does not know yet is
 *	-E2BIG, one too small to be any version -EINVAL. NULL options, and zero in
 *	a field, mean the default.
 *	A timeout of 0 never waits, a negative one waits without limit; deadlines
 *	are kept on CLOCK_MONOTONIC. While messages stream through a queue, a send or receive of
 *	one message whose timeout is more than a millisecond may keep away from the other side for
 *	some ten microseconds, although it need not wait. A call that waits is a cancellation point
 *	while it is parked, and then has changed nothing (of a batch, what was sent
 *	before is sent, and those messages are empty); no other call is one. No call may
 *	be left by longjmp().
 *	A thread's private state appears at its first use of a pool and goes back
 *	to the pool when the thread ends, however it ends (unless that first use is
 *	in the last round of thread-specific data destructors).
 *	No call is async-signal-safe. After a fork() beside pools the child may only
 *	exec or _exit, or destroy queues and pools that no other thread was using; a
 *	fork before the first pool is created changes nothing.
 *	Whether there is membarrier(2) is found out when the library is loaded. A
 *	seccomp filter installed later must not take it away: the process is aborted
 *	when the library next needs it.
 *	Names (of pools and queues) are copied; one of more than MAGRING_NAME_MAX
 *	bytes is -ENAMETOOLONG. Queues of one pool should have different names.
 *	Destroying a pool waits for threads that are ending at that moment. Without a key for
 *	thread-specific data when it is loaded the library works, and caches nothing.
 */
#ifndef MAGRING_H
#define MAGRING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MAGRING_VERSION_MAJOR 0
#define MAGRING_VERSION_MINOR 1
#define MAGRING_VERSION_PATCH 0

/* Bytes of id and payload together that need no slab. */
#define MAGRING_INLINE_MAX 48
/* The longest id, in bytes. */
#define MAGRING_ID_MAX 255
/* The largest value of the option max_payload, in bytes. */
#define MAGRING_PAYLOAD_MAX ((size_t)1 << 30)
/* The smallest and the largest value of the option memory_limit, in bytes. */
#define MAGRING_MEMORY_MIN ((size_t)64)
#define MAGRING_MEMORY_MAX ((size_t)1 << 38)
/* The largest value of the option capacity, in messages. */
#define MAGRING_CAPACITY_MAX ((size_t)1 << 28)
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
 * A message. All zero is the empty message, which owns nothing. The fields are
 * private: read a message through magring_message_id() and _payload().
 *
 * It is a value with one owner. Assigning it moves it: only one of the two
 * copies may be used afterwards. A payload inside a message is a part of this structure, so other
 * types than characters are written to it, and read, by memcpy() (or compile with
 * -fno-strict-aliasing): else a compiler may move the message without what was written.
 */
struct magring_message {
	uint64_t private_header;
	uint64_t private_body[6];
};

/* ------------------------------------------------------------------ pool -- */

struct magring_pool_options {
	size_t size;         /* sizeof(struct magring_pool_options) */
	size_t memory_limit; /* bytes of slabs, never exceeded; default 256 MiB */
	size_t max_payload;  /* bytes; less than MAGRING_INLINE_MAX is as much; default 1 MiB, or what memory_limit holds */
	const char *name;    /* a label in the metrics; default "pool-" and a number */
	uint64_t sample_bytes; /* mean bytes between samples of the profile; 1: every message; default: off */
};

/*
 * Create a pool. Its memory is reserved as address space and taken from the
 * system as messages need it, up to 64 KiB of slabs of one size class at a time;
 * these stay with their class until magring_pool_trim() finds them free. Slabs of 2 KiB and more that
 * were allocated by other threads than free them are used again when some more were freed after them:
 * half as much again as a core's own cache holds, but no more than a sixteenth of memory_limit. Bookkeeping comes on top of memory_limit: some 36
 * KiB for the pool, 256 bytes for every magazine (of 60 small slabs, or fewer
 * larger ones), and up to 12 KiB, by default 7, for every thread that uses the
 * pool at the same time.
 *
 * Ownership: the pool is the caller's, to be destroyed once.
 * Returns:   0, -EINVAL (a limit out of range, or a max_payload that,
 *            rounded up to its size class, is more than memory_limit), -E2BIG, -ENAMETOOLONG, -ENOMEM, -EMFILE
 *            (MAGRING_POOLS_MAX pools live).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_create(
	struct magring_pool **ret_pool, const struct magring_pool_options *options);

/*
 * Destroy a pool and give all its memory back to the system. Threads that used
 * it may still run, and may be ending.
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
 * Give memory that is free back to the system, and for use by other size classes.
 * Threads' caches are emptied first, as if each had called magring_pool_flush_thread(): those
 * that no slab was allocated from or freed to for idle_ns nanoseconds, 0 meaning all. How
 * long that is, trims find out by comparing: so a cache is emptied by the second trim that
 * finds it unchanged at the earliest, and who wants caches of idle threads to be emptied
 * calls this regularly. A cache in which its thread is at work at that moment is left alone.
 * Then what was carved together and is free as a whole is given back: slabs are
 * carved up to 64 KiB at a time, so one message that is out can keep as much. Of each such
 * run of memory the whole pages go to the system, and so do those of bookkeeping that is
 * not needed any more. *ret_bytes, which may be NULL, is how many bytes went there. (Where
 * the system refuses, as for memory that is locked, or has larger pages than 4 KiB, other classes may
 * use it all the same.)
 *
 * Threads:   any. Nobody waits for it, nor it for anybody. While it looks at a class,
 *            the free slabs of this class are out of the others' reach: an allocation then takes
 *            new memory, or if the budget is used up, fails or waits as if they were in use.
 *            Who waits for memory is woken at the end, whatever its class. If the calling
 *            thread is stopped meanwhile, they stay out of reach until it goes on.
 * Returns:   0, -EINVAL (idle_ns negative), -EBUSY (another thread is trimming this pool),
 *            -ENOMEM (for what it has to note, 16 bytes for every 64 KiB; nothing has changed).
 */
MAGRING_PUBLIC int magring_pool_trim(
	struct magring_pool *pool, int64_t idle_ns, size_t *ret_bytes);

/*
 * Counts are since creation. Read while other threads work, they are a
 * snapshot in which slabs_in_use is never negative; between calls, exact.
 */
struct magring_pool_stats {
	size_t size;                  /* sizeof(struct magring_pool_stats) */
	uint64_t allocated;           /* slabs taken by messages */
	uint64_t freed;               /* slabs given back by messages */
	uint64_t slabs_in_use;        /* allocated - freed */
	uint64_t payload_bytes_in_use;/* what messages asked for: payloads, and ids kept in slabs */
	uint64_t slab_bytes_in_use;   /* the slabs of these messages */
	uint64_t slab_bytes_cached;   /* carved slabs that no message holds */
	uint64_t slab_bytes_carved;   /* in use + cached; falls with a trim */
	uint64_t memory_limit;        /* bytes that may be carved */
	uint64_t memory_bytes;        /* taken from the system: slabs, magazines, caches */
	uint64_t exchanges;           /* magazines taken from or given to the depot */
	uint64_t reclaimed;           /* slabs taken out of threads' caches by reclaiming */
	uint64_t exhausted;           /* allocations that failed with -ENOBUFS, or had to wait */
	uint64_t threads;             /* caches attached to a live thread */
	uint64_t queues;              /* queues live */
	uint32_t classes;             /* size classes, see magring_pool_get_class_stats() */
	uint32_t reserved;
	double efficiency;            /* payload_bytes_in_use / memory_bytes, 0 when idle */
	uint64_t trims;               /* times that the pool was trimmed */
	uint64_t trimmed_bytes;       /* given back to the system by that */
	uint64_t memory_bytes_high;   /* the most that memory_bytes ever was */
	uint64_t payload_bytes_in_use_high; /* the most that a call of this or a trim has seen */
};

/*
 * Threads:   any, at any time; nobody is stopped.
 * Returns:   0, -EINVAL, -E2BIG.
 */
MAGRING_PUBLIC int magring_pool_get_stats(
	struct magring_pool *pool, struct magring_pool_stats *ret_stats);

struct magring_class_stats {
	size_t size;          /* sizeof(struct magring_class_stats) */
	uint64_t slab_size;   /* bytes */
	uint64_t allocated;   /* slabs, as in magring_pool_stats, of this class */
	uint64_t freed;
	uint64_t carved;      /* so many were made; carved - trimmed are there */
	uint64_t exchanges;
	uint64_t payload_bytes_in_use;
	uint64_t trimmed;     /* slabs whose memory was given back, or is another class's */
	double efficiency;    /* payload_bytes_in_use / bytes of the slabs that are there; 0 without */
};

/*
 * The counts of one size class, 0 ... classes - 1, smallest slabs first.
 *
 * Threads:   any, at any time; nobody is stopped.
 * Returns:   0, -EINVAL (no such class), -E2BIG.
 */
MAGRING_PUBLIC int magring_pool_get_class_stats(
	struct magring_pool *pool, unsigned int class_index,
	struct magring_class_stats *ret_stats);

/*
 * Write the statistics of the pool and of its queues as an OpenMetrics 1.0
 * text exposition, "# EOF" included. Classes that were never used are left out.
 *
 * Threads:   any, at any time; nobody is stopped but those who create or destroy a
 *            queue of the pool.
 * Returns:   0, -EINVAL, -ENOMEM, -EIO (the stream refused).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_metrics(
	struct magring_pool *pool, FILE *stream);

/*
 * Who allocated, and what of it is still out: a profile of the pool's allocations by
 * stack, in the text format for heaps that `go tool pprof`, google-pprof and jeprof read.
 * An allocation is a message with a slab; one that fits into itself is none. Its bytes are
 * what the statistics count as payload bytes.
 *
 * With sample_bytes = 1 all are counted, and the figures are exact. With n, a message of s
 * bytes is sampled with probability 1 - exp(-s/n), independently of all others, and the
 * tools make up for the rest. Without sampling the profile is empty and allocation and free
 * are as fast as if there were none. With it every allocation is some 25 ns
 * slower; one that is sampled takes microseconds, calls malloc, and it and its free
 * take a lock of the pool's: a thread that is stopped there stops others that come there, which is
 * nowhere else the case. Memory for samples comes on top of memory_limit, and memory_bytes
 * does not count it: some 100 bytes for each sampled message that is out, some 600 for each
 * stack, and address space of an eighth of memory_limit, of which 8 bytes are touched for each
 * slab that was ever sampled. A message for which malloc has none is not sampled.
 *
 * The environment, as it is when a pool is created, can ask for more than the program
 * does. (Not that of a process with raised privileges, such as set-user-ID.)
 *	MAGRING_PROFILE=n         sample_bytes is n, whatever the program says
 *	MAGRING_PROFILE_FILE=name write the profile to the file name.PID.NUMBER.heap when the pool is
 *	                          destroyed or the process calls exit(); n is 524288 if neither
 *	                          MAGRING_PROFILE nor the program says. Not in a child of a fork that
 *	                          has not destroyed the pool
 *	MAGRING_LEAKS=1           sample_bytes is 1; magring_pool_destroy() with messages out
 *	                          writes what magring_pool_write_leaks() does to stderr. Not in a
 *	                          child of a fork
 *
 * Threads:   any, at any time; those that allocate or free a sampled message may wait meanwhile.
 * Returns:   0, -EINVAL, -ENOMEM, -EIO (the stream refused).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_profile(
	struct magring_pool *pool, FILE *stream);

/*
 * Which sampled messages are out, for people: by stack and size class the 20 groups with
 * most bytes, and of each the oldest four messages with id (its first 40 bytes), size and
 * age. Functions have names as far as the dynamic linker knows them (a program linked with
 * -rdynamic), else a file and an address for addr2line. For all messages, sample_bytes must be 1.
 *
 * Threads, Returns: as magring_pool_write_profile().
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_pool_write_leaks(
	struct magring_pool *pool, FILE *stream);

/* --------------------------------------------------------------- message -- */

/*
 * Make a message with a copy of this id and room for payload_size bytes, waiting up
 * to timeout_ns nanoseconds for memory. The caller writes the payload through
 * magring_message_payload(). id may be NULL when id_size is 0. The payload is not
 * cleared. A payload in a slab is aligned to 64 bytes, to 16 when the id is longer
 * than 40 bytes; one inside the message is not aligned.
 *
 * Threads:   any. Who waits is woken by a free of the same size class, by
 *            whatever thread. No order among those who wait is promised, and one who
 *            comes later may be served first.
 * Ownership: the message is the caller's. What *ret_message held is overwritten
 *            and must not own a slab, nor may the id lie in it.
 * Returns:   0, -EINVAL, -EMSGSIZE (id_size above MAGRING_ID_MAX or
 *            payload_size above the pool's max_payload, or the slab for both
 *            larger than memory_limit), -ENOBUFS, -ETIMEDOUT (memory_limit is carved, or
 *            the system refuses memory, and every slab of the class is in use or in the hands
 *            of a thread at work inside the library: the one with timeout 0, the other
 *            with another timeout). Whatever the timeout, -ENOBUFS if the class has no
 *            slab at all: what is carved stays with its class until a trim, so no free
 *            could help.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_alloc(
	struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, size_t payload_size, int64_t timeout_ns);

/*
 * magring_message_alloc() and a copy of the payload in one call.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_message_copy(
	struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, const void *payload, size_t payload_size,
	int64_t timeout_ns);

/*
 * Where the id, or the payload, is, and its size in bytes (ret_size may be
 * NULL). The pointer may lead into the message itself: it holds until the
 * message is moved, sent or freed. For the empty message: NULL and 0.
 */
MAGRING_PUBLIC const void *magring_message_id(
	const struct magring_message *message, size_t *ret_size);
MAGRING_PUBLIC void *magring_message_payload(
	struct magring_message *message, size_t *ret_size);

/*
 * Give the message's slab, if it has one, back to its pool, and make the
 * message empty. An empty message (freed already, or sent) is left alone, and
 * so is NULL.
 *
 * Threads:   any; it need not be the one that allocated.
 */
MAGRING_PUBLIC void magring_message_free(struct magring_message *message);

/* ----------------------------------------------------------------- queue -- */

struct magring_queue_options {
	size_t size;      /* sizeof(struct magring_queue_options) */
	size_t capacity;  /* messages that always fit, rounded up to a power of two, at least 2; default 4096 */
	const char *name; /* a label in the metrics; default "queue-" and a number */
	uint64_t flags;   /* MAGRING_SINGLE_SENDER and MAGRING_SINGLE_RECEIVER; others are -EINVAL */
};

/*
 * What a queue may be told about its users, for speed: with MAGRING_SINGLE_SENDER that one
 * thread at a time sends, with MAGRING_SINGLE_RECEIVER that one receives. That side then
 * claims without a compare-and-swap and fetches the cells ahead. The declared side's send,
 * recv and batches must not run beside one another, waiting included; another thread may
 * take the side over when something orders the last call of the one before the first of the
 * other, such as a mutex or a join. (A message sent through this queue does not: the call that
 * has sent it may still be running.) Who breaks this loses or doubles messages, frees memory
 * twice, or does not return. A build with -DMAGRING_DEBUG (meson's buildtype debug) aborts, with
 * a line on stderr, when two of these calls overlap; other builds do not look.
 *
 * All else is as for any queue: the other side may be used by any number of
 * threads; close, size, stats and the descriptors by any thread at any time;
 * what is said above of order, progress and threads that are stopped holds. But
 * a side whose one thread is stopped has nobody else to go on with, and nobody
 * may take it over before that call has returned. And close has all running
 * threads of the process pass a memory barrier, one system call. Where there is
 * no membarrier, a declared sender is as fast as any. A call on a declared side
 * is no memory barrier: what it has done may be seen a moment after it has
 * returned, as with a store. Who then looks at a flag of its own, by which the
 * other side says that it goes to sleep, needs
 * atomic_thread_fence(memory_order_seq_cst) in between; timeouts and
 * descriptors do not.
 */
#define MAGRING_SINGLE_SENDER ((uint64_t)1 << 0)
#define MAGRING_SINGLE_RECEIVER ((uint64_t)1 << 1)

/*
 * Create a queue. It keeps the pool from being destroyed; its messages may be
 * of any pool.
 *
 * Ownership: the queue is the caller's, to be destroyed once.
 * Returns:   0, -EINVAL, -E2BIG, -ENAMETOOLONG, -ENOMEM.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_queue_create(
	struct magring_queue **ret_queue, struct magring_pool *pool,
	const struct magring_queue_options *options);

/*
 * Destroy a queue and free the messages that are left in it.
 *
 * Threads:   no other call on this queue may run or follow: close it and join
 *            or otherwise stop its users first.
 * Returns:   0, -EINVAL.
 */
MAGRING_PUBLIC int magring_queue_destroy(struct magring_queue *queue);

/*
 * Refuse further sends. Every message whose send returned 0, or will, is still
 * received; then, and only then, receives answer -EPIPE. Threads that wait to
 * send are told -EPIPE at once, and so is a sender that had stopped in the middle when
 * receivers came to the end. Closing twice is harmless. Others may be told -EPIPE before
 * this call has returned: it has to before the queue is destroyed.
 *
 * Threads:   any, at any time.
 * Returns:   0, -EINVAL.
 */
MAGRING_PUBLIC int magring_queue_close(struct magring_queue *queue);

/* How many messages always fit, see Capacity above; 0 for NULL. Twice as
 * many at most. */
MAGRING_PUBLIC size_t magring_queue_capacity(const struct magring_queue *queue);

/*
 * How many messages are claimed by senders and not yet by receivers: a
 * snapshot, 0 to twice the capacity, which may be out of date when the call
 * returns; 0 for NULL. While a thread is stopped as it skips positions, it may
 * be wrong by as many.
 */
MAGRING_PUBLIC size_t magring_queue_size(const struct magring_queue *queue);

/*
 * Send one message, waiting up to timeout_ns nanoseconds for room.
 *
 * Threads:   any number may send and receive at once, unless declared otherwise.
 * Ordering:  what the sender wrote before the call is visible to the receiver.
 * Ownership: on success the slab is the receiver's and *message is empty; on
 *            any failure nothing has changed.
 * Returns:   0, -EINVAL (an empty message, too), -EAGAIN (timeout 0, and at some
 *            instant of the call the queue was full: it had as many messages as
 *            its capacity at least, or threads in the middle of calls held the
 *            room for more, as told above under Capacity), -ETIMEDOUT, -EPIPE
 *            (closed).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send(
	struct magring_queue *queue, struct magring_message *message,
	int64_t timeout_ns);

/*
 * Receive one message, waiting up to timeout_ns nanoseconds for it.
 *
 * Threads:   any number may send and receive at once, unless declared otherwise.
 * Ordering:  what the sender wrote before the send is visible after the call.
 * Ownership: the message is the caller's, to be freed or sent on. What
 *            *ret_message held is overwritten and must not own a slab.
 * Returns:   0, -EINVAL, -EAGAIN (timeout 0, and at some instant of the call no
 *            message was there), -ETIMEDOUT, -EPIPE (closed, and every message
 *            that was sent is received).
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv(
	struct magring_queue *queue, struct magring_message *ret_message,
	int64_t timeout_ns);

/*
 * Send count messages in order, waiting up to timeout_ns nanoseconds in all for
 * room. Each is a send of its own; messages of other senders may come between
 * them. A batch may be larger than the capacity.
 *
 * Ownership: the first n messages, n being the result, are sent and now empty;
 *            the rest are still the caller's.
 * Returns:   how many were sent: count, or fewer when the time ran out, the
 *            queue was full (timeout 0) or it was closed meanwhile; if none was
 *            sent, the error of magring_send(). 0 when count is 0. -EINVAL also
 *            for a count above INT_MAX; an empty message anywhere is -EINVAL
 *            before anything is sent.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_send_batch(
	struct magring_queue *queue, struct magring_message *messages, size_t count,
	int64_t timeout_ns);

/*
 * Receive up to count messages, waiting up to timeout_ns nanoseconds for the
 * first one and not at all for more. Each is a receive of its own; other
 * receivers may take messages between them. Fewer than count does not mean that
 * no more are there: what is behind a sender in the middle of its call, or
 * behind a position that was skipped, is left to the next receive, which need
 * not wait for it.
 *
 * Ownership: the first n messages, n being the result, are the caller's.
 * Returns:   how many were received, at least 1; if none was, the error of
 *            magring_recv(). 0 when count is 0. -EINVAL also for a count above
 *            INT_MAX.
 */
MAGRING_PUBLIC MAGRING_CHECK int magring_recv_batch(
	struct magring_queue *queue, struct magring_message *ret_messages,
	size_t count, int64_t timeout_ns);

/*
 * A file descriptor for poll(), epoll or io_uring that is readable while the
 * queue is not empty, or closed (recv_fd), or while it has room, or is closed
 * (send_fd). Poll it, then receive (send) until -EAGAIN: that answer arms the
 * descriptor again. It may be readable although nothing is there; do not read
 * it. Traffic makes no system call while nobody has drained the queue.
 *
 * Threads:   any, at any time.
 * Ownership: the queue's, which closes it when it is destroyed. Repeated calls
 *            give the same descriptor.
 * Returns:   the descriptor, -EINVAL, -EMFILE, -ENFILE, -ENOMEM.
 */
MAGRING_PUBLIC int magring_queue_recv_fd(struct magring_queue *queue);
MAGRING_PUBLIC int magring_queue_send_fd(struct magring_queue *queue);

/*
 * Counts are since creation, and never fall. sent - received is the size. A
 * sender that is passed over gets its message back: that counts as sent and
 * received, and as `returned`; if it is sent after all, it counts as sent once
 * more. So received - returned messages have come to receivers. While a thread
 * is stopped as it skips positions, or as it passes another thread over, counts
 * may be too low by as many.
 */
struct magring_queue_stats {
	size_t size;       /* sizeof(struct magring_queue_stats) */
	uint64_t sent;     /* messages */
	uint64_t received; /* messages */
	uint64_t returned; /* messages, to their senders */
	uint64_t full;     /* times that a send found no room at its first look */
	uint64_t empty;    /* times that a receive found nothing at its first look */
	uint64_t parked;   /* times that a thread went to sleep */
	uint64_t woken;    /* times that a thread woke a sleeper (close aside) */
	uint64_t challenged;   /* times that a thread in the way of others was asked about */
	uint64_t quarantined; /* times that a cell was taken out of use for such a thread */
	uint64_t capacity; /* messages */
	uint64_t closed;   /* 0 or 1: close has begun; a send that runs beside it may still go */
};

/*
 * Threads:   any, at any time; nobody is stopped.
 * Returns:   0, -EINVAL, -E2BIG.
 */
MAGRING_PUBLIC int magring_queue_get_stats(
	struct magring_queue *queue, struct magring_queue_stats *ret_stats);

/* ---------------------------------------------- messages, in the caller -- */

/*
 * What the calls above do with a message that needs no slab is less work than a call. So it
 * is done in the caller, and all else by the library. It has the whole functions as well, for
 * other languages, for whoever takes their address, and for C and C++ with MAGRING_NO_INLINE
 * defined. How such a message looks is therefore part of the binary interface. Not without
 * optimisation, when compilers warn of ways that are never taken, and not under gcc's
 * AddressSanitizer, which takes a payload for as good as before if only one way leads through a free.
 */

/* The library's own, by names that inline functions can call: what calls itself is not inlined. */
MAGRING_PUBLIC MAGRING_CHECK int magring_private_alloc(
	struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, size_t payload_size, int64_t timeout_ns);
MAGRING_PUBLIC MAGRING_CHECK int magring_private_copy(
	struct magring_pool *pool, struct magring_message *ret_message,
	const void *id, size_t id_size, const void *payload, size_t payload_size,
	int64_t timeout_ns);
MAGRING_PUBLIC const void *magring_private_id(
	const struct magring_message *message, size_t *ret_size);
MAGRING_PUBLIC void *magring_private_payload(
	struct magring_message *message, size_t *ret_size);
MAGRING_PUBLIC void magring_private_free(struct magring_message *message);

#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(MAGRING_NO_INLINE) && \
	!defined(__SANITIZE_ADDRESS__)

/* A header's top byte is 0 in the empty message, 1 in one without slab; below it are the sizes of id
 * and payload, in bits 48 to 55 and 0 to 31. */
#define MAGRING_PRIVATE_KIND(message) ((message)->private_header >> 56)
#define MAGRING_PRIVATE_ID_SIZE(message) ((message)->private_header >> 48 & 0xff)
#define MAGRING_PRIVATE_PAYLOAD_SIZE(message) ((message)->private_header & 0xffffffff)
#define MAGRING_PRIVATE_INSIDE 1
#ifdef __cplusplus
#define MAGRING_PRIVATE_BYTES(message) reinterpret_cast<unsigned char *>((message)->private_body)
#else
#define MAGRING_PRIVATE_BYTES(message) ((unsigned char *)(message)->private_body)
#endif
#define MAGRING_PRIVATE_IN_CALLER \
	extern __inline__ __attribute__((__always_inline__, __gnu_inline__, __artificial__))

/* Compilers are not to know where this is: they would warn whoever handles more bytes than a message
 * has inside, as if it were in there. */
MAGRING_PRIVATE_IN_CALLER void *magring_private_bytes(struct magring_message *message, size_t offset)
{
	unsigned char *bytes = MAGRING_PRIVATE_BYTES(message) + offset;
	__asm__("" : "+r"(bytes));
	return bytes;
}

/* Whether a message was made; else the library makes it, or says what is wrong. */
MAGRING_PRIVATE_IN_CALLER int magring_private_inside(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size)
{
	uint64_t id_size_wide = id_size, kind = MAGRING_PRIVATE_INSIDE;
	if (!pool || !ret_message || (!id && id_size > 0) || id_size > MAGRING_INLINE_MAX ||
			payload_size > MAGRING_INLINE_MAX - id_size)
		return 0;
	ret_message->private_header = payload_size | id_size_wide << 48 | kind << 56;
	if (id_size > 0)
		__builtin_memcpy(magring_private_bytes(ret_message, 0), id, id_size);
	return 1;
}

MAGRING_PRIVATE_IN_CALLER int magring_message_alloc(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, size_t payload_size,
	int64_t timeout_ns)
{
	if (magring_private_inside(pool, ret_message, id, id_size, payload_size))
		return 0;
	return magring_private_alloc(pool, ret_message, id, id_size, payload_size, timeout_ns);
}

MAGRING_PRIVATE_IN_CALLER int magring_message_copy(struct magring_pool *pool,
	struct magring_message *ret_message, const void *id, size_t id_size, const void *payload,
	size_t payload_size, int64_t timeout_ns)
{
	if ((!payload && payload_size > 0) ||
			!magring_private_inside(pool, ret_message, id, id_size, payload_size))
		return magring_private_copy(pool, ret_message, id, id_size, payload, payload_size, timeout_ns);
	if (payload_size > 0)
		__builtin_memcpy(magring_private_bytes(ret_message, id_size), payload, payload_size);
	return 0;
}

MAGRING_PRIVATE_IN_CALLER const void *magring_message_id(const struct magring_message *message,
	size_t *ret_size)
{
	const void *id;
	if (!message || MAGRING_PRIVATE_KIND(message) != MAGRING_PRIVATE_INSIDE)
		return magring_private_id(message, ret_size);
	if (ret_size)
		*ret_size = MAGRING_PRIVATE_ID_SIZE(message);
	id = message->private_body;
	__asm__("" : "+r"(id));
	return id;
}

MAGRING_PRIVATE_IN_CALLER void *magring_message_payload(struct magring_message *message, size_t *ret_size)
{
	if (!message || MAGRING_PRIVATE_KIND(message) != MAGRING_PRIVATE_INSIDE)
		return magring_private_payload(message, ret_size);
	if (ret_size)
		*ret_size = MAGRING_PRIVATE_PAYLOAD_SIZE(message);
	return magring_private_bytes(message, MAGRING_PRIVATE_ID_SIZE(message));
}

MAGRING_PRIVATE_IN_CALLER void magring_message_free(struct magring_message *message)
{
	if (!message || MAGRING_PRIVATE_KIND(message) > MAGRING_PRIVATE_INSIDE)
		magring_private_free(message);
	else
		message->private_header = 0;
}

#endif

#ifdef __cplusplus
}
#endif

#endif
