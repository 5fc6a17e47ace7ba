/* SPDX-License-Identifier: MIT */
/*
 * The tables that a person reads: what was sent, how each peer fared, what the
 * memory calls cost, and whether the project kept its promises.
 */
#include "report.h"

#include <math.h>
#include <stdio.h>

/* A figure in a column, or a dash. */
static void column(int width, int decimals, double value)
{
	if (isnan(value))
		printf(" %*s", width, "-");
	else
		printf(" %*.*f", width, decimals, value);
}

static int decimals_of(double value)
{
	return value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0;
}

static void print_row(const struct peer *peer, const struct row *row)
{
	printf("  %-20s", peer->name);
	column(9, decimals_of(row->messages / 1e6), row->messages / 1e6);
	column(8, 0, row->bytes / 1e6);
	column(10, 1, row->ratio);
	column(8, 0, row->cpu_ns);
	column(8, row->heap_bytes > 0 ? 1 : 0, row->heap_bytes);
	column(7, row->heap_calls > 0 ? 2 : 0, row->heap_calls);
	column(8, 1, row->peak_mb);
	if (isnan(row->efficiency))
		printf(" %10s\n", "no slab");
	else
		printf(" %8.1f %%\n", row->efficiency * 100);
}

static const char *plural(unsigned int count)
{
	return count == 1 ? "" : "s";
}

static void print_workload(const struct results *results, const struct workload *workload)
{
	const struct input *input = results->input;
	size_t wanted = results->options->capacity;

	switch (workload->kind) {
	case WORKLOAD_SEED:
		printf("\nseed: made-up messages of a 16-byte id and a 32-byte payload\n");
		break;
	case WORKLOAD_REPLAY:
		printf("\nreplay: the %zu records of %s, %.0f bytes each on average"
		       "\n(a record is %s); receivers look at the first and the last byte\n",
			input->count, input->path,
			(double)input->bytes / (double)input->count, input->form);
		break;
	case WORKLOAD_HASHED:
		printf("\nreplay, hashed: the same records; receivers hash them with XXH3\n");
		break;
	}
	if (workload_capacity(workload, wanted) != wanted)
		printf("channels hold %zu of these records only, because they are large\n",
			workload_capacity(workload, wanted));
	printf("%-22s %9s %8s %10s %8s %8s %7s %8s %10s\n"
	       "%-22s %9s %8s %10s %8s %8s %7s %8s %10s\n",
		"", "million", "MB/s", "x the", "CPU ns", "heap", "heap", "peak", "memory", "",
		"msgs/s", "", "baseline", "a msg", "B/msg", "calls", "MB", "efficiency");
}

static void print_rates(const struct results *results, const struct summary *summary)
{
	const struct workload *last = NULL;

	for (unsigned int g = 0; g < results->group_count; g++) {
		const struct group *group = &results->groups[g];

		if (group->workload != last)
			print_workload(results, group->workload);
		last = group->workload;
		printf("%u sender%s, %u receiver%s (%u of %u rounds)\n", group->shape.senders,
			plural(group->shape.senders), group->shape.receivers,
			plural(group->shape.receivers), summary->kept[g], results->rounds);
		for (unsigned int p = 0; p < results->peer_count; p++)
			print_row(results->peers[p], &summary->rows[g][p]);
	}
}

static void print_pairs(const struct results *results, const struct summary *summary)
{
	const struct fill *fill = &results->fill;

	printf("\n%-26s %12s %20s %8s\n", "one thread", "magring, ns", "other, ns", "ratio");
	for (unsigned int c = 0; c < comparison_count; c++) {
		const struct pair *pair = &summary->pairs[c];

		printf("  %-24s", comparisons[c].what);
		column(12, 1, pair->ours);
		printf(" %12s", comparisons[c].theirs->name);
		column(7, 1, pair->theirs);
		column(8, 2, pair->ratio);
		printf("\n");
	}
	printf("\na pool of %.1f MB takes %.0f payloads of %zu bytes: %.1f %% of its memory is"
	       " payload\n(%.1f %% of what the process grew by)\n",
		fill->limit_mb, fill->messages, fill->payload_size, fill->efficiency * 100,
		fill->resident * 100);
}

static void print_bars(const struct summary *summary)
{
	unsigned int met = 0;

	printf("\n%-48s %10s %10s\n", "bars", "wanted", "measured");
	for (unsigned int i = 0; i < summary->bar_count; i++) {
		const struct bar *bar = &summary->bars[i];

		printf("  %-44s %s %9.3g", bar->what, bar->at_least ? ">=" : "<=", bar->wanted);
		if (isnan(bar->measured))
			printf(" %10s", "-");
		else
			printf(" %10.3g", bar->measured);
		printf("  %-18s %s\n", bar->unit, bar_met(bar) ? "met" : "NOT MET");
		met += bar_met(bar);
	}
	printf("%u of %u bars met\n", met, summary->bar_count);
}

static void print_reading(const struct results *results, const struct summary *summary,
	unsigned int cpus)
{
	const struct options *options = results->options;
	unsigned int all = (results->group_count + 1) * results->rounds;

	printf("\nHow to read this: each figure is the median of %u rounds of %.2g s, in which the"
	       "\npeers took turns in random order; channels hold %zu messages, threads are pinned."
	       "\nHeap is counted by interposing malloc; peak is a whole process with its channel once"
	       "\nfull; efficiency is then payload bytes / bytes taken from the system for payloads"
	       "\n(magring_pool_stats, mallinfo2). \"no slab\": the payload is inside the message.\n",
		results->rounds, options->seconds, options->capacity);
	if (results->placement == 0)
		printf("Where the CPUs were is not known: there is one, or no two probes agreed. Do not\n"
		       "trust the rates.\n");
	else
		printf("A cache line took %.0f ns from CPU to CPU; %u of %u rounds are left out because\n"
		       "it took 1.6 times as long, or as short, before or after them.\n",
			results->placement, results->rounds_left_out, all);
	if (results->others > 0.05 * cpus)
		printf("BUSY MACHINE: others used %.1f of the %u CPUs meanwhile, and the rates are"
		       " rough.\n",
			results->others, cpus);
	printf("Half of the rounds lie within %.0f %% of each other, in the row where they differ most."
	       "\nAll %.0f million messages arrived once and intact. %.0f s.\n",
		summary->spread * 100, summary->checked / 1e6, results->seconds);
}

void report_print(const struct results *results, const struct summary *summary,
	const struct machine *machine)
{
	printf("%s, %u of %u CPUs%s%s\n%s, %s, %s, %s\n", machine->cpu, machine->allowed,
		machine->cpus, machine->governor[0] == '\0' ? "" : ", governor ",
		machine->governor, machine->system, machine->kernel, machine->libc,
		machine->compiler);
	print_rates(results, summary);
	print_pairs(results, summary);
	print_bars(summary);
	print_reading(results, summary, machine->allowed);
}
