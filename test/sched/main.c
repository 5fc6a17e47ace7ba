/* SPDX-License-Identifier: MIT */
/*
 * Runs programs for a while, or one run again. See CONTRIBUTING.md.
 *
 * A case is PROGRAM/MEMORY/STRATEGY/SEED, or PROGRAM/MEMORY/replay/DECISIONS.
 */
#include "engine.h"
#include "script.h"
#include "trace.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* By enum sched_memory, and the same where no membarrier is to be had. */
#define MEMORIES 6
static const char *const memories[MEMORIES] = { "sc", "tso", "weak", "sc-full", "tso-full",
	"weak-full" };
static const char *const strategies[] = { "random", "pct", "exhaustive", "replay" };

static struct options {
	const char *program;
	const char *replay;
	double seconds; /* for each program */
	double total;   /* for all of them, if it is not 0 */
	uint64_t seed;
	uint64_t runs;
	unsigned int bound;
	int memory;   /* -1: each in turn */
	int strategy; /* -1: random and PCT in turn */
	int trace, plain, shrink, list;
} options = { .seconds = 1, .memory = -1, .strategy = -1, .bound = 2 };

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int index_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	fprintf(stderr, "sched: no such thing: %s\n", name);
	exit(2);
}

static const struct sched_program *find(const char *name)
{
	for (size_t i = 0; sched_programs[i] != NULL; i++)
		if (strcmp(sched_programs[i]->name, name) == 0)
			return sched_programs[i];
	fprintf(stderr, "sched: no such program: %s\n", name);
	exit(2);
}

/* --------------------------------------------------------------- failures -- */

static const char *memory_of(const struct plan *plan)
{
	return memories[plan->memory + (plan->full_fences ? 3 : 0)];
}

static void set_memory(struct plan *plan, unsigned int memory)
{
	plan->memory = (enum sched_memory)(memory % 3);
	plan->full_fences = memory >= 3;
}

static void report(const struct plan *plan, const char *program)
{
	printf("FAILED %s: %s\n", plan->program->name, engine->failure);
	printf("again:  %s --replay %s/%s/%s/%llu --trace\n", program, plan->program->name,
		memory_of(plan), strategies[plan->strategy], (unsigned long long)plan->seed);
	fflush(stdout);
	script_keep();
	unsigned int decided = engine->script_length;
	script_shrink(plan);
	printf("%u decisions, %u of them needed: %s --trace --replay ", decided,
		engine->script_length, program);
	printf("%s/%s/replay/", plan->program->name, memory_of(plan));
	script_print();
	fflush(stdout);
}

/* ------------------------------------------------------------------- runs -- */

/* Whether all went well. */
static bool run_for(const struct sched_program *program, double seconds, int memory, int strategy,
	const char *self)
{
	double begin = seconds_now(), end = begin + seconds;
	uint64_t runs = 0, steps = engine->total_steps;
	struct plan plan = { .program = program, .seed = options.seed };
	bool exhausted = false;
	engine->bound = options.bound;
	engine->known = 0;
	do {
		set_memory(&plan,
			memory >= 0             ? (unsigned int)memory
				: runs % 8 == 7 ? 3 + runs % 3
						: runs % 3);
		plan.strategy = strategy >= 0 ? (enum strategy)strategy
					      : (runs / 3 % 2 == 0 ? RANDOM : PCT);
		runs++;
		plan.seed++;
		if (!engine_run(&plan)) {
			report(&plan, self);
			return false;
		}
		if (plan.strategy == EXHAUSTIVE && !search_next()) {
			exhausted = true;
			break;
		}
	} while (options.runs > 0 ? runs < options.runs : runs % 16 != 0 || seconds_now() < end);
	double took = seconds_now() - begin;
	printf("%-24s %-4s %9llu runs, %6.2f million steps/s%s\n", program->name,
		memory >= 0 ? memories[memory] : "all", (unsigned long long)runs,
		(double)(engine->total_steps - steps) / took / 1e6,
		exhausted ? ", all schedules" : "");
	fflush(stdout);
	return true;
}

static int replay(char *text)
{
	char *name = strtok(text, "/"), *memory = strtok(NULL, "/");
	char *strategy = strtok(NULL, "/"), *rest = strtok(NULL, "/");
	if (memory == NULL || strategy == NULL) {
		fprintf(stderr, "sched: a case is PROGRAM/MEMORY/STRATEGY/SEED\n");
		return 2;
	}
	struct plan plan = { .program = find(name),
		.strategy = (enum strategy)index_of(strategies, 4, strategy) };
	set_memory(&plan, (unsigned int)index_of(memories, MEMORIES, memory));
	if (plan.strategy == REPLAY) {
		if (!script_read(rest != NULL ? rest : "")) {
			fprintf(stderr, "sched: not decisions: %s\n", rest);
			return 2;
		}
	} else {
		plan.seed = strtoull(rest != NULL ? rest : "0", NULL, 0);
	}
	if (options.trace)
		trace_begin();
	bool good = engine_run(&plan);
	if (options.trace)
		trace_print(options.plain);
	printf("%s: %s\n", plan.program->name, good ? "passed" : engine->failure);
	if (!good && options.shrink) {
		script_keep();
		script_shrink(&plan);
		printf("%s/%s/replay/", plan.program->name, memory_of(&plan));
		script_print();
	}
	return good ? 0 : 1;
}

