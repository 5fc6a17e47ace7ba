/* SPDX-License-Identifier: MIT */
/*
 * magring-arena: this library's queues beside others.
 *
 * Reading order: arena.h (what queues, settings and scenarios are), worker.h (threads, and how
 * messages prove that they arrived), scenarios/throughput.c (the model of a scenario), queues.c and
 * queues/ (who takes part), plan.c (which of it is measured), engine.c (the order of it
 * all), summary.c and statistics.c (what it amounts to), table.c and json.c (how it is told).
 * counters.c, control.c and conditions.c see what else happens meanwhile; canary.c is a queue
 * with an error. What is shared with magring-perf is in perf/.
 */
#include "control.h"
#include "counters.h"
#include "engine.h"
#include "json.h"
#include "machine.h"
#include "options.h"
#include "table.h"

int main(int argc, char **argv)
{
	struct options options;
	struct results results;
	struct machine machine;

	options_read(&options, argc, argv);
	if (options.list) {
		table_list(&options);
		return 0;
	}
	/* Before any library that takes part makes threads of its own. */
	counters_open();
	if (options.control != NULL)
		control_open(options.control);
	engine_plan(&results, &options);
	engine_run(&results);
	machine_read(&machine);
	table_print(&results, &machine);
	if (options.json != NULL)
		json_write(options.json, &results, &machine);
	engine_free(&results);
	return 0;
}
