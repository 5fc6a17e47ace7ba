/* SPDX-License-Identifier: MIT */
/*
 * Like with like.
 *
 * Two virtual CPUs are two cores at one time and two threads of one core at
 * another, and the probe tells: its values come in bunches that lie far apart (27 and
 * 80 ns, say). A round belongs to a bunch when its probes before and after
 * are both within a factor of 1.6 of the bunch's middle. The bunch with the most
 * rounds is kept, the slower one of two as large; medians are over its rounds
 * alone. A round whose probes differ, because the placement changed in the
 * middle of it, belongs to none. Where no round's two probes agree, all are
 * kept, and the results say that nothing is known about the placement.
 */
#include "placement.h"

#include "median.h"

#include <err.h>
#include <stdlib.h>

static const double factor = 1.6;

static bool near(double ns, double middle)
{
	return ns < middle * factor && middle < ns * factor;
}

static unsigned int count_near(struct probes *const *all, unsigned int count, double middle)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < count; i++)
		found += near(all[i]->before, middle) && near(all[i]->after, middle);
	return found;
}

static double find_middle(struct probes *const *all, unsigned int count)
{
	unsigned int most = 0;
	double middle = 0;

	for (unsigned int i = 0; i < count; i++) {
		double candidate = all[i]->before;
		unsigned int found = count_near(all, count, candidate);

		if (found > most || (found == most && candidate > middle)) {
			most = found;
			middle = candidate;
		}
	}
	return middle;
}

/* The median of the probes of the rounds that are kept. */
static double kept_ns(struct probes *const *all, unsigned int count)
{
	double *values = malloc(2 * count * sizeof(*values));
	size_t kept = 0;
	double ns;

	if (values == NULL)
		err(2, "placement");
	for (unsigned int i = 0; i < count; i++) {
		if (all[i]->kept) {
			values[kept++] = all[i]->before;
			values[kept++] = all[i]->after;
		}
	}
	ns = median(values, kept);
	free(values);
	return ns;
}

void placement_decide(struct results *results)
{
	unsigned int most = results->rounds;
	struct probes **all;
	unsigned int count = 0;
	double middle;

	for (unsigned int g = 0; g < results->group_count; g++)
		most += results->groups[g].round_count;
	all = malloc(most * sizeof(struct probes *));
	if (all == NULL)
		err(2, "placement");
	for (unsigned int g = 0; g < results->group_count; g++)
		for (unsigned int r = 0; r < results->groups[g].round_count; r++)
			all[count++] = &results->groups[g].rounds[r].probes;
	for (unsigned int r = 0; results->micro_rounds != NULL && r < results->rounds; r++)
		all[count++] = &results->micro_rounds[r].probes;
	middle = find_middle(all, count);
	for (unsigned int i = 0; i < count; i++) {
		all[i]->kept = middle == 0 ||
			(near(all[i]->before, middle) && near(all[i]->after, middle));
		results->rounds_left_out += !all[i]->kept;
	}
	results->rounds_in_all = count;
	results->placement = middle == 0 ? 0 : kept_ns(all, count);
	free(all);
}
