/* SPDX-License-Identifier: MIT */
/*
 * Access rights of pages. What a run maps without rights, and the hole behind
 * it, is accessible to a thread that knows of an mprotect() of it, or an mmap()
 * into the hole: of one that happens before the access. So it is a fault to rely on another thread's mprotect() without an
 * edge from it, whichever comes first in this run.
 */
#include "memory.h"

void rights_reserve(void *address, size_t bytes)
{
	if (!is_running())
		return;
	if (memory->reserved == RESERVED)
		sched_fail("too many mappings without rights");
	memory->without[memory->reserved++] = (struct piece){ address, bytes };
}

static struct page *page_at(uintptr_t address)
{
	struct page *page = &memory->page[(address - ARENA) / PAGE];
	if (page->run == engine->run)
		return page;
	memset(page, 0, sizeof(*page));
	page->run = engine->run;
	for (unsigned int i = 0; i < memory->reserved; i++)
		if (address - (uintptr_t)memory->without[i].address < memory->without[i].bytes)
			page->is_reserved = true;
	return page;
}

void rights_open(void *address, size_t bytes)
{
	for (uintptr_t at = (uintptr_t)address; at < (uintptr_t)address + bytes; at += PAGE) {
		struct page *page = page_at(at);
		if (page->opened[me->id] == 0)
			page->opened[me->id] = now(me);
	}
}

static bool is_open(const struct page *page)
{
	for (unsigned int i = 0; i < engine->count; i++)
		if (page->opened[i] != 0 && page->opened[i] <= me->clock.at[i])
			return true;
	return false;
}

void rights_check_pages(uintptr_t address, size_t bytes, const char *what)
{
	for (uintptr_t at = address / PAGE * PAGE; at < address + bytes; at += PAGE) {
		struct page *page = page_at(at);
		if (page->is_reserved && !is_open(page))
			sched_fail("%s at %#lx by thread %u (%s), which knows of no access rights",
				what, (unsigned long)address, me->id, me->name);
	}
}
