/* SPDX-License-Identifier: MIT */
/*
 * judge search: what the files of the judge share. judge_order.c derives it from
 * a history, and judge.c goes through the states.
 */
#ifndef MAGRING_SCHED_JUDGE_SEARCH_H
#define MAGRING_SCHED_JUDGE_SEARCH_H

#include "judge.h"

#define NONE UINT8_MAX

_Static_assert(JUDGE_CALLS <= 64, "a set is a word");

struct judge_search {
	const struct judge_call *calls;
	size_t capacity, full;
	unsigned int count;
	uint64_t must;  /* calls without which the search is not over */
	uint64_t sends; /* with the result 0 or 1 */
	uint64_t receives, unended_receives, closes, fulls, empties, closed_answers;
	uint64_t need[JUDGE_CALLS];      /* calls that take effect before this one */
	uint64_t needed_by[JUDGE_CALLS]; /* the other way round */
	uint64_t ends[JUDGE_CALLS];      /* receives that this one shows to be ended */
	uint8_t receiver[JUDGE_CALLS];   /* of what this send has sent, or NONE */
	uint8_t order[JUDGE_CALLS];      /* sends in the order of the search */
	uint64_t states, histories, kept;
};
extern struct judge_search judge_search;

static inline uint64_t bit(unsigned int i)
{
	return (uint64_t)1 << i;
}

/* The first call of a set, from i on, or JUDGE_CALLS. */
static inline unsigned int next_of(uint64_t set, unsigned int i)
{
	set &= UINT64_MAX << i;
	return set != 0 ? (unsigned int)__builtin_ctzll(set) : JUDGE_CALLS;
}

static inline unsigned int size_of(uint64_t set)
{
	return (unsigned int)__builtin_popcountll(set);
}

#define judge_each(i, set) \
	for (unsigned int i = next_of((set), 0); i < JUDGE_CALLS; i = next_of((set), i + 1))

/* judge_order.c, in this order. */
void judge_sort_calls(const struct judge_history *history);
/* False: a value was received that was not sent, or was received already. */
bool judge_match_values(void);
/* False: there is a circle. */
bool judge_find_order(void);
bool judge_fulls_are_possible(void);

#endif
