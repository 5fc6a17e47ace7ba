/* SPDX-License-Identifier: MIT */
/* One table of all programs. */
#include "programs.h"

#include <stdlib.h>

#define PROGRAMS_MAX 256

const struct sched_program *sched_programs[PROGRAMS_MAX + 1];

static size_t append(const struct sched_program *const *table, size_t count)
{
	for (; table != NULL && *table != NULL; table++) {
		if (count == PROGRAMS_MAX)
			abort();
		sched_programs[count++] = *table;
	}
	return count;
}

static __attribute__((constructor)) void compose(void)
{
	size_t count = append(queue_programs, 0);
	count = append(wake_programs, count);
	count = append(wake_order_programs, count);
	count = append(poller_programs, count);
	count = append(eventcount_programs, count);
	count = append(reference_programs, count);
	count = append(bound_programs, count);
	count = append(recovery_programs, count);
	count = append(recovery_step_programs, count);
	count = append(recovery_exact_programs, count);
	count = append(order_programs, count);
	count = append(refusal_programs, count);
	count = append(second_look_programs, count);
	count = append(try_programs, count);
	count = append(small_programs, count);
	count = append(pool_programs, count);
	count = append(pool_directed_programs, count);
	count = append(spacing_programs, count);
	count = append(argument_programs, count);
	append(mutant_programs, count);
}
