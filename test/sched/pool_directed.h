/* SPDX-License-Identifier: MIT */
/*
 * pool_directed: programs for lib/pool in which threads are placed at the
 * moment that matters. Each shows a fault that chance alone seldom meets.
 */
#ifndef MAGRING_SCHED_POOL_DIRECTED_H
#define MAGRING_SCHED_POOL_DIRECTED_H

#include "scheduler.h"

extern const struct sched_program pool_turn_over, pool_cut, pool_cut_twice, pool_tail, pool_pages;
extern const struct sched_program pool_pass_on, pool_second_wake, pool_left;
extern const struct sched_program pool_batch_wakes, pool_batch_second, pool_batch_cut;
extern const struct sched_program fair_hand_off, fair_stopped, fair_timeout, fair_cancel,
	fair_passed_on, fair_woken, fair_next;
extern const struct sched_program pool_cool_over, pool_cool_class, pool_cool_bare;
extern const struct sched_program pool_busy, pool_revoked, pool_hands, pool_survey, pool_uncounted;
extern const struct sched_program pool_trim_beside, pool_cut_beside, pool_moved, pool_busy_alone;
extern const struct sched_program pool_cancelled, pool_all;
extern const struct sched_program pool_accounts;
extern const struct sched_program pool_child, pool_child_after;
extern const struct sched_program pool_tries, pool_cool_moves, pool_two_go;
extern const struct sched_program pool_end_wakes, pool_flush_wakes, pool_left_over;
extern const struct sched_program pool_load, pool_at_exit, pool_exit_beside, pool_unload;
extern const struct sched_program share_frees, share_beside, share_awaited, share_first_shares;
extern const struct sched_program refused_traffic, refused_waits, refused_nothing, refused_trim,
	refused_create, refused_samples, refused_load, growth_region, growth_pool, growth_beside,
	growth_stopped;
extern const struct sched_program checked_trimmed, checked_awaited, checked_refused,
	checked_stale_free, checked_stale_send, checked_stale_shared, checked_shares;

#endif
