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
			input->count, input->path, (double)input->bytes / (double)input->count,
			input->form);
		break;
	case WORKLOAD_HASHED:
		printf("\nreplay, hashed: the same records; receivers hash them with XXH3\n");
		break;
	case WORKLOAD_TIMED: /* rings alone */
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

		if (group->contest->part != PART_CHANNELS)
			continue;
		if (group->workload != last)
			print_workload(results, group->workload);
		last = group->workload;
		printf("%u sender%s, %u receiver%s (%u of %u rounds)\n", group->shape.senders,
			plural(group->shape.senders), group->shape.receivers,
			plural(group->shape.receivers), summary->kept[g], group->round_count);
		for (unsigned int p = 0; p < group->contest->peer_count; p++)
			print_row(group->contest->peers[p], &summary->rows[g][p]);
	}
}

/* Per million messages, where the ring asks questions at all. */
static void print_questions(const struct row *row)
{
	column(9, decimals_of(row->asked), row->asked);
	column(13, decimals_of(row->quarantined), row->quarantined);
	printf("\n");
}

static void print_ring_rates(const struct results *results, const struct summary *summary)
{
	printf("\n%-40s %9s %9s %8s %9s %13s\n%-40s %9s %9s %8s %9s %13s\n",
		"rings alone, million messages/s", "plain", "ring", "x the", "questions",
		"quarantined", "", "", "", "plain", "a million", "a million");
	for (unsigned int g = 0; g < results->group_count; g++) {
		const struct group *group = &results->groups[g];
		const struct row *rows = summary->rows[g];
		char what[64];

		if (group->contest->part != PART_RINGS)
			continue;
		snprintf(what, sizeof(what), "%s, %ux%u", group->contest->name,
			group->shape.senders, group->shape.receivers);
		printf("  %-38s", what);
		for (unsigned int p = 0; p < group->contest->peer_count; p++)
			column(9, decimals_of(rows[p].messages / 1e6), rows[p].messages / 1e6);
		column(8, 3, rows[1].ratio);
		print_questions(&rows[1]);
	}
}

static void print_latency(const struct results *results, const struct summary *summary,
	unsigned int g)
{
	const struct group *group = &results->groups[g];
	const struct row *rows = summary->rows[g];

	printf("%u senders and %u receivers, %s\n", group->shape.senders, group->shape.receivers,
		group->contest->cpus == CPUS_APART ? "each side on a CPU of its own"
						   : "mixed on two CPUs");
	for (unsigned int p = 0; p < group->contest->peer_count; p++) {
		const struct percentiles *latency = &rows[p].latency;

		printf("  %-18s", group->contest->peers[p]->name);
		column(9, decimals_of(rows[p].messages / 1e6), rows[p].messages / 1e6);
		column(9, decimals_of(latency->p50 / 1e3), latency->p50 / 1e3);
		column(9, decimals_of(latency->p99 / 1e3), latency->p99 / 1e3);
		column(9, decimals_of(latency->p999 / 1e3), latency->p999 / 1e3);
		column(9, 0, latency->max / 1e3);
		print_questions(&rows[p]);
	}
	printf("  %-18s", "x the plain");
	column(9, 2, rows[1].ratio);
	column(19, 2, rows[1].p99_ratio);
	column(9, 2, rows[1].p999_ratio);
	printf("\n");
}

static void print_latencies(const struct results *results, const struct summary *summary)
{
	printf("\n%-20s %9s %9s %9s %9s %9s %9s %13s\n%-20s %9s %9s %9s %9s %9s %9s %13s\n",
		"rings alone,", "million", "50 %", "99 %", "99.9 %", "longest", "questions",
		"quarantined", "us, send to receive", "msgs/s", "", "", "", "", "a million",
		"a million");
	for (unsigned int g = 0; g < results->group_count; g++)
		if (results->groups[g].contest->part == PART_LATENCY)
			print_latency(results, summary, g);
}

static void print_rings(const struct results *results, const struct summary *summary)
{
	if (results->options->parts[PART_RINGS])
		print_ring_rates(results, summary);
	if (results->options->parts[PART_LATENCY])
		print_latencies(results, summary);
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

	printf("\nHow to read this: each figure is the median of %u rounds of %.2g s, in which the"
	       "\npeers took turns in random order; channels hold %zu messages, threads are pinned."
	       "\nRings alone: %u rounds of %.2g s; a thread that finds one full or empty spins, then"
	       "\nyields; questions and quarantined cells are those that stopped threads caused."
	       "\nHeap is counted by interposing malloc; peak is a whole process with its channel once"
	       "\nfull; efficiency is then payload bytes / bytes taken from the system for payloads"
	       "\n(magring_pool_stats, mallinfo2). \"no slab\": the payload is inside the message.\n",
		results->rounds, options->seconds, options->capacity,
		results->rounds * contest_rings.times, options->seconds * contest_rings.share);
	if (results->placement == 0)
		printf("Where the CPUs were is not known: there is one, or no two probes agreed. Do not\n"
		       "trust the rates.\n");
	else
		printf("A cache line took %.0f ns from CPU to CPU; %u of %u rounds are left out because\n"
		       "it took 1.6 times as long, or as short, before or after them.\n",
			results->placement, results->rounds_left_out, results->rounds_in_all);
	if (results->others > 0.05 * cpus)
		printf("BUSY MACHINE: others used %.1f of the %u CPUs meanwhile, and the rates are"
		       " rough.\n",
			results->others, cpus);
	if (options->parts[PART_CHANNELS])
		printf("Half of the rounds of channels lie within %.0f %% of each other, in the row where they"
		       "\ndiffer most. ",
			summary->spread * 100);
	printf("All %.0f million messages arrived once and intact. %.0f s.\n",
		summary->checked / 1e6, results->seconds);
}

void report_print(const struct results *results, const struct summary *summary,
	const struct machine *machine)
{
	printf("%s, %u of %u CPUs%s%s\n%s, %s, %s, %s\n", machine->cpu, machine->allowed,
		machine->cpus, machine->governor[0] == '\0' ? "" : ", governor ", machine->governor,
		machine->system, machine->kernel, machine->libc, machine->compiler);
	print_rates(results, summary);
	if (results->options->parts[PART_CHANNELS])
		print_pairs(results, summary);
	print_rings(results, summary);
	print_bars(summary);
	print_reading(results, summary, machine->allowed);
}
