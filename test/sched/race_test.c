/* SPDX-License-Identifier: MIT */
/*
 * Plain accesses that race by the rules of C11, and such that do not. Two that
 * nothing orders must be found in each run, whichever comes first in it.
 */
#include "engine_test.h"
#include "shim.h"

#define THREAD(name) static void name(void *unused __attribute__((unused)))
#define USE(value) __asm__ volatile("" ::"r"(value) : "memory")

static int data;
static union {
	_Atomic uint64_t whole;
	uint32_t half[2];
} wide;
static pthread_mutex_t mutex, other;
static char *piece;

THREAD(write_data)
{
	data = 1;
}
THREAD(read_data)
{
	USE(*(volatile int *)&data);
}

/* A plain access beside an atomic one, and to one half of it. */
THREAD(plain_x)
{
	*(int *)&x = 1;
}
THREAD(plain_read_x)
{
	USE(*(volatile int *)&x);
}
THREAD(atomic_load_x)
{
	USE(R(x, ACQ));
}
THREAD(atomic_store_x)
{
	W(x, 1, REL);
}
THREAD(atomic_change_x)
{
	atomic_fetch_add_explicit(&x, 1, AR);
}
THREAD(write_high)
{
	wide.half[1] = 1;
}
THREAD(read_high)
{
	USE(*(volatile uint32_t *)&wide.half[1]);
}
THREAD(load_wide)
{
	USE(R(wide.whole, ACQ));
}
THREAD(store_wide)
{
	W(wide.whole, 1, REL);
}
THREAD(change_wide)
{
	atomic_fetch_add_explicit(&wide.whole, 1, AR);
}

/* data is a message, y says that it is there. */
#define SEND(name, first, second, third) \
	THREAD(name) \
	{ \
		first; \
		second; \
		third; \
	}
SEND(send_rel, data = 1, W(y, 1, REL), (void)0)
SEND(send_fence, data = 1, F(REL), W(y, 1, RLX))
SEND(send_rlx, data = 1, W(y, 1, RLX), (void)0)
SEND(send_add, data = 1, atomic_fetch_add_explicit(&y, 1, REL), (void)0)
SEND(send_late, W(y, 1, REL), data = 1, (void)0)
SEND(send_late_fence, F(REL), data = 1, W(y, 1, RLX))
SEND(send_late_sc_fence, F(SC), data = 1, W(y, 1, RLX))
SEND(send_late_add, atomic_fetch_add_explicit(&y, 1, REL), data = 1, (void)0)
SEND(send_late_unlock, (pthread_mutex_lock(&mutex), W(y, 1, RLX), pthread_mutex_unlock(&mutex)),
	data = 1, (void)0)
SEND(locked, pthread_mutex_lock(&mutex), data++, pthread_mutex_unlock(&mutex))
SEND(locked_other, pthread_mutex_lock(&other), data++, pthread_mutex_unlock(&other))

#define RECV(name, condition, then) \
	THREAD(name) \
	{ \
		if (condition) { \
			then; \
			USE(*(volatile int *)&data); \
		} \
	}
RECV(recv_acq, R(y, ACQ) == 1, (void)0)
RECV(recv_rlx, R(y, RLX) == 1, (void)0)
RECV(recv_fence, R(y, RLX) == 1, F(ACQ))
RECV(recv_add, (atomic_fetch_add_explicit(&y, 2, ACQ) & 1) == 1, (void)0)
static int locked_y(void)
{
	pthread_mutex_lock(&mutex);
	int value = R(y, RLX);
	pthread_mutex_unlock(&mutex);
	return value;
}
RECV(recv_locked, locked_y() == 1, (void)0)

static int cas_failed(void)
{
	int expected = 9;
	atomic_compare_exchange_strong_explicit(&y, &expected, 8, AR, ACQ);
	return expected;
}
RECV(recv_failed_cas, cas_failed() == 1, (void)0)

/* In the middle of a release sequence. */
THREAD(pass_on)
{
	atomic_fetch_add_explicit(&y, 2, RLX);
}
RECV(recv_passed, R(y, ACQ) == 3, (void)0)

/* Memory that is freed. */
THREAD(free_at_once)
{
	free(piece);
}
THREAD(read_piece)
{
	USE(*(volatile char *)piece);
}
THREAD(free_and_tell)
{
	free(piece);
	W(y, 1, REL);
}
#define AFTER_FREE(name, what) \
	THREAD(name) \
	{ \
		if (R(y, ACQ) == 1) { \
			what; \
		} \
	}
AFTER_FREE(read_later, USE(*(volatile char *)piece))
AFTER_FREE(write_later, piece[1] = 1)
AFTER_FREE(load_later, USE(R(*(_Atomic int *)(void *)piece, RLX)))
AFTER_FREE(free_later, free(piece))
AFTER_FREE(go_away, (void)0)

