/* SPDX-License-Identifier: MIT */
#ifndef PERF_VERDICT_H
#define PERF_VERDICT_H

#include "core/machine.h"
#include "core/results.h"

enum verdict { VERDICT_NONE, VERDICT_AHEAD, VERDICT_EQUAL, VERDICT_BEHIND, VERDICTS };

/* How this library fares in a group against the best other queue; NONE where one of them is not
 * there. ret_ratio is how many times better it is, and ret_other that queue's place. */
enum verdict verdict_of(const struct results *results, const struct group *group,
	struct interval *ret_ratio, unsigned int *ret_other);

/* What disturbed the run so much that its figures are not to be believed; NULL: nothing. */
const char *verdict_disturbance(const struct results *results);

/* All that matters, in at most 60 lines. */
void verdict_print(const struct results *results, const struct machine *machine);

#endif
