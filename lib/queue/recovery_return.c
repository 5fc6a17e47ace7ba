/* SPDX-License-Identifier: MIT */
/*
 * The owner's part of recovery: it learns whether its state stands, and returns
 * a cell that was quarantined. Step 3 in recovery.c.
 */
#include "queue/recovery.h"
#include "queue/recovery_word.h"

bool recovery_stands(struct ring *ring, uint64_t position, uint64_t own)
{
	struct ring_cell *cell = cell_at(ring, position);
	/* [decision] light side: the state is stored, then the word read. */
	fence_light();
	uint64_t now = read_recovery(ring, position);
	while (now == recovery_word(own, PENDING))
		if (change_recovery(ring, position, &now, recovery_word(own, DONE)))
			return true;
	int64_t later = state_ahead(ring, owed_of(now), own);
	if (progress_of(now) != SKIPPED || later < 0 || later % 2 != 0 || read_state(cell) != own)
		return true;
	uint64_t free;
	do {
		free = state_free_next(ring, owed_of(now));
		/* [recycle] release: as in recycle(). */
		atomic_store_explicit(&cell->state, free, memory_order_release);
	} while (!change_recovery(ring, position, &now, recovery_word(free, DONE)));
	resolve(ring);
	return false;
}

int recovery_after_pop(struct ring *ring, uint64_t position, size_t n)
{
	for (size_t i = 0; i < n; i++, position = advance(position, 1))
		recovery_stands(ring, position, state_free(ring, next_lap(ring, position)));
	return (int)n;
}
