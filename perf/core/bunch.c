/* SPDX-License-Identifier: MIT */
/*
 * Like with like.
 *
 * Two virtual CPUs are two cores at one time and two threads of one core at
 * another, and the probe tells: its values come in bunches that lie far apart (27 and
 * 80 ns, say). A round belongs to a bunch when its probes before and after
 * are both within a factor of 1.6 of the bunch's middle. The bunch with the most
 * rounds is the one that counts, the slower one of two as large. A round whose probes
 * differ, because the placement changed in the middle of it, belongs to none.
 */
#include "core/bunch.h"

static const double factor = 1.6;

static bool near(double ns, double middle)
{
	return ns < middle * factor && middle < ns * factor;
}

static bool both_near(struct bounds bounds, double middle)
{
	return near(bounds.before, middle) && near(bounds.after, middle);
}

double bunch_middle(const struct bounds *bounds, size_t count)
{
	size_t most = 0;
	double middle = 0;

	for (size_t i = 0; i < count; i++) {
		double candidate = bounds[i].before;
		size_t found = 0;

		for (size_t j = 0; j < count; j++)
			found += both_near(bounds[j], candidate);
		if (found > most || (found > 0 && found == most && candidate > middle)) {
			most = found;
			middle = candidate;
		}
	}
	return middle;
}

bool bunch_has(double middle, struct bounds bounds)
{
	return middle == 0 || both_near(bounds, middle);
}
