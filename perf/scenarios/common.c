/* SPDX-License-Identifier: MIT */
/* What several scenarios need beside worker.h. */
#include "scenarios/common.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool common_moves(const struct queue *queue, const struct setting *setting)
{
	return (queue->flags & QUEUE_LINKED_TO_NOTHING) == 0 && crew_applies(queue, setting);
}

bool common_sleeps(const struct queue *queue, const struct setting *setting)
{
	return queue->receive_waiting != NULL && common_moves(queue, setting);
}

void *common_alloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		err(2, "a scenario");
	return memory;
}

bool common_agree(const char *scenario, const struct queue *queue, const struct setting *setting,
	const struct tally *sent, const struct tally *received)
{
	if (sent->count == received->count && sent->sum == received->sum && received->broken == 0 &&
		received->disorder == 0 &&
		(received->first_sum == sent->first_sum || received->first_sum == 0))
		return true;
	fprintf(stderr,
		"\nWRONG RESULT: %s, %s, %s%s%s\n"
		"  sent      %20" PRIu64 " messages, sum %016" PRIx64 "\n"
		"  received  %20" PRIu64 " messages, sum %016" PRIx64 "\n",
		scenario, setting->name, queue->name,
		received->broken != 0 ? ", broken messages" : "",
		received->disorder != 0 ? ", out of order" : "", sent->count, sent->sum,
		received->count, received->sum);
	return false;
}

double common_clock_cost_ns(void)
{
	enum { READINGS = 1000 };
	uint64_t start = common_now_ns();
	uint64_t end = start;

	for (unsigned int i = 0; i < READINGS; i++)
		end = common_now_ns();
	return (double)(end - start) / READINGS;
}
