/* SPDX-License-Identifier: MIT */
/*
 * The table of directed programs for lib/pool.
 */
#include "pool_directed.h"

#include "programs.h"

#include <stddef.h>

const struct sched_program *const pool_directed_programs[] = { &pool_turn_over, &pool_cut,
	&pool_cut_twice, &pool_tail, &pool_pages, &pool_pass_on, &pool_second_wake, &fair_hand_off,
	&fair_stopped, &fair_timeout, &fair_cancel, &fair_passed_on, &fair_woken, &fair_next,
	&pool_left, &pool_cool_over, &pool_cool_class, &pool_cool_bare, &pool_busy, &pool_revoked,
	&pool_hands, &pool_accounts, &pool_child, &pool_child_after, &pool_tries, &pool_cool_moves,
	&pool_two_go, &pool_end_wakes, &pool_flush_wakes, &pool_left_over, &pool_load,
	&pool_at_exit, &pool_exit_beside, &pool_unload, &refused_traffic, &refused_waits,
	&refused_nothing, &refused_trim, &refused_create, &share_frees, &share_beside,
	&share_awaited, &share_first_shares, &refused_samples, &refused_load, &pool_batch_wakes,
	&pool_batch_second, &pool_batch_cut, &pool_survey, &pool_uncounted, &growth_region,
	&growth_pool, &growth_beside, &growth_stopped, &checked_trimmed, &checked_awaited,
	&checked_refused, &checked_stale_free, &checked_stale_send, &checked_stale_shared,
	&checked_shares, &pool_trim_beside, &pool_cut_beside, &pool_moved, &pool_busy_alone,
	&pool_cancelled, &pool_all, NULL };
