/* SPDX-License-Identifier: MIT */
/*
 * What else happened: time that the hypervisor gave to other machines, which no program can
 * see otherwise, and how often threads of this process lost their CPU or gave it away. Both
 * are told with each figure, and decide nothing.
 */
#include "core/conditions.h"

#include "core/cpus.h"

#include <err.h>
#include <sys/resource.h>

struct conditions conditions_now(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		err(2, "getrusage");
	return (struct conditions){
		.steal_ms = 1e3 * cpus_stolen(),
		.context_switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw,
	};
}

struct conditions conditions_since(const struct conditions *start)
{
	struct conditions now = conditions_now();

	return (struct conditions){
		.steal_ms = now.steal_ms - start->steal_ms,
		.context_switches = now.context_switches - start->context_switches,
	};
}
