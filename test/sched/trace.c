/* SPDX-License-Identifier: MIT */
/*
 * The steps of one run, for people: thread, its step, file and line, operation,
 * place and value. addr2line, of binutils, tells the lines.
 */
#include "trace.h"
#include "engine.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES 100000
#define NAMES 32
#define LINES 4096

struct entry {
	unsigned int thread;
	uint64_t step;
	const char *what;
	uintptr_t address;
	uint64_t value;
	uintptr_t pc;
};

/* Not among the variables that each run sets back. */
struct log {
	struct entry entry[ENTRIES];
	size_t count;
	struct {
		uintptr_t begin;
		size_t bytes;
		const char *name;
	} name[NAMES];
	unsigned int names;
	struct {
		uintptr_t pc;
		char text[64];
	} line[LINES];
};
#define notes ((struct log *)engine->log)

void trace_begin(void)
{
	if (notes == NULL)
		engine->log = calloc(1, sizeof(struct log));
	if (notes != NULL)
		notes->count = notes->names = 0;
	engine->tracing = notes != NULL;
}

void trace_step(const char *what, uintptr_t address, uint64_t value)
{
	if (notes->count == ENTRIES)
		return;
	notes->entry[notes->count++] = (struct entry){ .thread = me->id,
		.step = me->steps,
		.what = what,
		.address = address,
		.value = value,
		.pc = (uintptr_t)engine->pc };
}

uint64_t trace_hash(void)
{
	uint64_t hash = notes->count;
	for (size_t i = 0; i < notes->count; i++) {
		const struct entry *entry = &notes->entry[i];
		const uint64_t words[] = { entry->thread, entry->step, (uintptr_t)entry->what,
			entry->address, entry->value, entry->pc };
		for (size_t word = 0; word < sizeof(words) / sizeof(words[0]); word++)
			hash = (hash ^ words[word]) * 0x9e3779b97f4a7c15 ^ hash >> 29;
	}
	return hash;
}

void sched_name(const void *address, size_t bytes, const char *name)
{
	if (!engine->tracing || notes->names == NAMES)
		return;
	notes->name[notes->names].begin = (uintptr_t)address;
	notes->name[notes->names].bytes = bytes;
	notes->name[notes->names++].name = name;
}

static void print_place(uintptr_t address)
{
	for (unsigned int i = 0; i < notes->names; i++) {
		uintptr_t offset = address - notes->name[i].begin;
		if (offset < notes->name[i].bytes) {
			printf(" %s+%zu", notes->name[i].name, (size_t)offset);
			return;
		}
	}
	if (address != 0)
		printf(" %#lx", (unsigned long)address);
}

static int find_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1; /* the first is the program */
}

/* The line of code that called, as addr2line has it, without directories. */
static const char *line_of(uintptr_t pc)
{
	size_t slot = pc % LINES;
	char *text = notes->line[slot].text;
	if (notes->line[slot].pc == pc)
		return text;
	char command[96 + 4096], program[4096];
	uintptr_t base = 0;
	dl_iterate_phdr(find_base, &base);
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = 0;
	snprintf(command, sizeof(command), "addr2line -s -e '%s' %#lx 2>/dev/null", program,
		(unsigned long)(pc - base - 1));
	notes->line[slot].pc = pc;
	strcpy(text, "?");
	FILE *answer = popen(command, "r");
	if (answer == NULL)
		return text;
	if (fgets(text, sizeof(notes->line[slot].text), answer) != NULL)
		text[strcspn(text, " \n")] = 0;
	pclose(answer);
	return text;
}

void trace_print(bool plain)
{
	engine->tracing = false;
	for (size_t i = 0; i < notes->count; i++) {
		const struct entry *entry = &notes->entry[i];
		if (!plain &&
			(strcmp(entry->what, "read") == 0 || strcmp(entry->what, "write") == 0))
			continue;
		printf("%*s%u %-8s %5lu  %-24s %s", (int)entry->thread * 2, "", entry->thread,
			engine->threads[entry->thread].name, (unsigned long)entry->step,
			line_of(entry->pc), entry->what);
		print_place(entry->address);
		printf(" = %#lx\n", (unsigned long)entry->value);
	}
}
