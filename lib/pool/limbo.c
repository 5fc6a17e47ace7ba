/* SPDX-License-Identifier: MIT */
/*
 * A freed slab of a checked pool is not used again at once, so that a late
 * write meets a free slab. The oldest leave for the pool when there are too
 * many bytes. All leave when an allocation finds no memory, and for a trim.
 *
 * The slabs are linked in their records, and one lock keeps the list. A slab
 * leaves under the lock: a thread that finds the list empty then finds what was
 * in it where the pool's free slabs are.
 */
#include "pool/limbo.h"

#include "base/watched.h"
#include "pool/alloc.h"
#include "pool/filling.h"
#include "pool/misuse.h"

_Noreturn void limbo_broken(const struct checked_slab *record, const void *at)
{
	const struct misuse_message message = { .header = record->note,
		.address = (uintptr_t)at,
		.id = record->id,
		.id_kept = CHECKED_ID_KEPT };
	misuse_of_message("write", " to a message that was freed", &message);
}

/* Under the lock: the oldest slab, back to the pool. */
static void take_out(struct magring_pool *pool)
{
	struct checked *checked = pool->checked;
	uint32_t round = checked->oldest;
	struct checked_slab *record = &checked->slab[round];
	unsigned int class_index =
		checked_class_index(atomic_load_explicit(&record->word, memory_order_relaxed));
	void *slab = depot_slab(&pool->depot, round);
	const void *at = filling_changed(slab, CHECKED_FREE_BYTE, slab_size(class_index));
	if (at != NULL)
		limbo_broken(record, at);
	watched_release(slab); /* the fill was before: this lock orders the two */
	checked->oldest = record->next;
	checked->bytes -= slab_size(class_index);
	pool_put_slab(pool, class_index, round);
}

void limbo_put(struct magring_pool *pool, uint32_t round, size_t size)
{
	struct checked *checked = pool->checked;
	pthread_mutex_lock(&checked->lock);
	if (checked->bytes == 0)
		checked->oldest = round;
	else
		checked->slab[checked->youngest].next = round;
	checked->youngest = round;
	checked->bytes += size;
	while (checked->bytes > checked->bytes_max)
		take_out(pool);
	pthread_mutex_unlock(&checked->lock);
}

bool limbo_empty(struct magring_pool *pool)
{
	struct checked *checked = pool->checked;
	pthread_mutex_lock(&checked->lock);
	bool any = checked->bytes > 0;
	while (checked->bytes > 0)
		take_out(pool);
	pthread_mutex_unlock(&checked->lock);
	return any;
}
