/* SPDX-License-Identifier: MIT */
/*
 * The library is loaded and unloaded within a run. shim.h puts its constructors
 * and destructors into sections of their own. So they are told from those of the
 * scheduler in the tables that the linker makes of both.
 */
#include "engine.h"

typedef void function(void);

extern function *__init_array_start[], *__init_array_end[];
extern function *__fini_array_start[], *__fini_array_end[];
#define SECTION_BOUND extern char __attribute__((weak, visibility("hidden")))
SECTION_BOUND __start_sched_init[], __stop_sched_init[];
SECTION_BOUND __start_sched_fini[], __stop_sched_fini[];

/* Of a table, those functions that are in the section, in turn. */
static void run_section(function **table, size_t count, const char *begin, const char *end)
{
	for (size_t i = 0; i < count; i++)
		if ((uintptr_t)table[i] >= (uintptr_t)begin && (uintptr_t)table[i] < (uintptr_t)end)
			table[i]();
}

void sched_load_library(void)
{
	engine->unloaded = false;
	run_section(__init_array_start, (size_t)(__init_array_end - __init_array_start),
		__start_sched_init, __stop_sched_init);
}

void sched_exit_process(void)
{
	run_section(__fini_array_start, (size_t)(__fini_array_end - __fini_array_start),
		__start_sched_fini, __stop_sched_fini);
}

void sched_unload_library(void)
{
	sched_exit_process();
	engine->unloaded = true;
}
