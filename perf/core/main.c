/* SPDX-License-Identifier: MIT */
/*
 * magring-perf: this library's queues beside others.
 *
 * Reading order: perf.h (what queues, settings and scenarios are), worker.h (threads, and how
 * messages prove that they arrived), scenarios/throughput.c (the model of a scenario), queues/
 * (what takes part), plan.c (which of it is measured), engine.c (the order of it
 * all), summary.c and statistics.c (what it amounts to), report/ (how it is told).
 * counters.c, control.c and conditions.c see what else happens meanwhile; canary.c is a queue
 * with an error. workloads/ has what runs in processes of its own, by the first argument.
 */
#include "core/control.h"
#include "core/counters.h"
#include "core/engine.h"
#include "report/json.h"
#include "core/machine.h"
#include "core/options.h"
#include "report/table.h"
#include "report/verdict.h"
#include "workloads/commands.h"

#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int count, char **arguments);
} commands[] = {
	{ "payload", payload_main },
	{ "replay", replay_main },
	{ "phases", phases_main },
};

/* Groups whose tables fit beside the verdict. */
enum { FEW = 2 };

int main(int argc, char **argv)
{
	struct options options;
	struct results results;
	struct machine machine;

	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
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
	verdict_print(&results, &machine);
	if (options.all || results.group_count <= FEW)
		table_print(&results, &machine);
	if (options.json != NULL)
		json_write(options.json, &results, &machine);
	engine_free(&results);
	return 0;
}
