/* SPDX-License-Identifier: MIT */
/*
 * Medians are over the rounds that bunch.c finds alike. Where no round's two probes
 * agree, all are kept, and the results say that nothing is known about the placement.
 */
#include "placement.h"

#include "bunch.h"
#include "median.h"

#include <err.h>
#include <stdlib.h>

static struct bounds bounds_of(const struct probes *probes)
{
	return (struct bounds){ probes->before, probes->after };
}

static double find_middle(struct probes *const *all, unsigned int count)
{
	struct bounds *bounds = calloc(count, sizeof(*bounds));
	double middle;

	if (bounds == NULL)
		err(2, "placement");
	for (unsigned int i = 0; i < count; i++)
		bounds[i] = bounds_of(all[i]);
	middle = bunch_middle(bounds, count);
	free(bounds);
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
		all[i]->kept = bunch_has(middle, bounds_of(all[i]));
		results->rounds_left_out += !all[i]->kept;
	}
	results->rounds_in_all = count;
	results->placement = middle == 0 ? 0 : kept_ns(all, count);
	free(all);
}