static void with_piece(void)
{
	piece = malloc(64);
	piece[0] = 1;
	fault_run();
}

static void write_before_spawn(void)
{
	data = 1;
	sched_spawn("a", read_data, NULL);
	sched_wait();
	data = 2;
	sched_spawn("b", read_data, NULL);
	sched_wait();
	data = 3;
}

static void write_after_spawn(void)
{
	sched_spawn("a", read_data, NULL);
	data = 1;
	sched_wait();
}

#define PIECE(label) .program = { .name = label, .about = "", .run = with_piece }
#define ALONE(label, function) .program = { .name = label, .about = "", .run = function }

static const struct fault races[] = {
	{ FAULT("write and write"), { write_data, write_data }, ALWAYS, "race" },
	{ FAULT("write and read"), { write_data, read_data }, ALWAYS, "race" },
	{ FAULT("read and read"), { read_data, read_data }, NEVER, NULL },
	{ FAULT("write and atomic load"), { plain_x, atomic_load_x }, ALWAYS, "race" },
	{ FAULT("write and atomic store"), { plain_x, atomic_store_x }, ALWAYS, "race" },
	{ FAULT("write and atomic change"), { plain_x, atomic_change_x }, ALWAYS, "race" },
	{ FAULT("read and atomic load"), { plain_read_x, atomic_load_x }, NEVER, NULL },
	{ FAULT("read and atomic store"), { plain_read_x, atomic_store_x }, ALWAYS, "race" },
	{ FAULT("read and atomic change"), { plain_read_x, atomic_change_x }, ALWAYS, "race" },
	{ FAULT("write of the high half"), { write_high, load_wide }, ALWAYS, "race" },
	{ FAULT("write of the high half, store"), { write_high, store_wide }, ALWAYS, "race" },
	{ FAULT("read of the high half"), { read_high, store_wide }, ALWAYS, "race" },
	{ FAULT("read of the high half, change"), { read_high, change_wide }, ALWAYS, "race" },
	{ FAULT("release acquire"), { send_rel, recv_acq }, NEVER, NULL },
	{ FAULT("release, fence"), { send_rel, recv_fence }, NEVER, NULL },
	{ FAULT("fence, acquire"), { send_fence, recv_acq }, NEVER, NULL },
	{ FAULT("fence, fence"), { send_fence, recv_fence }, NEVER, NULL },
	{ FAULT("change, change"), { send_add, recv_add }, NEVER, NULL },
	{ FAULT("failed CAS acquires"), { send_rel, recv_failed_cas }, NEVER, NULL },
	{ FAULT("release sequence"), { send_rel, pass_on, recv_passed }, NEVER, NULL },
	{ FAULT("relaxed, acquire"), { send_rlx, recv_acq }, SOMETIMES, "race" },
	{ FAULT("release, relaxed"), { send_rel, recv_rlx }, SOMETIMES, "race" },
	{ FAULT("written after the release"), { send_late, recv_acq }, SOMETIMES, "race" },
	{ FAULT("written after the fence"), { send_late_fence, recv_acq }, SOMETIMES, "race" },
	{ FAULT("written after the seq_cst fence"), { send_late_sc_fence, recv_acq }, SOMETIMES,
		"race" },
	{ FAULT("written after the change"), { send_late_add, recv_acq }, SOMETIMES, "race" },
	{ FAULT("written after the unlock"), { send_late_unlock, recv_locked }, SOMETIMES, "race" },
	{ FAULT("one lock"), { locked, locked, locked }, NEVER, NULL },
	{ FAULT("two locks"), { locked, locked_other }, ALWAYS, "race" },
	{ ALONE("spawn and end", write_before_spawn), .often = NEVER },
	{ ALONE("written after the spawn", write_after_spawn), .often = ALWAYS, .failure = "race" },
	{ PIECE("free and read"), { free_at_once, read_piece }, ALWAYS, " at " },
	{ PIECE("free and free"), { free_at_once, free_at_once }, ALWAYS, "freed memory" },
	{ PIECE("read of freed memory"), { free_and_tell, read_later }, SOMETIMES, "freed memory" },
	{ PIECE("write of freed memory"), { free_and_tell, write_later }, SOMETIMES,
		"freed memory" },
	{ PIECE("load of freed memory"), { free_and_tell, load_later }, SOMETIMES, "freed memory" },
	{ PIECE("freed twice"), { free_and_tell, free_later }, SOMETIMES, "freed memory" },
	{ PIECE("freed once"), { free_and_tell, go_away }, NEVER, NULL },
};

void race_tests(void)
{
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++)
		fault_check(&races[i]);
}
