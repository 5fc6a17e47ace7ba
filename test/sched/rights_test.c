/* SPDX-License-Identifier: MIT */
/*
 * Memory of the system: pages without access rights, and what it refuses.
 */
#include "engine_test.h"
#include "shim.h"

#include <errno.h>

#define PAGE ((size_t)4096)
#define THREAD(name) static void name(void *unused __attribute__((unused)))

static char *pages; /* two */

static void open_pages(size_t first, size_t count)
{
	sched_require(mprotect(pages + first * PAGE, count * PAGE, PROT_READ | PROT_WRITE) == 0,
		"mprotect");
}

static void with_pages(void)
{
	pages = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sched_require(pages != MAP_FAILED, "mmap");
	fault_run();
	munmap(pages, 2 * PAGE);
}
static void with_open_pages(void)
{
	pages = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	open_pages(0, 2);
	fault_run();
}

static _Atomic int *atom(size_t page)
{
	return (_Atomic int *)(void *)(pages + page * PAGE);
}

THREAD(write_closed)
{
	pages[0] = 1;
}
THREAD(store_closed)
{
	W(*atom(0), 1, RLX);
}
THREAD(write_across)
{
	open_pages(0, 1);
	memset(pages + PAGE - 4, 1, 8);
}
THREAD(write_own)
{
	open_pages(1, 1);
	pages[PAGE] = 1;
	pages[2 * PAGE - 1] = 1;
}
THREAD(open_both)
{
	open_pages(0, 2);
	W(x, 1, REL);
}
THREAD(open_badly)
{
	open_pages(0, 2);
	W(x, 1, RLX);
}
THREAD(write_after)
{
	if (R(x, ACQ))
		pages[1] = 1;
}
THREAD(change_after)
{
	if (R(x, RLX))
		atomic_fetch_add_explicit(atom(0), 1, RLX);
}
/* Others have opened it as well, and perhaps before: its own is enough. */
THREAD(open_again)
{
	open_pages(0, 1);
	W(*atom(0), 1, RLX);
}
THREAD(store_opened)
{
	W(*atom(1), 1, RLX);
}

#define RUN(label, function) .program = { .name = label, .about = "", .run = function }
#define NO_RIGHTS "knows of no access rights"
static const struct fault faults[] = {
	{ RUN("closed page", with_pages), { write_closed }, ALWAYS, NO_RIGHTS },
	{ RUN("closed page, atomic", with_pages), { store_closed }, ALWAYS, NO_RIGHTS },
	{ RUN("half closed", with_pages), { write_across }, ALWAYS, NO_RIGHTS },
	{ RUN("own page", with_pages), { write_own }, NEVER, NULL },
	{ RUN("page opened before", with_open_pages), { store_opened, store_opened }, NEVER, NULL },
	{ RUN("page of another", with_pages), { open_both, write_after }, NEVER, NULL },
	{ RUN("page without release", with_pages), { open_badly, write_after }, SOMETIMES,
		NO_RIGHTS },
	{ RUN("page without acquire", with_pages), { open_both, change_after }, SOMETIMES,
		NO_RIGHTS },
	{ RUN("opened twice", with_pages), { open_again, open_again }, NEVER, NULL },
};

/* --------------------------------------------------------------- refusals -- */

THREAD(ask_for_memory)
{
	for (int i = 0; i < 3; i++) {
		errno = 0;
		void *memory = malloc(8);
		sched_require((memory == NULL) == (errno == ENOMEM), "errno %d", errno);
		tally->seen[memory == NULL]++;
		free(memory);
		void *mapped = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE, -1, 0);
		if (mapped == MAP_FAILED)
			continue;
		tally->seen[2 + (mprotect(mapped, PAGE, PROT_READ | PROT_WRITE) != 0)]++;
		munmap(mapped, PAGE);
	}
}
static void refuse_some(void)
{
	sched_refuse(3);
	run_threads((void (*const[4])(void *)){ ask_for_memory, ask_for_memory });
	sched_require(sched_pieces() == 0, "%u pieces", sched_pieces());
	sched_require(sched_refused() < 6, "%u refusals", sched_refused());
}
static void refuse_all(void)
{
	sched_refuse(1);
	run_threads((void (*const[4])(void *)){ ask_for_memory });
	sched_require(sched_refused() == 6, "%u refusals", sched_refused());
	sched_refuse(0);
	void *memory = calloc(2, 8);
	sched_require(memory != NULL && sched_pieces() == 1, "refused, or not counted");
}
static void refuse_none(void)
{
	sched_require(sched_refused() == 0, "refusals of an earlier run");
	run_threads((void (*const[4])(void *)){ ask_for_memory });
	sched_require(sched_refused() == 0, "not asked for");
}

static const struct sched_program some = { "refusals", "", refuse_some, 0 };
static const struct sched_program all = { "all refused", "", refuse_all, 0 };
static const struct sched_program none = { "none refused", "", refuse_none, 0 };

static void refusal_tests(void)
{
	for (enum strategy strategy = RANDOM; strategy <= PCT; strategy++) {
		run_many(&some, SCHED_TSO, strategy, 300, "refusals");
		check(tally->failed > 0 && tally->unexpected == 0, "some: %s", tally->failure);
		for (int i = 0; i < 4; i++)
			check(tally->seen[i] > 50, "outcome %d: %lu times", i,
				(unsigned long)tally->seen[i]);
		run_many(&all, SCHED_TSO, strategy, 20, NULL);
		check(tally->failed == 0 && tally->seen[0] == 0, "all: %s", tally->failure);
		run_many(&none, SCHED_TSO, strategy, 20, NULL);
		check(tally->failed == 0 && tally->seen[1] == 0, "none: %s", tally->failure);
	}
	/* One deviation is one refusal, wherever; and either thread is first. */
	check(run_many(&some, SCHED_SC, EXHAUSTIVE, 1, NULL), "a search without end");
	check(tally->failed == 0 && tally->seen[1] == 12 && tally->seen[3] == 12,
		"%lu and %lu refusals: %s", (unsigned long)tally->seen[1],
		(unsigned long)tally->seen[3], tally->failure);
}

void rights_tests(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		fault_check(&faults[i]);
	refusal_tests();
}
