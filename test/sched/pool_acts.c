/* SPDX-License-Identifier: MIT */
#include "pool_acts.h"

void slabs_take_all(struct magring_message *ret_messages, size_t payload, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int rc = slabs_take(&ret_messages[i], payload, 0);
		sched_require(rc == 0, "slab %u of %zu bytes: %d", i, payload, rc);
	}
}

void slabs_want(void *payload)
{
	struct magring_message message;
	int rc = slabs_take(&message, (uintptr_t)payload, -1);
	sched_require(rc == 0, "alloc: %d", rc);
	slabs_give(&message);
}

void slabs_trade(unsigned int turns, unsigned int most)
{
	struct magring_message mine[3];
	unsigned int count = 0;
	for (unsigned int i = 0; i < turns; i++) {
		if (count < most && sched_choose(2) == 0)
			count += slabs_take(&mine[count], SLABS_SMALL, 0) == 0;
		else if (count > 0 && sched_choose(2) == 0)
			slabs_give(&mine[--count]);
		else if (count > 0)
			slabs_free(&mine[--count]);
	}
	while (count > 0)
		slabs_free(&mine[--count]);
}

void slabs_stay(void)
{
	slabs_tell();
	engine_block(WAITING);
}
