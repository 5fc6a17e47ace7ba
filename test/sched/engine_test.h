/* SPDX-License-Identifier: MIT */
/*
 * engine_test: small programs that run under the scheduler, to test it. What a
 * test counts is in memory of its own, because each run sets variables back.
 */
#ifndef MAGRING_SCHED_ENGINE_TEST_H
#define MAGRING_SCHED_ENGINE_TEST_H

#include "engine.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define RLX memory_order_relaxed
#define ACQ memory_order_acquire
#define REL memory_order_release
#define AR memory_order_acq_rel
#define SC memory_order_seq_cst
#define R(x, order) ((int)atomic_load_explicit(&(x), order))
#define W(x, value, order) atomic_store_explicit(&(x), value, order)
#define F(order) atomic_thread_fence(order)

#define OUTCOMES 10000

struct tally {
	unsigned int failures; /* of the test */
	unsigned int checks;
	uint64_t seen[OUTCOMES];
	uint64_t runs;
	uint64_t failed;       /* runs that failed */
	uint64_t unexpected;   /* of these, with another failure */
	uint64_t hash;         /* of the steps of a run */
	uint64_t hashes[4096]; /* of many runs */
	char failure[512];
};
extern struct tally *tally;

/* A test of the tester; it goes on. */
__attribute__((format(printf, 2, 3))) void check(bool condition, const char *format, ...);

/* Locations and registers of the small programs: zero when a run begins. */
extern _Atomic int x, y, z;
extern int r[4];

extern const char *const memory_names[];

/* Spawn these threads, up to four, and wait until all have ended. */
void run_threads(void (*const threads[4])(void *));
/* The run just begun adds a step to the hash. */
void hash_step(uint64_t value);

/* Run many seeds, or all schedules. False: the search was not finished. */
bool run_many(const struct sched_program *program, enum sched_memory memory, enum strategy strategy,
	unsigned int n, const char *failure);

/* The parts of the test. */
void litmus_tests(void);
void litmus_order_tests(void);
void litmus_rmw_tests(void);
void race_tests(void);
void reuse_tests(void);
void schedule_tests(void);
void replay_tests(void);
void system_tests(void);
void end_tests(void);
void rights_tests(void);
void unload_tests(void);

/* A small program and the outcomes that it has, each a number of r[] in turn. */
struct litmus {
	struct sched_program program;
	void (*threads[4])(void *);
	void (*last)(void); /* on thread 0, when all have ended */
	unsigned int registers;
	unsigned int bound;      /* of the search; 0 is 3 */
	unsigned int seeds;      /* 0 is SEEDS */
	const char *outcomes[3]; /* by memory; NULL: as the one before */
	bool (*allowed)(enum sched_memory memory, const int *registers);
};
void litmus_run(void);
void litmus_check(const struct litmus *litmus);
#define LITMUS(label) .program = { .name = label, .about = "", .run = litmus_run }

/* A program that must fail in this way, sometimes or in each run, or never. */
enum how_often { NEVER, SOMETIMES, ALWAYS };
struct fault {
	struct sched_program program;
	void (*threads[4])(void *);
	enum how_often often;
	const char *failure;
};
void fault_run(void);
void fault_check(const struct fault *fault);
#define FAULT(label) .program = { .name = label, .about = "", .run = fault_run }

#endif