static void usage(const char *self)
{
	printf("usage: %s [--program NAME] [--seconds N | --total N | --runs N] [--seed N]\n"
	       "       [--memory sc|tso|weak[-full]] [--strategy random|pct|exhaustive] [--bound N]\n"
	       "   or: %s --replay CASE [--trace [--plain]] [--shrink]\n"
	       "   or: %s --list\n"
	       "--seconds is for each program, --total for all. Without --strategy small\n"
	       "programs are searched first. The seed is the date, unless it is given.\n",
		self, self, self);
}

static const struct option known[] = { { "program", 1, NULL, 'p' }, { "seconds", 1, NULL, 't' },
	{ "total", 1, NULL, 'a' }, { "runs", 1, NULL, 'n' }, { "seed", 1, NULL, 's' },
	{ "memory", 1, NULL, 'm' }, { "strategy", 1, NULL, 'S' }, { "bound", 1, NULL, 'b' },
	{ "replay", 1, NULL, 'r' }, { "trace", 0, &options.trace, 1 },
	{ "plain", 0, &options.plain, 1 }, { "shrink", 0, &options.shrink, 1 },
	{ "list", 0, &options.list, 1 }, { NULL, 0, NULL, 0 } };

static void read_options(int argc, char **argv)
{
	int option;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 0: /* it is set */
			break;
		case 'p':
			options.program = optarg;
			break;
		case 't':
			options.seconds = strtod(optarg, NULL);
			break;
		case 'a':
			options.total = strtod(optarg, NULL);
			break;
		case 'n':
			options.runs = strtoull(optarg, NULL, 0);
			break;
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'm':
			options.memory = index_of(memories, MEMORIES, optarg);
			break;
		case 'S':
			options.strategy = index_of(strategies, 3, optarg);
			break;
		case 'b':
			options.bound = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			options.replay = optarg;
			break;
		default:
			usage(argv[0]);
			exit(2);
		}
	}
}

/* The same on each machine for a day. */
static uint64_t seed_of_the_day(void)
{
	time_t now = time(NULL);
	struct tm day;
	gmtime_r(&now, &day);
	return (uint64_t)(day.tm_year + 1900) * 10000 + (uint64_t)(day.tm_mon + 1) * 100 +
		(uint64_t)day.tm_mday;
}

static bool is_wanted(const struct sched_program *program)
{
	if (options.program != NULL && strcmp(options.program, program->name) != 0)
		return false;
	return options.strategy != EXHAUSTIVE || program->flags & SCHED_SMALL;
}

/* All schedules of a small program, as far as the time is enough, and others. */
static bool run_one(const struct sched_program *program, double seconds, const char *self)
{
	if (options.strategy >= 0 || options.runs > 0 || !(program->flags & SCHED_SMALL))
		return run_for(program, seconds, options.memory, options.strategy, self);
	for (int memory = SCHED_SC; memory <= SCHED_WEAK; memory++)
		if ((options.memory < 0 || options.memory == memory) &&
			!run_for(program, seconds / 6, memory, EXHAUSTIVE, self))
			return false;
	return run_for(program, seconds / 2, options.memory, -1, self);
}

int main(int argc, char **argv)
{
	options.seed = seed_of_the_day();
	read_options(argc, argv);
	engine_init();
	if (options.list) {
		for (size_t i = 0; sched_programs[i] != NULL; i++)
			printf("%-28s %s\n", sched_programs[i]->name, sched_programs[i]->about);
		return 0;
	}
	if (options.replay != NULL)
		return replay(strdup(options.replay));
	printf("seed %llu\n", (unsigned long long)options.seed);
	unsigned int wanted = 0;
	for (size_t i = 0; sched_programs[i] != NULL; i++)
		wanted += is_wanted(sched_programs[i]);
	if (wanted == 0) {
		fprintf(stderr, "sched: no such program\n");
		return 2;
	}
	double seconds = options.total > 0 ? options.total / wanted : options.seconds;
	bool good = true;
	for (size_t i = 0; sched_programs[i] != NULL; i++)
		if (is_wanted(sched_programs[i]))
			good = run_one(sched_programs[i], seconds, argv[0]) && good;
	return good ? 0 : 1;
}
