/* SPDX-License-Identifier: MIT */
/*
 * Whether the Go program is what it is said to be: each form moves messages, and asks as
 * often for memory as the form is about. Ends with 1 if not.
 */
#include "arena.h"
#include "go.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	static const struct {
		const char *form;
		double allocations;
		double heap_bytes;
	} forms[] = {
		{"profiled", 4, 144}, {"buffers", 2, 40}, {"objects", 1, 16}, {"typed", 2, 48},
		{"inline", 0, 0},
	};
	struct go_sample sample;
	struct go_sample backlog;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		double allocations = forms[i].allocations;
		double bytes = forms[i].heap_bytes;

		if (!go_measure(forms[i].form, 2, 2, 64, false, 0.05, &sample))
			return 1;
		printf("%-9s %9.0f messages/s, %6.2f bytes and %4.2f allocations each, %.1f MB\n",
			forms[i].form, (double)sample.messages / sample.seconds,
			sample.heap_bytes_per_message, sample.allocations_per_message,
			sample.peak_rss_bytes / 1e6);
		/* A pool is emptied by the collector now and then. */
		if (sample.allocations_per_message < 0.9 * allocations ||
			sample.allocations_per_message > 1.1 * allocations + 0.2 ||
			sample.heap_bytes_per_message < 0.9 * bytes ||
			sample.heap_bytes_per_message > 1.1 * bytes + 10)
			errx(1, "%s: wanted %.0f allocations, %.0f bytes", forms[i].form,
				allocations, bytes);
	}
	/* 65536 messages of at least 144 bytes. */
	if (!go_measure("profiled", 1, 1, 64, false, 0.01, &sample) ||
		!go_measure("profiled", 1, 1, 65536, true, 0.01, &backlog))
		return 1;
	if (backlog.peak_rss_bytes < sample.peak_rss_bytes + 65536 * 144 / 2)
		errx(1, "a backlog takes no memory");
	if (go_measure("no such form", 1, 1, 64, false, 0.01, &sample))
		errx(1, "a failure of the program is not told");
	return 0;
}
