/* SPDX-License-Identifier: MIT */
/*
 * The search through all schedules, depth first. A branch is a decision with
 * several options, of which one was chosen in this run.
 */
#include "engine.h"

unsigned int search_choose(unsigned int n)
{
	if (n < 2)
		return 0;
	if (engine->depth == sizeof(engine->branches) / sizeof(engine->branches[0]))
		sched_fail("too many decisions for a search");
	if (engine->depth == engine->known)
		engine->branches[engine->known++] = (struct branch){ .options = (uint16_t)n };
	return engine->branches[engine->depth++].chosen;
}

bool search_next(void)
{
	engine->known = engine->depth;
	while (engine->known > 0) {
		struct branch *last = &engine->branches[engine->known - 1];
		if (++last->chosen < last->options)
			return true;
		engine->known--;
	}
	return false;
}
