/* SPDX-License-Identifier: MIT */
/*
 * Whether the Go program is what it is said to be: each form moves messages, and asks as
 * often for memory as the form is about. Ends with 1 if not.
 */
#include "core/perf.h"
#include "queues/go.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	/* A pool is emptied by the collector now and then, and by whoever runs on another CPU. */
	static const struct {
		const char *form;
		double allocations;
		double most_allocations;
		double heap_bytes;
		double most_heap_bytes;
	} forms[] = {
		{ "profiled", 4, 5.5, 144, 200 },
		{ "buffers", 2, 3.5, 40, 110 },
		{ "objects", 1, 2.5, 16, 100 },
		{ "typed", 2, 3.5, 48, 110 },
		{ "inline", 0, 0.5, 0, 30 },
	};
	struct go_sample sample;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		double allocations;
		double bytes;

		if (!go_measure(forms[i].form, 2, 2, 64, false, 0.1, &sample))
			return 1;
		allocations = sample.allocations_per_message;
		bytes = sample.heap_bytes_per_message;
		printf("%-9s %9.0f messages/s, %6.2f bytes and %4.2f allocations each, %.1f MB\n",
			forms[i].form, (double)sample.messages / sample.seconds, bytes, allocations,
			sample.peak_rss_bytes / 1e6);
		/* Those on their way when the window opens and closes are not the same. */
		if (allocations < 0.9 * forms[i].allocations ||
			allocations > forms[i].most_allocations ||
			bytes < 0.9 * forms[i].heap_bytes || bytes > forms[i].most_heap_bytes)
			errx(1, "%s: wanted %.0f allocations, %.0f bytes", forms[i].form,
				forms[i].allocations, forms[i].heap_bytes);
	}
	/* All are there at once, of 144 bytes each; without a backlog it is some 8 MB. */
	if (!go_measure("profiled", 1, 1, 65536, true, 0.01, &sample))
		return 1;
	if (sample.peak_rss_bytes < 65536 * 144)
		errx(1, "a backlog takes %" PRIu64 " bytes only", (uint64_t)sample.peak_rss_bytes);
	if (go_measure("no such form", 1, 1, 64, false, 0.01, &sample))
		errx(1, "a failure of the program is not told");
	return 0;
}
