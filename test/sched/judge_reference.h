/* SPDX-License-Identifier: MIT */
/*
 * judge_reference: the same answer as judge(), for short histories, by trying
 * all orders.
 */
#ifndef MAGRING_SCHED_JUDGE_REFERENCE_H
#define MAGRING_SCHED_JUDGE_REFERENCE_H

#include "sched/judge.h"

#define JUDGE_SHORT 7

bool judge_by_reference(const struct judge_history *history);

#endif
