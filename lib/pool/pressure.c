/* SPDX-License-Identifier: MIT */
/*
 * Memory that other size classes have and do not use.
 *
 * A thread that finds no slab of its class, and no range to carve, trims other
 * classes: those with most free bytes first, until a range serves. It does not
 * give the system anything. It takes `trimming` if no other thread has it, and
 * never waits for it. Others meet a move meanwhile, as beside any trim.
 *
 * What is left of the budget, and is too little for a slab, becomes a range
 * first. All whole chunks of a class that the thread comes to are ranges then,
 * for any class. So where two classes take turns, memory passes between them in
 * large pieces.
 *
 * Back-off. A trim has a cost, and may find little or nothing. So the next one
 * is due when `bar` bytes were freed since it began. The bar doubles with each
 * trim in vain. It is halved by one that brought a range, and starts anew after
 * one that brought more bytes than the bar.
 *
 * It is due as well when some time has passed, as a bar alone would leave free
 * memory unused for ever: many times as long as the last one took. It is longer
 * still if nothing was freed since. What was in another thread's hands then may
 * be free now, and is not counted again.
 */
#include "pool/pressure.h"

#include "base/clock.h"
#include "pool/counts.h"
#include "pool/reclaim.h"
#include "pool/trim_class.h"
#include "tuning.h"

/*
 * A class with free slabs must not look full. But what was freed and allocated
 * between the reads of a count is in use by that count. So one that looks full
 * is counted again, and what was freed by then is not in use.
 */
static uint64_t free_slabs(struct magring_pool *pool, unsigned int class_index,
	const struct class_counts *counts)
{
	struct class_counts later;
	uint64_t there = counts->carved - counts->trimmed;
	if (there > counts->allocated - counts->freed)
		return there - (counts->allocated - counts->freed);
	pool_count_class(pool, class_index, &later);
	/* More than were allocated: some came after the first count. */
	uint64_t used = later.freed < counts->allocated ? counts->allocated - later.freed : 0;
	return there > used ? there - used : 0;
}

void pressure_survey(struct magring_pool *pool, struct survey *ret_survey)
{
	ret_survey->freed = 0;
	for (unsigned int i = 0; i < pool->depot.classes; i++) {
		struct depot_class *class = &pool->depot.class[i];
		struct class_counts counts = { 0 };
		ret_survey->free[i] = 0;
		/* Relaxed: what is carved meanwhile is in use. */
		if (atomic_load_explicit(&class->carved, memory_order_relaxed) == 0)
			continue;
		pool_count_class(pool, i, &counts);
		ret_survey->free[i] = free_slabs(pool, i, &counts) * class->slab_size;
		ret_survey->freed += counts.freed * class->slab_size;
	}
}

/*
 * Bytes of the budget that are left, if they are too few for a slab. Otherwise
 * the system has refused them.
 */
static size_t rest_for(struct magring_pool *pool, unsigned int class_index)
{
	size_t left = region_left(&pool->depot.slabs);
	return left < slab_size(class_index) ? left / SLAB_UNIT * SLAB_UNIT : 0;
}

/* Whether all that is free would do, if it were in one place. */
static bool may_serve(struct magring_pool *pool, unsigned int class_index,
	const struct survey *survey)
{
	uint64_t others = rest_for(pool, class_index);
	for (unsigned int i = 0; i < pool->depot.classes; i++)
		if (i != class_index)
			others += survey->free[i];
	return others > 0 &&
		others +
			atomic_load_explicit(&pool->depot.chunks.free_bytes,
				memory_order_relaxed) >=
		slab_size(class_index);
}

static bool is_due(struct magring_pool *pool, const struct survey *survey)
{
	struct pressure *pressure = &pool->pressure;
	/*
	 * Relaxed: written by a thread that trims. What is read here of two
	 * trims makes the next one early or late.
	 */
	uint64_t noted = atomic_load_explicit(&pressure->freed, memory_order_relaxed);
	/* Another thread may have surveyed after this one, and trimmed. */
	uint64_t since = survey->freed > noted ? survey->freed - noted : 0;
	if (since >= atomic_load_explicit(&pressure->bar, memory_order_relaxed))
		return true;
	int64_t due_ns = atomic_load_explicit(&pressure->ended_ns, memory_order_relaxed);
	due_ns += atomic_load_explicit(&pressure->took_ns, memory_order_relaxed) *
		(since > 0 ? PRESSURE_REST : PRESSURE_REST_QUIET);
	return clock_now() >= due_ns;
}

/* What the next trim depends on. */
static void note(struct magring_pool *pool, uint64_t freed, size_t given_up, bool serves,
	int64_t begun_ns)
{
	struct pressure *pressure = &pool->pressure;
	uint64_t low = pool->depot.slabs.limit / PRESSURE_BAR_MIN;
	uint64_t high = pool->depot.slabs.limit / PRESSURE_BAR_MAX;
	uint64_t bar = atomic_load_explicit(&pressure->bar, memory_order_relaxed);
	int64_t now_ns = clock_now();
	bar = given_up > bar ? 0 : serves ? bar / 2 : 2 * bar;
	bar = bar < low + 1 ? low + 1 : bar > high + 1 ? high + 1 : bar;
	atomic_store_explicit(&pressure->bar, bar, memory_order_relaxed);
	atomic_store_explicit(&pressure->freed, freed, memory_order_relaxed);
	atomic_store_explicit(&pressure->ended_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&pressure->took_ns, now_ns - begun_ns, memory_order_relaxed);
}

/* The class with most free bytes, or `classes` if none has any. */
static unsigned int fullest(const struct survey *survey, unsigned int classes)
{
	unsigned int found = classes;
	for (unsigned int i = 0; i < classes; i++)
		if (survey->free[i] > 0 &&
			(found == classes || survey->free[i] > survey->free[found]))
			found = i;
	return found;
}

static void trim_for(struct trim *trim, unsigned int class_index, const struct survey *survey)
{
	struct survey left = *survey;
	unsigned int classes = trim->depot->classes, next;
	left.free[class_index] = 0;
	if (rest_for(trim->pool, class_index) > 0 && trim_take_rest(trim))
		trim_ranges(trim, false);
	while (!chunk_has_range(trim->chunks, class_index) &&
		(next = fullest(&left, classes)) < classes) {
		left.free[next] = 0;
		size_t before = trim->given_up;
		trim_class(trim, next);
		if (trim->given_up > before)
			trim_ranges(trim, false);
	}
}

bool pressure_trim(struct magring_pool *pool, unsigned int class_index, const struct survey *survey,
	bool *ret_hidden)
{
	struct trim trim;
	if (!may_serve(pool, class_index, survey) || !is_due(pool, survey))
		return false;
	/* [trim] acquire: the notes of the last trim on caches are visible. */
	if (atomic_exchange_explicit(&pool->trimming, true, memory_order_acquire)) {
		*ret_hidden = true;
		return false;
	}
	int64_t begun_ns = clock_now();
	bool moves = trim_begin(&trim, pool) == 0;
	if (moves) {
		thread_empty_idle(&pool->registry, &pool->depot, 0, ret_hidden);
		chunk_begin_move(trim.chunks);
		trim_for(&trim, class_index, survey);
		chunk_end_move(trim.chunks);
		trim_end(&trim);
		note(pool, survey->freed, trim.given_up, chunk_has_range(trim.chunks, class_index),
			begun_ns);
	}
	/* [trim] release: pairs with the exchange. */
	atomic_store_explicit(&pool->trimming, false, memory_order_release);
	if (moves)
		pool_notify_all_classes(pool);
	return moves;
}
