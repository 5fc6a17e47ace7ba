/* SPDX-License-Identifier: MIT */
/*
 * Constructors and destructors within a run, code that is not there any more,
 * and keys that are deleted.
 */
#include "engine_test.h"
#include "shim.h"

#define THREAD(name) static void name(void *unused __attribute__((unused)))

static volatile int loaded, unloaded; /* clang runs constructors as it compiles */
static pthread_key_t key;

static __attribute__((constructor)) void load(void)
{
	loaded++;
}
static __attribute__((destructor)) void unload(void)
{
	unloaded++;
}

/* Constructors of the scheduler itself, and the other destructors, do not run. */
static void load_and_unload(void)
{
	sched_require(loaded == 1 && unloaded == 0, "at first: %d, %d", loaded, unloaded);
	sched_exit_process();
	sched_require(loaded == 1 && unloaded == 1, "exit: %d, %d", loaded, unloaded);
	sched_load_library();
	sched_require(loaded == 2 && unloaded == 1, "load: %d, %d", loaded, unloaded);
}

/* Code that comes and goes: an instrumented function. */
static __attribute__((noinline)) void call(void)
{
	W(x, R(x, RLX) + 1, RLX);
}
static bool gone;
THREAD(call_once)
{
	call();
}
THREAD(call_until_unloaded)
{
	do
		call();
	while (!gone && R(x, RLX) < 8);
}
static void unload_after(void)
{
	fault_run();
	sched_unload_library();
}
static void unload_beside(void)
{
	sched_spawn("a", call_until_unloaded, NULL);
	sched_pass(8);
	sched_unload_library();
	sched_wait();
}
static void load_again(void)
{
	sched_unload_library();
	sched_load_library();
	fault_run();
}

/* ------------------------------------------------------------------- keys -- */

static void destroy(void *value)
{
	*(int *)value += 1;
}
static int value;
THREAD(set_key)
{
	pthread_setspecific(key, &r[sched_self()]);
}
THREAD(set_key_and_tell)
{
	pthread_setspecific(key, &value);
	W(x, 1, REL);
}
THREAD(set_key_and_stay)
{
	pthread_setspecific(key, &value);
	W(x, 1, SC);
	sched_pass(30);
}
THREAD(delete_key)
{
	pthread_key_delete(key);
}
THREAD(delete_when_told)
{
	if (R(x, ACQ))
		pthread_key_delete(key);
}
static void with_key(void)
{
	sched_require(pthread_key_create(&key, destroy) == 0, "no key");
	fault_run();
}
/* A thread has set it, and ends after it was deleted. */
static void delete_before_end(void)
{
	sched_require(pthread_key_create(&key, destroy) == 0, "no key");
	unsigned int thread = sched_spawn("a", set_key_and_stay, NULL);
	sched_run_alone(thread, 10);
	sched_require(sched_has_stopped(thread), "too late");
	if (R(x, ACQ) == 0)
		return; /* an old value */
	pthread_key_delete(key);
	sched_resume_all();
	sched_wait();
	sched_require(value == 0, "destroyed");
}
static void set_deleted(void)
{
	sched_require(pthread_key_create(&key, destroy) == 0, "no key");
	pthread_key_delete(key);
	fault_run();
}
/* Made beside a thread that reads which it is. */
THREAD(make_key)
{
	(void)pthread_key_create(&key, destroy);
	W(x, 1, RLX);
}
THREAD(set_made)
{
	if (R(x, ACQ))
		pthread_setspecific(key, &value);
}

#define RUN(label, function) .program = { .name = label, .about = "", .run = function }
static const struct fault faults[] = {
	{ RUN("constructors", load_and_unload), .often = NEVER },
	{ RUN("unload after", unload_after), { call_once, call_once }, NEVER, NULL },
	{ RUN("load again", load_again), { call_once }, NEVER, NULL },
	{ RUN("unload beside", unload_beside), { NULL }, SOMETIMES, "not there any more" },
	{ RUN("set a key", with_key), { set_key, set_key }, NEVER, NULL },
	{ RUN("delete beside set", with_key), { set_key, delete_key }, ALWAYS, "by thread" },
	{ RUN("delete after set", with_key), { set_key_and_tell, delete_when_told }, NEVER, NULL },
	{ RUN("delete twice", with_key), { delete_key, delete_key }, ALWAYS, "key" },
	{ RUN("delete before end", delete_before_end), .often = NEVER },
	{ RUN("set a deleted key", set_deleted), { set_key }, ALWAYS, "has been deleted" },
	{ RUN("key without release", fault_run), { make_key, set_made }, SOMETIMES, "race" },
};

void unload_tests(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		fault_check(&faults[i]);
}
