/* SPDX-License-Identifier: MIT */
/*
 * What a run must leave as it was, and how threads end: cancellation, crashes,
 * variables, locks.
 */
#include "engine_test.h"
#include "shim.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#define THREAD(name) static void name(void *unused __attribute__((unused)))

static void futex_wait(_Atomic int *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, ~0u);
}

static void futex_wake(_Atomic int *futex)
{
	syscall(SYS_futex, futex, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* --------------------------------------------------------- cancellation -- */

static pthread_key_t key;
static int cleaned, destroyed;
static void clean_up(void *context)
{
	cleaned = cleaned * 10 + *(int *)context;
}
static void destroy_specific(void *value)
{
	destroyed = *(int *)value;
}
static int numbers[] = { 1, 2, 3 };
static void sleep_to_be_cancelled(void)
{
	int before;
	pthread_cleanup_push(clean_up, &numbers[1]);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
	futex_wait(&x);
	sched_fail("not cancelled");
	pthread_cleanup_pop(0);
}
THREAD(be_cancelled)
{
	pthread_setspecific(key, &numbers[2]);
	pthread_cleanup_push(clean_up, &numbers[0]);
	sleep_to_be_cancelled();
	pthread_cleanup_pop(0);
}
static void cancel_sleeper(void)
{
	sched_require(pthread_key_create(&key, destroy_specific) == 0, "no key");
	unsigned int thread = sched_spawn("a", be_cancelled, NULL);
	if (sched_choose(2))
		sched_wait();
	sched_cancel(thread);
	sched_wait();
	sched_require(sched_has_ended(thread), "not ended");
	sched_require(cleaned == 21 && destroyed == 3, "cleaned %d, destroyed %d", cleaned,
		destroyed);
}
THREAD(not_cancelled)
{
	futex_wait(&x); /* deferred: a system call is no place for it */
	r[0]++;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	futex_wait(&y);
	r[0]++;
}
static void cancel_in_vain(void)
{
	unsigned int thread = sched_spawn("a", not_cancelled, NULL);
	sched_wait();
	sched_cancel(thread);
	sched_wait();
	sched_require(sched_is_asleep(thread), "woken");
	futex_wake(&x);
	sched_wait();
	futex_wake(&y);
	sched_wait();
	sched_require(r[0] == 2 && sched_has_ended(thread), "%d", r[0]);
}

/* --------------------------------------------- crashes, variables, locks -- */

static int counter = 5;
static _Thread_local int own = 6;
static int *volatile nowhere;
THREAD(dereference_null)
{
	counter++;
	own++;
	*nowhere = 1;
}
THREAD(call_abort)
{
	counter++;
	own++;
	abort();
}
THREAD(change_own)
{
	sched_require(own == 6, "own is %d", own);
	own = (int)sched_self() + 10;
	for (int i = 0; i < 5; i++) {
		W(x, 1, RLX);
		sched_require(own == (int)sched_self() + 10, "own is %d", own);
	}
}
static void variables(void)
{
	sched_require(counter == 5 && own == 6, "counter %d, own %d", counter, own);
	char *memory = malloc(100);
	for (int i = 0; i < 100; i++)
		sched_require(memory[i] == 0, "memory is not zero");
	memset(memory, 1, 100);
	counter = 7;
	run_threads((void (*const[4])(void *)){ change_own, change_own });
	own = 8;
}
static pthread_mutex_t one;
THREAD(unlock_of_another)
{
	if (sched_self() == 1)
		pthread_mutex_lock(&one);
	else
		pthread_mutex_unlock(&one);
}

#define ALONE(label, function) .program = { .name = label, .about = "", .run = function }

static const struct fault faults[] = {
	{ ALONE("cancelled", cancel_sleeper), .often = NEVER },
	{ ALONE("not cancelled", cancel_in_vain), .often = NEVER },
	{ FAULT("NULL"), { dereference_null }, ALWAYS, "Segmentation fault" },
	{ FAULT("abort"), { call_abort }, ALWAYS, "abort()" },
	{ ALONE("variables", variables), .often = NEVER },
	{ FAULT("unlock of another"), { unlock_of_another, unlock_of_another }, ALWAYS,
		"does not hold it" },
};

void end_tests(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fault_check(&faults[i]);
		check(counter == 5 && own == 6, "%s: not set back: %d, %d", faults[i].program.name,
			counter, own);
	}
}
